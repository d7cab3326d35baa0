/** A snapshot as one SQL script, for `cat` and for restores into a file. */
import { randomBytes } from 'node:crypto';
import { open, rename, rm, stat } from 'node:fs/promises';
import { throwIfCancelled } from '../errors.ts';
import type { DumpReader, StoredStream } from '../sources/source.ts';
import { targetOccupied, targetUnwritable } from './errors.ts';
import { selectTables } from './select.ts';

export interface ScriptOptions {
  /** Only the data of these tables; the whole dump when undefined. */
  readonly tables?: readonly string[];
  /** Roles and tablespaces of the server first. */
  readonly globals: boolean;
}

/** The streams that make the script. */
export function scriptStreams(dump: DumpReader, { tables, globals }: ScriptOptions): readonly StoredStream[] {
  if (tables !== undefined) return selectTables(dump.streams, tables);
  return dump.streams.filter((stream) => globals || stream.section !== 'globals');
}

/**
 * The script's bytes.
 *
 * A dump is code. For PostgreSQL the script is wrapped in `\restrict KEY` … `\unrestrict KEY` with a fresh random
 * key, so that psql (since August 2025) runs no meta-command that somebody may have planted in it; the backup has
 * refused such commands already.
 */
export async function* script(
  dump: DumpReader,
  options: ScriptOptions,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const streams = scriptStreams(dump, options);
  const restricted = dump.source.kind === 'postgres';
  const key = randomBytes(24).toString('hex');
  if (restricted) yield Buffer.from(`\\restrict ${key}\n`);
  for (const stream of streams) {
    for await (const piece of dump.read(stream, signal)) {
      throwIfCancelled(signal);
      yield piece;
    }
  }
  if (restricted) yield Buffer.from(`\\unrestrict ${key}\n`);
}

/**
 * Writes the script to a new file, which is there whole or not at all.
 * @throws HoldfastError TARGET_OCCUPIED when something is at that path, TARGET_UNWRITABLE
 */
export async function writeScript(
  file: string,
  pieces: AsyncIterable<Buffer>,
  onBytes: (bytes: number) => void,
): Promise<void> {
  await refuseOccupiedFile(file);
  const temporary = `${file}.restoring-${process.pid}`;
  const failed = (cause: unknown): never => {
    throw targetUnwritable(file, cause);
  };
  const handle = await open(temporary, 'wx', 0o600).catch(failed);
  try {
    for await (const piece of pieces) {
      // Not `write`, which may take only a part.
      await handle.appendFile(piece).catch(failed);
      onBytes(piece.length);
    }
    await handle.sync().catch(failed);
    await handle.close();
    // A rename replaces whatever has come meanwhile.
    await refuseOccupiedFile(file);
    await rename(temporary, file);
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
}

export async function refuseOccupiedFile(file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found && !(found.isFile() && found.size === 0)) throw targetOccupied(file);
}
