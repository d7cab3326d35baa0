/**
 * The refused snapshots: each is the accepted store with a few changes. What a change needs beyond flipping,
 * cutting, moving and removing (something signed or sealed) is prepared here and lies in `refused/`.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sealSegment } from '../../src/openpgp/segment.ts';
import { KeyOpener, MessageSealer } from '../../src/openpgp/message.ts';
import { openpgp, PGP } from '../../src/openpgp/library.ts';
import { signStatement } from '../../src/openpgp/statement.ts';
import { sha256Hex } from '../../src/repository/entry.ts';
import type { Entry } from '../../src/repository/entry.ts';
import { entryKey, ledgerKey, manifestKey, packKey, snapshotFolder } from '../../src/repository/layout.ts';
import { formatRef } from '../../src/repository/pages.ts';
import type { SegmentRef } from '../../src/repository/pages.ts';
import { viewSet } from '../../src/restore/open.ts';
import { openFileStore } from '../../src/stores/file.ts';
import { openAs } from './make-accepted.ts';
import { NOW, REFUSED_FOLDER, SIGNAL, STORE_FOLDER, withClock } from './kit.ts';
import type { Change, ExpectedSnapshot, Keys, RefusedCase } from './kit.ts';

const OTHER_STORE = '00000000-0000-4000-8000-000000000000';
const LEDGER_WRITER = 'officer';
const PAGE_HEAD = '{"format":1,"kind":"page"}\n';

export async function makeRefused(
  keys: Keys,
  accepted: readonly ExpectedSnapshot[],
  state: string,
): Promise<RefusedCase[]> {
  await mkdir(REFUSED_FOLDER);
  const [first, second, target, notes] = accepted;
  if (!first || !second || !target || !notes) throw new Error('there are not enough snapshots');
  const forge = await Forge.of(keys, target, state);
  return [
    ...damagedObjects(forge, first, notes),
    ...movedObjects(forge, first, second),
    ...(await foreignHands(forge)),
    ...(await falseManifests(forge)),
    ...(await falseSegments(forge)),
    ...(await newerThings(forge)),
    ...(await falseLedgers(forge)),
    ...rollbacks(forge, second),
  ];
}

function damagedObjects({ target, entry, at }: Forge, first: ExpectedSnapshot, notes: ExpectedSnapshot): RefusedCase[] {
  const [pack = ''] = entry.packs[0] ?? [];
  const packFile = packKey(entry, pack);
  const flip = (file: string, place: number): Change => ({ do: 'flip', file, at: place });
  const read = target;
  return [
    { name: 'entry-flipped', what: 'a byte of the signed line is another one', changes: [flip(at.entry, 200)], read, code: 'SIGNATURE_BAD' },
    { name: 'entry-cut', what: 'its second line is cut off', changes: [{ do: 'truncate', file: at.entry, to: 900 }], read, code: 'DAMAGED' },
    { name: 'entry-third-line', what: 'something stands behind its second line', changes: [{ do: 'append', file: at.entry, text: '{}\n' }], read, code: 'DAMAGED' },
    { name: 'entry-empty', what: 'it has no bytes', changes: [{ do: 'truncate', file: at.entry, to: 0 }], read, code: 'DAMAGED' },
    { name: 'entry-gone', what: 'nothing says that the snapshot exists', changes: [{ do: 'remove', file: at.entry }], read, code: 'NO_SNAPSHOT' },
    { name: 'manifest-flipped', what: 'a byte of it is another one', changes: [flip(at.manifest, 300)], read, code: 'DAMAGED' },
    { name: 'manifest-cut', what: 'its last byte is missing', changes: [{ do: 'truncate', file: at.manifest, to: entry.manifest.bytes - 1 }], read, code: 'DAMAGED' },
    { name: 'manifest-gone', what: 'an unexpired entry has no manifest', changes: [{ do: 'remove', file: at.manifest }], read, code: 'MANIFEST_MISSING' },
    { name: 'pack-flipped', what: 'a byte of a segment is another one', changes: [flip(packFile, 100)], read, code: 'DAMAGED' },
    { name: 'pack-cut', what: 'its end, with the key pages, is missing', changes: [{ do: 'truncate', file: packFile, to: 500 }], read, code: 'DAMAGED' },
    { name: 'pack-gone', what: 'it is not there', changes: [{ do: 'remove', file: packFile }], read, code: 'DAMAGED' },
    { name: 'header-gone', what: 'there is no holdfast.json', changes: [{ do: 'remove', file: 'holdfast.json' }], read, code: 'STORE_NOT_INITIALISED' },
    { name: 'header-flipped', what: 'a byte of the signed line is another one', changes: [flip('holdfast.json', 90)], read, code: 'SIGNATURE_BAD' },
    { name: 'hosts-unknown', what: 'the reader knows a recipient only, who has not certified this host', changes: [], hosts: 'none', read: notes, code: 'SIGNER_NOT_TRUSTED' },
    { name: 'snapshot-unknown', what: 'nothing of that name is there', changes: [], read: { set: first.set, snapshot: '20260101T000000Z-0000' }, code: 'NO_SNAPSHOT' },
  ];
}

function movedObjects({ target, entry, at }: Forge, first: ExpectedSnapshot, second: ExpectedSnapshot): RefusedCase[] {
  const folderOf = (snapshot: ExpectedSnapshot) => snapshotFolder(snapshot.set, entry.keep_days, snapshot.snapshot);
  const moved = (set: string, days: number, snapshot: string): Change[] => {
    const folder = snapshotFolder(set, days, snapshot);
    return [
      { do: 'copy', from: at.entry, file: entryKey(folder) },
      { do: 'copy', from: at.manifest, file: manifestKey(folder) },
    ];
  };
  const [a, b] = [folderOf(first), folderOf(second)];
  const later = '20261121T030005Z-0000';
  return [
    { name: 'manifests-swapped', what: 'two manifests of one chain changed places', changes: [{ do: 'swap', file: manifestKey(a), with: manifestKey(b) }], read: second, code: 'DAMAGED' },
    { name: 'entries-swapped', what: 'two entries changed places', changes: [{ do: 'swap', file: entryKey(a), with: entryKey(b) }], read: second, code: 'BOUND_ELSEWHERE' },
    { name: 'snapshot-renamed', what: 'a snapshot lies under a later name', changes: moved(entry.set, entry.keep_days, later), read: { set: target.set, snapshot: later }, code: 'BOUND_ELSEWHERE' },
    { name: 'snapshot-prolonged', what: 'a snapshot lies under a longer life', changes: [...moved(entry.set, 300, target.snapshot), { do: 'remove', file: at.entry }], read: target, code: 'BOUND_ELSEWHERE' },
    { name: 'snapshot-in-other-set', what: 'a snapshot lies in another set', changes: moved('notes', entry.keep_days, target.snapshot), read: { set: 'notes', snapshot: target.snapshot }, code: 'BOUND_ELSEWHERE' },
  ];
}

async function foreignHands(forge: Forge): Promise<RefusedCase[]> {
  const { keys, target, entry, at, text } = forge;
  const read = target;
  const withSignature = await forge.put('entry-foreign-signer', 'entry.json', await signStatement(entry, keys.stranger));
  const otherStore = await forge.put('entry-other-store', 'entry.json', await signStatement({ ...entry, store: OTHER_STORE }, keys.db1));
  const header = JSON.parse((await readFile(join(STORE_FOLDER, 'holdfast.json'), 'utf8')).split('\n')[0] ?? '') as object;
  const foreignHeader = await forge.put('header-foreign-signer', 'holdfast.json', await signStatement(header, keys.stranger));
  const otherHeader = await forge.put('header-other-store', 'holdfast.json', await signStatement({ ...header, store: OTHER_STORE }, keys.ops));
  return [
    { name: 'entry-foreign-signer', what: 'it is signed by a key that nobody vouches for', changes: [{ ...withSignature, file: at.entry }], read, code: 'SIGNER_NOT_TRUSTED' },
    { name: 'entry-other-store', what: 'it is of another store', changes: [{ ...otherStore, file: at.entry }], read, code: 'BOUND_ELSEWHERE' },
    { name: 'header-foreign-signer', what: 'holdfast.json is signed by a key that nobody vouches for', changes: [{ ...foreignHeader, file: 'holdfast.json' }], read, code: 'SIGNER_NOT_TRUSTED' },
    { name: 'store-replaced', what: 'another store lies at an address that this machine knows', changes: [{ ...otherHeader, file: 'holdfast.json' }], read, seen: true, code: 'STORE_REPLACED' },
    await forge.snapshot('manifest-foreign-signer', 'the manifest is signed by a key that nobody vouches for', 'SIGNER_NOT_TRUSTED', { sealed: await forge.seal(text, keys.stranger) }),
    await forge.snapshot('manifest-unsigned', 'the manifest is sealed, but not signed', 'SIGNATURE_BAD', { sealed: await forge.sealUnsigned(text) }),
    await forge.snapshot('manifest-foreign-recipient', 'the manifest is sealed to somebody else', 'KEY_DOES_NOT_OPEN', { sealed: await forge.seal(text, keys.db1, keys.stranger) }),
  ];
}

async function falseManifests(forge: Forge): Promise<RefusedCase[]> {
  const { text } = forge;
  const header = (change: (value: Record<string, unknown>) => Record<string, unknown>) => {
    const lines = text.split('\n');
    return [JSON.stringify(change(JSON.parse(lines[0] ?? '') as Record<string, unknown>)), ...lines.slice(1)].join('\n');
  };
  const refuse = (name: string, what: string, code: string, plain: string) => forge.snapshot(name, what, code, { plain });
  return [
    await refuse('manifest-other-end', 'manifest and entry state different ends', 'BOUND_ELSEWHERE', header((h) => ({ ...h, end: '2027-12-20T03:00:06.950Z' }))),
    await refuse('manifest-other-chain', 'manifest and entry state different chains', 'BOUND_ELSEWHERE', header((h) => ({ ...h, chain: 1 }))),
    await refuse('manifest-other-ledger', 'manifest and entry have seen different ledgers', 'BOUND_ELSEWHERE', header((h) => ({ ...h, ledger_seen: { officer: { seq: 1, sha256: '0'.repeat(64) } } }))),
    await refuse('manifest-unknown-field', 'its header has a field that format 1 does not know', 'MALFORMED', header((h) => ({ ...h, colour: 'red' }))),
    await refuse('manifest-no-end', 'its last line is missing', 'MALFORMED', text.replace(/end \d+ \d+\n$/, '')),
    await refuse('manifest-cut-line', 'its last line has no line end', 'MALFORMED', text.slice(0, -1)),
    await refuse('manifest-stream-lost', 'a stream is left out, and the end line agrees', 'MALFORMED', text.replace(/stream post-data .*\n/, '').replace(/end (\d+)/, (_, n: string) => `end ${Number(n) - 1}`)),
    await refuse('manifest-page-lost', 'a page is left out, and the end line agrees', 'MALFORMED', text.replace(/page .*\n/, '').replace(/end (\d+) (\d+)/, (_, s: string, p: string) => `end ${s} ${Number(p) - 1}`)),
    await refuse('manifest-unknown-line', 'it has a line that format 1 does not know', 'MALFORMED', text.replace('\nend ', '\nindex 1\nend ')),
    await refuse('manifest-unknown-dialect', 'a stream is of no known dialect', 'MALFORMED', text.replace(' pg-copy ', ' pg-binary ')),
    await refuse('manifest-number-with-zeros', 'a number of a page has a leading zero', 'MALFORMED', text.replace(/^(page \S+) /m, '$1 0')),
    await refuse('manifest-page-key', 'a page has another key', 'DAMAGED', text.replace(/^(page .*)\S{4}$/m, '$10000')),
    await refuse('manifest-pages-swapped', 'two pages changed places', 'DAMAGED', text.replace(/^(page .*\n)(page .*\n)/m, '$2$1')),
    await refuse('manifest-stream-bytes', 'a stream has fewer bytes than its segments', 'DAMAGED', text.replace(/^(stream data pg-copy \d+ \d+ )\d+/m, '$17')),
  ];
}

/** Snapshots with one stream of one segment, whose reference does not say the truth. */
async function falseSegments(forge: Forge): Promise<RefusedCase[]> {
  const plain = Buffer.from('SELECT 1;\n');
  const true_ = await forge.segment(plain);
  const zeros = await forge.segment(Buffer.alloc(1_000_000));
  const huge = await forge.segment(Buffer.alloc(4 * 1024 * 1024 + 1));
  const cases: [name: string, what: string, code: string, sealed: Uint8Array, ref: Partial<SegmentRef>][] = [
    ['segment-other-key', 'its key is another one', 'DAMAGED', true_.sealed, { key: '1'.repeat(64) }],
    ['segment-other-hash', 'its hash is another one', 'DAMAGED', true_.sealed, { sha256: '1'.repeat(64) }],
    ['segment-behind-pack', 'it lies behind the end of its pack', 'DAMAGED', true_.sealed, { offset: 100_000 }],
    ['segment-shorter', 'it has more plaintext than stated', 'DAMAGED', true_.sealed, { plain: 9 }],
    ['segment-longer', 'it has less plaintext than stated', 'DAMAGED', true_.sealed, { plain: 11 }],
    ['segment-bomb', 'it becomes a hundred thousand times larger than stated', 'DAMAGED', zeros.sealed, { ...zeros.ref, plain: 10 }],
    ['segment-too-large', 'it states more plaintext than a segment may have', 'DAMAGED', huge.sealed, huge.ref],
  ];
  const made = cases.map(async ([name, what, code, sealed, ref]) => forge.oneSegment(name, what, code, sealed, (pack) => pageOf([{ ...true_.ref, pack, ...ref }]), ref.plain ?? plain.length));
  const sound = (pack: string) => formatRef({ ...true_.ref, pack });
  return [
    ...(await Promise.all(made)),
    await forge.oneSegment('page-other-head', 'the page is of a newer format', 'MALFORMED', true_.sealed, (pack) => `{"format":2,"kind":"page"}\n${sound(pack)}`),
    await forge.oneSegment('page-cut', 'the last line of the page has no line end', 'MALFORMED', true_.sealed, (pack) => `${PAGE_HEAD}${sound(pack).trimEnd()}`),
    await forge.oneSegment('page-more-fields', 'a line of the page has an eighth field', 'MALFORMED', true_.sealed, (pack) => `${PAGE_HEAD}${sound(pack).trimEnd()} 1\n`),
    await forge.oneSegment('page-more-segments', 'the page lists more segments than the manifest states', 'DAMAGED', true_.sealed, (pack) => `${PAGE_HEAD}${sound(pack)}${sound(pack)}`),
    await forge.oneSegment('page-outside', 'a segment of the page lies outside of the packs', 'MALFORMED', true_.sealed, (pack) => `${PAGE_HEAD}${sound('039/../../../../holdfast')}${pack.slice(0, 0)}`),
  ];
}

