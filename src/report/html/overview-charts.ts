/** The drawings that put sets, or erasures, side by side. */
import type { Evidence, PurgeEvidence } from '../evidence.ts';
import { html } from './escape.ts';
import type { Html } from './escape.ts';
import type { Pen } from './plot.ts';
import { dateShort } from './show.ts';

const ROW = 22;
const LABEL_MAX = 40;

/** Names beside rows: each row has its own, also where two are called the same, or begin alike. */
function rowNames(labels: readonly string[]) {
  const shown = labels.map((label) =>
    label.length > LABEL_MAX ? `${label.slice(0, LABEL_MAX - 1)}…` : label,
  );
  const domain = labels.map((_, at) => at);
  const y = {
    type: 'band',
    domain,
    label: null,
    tickSize: 0,
    tickFormat: (at: number) => shown[at],
  } as const;
  return { marginLeft: 16 + Math.max(...shown.map(({ length }) => length)) * 6.4, y };
}

/** The oldest byte of each set against the longest that one may lie there. */
export function retentionBars(pen: Pen, { sets }: Pick<Evidence, 'sets'>): Html {
  const rows = sets
    .flatMap(({ name, retention }) =>
      retention?.oldest ? [{ name, age: retention.oldest.ageDays, ...retention }] : [],
    )
    .map((one, row) => ({ ...one, row }));
  if (rows.length === 0) return html``;
  const { plot } = pen;
  const names = rowNames(rows.map(({ name }) => name));
  const over = rows.filter(({ overdue }) => overdue > 0).length;
  const drawing = pen.draw({
    id: 'retention',
    title: 'The oldest byte of each set against the longest that is allowed',
    text: `${rows.length - over} of ${rows.length} sets hold nothing that is past its life.`,
    options: {
      width: 960,
      height: 44 + rows.length * ROW,
      marginLeft: names.marginLeft,
      marginRight: 62,
      marginTop: 4,
      marginBottom: 22,
      x: { label: null, zero: true, ticks: 6, tickSize: 0 },
      y: { ...names.y, padding: 0.35 },
      color: { type: 'identity' },
      marks: [
        plot.barX(rows, { y: 'row', x: 'limitDays', fill: 'var(--limit)', rx: 3 }),
        plot.barX(rows, {
          ...{ y: 'row', x: 'age', rx: 3, insetTop: 3, insetBottom: 3 },
          fill: ({ overdue }: (typeof rows)[number]) => (overdue > 0 ? 'var(--broken)' : 'var(--bar)'),
        }),
        plot.text(rows, {
          ...{ y: 'row', x: 'limitDays', textAnchor: 'start', dx: 6, fill: 'var(--soft)' },
          text: ({ age, limitDays }: (typeof rows)[number]) => `${Math.floor(age)} of ${limitDays}`,
        }),
      ],
    },
  });
  return html`<figure>
    <figcaption>
      Days since the oldest byte was written (bar), and the longest that any may stay (band)
    </figcaption>
    ${drawing}
  </figure>`;
}

/** More of them would be a wall. */
const PURGES_MAX = 40;

/** Each erasure from its announcement to its end, with the day on which it was due. */
export function erasureLines(
  pen: Pen,
  purges: readonly (PurgeEvidence & { readonly set: string })[],
  now: Date,
): Html {
  const drawn = purges.filter(({ due }) => due !== null);
  const rows = drawn.slice(-PURGES_MAX).map((one, row) => ({
    row,
    label: `${one.ref ?? one.id}, ${one.set}`,
    since: new Date(one.since),
    until: one.doneAt === null ? now : new Date(one.doneAt),
    due: new Date(one.due ?? now),
    late: one.late,
    open: one.doneAt === null,
  }));
  if (rows.length === 0) return html``;
  const { plot } = pen;
  const late = rows.filter((row) => row.late).length;
  const names = rowNames(rows.map(({ label }) => label));
  const at = { y: 'row' } as const;
  const drawing = pen.draw({
    id: 'erasures-drawn',
    title: 'Erasures from announcement to end',
    text: `${rows.length - late} of ${rows.length} were done, or can still be done, in time.`,
    options: {
      width: 960,
      height: 44 + rows.length * ROW,
      marginLeft: names.marginLeft,
      marginRight: 20,
      marginTop: 4,
      marginBottom: 24,
      x: { type: 'utc', label: null, ticks: 6, tickSize: 0, nice: true, tickFormat: dateShort },
      y: names.y,
      color: { type: 'identity' },
      marks: [
        plot.ruleY(rows, {
          ...at,
          x1: 'since',
          x2: 'due',
          stroke: 'var(--limit)',
          strokeWidth: 8,
          strokeLinecap: 'round',
        }),
        plot.ruleY(rows, {
          ...{ ...at, x1: 'since', x2: 'until', strokeWidth: 3, strokeLinecap: 'round' },
          stroke: (row: (typeof rows)[number]) => (row.late ? 'var(--broken)' : 'var(--bar)'),
        }),
        plot.dot(rows, {
          ...{ ...at, x: 'until', r: 4, strokeWidth: 2 },
          fill: (row: (typeof rows)[number]) =>
            row.open ? 'var(--card)' : row.late ? 'var(--broken)' : 'var(--bar)',
          stroke: (row: (typeof rows)[number]) => (row.late ? 'var(--broken)' : 'var(--bar)'),
        }),
      ],
    },
  });
  return html`<figure>
    <figcaption>
      ${drawn.length > rows.length && `The newest ${rows.length} of ${drawn.length}. `}From announcement to
      end; the band reaches to the day on which it was due
    </figcaption>
    ${drawing}
  </figure>`;
}
