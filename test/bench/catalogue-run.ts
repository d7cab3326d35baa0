/**
 * A set of millions of segments without the terabyte behind it: the catalogue is driven with hashes instead of
 * plaintext. Day 1 references every segment and writes all pages; day 2 finds all but the last 1 %, which are new.
 * Prints one JSON line about day 2. Usage: catalogue-run.ts FOLDER SEGMENTS, after catalogue-fill.ts with the same.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MessageSealer } from '../../src/openpgp/message.ts';
import { generateHostKey, generateRecipientKey } from '../../src/openpgp/keys.ts';
import { Recorder } from '../../src/backup/recorder.ts';
import type { Recorded } from '../../src/backup/recorder.ts';
import { formatManifest } from '../../src/repository/manifest.ts';
import type { Manifest } from '../../src/repository/manifest.ts';
import { PackWriter } from '../../src/repository/packs.ts';
import { SegmentIndex } from '../../src/repository/segment-index.ts';
import { ChainKeys } from '../../src/segments/chain-keys.ts';
import { SegmentPool } from '../../src/segments/pool.ts';
import { openFileStore } from '../../src/stores/file.ts';
import { CHAIN_SECRET, INDEX_FILE, digest } from './catalogue-fill.ts';

const [folder = '', count = ''] = process.argv.slice(2);
const segments = Number(count);
const NEW_SHARE = 0.01;
const PLACE = { set: 'huge', writer: 'db1', chain: 1 };
const STREAM = {
  name: 'public.t',
  section: 'data',
  dialect: 'pg-copy',
  table: { name: 'public.t', columns: ['id'] },
} as const;

const keys = new ChainKeys(CHAIN_SECRET);
const store = openFileStore(`file://${join(folder, 'store')}`);
const signal = new AbortController().signal;
await store.create(signal);
using index = new SegmentIndex(join(folder, INDEX_FILE));
await using pool = SegmentPool.forWriting();

await record(segments, 0);
const startedMs = performance.now();
const known = Math.round(segments * (1 - NEW_SHARE));
const { recorded, newPageBytes } = await record(known, segments - known);
const seconds = (performance.now() - startedMs) / 1000;
const manifest = await new MessageSealer(
  [(await generateRecipientKey('ops')).toPublic()],
  await generateHostKey('host'),
).seal(formatManifest(manifestOf(recorded)));
const peakBytes = Number(/VmHWM:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
process.stdout.write(
  `${JSON.stringify({ segments, manifestBytes: manifest.length, pages: recorded.pages.length, newPageBytes, seconds, peakBytes })}\n`,
);

/** One pass over the set: so many known segments, then so many new ones of a few bytes. */
async function record(
  knownSegments: number,
  newSegments: number,
): Promise<{ recorded: Recorded; newPageBytes: number }> {
  const recorder = new Recorder({ keys, index, pool, level: 1, signal, onProgress: () => undefined });
  const writer = new PackWriter({
    store,
    place: PLACE,
    packDays: 39,
    onStored: (pack) => recorder.stored(pack),
    signal,
  });
  recorder.writeTo(writer);
  const lane = recorder.lane();
  const tally = { segments: 0, rows: 0, bytes: 0 };
  for (let i = 0; i < knownSegments; i++) {
    if (!(await lane.addKnown(digest(i), tally))) throw new Error(`segment ${i} is not known`);
  }
  let sealedBytes = 0;
  for (let i = 0; i < newSegments; i++) {
    const plain = Buffer.from(`row ${segments + i}\n`);
    await lane.addSegment(plain, tally);
    sealedBytes += plain.length;
  }
  await lane.endStream(STREAM, tally);
  const recorded = await recorder.finish();
  // A new segment of a few bytes is about 90 bytes of envelope; what is left of the new bytes is pages.
  return { recorded, newPageBytes: Math.max(0, recorded.newBytes - newSegments * 90 - sealedBytes) };
}

function manifestOf({ streams, pages }: Recorded): Manifest {
  return {
    binding: {
      format: 1,
      store: '9b2f9e0a-6a3e-4f0e-9d3f-0a1b2c3d4e5f',
      ...PLACE,
      snapshot: '20261121T030005Z-9f3a01c4',
      seq: 2,
      revision: 0,
      time: '2026-11-21T03:00:05.000Z',
      end: '2026-12-21T03:00:05.000Z',
      keep_days: 30,
      pack_days: 39,
      ledger_seen: {},
      recipients: ['9b2f9e0a6a3e4f0e9d3f0a1b2c3d4e5f00112233'],
    },
    source: {
      kind: 'postgres',
      database: 'huge',
      serverVersion: '15',
      toolVersion: '15',
      warnings: [],
      facts: {},
    },
    streams,
    pages,
  };
}
