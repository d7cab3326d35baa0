/**
 * Reads an RDB (Redis' rdb.c, rdbLoadRioWithLoadingCtx) as it comes in and gives it out as commands: everything is
 * walked, the checksum is compared, and what is not understood is refused.
 */
import { quoted } from '../../rows/redis-quote.ts';
import { dumpCut, dumpUnreadable, valueTooLarge } from './errors.ts';
import { RdbInput } from './rdb-input.ts';
import { RowWriter } from './rdb-rows.ts';
import { Unwalkable } from './rdb-value.ts';

export type RdbEvent =
  /** A command, with its line end, that has to run before the keys come. */
  | { readonly kind: 'command'; readonly line: Buffer }
  | { readonly kind: 'database'; readonly number: number }
  /** A piece of the rows of the database named last. It ends anywhere. */
  | { readonly kind: 'rows'; readonly bytes: Buffer }
  /** The dump is whole. `isChecked` is false where the server writes no checksums. */
  | { readonly kind: 'end'; readonly isChecked: boolean; readonly rest: Buffer };

/** RESTORE takes no longer argument (proto-max-bulk-len, whose default this is). */
const VALUE_BYTES_MAX = 512 * 1024 * 1024;
/** Of Redis 5 (the first with ABSTTL) to 7.4, and of Valkey up to 8. */
const VERSIONS = { oldest: 9, newest: 12 } as const;

/** What begins a record that is no key (rdb.h, RDB_OPCODE). */
export const OP = {
  slotInfo: 244,
  function: 245,
  moduleAux: 247,
  idle: 248,
  frequency: 249,
  aux: 250,
  resize: 251,
  expiresMs: 252,
  expires: 253,
  database: 254,
  end: 255,
} as const;
/** From here on a byte is no type of a value. */
const FIRST_OP = 243;

/** A record of the RDB: a key was written, something is to be told, or there is nothing to say. */
type Outcome = RdbEvent | Iterable<Buffer> | 'row' | 'nothing';

/**
 * Leaves what comes behind the RDB to whoever gave the input.
 *
 * @param server - for errors
 * @throws HoldfastError REDIS_DUMP_CUT, REDIS_DUMP_UNREADABLE, REDIS_VALUE_TOO_LARGE, and what the input throws
 */
export async function* readRdb(
  chunks: AsyncIterator<Buffer, void>,
  server: string,
): AsyncGenerator<RdbEvent, void> {
  const input = new RdbInput(chunks);
  try {
    const version = await wholeStep(input, server, () => readHeader(input));
    const reader = new RecordReader(input, new RowWriter(version), server);
    yield* reader.events();
  } catch (error) {
    if (error instanceof Unwalkable)
      throw dumpUnreadable(server, input.position - input.walker.at + error.at, error.message);
    throw error;
  }
}

async function wholeStep<T>(input: RdbInput, server: string, step: () => T): Promise<T> {
  for (;;) {
    const result = input.attempt(step);
    if (result !== undefined) return result;
    if (!(await input.grow()))
      throw dumpCut(server, `it ended after ${input.position + input.waiting} bytes`);
  }
}

function readHeader({ walker }: RdbInput): number {
  walker.skip(9);
  const text = walker.bytes.toString('latin1', walker.at - 9, walker.at);
  const version = /^REDIS(\d{4})$/.exec(text)?.[1];
  if (version === undefined) throw new Unwalkable(walker.at, 'it does not begin like an RDB of Redis');
  const number = Number(version);
  if (number < VERSIONS.oldest || number > VERSIONS.newest)
    throw new Unwalkable(
      walker.at,
      `RDB version ${number}; this program knows ${VERSIONS.oldest} (Redis 5) to ${VERSIONS.newest} (Redis 7.4, Valkey 8)`,
    );
  return number;
}

class RecordReader {
  readonly #input: RdbInput;
  readonly #writer: RowWriter;
  readonly #server: string;
  #database = -1;

  constructor(input: RdbInput, writer: RowWriter, server: string) {
    this.#input = input;
    this.#writer = writer;
    this.#server = server;
  }

  async *events(): AsyncGenerator<RdbEvent, void> {
    for (;;) {
      const outcome = this.#input.attempt(this.#records) ?? (await this.#wholeRecord());
      if (outcome === 'row') {
        if (this.#writer.isFull) yield* this.#rows();
      } else if (outcome === 'nothing') continue;
      else if ('kind' in outcome) {
        yield* this.#rows();
        yield outcome;
        if (outcome.kind === 'end') return;
      } else {
        for (const bytes of outcome) yield { kind: 'rows', bytes };
        yield* this.#rows();
      }
    }
  }

  *#rows(): Iterable<RdbEvent> {
    const bytes = this.#writer.take();
    if (bytes) yield { kind: 'rows', bytes };
  }

