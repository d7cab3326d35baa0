/**
 * What runs by itself, and when: a pure decision. cron, systemd and Kubernetes are three ways to write it down.
 *
 * Hosts of one kind must not all come at the same minute: the hour and the minute follow from the name of the host (`seed`),
 * so they stay the same from one call to the next, and each run waits for a random time more.
 */
import { hash } from 'node:crypto';

export interface ScheduleFacts {
  /** Absolute path of the program. */
  readonly program: string;
  /** Absolute path of the configuration. */
  readonly configFile: string;
  /** None: all sets. */
  readonly sets: readonly string[];
  /** `promises.backup_every`, in hours. */
  readonly everyHours: number;
  /** What makes this host's minute another than that of its neighbours. */
  readonly seed: string;
  /** When a person wants it, by the clock of the machine. */
  readonly at?: Clock;
  /** Where nothing expires by itself, and no set has `expire: auto`. */
  readonly expires: boolean;
}

export interface Clock {
  readonly hour: number;
  readonly minute: number;
}

/** Times by the clock of the machine; every so many hours, from `hour` on, or once a day or a week. */
export interface Calendar extends Clock {
  /** 24: daily; 168: weekly, on Sundays. Else it divides 24, and `hour` is less than it. */
  readonly everyHours: 1 | 2 | 3 | 4 | 6 | 8 | 12 | 24 | 168;
}

export interface Job {
  readonly name: 'backup' | 'status' | 'expire';
  /** For people. */
  readonly what: string;
  /** Of the program, after the option that names the configuration. */
  readonly args: readonly string[];
  readonly when: Calendar;
  /** Each run waits for up to so many seconds. */
  readonly jitterSeconds: number;
  /** A run that was missed while the machine was off is made up for. */
  readonly catchUp: boolean;
}

const DIVISORS = [12, 8, 6, 4, 3, 2, 1] as const;
const WEEK = 168;
/** A quarter of an hour; less where runs follow closely: `status` allows an eighth of the promise as grace. */
const JITTER_SECONDS_MAX = 900;
const JITTER_SHARE = 32;
/** When nobody asked for a time: at night, before people come. */
const NIGHT = { from: 1, hours: 4 } as const;
const BEFORE_STATUS = { hours: 5, minutes: 30 } as const;

/** The jobs of a host, the backup first. */
export function planJobs(facts: ScheduleFacts): readonly [Job, ...Job[]] {
  const everyHours = intervalFor(facts.everyHours);
  const when = calendarFor(facts, everyHours);
  const jitterSeconds = Math.min(JITTER_SECONDS_MAX, Math.floor((everyHours * 3600) / JITTER_SHARE));
  const backup: Job = {
    name: 'backup',
    what: 'encrypted backups',
    args: ['backup', ...facts.sets],
    when,
    jitterSeconds,
    catchUp: true,
  };
  const status: Job = {
    name: 'status',
    what: 'complains when a backup is late',
    args: ['status', ...facts.sets],
    when: statusAfter(when),
    jitterSeconds: 0,
    catchUp: true,
  };
  const expire: Job = {
    name: 'expire',
    what: 'removes what is past its promise',
    args: ['expire', ...facts.sets, '--confirm'],
    when: { everyHours: WEEK, hour: (when.hour + 3) % 24, minute: when.minute },
    jitterSeconds,
    catchUp: true,
  };
  return facts.expires ? [backup, status, expire] : [backup, status];
}

/** As often as promised, or a little more often; never less. A week and more is weekly, a day and more daily. */
export function intervalFor(promisedHours: number): Calendar['everyHours'] {
  if (promisedHours >= WEEK) return WEEK;
  if (promisedHours >= 24) return 24;
  return DIVISORS.find((hours) => hours <= promisedHours) ?? 1;
}

function calendarFor({ seed, at }: ScheduleFacts, everyHours: Calendar['everyHours']): Calendar {
  const digest = Buffer.from(hash('sha256', seed, 'hex'), 'hex');
  const spread = (index: number, count: number) => digest.readUInt16BE(index * 2) % count;
  const minute = at?.minute ?? spread(0, 60);
  if (everyHours < 24) return { everyHours, hour: (at?.hour ?? spread(1, everyHours)) % everyHours, minute };
  return { everyHours, hour: at?.hour ?? NIGHT.from + spread(1, NIGHT.hours), minute };
}

/** Late enough for a long run, early enough for the people who read it. */
function statusAfter({ everyHours, hour, minute }: Calendar): Calendar {
  if (everyHours < 24) {
    const later = hour * 60 + minute + 30;
    return { everyHours, hour: Math.floor(later / 60) % everyHours, minute: later % 60 };
  }
  const later = (hour + BEFORE_STATUS.hours) * 60 + minute + BEFORE_STATUS.minutes;
  return { everyHours: 24, hour: Math.floor(later / 60) % 24, minute: later % 60 };
}

/** For people: `every day at 03:17`. */
export function saidCalendar({ everyHours, hour, minute }: Calendar): string {
  const clock = `${two(hour)}:${two(minute)}`;
  if (everyHours === WEEK) return `every Sunday at ${clock}`;
  if (everyHours === 24) return `every day at ${clock}`;
  return `${everyHours === 1 ? 'every hour' : `every ${everyHours} hours`}, from ${clock} on`;
}

export function two(value: number): string {
  return String(value).padStart(2, '0');
}
