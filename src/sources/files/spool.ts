/** Lines that are written now and read later, in a file that nobody else can open and that no crash leaves behind. */
import { randomBytes } from 'node:crypto';
import { mkdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { close, open, readFully, writeFully } from './calls.ts';
import { scratchFailed } from './errors.ts';

const PIECE_BYTES = 256 * 1024;

export class Spool implements AsyncDisposable {
  readonly #fd: number;
  readonly #folder: string;
  #waiting: string[] = [];
  #waitingLength = 0;
  #size = 0;
  #isOpen = true;

  private constructor(fd: number, folder: string) {
    this.#fd = fd;
    this.#folder = folder;
  }

  /**
   * Opens one.
   * @param folder - made (0700) when absent
   * @throws HoldfastError FILES_SCRATCH
   */
  static async open(folder: string): Promise<Spool> {
    const file = join(folder, `list-${randomBytes(8).toString('hex')}`);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const fd = await open(file, 'wx+', 0o600);
      // It lives on as long as it is open.
      await unlink(file);
      return new Spool(fd, folder);
    } catch (error) {
      throw scratchFailed(folder, error);
    }
  }

  /** Takes a text; only now and then there is something to wait for. */
  add(text: string): Promise<void> | undefined {
    this.#waiting.push(text);
    this.#waitingLength += text.length;
    return this.#waitingLength >= PIECE_BYTES ? this.#flush() : undefined;
  }

  /** All that was added, from the beginning. */
  async *read(): AsyncGenerator<Buffer> {
    await this.#flush();
    for (let at = 0; at < this.#size; at += PIECE_BYTES) {
      const piece = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, this.#size - at));
      if ((await readFully(this.#fd, piece, at)) !== piece.length)
        throw scratchFailed(this.#folder, new Error('it became shorter'));
      yield piece;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await close(this.#fd);
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.from(this.#waiting.join(''), 'utf8');
    this.#waiting = [];
    this.#waitingLength = 0;
    try {
      await writeFully(this.#fd, bytes, this.#size);
    } catch (error) {
      throw scratchFailed(this.#folder, error);
    }
    this.#size += bytes.length;
  }
}
