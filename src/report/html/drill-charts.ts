/** The drawings of the drills of a set: how long a restore took, and what would have been lost. */
import type { DrillEvidence } from '../evidence.ts';
import { FRAME, X_AXIS, Y_AXIS, dayText } from './axes.ts';
import { html } from './escape.ts';
import type { Html } from './escape.ts';
import type { Pen } from './plot.ts';
import { lengthText, lengthUnit } from './show.ts';

/** How long a restore took in each drill, and what would have been lost. */
export function drillTrend(pen: Pen, name: string, drills: readonly DrillEvidence[]): Html {
  const shown = drills.map((one) => ({ ...one, at: new Date(one.time) }));
  const good = shown.filter(({ outcome, rtoMs }) => outcome === 'verified' && rtoMs !== null);
  const bad = shown.filter(({ outcome }) => outcome !== 'verified');
  const [last] = good.slice(-1);
  if (good.length < 2 || !last) return html``;
  const trend = (id: string, title: string, of: (one: (typeof shown)[number]) => number, words: string) => {
    const unit = lengthUnit(Math.max(...good.map(of)));
    const y = (one: (typeof shown)[number]) => of(one) / unit.ms;
    return pen.draw({
      id,
      title,
      text: words,
      options: {
        ...{ ...FRAME, width: 420, height: 96 },
        x: { ...X_AXIS, inset: 6 },
        y: { ...Y_AXIS, ticks: 2, tickFormat: (value: number) => `${value} ${unit.name}` },
        marks: [
          pen.plot.lineY(good, { x: 'at', y, stroke: 'var(--bar)', strokeWidth: 1.5 }),
          pen.plot.dot(good, {
            ...{ x: 'at', y, r: 3, fill: 'var(--bar)' },
            title: (one: (typeof shown)[number]) => `${dayText(one)}: ${lengthText(of(one))}`,
          }),
          pen.plot.dot(bad, {
            x: 'at',
            y: 0,
            r: 4,
            symbol: 'times',
            stroke: 'var(--broken)',
            strokeWidth: 2,
          }),
        ],
      },
    });
  };
  const rto = trend(
    `rto-${name}`,
    `Time to restore ${name}, by drill`,
    ({ rtoMs }) => rtoMs ?? 0,
    `${good.length} drills verified, ${bad.length} not; the last one took ${lengthText(last.rtoMs ?? 0)}.`,
  );
  const rpo = trend(
    `rpo-${name}`,
    `What would have been lost of ${name}, by drill`,
    ({ rpoMs }) => rpoMs,
    `At the last drill the newest snapshot was ${lengthText(last.rpoMs)} old.`,
  );
  return html`<div class="charts even">
    <figure>
      <figcaption>Time to restore (RTO)</figcaption>
      ${rto}
    </figure>
    <figure>
      <figcaption>Age of the newest snapshot (RPO)</figcaption>
      ${rpo}
    </figure>
  </div>`;
}
