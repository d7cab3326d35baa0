/** The drawings of one set: its days and its sizes. Each says in words what it shows. */
import { DAY_MS } from '../../repository/rules.ts';
import type { DayEvidence, SetEvidence } from '../evidence.ts';
import { FRAME, X_AXIS, Y_AXIS, dayText } from './axes.ts';
import { html } from './escape.ts';
import type { Html } from './escape.ts';
import type { Pen } from './plot.ts';
import { bytesShort, bytesText, monthShort } from './show.ts';

const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;

/** A Monday: weeks begin there (ISO 8601). */
const A_MONDAY_MS = 4 * DAY_MS;

interface Cell extends DayEvidence {
  readonly week: number;
  readonly weekday: number;
}

/** Each day of the period as a square, weeks from left to right; the darker, the more new data. */
export function calendar(pen: Pen, { name, days }: SetEvidence): Html {
  const { plot } = pen;
  const cells = days.map(cellOf);
  const first = cells[0]?.week ?? 0;
  const weeks = Array.from({ length: (cells.at(-1)?.week ?? first) - first + 1 }, (_, at) => first + at);
  const scale = scaleOf(days);
  const missed = cells.filter(({ state }) => state === 'missed');
  const ended = cells.filter(({ state }) => state === 'ended');
  const at = { x: 'week', y: 'weekday' } as const;
  const drawing = pen.draw({
    id: `days-${name}`,
    title: `Snapshots of ${name}, day by day`,
    text: calendarText(days),
    options: {
      width: 46 + weeks.length * 22,
      height: 176,
      marginTop: 20,
      marginLeft: 38,
      marginRight: 2,
      marginBottom: 2,
      x: { type: 'band', domain: weeks, axis: null, padding: 0.16 },
      y: { type: 'band', domain: WEEKDAYS.map((_, index) => index), axis: null, padding: 0.16 },
      color: { type: 'identity' },
      marks: [
        plot.cell(cells, { ...at, fill: (cell: Cell) => shade(cell, scale), rx: 2.5, title: cellTitle }),
        plot.cell(ended, { ...at, inset: 1, fill: 'none', stroke: 'var(--day-3)', rx: 2 }),
        plot.text(missed, {
          ...at,
          text: () => '×',
          fill: 'var(--broken)',
          fontSize: 14,
          fontWeight: 'bold',
        }),
        plot.text(monthsOf(cells), {
          x: 'week',
          text: 'label',
          frameAnchor: 'top',
          dy: -14,
          fill: 'var(--soft)',
        }),
        plot.text([0, 2, 4], {
          ...{ y: (weekday: number) => weekday, text: (weekday: number) => WEEKDAYS[weekday] ?? '' },
          ...{ frameAnchor: 'left', textAnchor: 'end', dx: -8, fill: 'var(--soft)' },
        }),
      ],
    },
  });
  return html`<figure>
    <figcaption>Snapshots by day</figcaption>
    ${drawing}${calendarKey(missed.length > 0, ended.length > 0)}
  </figure>`;
}

function cellOf(one: DayEvidence): Cell {
  const day = (new Date(`${one.day}T00:00:00Z`).getTime() - A_MONDAY_MS) / DAY_MS;
  return { ...one, week: Math.floor(day / 7), weekday: ((day % 7) + 7) % 7 };
}

interface Scale {
  readonly least: number;
  readonly most: number;
}

function scaleOf(days: readonly DayEvidence[]): Scale {
  const taken = days.filter(({ state }) => state === 'taken').map(({ newBytes }) => Math.max(1, newBytes));
  return { least: Math.min(...taken), most: Math.max(...taken) };
}

/** By orders of magnitude: a full snapshot is many times a day's changes, and those are to be told apart as well. */
function shade({ state, newBytes }: Cell, { least, most }: Scale): string {
  if (state !== 'taken') return 'var(--day-0)';
  const share = most === least ? 0.3 : Math.log(Math.max(1, newBytes) / least) / Math.log(most / least);
  return `var(--day-${Math.min(4, 1 + Math.floor(share * 4))})`;
}

function cellTitle({ day, state, snapshots, newBytes }: Cell): string {
  if (state === 'taken') return `${day}: ${snapshots}, ${bytesText(newBytes)} new`;
  return `${day}: ${STATE_TEXT[state]}`;
}

const STATE_TEXT = {
  ended: 'taken, has ended since',
  missed: 'missed',
  none: 'none',
} as const;

