/** What somebody expects of a restored snapshot, and whether the answer is that. Pure. */
import type { Answer, Question } from '../sources/inspector.ts';

/** A question and what its answer must be. */
export interface Check {
  /** For people. */
  readonly name: string;
  readonly question: Question;
  readonly expect: Expectation;
}

export interface Expectation {
  readonly equals?: string | number | boolean | null;
  readonly atLeast?: number;
  readonly atMost?: number;
  /** Hours before the snapshot's time. */
  readonly newerThanHours?: number;
}

export interface Judgement {
  readonly ok: boolean;
  /** What was found, and why that is not well: for people. */
  readonly found: string;
}

const HOUR_MS = 3_600_000;
const SHOWN_MAX = 100;

/** @param taken - the snapshot's time: an old snapshot may have old rows */
export function judge(expect: Expectation, answer: Answer, taken: Date): Judgement {
  if ('refused' in answer) return { ok: false, found: answer.refused };
  const { value } = answer;
  if (expect.equals !== undefined) return judgeEqual(value, expect.equals);
  if (expect.newerThanHours !== undefined)
    return judgeAge(answer.newest ?? value, expect.newerThanHours, taken);
  return judgeAmount(value, expect);
}

function judgeEqual(value: string | null, wanted: string | number | boolean | null): Judgement {
  const ok = isEqual(value, wanted);
  return { ok, found: ok ? shown(value) : `${shown(value)}, and ${shown(wanted)} is expected` };
}

/** A number is equal to what is written otherwise (5.0), and true to what engines write for it. */
function isEqual(value: string | null, wanted: string | number | boolean | null): boolean {
  if (value === null || wanted === null) return value === wanted;
  if (typeof wanted === 'number') return numberOf(value) === wanted;
  if (typeof wanted === 'boolean') return (wanted ? /^(t|true|1)$/i : /^(f|false|0)$/i).test(value);
  return value === wanted;
}

function judgeAmount(value: string | null, { atLeast, atMost }: Expectation): Judgement {
  const amount = numberOf(value);
  if (amount === undefined) return { ok: false, found: `${shown(value)}, and a number is expected` };
  if (atLeast !== undefined && amount < atLeast)
    return { ok: false, found: `${shown(value)}, and at least ${atLeast} is expected` };
  if (atMost !== undefined && amount > atMost)
    return { ok: false, found: `${shown(value)}, and at most ${atMost} is expected` };
  return { ok: true, found: shown(value) };
}

function judgeAge(value: string | null, hours: number, taken: Date): Judgement {
  const limit = `newer than ${hours} h before the snapshot is expected`;
  if (value === null) return { ok: false, found: `nothing, and ${limit}` };
  const then = timeOf(value);
  if (then === undefined) return { ok: false, found: `${shown(value)} is no time, and ${limit}` };
  const ok = taken.getTime() - then.getTime() < hours * HOUR_MS;
  return { ok, found: ok ? shown(value) : `${shown(value)}, and ${limit}` };
}

function numberOf(value: string | null): number | undefined {
  if (value === null || !/^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(value)) return undefined;
  return Number(value);
}

const DATE = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2})(:\d{2}(?:\.\d+)?)?)?\s*(Z|[-+]\d{2}(?::?\d{2})?)?$/i;

/**
 * A date or time as databases print it; without a zone it is UTC. A number counts from 1970: in seconds, or (when that
 * would be far in the future) in milliseconds or microseconds.
 */
export function timeOf(value: string): Date | undefined {
  const match = DATE.exec(value.trim());
  if (match) {
    const [, day = '', minutes = '00:00', seconds = ':00', zone = 'Z'] = match;
    const time = new Date(`${day}T${minutes}${seconds}${zoneOf(zone)}`);
    return Number.isNaN(time.getTime()) ? undefined : time;
  }
  const number = numberOf(value);
  if (number === undefined || number <= 0) return undefined;
  const milliseconds = number < 1e11 ? number * 1000 : number < 1e14 ? number : number / 1000;
  const time = new Date(milliseconds);
  return Number.isNaN(time.getTime()) ? undefined : time;
}

/** `+00` and `+0530` as JavaScript reads them. */
function zoneOf(zone: string): string {
  if (/^z$/i.test(zone)) return 'Z';
  const [, hours = '', minutes = '00'] = /^([-+]\d{2}):?(\d{2})?$/.exec(zone) ?? [];
  return `${hours}:${minutes}`;
}

function shown(value: string | number | boolean | null): string {
  if (value === null) return 'nothing';
  const text = String(value);
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}
