/**
 * Makes the amended vectors from the accepted ones: the set `shop` after a change of recipients. Made once, like
 * those. To see how it works:
 *
 *     rm -r amended amended.json keys/next.key && node make-amended.ts && npx prettier --write amended.json
 */
import { cp, mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PGP, openpgp } from '../../src/openpgp/library.ts';
import { KeyOpener, MessageSealer } from '../../src/openpgp/message.ts';
import { signStatement } from '../../src/openpgp/statement.ts';
import { sha256Hex } from '../../src/repository/entry.ts';
import { openSession } from '../../src/repository/session.ts';
import { viewSet } from '../../src/restore/open.ts';
import { rotateSet } from '../../src/rotate/rotate.ts';
import { openFileStore } from '../../src/stores/file.ts';
import { AMENDED_FOLDER, FOLDER, NOW, SIGNAL, STORE_FOLDER, keyFile, readKeys, withClock } from './kit.ts';
import type { Change, ExpectedSnapshot, Keys, RefusedCase } from './kit.ts';

const SET = 'shop';
const ROOT = join(AMENDED_FOLDER, 'store');
const REFUSED = join(AMENDED_FOLDER, 'refused');

await writeFile(keyFile('next'), await newKey(), { flag: 'wx' });
const keys = await readKeys();
const state = join(FOLDER, 'state.tmp');
try {
  await cp(STORE_FOLDER, ROOT, { recursive: true });
  await dateManifests();
  await rotate(keys);
  await writeFile(join(FOLDER, 'amended.json'), JSON.stringify(await makeRefused(keys), null, 2));
} finally {
  await rm(state, { recursive: true, force: true });
}

async function newKey(): Promise<string> {
  const { privateKey } = await openpgp.generateKey({
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: [{ name: 'holdfast vectors next' }],
    date: new Date('2020-01-01T00:00:00.000Z'),
    format: 'armored',
    config: PGP,
  });
  return privateKey;
}

/** Git keeps no times: manifests get back that of their snapshot, by which the days that are left are counted. */
async function dateManifests(): Promise<void> {
  for (const file of await readdir(ROOT, { recursive: true })) {
    const [, y, m, d, time = ''] = /\/(\d{4})(\d\d)(\d\d)T(\d{6})Z-[^/]*\/manifest\.pgp$/.exec(file) ?? [];
    if (!y) continue;
    const moment = new Date(`${y}-${m}-${d}T${time.replace(/(\d\d)(\d\d)(\d\d)/, '$1:$2:$3')}Z`);
    await utimes(join(ROOT, file), moment, moment);
  }
}

async function open() {
  const store = withClock(openFileStore(`file://${ROOT}`), () => NOW);
  const trusted = {
    recipients: [keys.next.toPublic()],
    formerRecipients: [keys.ops.toPublic()],
    signers: [keys.db2.toPublic()],
    purgeSigners: [keys.officer.toPublic()],
  };
  return openSession({ store, stateDir: state, ...trusted }, SIGNAL);
}

async function rotate({ ops, next, officer }: Keys): Promise<void> {
  await rotateSet(
    {
      session: await open(),
      set: SET,
      recipients: [next.toPublic()],
      opener: new KeyOpener([ops]),
      signer: next,
      purgeSigners: [officer.toPublic()],
      all: false,
      bypassGovernance: false,
      lockFor: () => undefined,
      levelCopies: () => Promise.resolve([]),
      onPlan: () => undefined,
      onProgress: () => undefined,
    },
    SIGNAL,
  );
}

