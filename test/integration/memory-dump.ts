/** A stored dump that lies in memory, for tests of loaders. */
import type { DumpReader, LoadOptions, SourceInfo, StoredStream } from '../../src/sources/source.ts';

export const LOAD_DEFAULTS: LoadOptions = {
  jobs: 2,
  globals: false,
  noOwner: false,
  onProgress: () => undefined,
};

/** No row ends here but by chance. */
const PIECE_BYTES = 7919;

/** Comes in small pieces, cut anywhere. */
export class MemoryDump implements DumpReader {
  readonly source: SourceInfo;
  readonly streams: readonly StoredStream[];
  readonly #bytes: ReadonlyMap<string, Buffer>;

  /** @param bytes - by the name of the stream */
  constructor(source: SourceInfo, streams: readonly StoredStream[], bytes: ReadonlyMap<string, Buffer>) {
    // A manifest is JSON: what does not survive that must not be relied on.
    this.source = JSON.parse(JSON.stringify(source)) as SourceInfo;
    this.streams = streams;
    this.#bytes = bytes;
  }

  /** The text of a stream. */
  text(name: string): string {
    return this.#bytes.get(name)?.toString('utf8') ?? '';
  }

  /** The same dump with another text for one stream. */
  with(name: string, change: (text: string) => string): MemoryDump {
    const bytes = Buffer.from(change(this.text(name)));
    return new MemoryDump(this.source, this.streams, new Map([...this.#bytes, [name, bytes]]));
  }

  /** The same dump of another source. */
  from(source: Partial<SourceInfo>): MemoryDump {
    return new MemoryDump({ ...this.source, ...source }, this.streams, this.#bytes);
  }

  /** The same dump, with something that happens when a stream has been read in part. */
  interrupted(name: string, happens: () => Promise<void>): DumpReader {
    const inner = this.read.bind(this);
    return {
      source: this.source,
      streams: this.streams,
      async *read(stream) {
        let turn = 0;
        for await (const piece of inner(stream)) {
          yield piece;
          turn += 1;
          if (stream.name === name && turn === 2) await happens();
        }
      },
    };
  }

  async *read({ name }: StoredStream): AsyncGenerator<Buffer> {
    const bytes = this.#bytes.get(name) ?? Buffer.alloc(0);
    for (let at = 0; at < bytes.length; at += PIECE_BYTES)
      yield await Promise.resolve(bytes.subarray(at, at + PIECE_BYTES));
  }
}
