/** The section of the sets: all of them in one table, and then each with its days, sizes and drills. */
import type { Evidence, SetEvidence } from '../evidence.ts';
import { plural } from '../verdict.ts';
import { calendar, sizes } from './charts.ts';
import { drillTrend } from './drill-charts.ts';
import { html } from './escape.ts';
import type { Html } from './escape.ts';
import { mark, wide } from './marks.ts';
import { retentionBars } from './overview-charts.ts';
import type { Pen } from './plot.ts';
import { bytes, bytesText, count, day, lengthText, time } from './show.ts';

export function setsSection(pen: Pen, evidence: Evidence): Html {
  const { sets, period } = evidence;
  const from = new Date(`${period.from}T00:00:00Z`);
  const to = new Date(evidence.generated);
  return html`<section aria-labelledby="sets">
    <h2 id="sets">Sets</h2>
    ${wide('All sets', overview(sets))} ${retentionBars(pen, evidence)}
    ${sets.map((set, at) => article(pen, set, at, from, to))}
  </section>`;
}

function overview(sets: readonly SetEvidence[]): Html {
  const row = (set: SetEvidence, at: number) =>
    html`<tr>
      <th scope="row"><a href="#set-${set.name}">${set.name}</a></th>
      <td>${set.source}</td>
      <td class="number">${count(set.snapshots.length, `sets.${at}.snapshots.length`)}</td>
      <td>${set.newest === null ? '–' : time(set.newest)}</td>
      <td class="number">
        ${set.retention === null ? '–' : bytes(set.retention.bytes, `sets.${at}.retention.bytes`)}
      </td>
      <td>
        ${set.retention === null ? '–' : set.retention.keep.map(({ name, days }) => (set.retention?.keep.length === 1 ? `${days} d` : `${name} ${days} d`)).join(', ')}
      </td>
      <td>${lastDrill(set)}</td>
      <td>${mark(set.verdict)}</td>
    </tr>`;
  return html`<table>
    <thead>
      <tr>
        <th scope="col">Set</th>
        <th scope="col">Source</th>
        <th scope="col" class="number">Snapshots</th>
        <th scope="col">Newest (UTC)</th>
        <th scope="col" class="number">Stored</th>
        <th scope="col">Kept</th>
        <th scope="col">Last drill</th>
        <th scope="col">Promises</th>
      </tr>
    </thead>
    <tbody>
      ${sets.map(row)}
    </tbody>
  </table>`;
}

function lastDrill({ drills, ledgerHolds }: SetEvidence): Html {
  if (!ledgerHolds) return html`not known`;
  const last = drills.at(-1);
  if (!last) return html`none`;
  return html`${day(last.time)}
  ${last.outcome === 'verified' ? 'verified' : last.outcome === 'failed' ? 'failed' : 'not run'}`;
}

function article(pen: Pen, set: SetEvidence, at: number, from: Date, to: Date): Html {
  const { name, snapshots, drills, copies, verdict } = set;
  return html`<article class="set" id="set-${name}" aria-labelledby="name-${name}">
    <header>
      <h3 id="name-${name}">${name}</h3>
      ${mark(verdict)}
    </header>
    <p>${summary(set)}</p>
    ${
      snapshots.length > 0 &&
      html`<div class="charts">${calendar(pen, set)}${sizes(pen, set, from, to)}</div>
        ${drillTrend(pen, name, drills)}
        <details>
          <summary>
            ${snapshots.length === 1 ? 'The snapshot' : html`All ${count(snapshots.length)} snapshots`} of
            ${name}, as a table
          </summary>
          ${wide(`Snapshots of ${name}`, snapshotTable(set, at))}
        </details>`
    }
    ${copies.length > 0 && html`<p class="small soft">${copies.map(copyText)}</p>`}
  </article>`;
}

function summary({ source, snapshots, newest, ageMs, retention, fullEveryDays }: SetEvidence): string {
  if (newest === null || ageMs === null) return `${source}; there is no snapshot`;
  const last = snapshots.at(-1);
  const parts = [
    source,
    `${plural(snapshots.length, 'snapshot')} since ${snapshots[0]?.time.slice(0, 10) ?? ''}`,
    `the newest is ${lengthText(Math.max(0, ageMs))} old, of ${bytesText(last?.plainBytes ?? 0)}`,
    `a full one every ${plural(fullEveryDays, 'day')}`,
  ];
  if (retention) parts.push(`${bytesText(retention.bytes)} stored in ${plural(retention.objects, 'object')}`);
  return parts.join(' · ');
}

function snapshotTable({ snapshots, days }: SetEvidence, at: number): Html {
  const missed = days.filter(({ state }) => state === 'missed').map((one) => one.day);
  // Thousands of rows: their cells are aligned by their place, and have no more markup than they need.
  const row = (one: SetEvidence['snapshots'][number]) =>
    html`<tr>
      <th scope="row">${time(one.time)}</th>
      <td>${bytesText(one.plainBytes)}</td>
      <td>${bytesText(one.newBytes)}</td>
      <td>${lengthText(one.durationMs)}</td>
      <td>${one.full ? 'full' : 'new parts'}</td>
      <td>${day(one.goneBy ?? one.end)}</td>
      <td>${one.whole ? 'whole' : 'NOT WHOLE'}</td>
    </tr>`;
  const columns = ['Size', 'New bytes', 'Took', 'Kind', 'Gone by', 'Parts'].map(
    (title) => html`<th scope="col">${title}</th>`,
  );
  return html`<table class="snapshots" data-rows="sets.${at}.snapshots">
    <caption>
      ${missed.length > 0 ? `Days that were missed: ${missed.join(', ')}.` : 'No day was missed.'} Times are
      UTC.
    </caption>
    <thead>
      <tr>
        <th scope="col">Taken${columns}</th>
      </tr>
    </thead>
    <tbody>
      ${snapshots.map(row)}
    </tbody>
  </table>`;
}

function copyText({ name, newest, behind, unknown }: SetEvidence['copies'][number]): Html {
  if (unknown !== null) return html`Copy ${name}: ${unknown}. `;
  return html`Copy ${name}: ${behind === 0 ? 'level' : `${behind} behind`}, newest ${day(newest)}. `;
}