function pageOf(refs: readonly SegmentRef[]): string {
  return `${PAGE_HEAD}${refs.map(formatRef).join('')}`;
}

async function newerThings(forge: Forge): Promise<RefusedCase[]> {
  const { keys, target, entry, at, text } = forge;
  const read = target;
  const newer = await forge.put('entry-newer-format', 'entry.json', await signStatement({ ...entry, format: 2 }, keys.db1));
  const field = await forge.put('entry-unknown-field', 'entry.json', await signStatement({ ...entry, colour: 'red' }, keys.db1));
  const amendment = { format: 1, kind: 'amendment', store: entry.store, set: entry.set, snapshot: entry.snapshot, revision: 1 };
  const amended = await forge.put('entry-amended', 'amend-1.json', await signStatement(amendment, keys.officer));
  return [
    { name: 'entry-newer-format', what: 'the entry is of format 2', changes: [{ ...newer, file: at.entry }], read, code: 'FORMAT_UNKNOWN' },
    { name: 'entry-unknown-field', what: 'the entry has a field that format 1 does not know', changes: [{ ...field, file: at.entry }], read, code: 'MALFORMED' },
    { name: 'entry-amended', what: 'an amendment lies beside it', changes: [{ ...amended, file: `${at.folder}amend-1.json` }], read, code: 'AMENDMENT_UNKNOWN' },
    await forge.snapshot('manifest-newer-format', 'the manifest is of format 2', 'FORMAT_UNKNOWN', { plain: text.replace('"format":1', '"format":2') }),
  ];
}

