/** How much was read to find somebody. */
import type { Opened, Unit } from './located.ts';

/** Counts what was opened, each segment once. */
export class Tally {
  readonly #units = new Set<Unit>();

  add(unit: Unit): void {
    this.#units.add(unit);
  }

  /** @param all - segments that could have been opened */
  against(all: number): Opened {
    const opened = [...this.#units].flatMap(({ segments }) => segments);
    return {
      segments: opened.length,
      bytes: opened.reduce((sum, { length }) => sum + length, 0),
      all,
    };
  }
}

/** What two searches have read. */
export function both(one: Opened, other: Opened): Opened {
  return {
    segments: one.segments + other.segments,
    bytes: one.bytes + other.bytes,
    all: one.all + other.all,
  };
}
