/** `unseal`: opens what `seal` has made, from a file, a pipe or the store. */
import { createHash } from 'node:crypto';
import { throwIfCancelled } from '../errors.ts';
import { damaged } from '../openpgp/errors.ts';
import type { StreamOpener } from '../openpgp/message.ts';
import { openStream } from '../openpgp/open-stream.ts';
import type { OpenedStream } from '../openpgp/open-stream.ts';
import type { Trust } from '../openpgp/trust.ts';
import { readLedger } from '../repository/ledger.ts';
import { SEALED } from '../repository/layout.ts';
import { sealEvents } from '../repository/sealed.ts';
import type { SealDone, SealEvent } from '../repository/sealed.ts';
import { findRollback, readSeen, rememberSeen } from '../repository/seen.ts';
import { stateFolderOf } from '../repository/session.ts';
import type { Session } from '../repository/session.ts';
import { rolledBack } from '../repository/errors.ts';
import { noSuchSealed, notInStore, pastItsEnd } from './errors.ts';
import { getParts } from './store-parts.ts';

/** What was sealed, as the ledger tells it, oldest first. */
export interface SealedItem {
  readonly event: SealEvent;
  /** In the store, and not past its end. */
  readonly isThere: boolean;
}

/**
 * Everything that was ever sealed.
 * @throws HoldfastError LEDGER_BROKEN, ROLLED_BACK
 */
export async function listSealed(session: Session, signal: AbortSignal): Promise<SealedItem[]> {
  const ledger = await readLedger(session, SEALED, signal);
  const now = await session.store.now(signal);
  const state = stateFolderOf(session, SEALED);
  const [problem] = findRollback(await readSeen(state), {}, ledger, now);
  if (problem !== undefined) throw rolledBack(SEALED, problem);
  await rememberSeen(state, {}, ledger.heads);
  const events = sealEvents(ledger);
  const done = new Set(events.flatMap(({ type, id }) => (type === 'sealed' ? [id] : [])));
  return events
    .filter(({ type, id }) => type === 'sealed' || !done.has(id))
    .map((event) => ({ event, isThere: endOf(event) > now.toISOString() }));
}

function endOf(event: SealEvent): string {
  return event.type === 'sealed' ? (event.stored?.end ?? '') : '';
}

export interface StoredMessage {
  readonly bytes: number;
  /** Ends with DAMAGED when it is not what the ledger says. */
  readonly pieces: AsyncIterable<Uint8Array>;
}

/**
 * A message that lies in the store.
 * @throws HoldfastError SEALED_UNKNOWN, SEALED_ELSEWHERE, SEALED_EXPIRED
 */
export async function storedMessage(
  session: Session,
  id: string,
  signal: AbortSignal,
): Promise<StoredMessage> {
  const item = (await listSealed(session, signal)).find(({ event }) => event.id === id);
  if (item?.event.type !== 'sealed') throw noSuchSealed(id);
  const { event, isThere } = item;
  if (event.to !== 'store' || event.stored === undefined)
    throw notInStore(id, event.to === 'pipe' ? 'pipe' : 'file');
  if (!isThere) throw pastItsEnd(id, event.stored.end);
  const { keep_days: days, parts } = event.stored;
  return { bytes: event.bytes, pieces: checked(event, getParts(session.store, { id, days, parts }, signal)) };
}

async function* checked(
  { id, sha256, bytes }: SealDone,
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let count = 0;
  for await (const piece of pieces) {
    hash.update(piece);
    count += piece.length;
    yield piece;
  }
  if (count !== bytes || hash.digest('hex') !== sha256)
    throw damaged(id, 'it is not what the ledger says that was put there');
}

/**
 * Opens a message.
 * @throws HoldfastError as `openStream`
 */
export function unseal(
  sealed: AsyncIterable<Uint8Array>,
  opener: StreamOpener,
  trust: Trust,
  what: string,
  signal: AbortSignal,
): Promise<OpenedStream> {
  const watched = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of sealed) {
      throwIfCancelled(signal);
      yield piece;
    }
  };
  return openStream(watched(), opener, trust, what);
}

/** A name from a message that is safe to give to a file here; undefined when it is none. */
export function safeName(filename: string): string | undefined {
  const isSafe =
    /^[^/\\\p{Cc}]+$/u.test(filename) && !filename.startsWith('.') && Buffer.byteLength(filename) <= 200;
  return isSafe ? filename : undefined;
}
