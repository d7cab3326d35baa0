/** Scratch databases on a server that somebody has named. */
import { randomBytes } from 'node:crypto';
import { throwIfCancelled } from '../errors.ts';
import type { Scratch, ScratchSpace } from './scratch.ts';

export interface NamedServer {
  /** Of any database on it; the user must be allowed to create databases. */
  readonly url: string;
  /** For people. */
  readonly name: string;
  /** Drops a database, with whoever is connected to it; one that is not there is no error. */
  readonly drop: (url: string) => Promise<void>;
}

/** Each database has a new name; only those are dropped. */
export function scratchOnServer({ url, name, drop }: NamedServer): ScratchSpace {
  return {
    name,
    isOwn: false,
    open: (signal) => {
      throwIfCancelled(signal);
      return Promise.resolve(room(url, drop));
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function room(url: string, drop: NamedServer['drop']): Scratch {
  const target = withDatabase(url, `holdfast_scratch_${randomBytes(6).toString('hex')}`);
  return {
    target,
    [Symbol.asyncDispose]: () => drop(target),
  };
}

/**
 * The URL of another database on the same server.
 * Not WHATWG's URL: `postgresql://user@/db?host=/folder` is right here.
 */
export function withDatabase(url: string, name: string): string {
  const [, server = url, query = ''] = /^(\w+:\/\/[^/?]*)(?:\/[^?]*)?(\?.*)?$/s.exec(url.trim()) ?? [];
  return `${server}/${name}${query}`;
}
