/**
 * Where the values of an RDB end (Redis' rdb.h and rdb.c, RDB versions 1 to 12). An RDB has no lengths of its
 * records, so a value has to be walked to be found; its meaning is not looked at.
 *
 * Types and forms that are not listed here are refused: bytes that nobody understands must not be stored as if
 * they were a backup.
 */
import { viewOf } from '../../rows/redis-quote.ts';
import { decompressLzf } from './lzf.ts';

/** Thrown when a value goes on behind the bytes that are there; one for all, since it is no failure. */
export const SHORT = new Error('more bytes are needed');

/** Why bytes cannot be walked. */
export class Unwalkable extends Error {
  readonly at: number;

  /** @param at - position in the window */
  constructor(at: number, what: string) {
    super(what);
    this.at = at;
  }
}

/** A compressed string in the window. */
export interface Compressed {
  /** Where it begins, with its lengths. */
  readonly start: number;
  readonly dataStart: number;
  readonly end: number;
  /** Bytes that it stands for. */
  readonly length: number;
}

/** Longer strings are no Redis strings (proto-max-bulk-len has this default; the RDB could say more). */
const STRING_BYTES_MAX = 2 ** 32;
/** Three bytes of LZF stand for 264 at most. */
const LZF_RATIO_MAX = 88;

const LENGTH_64 = 0x81;
const LENGTH_32 = 0x80;
const LZF = 0xc3;

export class Walker {
  /** The window: bytes from `at` to `end` can be walked. */
  bytes: Buffer = Buffer.alloc(0);
  /** The same bytes. */
  view = viewOf(this.bytes);
  at = 0;
  end = 0;
  /** Where that begins which is walked past now. */
  start = 0;
  /** What `readText` has read: in the window, or beside it. */
  text: Buffer = this.bytes;
  textStart = 0;
  textEnd = 0;
  /** Compressed strings that were walked past since this was emptied. */
  readonly compressed: Compressed[] = [];

  /** Begins at the start of another window, which holds so many bytes. */
  begin(window: Buffer, bytes: number): void {
    if (window !== this.bytes) this.view = viewOf(window);
    this.bytes = window;
    this.at = 0;
    this.end = bytes;
  }

  skip(count: number): void {
    this.at += count;
    if (this.at > this.end) throw SHORT;
  }

  byte(): number {
    this.skip(1);
    return this.bytes[this.at - 1] ?? 0;
  }

  /** A length or a count. */
  length(): number {
    const first = this.byte();
    const kind = first >> 6;
    if (kind === 0) return first;
    if (kind === 1) return ((first & 63) << 8) | this.byte();
    if (first === LENGTH_32) {
      this.skip(4);
      return this.bytes.readUInt32BE(this.at - 4);
    }
    if (first === LENGTH_64) {
      this.skip(8);
      return Number(this.bytes.readBigUInt64BE(this.at - 8));
    }
    throw new Unwalkable(this.at - 1, `${first} is no length`);
  }

  /** Walks past a string in any form. */
  string(): void {
    const start = this.at;
    if (start >= this.end) throw SHORT;
    const first = this.bytes[start] ?? 0;
    if (first < 64) {
      this.skip(1 + first);
      return;
    }
    if (first >> 6 !== 3) {
      const length = this.length();
      if (length > STRING_BYTES_MAX) throw new Unwalkable(start, `a string of ${length} bytes`);
      this.skip(length);
      return;
    }
    if (first < LZF) {
      this.skip(1 + 2 ** (first & 63));
      return;
    }
    if (first !== LZF) throw new Unwalkable(start, `a string in the form ${first & 63}`);
    this.skip(1);
    const packed = this.length();
    const length = this.length();
    if (length > STRING_BYTES_MAX || length > packed * LZF_RATIO_MAX)
      throw new Unwalkable(start, `${packed} compressed bytes that stand for ${length}`);
    const dataStart = this.at;
    this.skip(packed);
    this.compressed.push({ start, dataStart, end: this.at, length });
  }

  /** Walks past a string, e.g. a key, whose bytes, as a client would see them, are `text[textStart, textEnd)` then. */
  readText(): void {
    const start = this.at;
    this.compressed.length = 0;
    this.string();
    const first = this.bytes[start] ?? 0;
    this.text = this.bytes;
    this.textStart = start + 1;
    this.textEnd = this.at;
    if (first >= 64) this.#readOtherText(start, first);
  }

  /** The same as a buffer. */
  readString(): Buffer {
    this.readText();
    return this.text.subarray(this.textStart, this.textEnd);
  }

