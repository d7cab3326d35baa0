/** `restore --resume`: what makes two restores the same one, and where there is something to go on with. */
import { createHash } from 'node:crypto';
import { HoldfastError } from '../../errors.ts';
import { currentOf } from '../../repository/catalog.ts';
import type { RestoreIdentity, SourceKind } from '../../sources/source.ts';
import type { OpenedSnapshot } from './snapshot.ts';

export interface ResumeFlags {
  readonly resume?: boolean;
}

/** What decides which rows a restore writes, and how: nothing that an interrupted run wrote may differ from it. */
export function identityOf(
  { set, item, reader, purges }: OpenedSnapshot,
  { table, owner }: { readonly table: readonly string[]; readonly owner: boolean },
): RestoreIdentity {
  const { snapshot } = item.entry;
  const streams = reader.streams.map(({ name, rows, bytes }) => [name, rows, bytes]);
  const all = [
    set.name,
    snapshot,
    currentOf(item).revision,
    [...purges].sort(),
    [...table].sort(),
    owner,
    streams,
  ];
  const id = createHash('sha256').update(JSON.stringify(all)).digest('hex').slice(0, 32);
  return { label: `${set.name}@${snapshot}`, id };
}

/**
 * Stops where an interrupted restore leaves nothing that one could go on with.
 * @param isFile - text is written, or a file from which a server starts
 * @throws HoldfastError RESUME_NOT_HERE
 */
export function mustKnowResume(kind: SourceKind, isFile: boolean, { resume }: ResumeFlags): void {
  if (resume !== true || (kind === 'postgres' && !isFile)) return;
  const { message, hint } = isFile ? AS_FILE : (REASONS[kind] ?? AS_FILE);
  throw new HoldfastError({ code: 'RESUME_NOT_HERE', exit: 'usage', message, hint });
}

const AS_FILE = {
  message: '--resume is for databases of PostgreSQL: a file gets its name only when it is whole',
  hint: 'Run the same command without --resume; nothing is in its way.',
};

const REASONS: Partial<Readonly<Record<SourceKind, { readonly message: string; readonly hint: string }>>> = {
  sqlite: AS_FILE,
  files: {
    message: '--resume is for databases of PostgreSQL: a folder gets its name only when it is whole',
    hint: 'Run the same command without --resume; nothing is in its way.',
  },
  mysql: {
    message:
      '--resume is for databases of PostgreSQL: MySQL and MariaDB cannot tell what a killed restore has left',
    hint: 'Look at what is in the target, drop it if it is of the restore that was cut off, and run the same command without --resume.',
  },
  redis: {
    message: '--resume is for databases of PostgreSQL: a Redis server cannot tell whose keys it holds',
    hint: 'Look at what the server holds, empty it if that is of the restore that was cut off, and run the same command without --resume.',
  },
};
