/** Writing the suppression of a purge: before its intent, so that whoever knows of the purge can tell whom it is about. */
import { randomBytes } from 'node:crypto';
import { MessageSealer } from '../openpgp/message.ts';
import { isSurvivable } from '../errors.ts';
import { signStatement, verifyStatement } from '../openpgp/statement.ts';
import type { openpgp } from '../openpgp/library.ts';
import { sha256Hex } from '../repository/entry.ts';
import { DAY_MS } from '../repository/rules.ts';
import type { Session } from '../repository/session.ts';
import type { Schema } from '../sources/schema.ts';
import type { Store } from '../stores/store.ts';
import type { Engine } from '../subjects/compare.ts';
import { parseSubjectMap } from '../subjects/parse.ts';
import { suppressionNotKept } from './errors.ts';
import { formatSuppression, listSuppression, sealedKey, suppressionFolder, tokensKey } from './objects.ts';
import type { Suppression, SuppressionRef } from './objects.ts';
import { makeTokens, parseTokens, tokensStatement } from './tokens.ts';

export interface PutSuppressionOptions {
  /** Of the newest snapshot; it says how values of the root table are compared. */
  readonly schema: Schema;
  readonly engine: Engine;
  /** Until the last copy of what the purge is about has ended: 1 to 9999. */
  readonly days: number;
  /** Who can restore. */
  readonly recipients: readonly openpgp.PublicKey[];
  /** A recipient or a purge signer. */
  readonly signer: openpgp.PrivateKey;
}

/**
 * Puts both objects and reads them back. Nothing is written over: called again for the same purge it writes another
 * pair, and the one counts that the ledger names.
 *
 * @param suppression - subjects with the root's key among what is known, where any snapshot has shown it
 * @returns what the `purge-intent` line carries as `suppression`
 */
export async function putSuppression(
  session: Session<Store>,
  set: string,
  suppression: Suppression,
  options: PutSuppressionOptions,
  signal: AbortSignal,
): Promise<SuppressionRef> {
  const { store, id } = session;
  const { purge, map: text, subjects } = suppression;
  const { days, schema, engine, recipients, signer } = options;
  const { map } = parseSubjectMap(text, `the map of purge ${purge}`);
  const key = (await sharedKey(session, set, signal)) ?? randomBytes(32).toString('hex');
  const tokens = makeTokens({ place: { store: id, set, purge }, map, subjects, schema, engine, key });
  const statement = await signStatement(tokensStatement(tokens), signer);
  const plain = formatSuppression({ store: id, set }, suppression, randomBytes(32).toString('hex'));
  const sealed = await new MessageSealer(recipients, signer).seal(plain);
  const ends = new Date((await store.now(signal)).getTime() + days * DAY_MS);
  const revision = await nextRevision(store, set, purge, signal);
  const folder = suppressionFolder(set, days);
  await putNew(store, sealedKey(folder, purge, revision), sealed, signal);
  await putNew(store, tokensKey(folder, purge, revision), statement, signal);
  return { content: sha256Hex(plain), tokens: sha256Hex(statement), ends: ends.toISOString() };
}

/** The key of the tokens that are there already, if an operator has signed them. */
async function sharedKey(
  { store, id, operators }: Session<Store>,
  set: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const listed = await listSuppression(store, set, signal);
  const newest = listed
    .filter(({ kind }) => kind === 'tokens')
    .sort((a, b) => b.modified.getTime() - a.modified.getTime());
  for (const { key, purge } of newest) {
    try {
      const { value } = await verifyStatement(await store.get(key, undefined, signal), operators, key);
      return parseTokens(value, { store: id, set, purge }, key).key;
    } catch (error) {
      if (!isSurvivable(error)) throw error;
    }
  }
  return undefined;
}

/** A revision that no object of this purge has, under any life. */
async function nextRevision(store: Store, set: string, purge: string, signal: AbortSignal): Promise<number> {
  const found = await listSuppression(store, set, signal);
  return Math.max(-1, ...found.filter((one) => one.purge === purge).map(({ revision }) => revision)) + 1;
}

/** @throws HoldfastError SUPPRESSION_NOT_KEPT when the store does not give back what it took */
export async function putNew(store: Store, key: string, bytes: Buffer, signal: AbortSignal): Promise<void> {
  await store.put(key, bytes, { ifAbsent: true }, signal);
  if (!(await store.get(key, undefined, signal)).equals(bytes)) throw suppressionNotKept(key);
}