  #readOtherText(start: number, first: number): void {
    const packed = this.compressed.pop();
    if (packed !== undefined) this.text = this.expand(packed);
    else if (first === 0xc0) this.text = Buffer.from(String(this.bytes.readInt8(start + 1)));
    else if (first === 0xc1) this.text = Buffer.from(String(this.bytes.readInt16LE(start + 1)));
    else if (first === 0xc2) this.text = Buffer.from(String(this.bytes.readInt32LE(start + 1)));
    else {
      this.at = start;
      const length = this.length();
      this.at = this.textEnd;
      this.textStart = this.textEnd - length;
      return;
    }
    this.textStart = 0;
    this.textEnd = this.text.length;
  }

  expand({ start, dataStart, end, length }: Compressed): Buffer {
    const text = decompressLzf(this.bytes, dataStart, end, length);
    if (text === undefined) throw new Unwalkable(start, 'a compressed string that is not sound');
    return text;
  }

  /** Walks past the value of a key. */
  value(type: number): void {
    const walk = WALKS[type];
    if (walk === undefined) throw new Unwalkable(this.at, `a value of the unknown type ${type}`);
    walk(this);
  }

  strings(count: number): void {
    for (let index = 0; index < count; index += 1) this.string();
  }
}

type Walk = (walker: Walker) => void;

const aString: Walk = (walker) => walker.string();
const strings: Walk = (walker) => walker.strings(walker.length());
const pairs: Walk = (walker) => {
  for (let count = walker.length(); count > 0; count -= 1) walker.strings(2);
};

/** By the type's number in rdb.h. 6 is of modules before Redis 4; 22 and 23 were never released by Redis. */
const WALKS: Readonly<Record<number, Walk>> = {
  0: aString, // string
  1: strings, // list
  2: strings, // set
  3: oldSortedSet,
  4: pairs, // hash
  5: sortedSet,
  7: module,
  9: aString, // hash as zipmap
  10: aString, // list as ziplist
  11: aString, // set as intset
  12: aString, // sorted set as ziplist
  13: aString, // hash as ziplist
  14: strings, // list as quicklist of ziplists
  15: (walker) => stream(walker, 1),
  16: aString, // hash as listpack
  17: aString, // sorted set as listpack
  18: quicklist,
  19: (walker) => stream(walker, 2),
  20: aString, // set as listpack
  21: (walker) => stream(walker, 3),
  24: hashWithTimes,
  25: (walker) => {
    walker.skip(8);
    walker.string();
  },
};

/** Scores as text behind a length; 253 to 255 are not-a-number and the infinities. */
function oldSortedSet(walker: Walker): void {
  for (let count = walker.length(); count > 0; count -= 1) {
    walker.string();
    const length = walker.byte();
    if (length < 253) walker.skip(length);
  }
}

function sortedSet(walker: Walker): void {
  for (let count = walker.length(); count > 0; count -= 1) {
    walker.string();
    walker.skip(8);
  }
}

function quicklist(walker: Walker): void {
  for (let count = walker.length(); count > 0; count -= 1) {
    const container = walker.length();
    if (container !== 1 && container !== 2)
      throw new Unwalkable(walker.at, `a list node in the form ${container}`);
    walker.string();
  }
}

/** Redis 7.4: fields of a hash may have a time to live of their own. */
function hashWithTimes(walker: Walker): void {
  walker.skip(8);
  for (let count = walker.length(); count > 0; count -= 1) {
    walker.length();
    walker.strings(2);
  }
}

/** Listpacks, then the stream's own numbers, then its consumer groups (rdbSaveObject, OBJ_STREAM). */
function stream(walker: Walker, version: 1 | 2 | 3): void {
  for (let packs = walker.length(); packs > 0; packs -= 1) walker.strings(2);
  lengths(walker, version === 1 ? 3 : 8);
  for (let groups = walker.length(); groups > 0; groups -= 1) {
    walker.string();
    lengths(walker, version === 1 ? 2 : 3);
    for (let pending = walker.length(); pending > 0; pending -= 1) {
      walker.skip(STREAM_ID_BYTES + TIME_BYTES);
      walker.length();
    }
    for (let consumers = walker.length(); consumers > 0; consumers -= 1) {
      walker.string();
      walker.skip(version === 3 ? 2 * TIME_BYTES : TIME_BYTES);
      walker.skip(walker.length() * STREAM_ID_BYTES);
    }
  }
}

const STREAM_ID_BYTES = 16;
const TIME_BYTES = 8;

function lengths(walker: Walker, count: number): void {
  for (let index = 0; index < count; index += 1) walker.length();
}

/** A module's own value says the form of each of its parts, up to an end mark (RDB_TYPE_MODULE_2). */
function module(walker: Walker): void {
  walker.length();
  for (;;) {
    const form = walker.length();
    if (form === 0) return;
    if (form === 1 || form === 2) walker.length();
    else if (form === 3) walker.skip(4);
    else if (form === 4) walker.skip(8);
    else if (form === 5) walker.string();
    else throw new Unwalkable(walker.at, `a part of a module's value in the form ${form}`);
  }
}