  /** Walks on until there is something to give out. */
  readonly #records = (): Outcome => {
    const { walker } = this.#input;
    for (;;) {
      const outcome = this.#record();
      if (outcome !== 'nothing' && (outcome !== 'row' || this.#writer.isFull)) return outcome;
      walker.start = walker.at;
    }
  };

  #wholeRecord(): Promise<Outcome> {
    return wholeStep(this.#input, this.#server, () => {
      if (this.#input.waiting > VALUE_BYTES_MAX + 65536)
        throw valueTooLarge(this.#server, this.#database, VALUE_BYTES_MAX);
      return this.#record();
    });
  }

  #record(): Outcome {
    const { walker } = this.#input;
    const op = walker.byte();
    if (op < FIRST_OP) return this.#key(op, 0);
    switch (op) {
      case OP.expiresMs:
      case OP.expires:
      case OP.idle:
      case OP.frequency:
        walker.at -= 1;
        return this.#keyWithFacts();
      case OP.database:
        this.#database = walker.length();
        return { kind: 'database', number: this.#database };
      case OP.resize:
        walker.length();
        walker.length();
        return 'nothing';
      case OP.slotInfo:
        for (let left = 3; left > 0; left -= 1) walker.length();
        return 'nothing';
      case OP.aux:
        return this.#aux();
      case OP.function:
        return this.#command('FUNCTION LOAD', walker.readString());
      case OP.end:
        return this.#end();
      case OP.moduleAux:
        throw new Unwalkable(walker.at, 'data of a module beside its keys, which no command can restore');
      default:
        throw new Unwalkable(walker.at, `the unknown record ${op}`);
    }
  }

  /** How long a key was idle, or how often it was used, differs from day to day and is left out. */
  #keyWithFacts(): Outcome {
    const { walker } = this.#input;
    let expires: number | bigint = 0;
    for (;;) {
      const op = walker.byte();
      if (op === OP.expiresMs) {
        walker.skip(8);
        expires = timeOf(walker.bytes, walker.at - 8);
      } else if (op === OP.expires) {
        walker.skip(4);
        expires = Math.max(1, walker.bytes.readUInt32LE(walker.at - 4) * 1000);
      } else if (op === OP.idle) walker.length();
      else if (op === OP.frequency) walker.skip(1);
      else if (op < FIRST_OP) return this.#key(op, expires);
      else throw new Unwalkable(walker.at, `record ${op} between a key and its time to live`);
    }
  }

  #key(type: number, expires: number | bigint): Outcome {
    const { walker } = this.#input;
    if (this.#database < 0) throw new Unwalkable(walker.at, 'a key before any database');
    walker.readText();
    const valueStart = walker.at;
    walker.compressed.length = 0;
    walker.value(type);
    if (walker.at - valueStart > VALUE_BYTES_MAX)
      throw valueTooLarge(this.#server, this.#database, VALUE_BYTES_MAX);
    return this.#writer.row(walker, type, valueStart, expires) ?? 'row';
  }

  /** Of what the server says about itself, only scripts matter: Redis before 7 keeps EVAL's there. */
  #aux(): Outcome {
    const { walker } = this.#input;
    const name = walker.readString().toString('latin1');
    const value = walker.readString();
    return name === 'lua' ? this.#command('SCRIPT LOAD', value) : 'nothing';
  }

  #command(name: string, argument: Buffer): RdbEvent {
    const { walker } = this.#input;
    if (this.#database >= 0) throw new Unwalkable(walker.at, 'a function behind the keys');
    return { kind: 'command', line: Buffer.concat([Buffer.from(`${name} `), quoted(argument), LF]) };
  }

  #end(): RdbEvent {
    const { walker } = this.#input;
    walker.skip(8);
    const verdict = this.#input.closes();
    if (verdict === 'differs')
      throw new Unwalkable(walker.at - 8, 'its checksum does not fit: bytes were changed');
    const rest = walker.bytes.subarray(walker.at, walker.end);
    return { kind: 'end', isChecked: verdict === 'checked', rest };
  }
}

const LF = Buffer.from('\n');

function timeOf(bytes: Buffer, at: number): number | bigint {
  const high = bytes.readInt32LE(at + 4);
  // 0 would be written as "never"; both are long past.
  if (high >= 0 && high < 2 ** 21) return Math.max(1, high * 2 ** 32 + bytes.readUInt32LE(at));
  const time = bytes.readBigInt64LE(at);
  if (time < 0n) throw new Unwalkable(at, 'a time to live before 1970');
  return time;
}
