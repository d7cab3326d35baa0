/**
 * Starts a server when the first test asks for it, once for a whole test run: a run of unit tests starts none.
 *
 * The test files run in other processes than the one that owns the servers; they ask over HTTP on a unix socket.
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';

/** A server that can be ended, with an address that can be sent as JSON. */
export interface Service {
  readonly address: unknown;
  stop(): Promise<void>;
}

export interface Broker {
  /** Where tests ask. */
  readonly socket: string;
  /** Ends every server that was started, in parallel. */
  close(): Promise<void>;
}

/** Listens in `folder` and starts each of the services at most once. */
export async function startBroker(
  folder: string,
  services: Readonly<Record<string, () => Promise<Service>>>,
): Promise<Broker> {
  const started = new Map<string, Promise<Service>>();
  const serviceNamed = (name: string): Promise<Service> => {
    const known = started.get(name);
    if (known) return known;
    const start = services[name];
    if (!start) throw new Error(`no service named ${name}`);
    const starting = start();
    started.set(name, starting);
    return starting;
  };
  const server = createServer((incoming, response) => void answer(serviceNamed, incoming, response));
  const socket = join(folder, 'broker.sock');
  server.listen(socket);
  await once(server, 'listening');
  return {
    socket,
    close: async () => {
      server.close();
      server.closeAllConnections();
      // A server that could not start has cleaned up after itself, and the test that asked for it has failed.
      const running = await Promise.allSettled(started.values());
      const stopping = running.map(async (result) => {
        if (result.status === 'fulfilled') await result.value.stop();
      });
      await Promise.all(stopping);
    },
  };
}

/** Asks a broker for the address of a service; waits while it starts. Throws when it could not be started. */
export async function askBroker(socketPath: string, name: string): Promise<unknown> {
  const asking = request({ socketPath, path: `/${name}` });
  asking.end();
  const [response] = (await once(asking, 'response')) as [IncomingMessage];
  const body = await text(response);
  if (response.statusCode !== 200) throw new Error(`the service ${name} could not be started: ${body}`);
  return JSON.parse(body);
}

async function answer(
  serviceNamed: (name: string) => Promise<Service>,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const service = await serviceNamed((incoming.url ?? '').slice(1));
    response.end(JSON.stringify(service.address));
  } catch (error) {
    response.writeHead(500).end(error instanceof Error ? error.message : String(error));
  }
}
