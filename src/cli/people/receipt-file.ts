/** Where the receipt of a purge is kept: nothing that is there is lost but what an interrupted run of it has left. */
import { readFile, rename, rm } from 'node:fs/promises';
import { HoldfastError, isHoldfastError } from '../../errors.ts';
import type { Trust } from '../../openpgp/trust.ts';
import { writePrivate } from '../commands/purge-keys.ts';

/**
 * Before anything is changed: the receipt can be written there.
 * @param id - of the purge: its own receipt of before may be in that place
 * @throws HoldfastError OUTPUT_NOT_WRITTEN
 */
export async function mustTakeReceipt(file: string, id: string, operators: Trust): Promise<void> {
  const found = await contentOf(file);
  if (found !== undefined && (await idIn(found, operators, file)) !== id) throw isThereAlready(file);
  await writePrivate(passing(file), '');
  await rm(passing(file), { force: true });
}

/** A run that goes on puts its receipt in the place of one that the ledger never named. */
export async function keepReceipt(file: string, receipt: Buffer, page: string): Promise<void> {
  for (const [name, bytes] of [
    [file, receipt],
    [`${file}.md`, page],
  ] as const) {
    await writePrivate(passing(name), bytes);
    await rename(passing(name), name);
  }
}

/** True when the file is the receipt with this hash. */
export async function isReceipt(file: string, sha256: string): Promise<boolean> {
  const { sha256Hex } = await import('../../repository/entry.ts');
  const found = await contentOf(file);
  return found !== undefined && sha256Hex(found) === sha256;
}

function passing(file: string): string {
  return `${file}.${process.pid}.new`;
}

async function contentOf(file: string): Promise<Buffer | undefined> {
  return readFile(file).catch(() => undefined);
}

async function idIn(bytes: Buffer, operators: Trust, file: string): Promise<string | undefined> {
  const { readReceipt } = await import('../../purge/evidence/receipt.ts');
  try {
    return (await readReceipt(bytes, operators, file)).receipt.id;
  } catch (error) {
    if (isHoldfastError(error)) return undefined;
    throw error;
  }
}

function isThereAlready(file: string): HoldfastError {
  return new HoldfastError({
    code: 'OUTPUT_NOT_WRITTEN',
    exit: 'usage',
    message: `cannot write ${file}: it is there already, and no receipt of this purge`,
    hint: 'Nothing was changed. Name a new file with -o.',
  });
}
