/** One POST to a web address, with limits of time and of attempts. */
import { readFile } from 'node:fs/promises';
import * as http from 'node:http';
import * as https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HoldfastError } from '../errors.ts';
import { monitorAnswered, monitorFailed, transportReason } from './errors.ts';

const ATTEMPTS = 3;
/** Before the second attempt; twice as long before the third. */
const PAUSE_MS = 500;

export interface PostOptions {
  /** Of the monitor, for messages. */
  readonly name: string;
  readonly url: URL;
  readonly body: string;
  readonly contentType: string;
  /** For all attempts together. */
  readonly timeoutMs: number;
  /** PEM file with authorities beside those of the system. */
  readonly caFile?: string;
  /** HTTPS_PROXY, HTTP_PROXY and NO_PROXY are obeyed. */
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Posts until it was taken (2xx), three times at most; a refusal (4xx) or a redirect is not asked again.
 * @throws HoldfastError MONITOR_FAILED; or the signal's reason
 */
export async function post(options: PostOptions, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + options.timeoutMs;
  for (let attempt = 1; ; attempt++) {
    const left = deadline - Date.now();
    // A first attempt that hangs must leave time for a second.
    const limit = attempt === ATTEMPTS ? left : Math.min(left, options.timeoutMs / 2);
    const { failure, again } = await once(options, limit, signal);
    if (failure === undefined) return;
    const pause = PAUSE_MS * 2 ** (attempt - 1);
    if (!again || attempt === ATTEMPTS || Date.now() + pause >= deadline) throw failure;
    await sleep(pause, undefined, { signal });
  }
}

interface Attempted {
  readonly failure?: HoldfastError;
  /** Another attempt may go better. */
  readonly again?: boolean;
}

async function once(options: PostOptions, limitMs: number, signal: AbortSignal): Promise<Attempted> {
  const { name } = options;
  const timeout = AbortSignal.timeout(Math.max(1, Math.round(limitMs)));
  try {
    const status = await answerTo(options, AbortSignal.any([signal, timeout]));
    if (status >= 200 && status < 300) return {};
    return {
      failure: monitorAnswered(name, status),
      again: status >= 500 || status === 429 || status === 408,
    };
  } catch (error) {
    signal.throwIfAborted();
    const seconds = Math.round(options.timeoutMs / 100) / 10;
    const reason = timeout.aborted ? `it did not answer within ${seconds} s` : transportReason(error);
    return { failure: monitorFailed(name, reason, error), again: true };
  }
}

/** The status of the answer. */
async function answerTo(
  { url, body, contentType, caFile, env }: PostOptions,
  signal: AbortSignal,
): Promise<number> {
  const { request, agent } = await transportFor(url, caFile, env);
  try {
    return await new Promise<number>((resolve, reject) => {
      const headers = {
        'content-type': contentType,
        'content-length': Buffer.byteLength(body),
        'user-agent': 'holdfast',
      };
      const asked = request(url, { method: 'POST', headers, agent, signal }, (answer) => {
        // What it says besides is not waited for: it may go on for ever.
        answer.on('error', () => undefined);
        resolve(answer.statusCode ?? 0);
      });
      asked.on('error', reject);
      asked.end(body);
    });
  } finally {
    agent.destroy();
  }
}

async function transportFor(url: URL, caFile: string | undefined, env: NodeJS.ProcessEnv) {
  const proxy = { proxyEnv: env };
  if (url.protocol === 'http:') return { request: http.request, agent: new http.Agent(proxy) };
  return { request: https.request, agent: new https.Agent({ ...proxy, ...(await trusting(caFile)) }) };
}

/** Authorities of a file, beside those that Node brings. */
export async function trusting(caFile: string | undefined): Promise<{ readonly ca?: string[] }> {
  if (caFile === undefined) return {};
  const { rootCertificates } = await import('node:tls');
  return { ca: [...rootCertificates, await readFile(caFile, 'utf8')] };
}
