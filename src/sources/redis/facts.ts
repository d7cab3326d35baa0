/** What a server says about itself (redis.io, "INFO"). */
import type { RedisConnection } from './connection.ts';
import { textOfReply } from './replies.ts';

export interface RedisFacts {
  readonly flavour: 'redis' | 'valkey';
  readonly version: string;
  /** `standalone`, `cluster` or `sentinel`. */
  readonly mode: string;
  readonly role: 'master' | 'replica';
  /** Of a replica. */
  readonly hasLink: boolean;
  /** Memory that its data takes, in bytes. */
  readonly usedBytes: number;
  /** Limit of that, in bytes; 0 for none. */
  readonly maxBytes: number;
  /** Names of its modules, sorted. */
  readonly modules: readonly string[];
  /** Number of keys by number of database; a database without keys is not in it. */
  readonly keys: ReadonlyMap<number, number>;
  /** Keys that went since it was started: at the end of their time, and for want of memory. */
  readonly expired: number;
  readonly evicted: number;
}

/** Asks. `modules` is a section of its own, which old servers do not have. */
export async function readFacts(connection: RedisConnection): Promise<RedisFacts> {
  const text = textOfReply(await connection.call('INFO', 'everything'));
  const modules = textOfReply(await connection.call('INFO', 'modules'));
  return factsFrom(`${text}\n${modules}`);
}

/** Reads the text of INFO. */
export function factsFrom(text: string): RedisFacts {
  const fields = new Map<string, string>();
  const modules = new Set<string>();
  const keys = new Map<number, number>();
  for (const line of text.split(/\r?\n/)) {
    const [, name = '', value = ''] = /^([^#:]+):(.*)$/.exec(line) ?? [];
    if (name === 'module') modules.add(/(?:^|,)name=([^,]*)/.exec(value)?.[1] ?? value);
    const database = /^db(\d+)$/.exec(name)?.[1];
    if (database !== undefined) keys.set(Number(database), Number(/^keys=(\d+)/.exec(value)?.[1] ?? 0));
    fields.set(name, value);
  }
  const number = (name: string): number => Number(fields.get(name) ?? 0) || 0;
  const valkey = fields.get('valkey_version');
  return {
    flavour: valkey === undefined ? 'redis' : 'valkey',
    version: valkey ?? fields.get('redis_version') ?? '',
    mode: fields.get('redis_mode') ?? 'standalone',
    role: fields.get('role') === 'slave' ? 'replica' : 'master',
    hasLink: fields.get('master_link_status') !== 'down',
    usedBytes: number('used_memory_dataset'),
    maxBytes: number('maxmemory'),
    modules: [...modules].sort(),
    keys,
    expired: number('expired_keys'),
    evicted: number('evicted_keys'),
  };
}

/** How a database is called in a dump. */
export function databaseName(number: number): string {
  return `db${number}`;
}

/** The number of the database that a dump calls so; undefined for other names. */
export function databaseNumber(name: string): number | undefined {
  const number = /^db(0|[1-9]\d{0,8})$/.exec(name)?.[1];
  return number === undefined ? undefined : Number(number);
}
