/** Folders for the PATH in which some programs are replaced by scripts. */
import { chmod, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { locateOrThrow } from './packages.ts';
import { tempFolder } from './temp.ts';

/** The folder with PostgreSQL's own programs. */
export const PG_PROGRAMS = dirname(locateOrThrow('postgres'));

/**
 * A PATH with PostgreSQL's programs, in which these are shell scripts instead; `$REAL` is the folder of the real ones.
 */
export async function pathWith(scripts: Readonly<Record<string, string>>): Promise<string> {
  const folder = await tempFolder('tools');
  for (const name of ['pg_dump', 'pg_dumpall', 'psql'].filter((tool) => !(tool in scripts))) {
    await symlink(join(PG_PROGRAMS, name), join(folder, name));
  }
  for (const [name, body] of Object.entries(scripts)) {
    await writeFile(join(folder, name), `#!/bin/sh\nREAL=${PG_PROGRAMS}\n${body}\n`);
    await chmod(join(folder, name), 0o755);
  }
  return `${folder}:${process.env['PATH'] ?? ''}`;
}

/** A tool that writes its pid into a file, one a line, unless asked for its version, and then becomes the real one. */
export function recorded(tool: string, file: string): string {
  return `[ "$1" = --version ] || echo $$ >>${file}\nexec "$REAL/${tool}" "$@"`;
}
