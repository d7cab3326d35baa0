/** Numbers and times as people read them. Machines get `--json`, with plain numbers and RFC 3339. */
import { styleText } from 'node:util';
import prettyBytes from 'pretty-bytes';
import type { OutputStream } from './io.ts';

/** `1.34 MB`, in powers of ten as disks are sold. */
export function formatBytes(bytes: number): string {
  return prettyBytes(bytes);
}

/** `7,200,000`. */
export function formatCount(count: number | bigint): string {
  return count.toString().replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 row`, `7,200 rows`. */
export function formatPlural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** `840 ms`, `4.2 s`, `3 min 20 s`, `5 h 12 min`, `3 d 4 h`: two units at most. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9950) return `${(Math.round(ms / 100) / 10).toString()} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return twoUnits(seconds, 60, 'min', 's');
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return twoUnits(minutes, 60, 'h', 'min');
  return twoUnits(Math.round(minutes / 60), 24, 'd', 'h');
}

/** `5 h ago`, `just now`, `in 3 d`. */
export function formatAge(then: Date, now: Date): string {
  const ms = now.getTime() - then.getTime();
  if (Math.abs(ms) < 1000) return 'just now';
  const length = oneUnit(Math.abs(ms));
  return ms > 0 ? `${length} ago` : `in ${length}`;
}

/** `2026-11-21T03:00:12Z`: UTC, and good for `SET@WHEN`. */
export function formatTime(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';
export type Paint = (style: Style, text: string) => string;

/** Colours for a stream: on a TTY only, never under NO_COLOR (no-color.org) or on a dumb terminal. */
export function painter(stream: OutputStream, env: NodeJS.ProcessEnv): Paint {
  const noColor = env['NO_COLOR'];
  const plain = stream.isTTY !== true || (noColor !== undefined && noColor !== '') || env['TERM'] === 'dumb';
  return (style, text) => (plain ? text : styleText(style, text, { validateStream: false }));
}

/** Text from outside made safe for a terminal: control characters become visible escapes; line ends stay. */
export function printable(text: string): string {
  return text.replace(CONTROLS, escaped);
}

/**
 * As `printable`, for text behind a beginning of ours: further lines are indented, so that no name of a table, and nothing
 * that a server says, can pass for a line of this program.
 */
export function continued(text: string): string {
  return printable(text).replace(/\n(?! {2})/g, '\n  ');
}

/** No more than somebody reads: an error of a server may quote a value of megabytes. What was shortened stays as it is. */
export function shortened(text: string): string {
  if (text.length <= SHOWN_MAX + 100) return text;
  return `${text.slice(0, SHOWN_MAX)}… (and ${formatCount(text.length - SHOWN_MAX)} more characters)`;
}

const SHOWN_MAX = 10_000;

/** As `change` makes it, but for the colours that `painter` gives. */
export function keepingColours(text: string, change: (part: string) => string): string {
  return text
    .split(COLOURS)
    .map((part, index) => (index % 2 === 1 ? part : change(part)))
    .join('');
}

/** The styles of `Style`, and what ends them. One more, such as "hidden", is not ours. */
// eslint-disable-next-line no-control-regex -- colours are control characters
const COLOURS = /(\u001b\[(?:1|2|22|31|32|33|36|39)m)/;

/** Control characters except LF, separators that act like one, and marks that turn the direction of text. */
const CONTROLS = /(?!\n)[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

function escaped(char: string): string {
  return char === '\t' ? ' ' : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function twoUnits(small: number, perLarge: number, large: string, unit: string): string {
  const rest = small % perLarge;
  const whole = `${Math.floor(small / perLarge)} ${large}`;
  return rest === 0 ? whole : `${whole} ${rest} ${unit}`;
}

/** Rounded down, since "1 d ago" must not be said after 20 hours. */
function oneUnit(ms: number): string {
  const units = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
  ] as const;
  for (const [length, unit] of units) if (ms >= length) return `${Math.floor(ms / length)} ${unit}`;
  return `${Math.floor(ms / 1000)} s`;
}
