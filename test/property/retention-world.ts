/**
 * A store, its hosts and years of their lives, in memory: every decision is made by the real functions. Only moving bytes
 * is left out.
 */
import { chooseClass } from '../../src/repository/keep.ts';
import type { KeepPolicy } from '../../src/repository/keep.ts';
import { keepPrefix, packKey, packRef, snapshotFolder } from '../../src/repository/layout.ts';
import {
  DAY_MS,
  decideChain,
  endOfPromise,
  latestEnd,
  packDaysFor,
  packIsUsable,
} from '../../src/repository/rules.ts';
import type { ChainFacts } from '../../src/repository/rules.ts';
import { goneBy } from '../../src/retention/gone-by.ts';
import { livesInUse, planLifecycle } from '../../src/retention/lifecycle.ts';
import { parseMortalKey } from '../../src/retention/objects.ts';
import type { MortalObject } from '../../src/retention/objects.ts';
import { planExpire } from '../../src/retention/plan-expire.ts';
import type { ExpirePlan } from '../../src/retention/plan-expire.ts';
import type { LifecycleRule } from '../../src/stores/bucket.ts';

export const SET = 'shop';
const ROOT = 'prod/';
const WRITER = 'db1';
const FOREIGN: LifecycleRule = { id: 'logs', enabled: true, prefix: 'logs/', expireDays: 1 };

export interface Policy {
  readonly keep: KeepPolicy;
  readonly fullEveryDays: number;
}

export interface Taken {
  readonly snapshot: string;
  readonly writer: string;
  readonly seq: number;
  /** As the entry has them: by the clock of the run. */
  readonly time: Date;
  readonly end: Date;
  readonly keepDays: number;
  readonly manifest: string;
  readonly record: string;
  readonly packs: readonly string[];
}

interface Stored {
  readonly modified: Date;
  /** Of what lies in a versioned bucket after it was hidden. */
  hidden?: Date;
}

export interface Kind {
  /** The store executes its rules: a bucket, and not a folder. */
  readonly lifecycle: boolean;
  readonly versioned?: boolean;
}

export class World {
  readonly taken: Taken[] = [];
  readonly objects = new Map<string, Stored>();
  readonly #lifecycle: boolean;
  readonly #versioned: boolean;
  #now: number;
  #policy: Policy;
  #rules: readonly LifecycleRule[] = [FOREIGN];
  #chain: ChainFacts | undefined;
  #packs: string[] = [];
  #count = 0;
  #believed: Date | undefined;

  constructor(policy: Policy, start: number, { lifecycle, versioned = false }: Kind) {
    this.#policy = policy;
    this.#now = start;
    this.#versioned = versioned;
    this.#lifecycle = lifecycle;
    this.setPolicy(policy);
  }

