/**
 * Looking for somebody's identifiers in everything that snapshots hold: every table, also those that are nobody's, and
 * the scripts around them. What it does not find it cannot promise: see `rows/variants.ts`.
 *
 * Every segment is opened once, however many snapshots share it.
 */
import { throwIfCancelled } from '../../errors.ts';
import type { Manifest, ManifestStream } from '../../repository/manifest.ts';
import { readSidecar } from '../../restore/sidecar.ts';
import { codecFor, codecOptions } from '../../rows/codec.ts';
import type { RowCodec } from '../../rows/codec.ts';
import type { SegmentPool } from '../../segments/pool.ts';
import type { Schema } from '../../sources/schema.ts';
import type { ReadStore } from '../../stores/store.ts';
import type { Identifiers } from './identifiers.ts';
import type { LocatedSnapshot } from '../locate/located.ts';
import { findMentions } from './mentions.ts';
import type { FoundMention } from './mentions.ts';
import type { Mention, ScanReport } from './scan-report.ts';
import { chainId, SharedReader } from '../locate/shared-reader.ts';
import type { SharedPages } from '../locate/shared-reader.ts';
import { rowName } from '../locate/tables.ts';
import { KnownUnits, readUnits, unitsOf } from '../locate/units.ts';
import type { PlacedUnit } from '../locate/units.ts';

export interface ScanInput {
  readonly store: ReadStore;
  readonly pool: Pick<SegmentPool, 'open'>;
  readonly snapshots: readonly ScannedSnapshot[];
  readonly identifiers: Identifiers;
  /** Called with bytes of plaintext that were looked through, and what they are of. */
  readonly onProgress?: (bytes: number, what: string) => void;
}

export interface ScannedSnapshot {
  readonly manifest: Manifest;
  /** What a purge finds in it, and does with it; undefined: all that it holds stays. */
  readonly located?: Pick<LocatedSnapshot, 'streams' | 'closure' | 'whole' | 'archive'>;
}

/** A scan, with the numbers of the snapshots in which each of its mentions is. */
export interface LocatedScan {
  readonly report: ScanReport;
  readonly where: ReadonlyMap<Mention, ReadonlySet<number>>;
}

/** Looks everything through. Throws as `scanWithPlaces`. */
export async function scanSnapshots(input: ScanInput, signal: AbortSignal): Promise<ScanReport> {
  return (await scanWithPlaces(input, signal)).report;
}

/**
 * Looks everything through.
 * @throws HoldfastError DAMAGED, MALFORMED, CANCELLED, ROW_UNREADABLE, and what the store throws
 */
export async function scanWithPlaces(input: ScanInput, signal: AbortSignal): Promise<LocatedScan> {
  const { identifiers, snapshots } = input;
  const { values, columns, tooShort } = identifiers;
  const about = { values, columns: [...columns], tooShort: [...tooShort] };
  if (values === 0) return { report: { ...about, segments: 0, bytes: 0, mentions: [] }, where: new Map() };
  const pages: SharedPages = new Map();
  const known = new KnownUnits();
  const work = new Work();
  for (const [index, snapshot] of snapshots.entries()) {
    throwIfCancelled(signal);
    const reader = new SharedReader(input.store, snapshot.manifest, input.pool, pages);
    await gather(work, { index, snapshot, reader, known }, signal);
  }
  const tally = new Tally();
  const scanned = { segments: 0, bytes: 0 };
  for (const [reader, jobs] of work.byReader()) {
    for await (const { placed: job, plain } of readUnits(reader, jobs, 'segments', signal)) {
      throwIfCancelled(signal);
      scanned.segments += job.unit.segments.length;
      scanned.bytes += plain.length;
      input.onProgress?.(plain.length, job.table);
      const found = findMentions(plain, job, identifiers);
      for (const use of job.uses) tally.add(job, found, use);
    }
  }
  const where = tally.mentions();
  return { report: { ...about, ...scanned, mentions: [...where.keys()] }, where };
}

/** A unit that is looked through, with the snapshots that have it. */
interface Job extends PlacedUnit {
  readonly table: string;
  /** Undefined where there are no rows: in scripts, and where no side-car says what rows look like. */
  readonly codec: RowCodec | undefined;
  readonly uses: Use[];
}

interface Use {
  readonly index: number;
  readonly snapshot: ScannedSnapshot;
  readonly stream: string;
  readonly ordinal: number;
  /** Where its bytes begin in the stream. */
  readonly offset: number;
}

/** Units by what they are; each chain's are opened by a reader of that chain. */
class Work {
  readonly #jobs = new Map<string, { readonly reader: SharedReader; readonly jobs: Map<string, Job> }>();

