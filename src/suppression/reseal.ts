/**
 * Suppression for other recipients: without it, a new recipient could open snapshots and not tell who must be left out,
 * and a former one could still read who was erased.
 */
import { isSurvivable, reasonOf } from '../errors.ts';
import { isSealedTo, MessageSealer } from '../openpgp/message.ts';
import type { MessageOpener } from '../openpgp/message.ts';
import type { openpgp } from '../openpgp/library.ts';
import { sha256Hex } from '../repository/entry.ts';
import type { Ledger } from '../repository/ledger.ts';
import { purgesOf } from '../repository/purges.ts';
import { daysLeft } from '../repository/rules.ts';
import type { Session } from '../repository/session.ts';
import type { RemoveOptions, Store } from '../stores/store.ts';
import { suppressionMissing } from './errors.ts';
import { listSuppression, sealedKey, suppressionFolder } from './objects.ts';
import type { FoundSuppression } from './objects.ts';
import type { Wanted } from './pick.ts';
import { putNew } from './put.ts';

export interface ResealSuppressionOptions {
  readonly opener: MessageOpener;
  readonly recipients: readonly openpgp.PublicKey[];
  /** A recipient that stays, or a purge signer. */
  readonly signer: openpgp.PrivateKey;
  readonly bypassGovernance: boolean;
  /** Called before anything is destroyed. */
  readonly check: () => Promise<void>;
}

export interface ResealedSuppression {
  readonly resealed: number;
  /** What could not be sealed anew or removed: the object, and why. */
  readonly left: readonly { readonly key: string; readonly why: string }[];
}

/** Seals the suppression of all purges of a set anew; what it replaces goes in all versions. Again: only the rest. */
export async function resealSuppression(
  session: Session<Store>,
  set: string,
  ledger: Ledger,
  options: ResealSuppressionOptions,
  signal: AbortSignal,
): Promise<ResealedSuppression> {
  const purges = purgesOf(ledger, session.operators).filter(({ suppression }) => suppression);
  if (purges.length === 0) return { resealed: 0, left: [] };
  const listed = (await listSuppression(session.store, set, signal)).filter(({ kind }) => kind === 'sealed');
  const now = await session.store.now(signal);
  const left: { key: string; why: string }[] = [];
  let resealed = 0;
  for (const wanted of purges) {
    const objects = listed.filter(({ purge }) => purge === wanted.id).sort((a, b) => b.revision - a.revision);
    const folder = suppressionFolder(set, objects[0]?.days ?? 1);
    try {
      if (await resealOne(session, set, { wanted, objects, now }, options, signal)) resealed++;
    } catch (error) {
      if (!isSurvivable(error)) throw error;
      left.push({ key: objects[0]?.key ?? sealedKey(folder, wanted.id), why: reasonOf(error) });
    }
  }
  return { resealed, left };
}

interface Resealing {
  readonly wanted: Wanted;
  /** The newest first. */
  readonly objects: readonly FoundSuppression[];
  readonly now: Date;
}

/** The new object is there and read back before the old ones go. */
async function resealOne(
  session: Session<Store>,
  set: string,
  { wanted, objects, now }: Resealing,
  options: ResealSuppressionOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const { store } = session;
  const { recipients, signer, bypassGovernance, check } = options;
  const [newest, ...others] = objects;
  if (!newest) {
    if (new Date(wanted.suppression?.ends ?? 0) < now) return false;
    throw suppressionMissing(set, wanted.id);
  }
  const isSettled = (sealed: Buffer) => isSealedTo(sealed, recipients, newest.key);
  if (others.length === 0 && (await isSettled(await store.get(newest.key, undefined, signal)))) return false;
  const named = await findNamed(session, set, { wanted, objects, now }, options.opener, signal);
  const settled = await isSettled(named.sealed);
  const days = daysLeft(named.object.modified, named.object.days, now);
  if (!settled && days === 0) return false;
  if (!settled) {
    const key = sealedKey(suppressionFolder(set, days), wanted.id, newest.revision + 1);
    await putNew(store, key, await new MessageSealer(recipients, signer).seal(named.plain), signal);
  }
  const old = objects.filter((object) => !settled || object !== named.object).map(({ key }) => key);
  await check();
  const all: RemoveOptions = { allVersions: true, bypassGovernance };
  await store.remove(old, all, signal);
  return !settled;
}

interface Named {
  readonly object: FoundSuppression;
  readonly sealed: Buffer;
  readonly plain: Buffer;
}

/** The newest that the ledger names: beside it may lie what a purge left that did not get as far as its intent. */
async function findNamed(
  { store, operators }: Session<Store>,
  set: string,
  { wanted, objects }: Resealing,
  opener: MessageOpener,
  signal: AbortSignal,
): Promise<Named> {
  let failure: unknown;
  for (const object of objects) {
    const sealed = await store.get(object.key, undefined, signal);
    try {
      const { plain } = await opener.open(sealed, operators, object.key);
      if (sha256Hex(plain) === wanted.suppression?.content) return { object, sealed, plain };
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure instanceof Error ? failure : suppressionMissing(set, wanted.id);
}
