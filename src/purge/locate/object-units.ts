/**
 * Scripts with large objects (PostgreSQL), looked through once for all snapshots that share their segments: which
 * statements are about the objects that go. Of all other ones nothing is kept but where they end.
 */
import { statementsIn } from '../../rows/sql-script-codec.ts';
import { objectStatement } from '../../rows/pg-large-objects.ts';
import { editUnsound } from './locate-errors.ts';
import type { Unit } from './located.ts';
import { readUnits, type PlacedUnit } from './units.ts';
import type { SharedReader } from './shared-reader.ts';

/** A statement of a unit's plaintext: `plain[start, end)`. */
export interface ObjectPlace {
  readonly start: number;
  readonly end: number;
  readonly oid: string;
}

/** Segments that begin with a statement and end behind one. */
export interface ScriptUnit {
  readonly unit: Unit;
  /** The units of `unitsOf` that it is made of, by key. */
  readonly parts: readonly string[];
  /** Ends of the statements at its beginning that go on with whatever object was open before. */
  readonly carried: Uint32Array;
  /** Statements about objects that go. */
  readonly named: readonly ObjectPlace[];
  /** The object that is open behind it; null: none; undefined: the one that was open before. */
  readonly opened: string | null | undefined;
}

/** Looks scripts through, each run of segments once. */
export class ScriptUnits {
  readonly #gone: ReadonlySet<string>;
  readonly #onOpened: (name: string, unit: Unit) => void;
  readonly #known = new Map<string, ScriptUnit>();

  /** @param gone - numbers of all objects that go in any of the snapshots */
  constructor(gone: ReadonlySet<string>, onOpened: (name: string, unit: Unit) => void) {
    this.#gone = gone;
    this.#onOpened = onOpened;
  }

  /**
   * The units of one script, in order.
   * @param base - its segments
   * @throws HoldfastError PURGE_EDIT_UNSOUND, ROW_UNREADABLE, and what reading and the lexer throw
   */
  async of(
    base: readonly PlacedUnit[],
    reader: Pick<SharedReader, 'open'>,
    name: string,
    signal: AbortSignal,
  ): Promise<readonly ScriptUnit[]> {
    const units: ScriptUnit[] = [];
    let least = 0;
    for (let at = 0; at < base.length;) {
      const known = this.#knownAt(base, at);
      if (known !== undefined && at >= least) {
        units.push(known);
        at += known.parts.length;
        continue;
      }
      // A known unit ends the run, unless what comes before it ends inside a statement.
      let until = Math.max(at + 1, least);
      while (until < base.length && this.#knownAt(base, until) === undefined) until += 1;
      const read = await this.#read(base.slice(at, until), reader, name, signal);
      units.push(...read);
      at += read.reduce((sum, { parts }) => sum + parts.length, 0);
      if (at === until) continue;
      if (until === base.length) throw editUnsound(name, 'it ends inside a statement');
      least = until + 1;
    }
    return units;
  }

  #knownAt(base: readonly PlacedUnit[], at: number): ScriptUnit | undefined {
    const known = this.#known.get(base[at]?.unit.key ?? '');
    return known?.parts.every((key, index) => base[at + index]?.unit.key === key) === true
      ? known
      : undefined;
  }

  /** All units of the run that are whole. */
  async #read(
    run: readonly PlacedUnit[],
    reader: Pick<SharedReader, 'open'>,
    name: string,
    signal: AbortSignal,
  ): Promise<readonly ScriptUnit[]> {
    const units: ScriptUnit[] = [];
    let parts: PlacedUnit[] = [];
    let open: Buffer = Buffer.alloc(0);
    for await (const { placed, plain } of readUnits(reader, run, name, signal)) {
      this.#onOpened(name, placed.unit);
      parts.push(placed);
      open = open.length === 0 ? plain : Buffer.concat([open, plain]);
      const { places, end } = statementsIn(open, name);
      if (end < open.length) continue;
      const unit = { ...joined(parts), ...this.#summary(open, places, name) };
      this.#known.set(parts[0]?.unit.key ?? '', unit);
      units.push(unit);
      parts = [];
      open = Buffer.alloc(0);
    }
    return units;
  }

  #summary(
    plain: Buffer,
    places: readonly { readonly start: number; readonly end: number }[],
    name: string,
  ): Pick<ScriptUnit, 'carried' | 'named' | 'opened'> {
    const carried: number[] = [];
    const named: ObjectPlace[] = [];
    let opened: string | null | undefined;
    for (const { start, end } of places) {
      const what = objectStatement(plain.subarray(start, end));
      if (what === undefined) continue;
      const fail = (reason: string) => editUnsound(`${name}, byte ${start} of a segment`, reason);
      if (what.kind === 'unknown') throw fail('a statement about large objects that is not known here');
      const isOpen = typeof opened === 'string' || (opened === undefined && carried.length > 0);
      if (what.kind === 'open' && isOpen) throw fail('two large objects are open');
      if (what.kind === 'open') opened = what.oid;
      const isInside = what.kind === 'write' || what.kind === 'close';
      if (isInside && opened === null) throw fail('no large object is open');
      if (isInside && opened === undefined) {
        if ((carried.at(-1) ?? 0) !== start) throw fail('something else stands inside a large object');
        carried.push(end);
      }
      const oid = what.kind === 'about' || what.kind === 'open' ? what.oid : opened;
      if (typeof oid === 'string' && this.#gone.has(oid)) named.push({ start, end, oid });
      if (what.kind === 'close') opened = null;
    }
    return { carried: Uint32Array.from(carried), named, opened };
  }
}

function joined(parts: readonly PlacedUnit[]): Pick<ScriptUnit, 'unit' | 'parts'> {
  const keys = parts.map(({ unit }) => unit.key);
  const [first] = parts;
  if (first === undefined) throw new Error('a unit without segments');
  const segments = parts.flatMap(({ unit }) => unit.segments);
  const unit = parts.length === 1 ? first.unit : { place: first.unit.place, segments, key: keys.join('+') };
  return { unit, parts: keys };
}
