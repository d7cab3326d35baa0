/**
 * What must be true of the place where backups lie, so that its promises are kept when this program is dead and when a
 * host is hostile: rules that end objects, versions, locks, rights. Each finding names what mends it.
 */
import type { Config, SetConfig } from '../../config/config.ts';
import { isHoldfastError } from '../../errors.ts';
import type { LifecycleReport } from '../../retention/apply-lifecycle.ts';
import type { LifecycleProblem } from '../../retention/lifecycle.ts';
import type { Bucket, Store } from '../../stores/store.ts';
import { awsCommand } from './aws-command.ts';
import { attempt, failed, ok, warning, wrong } from './check.ts';
import type { Check } from './check.ts';
import type { CliContext } from '../context.ts';
import { byRemedy, lifecycleHint } from './lifecycle.ts';
import type { LifecyclePlace } from './lifecycle.ts';

/** A place that was opened, and how it is called in findings: `store`, or `copy paris`. */
export interface Posture {
  readonly config: Config;
  readonly name: string;
  readonly place: LifecyclePlace;
  readonly store: Store;
}

/** The posture of the store, or of a copy. */
export async function* checkPosture(context: CliContext, posture: Posture): AsyncGenerator<Check> {
  const { config, place } = posture;
  const isHost = place.copy === undefined && config.signingKey !== undefined;
  yield* checkResidency(context, posture);
  yield* checkExpiry(context, posture);
  if (place.copy === undefined) yield* checkOverwriting(context, posture);
  yield* checkLocks(context, posture);
  if (isHost) yield* checkReadingBack(context, posture);
}

/** A place elsewhere was refused when it was opened: here it is said that it is right. */
async function* checkResidency(context: CliContext, { config, name, store }: Posture): AsyncGenerator<Check> {
  const { residency } = config.promises;
  if (residency.length === 0) return;
  const what = `${name} residency`;
  yield await attempt(what, async () => {
    const { mustReside } = await import('./residency.ts');
    const location = (await mustReside(store, residency, context.signal)) ?? '';
    return ok(what, `in ${location}, as promised`);
  });
}

async function* checkExpiry(
  context: CliContext,
  { config, name, place, store }: Posture,
): AsyncGenerator<Check> {
  const what = `${name} expiry`;
  try {
    const { checkLifecycle } = await import('../../retention/apply-lifecycle.ts');
    const report = await checkLifecycle(store, place.policies, context.signal);
    const findings = [...judgeRules(what, report.problems, place), ...judgeOverdue(what, report)];
    yield* findings;
    if (!report.enforcement.lifecycle) yield unenforced(what);
    else if (findings.length === 0) {
      yield ok(what, `the rules are right; ${await outerDates(context, config, place, store, report)}`);
    }
  } catch (error) {
    // A server without lifecycle rules: then it is as with a folder.
    yield isHoldfastError(error, 'STORE_FAILED') ? unenforced(what) : failed(what, error);
  }
}

function unenforced(what: string): Check {
  return warning(
    what,
    'nothing enforces it when this program is dead',
    'Let cron run `holdfast expire --confirm`, or set `expire: auto` in a folder; watch it with `holdfast status`.',
  );
}

/** Of the rules that one command mends, one finding; a foreign rule is somebody's, and each is named. */
function judgeRules(what: string, problems: readonly LifecycleProblem[], place: LifecyclePlace): Check[] {
  return byRemedy(problems).map(([first, ...more]) => {
    const rest = more.length === 0 ? '' : ` (and ${more.length} more)`;
    return wrong(what, `${first.what}${rest}`, lifecycleHint(first, place));
  });
}

function judgeOverdue(what: string, { enforcement, overdue }: LifecycleReport): Check[] {
  const [first] = overdue;
  if (first === undefined) return [];
  const why = enforcement.lifecycle ? 'rules are set, but nothing executes them' : 'nobody runs expire';
  const found = `${why}: ${overdue.length} objects are past their time, such as ${first.key}`;
  const ask = enforcement.lifecycle
    ? 'Ask who runs the server whether lifecycle processing is on; until then: '
    : 'Run: ';
  return [wrong(what, found, `${ask}holdfast expire --confirm`)];
}

/** `shop: 30 days, gone by 2026-12-24`: of a snapshot that is made now. */
async function outerDates(
  { signal }: CliContext,
  config: Config,
  place: LifecyclePlace,
  store: Store,
  { enforcement }: LifecycleReport,
): Promise<string> {
  const { goneBy } = await import('../../retention/gone-by.ts');
  const modified = await store.now(signal);
  const promises = setsAt(config, place, store).map(({ name, keep }) => {
    const lives = keep.map(({ days }) => {
      const date = goneBy({ modified, days }, enforcement)?.toISOString().slice(0, 10) ?? 'never';
      return `${days} days, gone by ${date}`;
    });
    return `${name}: ${lives.join('; ')}`;
  });
  return `made now, ${promises.join(', ')}`;
}

