/**
 * What a stranger with every private key gets out of a store: each object as it lies there, and everything that can be
 * opened from manifests downwards. It asks neither ledger nor entries which manifest counts: whatever opens is read.
 */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PGP, openpgp } from '../../src/openpgp/library.ts';
import { openSegment } from '../../src/openpgp/segment.ts';
import { indexKey, packKey } from '../../src/repository/layout.ts';
import type { ChainPlace } from '../../src/repository/layout.ts';
import { parseManifest } from '../../src/repository/manifest.ts';
import type { Manifest } from '../../src/repository/manifest.ts';
import { parsePage } from '../../src/repository/pages.ts';
import type { SegmentRef } from '../../src/repository/pages.ts';
import { Scanner } from '../../src/rows/scan.ts';
import { formsOf } from '../../src/rows/variants.ts';
import { IndexObject } from '../../src/subject-index/open.ts';

export interface Piece {
  /** The object, and what of it. */
  readonly what: string;
  readonly bytes: Buffer;
}

/** Every file below a folder, as it is. */
export async function* filesIn(root: string): AsyncGenerator<Piece> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  for (const entry of entries.toSorted((a, b) =>
    join(a.parentPath, a.name) < join(b.parentPath, b.name) ? -1 : 1,
  )) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    yield { what: path.slice(root.length + 1), bytes: await readFile(path) };
  }
}

/** A reference with the chain in which it counts, and what its plaintext is. */
export interface Reached {
  readonly place: ChainPlace;
  readonly folder: 'packs' | 'index';
  readonly kind: 'page' | 'segment' | 'sidecar' | 'index';
  readonly ref: SegmentRef;
}

/** What opens with all these keys. */
export class Opened {
  /** Whole messages: manifests, suppression objects. */
  readonly messages: Piece[] = [];
  /** Plaintext of segments, pages, side-cars and index objects, each once. */
  readonly pieces: Piece[] = [];
  /** Whatever a manifest leads to, by its place. */
  readonly reached = new Map<string, Reached>();
  /** What should open and does not, and why. */
  readonly failures: string[] = [];
}

/**
 * Opens a store that is a folder.
 * @param manifests - where the manifests are taken from, when not from the store itself
 */
export async function openAll(
  root: string,
  keys: readonly openpgp.PrivateKey[],
  manifests = root,
): Promise<Opened> {
  const opened = new Opened();
  for await (const { what, bytes } of filesIn(manifests)) {
    if (!what.endsWith('.pgp')) continue;
    const plain = await decrypt(bytes, keys);
    if (plain === undefined) {
      opened.failures.push(`${what}: no key opens it`);
      continue;
    }
    opened.messages.push({ what, bytes: plain });
    if (/\/manifest(-\d+)?\.pgp$/.test(what)) await openManifest(root, parseManifest(plain, what), opened);
  }
  return opened;
}

async function decrypt(sealed: Buffer, keys: readonly openpgp.PrivateKey[]): Promise<Buffer | undefined> {
  try {
    const message = await openpgp.readMessage({ binaryMessage: sealed, config: PGP });
    const { data } = await openpgp.decrypt({
      message,
      decryptionKeys: [...keys],
      format: 'binary',
      config: PGP,
    });
    return Buffer.from(data as Uint8Array);
  } catch {
    return undefined;
  }
}

async function openManifest(root: string, manifest: Manifest, opened: Opened): Promise<void> {
  const place = manifest.binding;
  for (const page of manifest.pages) {
    const plain = await openRef(root, { place, folder: 'packs', kind: 'page', ref: page }, opened);
    if (plain === undefined) continue;
    for (const ref of parsePage(plain, 'a page'))
      await openRef(root, { place, folder: 'packs', kind: 'segment', ref }, opened);
  }
  for (const ref of manifest.sidecar ?? [])
    await openRef(root, { place, folder: 'packs', kind: 'sidecar', ref }, opened);
  for (const ref of manifest.indexes ?? [])
    await openIndex(root, { place, folder: 'index', kind: 'index', ref }, opened);
}

/** The plaintext of a segment; it is noted once, and read as often as it is asked for. */
async function openRef(root: string, reached: Reached, opened: Opened): Promise<Buffer | undefined> {
  const { ref, kind } = reached;
  const name = nameOf(reached);
  const isNew = !opened.reached.has(name);
  opened.reached.set(name, reached);
  if (!isNew && kind !== 'page') return undefined;
  try {
    const sealed = (await readFile(objectOf(root, reached))).subarray(ref.offset, ref.offset + ref.length);
    const key = Buffer.from(ref.key, 'hex');
    const plain = await openSegment({ sealed, key, sha256: ref.sha256, plainLength: ref.plain }, name);
    if (isNew) opened.pieces.push({ what: `${kind} ${name}`, bytes: plain });
    return plain;
  } catch (error) {
    opened.failures.push(`${name}: ${(error as Error).message}`);
    return undefined;
  }
}

/** Every block of an index object, opened. */
async function openIndex(root: string, reached: Reached, opened: Opened): Promise<void> {
  const name = nameOf(reached);
  if (opened.reached.has(name)) return;
  opened.reached.set(name, reached);
  try {
    const bytes = await readFile(objectOf(root, reached));
    const read = (offset: number, length: number) => Promise.resolve(bytes.subarray(offset, offset + length));
    const object = await IndexObject.open(reached.ref, read, name);
    const { tables } = object.directory;
    for (const { hashes, runs } of tables.flatMap(({ columns }) => columns))
      for await (const [, plain] of object.blocks([...hashes, ...runs]))
        opened.pieces.push({ what: `index ${name}`, bytes: plain });
  } catch (error) {
    opened.failures.push(`${name}: ${(error as Error).message}`);
  }
}

export function nameOf({ place, folder, ref }: Reached): string {
  return `${place.writer}-${place.chain} ${folder} ${ref.pack} ${ref.offset}`;
}

/** The file in which a reference lies. */
export function objectOf(root: string, { place, folder, ref }: Reached): string {
  return join(root, (folder === 'packs' ? packKey : indexKey)(place, ref.pack));
}

/** Everything that is known of somebody, in every form in which it might be written somewhere. */
export class Person {
  readonly #forms;
  readonly #scanner: Scanner;

  constructor(identifiers: readonly string[]) {
    this.#forms = identifiers.flatMap((identifier) => formsOf(identifier));
    this.#scanner = new Scanner(this.#forms);
  }

  isIn(bytes: Buffer): boolean {
    return this.#scanner.hits(bytes).length > 0;
  }

  /** Where they are, and how they are written there. */
  findIn(pieces: Iterable<Piece>): string[] {
    return [...pieces].flatMap(({ what, bytes }) => {
      const [hit] = this.#scanner.hits(bytes);
      return hit === undefined ? [] : [`${what}: ${this.#forms[hit.form]?.how ?? ''} at ${hit.start}`];
    });
  }

  /** As `findIn`, for every file of a folder. */
  async findBelow(folder: string): Promise<string[]> {
    const found: string[] = [];
    for await (const piece of filesIn(folder)) found.push(...this.findIn([piece]));
    return found;
  }
}
