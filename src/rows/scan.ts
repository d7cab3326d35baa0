/**
 * Looks for many forms at once in the bytes of a dump.
 *
 * The method is Wu and Manber's ("A fast algorithm for multi-pattern searching", 1994): look at the last three bytes of
 * a window as long as the shortest form, and go on by as many bytes as no form allows to be a match. Forms are parted
 * by length into groups, because a short one would make every step short.
 */
import type { Form } from './form.ts';
import { endsWithDigits } from './phone.ts';

/** One place where a form stands: `piece[start, end)`. */
export interface Hit {
  /** The form's position in the list that the scanner was made of. */
  readonly form: number;
  readonly start: number;
  readonly end: number;
}

/** Forms below this many bytes are looked for apart from the others. */
const SHORT = 8;
/** A longer window gives longer steps than memory is worth. */
const WINDOW_MAX = 64;
/** Bytes that are looked at together; of two, a hundred people's forms would leave no pair that none has. */
const BLOCK = 3;
const HASH_BITS = 18;

/** ASCII letters in lower case. */
const FOLD = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte,
);

export class Scanner {
  /** The longest form in bytes: who cuts bytes elsewhere than on row ends lets pieces overlap by one less. */
  readonly longest: number;
  readonly #groups: readonly Group[];

  /** @param forms - each at least three bytes long */
  constructor(forms: readonly Form[]) {
    const needles = forms.map((form, index) => ({ ...form, index }));
    this.longest = Math.max(0, ...forms.map((form) => form.bytes.length));
    this.#groups = [
      needles.filter((form) => form.bytes.length < SHORT),
      needles.filter((form) => form.bytes.length >= SHORT),
    ]
      .filter((group) => group.length > 0)
      .map((group) => new Group(group));
  }

  /** All hits in a piece, by group and then by place; a place where several forms stand gives several. */
  hits(piece: Buffer): Hit[] {
    const hits: Hit[] = [];
    for (const group of this.#groups) group.collect(piece, hits);
    return hits;
  }
}

interface Needle extends Form {
  readonly index: number;
}

class Group {
  readonly #window: number;
  /** By the hash of the last block of a window: how far to go on; 0 where a form may end its window here. */
  readonly #shift: Uint8Array;
  /** By the hash of the folded last block: the forms with it there. */
  readonly #needles = new Map<number, Needle[]>();

  constructor(needles: readonly Needle[]) {
    this.#window = Math.min(WINDOW_MAX, ...needles.map(({ bytes }) => bytes.length));
    if (this.#window < BLOCK) throw new Error(`a form of less than ${BLOCK} bytes`);
    this.#shift = new Uint8Array(2 ** HASH_BITS).fill(this.#window - BLOCK + 1);
    for (const needle of needles) this.#enter(needle);
  }

  collect(piece: Buffer, hits: Hit[]): void {
    const shift = this.#shift;
    const length = piece.length;
    for (let at = this.#window - 1; at < length;) {
      const step = shift[hashOf(piece[at - 2] ?? 0, piece[at - 1] ?? 0, piece[at] ?? 0)] ?? 0;
      if (step > 0) at += step;
      else {
        this.#check(piece, at, hits);
        at += 1;
      }
    }
  }

  #enter(needle: Needle): void {
    const { bytes } = needle;
    const last = this.#window - 1;
    for (let end = BLOCK - 1; end <= last; end += 1) {
      for (const hash of hashesAt(bytes, end)) {
        this.#shift[hash] = Math.min(this.#shift[hash] ?? 0, last - end);
      }
    }
    const key = foldedHash(bytes, last);
    const same = this.#needles.get(key);
    if (same === undefined) this.#needles.set(key, [needle]);
    else same.push(needle);
  }

  #check(piece: Buffer, at: number, hits: Hit[]): void {
    const start = at - this.#window + 1;
    for (const needle of this.#needles.get(foldedHash(piece, at)) ?? []) {
      const end = start + needle.bytes.length;
      if (end > piece.length || !isAt(piece, start, needle)) continue;
      if (needle.digits !== undefined && !endsWithDigits(piece, end, needle.digits)) continue;
      hits.push({ form: needle.index, start, end });
    }
  }
}

function hashOf(first: number, second: number, third: number): number {
  return (first << 10) ^ (second << 5) ^ third;
}

/** Of the block that ends here, in all cases that its letters have. */
function hashesAt(bytes: Buffer, end: number): number[] {
  const [first = [], second = [], third = []] = [2, 1, 0].map((back) => bothCases(bytes[end - back] ?? 0));
  return first.flatMap((a) => second.flatMap((b) => third.map((c) => hashOf(a, b, c))));
}

function bothCases(byte: number): readonly number[] {
  const lower = FOLD[byte] ?? byte;
  return lower >= 0x61 && lower <= 0x7a ? [lower, lower - 0x20] : [byte];
}

function foldedHash(bytes: Buffer, end: number): number {
  return hashOf(FOLD[bytes[end - 2] ?? 0] ?? 0, FOLD[bytes[end - 1] ?? 0] ?? 0, FOLD[bytes[end] ?? 0] ?? 0);
}

function isAt(piece: Buffer, start: number, { bytes, caseBlind }: Needle): boolean {
  for (let at = 0; at < bytes.length; at += 1) {
    const here = piece[start + at] ?? 0;
    const there = bytes[at] ?? 0;
    if (here !== there && !(caseBlind && FOLD[here] === FOLD[there])) return false;
  }
  return true;
}
