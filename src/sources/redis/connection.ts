/** A connection to a Redis server. The password goes through it and nowhere else: no tool is started, no argv has it. */
import { readFile } from 'node:fs/promises';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { throwIfCancelled } from '../../errors.ts';
import { commandFailed, unreachable } from './errors.ts';
import { ReplyError, ReplyParser, type Reply } from './replies.ts';
import type { RedisSettings } from './settings.ts';

/** How long the server may be silent while it owes something, in milliseconds. */
const SILENCE_MS = 300_000;
const CONNECT_MS = 15_000;

export type Argument = string | Buffer;

/** One or several replies that somebody waits for: with the only one, or the first that is not OK. */
interface Waiting {
  left: number;
  bad: Reply | undefined;
  readonly onBad: ((reply: Reply) => void) | undefined;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Connects and logs in.
 * @throws HoldfastError REDIS_UNREACHABLE, REDIS_LOGIN
 */
export async function openConnection(settings: RedisSettings, signal: AbortSignal): Promise<RedisConnection> {
  throwIfCancelled(signal);
  const socket = await openSocket(settings, signal);
  const connection = new RedisConnection(socket, settings.display, signal);
  try {
    const { user, password } = settings;
    if (password !== undefined) {
      await connection.call('AUTH', ...(user === undefined ? [] : [user]), password);
    }
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

async function openSocket(settings: RedisSettings, signal: AbortSignal): Promise<Socket> {
  const { host, port, socket: path, tls, display } = settings;
  const place = path === undefined ? { host, port } : { path };
  try {
    const socket =
      tls === undefined ? connectTcp(place) : connectTls({ ...place, ...(await pem(tls, host)) });
    await opened(socket, tls === undefined ? 'connect' : 'secureConnect', signal);
    return socket;
  } catch (error) {
    throwIfCancelled(signal);
    throw unreachable(display, error);
  }
}

async function pem(
  { ca, cert, key }: NonNullable<RedisSettings['tls']>,
  host: string,
): Promise<Readonly<Record<string, string | Buffer>>> {
  return {
    servername: /^[\d.]+$|:/.test(host) ? '' : host,
    ...(ca !== undefined && { ca: await readFile(ca) }),
    ...(cert !== undefined && { cert: await readFile(cert) }),
    ...(key !== undefined && { key: await readFile(key) }),
  };
}

function opened(socket: Socket, event: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => fail(new Error('cancelled'));
    const fail = (error: Error): void => {
      end();
      // Whatever else it has to say belongs to nobody.
      socket.on('error', () => undefined).destroy();
      reject(error);
    };
    const end = (): void => {
      socket.removeListener('error', fail).removeAllListeners('timeout').setTimeout(0);
      signal.removeEventListener('abort', onAbort);
    };
    socket.once('error', fail).setTimeout(CONNECT_MS, () => fail(new Error('no answer in 15 seconds')));
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once(event, () => {
      end();
      resolve();
    });
  });
}

export class RedisConnection {
  /** For people. */
  readonly server: string;
  readonly #socket: Socket;
  readonly #signal: AbortSignal;
  readonly #parser = new ReplyParser();
  readonly #waiting: Waiting[] = [];
  #waitingFrom = 0;
  #failure: Error | undefined;

