/** `holdfast seal`: any other export that leaves the server, as OpenPGP to the recipients, and in the ledger. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { HoldfastError } from '../../errors.ts';
import type { Destination, SealReport } from '../../seal/seal.ts';
import type { Store } from '../../stores/store.ts';
import type { Config } from '../../config/config.ts';
import type { CliContext } from '../context.ts';
import { formatBytes, formatPlural } from '../terminal/format.ts';
import { reference, repeated } from '../options.ts';
import { withExamples } from '../program.ts';
import { openExport, sealingAuthor, sealingRecipients, ttlDays } from '../expiring/sealing.ts';
import { openConfiguredSession } from '../wiring.ts';

interface SealFlags {
  readonly output?: string;
  readonly store?: boolean;
  readonly ttl?: number;
  readonly recipient: readonly string[];
  readonly only?: boolean;
  readonly ref?: string;
  readonly key?: string;
}

/** How long an export lies in the store when nobody says. */
const TTL_DAYS = 7;

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('seal')
    .argument('<FILE...>', 'what leaves the server; - is what comes through stdin')
    .description('seal an export to the recipients as an OpenPGP message, and record that in the ledger')
    .option('-o, --output <FILE>', 'the sealed file (default: FILE.pgp; of stdin: stdout)')
    .option('--store', 'put it into the store, where it ends by itself')
    .option('--ttl <DAYS>', `with --store: its life (default: ${TTL_DAYS}d)`, ttlDays)
    .option('--recipient <KEYFILE>', 'public key of a further recipient; may be repeated', repeated, [])
    .option('--only', 'for those of --recipient alone: nobody else can open it, not even you')
    .option('--ref <TEXT>', 'ticket or letter, for the ledger, which everybody can read: no names', reference)
    .option('--key <FILE>', 'private key that signs, where there is no signing_key (default: $HOLDFAST_KEY)')
    .action((files: string[], flags: SealFlags) => sealAll(context, files, flags));
  withExamples(command, [
    ['holdfast seal report.csv', 'makes report.csv.pgp; gpg -d opens it'],
    [
      'mysqldump shop | holdfast seal - -o shop.sql.pgp --recipient vendor.asc',
      'a dump for somebody else, too',
    ],
    ['holdfast seal report.csv --store --ttl 7d --ref TICKET-7', 'in the store, for a week'],
  ]);
}

async function sealAll(context: CliContext, files: readonly string[], flags: SealFlags): Promise<void> {
  mustFit(context, files, flags);
  const config = await context.config();
  const recipients = await sealingRecipients(context, config, flags);
  const author = await sealingAuthor(context, config, flags);
  const { seal } = await import('../../seal/seal.ts');
  await using opened = await openConfiguredSession(context, [author.signer.toPublic()]);
  const { session } = opened;
  for (const name of files) {
    const content = await openExport(context, name);
    const destination = await destinationOf(context, config, session.store, name, flags);
    const task = context.progress.start(`sealing ${name}`, content.bytes);
    try {
      const onProgress = (bytes: number): void => task.add(bytes);
      const report = await seal(
        { session, author, recipients, content, destination, ref: flags.ref, onProgress },
        context.signal,
      );
      task.end();
      tell(context, name, destination, report);
    } finally {
      task.end();
    }
  }
  context.output.summary({ sealed: files.length });
}

function mustFit(
  { io, json }: CliContext,
  files: readonly string[],
  { output: out, store, ttl }: SealFlags,
): void {
  const wrong = (message: string, hint: string) =>
    new HoldfastError({ code: 'USAGE', exit: 'usage', message, hint });
  if (store === true && out !== undefined)
    throw wrong('--store and -o are two places', 'Give one of them; run it twice for both.');
  if (ttl !== undefined && store !== true)
    throw wrong('--ttl is for --store: nothing ends a file by itself', 'Add --store, or leave --ttl out.');
  if (out !== undefined && files.length > 1)
    throw wrong('-o names one file for several', 'Leave -o out: each becomes FILE.pgp.');
  if (files.filter((name) => name === '-').length > 1)
    throw wrong('stdin can be read once only', 'Name - once.');
  const toStdout = store !== true && (out === '-' || (out === undefined && files.includes('-')));
  if (!toStdout) return;
  if (io.stdout.isTTY === true)
    throw wrong('a sealed message is no text for a terminal', 'Name a file with -o FILE, or pipe it on.');
  if (json) throw wrong('stdout is the sealed message, so there is no --json', 'Name a file with -o FILE.');
}

async function destinationOf(
  { output }: CliContext,
  config: Config,
  store: Store,
  name: string,
  { output: out, store: intoStore, ttl = TTL_DAYS }: SealFlags,
): Promise<Destination> {
  if (intoStore === true) {
    await mustEnd(config, store, ttl);
    return { to: 'store', days: ttl };
  }
  if (out === '-' || (out === undefined && name === '-'))
    return { to: 'pipe', write: (bytes) => output.write(bytes) };
  return { to: 'file', path: resolve(out ?? `${name}.pgp`) };
}

/** A bucket ends what it has a rule for, and `init` and `store lifecycle apply` make those that the sets need. */
async function mustEnd(config: Config, { bucket }: Store, days: number): Promise<void> {
  if (bucket === undefined) return;
  const { livesInUse } = await import('../../retention/lifecycle.ts');
  const { livesTooLong } = await import('../../seal/errors.ts');
  const { policiesOf } = await import('../posture/lifecycle.ts');
  const longest = livesInUse(policiesOf(config.sets.values()), []).at(-1) ?? 0;
  if (days > longest) throw livesTooLong(days, longest);
}

function tell({ output }: CliContext, name: string, destination: Destination, report: SealReport): void {
  const { id, to, recipients, end, bytes, plainBytes, sha256 } = report;
  const whom = `${formatBytes(bytes)} for ${formatPlural(recipients.length, 'recipient')}`;
  if (destination.to === 'pipe') output.note(`sealed ${whom}; ${id} in the ledger`);
  else if (destination.to === 'file')
    output.line(`sealed ${name} as ${destination.path}, ${whom}; ${id} in the ledger`);
  else
    output.line(
      `sealed ${name} into the store until ${end?.slice(0, 10) ?? ''}, ${whom}; to open it: holdfast unseal ${id}`,
    );
  if (destination.to === 'pipe') return;
  const path = destination.to === 'file' ? { path: destination.path } : {};
  output.record({
    type: 'sealed',
    ...{ id, file: name, to, ...path, sha256, bytes, plain_bytes: plainBytes, recipients },
    ...(end !== undefined && { end }),
  });
}