async function makeRefused({ next, db1, stranger }: Keys): Promise<RefusedCase[]> {
  const accepted = JSON.parse(await readFile(join(FOLDER, 'accepted.json'), 'utf8')) as ExpectedSnapshot[];
  const target = accepted.find(({ set, full }) => set === SET && !full);
  if (!target) throw new Error('there is no target');
  const read = { set: SET, snapshot: target.snapshot };
  const { catalog } = await viewSet(await open(), SET, false, SIGNAL);
  const item = catalog.entries.find(({ entry }) => entry.snapshot === target.snapshot);
  if (!item?.current?.amendmentKey) throw new Error('the target is not amended');
  const { amendmentKey, manifestKey, folder } = item.current;
  const amendment = await jsonOf(amendmentKey);
  const writer = (await readdir(join(ROOT, 'ledger', SET)))[0] ?? '';
  const line = (seq: number) => `ledger/${SET}/${writer}/${String(seq).padStart(10, '0')}.json`;
  const [named, done] = [await jsonOf(line(2)), await jsonOf(line(3))];
  const original = `keep-030/${SET}/snapshots/${target.snapshot}/manifest.pgp`;

  const cases: RefusedCase[] = [];
  const refuse = (name: string, what: string, code: string, changes: readonly Change[], more: object = {}) =>
    cases.push({ name, what, changes, read, code, ...more });
  const put = async (name: string, file: string, bytes: Uint8Array): Promise<Change> => {
    await mkdir(join(REFUSED, name), { recursive: true });
    const object = `${name}/${file.split('/').at(-1) ?? ''}`;
    await writeFile(join(REFUSED, object), bytes);
    return { do: 'put', file, object };
  };
  /** Another amendment, and a last line of the ledger that names it. */
  const amend = async (name: string, change: object, signer = next, at = amendmentKey): Promise<Change[]> => {
    const bytes = await signStatement({ ...amendment, ...change }, signer);
    const event = { type: 'amended', id: 'x', amended: [[target.snapshot, 1, sha256Hex(bytes)]] };
    const prev = sha256Hex(await readFile(join(ROOT, line(1))));
    const said = await signStatement({ ...named, prev, event }, next);
    return [await put(name, at, bytes), await put(name, line(2), said), { do: 'remove', file: line(3) }];
  };
  const say = async (name: string, change: object, signer = next): Promise<Change[]> => [
    await put(name, line(3), await signStatement({ ...done, ...change }, signer)),
  ];

  refuse('amendment-gone', 'the amendment is not there', 'AMENDMENT_MISSING', [
    { do: 'remove', file: amendmentKey },
  ]);
  refuse('amendment-flipped', 'a bit of the amendment is another one', 'DAMAGED', [
    { do: 'flip', file: amendmentKey, at: 100 },
  ]);
  refuse('amended-manifest-gone', 'the new manifest is not there', 'MANIFEST_MISSING', [
    { do: 'remove', file: manifestKey },
  ]);
  refuse('amended-manifest-flipped', 'a bit of the new manifest is another one', 'DAMAGED', [
    { do: 'flip', file: manifestKey, at: 400 },
  ]);
  refuse('amended-ledger-gone', 'amendments lie there, and no ledger announces them', 'AMENDMENT_UNKNOWN', [
    ...[1, 2, 3].map((seq): Change => ({ do: 'remove', file: line(seq) })),
  ]);
  const back: Change[] = [2, 3].map((seq) => ({ do: 'remove', file: line(seq) }));
  const old = await put('amended-rolled-back', original, await readFile(join(STORE_FOLDER, original)));
  refuse(
    'amended-rolled-back',
    'ledger and manifest are as before, for one who was here',
    'ROLLED_BACK',
    [...back, old],
    {
      seen: true,
    },
  );
  const manifest = await readFile(join(ROOT, manifestKey));
  const { plain } = await new KeyOpener([next]).open(manifest, (await open()).operators, manifestKey);
  const asHost = await new MessageSealer([next.toPublic()], db1).seal(plain);
  const asHostIs = { sha256: sha256Hex(asHost), bytes: asHost.length };
  refuse('amended-by-host', 'a host has sealed the new manifest', 'SIGNER_NOT_TRUSTED', [
    ...(await amend('amended-by-host', { manifest: asHostIs })),
    await put('amended-by-host', manifestKey, asHost),
  ]);
  refuse('amendment-by-host', 'a host has signed the amendment', 'SIGNER_NOT_TRUSTED', [
    ...(await amend('amendment-by-host', {}, db1)),
  ]);
  refuse('amendment-other-end', 'it states another end than its entry', 'BOUND_ELSEWHERE', [
    ...(await amend('amendment-other-end', { end: '2027-12-20T03:00:06.950Z' })),
  ]);
  refuse('amendment-other-entry', 'it amends another entry', 'BOUND_ELSEWHERE', [
    ...(await amend('amendment-other-entry', { entry: '0'.repeat(64) })),
  ]);
  refuse('amendment-other-revision', 'its name says another revision', 'BOUND_ELSEWHERE', [
    ...(await amend('amendment-other-revision', { revision: 2 })),
  ]);
  const longer = folder.replace(/^keep-\d+/, 'keep-031');
  refuse('amendment-longer', 'it lies below more days than it states', 'BOUND_ELSEWHERE', [
    { do: 'copy', from: amendmentKey, file: amendmentKey.replace(folder, longer) },
    { do: 'remove', file: amendmentKey },
  ]);
  refuse('amendment-needs', 'it needs something that format 1 does not know', 'FORMAT_UNKNOWN', [
    ...(await amend('amendment-needs', { needs: ['colour'] })),
  ]);
  refuse(
    'ledger-amended-by-host',
    'a host says in the ledger that snapshots were amended',
    'SIGNER_NOT_TRUSTED',
    [...(await say('ledger-amended-by-host', { event: { type: 'amended', id: 'x', amended: [] } }, db1))],
  );
  refuse('ledger-amended-by-stranger', 'nobody vouches for the signer of a line', 'SIGNER_NOT_TRUSTED', [
    ...(await say('ledger-amended-by-stranger', {}, stranger)),
  ]);
  refuse('ledger-unknown-event', 'the ledger holds an event of an unknown type', 'LEDGER_NOT_APPLICABLE', [
    ...(await say('ledger-unknown-event', { event: { type: 'purge-done', id: 'x' } })),
  ]);
  const retired = [['db1', 1, item.entry.packs[0]?.[0], 0]];
  refuse('ledger-amended-retired', 'segments were retired: somebody was erased', 'LEDGER_NOT_APPLICABLE', [
    ...(await say('ledger-amended-retired', { event: { type: 'amended', retired, id: 'x', amended: [] } })),
  ]);
  refuse('ledger-other-set', 'a line of another set lies there', 'LEDGER_BROKEN', [
    ...(await say('ledger-other-set', { set: 'notes' })),
  ]);
  refuse('ledger-malformed-event', 'an amendment is named without its hash', 'MALFORMED', [
    ...(await say('ledger-malformed-event', {
      event: { type: 'amended', id: 'x', amended: [[target.snapshot, 2]] },
    })),
  ]);
  return cases;
}

async function jsonOf(key: string): Promise<object> {
  const [line = ''] = (await readFile(join(ROOT, key), 'utf8')).split('\n');
  return JSON.parse(line) as object;
}
