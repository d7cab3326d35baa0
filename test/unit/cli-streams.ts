/** Streams of a pretended run: what was written can be read back. */
import { PassThrough, Writable } from 'node:stream';
import type { CliIo, InputStream, OutputStream } from '../../src/cli/terminal/io.ts';

export class Sink extends Writable {
  text = '';
  readonly isTTY: boolean;
  readonly columns = 80;

  constructor(isTTY = false) {
    super();
    this.isTTY = isTTY;
  }

  /** As the process's own streams: nobody closes them. */
  override end(): this {
    return this;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** A stream that refuses every write with this code. */
export class Broken extends Writable {
  readonly #code: string;

  constructor(code: string) {
    super({ autoDestroy: false });
    this.#code = code;
  }

  override _write(_chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    done(Object.assign(new Error(`write ${this.#code}`), { code: this.#code, syscall: 'write' }));
  }
}

export interface PretendedIo extends CliIo {
  readonly stdin: PassThrough & InputStream;
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly signal: AbortSignal;
}

export interface Pretence {
  readonly isTTY?: boolean;
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
}

/** A run's streams; the signal is given, so that the test process's own signals are left alone. */
export function pretendedIo({ isTTY = false, env = {}, signal }: Pretence = {}): PretendedIo {
  return {
    stdin: Object.assign(new PassThrough(), { isTTY, setRawMode: () => undefined }),
    stdout: new Sink(isTTY),
    stderr: new Sink(isTTY),
    env,
    signal: signal ?? new AbortController().signal,
  };
}

/** The same streams, with a stdout that fails. */
export function withStdout(io: PretendedIo, stdout: OutputStream): CliIo {
  return { ...io, stdout };
}
