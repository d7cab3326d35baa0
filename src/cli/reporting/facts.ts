/** Everything that a report is made from: the store by the room, keys and places by what `doctor` knows. */
import type { Config, SetConfig } from '../../config/config.ts';
import { isSurvivable, reasonOf } from '../../errors.ts';
import type { CopyFact, KeyFact, ReportFacts } from '../../report/facts.ts';
import type { Gathered } from '../../report/gather.ts';
import type { CatalogEntry } from '../../repository/catalog.ts';
import type { Session } from '../../repository/session.ts';
import { TOOL } from '../../version.ts';
import type { CliContext } from '../context.ts';
import { judgeKeys } from './judged-keys.ts';
import { openConfiguredSession } from '../wiring.ts';

/**
 * Reads and checks; changes nothing.
 * @param days - how far back the calendar goes
 * @throws HoldfastError what opening the store throws: a report of nothing would look like one
 */
export async function reportFacts(
  context: CliContext,
  sets: readonly SetConfig[],
  days: number,
): Promise<ReportFacts> {
  const { gather } = await import('../../report/gather.ts');
  const { placeFacts } = await import('./places.ts');
  const { signal } = context;
  const task = context.progress.start('reporting');
  try {
    await using opened = await openConfiguredSession(context);
    const { session, config } = opened;
    const { erasureWithinDays, drillEveryDays } = config.promises;
    const options = {
      session,
      sets: sets.map(wantedSet),
      known: [...config.sets.keys()],
      erasureWithinDays,
      drillEveryDays,
      onStep: (text: string) => task.say(text),
    };
    const gathered = await gather(options, signal);
    task.say('keys and places');
    return {
      now: gathered.now,
      days,
      tool: TOOL,
      store: { url: session.store.url, id: session.id },
      promised: config.promises,
      sets: await withCopies(context, sets, gathered),
      otherSets: options.known.filter((name) => !sets.some((set) => set.name === name)),
      places: await placeFacts(context, config),
      keys: await keyFactsOf(config, session),
      sweep: gathered.sweep,
      exports: gathered.exports,
    };
  } finally {
    task.end();
  }
}

function wantedSet({ name, source, keep, fullEveryDays, objectLock }: SetConfig) {
  return { name, source, keep, fullEveryDays, lockDays: objectLock?.manifestDays };
}

async function withCopies(
  context: CliContext,
  sets: readonly SetConfig[],
  { now, sets: facts, entries }: Gathered,
): Promise<ReportFacts['sets']> {
  const all: ReportFacts['sets'][number][] = [];
  for (const [at, found] of facts.entries()) {
    const copies: CopyFact[] = [];
    const set = sets[at];
    for (const { name } of set?.replicas ?? [])
      if (set) copies.push(await copyFact(context, set, name, entries.get(set.name) ?? [], now));
    all.push({ ...found, copies });
  }
  return all;
}

async function copyFact(
  context: CliContext,
  set: SetConfig,
  name: string,
  entries: readonly CatalogEntry[],
  now: Date,
): Promise<CopyFact> {
  const { openCopyOf, replicaOf } = await import('../copies/copies.ts');
  const { readSide } = await import('../../copy/read-level.ts');
  const { levelOf } = await import('../../copy/level.ts');
  const about = { name, url: replicaOf(set, name).store };
  try {
    await using copy = await openCopyOf(context, set, name, []);
    const side = await readSide(copy.session, set.name, context.signal);
    const { missing } = levelOf(entries, side.entries, now);
    const newest = side.entries.at(-1)?.entry.time;
    return {
      ...about,
      newest: newest === undefined ? undefined : new Date(newest),
      behind: missing.length,
      unknown: undefined,
    };
  } catch (error) {
    if (!isSurvivable(error)) throw error;
    return { ...about, newest: undefined, behind: 0, unknown: reasonOf(error) };
  }
}

const ROLES = {
  recipient: 'recipient',
  former: 'former recipient',
  signing: 'this host’s signing key',
  trusted: 'trusted host',
  purge: 'purge signer',
} as const;

/** Those of the configuration, and hosts for which a recipient has vouched in the store. */
async function keyFactsOf(config: Config, { trust }: Session): Promise<KeyFact[]> {
  const { keyFacts } = await import('../../openpgp/keys.ts');
  const rows = await judgeKeys(config);
  const known = new Set(rows.map(({ fingerprint }) => fingerprint));
  const vouched = trust.keys.filter((key) => !known.has(key.getFingerprint()));
  const hosts = await Promise.all(vouched.map(keyFacts));
  return [
    ...rows.map(({ role, file: _file, ...row }) => ({ ...row, role: ROLES[role] })),
    ...hosts.map(({ expires, fingerprint, userId, algorithm }) => ({
      ...{ role: 'host, certified by a recipient', fingerprint, userId, algorithm },
      ...{ expires: expires?.toISOString(), refusal: undefined, warning: undefined },
    })),
  ];
}
