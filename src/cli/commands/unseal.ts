/** `holdfast unseal`: opens what `seal` has made, and lists it. */
import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { HoldfastError, isHoldfastError, reasonOf } from '../../errors.ts';
import type { OpenedStream } from '../../openpgp/open-stream.ts';
import { Trust } from '../../openpgp/trust.ts';
import { SNAPSHOT_ID } from '../../repository/layout.ts';
import type { Session } from '../../repository/session.ts';
import type { SealedItem } from '../../seal/unseal.ts';
import type { CliContext } from '../context.ts';
import { formatBytes, printable } from '../terminal/format.ts';
import { withReaderKey } from '../options.ts';
import type { ReaderKeyOptions } from '../options.ts';
import { withExamples } from '../program.ts';
import { readingFile, stdinOf } from '../expiring/sealing.ts';
import { openConfiguredSession, openReader, readConfiguredKeys } from '../wiring.ts';

interface UnsealFlags extends ReaderKeyOptions {
  readonly output?: string;
  readonly list?: boolean;
}

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('unseal')
    .argument('[FILE|ID]', 'a sealed file, the id of one in the store, or - for stdin')
    .description('open what seal has made; the signature says who made it')
    .option('-o, --output <FILE>', 'where to; - is stdout (default: the name that it had; of stdin: stdout)')
    .option('--list', 'what was ever sealed, and what of it lies in the store')
    .action((what: string | undefined, flags: UnsealFlags) =>
      flags.list === true ? list(context) : open(context, what, flags),
    );
  withExamples(withReaderKey(command), [
    ['holdfast unseal report.csv.pgp --key ops.key', 'makes report.csv'],
    ['holdfast unseal --list', 'no key is needed for that'],
    ['holdfast unseal 20261121T101500Z-9f3a01c4 -o report.csv --key ops.key', 'from the store'],
  ]);
}

async function list(context: CliContext): Promise<void> {
  const { listSealed } = await import('../../seal/unseal.ts');
  const { output } = context;
  await using opened = await openConfiguredSession(context);
  const items = await listSealed(opened.session, context.signal);
  const columns = [
    ...[{ title: 'ID' }, { title: 'TO' }, { title: 'SIZE', align: 'right' as const }, { title: 'UNTIL' }],
    ...[{ title: 'BY' }, { title: 'RECIPIENTS', align: 'right' as const }, { title: 'REF' }],
  ];
  if (items.length > 0) output.table(columns, items.map(row));
  else output.line('nothing was ever sealed');
  for (const { event, isThere } of items) {
    const { type, time, id, writer, signer, recipients, ref } = event;
    const done =
      type === 'sealed'
        ? { to: event.to, sha256: event.sha256, bytes: event.bytes, ...event.stored }
        : { to: 'pipe' };
    output.record({
      type: 'sealed',
      ...{ id, time, writer, signer, recipients, complete: type === 'sealed', in_store: isThere, ...done },
      ...(ref !== undefined && { ref }),
    });
  }
  output.summary({ sealed: items.length, in_store: items.filter(({ isThere }) => isThere).length });
}

function row({ event, isThere }: SealedItem): string[] {
  const { id, writer, recipients, ref = '' } = event;
  const [to, size, until] =
    event.type === 'sealed'
      ? [event.to, formatBytes(event.bytes), event.stored?.end.slice(0, 10) ?? '']
      : ['pipe', 'not complete', ''];
  const end = until === '' || isThere ? until : `over on ${until}`;
  return [id, to, size, end, writer, String(recipients.length), printable(ref)];
}

async function open(context: CliContext, what: string | undefined, flags: UnsealFlags): Promise<void> {
  if (what === undefined) throw unsealWhat();
  const place = await placeOf(what);
  const target = targetOf(what, place, flags.output);
  mustBeFit(context, target);
  const opener = await openReader(context, flags);
  await using source = await openSource(context, place, what, opener.certifiers);
  const { unseal } = await import('../../seal/unseal.ts');
  const opened = await unseal(source.pieces, opener, source.trust, what, context.signal);
  const task = context.progress.start(`opening ${what}`, source.bytes);
  try {
    const onProgress = (bytes: number): void => task.add(bytes);
    const named = place === 'store' && flags.output === undefined;
    const written = await give(context, opened, target, named, onProgress);
    task.end();
    const about = `${formatBytes(written.bytes)}, sealed by ${opened.signer()}`;
    if (target === '-') context.output.note(about);
    else {
      context.output.line(`opened ${what} as ${printable(written.path)}, ${about}`);
      context.output.record({ type: 'unsealed', from: what, ...written, signer: opened.signer() });
      context.output.summary({ unsealed: 1 });
    }
  } finally {
    task.end();
  }
}

type Place = 'file' | 'pipe' | 'store';

/** A file that is there goes before an id that looks like it. */
async function placeOf(what: string): Promise<Place> {
  if (what === '-') return 'pipe';
  try {
    await stat(resolve(what));
    return 'file';
  } catch (cause) {
    if (SNAPSHOT_ID.test(what)) return 'store';
    throw notThere(what, cause);
  }
}