async function falseLedgers(forge: Forge): Promise<RefusedCase[]> {
  const { keys, target, entry } = forge;
  const read = target;
  const line = (seq: number, prev: string | null, more: object = {}) => ({
    format: 1,
    kind: 'ledger',
    store: entry.store,
    set: entry.set,
    writer: LEDGER_WRITER,
    seq,
    prev,
    time: '2026-11-20T09:00:00.000Z',
    heads: {},
    event: { type: 'purge-intent', retired: [['db1', 1, entry.packs[0]?.[0], 0]] },
    ...more,
  });
  const signed = (value: object, signer = keys.officer) => signStatement(value, signer);
  const at = (seq: number) => ledgerKey(entry.set, LEDGER_WRITER, seq);
  const lines = async (name: string, ...objects: readonly [number, Buffer][]) =>
    Promise.all(objects.map(async ([seq, bytes]) => ({ ...(await forge.put(name, `${seq}.json`, bytes)), file: at(seq) })));
  const one = await signed(line(1, null));
  const two = await signed(line(2, sha256Hex(one)));
  const unseen = await forge.reenter('ledger-cut-back', { ledger_seen: { officer: { seq: 1, sha256: sha256Hex(one) } } });
  return [
    { name: 'ledger-with-purge', what: 'the ledger is sound and asks for what this version cannot do', changes: await lines('ledger-with-purge', [1, one], [2, two]), read, code: 'LEDGER_NOT_APPLICABLE' },
    { name: 'ledger-gap', what: 'the first line is missing', changes: await lines('ledger-gap', [2, two]), read, code: 'LEDGER_BROKEN' },
    { name: 'ledger-fork', what: 'the second line does not follow the first', changes: await lines('ledger-fork', [1, one], [2, await signed(line(2, '0'.repeat(64)))]), read, code: 'LEDGER_BROKEN' },
    { name: 'ledger-misplaced', what: 'a line lies in the place of another number', changes: await lines('ledger-misplaced', [1, await signed(line(2, null))]), read, code: 'LEDGER_BROKEN' },
    { name: 'ledger-other-store', what: 'a line is of another store', changes: await lines('ledger-other-store', [1, await signed(line(1, null, { store: OTHER_STORE }))]), read, code: 'LEDGER_BROKEN' },
    { name: 'ledger-foreign-signer', what: 'a line is signed by a key that nobody vouches for', changes: await lines('ledger-foreign-signer', [1, await signed(line(1, null), keys.stranger)]), read, code: 'SIGNER_NOT_TRUSTED' },
    { name: 'ledger-newer-format', what: 'a line is of format 2', changes: await lines('ledger-newer-format', [1, await signed(line(1, null, { format: 2 }))]), read, code: 'FORMAT_UNKNOWN' },
    { name: 'ledger-cut-back', what: 'a snapshot has seen a line that is not there', changes: unseen, read, code: 'LEDGER_BROKEN' },
  ];
}

