/** Somebody who has everything that a backup host has, and knows this program's source. */
import { createDecipheriv } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isHoldfastError } from '../../src/errors.ts';
import { openSegment } from '../../src/openpgp/segment.ts';
import { formatRef, parsePage } from '../../src/repository/pages.ts';
import { ChainKeys, SALT_BYTES, digestOf } from '../../src/segments/chain-keys.ts';
import { Cutter } from '../../src/segments/cut.ts';
import { sqliteSource } from '../../src/sources/sqlite/source.ts';
import { tamper } from '../services/machines.ts';
import type { Host } from '../services/machines.ts';
import { tempFolder } from '../services/temp.ts';

/** Where a segment lies (`NNN/PACK:OFFSET`) and its session key in hex. */
export interface SealedPlace {
  readonly at: string;
  readonly key: string;
}

/** A segment as the host's index knows it, with its bytes from the store. */
export interface Target {
  readonly at: string;
  readonly id: Buffer;
  readonly salt: Buffer;
  readonly sha256: string;
  readonly plainLength: number;
  readonly sealed: Buffer;
}

export interface Opened {
  readonly at: string;
  readonly plain: Buffer;
}

export class Attacker {
  readonly segments: readonly Target[];
  readonly #files: ReadonlyMap<string, Buffer>;
  readonly #secret: Buffer;
  readonly #keys: ChainKeys;
  /** Everything that the database can still be dumped to, cut as a backup cuts it. */
  readonly #plaintexts: readonly Buffer[];

  private constructor(
    segments: readonly Target[],
    files: ReadonlyMap<string, Buffer>,
    secret: Buffer,
    plaintexts: readonly Buffer[],
  ) {
    this.segments = segments;
    this.#files = files;
    this.#secret = secret;
    this.#keys = new ChainKeys(secret);
    this.#plaintexts = plaintexts;
  }

  /** Copies the host's files, reads its state, and fetches all packs with its credentials. */
  static async takeOver(host: Host, database: string): Promise<Attacker> {
    const files = await filesIn(host.folder);
    for (const [name, bytes] of await filesIn(host.env['HOME'] ?? '')) files.set(`home/${name}`, bytes);
    for (const [name, value] of Object.entries(host.env))
      files.set(`environment/${name}`, Buffer.from(value));
    for (const suffix of ['', '-wal', '-journal']) {
      const bytes = await readFile(database + suffix).catch(() => undefined);
      if (bytes) files.set(`database${suffix}`, bytes);
    }
    const state = [...files.keys()].find((name) => name.endsWith('chain.json')) ?? '';
    const { secret } = JSON.parse(files.get(state)?.toString() ?? '{}') as { secret: string };
    const folder = join(host.folder, state, '..');
    const segments = await readIndex(host, folder);
    const bytes = Buffer.from(secret, 'hex');
    return new Attacker(segments, files, bytes, await cutDump(database, new ChainKeys(bytes)));
  }

  /** Every file and variable, by name. */
  get everything(): ReadonlyMap<string, Buffer> {
    return this.#files;
  }

