/** Only some keys of a Redis server's snapshot: those that fit patterns. What follows reads them as if there were no others. */
import type { KeyGlob } from '../rows/key-glob.ts';
import { keyGlob } from '../rows/key-glob.ts';
import { unreadableRow } from '../rows/errors.ts';
import { closingQuote, unquoted } from '../rows/redis-quote.ts';
import type { DumpReader, SourceInfo, StoredStream } from '../sources/source.ts';
import { noKeyFits } from './errors.ts';
import { selectTables } from './select.ts';

export interface Match {
  /** As `KEYS` of Redis takes them; a key is taken when it fits one. */
  readonly patterns: readonly string[];
  /** In these databases only (`db0`); in all when undefined. */
  readonly tables?: readonly string[];
}

/**
 * The keys that fit, and nothing else: no functions. That none does shows at the end of its last stream.
 *
 * @throws HoldfastError TABLE_UNKNOWN, NO_KEY_FITS; while it is read, NO_KEY_FITS and ROW_UNREADABLE
 */
export class MatchingReader implements DumpReader {
  readonly source: SourceInfo;
  readonly streams: readonly StoredStream[];
  readonly isPart = true;
  readonly #dump: DumpReader;
  readonly #globs: readonly KeyGlob[];
  #found = 0;

  constructor(dump: DumpReader, { patterns, tables }: Match) {
    const databases = dump.streams.filter(({ dialect }) => dialect === 'redis-restore');
    this.source = dump.source;
    this.streams = tables === undefined ? databases : selectTables(databases, tables);
    this.#dump = dump;
    this.#globs = patterns.map(keyGlob);
    if (this.streams.length === 0) throw noKeyFits(patterns);
  }

  async *read(stream: StoredStream, signal: AbortSignal): AsyncGenerator<Buffer> {
    const rows = new ChosenRows(stream.name, (key) => this.#fits(key));
    for await (const piece of this.#dump.read(stream, signal)) yield* rows.of(piece);
    rows.end();
    if (this.#found === 0 && stream === this.streams.at(-1))
      throw noKeyFits(this.#globs.map(({ pattern }) => pattern));
  }

  #fits(key: Buffer): boolean {
    const isWanted = this.#globs.some((glob) => glob.fits(key, 0, key.length));
    if (isWanted) this.#found += 1;
    return isWanted;
  }
}

const LF = 10;
const START = Buffer.from('RESTORE "');
/** No key is longer than a Redis string; four bytes stand for one. */
const KEY_TEXT_MAX = 4 * 512 * 1024 * 1024;

/** Lets rows through by their keys. A row that is longer than a piece is decided at its beginning, and not held. */
class ChosenRows {
  readonly #stream: string;
  readonly #isWanted: (key: Buffer) => boolean;
  #isFirst = true;
  /** What is done with the row that goes on in the next piece; undefined between rows. */
  #going: 'through' | 'away' | undefined;
  /** The beginning of a row whose key has not ended yet. */
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: string, isWanted: (key: Buffer) => boolean) {
    this.#stream = stream;
    this.#isWanted = isWanted;
  }

  *of(piece: Buffer): Generator<Buffer> {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    this.#rest = Buffer.alloc(0);
    // What stays is given out in stretches.
    let from = 0;
    for (let at = 0; at < bytes.length;) {
      const fate = this.#going ?? this.#fateOf(bytes, at);
      if (fate === 'unknown') {
        if (at > from) yield bytes.subarray(from, at);
        this.#rest = bytes.subarray(at);
        return;
      }
      const lf = bytes.indexOf(LF, at);
      const end = lf === -1 ? bytes.length : lf + 1;
      if (fate === 'away') {
        if (at > from) yield bytes.subarray(from, at);
        from = end;
      }
      this.#going = lf === -1 ? fate : undefined;
      at = end;
    }
    if (bytes.length > from) yield bytes.subarray(from);
  }

  /** @throws HoldfastError ROW_UNREADABLE when a row has no end */
  end(): void {
    if (this.#going !== undefined || this.#rest.length > 0) throw this.#unreadable('it is cut off');
  }

  /** Of the row that begins there. */
  #fateOf(bytes: Buffer, at: number): 'through' | 'away' | 'unknown' {
    if (this.#isFirst) {
      // SELECT comes first.
      this.#isFirst = false;
      return 'through';
    }
    const keyStart = at + START.length;
    const keyEnd = closingQuote(bytes, keyStart, bytes.length);
    if (keyEnd === -1) {
      if (bytes.indexOf(LF, at) !== -1 || bytes.length - at > KEY_TEXT_MAX)
        throw this.#unreadable('it is no RESTORE command');
      return 'unknown';
    }
    if (bytes.compare(START, 0, START.length, at, keyStart) !== 0)
      throw this.#unreadable('it is no RESTORE command');
    const key = unquoted(bytes, keyStart, keyEnd);
    if (key === undefined) throw this.#unreadable('an escape in a form that our dumps do not have');
    return this.#isWanted(key) ? 'through' : 'away';
  }

  #unreadable(why: string): Error {
    return unreadableRow({ table: this.#stream }, why);
  }
}