function rollbacks({ target, at }: Forge, second: ExpectedSnapshot): RefusedCase[] {
  const gone: Change[] = [
    { do: 'remove', file: at.entry },
    { do: 'remove', file: at.manifest },
  ];
  const hole = snapshotFolder(second.set, 30, second.snapshot);
  return [
    { name: 'newest-rolled-back', what: 'the newest snapshot, which was seen here, is gone', changes: gone, read: second, seen: true, code: 'ROLLED_BACK' },
    { name: 'hole-in-chain', what: 'an unexpired entry between two others is gone', changes: [{ do: 'remove', file: entryKey(hole) }, { do: 'remove', file: manifestKey(hole) }], read: target, verify: 'problem' },
  ];
}

/** Makes signed and sealed objects that are wrong in one thing only. */
class Forge {
  readonly keys: Keys;
  readonly target: ExpectedSnapshot;
  readonly entry: Entry;
  readonly at: { readonly folder: string; readonly entry: string; readonly manifest: string };
  /** The manifest's plaintext. */
  readonly text: string;

  static async of(keys: Keys, { set, snapshot, ...rest }: ExpectedSnapshot, state: string): Promise<Forge> {
    const store = withClock(openFileStore(`file://${STORE_FOLDER}`), () => NOW);
    const session = await openAs(store, keys, join(state, 'forge'));
    const { catalog } = await viewSet(session, set, false, SIGNAL);
    const item = catalog.entries.find(({ entry }) => entry.snapshot === snapshot);
    if (!item) throw new Error('the target is not there');
    const sealed = await store.get(manifestKey(item.folder), undefined, SIGNAL);
    const { plain } = await new KeyOpener([keys.ops]).open(sealed, session.trust, 'the target');
    return new Forge(keys, { set, snapshot, ...rest }, item.entry, item.folder, plain.toString());
  }

