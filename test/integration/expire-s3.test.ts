/** Goal: on a bucket, `expire` removes every version and marker; a manifest that is locked keeps its snapshot, and is said. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runBackup } from '../../src/backup/backup.ts';
import { readConfiguredKeys } from '../../src/cli/wiring.ts';
import { loadConfig } from '../../src/config/load.ts';
import { readSigningKey } from '../../src/openpgp/keys.ts';
import { openSession } from '../../src/repository/session.ts';
import type { Store } from '../../src/stores/store.ts';
import { backUp, placeOn, snapshotsOf, tamper } from '../services/machines.ts';
import { delegating } from '../../src/stores/delegating.ts';
import type { Host, Place } from '../services/machines.ts';
import type { BucketOptions } from '../services/s3-access.ts';
import { shopHost } from '../services/shop-host.ts';
import { tempFolder } from '../services/temp.ts';
import { useS3 } from '../services/use.ts';
import { SIGNAL, rowsOf, textSource } from '../services/world.ts';

const DAY_MS = 86_400_000;

test('every version of what is past its end goes, and nothing of what is not', async () => {
  const { place, host } = await hostOn({ versioned: true });
  const old = await backUpAgo(host, place, 40);
  const fresh = await backUp(host);
  await tamper(place, async (store) => {
    // Somebody has overwritten and removed what is past its end: hidden, but there.
    await store.put(manifestOf(old), Buffer.from('overwritten'), {}, SIGNAL);
    await store.remove([manifestOf(old)]);
    expect(await versionsOf(store, old)).toBeGreaterThan(3);
  });
  const { stdout } = await host.good(['expire', '--confirm', '--trust-clock']);
  expect(stdout).toMatch(/shop: removed 1 snapshot and 0 packs/);
  await tamper(place, async (store) => {
    expect(await versionsOf(store, old)).toBe(0);
    expect(await versionsOf(store, fresh.snapshot)).toBe(2);
    expect(await Array.fromAsync(store.versions('leases/'))).toEqual([]);
  });
  expect(await snapshotsOf(host)).toEqual([fresh.snapshot]);
  const reader = await host.reader();
  await reader.good(['verify', '--read-data']);
});

/** Longer than a busy machine takes to the first `expire`. */
const LOCK_MS = 20_000;

test('a manifest under a lock stays, its entry with it; the next run after the lock finishes', async () => {
  const { place, host } = await hostOn({ objectLock: true });
  const old = await backUpAgo(host, place, 40, LOCK_MS);
  await backUp(host);
  const locked = await host.run(['expire', '--confirm', '--trust-clock', '--json']);
  expect(locked.exitCode).toBe(3);
  expect(locked.json.find(({ type }) => type === 'expire-place')).toMatchObject({
    stuck: [{ key: manifestOf(old), lockedUntil: expect.stringMatching(/^20/) as string }],
  });
  await tamper(place, async (store) => {
    expect(await versionsOf(store, old)).toBe(2);
    await new Promise((resolve) => setTimeout(resolve, LOCK_MS));
  });
  await host.good(['expire', '--confirm', '--trust-clock']);
  await tamper(place, async (store) => {
    expect(await versionsOf(store, old)).toBe(0);
  });
});

async function hostOn(options: BucketOptions): Promise<{ place: Place; host: Host }> {
  const place = await placeOn(await useS3(), options);
  return { place, ...(await shopHost(20, { place })) };
}

/** A snapshot that says it was made so many days ago; the server's own times cannot be changed. Returns its id. */
async function backUpAgo(host: Host, place: Place, days: number, lockMs?: number): Promise<string> {
  const config = await loadConfig(join(host.folder, 'holdfast.yaml'), host.env);
  const { recipients, trustedSigners: signers, purgeSigners } = await readConfiguredKeys(config);
  let snapshot = '';
  await tamper(place, async (store) => {
    const ago = past(store, days, lockMs);
    const stateDir = await tempFolder('state');
    const session = await openSession({ store: ago, signers, recipients, purgeSigners, stateDir }, SIGNAL);
    const { entry } = await runBackup(
      {
        session,
        recipients,
        source: textSource({ users: rowsOf(20) }),
        set: 'shop',
        writer: 'other',
        policy: { keep: [{ name: 'daily', days: 30 }], fullEveryDays: 7 },
        signer: await readSigningKey(config.signingKey ?? ''),
        level: 1,
        full: false,
        onStart: () => undefined,
        onProgress: () => undefined,
        onWarning: () => undefined,
      },
      SIGNAL,
    );
    snapshot = entry.snapshot;
  });
  return snapshot;
}

/** The store with a clock of days ago, which locks manifests for a while from now on. */
function past(store: Store, days: number, lockMs: number | undefined): Store {
  return {
    ...delegating(store),
    now: async (signal) => new Date((await store.now(signal)).getTime() - days * DAY_MS),
    put: (key, bytes, options, signal) => {
      const lock = { mode: 'governance', until: new Date(Date.now() + (lockMs ?? 0)) } as const;
      const isLocked = lockMs !== undefined && key.endsWith('.pgp');
      return store.put(key, bytes, { ...options, ...(isLocked && { lock }) }, signal);
    },
  };
}

function manifestOf(snapshot: string): string {
  return `keep-030/shop/snapshots/${snapshot}/manifest.pgp`;
}

async function versionsOf(store: Store, snapshot: string): Promise<number> {
  return (await Array.fromAsync(store.versions(`keep-030/shop/snapshots/${snapshot}/`))).length;
}
