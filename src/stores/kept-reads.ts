/**
 * What was read of a store, in a file: for the next command, which reads the same again. Bytes as they lie in the store,
 * where they are sealed; a file that is not there, or not as it was written, is none.
 *
 * First a line of JSON: key, offset, length and SHA-256 of each read; then all of them, one behind the other.
 */
import { hash, randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { z } from 'zod';
import type { Piece } from './recent.ts';

const LF = 10;

const headSchema = z.array(
  z.tuple([z.string(), z.int().nonnegative(), z.int().nonnegative(), z.string().regex(/^[0-9a-f]{64}$/)]),
);

/** Writes them for this user only, in the place of what was there. */
export async function writeReads(file: string, pieces: readonly Piece[]): Promise<void> {
  const head = pieces.map(({ key, offset, bytes }) => [key, offset, bytes.length, sha256Of(bytes)]);
  const temporary = `${file}.${process.pid}-${randomBytes(4).toString('hex')}.new`;
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(head)}\n`);
      for (const { bytes } of pieces) await handle.writeFile(bytes);
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Reads them; those that are not as they were written are left out. */
export async function readReads(file: string): Promise<Piece[]> {
  let content: Buffer;
  try {
    content = await readFile(file);
  } catch {
    return [];
  }
  const end = content.indexOf(LF);
  const head = headSchema.safeParse(parse(content.toString('utf8', 0, Math.max(0, end))));
  let at = end + 1;
  return (head.data ?? []).flatMap(([key, offset, length, sha256]): Piece[] => {
    const bytes = content.subarray(at, (at += length));
    return bytes.length === length && sha256Of(bytes) === sha256 ? [{ key, offset, bytes }] : [];
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function sha256Of(bytes: Buffer): string {
  return hash('sha256', bytes, 'hex');
}