  constructor(keys: Keys, target: ExpectedSnapshot, entry: Entry, folder: string, text: string) {
    this.keys = keys;
    this.target = target;
    this.entry = entry;
    this.at = { folder, entry: entryKey(folder), manifest: manifestKey(folder) };
    this.text = text;
  }

  /** Prepares an object; the caller says where it goes. */
  async put(name: string, object: string, bytes: Uint8Array): Promise<{ do: 'put'; object: string }> {
    await mkdir(join(REFUSED_FOLDER, name), { recursive: true });
    await writeFile(join(REFUSED_FOLDER, name, object), bytes);
    return { do: 'put', object: `${name}/${object}` };
  }

  seal(text: string, signer = this.keys.db1, recipient = this.keys.ops): Promise<Buffer> {
    return new MessageSealer([recipient.toPublic()], signer).seal(Buffer.from(text));
  }

  async sealUnsigned(text: string): Promise<Buffer> {
    const message = await openpgp.createMessage({ binary: Buffer.from(text) });
    const encryptionKeys = this.keys.ops.toPublic();
    return Buffer.from(await openpgp.encrypt({ message, encryptionKeys, format: 'binary', config: PGP }));
  }

  /** The target with another manifest, and the entry that names it. */
  async snapshot(name: string, what: string, code: string, manifest: { plain: string } | { sealed: Buffer }): Promise<RefusedCase> {
    const sealed = 'sealed' in manifest ? manifest.sealed : await this.seal(manifest.plain);
    if ('plain' in manifest && manifest.plain === this.text) throw new Error(`${name} changes nothing`);
    const entry = { ...this.entry, manifest: { sha256: sha256Hex(sealed), bytes: sealed.length } };
    const changes: Change[] = [
      { ...(await this.put(name, 'manifest.pgp', sealed)), file: this.at.manifest },
      { ...(await this.put(name, 'entry.json', await signStatement(entry, this.keys.db1))), file: this.at.entry },
    ];
    return { name, what, changes, read: { set: this.target.set, snapshot: this.target.snapshot }, code };
  }

