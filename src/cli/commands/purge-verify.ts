/** `holdfast purge verify`: a receipt against its signature, against the store, and against all that can be opened. */
import { setOf } from '../../config/config.ts';
import type { readReceipt } from '../../purge/evidence/receipt.ts';
import type { FullFindings } from '../../purge/evidence/verify-full.ts';
import type { CliContext } from '../context.ts';
import { formatBytes, formatCount, formatDuration, formatPlural, printable } from '../terminal/format.ts';
import { readInput } from '../terminal/input.ts';
import { openScratchLoader, openScratchSpace } from '../restoring/scratch.ts';
import { openConfiguredSession, readConfiguredKeys } from '../wiring.ts';
import { readPrivateKeys } from './keys-private.ts';

export interface VerifyFlags {
  readonly offline?: boolean;
  readonly full?: boolean;
  readonly scratch?: string;
  readonly key: readonly string[];
  readonly gpg?: boolean;
}

type SignedReceipt = Awaited<ReturnType<typeof readReceipt>>;

export async function verifyFile(context: CliContext, file: string, flags: VerifyFlags): Promise<void> {
  const { output } = context;
  const signed = await readSigned(context, file);
  const { id, set, finished, approval } = signed.receipt;
  output.line(`${file}: signed by ${signed.signer}; purge ${id} of ${set}, finished ${finished}`);
  if (approval) output.line(`${file}: approved by ${approval.by} at ${approval.time}`);
  else if ((await context.config()).promises.twoPerson === true)
    output.line('note     nobody else has approved it, which promises.two_person wants now');
  const found = flags.offline === true ? { problems: [], notes: [] } : await compare(context, signed);
  const full = flags.full === true ? await compareAll(context, signed, flags) : undefined;
  const problems = [...found.problems, ...(full?.problems ?? [])];
  for (const text of problems) output.line(`PROBLEM  ${printable(text)}`);
  for (const text of full?.unchecked ?? []) output.line(`UNKNOWN  ${printable(text)}`);
  for (const text of [...found.notes, ...(full?.notes ?? [])]) output.line(`note     ${printable(text)}`);
  if (flags.offline !== true && problems.length === 0) output.line('the store is as it says');
  if (full) showFull(context, full);
  if (problems.length > 0) context.exit('verification');
  else if (full && full.unchecked.length > 0) context.exit('unverifiable');
  const record = { ...found, ...(full && { full }) };
  output.record({ type: 'receipt', file, signer: signed.signer, ...record, receipt: signed.receipt });
  output.summary({
    ...{ set, id, problems: problems.length, offline: flags.offline === true },
    ...(full && { unchecked: full.unchecked.length, restored: full.restored.length }),
  });
}

async function readSigned(context: CliContext, file: string): Promise<SignedReceipt> {
  const { readReceipt: read } = await import('../../purge/evidence/receipt.ts');
  const { Trust } = await import('../../openpgp/trust.ts');
  const { recipients, formerRecipients, purgeSigners } = await readConfiguredKeys(await context.config());
  const operators = new Trust([...recipients, ...formerRecipients, ...purgeSigners]);
  const bytes = await readInput(file, 'Name the receipt that `holdfast purge apply` wrote.');
  return read(bytes, operators, file);
}

async function compare(context: CliContext, signed: SignedReceipt) {
  const { verifyReceipt } = await import('../../purge/evidence/verify.ts');
  const { openCopies } = await import('../copies/copies.ts');
  await using opened = await openConfiguredSession(context);
  const { session, config } = opened;
  const set = setOf(config, signed.receipt.set);
  await using copies = await openCopies(context, config, set);
  const places = copies.copies.map((copy) => ({ name: copy.name, store: copy.session.store }));
  return await verifyReceipt({ session, signed, copies: places }, context.signal);
}

async function compareAll(
  context: CliContext,
  { receipt }: SignedReceipt,
  flags: VerifyFlags,
): Promise<FullFindings> {
  const { verifyFull } = await import('../../purge/evidence/verify-full.ts');
  const { firstThatOpens } = await import('../../rotate/openers.ts');
  const { SegmentPool } = await import('../../segments/pool.ts');
  const { openCopies } = await import('../copies/copies.ts');
  const { openers } = await readPrivateKeys(context, flags);
  if (openers.length === 0) throw (await import('../../openpgp/errors.ts')).noPrivateKey();
  const opener = firstThatOpens(openers.map((one) => one.opener));
  await using opened = await openConfiguredSession(context, opener.certifiers);
  const { session, config } = opened;
  const set = setOf(config, receipt.set);
  await using copies = await openCopies(context, config, set);
  await using pool = SegmentPool.forReading();
  const task = context.progress.start(`checking purge ${receipt.id}`);
  try {
    return await verifyFull(
      {
        ...{ session, receipt, opener, pool },
        copies: copies.copies.map((copy) => ({ name: copy.name, store: copy.session.store })),
        openScratch: (source) => openScratchSpace(context, source, flags.scratch),
        openLoader: (source, target) => openScratchLoader(context, source, target, flags.scratch),
        ...(set.brokenReferences !== undefined && { referencesTaken: set.brokenReferences }),
        onStep: (text) => task.say(text),
        onProgress: (bytes, what) => {
          task.add(bytes);
          task.say(what);
        },
      },
      context.signal,
    );
  } finally {
    task.end();
  }
}

function showFull({ output }: CliContext, { searched, restored, unchecked, problems }: FullFindings): void {
  output.line(
    `searched ${formatPlural(searched.segments, 'segment')} (${formatBytes(searched.bytes)} of text) for what identifies them`,
  );
  for (const { snapshot, into, tables, rows, milliseconds } of restored)
    output.line(
      `restored ${snapshot} into ${into}: ${formatPlural(tables, 'table')}, ${formatCount(rows)} rows, constraints hold; ${formatDuration(milliseconds)}`,
    );
  if (problems.length > 0) return;
  output.line(
    unchecked.length > 0
      ? 'NOT EVERYTHING COULD BE CHECKED: see UNKNOWN'
      : 'they are in nothing that can be opened, but for what is noted',
  );
}
