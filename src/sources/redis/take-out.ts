/**
 * Takes out what a failed restore has loaded, but only when nobody else can have written anything since it began: a key
 * that is there might be somebody else's, whatever its name is and however many there are. The server counts the commands
 * that it runs (redis.io, "INFO": commandstats), so it can say whether all that wrote were ours.
 */
import { throwIfCancelled } from '../../errors.ts';
import { openConnection, type RedisConnection } from './connection.ts';
import { ReplyError, textOfReply, type Reply } from './replies.ts';
import type { RedisSettings } from './settings.ts';

/** What a server had run when a restore into it began. */
export interface WritesBefore {
  /** Commands that change no key; every other one counts, also one that nobody knows. */
  readonly harmless: readonly string[];
  readonly writes: number;
}

/** Undefined when the server does not say. Throws CANCELLED. */
export async function readWrites(
  connection: RedisConnection,
  signal: AbortSignal,
): Promise<WritesBefore | undefined> {
  try {
    const harmless = harmlessOf(await connection.call('COMMAND'));
    const counts = textOfReply(await connection.call('INFO', 'commandstats'));
    const calls = [...counts.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)]
      .filter(([, name = '']) => !harmless.has(name))
      .map(([, , number]) => Number(number));
    return { harmless: [...harmless], writes: calls.reduce((total, number) => total + number, 0) };
  } catch {
    throwIfCancelled(signal);
    return undefined;
  }
}

/** Their keys change with these, which have no flag for it. */
const HARMFUL = /^(replicaof|slaveof|debug)$/;

/** From server version 7 on the last field has commands of their own: `function|load`. */
function harmlessOf(commands: Reply): Set<string> {
  const found = new Set<string>();
  for (const command of arrayOf(commands)) {
    const [name = '', , flags = [], ...more] = arrayOf(command);
    const text = textOfReply(name);
    if (!arrayOf(flags).map(textOfReply).includes('write') && !HARMFUL.test(text)) found.add(text);
    for (const inner of harmlessOf(more[SUBCOMMANDS] ?? [])) found.add(inner);
  }
  return found;
}

/** Behind name, arity and flags. */
const SUBCOMMANDS = 6;

function arrayOf(reply: Reply): readonly Reply[] {
  return Array.isArray(reply) ? (reply as readonly Reply[]) : [];
}

/** Whether the server counts a command that it answered so: what it refuses to begin it does not. */
export function isCounted(reply: Reply): boolean {
  return !(reply instanceof ReplyError && REFUSED.test(reply.text));
}

const REFUSED = /^(OOM|MISCONF|NOPERM|NOAUTH|READONLY|LOADING|MASTERDOWN|NOREPLICAS|DENIED)\b/;

export interface Loaded {
  /** Keys that were sent, by database. */
  readonly keys: ReadonlyMap<number, number>;
  /** Names of function libraries. */
  readonly libraries: readonly string[];
  /** Commands that wrote, as the server counts them; undefined when not all were answered. */
  readonly writes: number | undefined;
}

/** Empties databases, in one step with the question whether nobody else has written. */
const EMPTY = `local harmless = {}
local databases = tonumber(ARGV[2])
for i = 3 + databases, #ARGV do harmless[ARGV[i]] = true end
local writes = 0
for name, calls in string.gmatch(redis.call('INFO', 'commandstats'), 'cmdstat_([^:]+):calls=(%d+)') do
  if not harmless[name] then writes = writes + tonumber(calls) end
end
if writes ~= tonumber(ARGV[1]) then return 0 end
for i = 3, 2 + databases do redis.call('SELECT', ARGV[i]) redis.call('FLUSHDB') end
return 1`;
const TAKE_OUT_MS = 30_000;

/**
 * Takes out what was loaded, also after a cancellation. Never throws.
 * @returns what a person has to know
 */
export async function takeOut(
  settings: RedisSettings,
  before: WritesBefore | undefined,
  { keys, libraries, writes }: Loaded,
): Promise<string> {
  if ([...keys.values()].every((count) => count === 0) && libraries.length === 0)
    return 'Nothing was loaded.';
  try {
    if (before === undefined || writes === undefined) return LEFT;
    const connection = await openConnection(settings, AbortSignal.timeout(TAKE_OUT_MS));
    try {
      const databases = [...keys.keys()].map(String);
      const args = [String(before.writes + writes), String(databases.length), ...databases];
      if ((await connection.call('EVAL', EMPTY, '0', ...args, ...before.harmless)) !== 1) return LEFT;
      for (const library of libraries) await connection.call('FUNCTION DELETE', library);
      return 'What was loaded was taken out again; restore into an empty server.';
    } finally {
      connection.close();
    }
  } catch {
    return LEFT;
  }
}

const LEFT =
  'What was loaded is still there, since keys of somebody else may be among it: look at them, and empty the server before the next try.';
