/**
 * Counts what really goes to an S3 server: a proxy between the program and the server, which reads method, path and
 * query of every request and the length of every body. Retries and requests of the SDK itself are in the figures.
 */
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Kind = 'list' | 'settings' | 'head' | 'get' | 'put' | 'delete';

export interface Traffic {
  /** How many requests of each kind there were; `settings` are questions about the bucket. Only those that came up. */
  readonly requests: Readonly<Partial<Record<Kind, number>>>;
  /** Bodies of objects, read and written. Listings are not in it. */
  readonly objectBytes: number;
  /** The part of it that lies below `keep-NNN/`: backups, and not the store's header and the keys of its hosts. */
  readonly backupBytes: number;
}

export interface TrafficCounter extends AsyncDisposable {
  /** To be used in place of the server's. */
  readonly endpoint: string;
  /** What came by since the last call. */
  take(): Traffic;
}

/** All requests together. */
export function requestsIn({ requests }: Traffic): number {
  return Object.values(requests).reduce((sum, count) => sum + count, 0);
}

/** `400 get, 12 list`, the most frequent first. */
export function describeTraffic({ requests }: Traffic): string {
  const some = Object.entries(requests).sort(([, a], [, b]) => b - a);
  return some.map(([kind, count]) => `${count} ${kind}`).join(', ');
}

/**
 * Starts a proxy for a server.
 *
 * @param target - the server's endpoint, plain http
 */
export async function countTraffic(target: string): Promise<TrafficCounter> {
  const counter = new Counter();
  const agent = new Agent({ keepAlive: true });
  const server = createServer((incoming, response) => {
    forward(incoming, response, { target, agent, counter });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take: () => counter.take(),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      agent.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

class Counter {
  #requests = new Map<Kind, number>();
  #objectBytes = 0;
  #backupBytes = 0;

  request(kind: Kind): void {
    this.#requests.set(kind, (this.#requests.get(kind) ?? 0) + 1);
  }

  bytes(length: number, key: string): void {
    this.#objectBytes += length;
    if (/(^|\/)keep-\d+\//.test(key)) this.#backupBytes += length;
  }

  take(): Traffic {
    const taken = {
      requests: Object.fromEntries(this.#requests),
      objectBytes: this.#objectBytes,
      backupBytes: this.#backupBytes,
    };
    this.#requests = new Map();
    this.#objectBytes = 0;
    this.#backupBytes = 0;
    return taken;
  }
}

interface Way {
  readonly target: string;
  readonly agent: Agent;
  readonly counter: Counter;
}

/** Host and all other headers stay as they are: the signature covers them. */
function forward(incoming: IncomingMessage, response: ServerResponse, { target, agent, counter }: Way): void {
  const { method = 'GET', url = '/' } = incoming;
  const { kind, key } = classify(method, url);
  counter.request(kind);
  // This server has said 100 already.
  const { expect: _, ...headers } = incoming.headers;
  const { hostname, port } = new URL(target);
  const outgoing = request({ hostname, port, method, path: url, headers, agent }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    if (kind === 'get') answer.on('data', (chunk: Buffer) => counter.bytes(chunk.length, key));
    answer.pipe(response);
  });
  const broken = (): void => void response.destroy();
  outgoing.on('error', broken);
  incoming.on('error', () => outgoing.destroy());
  if (kind === 'put') incoming.on('data', (chunk: Buffer) => counter.bytes(chunk.length, key));
  incoming.pipe(outgoing);
}

/** By path style: `/BUCKET/KEY?QUERY`. */
function classify(method: string, url: string): { readonly kind: Kind; readonly key: string } {
  const { pathname, searchParams } = new URL(url, 'http://server');
  const key = pathname.split('/').slice(2).join('/');
  if (method === 'DELETE' || searchParams.has('delete')) return { kind: 'delete', key };
  if (method === 'HEAD') return { kind: 'head', key };
  if (method === 'PUT' || method === 'POST') return { kind: 'put', key };
  if (key !== '') return { kind: 'get', key };
  const isListing = searchParams.has('list-type') || searchParams.has('versions');
  return { kind: isListing ? 'list' : 'settings', key };
}
