/** From a source to segments in packs: the dump, its lanes, and whoever is to be left out of them. */
import { throwIfCancelled } from '../errors.ts';
import { PackWriter } from '../repository/packs.ts';
import { formatSidecar } from '../repository/sidecar.ts';
import type { SegmentPool } from '../segments/pool.ts';
import type { Dump, DumpStream, SourceInfo } from '../sources/source.ts';
import { RunIndexing } from '../subject-index/indexing.ts';
import type { SealBlock } from '../subject-index/seal.ts';
import { checkMap } from '../subjects/check.ts';
import type { DumpGuard, PurgeGuard } from '../suppression/guard.ts';
import type { ReadyChain } from './chain.ts';
import type { Locks } from './locks.ts';
import type { BackupOptions } from './options.ts';
import { Recorder } from './recorder.ts';
import type { Recorded } from './recorder.ts';

export interface RecordOptions extends BackupOptions {
  readonly info: SourceInfo;
  readonly guard: PurgeGuard;
}

/** Records a dump that may be kept: one without those who are to be left out of it. */
export async function record(
  options: RecordOptions,
  chain: ReadyChain,
  locks: Locks | undefined,
  pool: SegmentPool,
  signal: AbortSignal,
): Promise<Recorded> {
  const told = new Set<string>();
  const onWarning = (text: string) => {
    if (!told.has(text)) options.onWarning(text);
    told.add(text);
  };
  for (;;) {
    throwIfCancelled(signal);
    const recorded = await recordDump({ ...options, onWarning }, chain, locks, pool, signal);
    if (recorded) return recorded;
    while (!options.guard.isReady) await lookThroughDump(options, signal);
  }
}

/** Reads a dump and keeps nothing of it. */
async function lookThroughDump({ source, guard, info }: RecordOptions, signal: AbortSignal): Promise<void> {
  throwIfCancelled(signal);
  await using dump = await source.dump(signal);
  const watched = guard.begin(dump.schema, info);
  await readLanes(dump, async (streams) => {
    for await (const stream of streams)
      for await (const _ of watched.watch(stream).bytes) throwIfCancelled(signal);
  });
  await watched.judge(signal);
}

/**
 * Streams a dump through the recorder into packs.
 * @returns undefined when somebody is in it who is to be left out, and could not be
 */
async function recordDump(
  options: RecordOptions,
  chain: ReadyChain,
  locks: Locks | undefined,
  pool: SegmentPool,
  signal: AbortSignal,
): Promise<Recorded | undefined> {
  const { session, source, level, onProgress } = options;
  const recorder = new Recorder({ keys: chain.keys, index: chain.index, pool, level, signal, onProgress });
  const writer = new PackWriter({
    store: session.store,
    place: chain.place,
    packDays: chain.packDays,
    ...(locks && { lock: () => locks.ofPack(chain.packDays) }),
    onStored: (pack) => recorder.stored(pack),
    signal,
  });
  recorder.writeTo(writer);
  try {
    await using dump = await source.dump(signal);
    const sidecar = describeDump(options, dump);
    if (sidecar) recorder.addSidecar(sidecar);
    recorder.indexWith(beginIndexing(options, dump, chain, pool, signal));
    const watched = options.guard.begin(dump.schema, options.info);
    await recordLanes(recorder, dump, watched, signal);
    if (await watched.judge(signal)) return await recorder.finish();
    await recorder.abandon();
    return undefined;
  } catch (error) {
    await recorder.abandon();
    throw error;
  }
}

function beginIndexing(
  { session, subjects, info }: RecordOptions,
  { schema }: Dump,
  { place, packDays }: ReadyChain,
  pool: SegmentPool,
  signal: AbortSignal,
): RunIndexing | undefined {
  if (subjects === undefined) return undefined;
  const { store } = session;
  const seal: SealBlock = (plain, key, level) => pool.seal(plain, key, level);
  return RunIndexing.begin({ map: subjects.map, schema, info, store, place, packDays, seal, signal });
}

/** The side-car, if there is a table; says what the subject map does not cover. */
function describeDump({ source, subjects, onWarning }: BackupOptions, { schema }: Dump): Buffer | undefined {
  const findings = subjects === undefined ? [] : checkMap(subjects, schema, { engine: source.kind });
  for (const finding of findings) onWarning(subjects?.describe(finding) ?? finding.message);
  if (schema.tables.length === 0) return undefined;
  const { text, sha256 } = subjects?.map ?? {};
  return formatSidecar({
    schema,
    ...(text !== undefined && sha256 !== undefined && { subjects: { text, sha256 } }),
  });
}

async function recordLanes(
  recorder: Recorder,
  dump: Dump,
  guard: DumpGuard,
  signal: AbortSignal,
): Promise<void> {
  await readLanes(dump, async (streams) => {
    const lane = recorder.lane();
    for await (const stream of streams) {
      throwIfCancelled(signal);
      await lane.addStream(guard.watch(stream));
    }
  });
}

/** Reads all lanes at the same time; the first that fails stops the others, and its error counts. */
async function readLanes(
  dump: Dump,
  read: (streams: AsyncIterable<DumpStream>) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  const readLane = async (streams: AsyncIterable<DumpStream>) => {
    try {
      await read(streams);
    } catch (error) {
      failures.push(error);
      await dump[Symbol.asyncDispose]();
    }
  };
  await Promise.all(dump.lanes.map(readLane));
  if (failures.length > 0) throw failures[0];
}
