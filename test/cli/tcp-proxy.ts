/** A door between a program and a server that can be shut while something goes through. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Proxy {
  /** Where the program finds the server. */
  readonly endpoint: string;
  /** Shuts: nothing listens any more, and what is under way breaks. */
  close(): Promise<void>;
  open(): Promise<void>;
  /** Shuts after this many more bytes towards the server. */
  closeAfter(bytes: number): void;
  /** Fulfilled when `closeAfter` shut it. */
  readonly closed: Promise<unknown>;
}

/** Starts a proxy on a free loopback port; it goes when the test ends. */
export async function startProxy(target: string): Promise<Proxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let left = Infinity;
  let closing = Promise.withResolvers<unknown>();
  let own = 0;
  let server: Server | undefined;

  const join = (inside: Socket) => {
    const outside = connect(Number(port), hostname);
    for (const [one, other] of [
      [inside, outside],
      [outside, inside],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    inside.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) void close().then(closing.resolve);
    });
    inside.pipe(outside);
    outside.pipe(inside);
  };
  const open = async () => {
    left = Infinity;
    closing = Promise.withResolvers<unknown>();
    server = createServer(join).listen(own, '127.0.0.1');
    await once(server, 'listening');
    own = (server.address() as { port: number }).port;
  };
  const close = async () => {
    if (server?.listening !== true) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.resetAndDestroy();
    await closed;
  };
  await open();
  onTestFinished(close);
  return {
    endpoint: `http://127.0.0.1:${String(own)}`,
    open,
    close,
    closeAfter: (bytes) => {
      left = bytes;
    },
    get closed() {
      return closing.promise;
    },
  };
}
