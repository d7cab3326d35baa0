/** `holdfast restore`: a snapshot into a new database or file. */
import type { Command } from 'commander';
import { HoldfastError } from '../../errors.ts';
import type { SnapshotName } from '../../restore/select.ts';
import type { CliContext } from '../context.ts';
import { canAsk } from '../terminal/io.ts';
import { parseSnapshotName, repeated, wholeNumber, withCopy, withReaderKey } from '../options.ts';
import { chosenKeys, withMatch } from '../restoring/paths.ts';
import { withExamples } from '../program.ts';
import { defaultTarget } from '../restoring/target.ts';
import { restoreOpened } from '../restoring/restoring.ts';
import type { RestoreFlags } from '../restoring/restoring.ts';
import { openSnapshot } from '../restoring/snapshot.ts';
import { withSuppression } from '../people/suppression.ts';

const JOBS_DEFAULT = 2;

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('restore')
    .argument(
      '[SET[@WHEN]]',
      'the snapshot; the latest when WHEN is left out; without it a terminal asks for everything',
      parseSnapshotName,
    )
    .description('load a snapshot into a new database or file; never over anything')
    .option(
      '--to <URL|PATH>',
      'new database URL, database file, folder, or .sql, .tar or .rdb file (default: a new name beside the source)',
    )
    .option('-t, --table <TABLE>', 'load the rows of this table only; may be repeated', repeated, [])
    .option('-p, --path <PATH>', 'files: only this path, and all below it; may be repeated', repeated, [])
    .option('-j, --jobs <N>', 'parallel sessions', wholeNumber(1, 64), JOBS_DEFAULT)
    .option('-n, --dry-run', 'show what would be done, how much, how long, and what is missing on the target')
    .option('--globals', 'also create users, roles and tablespaces that the target lacks')
    .option('--no-owner', 'leave out ownership and grants')
    .option(
      '--swap <NAME>',
      'at the end give it the name of the one in use, which is set aside; the name has to be typed again',
    )
    .option('--resume', 'PostgreSQL: go on with the same restore that was cut off; complete tables are kept')
    .option('--end-sessions', 'with --swap: end the sessions of the one in use')
    .option('-y, --yes', 'with --swap: ask nothing')
    .option('--accept-rollback', 'go on although the store shows less than this machine has seen')
    .action((name: SnapshotName | undefined, flags: RestoreFlags) =>
      name === undefined ? guide(context, flags) : restore(context, name, flags),
    );
  withExamples(withSuppression(withCopy(withReaderKey(withMatch(command)))), [
    ['holdfast restore', 'asks what, when and where to, and shows what it will take'],
    ['holdfast restore shop --key ops.key', 'the latest, into a new database'],
    ['holdfast restore shop@2026-11-20 --to postgres://db2/shop_old --key ops.key', 'a day, to a place'],
    [
      'holdfast restore shop --to postgres://db2/shop_new --resume --key ops.key',
      'go on with one that was cut off',
    ],
    ['holdfast restore shop --to shop.sql --key ops.key', 'as plain SQL'],
    ["holdfast restore cache --match 'user:42:*' --to part.rdb --key ops.key", 'some keys, for redis-server'],
    ['holdfast restore shop --swap shop --key ops.key', 'and then takes its place, with a way back'],
    ['holdfast restore shop --copy offsite --key ops.key', 'when the store itself is gone'],
  ]);
}

async function restore(context: CliContext, name: SnapshotName, flags: RestoreFlags): Promise<void> {
  await using whole = await openSnapshot(context, name, flags);
  const opened = { ...whole, reader: await chosenKeys(whole.reader, flags) };
  const to = flags.to ?? (await defaultTarget(context, opened));
  const kind = opened.reader.source.kind;
  if (/^[a-z]+:\/\/[^/@]*:[^/@]+@/.test(flags.to ?? '')) {
    const mysql = 'a file, and name that as ?password-file=/PATH';
    const better = kind === 'mysql' ? mysql : kind === 'redis' ? 'REDISCLI_AUTH' : '~/.pgpass';
    context.output.warn(`a password in --to can be read by everybody on this machine; put it into ${better}`);
  }
  await restoreOpened(context, opened, to, flags);
}

/** Nobody knows options by heart at night. */
async function guide(context: CliContext, flags: RestoreFlags): Promise<void> {
  if (!canAsk(context.io) || context.json) throw setNeeded();
  const { guidedRestore } = await import('../restoring/guided/restore.ts');
  await guidedRestore(context, flags);
}

function setNeeded(): HoldfastError {
  return new HoldfastError({
    code: 'USAGE',
    exit: 'usage',
    message: "missing required argument 'SET[@WHEN]'",
    hint: 'Say which set: `holdfast snapshots` lists them. On a terminal `holdfast restore` alone asks for everything.',
  });
}
