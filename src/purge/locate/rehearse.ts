/**
 * Trying out what makes full-text indexes again, before anything of them is given up: the snapshot's own definitions in
 * a database in memory, without rows. An index whose text or tokenizer cannot be had fails here, and not in a restore.
 */
import { constants, DatabaseSync } from 'node:sqlite';
import { reasonOf } from '../../errors.ts';
import type { Prepared } from './prepare.ts';

/** As the loader of SQLite dumps runs them: text of dumps may quote names like strings, and write `sqlite_schema`. */
const OPTIONS = {
  enableForeignKeyConstraints: false,
  enableDoubleQuotedStringLiterals: true,
  defensive: false,
} as const;

/** Rehearses each pair of definitions and script once, however many snapshots have it. */
export class Rehearsals {
  readonly #known = new Map<string, Promise<string | undefined>>();

  /** @returns why the script does not work behind the snapshot's definitions; undefined when it does */
  async of(prepared: Prepared, script: string, signal: AbortSignal): Promise<string | undefined> {
    const { manifest, reader } = prepared;
    const { writer, chain } = manifest.binding;
    const places: string[] = [writer, String(chain), script];
    for (const stream of manifest.streams)
      if (stream.section === 'pre-data' || stream.section === 'post-data')
        for await (const { pack, offset } of reader.segments(stream, signal))
          places.push(`${pack}/${offset}`);
    const key = JSON.stringify(places);
    const rehearsed = this.#known.get(key) ?? rehearse(prepared, script, signal);
    this.#known.set(key, rehearsed);
    return rehearsed;
  }
}

/** Runs the definitions, and then the script. */
async function rehearse(
  { manifest, reader }: Pick<Prepared, 'manifest' | 'reader'>,
  script: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const pieces: Buffer[] = [];
  for (const stream of manifest.streams)
    if (stream.section === 'pre-data' || stream.section === 'post-data')
      for await (const piece of reader.read(stream, signal)) pieces.push(piece);
  const db = new DatabaseSync(':memory:', OPTIONS);
  try {
    // No definition may open another file.
    const forbidden = new Set([constants.SQLITE_ATTACH, constants.SQLITE_DETACH]);
    db.setAuthorizer((action) => (forbidden.has(action) ? constants.SQLITE_DENY : constants.SQLITE_OK));
    db.exec(Buffer.concat(pieces).toString('utf8') + script);
    return undefined;
  } catch (error) {
    return reasonOf(error);
  } finally {
    db.close();
  }
}
