/** Replies of a Redis server in the protocol RESP2 (redis.io, "Redis serialization protocol specification"). */

/** An error that the server replied; inside an array, too, so it is a value and not thrown. */
export class ReplyError {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Reply = string | number | Buffer | null | ReplyError | readonly Reply[];

/** The text of a reply that is one; of any other, nothing. */
export function textOfReply(reply: Reply): string {
  return typeof reply === 'string' || Buffer.isBuffer(reply) ? reply.toString() : '';
}

/** Nothing that we ask for is answered with more. */
const REPLY_BYTES_MAX = 64 * 1024 * 1024;
const DEPTH_MAX = 8;

const OK = Buffer.from('+OK\r\n');

function isOk(bytes: Buffer, at: number): boolean {
  for (let index = 0; index < OK.length; index += 1) if (bytes[at + index] !== OK[index]) return false;
  return true;
}

/** Cuts what a server sends into replies. */
export class ReplyParser {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  push(chunk: Buffer): void {
    const rest = this.#bytes.subarray(this.#at);
    this.#bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    this.#at = 0;
  }

  /**
   * The next reply; undefined until it is there in full.
   * @throws Error for what is no reply
   */
  next(): Reply | undefined {
    const start = this.#at;
    const reply = this.#read(0);
    if (reply !== undefined) return reply;
    this.#at = start;
    if (this.#bytes.length - start > REPLY_BYTES_MAX) throw new Error('a reply of more than 64 MiB');
    return undefined;
  }

  /**
   * Takes replies that are OK, as long as no other comes: to millions of commands there are millions of them.
   * @param most - how many at most
   * @returns how many
   */
  takeOks(most: number): number {
    const bytes = this.#bytes;
    let at = this.#at;
    let count = 0;
    while (count < most && isOk(bytes, at)) {
      at += OK.length;
      count += 1;
    }
    this.#at = at;
    return count;
  }

  /** What was pushed and is in no reply yet; the parser forgets it. */
  takeRest(): Buffer {
    const rest = this.#bytes.subarray(this.#at);
    this.#bytes = Buffer.alloc(0);
    this.#at = 0;
    return rest;
  }

  #read(depth: number): Reply | undefined {
    const line = this.#line();
    if (line === undefined) return undefined;
    const text = line.slice(1);
    switch (line[0]) {
      case '+':
        return text;
      case '-':
        return new ReplyError(text);
      case ':':
        return count(text);
      case '$':
        return this.#bulk(count(text));
      case '*':
        return this.#array(count(text), depth);
      default:
        throw new Error('it does not speak the protocol of Redis');
    }
  }

  #line(): string | undefined {
    const end = this.#bytes.indexOf('\r\n', this.#at, 'latin1');
    if (end === -1) return undefined;
    const line = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end + 2;
    return line;
  }

  #bulk(length: number): Buffer | null | undefined {
    if (length < 0) return null;
    if (length > REPLY_BYTES_MAX) throw new Error('a reply of more than 64 MiB');
    const start = this.#at;
    if (this.#bytes.length < start + length + 2) return undefined;
    this.#at = start + length + 2;
    return this.#bytes.subarray(start, start + length);
  }

  #array(length: number, depth: number): readonly Reply[] | null | undefined {
    if (length < 0) return null;
    if (depth >= DEPTH_MAX) throw new Error('a reply of too many levels');
    const replies: Reply[] = [];
    while (replies.length < length) {
      const reply = this.#read(depth + 1);
      if (reply === undefined) return undefined;
      replies.push(reply);
    }
    return replies;
  }
}

function count(text: string): number {
  if (!/^-?\d{1,18}$/.test(text)) throw new Error('it does not speak the protocol of Redis');
  return Number(text);
}
