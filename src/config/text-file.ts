/** Small text files from outside: read with a limit, in UTF-8, with a reason for people when it fails. */
import { open } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { reasonOf } from '../errors.ts';

export interface TextFile {
  readonly text: string;
  readonly stat: Stats;
}

/** Why a file could not be read, as half a sentence: `it is a folder`. */
export class TextFileError extends Error {
  readonly missing: boolean;

  constructor(reason: string, missing = false) {
    super(reason);
    this.missing = missing;
  }
}

/**
 * Reads a whole text file; a pipe (`<(…)` of a shell) is welcome, a folder is not. Throws TextFileError.
 *
 * @param bytesMax - a larger file is refused after this many bytes
 */
export async function readTextFile(path: string, bytesMax: number): Promise<TextFile> {
  try {
    await using file = await open(path, 'r');
    const stat = await file.stat();
    if (stat.isDirectory()) throw new TextFileError('it is a folder');
    const chunks: Buffer[] = [];
    let bytes = 0;
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(64 * 1024), 0, 64 * 1024);
      if (bytesRead === 0) break;
      bytes += bytesRead;
      if (bytes > bytesMax) throw new TextFileError(`it is larger than ${bytesMax / 1024} KiB`);
      chunks.push(buffer.subarray(0, bytesRead));
    }
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)), stat };
  } catch (error) {
    throw error instanceof TextFileError ? error : explained(error);
  }
}

function explained(error: unknown): TextFileError {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') return new TextFileError('there is no such file', true);
  if (code === 'EACCES' || code === 'EPERM') return new TextFileError('permission denied');
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return new TextFileError('it is not text in UTF-8');
  return new TextFileError(reasonOf(error));
}
