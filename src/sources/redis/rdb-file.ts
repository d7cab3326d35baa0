/**
 * Writes an RDB (Redis' rdb.c, rdbSaveRio) from the rows of a stored dump: the file from which a server starts. Its
 * version is the one of the server that was backed up, as every payload says.
 */
import { viewOf } from '../../rows/redis-quote.ts';
import { Crc64 } from './crc64.ts';
import type { KeyReader, StoredCommand } from './load-commands.ts';
import { OP } from './rdb.ts';
import { writeLength } from './rdb-rows.ts';

const PIECE_BYTES = 1024 * 1024;
const NUMBER_BYTES = 16;
/** A payload's type, and the version and checksum behind its value (createDumpPayload). */
const TYPE_BYTES = 1;
const FOOTER_BYTES = 10;
/** Of an RDB with functions, and of one without. */
const VERSION_WITH_FUNCTIONS = 10;
const VERSION_OLDEST = 9;

export class RdbWriter {
  readonly #crc = new Crc64();
  readonly #payloadCrc = new Crc64();
  /** What must stand before the keys, and waits for the version that the first of them tells. */
  readonly #commands: StoredCommand[] = [];
  #version: number | undefined;
  #bytes = Buffer.allocUnsafeSlow(PIECE_BYTES * 2);
  #view = viewOf(this.#bytes);
  #end = 0;
  /** The database of the next key, until it comes: those without keys are in no RDB. */
  #database: number | undefined;

  get isFull(): boolean {
    return this.#end >= PIECE_BYTES;
  }

  /** What was written since the last call, until the next is written. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#end);
    this.#crc.update(this.#view, 0, this.#end);
    this.#end = 0;
    return taken;
  }

  command(command: StoredCommand): void {
    this.#commands.push(command);
  }

  database(number: number): undefined {
    this.#database = number;
  }

  /**
   * Writes what was read last.
   * @returns false for a payload that no server would take: its checksum is wrong, or its version another than of those
   *   before it
   */
  key({ key, keyBytes, isForever, expiresText, payload, payloadView, payloadBytes }: KeyReader): boolean {
    const footer = payloadBytes - FOOTER_BYTES;
    if (!this.#isSound(payloadView, footer)) return false;
    this.#reserve(keyBytes + payloadBytes + 8 * NUMBER_BYTES);
    if (this.#database !== undefined) {
      this.#byte(OP.database);
      this.#length(this.#database);
      this.#database = undefined;
    }
    if (!isForever) {
      this.#byte(OP.expiresMs);
      this.#view.setBigInt64(this.#end, BigInt(expiresText), true);
      this.#end += 8;
    }
    this.#byte(payload[0] ?? 0);
    this.#length(keyBytes);
    this.#end += key.copy(this.#bytes, this.#end, 0, keyBytes);
    this.#end += payload.copy(this.#bytes, this.#end, TYPE_BYTES, footer);
    return true;
  }

  /** The last bytes. */
  finish(): Buffer {
    if (this.#version === undefined)
      this.#begin(this.#commands.length > 0 ? VERSION_WITH_FUNCTIONS : VERSION_OLDEST);
    this.#reserve(NUMBER_BYTES);
    this.#byte(OP.end);
    this.#crc.update(this.#view, 0, this.#end);
    this.#crc.writeTo(this.#view, this.#end);
    return this.#bytes.subarray(0, this.#end + 8);
  }

  #isSound(payload: DataView, footer: number): boolean {
    const version = payload.getUint16(footer, true);
    if (this.#version === undefined) this.#begin(version);
    this.#payloadCrc.reset();
    this.#payloadCrc.update(payload, 0, footer + 2);
    return version === this.#version && this.#payloadCrc.equals(payload, footer + 2);
  }

  #begin(version: number): void {
    this.#version = version;
    this.#end += this.#bytes.write(`REDIS${String(version).padStart(4, '0')}`, 0, 'latin1');
    for (const { name, body } of this.#commands.splice(0)) {
      this.#reserve(body.length + 2 * NUMBER_BYTES);
      if (name === 'FUNCTION LOAD') this.#byte(OP.function);
      else {
        // Redis before 7 keeps the scripts of EVAL so.
        this.#byte(OP.aux);
        this.#string(Buffer.from('lua'));
      }
      this.#string(body);
    }
  }

  #string(bytes: Buffer): void {
    this.#length(bytes.length);
    this.#end += bytes.copy(this.#bytes, this.#end);
  }

  #length(length: number): void {
    this.#end = writeLength(this.#bytes, this.#end, length);
  }

  #byte(byte: number): void {
    this.#bytes[this.#end++] = byte;
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow((this.#end + bytes) * 2);
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
    this.#view = viewOf(larger);
  }
}