interface UnsealSource extends AsyncDisposable {
  readonly pieces: AsyncIterable<Uint8Array>;
  readonly bytes: number | undefined;
  readonly trust: Trust;
}

async function openSource(
  context: CliContext,
  place: Place,
  what: string,
  certifiers: Parameters<typeof openConfiguredSession>[1],
): Promise<UnsealSource> {
  if (place !== 'store') {
    const trust = await trustedKeys(context, certifiers);
    if (place === 'pipe')
      return { pieces: stdinOf(context), bytes: undefined, trust, [Symbol.asyncDispose]: async () => {} };
    const { cannotReadInput } = await import('../../seal/errors.ts');
    const path = resolve(what);
    const found = await stat(path).catch((cause: unknown) => {
      throw cannotReadInput(what, cause);
    });
    const pieces = readingFile(path, (cause) => cannotReadInput(what, cause));
    return { pieces, bytes: found.size, trust, [Symbol.asyncDispose]: async () => {} };
  }
  const { storedMessage } = await import('../../seal/unseal.ts');
  const opened = await openConfiguredSession(context, certifiers);
  try {
    const { session } = opened;
    const stored = await storedMessage(session, what, context.signal);
    const close = () => opened[Symbol.asyncDispose]();
    return { ...stored, trust: session.ledgerTrust, [Symbol.asyncDispose]: close };
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}

/** Whose signatures count, as the store tells; where it cannot be asked, whom the configuration names. */
async function trustedKeys(
  context: CliContext,
  certifiers: Parameters<typeof openConfiguredSession>[1] = [],
): Promise<Trust> {
  try {
    await using opened = await openConfiguredSession(context, certifiers);
    const { ledgerTrust }: Session = opened.session;
    return ledgerTrust;
  } catch (error) {
    if (!isHoldfastError(error) || error.exit !== 'noStore') throw error;
    context.output.warn(`${error.message}: only keys that the configuration names are trusted`);
    const { recipients, formerRecipients, trustedSigners, purgeSigners } = await readConfiguredKeys(
      await context.config(),
    );
    return new Trust([...recipients, ...formerRecipients, ...trustedSigners, ...purgeSigners, ...certifiers]);
  }
}

/** The file, or `-` for stdout; of what lies in the store its id, until the name in the message can be believed. */
function targetOf(what: string, place: Place, out: string | undefined): string {
  if (out !== undefined) return out;
  if (place === 'pipe') return '-';
  if (place === 'store') return what;
  const [, name] = /^(.+)\.(?:pgp|gpg)$/i.exec(what) ?? [];
  if (name === undefined) throw nameIt(what);
  return name;
}

function mustBeFit({ json }: CliContext, target: string): void {
  if (target !== '-' || !json) return;
  throw new HoldfastError({
    code: 'USAGE',
    exit: 'usage',
    message: 'stdout is what was opened, so there is no --json',
    hint: 'Name a file with -o FILE.',
  });
}

/** stdout gets it as it comes, and the exit code says whether it was whole; a file is there only when it was. */
async function give(
  { output }: CliContext,
  opened: OpenedStream,
  target: string,
  named: boolean,
  onProgress: (bytes: number) => void,
): Promise<{ readonly path: string; readonly bytes: number }> {
  const { beginFile } = await import('../../seal/output-file.ts');
  const { safeName } = await import('../../seal/unseal.ts');
  let bytes = 0;
  const through = async (write: (piece: Uint8Array) => Promise<void>): Promise<void> => {
    for await (const piece of opened.plain) {
      await write(piece);
      bytes += piece.length;
      onProgress(piece.length);
    }
  };
  if (target === '-') {
    await through((piece) => output.write(piece));
    return { path: '-', bytes };
  }
  const begun = resolve(target);
  await using file = await beginFile(begun);
  await through((piece) => file.write(piece));
  const name = named ? safeName(opened.filename) : undefined;
  const path = await file.commit(name === undefined ? begun : join(dirname(begun), name));
  return { path, bytes };
}

const unsealWhat = () =>
  new HoldfastError({
    code: 'USAGE',
    exit: 'usage',
    message: 'nothing to open was named',
    hint: 'Name a file, or an id of: holdfast unseal --list',
  });

const notThere = (what: string, cause: unknown) =>
  new HoldfastError({
    code: 'SEALED_UNKNOWN',
    exit: 'usage',
    message: `${printable(what)} is no file that can be read (${reasonOf(cause)}), nor the id of something sealed`,
    hint: 'Check the path; the ids of what lies in the store are in: holdfast unseal --list',
    cause,
  });

const nameIt = (what: string) =>
  new HoldfastError({
    code: 'USAGE',
    exit: 'usage',
    message: `${what} does not end in .pgp, so nobody knows what to call what is in it`,
    hint: 'Say where to with -o FILE, or -o - for stdout.',
  });
