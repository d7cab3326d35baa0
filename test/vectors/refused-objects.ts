/** Refused snapshots: objects that are damaged, gone, in another place, or signed by somebody else. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { signStatement } from '../../src/openpgp/statement.ts';
import { entryKey, manifestKey, packKey, snapshotFolder } from '../../src/repository/layout.ts';
import { OTHER_STORE } from './forge.ts';
import type { Forge } from './forge.ts';
import { STORE_FOLDER } from './kit.ts';
import type { Change, ExpectedSnapshot, RefusedCase } from './kit.ts';

export function damagedObjects(
  { target, entry, at }: Forge,
  first: ExpectedSnapshot,
  notes: ExpectedSnapshot,
): RefusedCase[] {
  const [pack = ''] = entry.packs[0] ?? [];
  const packFile = packKey(entry, pack);
  const flip = (file: string, place: number): Change => ({ do: 'flip', file, at: place });
  const read = target;
  return [
    {
      name: 'entry-flipped',
      what: 'a byte of the signed line is another one',
      changes: [flip(at.entry, 200)],
      read,
      code: 'SIGNATURE_BAD',
    },
    {
      name: 'entry-cut',
      what: 'its second line is cut off',
      changes: [{ do: 'truncate', file: at.entry, to: 900 }],
      read,
      code: 'DAMAGED',
    },
    {
      name: 'entry-third-line',
      what: 'something stands behind its second line',
      changes: [{ do: 'append', file: at.entry, text: '{}\n' }],
      read,
      code: 'DAMAGED',
    },
    {
      name: 'entry-empty',
      what: 'it has no bytes',
      changes: [{ do: 'truncate', file: at.entry, to: 0 }],
      read,
      code: 'DAMAGED',
    },
    {
      name: 'entry-gone',
      what: 'nothing says that the snapshot exists',
      changes: [{ do: 'remove', file: at.entry }],
      read,
      code: 'NO_SNAPSHOT',
    },
    {
      name: 'manifest-flipped',
      what: 'a byte of it is another one',
      changes: [flip(at.manifest, 300)],
      read,
      code: 'DAMAGED',
    },
    {
      name: 'manifest-cut',
      what: 'its last byte is missing',
      changes: [{ do: 'truncate', file: at.manifest, to: entry.manifest.bytes - 1 }],
      read,
      code: 'DAMAGED',
    },
    {
      name: 'manifest-gone',
      what: 'an unexpired entry has no manifest',
      changes: [{ do: 'remove', file: at.manifest }],
      read,
      code: 'MANIFEST_MISSING',
    },
    {
      name: 'pack-flipped',
      what: 'a byte of a segment is another one',
      changes: [flip(packFile, 100)],
      read,
      code: 'DAMAGED',
    },
    {
      name: 'pack-cut',
      what: 'its end, with the key pages, is missing',
      changes: [{ do: 'truncate', file: packFile, to: 500 }],
      read,
      code: 'DAMAGED',
    },
    {
      name: 'pack-gone',
      what: 'it is not there',
      changes: [{ do: 'remove', file: packFile }],
      read,
      code: 'DAMAGED',
    },
    {
      name: 'header-gone',
      what: 'there is no holdfast.json',
      changes: [{ do: 'remove', file: 'holdfast.json' }],
      read,
      code: 'STORE_NOT_INITIALISED',
    },
    {
      name: 'header-flipped',
      what: 'a byte of the signed line is another one',
      changes: [flip('holdfast.json', 90)],
      read,
      code: 'SIGNATURE_BAD',
    },
    {
      name: 'hosts-unknown',
      what: 'the reader knows a recipient only, who has not certified this host',
      changes: [],
      hosts: 'none',
      read: notes,
      code: 'SIGNER_NOT_TRUSTED',
    },
    {
      name: 'snapshot-unknown',
      what: 'nothing of that name is there',
      changes: [],
      read: { set: first.set, snapshot: '20260101T000000Z-00000000' },
      code: 'NO_SNAPSHOT',
    },
  ];
}

export function movedObjects(
  { target, entry, at }: Forge,
  first: ExpectedSnapshot,
  second: ExpectedSnapshot,
): RefusedCase[] {
  const folderOf = (snapshot: ExpectedSnapshot) =>
    snapshotFolder(snapshot.set, entry.keep_days, snapshot.snapshot);
  const moved = (set: string, days: number, snapshot: string): Change[] => {
    const folder = snapshotFolder(set, days, snapshot);
    return [
      { do: 'copy', from: at.entry, file: entryKey(folder) },
      { do: 'copy', from: at.manifest, file: manifestKey(folder) },
    ];
  };
  const [a, b] = [folderOf(first), folderOf(second)];
  const later = '20261121T030005Z-00000000';
  return [
    {
      name: 'manifests-swapped',
      what: 'two manifests of one chain changed places',
      changes: [{ do: 'swap', file: manifestKey(a), with: manifestKey(b) }],
      read: second,
      code: 'DAMAGED',
    },
    {
      name: 'entries-swapped',
      what: 'two entries changed places',
      changes: [{ do: 'swap', file: entryKey(a), with: entryKey(b) }],
      read: second,
      code: 'BOUND_ELSEWHERE',
    },
    {
      name: 'snapshot-renamed',
      what: 'a snapshot lies under a later name',
      changes: moved(entry.set, entry.keep_days, later),
      read: { set: target.set, snapshot: later },
      code: 'BOUND_ELSEWHERE',
    },
    {
      name: 'snapshot-prolonged',
      what: 'a snapshot lies under a longer life',
      changes: [...moved(entry.set, 300, target.snapshot), { do: 'remove', file: at.entry }],
      read: target,
      code: 'BOUND_ELSEWHERE',
    },
    {
      name: 'snapshot-in-other-set',
      what: 'a snapshot lies in another set',
      changes: moved('notes', entry.keep_days, target.snapshot),
      read: { set: 'notes', snapshot: target.snapshot },
      code: 'BOUND_ELSEWHERE',
    },
  ];
}

export async function foreignHands(forge: Forge): Promise<RefusedCase[]> {
  const { keys, target, entry, at, text } = forge;
  const read = target;
  const withSignature = await forge.put(
    'entry-foreign-signer',
    'entry.json',
    await signStatement(entry, keys.stranger),
  );
  const otherStore = await forge.put(
    'entry-other-store',
    'entry.json',
    await signStatement({ ...entry, store: OTHER_STORE }, keys.db1),
  );
  const header = JSON.parse(
    (await readFile(join(STORE_FOLDER, 'holdfast.json'), 'utf8')).split('\n')[0] ?? '',
  ) as object;
  const foreignHeader = await forge.put(
    'header-foreign-signer',
    'holdfast.json',
    await signStatement(header, keys.stranger),
  );
  const otherHeader = await forge.put(
    'header-other-store',
    'holdfast.json',
    await signStatement({ ...header, store: OTHER_STORE }, keys.ops),
  );
  return [
    {
      name: 'entry-foreign-signer',
      what: 'it is signed by a key that nobody vouches for',
      changes: [{ ...withSignature, file: at.entry }],
      read,
      code: 'SIGNER_NOT_TRUSTED',
    },
    {
      name: 'entry-other-store',
      what: 'it is of another store',
      changes: [{ ...otherStore, file: at.entry }],
      read,
      code: 'BOUND_ELSEWHERE',
    },
    {
      name: 'header-foreign-signer',
      what: 'holdfast.json is signed by a key that nobody vouches for',
      changes: [{ ...foreignHeader, file: 'holdfast.json' }],
      read,
      code: 'SIGNER_NOT_TRUSTED',
    },
    {
      name: 'store-replaced',
      what: 'another store lies at an address that this machine knows',
      changes: [{ ...otherHeader, file: 'holdfast.json' }],
      read,
      seen: true,
      code: 'STORE_REPLACED',
    },
    await forge.snapshot(
      'manifest-foreign-signer',
      'the manifest is signed by a key that nobody vouches for',
      'SIGNER_NOT_TRUSTED',
      { sealed: await forge.seal(text, keys.stranger) },
    ),
    await forge.snapshot('manifest-unsigned', 'the manifest is sealed, but not signed', 'SIGNATURE_BAD', {
      sealed: await forge.sealUnsigned(text),
    }),
    await forge.snapshot(
      'manifest-foreign-recipient',
      'the manifest is sealed to somebody else',
      'KEY_DOES_NOT_OPEN',
      { sealed: await forge.seal(text, keys.db1, keys.stranger) },
    ),
  ];
}

export function rollbacks({ target, at }: Forge, second: ExpectedSnapshot): RefusedCase[] {
  const gone: Change[] = [
    { do: 'remove', file: at.entry },
    { do: 'remove', file: at.manifest },
  ];
  const hole = snapshotFolder(second.set, 30, second.snapshot);
  return [
    {
      name: 'newest-rolled-back',
      what: 'the newest snapshot, which was seen here, is gone',
      changes: gone,
      read: second,
      seen: true,
      code: 'ROLLED_BACK',
    },
    {
      name: 'hole-in-chain',
      what: 'an unexpired entry between two others is gone',
      changes: [
        { do: 'remove', file: entryKey(hole) },
        { do: 'remove', file: manifestKey(hole) },
      ],
      read: target,
      verify: 'problem',
    },
  ];
}