  add(reader: SharedReader, placed: PlacedUnit, about: Pick<Job, 'table' | 'codec'>, use: Use): void {
    const chain = chainId(placed.unit.place);
    const known = this.#jobs.get(chain) ?? { reader, jobs: new Map<string, Job>() };
    this.#jobs.set(chain, known);
    // Equal text of two tables is one segment, and its rows are those of both.
    const id = `${about.table} ${placed.id}`;
    const job = known.jobs.get(id) ?? { ...placed, ...about, uses: [] };
    known.jobs.set(id, job);
    job.uses.push(use);
  }

  *byReader(): Generator<readonly [SharedReader, readonly Job[]]> {
    for (const { reader, jobs } of this.#jobs.values()) yield [reader, [...jobs.values()]];
  }
}

interface Gathering {
  readonly index: number;
  readonly snapshot: ScannedSnapshot;
  readonly reader: SharedReader;
  readonly known: KnownUnits;
}

async function gather(
  work: Work,
  { index, snapshot, reader, known }: Gathering,
  signal: AbortSignal,
): Promise<void> {
  const { manifest } = snapshot;
  const place = manifest.binding;
  const sidecar = await readSidecar(reader, manifest, signal);
  for (const stream of manifest.streams) {
    const about = {
      table: stream.table?.name ?? stream.name,
      codec: codecOf(stream, sidecar?.schema, manifest),
    };
    let offset = 0;
    for (const placed of await unitsOf(reader.pageParts(stream, signal), place, known)) {
      const { ordinal } = placed;
      work.add(reader, placed, about, { index, snapshot, stream: stream.name, ordinal, offset });
      offset += placed.unit.segments.reduce((sum, { plain }) => sum + plain, 0);
    }
  }
  const refs = manifest.sidecar ?? [];
  for (const placed of await unitsOf(inOrder([{ refs, from: 0, to: refs.length }]), place, known)) {
    const use = { index, snapshot, stream: SIDECAR, ordinal: placed.ordinal, offset: 0 };
    work.add(reader, placed, { table: SIDECAR, codec: undefined }, use);
  }
}

const SIDECAR = 'the side-car';

function codecOf(
  { table, dialect }: ManifestStream,
  schema: Schema | undefined,
  { source }: Manifest,
): RowCodec | undefined {
  const said = schema?.tables.find(({ name }) => name === table?.name);
  if (table === undefined || said === undefined || dialect === 'sql') return undefined;
  return codecFor(dialect, table, said, codecOptions(source));
}

/** Counts what stays: by table and column, a row once, in however many segments and snapshots it is. */
class Tally {
  readonly #found = new Map<string, { rows: Set<string>; own: Set<string>; snapshots: Set<number> }>();

  add(job: Job, found: readonly FoundMention[], use: Use): void {
    const { located } = use.snapshot;
    if (found.length === 0) return;
    if (located?.whole.some(({ stream, drop }) => stream === use.stream && drop !== undefined)) return;
    const edits = located?.streams.get(use.stream)?.units.get(use.ordinal)?.edits ?? [];
    const affected = located?.closure.affected.get(job.table);
    const leaves = use.stream === located?.archive?.stream.name ? located.archive.ranges : [];
    for (const { start, digest, position } of found) {
      const at = use.offset + start;
      if (leaves.some(({ offset, length }) => at >= offset && at < offset + length)) continue;
      const change = edits.find((edit) => edit.start <= start && start < edit.end)?.change;
      if (change === 'drop' || (position !== undefined && change?.has(position) === true)) continue;
      const column = position === undefined ? undefined : job.codec?.columns[position];
      const name = JSON.stringify([job.table, column]);
      const counts = this.#found.get(name) ?? { rows: new Set(), own: new Set(), snapshots: new Set() };
      this.#found.set(name, counts);
      counts.rows.add(digest);
      counts.snapshots.add(use.index);
      if (affected?.has(rowName(use.ordinal, { start })) === true) counts.own.add(digest);
    }
  }

  mentions(): Map<Mention, ReadonlySet<number>> {
    const mentions = [...this.#found]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { rows, own, snapshots }]) => {
        const [table, column] = JSON.parse(name) as [string, string | null];
        const counts = { rows: rows.size, own: own.size, snapshots: snapshots.size };
        return [{ table, ...(column !== null && { column }), ...counts }, snapshots] as const;
      });
    return new Map(mentions);
  }
}

// eslint-disable-next-line @typescript-eslint/require-await -- the reader takes references as they come
async function* inOrder<T>(refs: readonly T[]): AsyncGenerator<T> {
  yield* refs;
}
