/** `holdfast cat`: a snapshot as SQL on stdout. */
import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { chosenKeys, mustFitPaths, withMatch } from '../restoring/paths.ts';
import type { MatchFlags } from '../restoring/paths.ts';
import { parseSnapshotName, repeated, withCopy, withReaderKey } from '../options.ts';
import { withExamples } from '../program.ts';
import { openSnapshot } from '../restoring/snapshot.ts';
import type { OpenedSnapshot, OpenSnapshotOptions } from '../restoring/snapshot.ts';
import { tablesMeant } from '../restoring/tables.ts';
import { withSuppression } from '../people/suppression.ts';
import type { SnapshotName } from '../../restore/select.ts';

interface CatFlags extends OpenSnapshotOptions, MatchFlags {
  readonly globals?: boolean;
  readonly path?: string;
}

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('cat')
    .argument('<SET[@WHEN]>', 'the snapshot; the latest when WHEN is left out', parseSnapshotName)
    .description('print the dump as SQL, or for files as a tar archive')
    .option('-t, --table <TABLE>', 'only the rows of this table; may be repeated', repeated, [])
    .option('-p, --path <PATH>', 'files: what is in this file')
    .option('--globals', 'roles and tablespaces of the server first')
    .option('--accept-rollback', 'go on although the store shows less than this machine has seen')
    .action((name: SnapshotName, flags: CatFlags) => cat(context, name, flags));
  withExamples(withSuppression(withCopy(withReaderKey(withMatch(command)))), [
    ['holdfast cat shop --key ops.key | psql newdb', 'load it by hand'],
    ['holdfast cat shop@2026-11-21 --table orders --key ops.key', 'one table of a day'],
    [
      "holdfast cat cache --match 'user:42:*' --key ops.key | redis-cli",
      'some keys, into a server that runs',
    ],
    ['holdfast cat uploads --path img/a.png --key ops.key > a.png', 'one file'],
  ]);
}

async function cat(context: CliContext, name: SnapshotName, flags: CatFlags): Promise<void> {
  await using opened = await openSnapshot(context, name, flags);
  const dump = await chosenKeys(opened.reader, flags);
  if (flags.path !== undefined) {
    await catFile(context, opened, flags.path);
    return;
  }
  const { script } = await import('../../restore/script.ts');
  const tables = await tablesMeant(dump, flags.table, context.signal);
  const options = { globals: flags.globals === true, ...(tables.length > 0 && { tables }) };
  for await (const piece of script(dump, options, context.signal)) await context.output.write(piece);
}

async function catFile(context: CliContext, { reader }: OpenedSnapshot, path: string): Promise<void> {
  mustFitPaths(reader.source.kind, false, [path]);
  const { readStoredFile } = await import('../../sources/files/loader.ts');
  for await (const piece of readStoredFile(reader, path, context.signal)) await context.output.write(piece);
}