  constructor(socket: Socket, server: string, signal: AbortSignal) {
    this.server = server;
    this.#socket = socket;
    this.#signal = signal;
    socket.setNoDelay(true);
    socket.setTimeout(SILENCE_MS, () => {
      if (this.#owes > 0) this.#fail(new Error(`no answer in ${SILENCE_MS / 1000} seconds`));
    });
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the server closed it')));
    socket.on('data', this.#onData);
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /**
   * Runs a command.
   * @returns its reply
   * @throws HoldfastError REDIS_COMMAND and its kind for an error, REDIS_UNREACHABLE
   */
  async call(command: string, ...args: readonly Argument[]): Promise<Reply> {
    throwIfCancelled(this.#signal);
    const reply = await this.send(encodeCommand([...command.split(' '), ...args]));
    if (reply instanceof ReplyError) throw commandFailed(this.server, command, reply.text);
    return reply;
  }

  /** Runs a command whose bytes are there already; an error is a reply here. Several may be under way. */
  send(bytes: Buffer): Promise<Reply> {
    return this.sendAll(bytes, 1);
  }

  /**
   * Runs several commands.
   * @param bytes - all of them; they must not change until it is done
   * @param onBad - is given each reply that is not OK
   * @returns the first reply that is not OK, or OK; of one command its reply
   */
  sendAll(bytes: Buffer, count: number, onBad?: (reply: Reply) => void): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#failure) reject(this.#reason());
      else {
        this.#waiting.push({ left: count, bad: undefined, onBad, resolve, reject });
        this.#socket.write(bytes);
      }
    });
  }

  /**
   * Takes the stream of bytes over that follows a command which turns the connection into one.
   * @returns what was received and read by nobody, and then all that comes; ends when the server closes it
   */
  async *takeOver(bytes: Buffer): AsyncGenerator<Buffer, void> {
    const socket = this.#socket;
    socket.removeListener('data', this.#onData);
    socket.pause();
    socket.write(bytes);
    // Silence is what a reader that waits for bytes cannot see by itself.
    socket.setTimeout(SILENCE_MS, () =>
      socket.destroy(new Error(`no bytes in ${SILENCE_MS / 1000} seconds`)),
    );
    const rest = this.#parser.takeRest();
    if (rest.length > 0) yield rest;
    try {
      for await (const chunk of socket.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
    } catch (error) {
      throwIfCancelled(this.#signal);
      throw unreachable(this.server, error);
    }
    throwIfCancelled(this.#signal);
  }

  /** Ends the connection. Never throws. */
  close(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#socket.destroy();
  }

  get #owes(): number {
    return this.#waiting.length - this.#waitingFrom;
  }

  readonly #onData = (chunk: Buffer): void => {
    try {
      this.#parser.push(chunk);
      for (;;) {
        const first = this.#waiting[this.#waitingFrom];
        if (first) first.left -= this.#parser.takeOks(first.left - 1);
        const reply = this.#parser.next();
        if (reply === undefined) break;
        this.#take(reply);
      }
    } catch (error) {
      this.#fail(error as Error);
    }
  };

  readonly #onAbort = (): void => {
    this.#socket.destroy();
  };

  #take(reply: Reply): void {
    const first = this.#waiting[this.#waitingFrom];
    if (first === undefined) throw new Error('a reply to nothing');
    if (reply !== 'OK') {
      first.bad ??= reply;
      first.onBad?.(reply);
    }
    first.left -= 1;
    if (first.left > 0) return;
    this.#nextWaiting();
    first.resolve(first.bad === undefined ? reply : first.bad);
  }

  #nextWaiting(): Waiting | undefined {
    const next = this.#waiting[this.#waitingFrom++];
    // Not `shift`, which is slow in a long queue.
    if (this.#waitingFrom === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#waitingFrom = 0;
    }
    return next;
  }

  #fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = unreachable(this.server, error);
    this.#socket.destroy();
    for (let next = this.#nextWaiting(); next; next = this.#nextWaiting()) next.reject(this.#reason());
  }

  #reason(): Error {
    try {
      throwIfCancelled(this.#signal);
      return this.#failure ?? new Error('it has not failed');
    } catch (cancelled) {
      return cancelled as Error;
    }
  }
}

/** A command as an array of bulk strings. */
export function encodeCommand(args: readonly Argument[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${args.length}\r\n`)];
  for (const arg of args) {
    const bytes = typeof arg === 'string' ? Buffer.from(arg) : arg;
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, CRLF);
  }
  return Buffer.concat(parts);
}

const CRLF = Buffer.from('\r\n');
