/**
 * Large objects (PostgreSQL) that go with their rows. They belong to no table: a dump makes, describes and fills them by
 * statements of its scripts, which are taken out like rows, so that nothing is left of an object, its comment included.
 */
import type { ManifestStream } from '../../repository/manifest.ts';
import { SqlScriptCodec } from '../../rows/sql-script-codec.ts';
import { unitEdit } from './edits.ts';
import { editUnsound } from './locate-errors.ts';
import type { LocatedStream, Opened, RowEdit, UnitEdit } from './located.ts';
import { ScriptUnits, type ScriptUnit } from './object-units.ts';
import type { Prepared } from './prepare.ts';
import { Tally } from './tally.ts';
import { KnownUnits, unitsOf } from './units.ts';

export interface LargeObjectsOptions {
  /** Numbers of those that go, by snapshot; a number that no object has any more does no harm. */
  readonly gone: Iterable<ReadonlySet<string>>;
  /** Called with the name of a script, and bytes of it that were looked through. */
  readonly onOpened: (name: string, bytes: number) => void;
  readonly signal: AbortSignal;
}

/** Takes large objects out of scripts; scripts that snapshots share are looked through once. */
export class LargeObjects {
  readonly #options: LargeObjectsOptions;
  readonly #scripts: ScriptUnits;
  readonly #known = new KnownUnits();
  readonly #tally = new Tally();

  constructor(options: LargeObjectsOptions) {
    this.#options = options;
    const gone = new Set([...options.gone].flatMap((numbers) => [...numbers]));
    this.#scripts = new ScriptUnits(gone, (name, unit) => {
      this.#tally.add(unit);
      options.onOpened(
        name,
        unit.segments.reduce((sum, { plain }) => sum + plain, 0),
      );
    });
  }

  /** How much was read so far. */
  get opened(): Opened {
    return this.#tally.against(this.#known.all.segments);
  }

  /**
   * The edits of one snapshot's scripts, by stream.
   * @param objects - numbers of those that go in it
   * @throws HoldfastError PURGE_EDIT_UNSOUND for a script that is not as pg_dump writes it
   */
  async editsOf(
    prepared: Prepared,
    objects: ReadonlySet<string>,
  ): Promise<ReadonlyMap<string, LocatedStream>> {
    const located = new Map<string, LocatedStream>();
    if (objects.size === 0) return located;
    let firstSegment = 0;
    for (const stream of prepared.manifest.streams) {
      // Globals are of the server, and large objects of a database.
      if (stream.dialect === 'sql' && stream.section !== 'globals') {
        const units = await this.#unitsOf(prepared, stream, objects);
        const codec = new SqlScriptCodec(stream.name);
        if (units.size > 0) located.set(stream.name, { stream, firstSegment, units, codec });
      }
      firstSegment += stream.segments;
    }
    return located;
  }

  async #unitsOf(
    { manifest, reader }: Prepared,
    stream: ManifestStream,
    objects: ReadonlySet<string>,
  ): Promise<ReadonlyMap<number, UnitEdit>> {
    const { signal } = this.#options;
    const { set, writer, chain } = manifest.binding;
    const base = await unitsOf(reader.pageParts(stream, signal), { set, writer, chain }, this.#known);
    const units = await this.#scripts.of(base, reader, stream.name, signal);
    return editsIn(units, stream.name, objects);
  }
}

/** Goes through a script, so that what a unit goes on with is known. */
function editsIn(
  units: readonly ScriptUnit[],
  name: string,
  objects: ReadonlySet<string>,
): ReadonlyMap<number, UnitEdit> {
  const edits = new Map<number, UnitEdit>();
  let open: string | null = null;
  let ordinal = 0;
  for (const { unit, carried, named, opened } of units) {
    if (carried.length > 0 && open === null)
      throw editUnsound(name, 'it writes to a large object that was not opened');
    if (carried.length === 0 && open !== null && opened !== undefined)
      throw editUnsound(name, 'a large object is not closed');
    const goesOn = open !== null && objects.has(open) ? placesOf(carried) : [];
    const places = [...goesOn, ...named.filter(({ oid }) => objects.has(oid))];
    const drops = places.map(({ start, end }): RowEdit => ({ start, end, change: 'drop' }));
    if (drops.length > 0) edits.set(ordinal, unitEdit({ unit, ordinal, id: unit.key }, name, drops));
    if (opened !== undefined) open = opened;
    ordinal += unit.segments.length;
  }
  if (open !== null) throw editUnsound(name, 'it ends inside a large object');
  return edits;
}

function placesOf(ends: Uint32Array): readonly { readonly start: number; readonly end: number }[] {
  return [...ends].map((end, index) => ({ start: ends[index - 1] ?? 0, end }));
}