  get now(): Date {
    return new Date(this.#now);
  }

  /** A new configuration, and `store lifecycle apply`. */
  setPolicy(policy: Policy): void {
    this.#policy = policy;
    const policies = policy.keep.map(({ days }) => ({ keepDays: days, fullEveryDays: policy.fullEveryDays }));
    const inStore = [...this.objects.keys()].map((key) => parseMortalKey(key)?.days ?? 0);
    this.#rules = planLifecycle({
      root: ROOT,
      lives: livesInUse(policies, inStore),
      found: this.#rules,
    }).rules;
  }

  /**
   * Time passes; at each midnight the bucket does what its rules say, if it executes them.
   * @param look - called just before and just after
   */
  sleep(ms: number, look: () => void = () => undefined): void {
    const until = this.#now + ms;
    for (let midnight = Math.ceil((this.#now + 1) / DAY_MS) * DAY_MS; midnight <= until; midnight += DAY_MS) {
      this.#now = midnight - 1;
      look();
      this.#now = midnight;
      if (this.#lifecycle) this.#pass();
      look();
    }
    this.#now = until;
  }

  /** A second later in the night than a midnight: what was due at it is gone. */
  #pass(): void {
    for (const [key, stored] of this.objects) {
      const rule = this.#rules.find(
        ({ prefix, expireDays }) => expireDays !== undefined && (ROOT + key).startsWith(prefix),
      );
      if (rule === undefined) continue;
      if (stored.hidden !== undefined) {
        if (latestEnd(stored.hidden, rule.noncurrentDays ?? Infinity) <= this.now) this.objects.delete(key);
      } else if (latestEnd(stored.modified, rule.expireDays ?? Infinity) <= this.now) {
        if (this.#versioned) stored.hidden = new Date(this.#now + 1000);
        else this.objects.delete(key);
      }
    }
  }

  /** A run that starts now and takes a while. @param skewMs - what its clock is wrong by (a folder's is its host's) */
  backup(takesMs: number, { full = false, dies = false, skewMs = 0 } = {}): void {
    const clock = () => new Date(this.#now + skewMs);
    const { keep, fullEveryDays } = this.#policy;
    const started = clock();
    const here = this.taken.filter(({ manifest }) => this.has(manifest));
    const life = chooseClass(keep, here, started);
    const policy = { keepDays: life.days, fullEveryDays };
    if (decideChain(this.#chain, policy, started, full).kind === 'start') {
      this.#chain = { chain: (this.#chain?.chain ?? 0) + 1, started, ...policy };
      this.#packs = [];
    }
    const place = { set: SET, writer: WRITER, chain: this.#chain?.chain ?? 1 };
    const packDays = packDaysFor(life.days, fullEveryDays);
    const usable = (key: string, atCommit: boolean) => {
      const stored = this.objects.get(key);
      const days = parseMortalKey(key)?.days ?? 0;
      if (stored === undefined || stored.hidden !== undefined) return false;
      return (
        (atCommit || days >= packDays) &&
        packIsUsable({ modified: stored.modified, days }, policy, clock(), atCommit)
      );
    };
    this.#packs = this.#packs.filter((key) => usable(key, false));
    const id = String(++this.#count).padStart(16, '0');
    const own = packKey(place, packRef(packDays, id));
    this.objects.set(own, { modified: clock() });
    this.#packs.push(own);
    this.sleep(takesMs);
    if (dies || !this.#packs.every((key) => usable(key, true))) return;
    const stamp = started.toISOString().slice(0, 19).replace(/[-:]/g, '');
    const snapshot = `${stamp}Z-${id.slice(8)}`;
    const folder = snapshotFolder(SET, life.days, snapshot);
    const [manifest, record] = [`${folder}manifest.pgp`, `${folder}entry.json`];
    this.objects.set(manifest, { modified: clock() });
    this.objects.set(record, { modified: clock() });
    const end = endOfPromise(clock(), life.days);
    const seq = this.taken.length + 1;
    this.taken.push({
      snapshot,
      writer: WRITER,
      seq,
      time: started,
      end,
      keepDays: life.days,
      manifest,
      record,
      packs: [...this.#packs],
    });
  }

  /** What `expire` plans; it is carried out as far as said. */
  expire({ skewMs = 0, steps = Infinity, evenLast = false, trustClock = false } = {}): ExpirePlan {
    const now = new Date(this.#now + skewMs);
    const objects = [...this.objects].map(([key, stored]) => this.#mortal(key, stored));
    const verified = this.taken
      .filter(({ record }) => this.has(record))
      .map((taken) => ({ ...taken, whole: this.has(taken.manifest) }));
    const newestObject = new Date(Math.max(0, ...objects.map(({ modified }) => modified.getTime())));
    const believed = this.#believed;
    const facts = {
      set: SET,
      now,
      objects,
      verified,
      unverifiable: new Set<string>(),
      believed,
      newestObject,
    };
    const plan = planExpire({ ...facts, evenLast, trustClock });
    if (plan.refusal === undefined) this.#believed = now;
    const keys = [...plan.steps.manifests, ...plan.steps.records, ...plan.steps.rest];
    for (const key of keys.slice(0, steps)) this.objects.delete(key);
    return plan;
  }

  #mortal(key: string, { modified }: Stored): MortalObject {
    const about = parseMortalKey(key);
    if (about === undefined) throw new Error(`${key} has no life`);
    return { key, ...about, bytes: 1, modified, isLatest: true };
  }

  /** It can be read as usual. */
  has(key: string): boolean {
    const stored = this.objects.get(key);
    return stored !== undefined && stored.hidden === undefined;
  }

  /** Everything that a restore needs is there. */
  restores({ manifest, record, packs }: Taken): boolean {
    return [manifest, record, ...packs].every((key) => this.has(key));
  }

  /** Somebody with a key, the store and all its versions can still read it. */
  canBeRead({ manifest }: Taken): boolean {
    return this.objects.has(manifest);
  }

  goneBy({ manifest, keepDays }: Taken): Date | undefined {
    const stored = this.objects.get(manifest);
    if (stored === undefined) return undefined;
    return goneBy(
      { modified: stored.modified, days: keepDays },
      { lifecycle: true, versioned: this.#versioned },
    );
  }

  /** Prefixes below which something lies that no rule removes. */
  forever(): string[] {
    const covered = new Set(this.#rules.map(({ prefix }) => prefix));
    const lives = [...this.objects.keys()].map((key) => keepPrefix(parseMortalKey(key)?.days ?? 1));
    return lives.filter((prefix) => !covered.has(ROOT + prefix));
  }

  get foreignRules(): readonly LifecycleRule[] {
    return this.#rules.filter(({ id }) => !id.startsWith('holdfast-'));
  }
}

export { FOREIGN };
