/** What the tests of rotation share: a world whose recipients change, and what each key can still open in its store. */
import { generateRecipientKey } from '../../src/openpgp/keys.ts';
import type { openpgp } from '../../src/openpgp/library.ts';
import { KeyOpener } from '../../src/openpgp/message.ts';
import { Trust } from '../../src/openpgp/trust.ts';
import { openSession } from '../../src/repository/session.ts';
import type { Session } from '../../src/repository/session.ts';
import { openManifest, viewSet } from '../../src/restore/open.ts';
import { SnapshotReader } from '../../src/restore/reader.ts';
import { script } from '../../src/restore/script.ts';
import { rotateSet } from '../../src/rotate/rotate.ts';
import type { RotateOptions, RotationReport } from '../../src/rotate/rotate.ts';
import { SegmentPool } from '../../src/segments/pool.ts';
import type { Store } from '../../src/stores/store.ts';
import { isHoldfastError } from '../../src/errors.ts';
import { tempFolder } from '../services/temp.ts';
import { SET, SIGNAL } from '../services/world.ts';
import type { World } from '../services/world.ts';

export const newOps: openpgp.PrivateKey = await generateRecipientKey('new ops');

/** A session of somebody whose configuration names these recipients, with a state of its own. */
export async function sessionFor(
  store: Store,
  recipients: readonly openpgp.PrivateKey[],
  former: readonly openpgp.PrivateKey[] = [],
): Promise<Session<Store>> {
  const keys = {
    signers: [],
    recipients: recipients.map((key) => key.toPublic()),
    formerRecipients: former.map((key) => key.toPublic()),
    purgeSigners: [],
  };
  return openSession({ store, ...keys, stateDir: await tempFolder('state') }, SIGNAL);
}

export interface Change extends Partial<RotateOptions> {
  readonly to?: readonly openpgp.PrivateKey[];
}

/** Rotates to new ops alone, opened with the old ops key and signed by the new one, unless told otherwise. */
export async function rotate(world: World, change: Change = {}): Promise<RotationReport> {
  const { to = [newOps], ...more } = change;
  const session = more.session ?? (await sessionFor(world.store, to, [world.ops]));
  return rotateSet(
    {
      session,
      set: SET,
      recipients: to.map((key) => key.toPublic()),
      opener: new KeyOpener([world.ops, newOps]),
      signer: newOps,
      purgeSigners: [],
      all: false,
      bypassGovernance: false,
      lockFor: () => undefined,
      levelCopies: () => Promise.resolve([]),
      onPlan: () => undefined,
      onProgress: () => undefined,
      ...more,
    },
    SIGNAL,
  );
}

/** The SQL of a snapshot, read from scratch by the road of `holdfast cat`. */
export async function catWith(
  session: Session<Store>,
  key: openpgp.PrivateKey,
  snapshot?: string,
): Promise<string> {
  const view = await viewSet(session, SET, false, SIGNAL);
  const item =
    snapshot === undefined
      ? view.catalog.entries.at(-1)
      : view.catalog.entries.find(({ entry }) => entry.snapshot === snapshot);
  if (!item) throw new Error('no such snapshot');
  const manifest = await openManifest(session, item, new KeyOpener([key]), SIGNAL);
  await using pool = SegmentPool.forReading();
  const reader = new SnapshotReader(session.store, manifest, pool);
  const pieces = await Array.fromAsync(script(reader, { globals: false }, SIGNAL));
  return Buffer.concat(pieces).toString();
}

/** Keys of all manifests in the store that a private key opens, in all versions, whatever counts. */
export async function openableWith(store: Store, key: openpgp.PrivateKey): Promise<string[]> {
  const found: string[] = [];
  const opener = new KeyOpener([key]);
  for await (const object of store.versions('keep-', SIGNAL)) {
    if (!object.key.endsWith('.pgp') || object.isMarker) continue;
    try {
      await opener.open(await store.get(object.key, undefined, SIGNAL), new Trust([]), object.key);
      found.push(object.key);
    } catch (error) {
      // Decrypted, and only its signer is unknown here: that is what counts.
      if (isHoldfastError(error, 'SIGNER_NOT_TRUSTED')) found.push(object.key);
    }
  }
  return found;
}
