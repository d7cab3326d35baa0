/** Signed and sealed objects that are wrong in one thing only, for the refused snapshots. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openpgp, PGP } from '../../src/openpgp/library.ts';
import { KeyOpener, MessageSealer } from '../../src/openpgp/message.ts';
import { sealSegment } from '../../src/openpgp/segment.ts';
import { signStatement } from '../../src/openpgp/statement.ts';
import { sha256Hex } from '../../src/repository/entry.ts';
import type { Entry } from '../../src/repository/entry.ts';
import { entryKey, manifestKey, packKey } from '../../src/repository/layout.ts';
import { formatRef } from '../../src/repository/pages.ts';
import type { SegmentRef } from '../../src/repository/pages.ts';
import { viewSet } from '../../src/restore/open.ts';
import { openFileStore } from '../../src/stores/file.ts';
import { NOW, REFUSED_FOLDER, SIGNAL, STORE_FOLDER, withClock } from './kit.ts';
import type { Change, ExpectedSnapshot, Keys, RefusedCase } from './kit.ts';
import { openAs } from './make-accepted.ts';

export const OTHER_STORE = '00000000-0000-4000-8000-000000000000';

export class Forge {
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
  async snapshot(
    name: string,
    what: string,
    code: string,
    manifest: { plain: string } | { sealed: Buffer },
  ): Promise<RefusedCase> {
    const sealed = 'sealed' in manifest ? manifest.sealed : await this.seal(manifest.plain);
    if ('plain' in manifest && manifest.plain === this.text) throw new Error(`${name} changes nothing`);
    const entry = { ...this.entry, manifest: { sha256: sha256Hex(sealed), bytes: sealed.length } };
    const changes: Change[] = [
      { ...(await this.put(name, 'manifest.pgp', sealed)), file: this.at.manifest },
      {
        ...(await this.put(name, 'entry.json', await signStatement(entry, this.keys.db1))),
        file: this.at.entry,
      },
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
      {
        ...(await this.put(name, 'entry.json', await signStatement(entry, this.keys.db1))),
        file: this.at.entry,
      },
    ];
  }

  segment(plain: Buffer): { readonly sealed: Uint8Array; readonly ref: Omit<SegmentRef, 'pack'> } {
    const key = sha256Hex(Buffer.from(`key of a vector with ${plain.length} bytes`));
    const sealed = sealSegment(plain, Buffer.from(key, 'hex'), 3);
    const rows = plain.filter((byte) => byte === 10).length;
    return {
      sealed,
      ref: { offset: 0, length: sealed.length, sha256: sha256Hex(sealed), plain: plain.length, rows, key },
    };
  }

  /** The target with one stream of one segment: `page` is the plaintext of its page, given the pack's reference. */
  async oneSegment(
    name: string,
    what: string,
    code: string,
    sealed: Uint8Array,
    page: (pack: string) => string,
    bytes = 10,
  ): Promise<RefusedCase> {
    const ref = `${String(this.entry.pack_days).padStart(3, '0')}/${sha256Hex(Buffer.from(name)).slice(0, 16)}`;
    const sealedPage = this.segment(Buffer.from(page(ref)));
    const pack = Buffer.concat([sealed, sealedPage.sealed]);
    const pageRef = formatRef({ ...sealedPage.ref, pack: ref, offset: sealed.length, rows: 1 });
    const header = this.text.split('\n')[0] ?? '';
    const plain = `${header}\nstream pre-data sql 1 0 ${bytes} {"name":"pre-data"}\npage ${pageRef}end 1 1\n`;
    const made = await this.snapshot(name, what, code, { plain });
    const change = { ...(await this.put(name, 'pack', pack)), file: packKey(this.entry, ref) };
    return { ...made, changes: [...made.changes, change] };
  }
}
