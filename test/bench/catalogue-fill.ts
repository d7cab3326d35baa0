/**
 * The host's segment index of a chain of millions of segments, as it is after the full backup: written at once, in a
 * process of its own, so that its memory is not counted. Usage: catalogue-fill.ts FOLDER SEGMENTS
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SegmentIndex } from '../../src/repository/segment-index.ts';
import { ChainKeys, SALT_BYTES, digestOf } from '../../src/segments/chain-keys.ts';

export const INDEX_FILE = 'segments.sqlite';
export const CHAIN_SECRET = Buffer.alloc(32, 1);
const SEGMENTS_PER_PACK = 300;
/** All of the file, so that random ids do not become random writes. */
const CACHE_KIB = 4 * 1024 * 1024;

/** What stands for the hash of a segment's plaintext. */
export function digest(i: number): Buffer {
  return digestOf(Buffer.from(`segment ${i}`));
}

if (process.argv[1] === import.meta.filename) fill(process.argv[2] ?? '', Number(process.argv[3]));

function fill(folder: string, segments: number): void {
  const file = join(folder, INDEX_FILE);
  new SegmentIndex(file)[Symbol.dispose]();
  const keys = new ChainKeys(CHAIN_SECRET);
  const db = new DatabaseSync(file);
  db.exec(`PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -${CACHE_KIB}; BEGIN`);
  const addPack = db.prepare('INSERT INTO packs (pack, ref, bytes) VALUES (?, ?, ?)');
  const addSegment = db.prepare('INSERT INTO segments VALUES (?, ?, ?, ?, 30000, 130000, 1200)');
  for (let i = 0; i < segments; i++) {
    const pack = Math.floor(i / SEGMENTS_PER_PACK) + 1;
    if (i % SEGMENTS_PER_PACK === 0)
      addPack.run(pack, `039/${pack.toString(16).padStart(16, '0')}`, 30_000 * SEGMENTS_PER_PACK);
    const hash = digest(i);
    addSegment.run(
      keys.id(hash),
      Buffer.concat([hash.subarray(0, SALT_BYTES), hash]),
      pack,
      (i % SEGMENTS_PER_PACK) * 30_000,
    );
  }
  db.exec('COMMIT');
  db.close();
}
