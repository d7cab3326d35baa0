/** Servers on loopback that are told things: web addresses and a mail server, well and badly behaved. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import * as http from 'node:http';
import * as https from 'node:https';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { onTestFinished } from 'vitest';
import type { Certificate } from './certificates.ts';

/**
 * - `take`: all is well; `slow`: after 300 ms
 * - `refuse`: nothing listens; `hang`: takes the connection and says nothing; `break`: and breaks it off
 * - `error`: says that something is wrong; `redirect`: sends elsewhere (web only)
 */
export type Conduct = 'take' | 'slow' | 'refuse' | 'hang' | 'break' | 'error' | 'redirect';

const SLOW_MS = 300;

/** What came. */
export interface Received {
  /** Of the web: path with query. Of mail: `from → to, to`. */
  readonly to: string;
  readonly body: string;
}

export interface Receiver {
  /** `http://127.0.0.1:port` or `smtp://…`, with an s when it has a certificate. */
  readonly url: string;
  readonly received: readonly Received[];
  /** How many connections were made. */
  connections(): number;
}

/** Starts a web server; it goes when the test ends. */
export async function webReceiver(conduct: Conduct, certificate?: Certificate): Promise<Receiver> {
  const received: Received[] = [];
  const take: http.RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { url = '' } = request;
      received.push({ to: url, body: Buffer.concat(chunks).toString() });
      if (conduct === 'hang') return;
      if (conduct === 'break') request.socket.destroy();
      else if (conduct === 'slow') setTimeout(() => response.end('ok'), SLOW_MS);
      else if (conduct === 'error') response.writeHead(500).end('no');
      else if (conduct === 'redirect' && url !== '/elsewhere')
        response.writeHead(302, { location: '/elsewhere' }).end();
      else response.end('ok');
    });
  };
  const server = certificate ? https.createServer(await pem(certificate), take) : http.createServer(take);
  return listening(server, certificate ? 'https' : 'http', conduct, received);
}

/** Starts a mail server; it goes when the test ends. */
export async function mailReceiver(conduct: Conduct, certificate?: Certificate): Promise<Receiver> {
  const received: Received[] = [];
  if (conduct === 'hang' || conduct === 'break') {
    const mute = createServer((socket) => {
      if (conduct === 'break') socket.destroy();
    });
    return listening(mute, 'smtp', conduct, received);
  }
  const smtp = new SMTPServer({
    authOptional: true,
    secure: certificate !== undefined,
    ...(certificate ? await pem(certificate) : { disabledCommands: ['STARTTLS'] }),
    logger: false,
    onAuth: ({ username, password }, _session, done) =>
      username === 'ada' && password === 'geh eim/1'
        ? done(null, { user: username })
        : done(new Error('wrong password')),
    onData: (stream, { envelope }, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        if (conduct === 'error') {
          done(Object.assign(new Error('no'), { responseCode: 554 }));
          return;
        }
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
        const to = envelope.rcptTo.map(({ address }) => address).join(', ');
        received.push({ to: `${from} → ${to}`, body: Buffer.concat(chunks).toString() });
        setTimeout(() => done(), conduct === 'slow' ? SLOW_MS : 0);
      });
    },
  });
  // A client that does not like the certificate breaks off: no business of the server's.
  smtp.on('error', () => undefined);
  return listening(smtp.server, certificate ? 'smtps' : 'smtp', conduct, received);
}

async function pem({ certificateFile, keyFile }: Certificate): Promise<{ cert: Buffer; key: Buffer }> {
  return { cert: await readFile(certificateFile), key: await readFile(keyFile) };
}

async function listening(
  server: Server,
  scheme: string,
  conduct: Conduct,
  received: readonly Received[],
): Promise<Receiver> {
  let connections = 0;
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  };
  if (conduct === 'refuse') await close();
  else onTestFinished(close);
  return { url: `${scheme}://127.0.0.1:${port}`, received, connections: () => connections };
}