/** The sets that lie in a place. */
function setsAt({ sets }: Config, { copy }: LifecyclePlace, { url }: Pick<Store, 'url'>): SetConfig[] {
  return [...sets.values()].filter(
    ({ replicas }) => copy === undefined || replicas.some(({ store }) => store === url),
  );
}

/** Where nothing keeps what was there before, a host that was taken over destroys backups by putting others. */
async function* checkOverwriting(context: CliContext, posture: Posture): AsyncGenerator<Check> {
  const what = `${posture.name} writing`;
  yield await attempt(what, async () => {
    const { config, place, store } = posture;
    const { bucket } = store;
    if (bucket === undefined)
      return ok(what, 'puts never overwrite; whoever may write there may also delete');
    const versioning = await bucket.versioning(context.signal);
    if (versioning === 'enabled') return ok(what, 'old versions are kept');
    if (config.signingKey === undefined) return ok(what, 'this machine does not write');
    if (await refusesToOverwrite(store, context.signal)) return ok(what, 'the bucket refuses to overwrite');
    return warning(
      what,
      `this host can overwrite what is there: versioning is ${versioning}`,
      `Turn it on: ${awsCommand('put-bucket-versioning', store.url, place.s3)} --versioning-configuration Status=Enabled`,
    );
  });
}

/** The key of the store's own probe: the only one that any host may put. */
const PROBE_KEY = 'probe/if-absent';

/**
 * Tries it, as a host that was taken over would: without asking the server to refuse.
 * @throws HoldfastError STORE_DENIED when nothing at all may be put
 */
async function refusesToOverwrite(store: Store, signal: AbortSignal): Promise<boolean> {
  const { ifAbsent } = await store.features(signal);
  try {
    await store.put(
      PROBE_KEY,
      Buffer.from('Holdfast tried here whether this host can overwrite.\n'),
      {},
      signal,
    );
    return false;
  } catch (error) {
    // Only a put that asks not to overwrite passes: the policy demands it.
    if (ifAbsent && isHoldfastError(error, 'STORE_DENIED')) return true;
    throw error;
  }
}

async function* checkLocks(context: CliContext, posture: Posture): AsyncGenerator<Check> {
  const { bucket } = posture.store;
  if (bucket === undefined) return;
  const what = `${posture.name} locks`;
  const check = await attempt(what, () => judgeLocks(context, posture, bucket, what));
  if (check.found !== '') yield check;
}

/** Nothing found: no locks, and none wanted. */
async function judgeLocks(
  { signal }: CliContext,
  { config, place, store }: Posture,
  bucket: Bucket,
  what: string,
): Promise<Check> {
  const { enabled, defaultRetention } = await bucket.objectLock(signal);
  const put = `${awsCommand('put-object-lock-configuration', store.url, place.s3)} --object-lock-configuration ObjectLockEnabled=Enabled`;
  if (defaultRetention) {
    const { mode, days } = defaultRetention;
    return wrong(
      what,
      `everything is locked for ${days} days by default (${mode}), manifests too: then nobody can be erased in time`,
      `Take the default away, Object Lock itself stays on: ${put}`,
    );
  }
  const wanting = setsAt(config, place, store).filter((set) => set.objectLock);
  if (wanting.length === 0) return ok(what, '');
  const names = wanting.map(({ name }) => name).join(', ');
  if (enabled) return ok(what, `packs of ${names} cannot be deleted before their end`);
  const remedy = `Make a bucket with it, or on AWS turn it on for this versioned one: ${put}`;
  // The promise is the store's; a copy beside it that can be deleted is better than none.
  if (place.copy !== undefined) return warning(what, `the copies of ${names} are not locked`, remedy);
  return wrong(what, `object_lock is set for ${names}, but the bucket has no Object Lock`, remedy);
}

/** A host need not be able to read what it wrote, and then a thief on the host is not either. */
async function* checkReadingBack({ signal }: CliContext, { store, name }: Posture): AsyncGenerator<Check> {
  if (store.bucket === undefined) return;
  const what = `${name} rights`;
  const manifest = await anyManifest(store, signal).catch(() => undefined);
  if (manifest === undefined) return;
  yield await attempt(what, async () => {
    try {
      await store.head(manifest, signal);
    } catch (error) {
      if (isHoldfastError(error, 'STORE_DENIED')) return ok(what, 'this host cannot read back what it wrote');
      throw error;
    }
    return warning(
      what,
      'this host can read back manifests and packs, which it never needs',
      'Give its user no more than this prints: holdfast store policy --role host',
    );
  });
}

async function anyManifest(store: Store, signal: AbortSignal): Promise<string | undefined> {
  for await (const { key } of store.list('keep-', signal)) if (key.endsWith('/manifest.pgp')) return key;
  return undefined;
}
