/** Nobody comes back: what stands between a snapshot and the verbs that give its rows out, and how a person overrides it. */
import type { Command } from 'commander';
import { HoldfastError } from '../../errors.ts';
import type { openpgp } from '../../openpgp/library.ts';
import type { Session } from '../../repository/session.ts';
import type { DumpReader } from '../../sources/source.ts';
import type { Store } from '../../stores/store.ts';
import type { WithoutOptions } from '../../suppression/without.ts';
import type { CliContext } from '../context.ts';
import { formatPlural } from '../terminal/format.ts';
import { readerKeyFile, repeated } from '../options.ts';
import type { ReaderKeyOptions } from '../options.ts';

/** What `withSuppression` adds. */
export interface SuppressionFlags {
  readonly withoutSuppression?: readonly string[];
  readonly withoutLedger?: string;
}

/** Adds the overrides: each names what it goes without. */
export function withSuppression(command: Command): Command {
  return command
    .option(
      '--without-suppression <PURGE>',
      'give out also whom this purge has erased; the ledger will say so; may be repeated',
      repeated,
      [],
    )
    .option(
      '--without-ledger <SET>',
      'go on although the ledger of this set is lost: somebody may come back; the ledger will say so',
    );
}

export interface Overrides {
  readonly allowed: readonly string[];
  readonly ledgerIsLost: boolean;
}

/**
 * What a person goes on without.
 * @throws HoldfastError SUPPRESSION_OVERRIDE when another set was typed than the one that is read
 */
export function readOverrides(set: string, flags: SuppressionFlags): Overrides {
  const typed = flags.withoutLedger;
  if (typed !== undefined && typed !== set)
    throw new HoldfastError({
      code: 'SUPPRESSION_OVERRIDE',
      exit: 'usage',
      message: `--without-ledger names ${typed}, and ${set} is to be read`,
      hint: `Type the name of the set whose ledger is lost: --without-ledger ${set}`,
    });
  return { allowed: flags.withoutSuppression ?? [], ledgerIsLost: typed !== undefined };
}

type Source = Omit<WithoutOptions, 'allowed' | 'ledgerIsLost' | 'session'> & {
  readonly session: Session<Store>;
};

/** The reader of a snapshot without those who were erased; overrides are in the ledger before it is given. */
export async function leaveOutPurged(
  context: CliContext,
  source: Source,
  { allowed, ledgerIsLost, options }: Overrides & { readonly options: ReaderKeyOptions },
): Promise<{ readonly reader: DumpReader; readonly purges: readonly string[] }> {
  const { withoutPurged } = await import('../../suppression/without.ts');
  const { output, signal } = context;
  const { reader, purges, rows } = await withoutPurged({ ...source, allowed, ledgerIsLost }, signal);
  if (allowed.length > 0 || ledgerIsLost) await record(context, source, { allowed, ledgerIsLost }, options);
  if (rows.deleted + rows.changed > 0)
    output.note(
      `left out whom ${formatPlural(purges.length, 'purge')} erased: ${formatPlural(rows.deleted, 'row')} gone, ${formatPlural(rows.changed, 'row')} changed`,
    );
  return { reader, purges };
}

async function record(
  context: CliContext,
  { session, set, item }: Source,
  { allowed, ledgerIsLost }: Overrides,
  options: ReaderKeyOptions,
): Promise<void> {
  const { recordOverride } = await import('../../suppression/override.ts');
  const signer = await readSigner(context, options);
  const what = { snapshot: item.entry.snapshot, purges: allowed, ledgerIsLost };
  await recordOverride(session, set, what, signer, context.signal);
  for (const purge of allowed) context.output.warn(`whom purge ${purge} erased is given out again`);
  if (ledgerIsLost)
    context.output.warn(`the ledger of set ${set} is lost: somebody who was erased may be given out again`);
}

/** The key that opens also signs: the ledger says who went on without. */
async function readSigner(context: CliContext, options: ReaderKeyOptions): Promise<openpgp.PrivateKey> {
  const file = readerKeyFile(options, context.env);
  if (file === undefined) throw (await import('../../suppression/errors.ts')).overrideNeedsKey();
  const { readPrivate } = await import('../commands/keys-private.ts');
  return readPrivate(context, file);
}
