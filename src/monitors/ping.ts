/**
 * A ping to somebody who sounds the alarm when it does not come: healthchecks.io and all that work alike. A success
 * goes to the address itself, a failure to the address with something added, `/fail` or `?state=fail`. Strangers are told
 * no more than names of sets and codes of errors.
 */
import type { Monitor, RunReport } from './monitor.ts';
import { post } from './http.ts';
import type { PostOptions } from './http.ts';
import { headline, outline } from './words.ts';

export interface PingOptions extends Pick<PostOptions, 'url' | 'timeoutMs' | 'caFile' | 'env'> {
  /** What a failure adds: begins with `/` (to the path) or `?` (to the query). */
  readonly failure: string;
}

export function pingMonitor({ failure, ...options }: PingOptions): Monitor {
  const name = `ping to ${options.url.host}`;
  return {
    name,
    tell: (report, signal) => {
      const url = report.outcome === 'success' ? options.url : withFailure(options.url, failure);
      const body = textOf(report);
      return post({ ...options, name, url, body, contentType: 'text/plain; charset=utf-8' }, signal);
    },
  };
}

/** The address of a failure. */
function withFailure(url: URL, failure: string): URL {
  const changed = new URL(url);
  if (failure.startsWith('?'))
    for (const [key, value] of new URLSearchParams(failure)) changed.searchParams.set(key, value);
  else changed.pathname = `${changed.pathname.replace(/\/$/, '')}${failure}`;
  return changed;
}

function textOf(report: RunReport): string {
  return [headline(report), ...outline(report), report.tool].map((line) => `${line}\n`).join('');
}