/** Where a month begins, and at the left edge unless the next one is too close. */
function monthsOf(cells: readonly Cell[]): { readonly week: number; readonly label: string }[] {
  const labels = cells
    .filter(({ day }, at) => at === 0 || day.endsWith('-01'))
    .map(({ week, day }) => ({ week, label: monthShort(Number(day.slice(5, 7))) }));
  return labels.filter(({ week }, at) => (labels[at + 1]?.week ?? Infinity) - week > 1);
}

function calendarText(days: readonly DayEvidence[]): string {
  const count = (state: DayEvidence['state']) => days.filter((day) => day.state === state).length;
  const parts = [`Of ${days.length} days, ${count('taken')} have a snapshot`];
  if (count('ended') > 0) parts.push(`${count('ended')} had one that has ended since`);
  parts.push(count('missed') === 0 ? 'none was missed' : `${count('missed')} were missed`);
  return `${parts.join(', ')}.`;
}

function calendarKey(withMissed: boolean, withEnded: boolean): Html {
  const square = (fill: string, label: string, stroke = 'none') =>
    html`<li>
      <svg viewBox="0 0 10 10" aria-hidden="true">
        <rect x="0.7" y="0.7" width="8.6" height="8.6" rx="2" fill="${fill}" stroke="${stroke}" /></svg
      >${label}
    </li>`;
  return html`<ul class="key">
    ${square('var(--day-1)', 'little new data')}${square('var(--day-4)', 'most')}${
      withEnded && square('var(--day-0)', 'has ended', 'var(--day-3)')
    }${square('var(--day-0)', 'none')}${withMissed && html`<li><span aria-hidden="true">× </span>missed</li>`}
  </ul>`;
}

interface Size {
  readonly at: Date;
  readonly plain: number;
  readonly added: number;
}

/** What both drawings of sizes share: where they stand, and the days below them. */
type SizeFrame = typeof FRAME & { readonly x: object };

/** How large the dump was, and what each run added. */
export function sizes(pen: Pen, { name, snapshots }: SetEvidence, from: Date, to: Date): Html {
  const shown = snapshots
    .map((one): Size => ({ at: new Date(one.time), plain: one.plainBytes, added: one.newBytes }))
    .filter(({ at }) => at >= from);
  if (shown.length === 0) return html``;
  const frame = { ...FRAME, x: { ...X_AXIS, domain: [from, to] } } as const;
  return html`<div>
    <figure>
      <figcaption>Size of the dump</figcaption>
      ${dumpSizes(pen, name, shown, frame)}
    </figure>
    <figure>
      <figcaption>New bytes by snapshot</figcaption>
      ${newBytes(pen, name, shown, frame)}
    </figure>
  </div>`;
}

function dumpSizes(pen: Pen, name: string, shown: readonly Size[], frame: SizeFrame): Html {
  const { plot } = pen;
  const line = { x: 'at', y: 'plain', curve: 'step-after' } as const;
  const [first, last] = [shown[0], shown.at(-1)].map((one) => bytesText(one?.plain ?? 0));
  return pen.draw({
    id: `plain-${name}`,
    title: `Size of ${name}`,
    text: `From ${first} to ${last}, ${shown.length} snapshots.`,
    options: {
      ...frame,
      height: 78,
      marginBottom: 4,
      x: { ...frame.x, axis: null },
      y: { ...Y_AXIS, ticks: 2, tickFormat: bytesShort },
      marks: [
        plot.areaY(shown, { ...line, fill: 'var(--area)', fillOpacity: 0.35 }),
        plot.lineY(shown, { ...line, stroke: 'var(--bar)', strokeWidth: 1.5 }),
      ],
    },
  });
}

function newBytes(pen: Pen, name: string, shown: readonly Size[], frame: SizeFrame): Html {
  const { plot } = pen;
  const added = shown.map((one) => one.added);
  const sum = added.reduce((total, bytes) => total + bytes, 0);
  return pen.draw({
    id: `new-${name}`,
    title: `New bytes of each snapshot of ${name}`,
    text: `${bytesText(sum)} in all; at most ${bytesText(Math.max(...added))} by one run.`,
    options: {
      ...frame,
      height: 92,
      marginTop: 6,
      y: { ...Y_AXIS, ticks: 2, tickFormat: bytesShort },
      marks: [
        plot.ruleX(shown, {
          ...{ x: 'at', y1: 0, y2: 'added', stroke: 'var(--bar)', strokeWidth: 2.5 },
          title: (one: Size) => `${dayText(one)}: ${bytesText(one.added)}`,
        }),
        plot.ruleY([0], { stroke: 'var(--line)' }),
      ],
    },
  });
}
