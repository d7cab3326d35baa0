/** What every contestant is asked to do, so that all are measured by the same hand. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Command } from '../measure.ts';
import type { Environment } from '../processes.ts';

/** An empty folder to work in, and the database to back up. */
export interface Place {
  readonly folder: string;
  /** A clean environment: PATH, locale, HOME inside the folder. */
  readonly env: Environment;
  readonly databaseUrl: string;
  /** The server's URL for databases that do not exist yet. */
  urlOf(database: string): string;
  readonly signal: AbortSignal;
}

export interface Contestant {
  readonly name: string;
  /** Creates keys and an empty repository (not measured). */
  open(place: Place): Promise<Repository>;
}

/** Commands of one repository. `label` names a backup: `day1`. */
export interface Repository {
  backup(label: string): Command;
  /** The dump as SQL on standard output; absent where a contestant stores nothing. */
  readonly cat?: (label: string) => Command;
  /** Creates the database `copy` and loads the backup into it. */
  readonly restore?: (label: string, copy: string) => Command;
  /** Size of the repository without caches, bytes. */
  storedBytes(): Promise<number>;
  /** Ends what the contestant left running. */
  readonly close?: () => Promise<void>;
}

const PIPELINES = fileURLToPath(new URL('pipelines.sh', import.meta.url));

/** A step of `pipelines.sh`; its variables come by the environment. */
export function pipeline(place: Place, step: string, variables: Environment): Command {
  const env = {
    ...place.env,
    DATABASE_URL: place.databaseUrl,
    MAINTENANCE_URL: place.urlOf('postgres'),
    ...variables,
  };
  return { argv: ['bash', PIPELINES, step], env, cwd: place.folder, output: 'discard' };
}

/** Sum of the sizes of all files below a folder, bytes. */
export async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async (file) => (await stat(join(file.parentPath, file.name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