  /** The documented limit: segments whose plaintext the host can make again, of rows or of references to such segments. */
  async openKnown(): Promise<Opened[]> {
    const pages = this.#guessedPages();
    const digests = new Map(
      [...this.#plaintexts, ...pages].map((plain) => [this.#idOf(plain), digestOf(plain)]),
    );
    const opened: Opened[] = [];
    for (const target of this.segments) {
      const digest = digests.get(target.id.toString('hex'));
      if (!digest) continue;
      const key = Buffer.from(this.#keys.sessionKey(target.salt, digest), 'hex');
      opened.push({ at: target.at, plain: await openSegment({ ...target, key }, target.at) });
    }
    return opened;
  }

  /** Every key that the program could derive from what is here: all salts with all hashes, and the secrets themselves. */
  derivableKeys(): Buffer[] {
    const digests = [
      ...this.#plaintexts,
      ...this.#guessedPages(),
      Buffer.alloc(0),
      ...this.#files.values(),
    ].map(digestOf);
    const salts = this.segments.map(({ salt }) => salt);
    const keys = digests.flatMap((digest) =>
      salts.map((salt) => Buffer.from(this.#keys.sessionKey(salt, digest), 'hex')),
    );
    // The id in the place of the hash, the salt alone, the secret itself: what a careless design would have made a key.
    const careless = this.segments.flatMap(({ id, salt, sha256 }) => {
      const odd = [id, salt, Buffer.from(sha256, 'hex'), Buffer.concat([id, salt])];
      return [
        ...odd.map((part) => Buffer.from(this.#keys.sessionKey(salt, part), 'hex')),
        Buffer.from(sha256, 'hex'),
        Buffer.concat([id, salt]),
      ];
    });
    return [...keys, ...careless, this.#secret, ...digests];
  }

  /** Tries keys on a segment; the plaintext, if one opens it. */
  async openWithAny(target: Target, keys: readonly Buffer[]): Promise<Buffer | undefined> {
    for (const key of keys) {
      if (!maybeOpens(target.sealed, key)) continue;
      try {
        return await openSegment({ ...target, key }, target.at);
      } catch (error) {
        if (!isHoldfastError(error, 'DAMAGED')) throw error;
      }
    }
    return undefined;
  }

  /** Key pages as they would be, made of what can be opened: all of it, every beginning, and each reference alone. */
  #guessedPages(): Buffer[] {
    const byId = new Map(this.segments.map((target) => [target.id.toString('hex'), target]));
    const lines = this.#plaintexts.flatMap((plain) => {
      const target = byId.get(this.#idOf(plain));
      if (!target) return [];
      const [pack = '', offset = ''] = target.at.split(':');
      const place = { pack, offset: Number(offset), length: target.sealed.length };
      const rows = plain.filter((byte) => byte === 10).length;
      const key = this.#keys.sessionKey(target.salt, digestOf(plain));
      return [formatRef({ ...place, sha256: target.sha256, plain: plain.length, rows, key })];
    });
    const head = '{"format":1,"kind":"page"}\n';
    const page = (refs: readonly string[]) => Buffer.from(head + refs.join(''));
    const beginnings = lines.map((_, end) => page(lines.slice(0, end + 1)));
    parsePage(page(lines), 'a guessed page');
    return [...beginnings, ...lines.map((line) => page([line]))];
  }

  #idOf(plain: Buffer): string {
    return this.#keys.id(digestOf(plain)).toString('hex');
  }
}

/**
 * Whether a key fits: in SEIPDv1 the 15th and 16th byte of the plaintext come twice (RFC 9580, 5.13.1). A wrong key
 * passes once in 65,536 times.
 */
function maybeOpens(sealed: Buffer, key: Buffer): boolean {
  if (key.length !== 32) return false;
  const cipher = createDecipheriv('aes-256-cfb', key, Buffer.alloc(16));
  const start = bodyOf(sealed);
  const plain = cipher.update(sealed.subarray(start + 1, start + 19));
  return plain[14] === plain[16] && plain[15] === plain[17];
}

/** Where the body of the packet starts: after its tag and length (RFC 9580, 4.2.1). */
function bodyOf(sealed: Buffer): number {
  const first = sealed[1] ?? 0;
  if (first < 192) return 2;
  if (first < 224) return 3;
  return first === 255 ? 6 : 2;
}

async function filesIn(folder: string): Promise<Map<string, Buffer>> {
  const all = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = new Map<string, Buffer>();
  for (const file of all.filter((one) => one.isFile())) {
    const path = join(file.parentPath, file.name);
    files.set(path.slice(folder.length + 1), await readFile(path));
  }
  return files;
}

async function readIndex(host: Host, folder: string): Promise<Target[]> {
  const name = (await readdir(folder)).find((file) => /^segments-\d+\.sqlite$/.test(file)) ?? '';
  const index = new DatabaseSync(join(folder, name), { readOnly: true });
  const rows = index
    .prepare(
      'SELECT id, salt_sha256 AS both, ref, "offset" AS start, length, plain FROM segments JOIN packs USING (pack)',
    )
    .all() as unknown as {
    id: Uint8Array;
    both: Uint8Array;
    ref: string;
    start: number;
    length: number;
    plain: number;
  }[];
  index.close();
  const targets: Target[] = [];
  await tamper(host.place, async (store) => {
    const packs = new Map<string, Buffer>();
    for await (const { key } of store.list('keep-')) {
      const [, days, id] = /^keep-(\d+)\/.*\/packs\/([0-9a-f]+)$/.exec(key) ?? [];
      if (days !== undefined && id !== undefined) packs.set(`${days}/${id}`, await store.get(key));
    }
    for (const { id, both, ref, start, length, plain } of rows) {
      const sealed = packs.get(ref)?.subarray(start, start + length);
      if (!sealed) throw new Error(`the store has no pack ${ref}`);
      const [salt, sha256] = [
        Buffer.from(both.subarray(0, SALT_BYTES)),
        Buffer.from(both.subarray(SALT_BYTES)),
      ];
      targets.push({
        at: `${ref}:${String(start)}`,
        id: Buffer.from(id),
        salt,
        sha256: sha256.toString('hex'),
        plainLength: plain,
        sealed,
      });
    }
  });
  return targets;
}

async function cutDump(database: string, keys: ChainKeys): Promise<Buffer[]> {
  const signal = new AbortController().signal;
  const source = sqliteSource({ path: database, scratch: await tempFolder('scratch') });
  const cutter = new Cutter(keys.cutTable);
  const plaintexts: Buffer[] = [];
  await using dump = await source.dump(signal);
  for (const lane of dump.lanes) {
    for await (const { bytes } of lane) {
      for await (const chunk of bytes)
        plaintexts.push(...cutter.push(chunk).map((segment) => Buffer.from(segment)));
      const rest = cutter.finish();
      if (rest) plaintexts.push(Buffer.from(rest));
    }
  }
  return plaintexts;
}