  /** The target with something else in what binds entry and manifest. */
  async reenter(name: string, change: Partial<Entry>): Promise<readonly Change[]> {
    const lines = this.text.split('\n');
    const header = { ...(JSON.parse(lines[0] ?? '') as object), ...change };
    const sealed = await this.seal([JSON.stringify(header), ...lines.slice(1)].join('\n'));
    const entry = { ...this.entry, ...change, manifest: { sha256: sha256Hex(sealed), bytes: sealed.length } };
    return [
      { ...(await this.put(name, 'manifest.pgp', sealed)), file: this.at.manifest },
      { ...(await this.put(name, 'entry.json', await signStatement(entry, this.keys.db1))), file: this.at.entry },
    ];
  }

  async segment(plain: Buffer): Promise<{ readonly sealed: Uint8Array; readonly ref: Omit<SegmentRef, 'pack'> }> {
    const key = sha256Hex(Buffer.from(`key of a vector with ${plain.length} bytes`));
    const sealed = await sealSegment(plain, Buffer.from(key, 'hex'), 3);
    const rows = plain.filter((byte) => byte === 10).length;
    return { sealed, ref: { offset: 0, length: sealed.length, sha256: sha256Hex(sealed), plain: plain.length, rows, key } };
  }

  /** The target with one stream of one segment: `page` is the plaintext of its page, given the pack's reference. */
  async oneSegment(name: string, what: string, code: string, sealed: Uint8Array, page: (pack: string) => string, bytes = 10): Promise<RefusedCase> {
    const ref = `${String(this.entry.pack_days).padStart(3, '0')}/${sha256Hex(Buffer.from(name)).slice(0, 16)}`;
    const sealedPage = await this.segment(Buffer.from(page(ref)));
    const pack = Buffer.concat([sealed, sealedPage.sealed]);
    const pageRef = formatRef({ ...sealedPage.ref, pack: ref, offset: sealed.length, rows: 1 });
    const header = this.text.split('\n')[0] ?? '';
    const plain = `${header}\nstream pre-data sql 1 0 ${bytes} {"name":"pre-data"}\npage ${pageRef}end 1 1\n`;
    const made = await this.snapshot(name, what, code, { plain });
    const change = { ...(await this.put(name, 'pack', pack)), file: packKey(this.entry, ref) };
    return { ...made, changes: [...made.changes, change] };
  }
}
