/** Figures as people read them, each with the value that a program reads in `<data>` and `<time>`. Pure. */
import { html } from './escape.ts';
import type { Html } from './escape.ts';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** `1.34 MB`, in powers of ten as disks are sold. */
export function bytesText(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  const digits = power === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[power] ?? ''}`;
}

/** `50 MB`: no more digits than there have to be, for an axis. */
export function bytesShort(bytes: number): string {
  const [value = '', unit = ''] = bytesText(bytes).split(' ');
  return `${Number(value)} ${unit}`;
}

/** `7,200,000`. */
export function countText(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `840 ms`, `4.2 s`, `3 min`, `5.5 h`, `12 days`. */
export function lengthText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const steps = [
    [60_000, 1000, 's'],
    [3_600_000, 60_000, 'min'],
    [48 * 3_600_000, 3_600_000, 'h'],
  ] as const;
  for (const [below, unit, name] of steps) if (ms < below) return `${short(ms / unit)} ${name}`;
  return `${short(ms / 86_400_000)} days`;
}

/** The unit in which an axis up to this length has round numbers. */
export function lengthUnit(mostMs: number): { readonly ms: number; readonly name: string } {
  if (mostMs < 120_000) return { ms: 1000, name: 's' };
  if (mostMs < 2 * 3_600_000) return { ms: 60_000, name: 'min' };
  return mostMs < 48 * 3_600_000 ? { ms: 3_600_000, name: 'h' } : { ms: 86_400_000, name: 'days' };
}

function short(value: number): string {
  return value >= 10 ? String(Math.round(value)) : value.toFixed(1).replace(/\.0$/, '');
}

/** `2026-11-21 03:00`: UTC. */
export function timeText(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 16)}`;
}

const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June', 'July'],
  ...['August', 'September', 'October', 'November', 'December'],
];

/** `Nov`. @param number - from 1 */
export function monthShort(number: number): string {
  return (MONTHS[number - 1] ?? '').slice(0, 3);
}

/** `1 Sep`, in UTC. */
export function dateShort(date: Date): string {
  return `${date.getUTCDate()} ${monthShort(date.getUTCMonth() + 1)}`;
}

/** `21 November 2026`. */
export function dateText(time: string): string {
  const [year = '', month = '', day = ''] = time.slice(0, 10).split('-');
  return `${Number(day)} ${MONTHS[Number(month) - 1] ?? ''} ${year}`;
}

/** UTC, in a form that is valid as it stands (HTML, "valid local date and time string"). */
export function time(value: string): Html {
  return html`<time>${timeText(value)}</time>`;
}

export function day(value: string | null): Html {
  return value === null ? html`–` : html`<time>${value.slice(0, 10)}</time>`;
}

/**
 * A figure with its exact value.
 * @param path - where it stands in the JSON, such as `summary.sets`; a test compares the two
 */
export function figure(path: string, value: number, shown: string): Html {
  return html`<data value="${value}" data-path="${path}">${shown}</data>`;
}

export function bytes(value: number, path?: string): Html {
  return path === undefined
    ? html`<data value="${value}">${bytesText(value)}</data>`
    : figure(path, value, bytesText(value));
}

export function count(value: number, path?: string): Html {
  return path === undefined ? html`${countText(value)}` : figure(path, value, countText(value));
}

/** With a capital: a sentence begins. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Commands stand between back quotes. */
export function withCode(text: string): Html {
  return html`${text.split('`').map((part, at) => (at % 2 === 1 ? html`<code>${part}</code>` : html`${part}`))}`;
}
