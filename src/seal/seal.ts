/**
 * `seal`: an export leaves the server as an OpenPGP message to the recipients, and the ledger says so. What goes into a file
 * or into the store gets its name, or can be found, only after its line is in the ledger; what goes through a pipe is announced
 * before the first byte.
 */
import { randomBytes } from 'node:crypto';
import { newSnapshotId } from '../repository/layout.ts';
import { endOfPromise } from '../repository/rules.ts';
import type { Session } from '../repository/session.ts';
import type { openpgp } from '../openpgp/library.ts';
import type { Store } from '../stores/store.ts';
import { sealedMessage } from './message.ts';
import type { Export, SealedFacts, SealedMessage } from './message.ts';
import { beginFile } from './output-file.ts';
import { record } from './record.ts';
import type { Author } from './record.ts';
import { putParts } from './store-parts.ts';

export type { Export } from './message.ts';
export type { Author } from './record.ts';

export type Destination =
  | { readonly to: 'file'; /** Absolute. */ readonly path: string }
  | { readonly to: 'pipe'; readonly write: (bytes: Uint8Array) => Promise<void> }
  | { readonly to: 'store'; /** Its life. */ readonly days: number };

export interface SealOptions {
  readonly session: Session<Store>;
  readonly author: Author;
  readonly recipients: readonly openpgp.PublicKey[];
  readonly content: Export;
  readonly destination: Destination;
  /** Free text for the ledger; names nobody. */
  readonly ref: string | undefined;
  readonly onProgress: (plainBytes: number) => void;
}

export interface SealReport extends SealedFacts {
  readonly id: string;
  readonly to: Destination['to'];
  readonly recipients: readonly string[];
  /** In the store: until when it is there at least. */
  readonly end?: string;
}

/**
 * Seals one export.
 * @throws HoldfastError SEAL_TARGET_EXISTS, SEAL_NOT_WRITTEN, SEAL_EMPTY, SEAL_INCOMPLETE, LEDGER_*, and what the store throws
 */
export async function seal(options: SealOptions, signal: AbortSignal): Promise<SealReport> {
  const { session, author, recipients, content, destination, ref, onProgress } = options;
  const began = await session.store.now(signal);
  const id = newSnapshotId(began, randomBytes(4));
  const to = recipients.map((key) => key.getFingerprint());
  const shared = { id, recipients: to, ...(ref !== undefined && { ref }) };
  const message = sealedMessage(content, recipients, author.signer, onProgress, signal);
  const done = async (stored?: object): Promise<SealedFacts> => {
    const { sha256, bytes, plainBytes } = message.facts();
    const event = { type: 'sealed', note: true, ...shared, to: destination.to, sha256, bytes, ...stored };
    await record(session, author, event, signal);
    return { sha256, bytes, plainBytes };
  };
  const report = (facts: SealedFacts): SealReport => ({ id, to: destination.to, recipients: to, ...facts });
  switch (destination.to) {
    case 'file':
      return report(await intoFile(message, destination.path, done));
    case 'pipe':
      await throughPipe(message, destination.write, () =>
        record(session, author, { type: 'seal-begun', note: true, ...shared }, signal),
      );
      return report(await done());
    case 'store': {
      const { days } = destination;
      const parts = await putParts(session.store, { id, days }, message.pieces, signal);
      const end = endOfPromise(began, days).toISOString();
      return { ...report(await done({ stored: { keep_days: days, parts, end } })), end };
    }
  }
}

/**
 * Seals into a file without a word in the ledger: for what says nothing about anybody, when the store cannot be reached.
 * @throws HoldfastError SEAL_TARGET_EXISTS, SEAL_NOT_WRITTEN
 */
export async function sealUnrecorded(
  content: Export,
  recipients: readonly openpgp.PublicKey[],
  signer: openpgp.PrivateKey,
  path: string,
  signal: AbortSignal,
): Promise<SealedFacts> {
  const message = sealedMessage(content, recipients, signer, () => undefined, signal);
  return intoFile(message, path, () => Promise.resolve(message.facts()));
}

async function intoFile(
  message: SealedMessage,
  path: string,
  done: () => Promise<SealedFacts>,
): Promise<SealedFacts> {
  await using file = await beginFile(path);
  for await (const piece of message.pieces) await file.write(piece);
  await file.settle();
  const facts = await done();
  await file.commit();
  return facts;
}

/** The first piece is made before anything is said: where nothing comes, nothing has left. */
async function throughPipe(
  { pieces }: SealedMessage,
  write: (bytes: Uint8Array) => Promise<void>,
  announce: () => Promise<void>,
): Promise<void> {
  let isAnnounced = false;
  for await (const piece of pieces) {
    if (!isAnnounced) await announce();
    isAnnounced = true;
    await write(piece);
  }
}
