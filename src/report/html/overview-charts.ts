/** The drawings that put sets, or erasures, side by side. */
import type { Evidence, PurgeEvidence } from '../evidence.ts';
import { html } from './escape.ts';
import type { Html } from './escape.ts';
import type { Pen } from './plot.ts';
import { dateShort } from './show.ts';

const ROW = 22;

/** The oldest byte of each set against the longest that one may lie there. */
export function retentionBars(pen: Pen, { sets }: Pick<Evidence, 'sets'>): Html {
  const rows = sets.flatMap(({ name, retention }) =>
    retention?.oldest ? [{ name, age: retention.oldest.ageDays, ...retention }] : [],
  );
  if (rows.length === 0) return html``;
  const { plot } = pen;
  const longest = Math.max(...rows.map(({ name }) => name.length));
  const over = rows.filter(({ overdue }) => overdue > 0).length;
  const drawing = pen.draw({
    id: 'retention',
    title: 'The oldest byte of each set against the longest that is allowed',
    text: `${rows.length - over} of ${rows.length} sets hold nothing that is past its life.`,
    options: {
      width: 960,
      height: 44 + rows.length * ROW,
      marginLeft: 16 + Math.min(40, longest) * 6.4,
      marginRight: 62,
      marginTop: 4,
      marginBottom: 22,
      x: { label: null, zero: true, ticks: 6, tickSize: 0 },
      y: { type: 'band', domain: rows.map(({ name }) => name), label: null, tickSize: 0, padding: 0.35 },
      color: { type: 'identity' },
      marks: [
        plot.barX(rows, { y: 'name', x: 'limitDays', fill: 'var(--limit)', rx: 3 }),
        plot.barX(rows, {
          ...{ y: 'name', x: 'age', rx: 3, insetTop: 3, insetBottom: 3 },
          fill: ({ overdue }: (typeof rows)[number]) => (overdue > 0 ? 'var(--broken)' : 'var(--bar)'),
        }),
        plot.text(rows, {
          ...{ y: 'name', x: 'limitDays', textAnchor: 'start', dx: 6, fill: 'var(--soft)' },
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
  const rows = purges
    .filter(({ due }) => due !== null)
    .slice(-PURGES_MAX)
    .map((one) => ({
      label: `${one.set} ${one.ref ?? one.id}`.slice(0, 40),
      since: new Date(one.since),
      until: one.doneAt === null ? now : new Date(one.doneAt),
      due: new Date(one.due ?? now),
      late: one.late,
      open: one.doneAt === null,
    }));
  if (rows.length === 0) return html``;
  const { plot } = pen;
  const late = rows.filter((row) => row.late).length;
  const longest = Math.max(...rows.map(({ label }) => label.length));
  const at = { y: 'label' } as const;
  const drawing = pen.draw({
    id: 'erasures-drawn',
    title: 'Erasures from announcement to end',
    text: `${rows.length - late} of ${rows.length} were done, or can still be done, in time.`,
    options: {
      width: 960,
      height: 44 + rows.length * ROW,
      marginLeft: 16 + longest * 6.4,
      marginRight: 20,
      marginTop: 4,
      marginBottom: 24,
      x: { type: 'utc', label: null, ticks: 6, tickSize: 0, nice: true, tickFormat: dateShort },
      y: { type: 'band', domain: rows.map(({ label }) => label), label: null, tickSize: 0 },
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
    <figcaption>From announcement to end; the band reaches to the day on which it was due</figcaption>
    ${drawing}
  </figure>`;
}
