/** The sections that list: drills, erasures, exports, keys, places. */
import type { Evidence } from '../evidence.ts';
import { html } from './escape.ts';
import type { Html } from './escape.ts';
import { checkMark, mark, table } from './marks.ts';
import { erasureLines } from './overview-charts.ts';
import type { Pen } from './plot.ts';
import { bytes, capital, count, day, lengthText, time, withCode } from './show.ts';

export function erasuresSection(pen: Pen, { sets, generated }: Evidence): Html {
  const all = sets
    .flatMap(({ name, purges }) => purges.map((one) => ({ ...one, set: name })))
    .sort((a, b) => (a.since < b.since ? -1 : 1));
  const head = html`<h2 id="erasures">Erasures</h2>
    ${untold(sets, 'erasures')}`;
  if (all.length === 0)
    return html`<section aria-labelledby="erasures">
      ${head} ${sets.every(({ ledgerHolds }) => ledgerHolds) && html`<p>No erasure has been asked for.</p>`}
    </section>`;
  const row = (one: (typeof all)[number]) =>
    html`<tr>
      <th scope="row">${one.ref ?? one.id}</th>
      <td>${one.set}</td>
      <td>${one.whole ? 'all of the set' : one.subject}</td>
      <td>${day(one.since)}</td>
      <td>${day(one.due)}</td>
      <td>${day(one.doneAt)}</td>
      <td>
        ${mark(one.late ? 'broken' : one.state === 'done' ? 'met' : 'partly', one.late ? `${one.state}, late` : one.state)}
      </td>
      <td class="number">${count(one.rewritten)} / ${count(one.clean)} / ${count(one.removed)}</td>
      <td>${one.pending.length === 0 ? 'all' : `not yet: ${one.pending.join(', ')}`}</td>
      <td>${one.receipt === null ? '–' : html`<code>${one.receipt.slice(0, 12)}…</code>`}</td>
    </tr>`;
  return html`<section aria-labelledby="erasures">
    ${head}
    <p>
      Whom they were about is in no record: subjects have made-up names. Each receipt can be checked with
      <code>holdfast purge verify</code>.
    </p>
    ${erasureLines(pen, all, new Date(generated))}
    ${table('Table of erasures', ['Request', 'Set', 'Subject', 'Announced', 'Due', 'Done', 'State', { figures: 'Rewritten / clean / removed' }, 'Hosts that know', 'SHA-256 of the receipt'], all.map(row))}
  </section>`;
}

export function drillsSection({ sets }: Evidence): Html {
  const all = sets
    .flatMap(({ name, drills }) => drills.map((one) => ({ ...one, set: name })))
    .sort((a, b) => (a.time > b.time ? -1 : 1));
  const head = html`<h2 id="drills">Drills</h2>
    ${untold(sets, 'drills')}`;
  if (all.length === 0)
    return html`<section aria-labelledby="drills">
      ${head}
      ${sets.every(({ ledgerHolds }) => ledgerHolds) && html`<p>No restore has been tried and recorded.</p>`}
    </section>`;
  const outcome = {
    verified: ['met', 'verified'],
    failed: ['broken', 'failed'],
    'not-run': ['not measured', 'not run'],
  } as const;
  const row = (one: (typeof all)[number]) =>
    html`<tr>
      <th scope="row">${time(one.time)}</th>
      <td>${one.set}</td>
      <td><code>${one.snapshot}</code></td>
      <td>
        ${mark(outcome[one.outcome][0], outcome[one.outcome][1])}${one.reasons.length > 0 && html`<br /><code>${one.reasons.join(', ')}</code>`}
      </td>
      <td class="number">
        ${one.rtoMs === null ? '–' : html`<data value="${one.rtoMs}">${lengthText(one.rtoMs)}</data>`}
      </td>
      <td class="number"><data value="${one.rpoMs}">${lengthText(one.rpoMs)}</data></td>
      <td class="number">${one.rows === null ? '–' : count(one.rows)}</td>
      <td>${one.server ?? '–'}</td>
      <td><code>${one.signer.slice(-16)}</code></td>
    </tr>`;
  return html`<section aria-labelledby="drills">
    ${head}
    <p>
      Each line is a restore that was tried for real, into a server or a file that was thrown away; signed by
      who ran it. What could not be run says nothing of the backup.
    </p>
    ${table('Table of drills', ['Time (UTC)', 'Set', 'Snapshot', 'Outcome', { figures: 'RTO' }, { figures: 'RPO' }, { figures: 'Rows' }, 'Restored into', 'Signed by'], all.map(row))}
  </section>`;
}

/** An empty list is no evidence where nobody could read it. */
function untold(sets: Evidence['sets'], what: string): Html {
  const names = sets.filter(({ ledgerHolds }) => !ledgerHolds).map(({ name }) => name);
  if (names.length === 0) return html``;
  return html`<p>
    ${mark('not measured', 'not known')} The ledger of ${names.join(', ')} does not hold: whatever it says of
    ${what} is not believed, and not shown.
  </p>`;
}

export function exportsSection({ exports, summary }: Evidence): Html {
  const head = html`<h2 id="exports">Exports</h2>`;
  if (summary.exports === null)
    return html`<section aria-labelledby="exports">
      ${head}
      <p>
        ${mark('not measured', 'not known')} The ledger of exports does not hold: whatever it says is not
        believed, and not shown.
      </p>
    </section>`;
  if (exports.length === 0)
    return html`<section aria-labelledby="exports">
      ${head}
      <p>Nothing was sealed beside backups.</p>
    </section>`;
  const row = (one: Evidence['exports'][number]) =>
    html`<tr>
      <th scope="row">${time(one.time)}</th>
      <td>${one.ref ?? '–'}</td>
      <td>${one.to === null ? mark('not measured', 'not finished') : one.to}</td>
      <td class="number">${one.bytes === null ? '–' : bytes(one.bytes)}</td>
      <td>${one.end === null ? '–' : day(one.end)}</td>
      <td class="number">${count(one.recipients.length)}</td>
      <td>${one.sha256 === null ? '–' : html`<code>${one.sha256.slice(0, 12)}…</code>`}</td>
      <td><code>${one.signer.slice(-16)}</code></td>
    </tr>`;
  return html`<section aria-labelledby="exports">
    ${head}
    <p>
      What left the server by <code>holdfast seal</code>: encrypted to recipients, and in the ledger. What it
      was, only they know.
    </p>
    ${table('Table of exports', ['Time (UTC)', 'Reference', 'To', { figures: 'Size' }, 'Until', { figures: 'Recipients' }, 'SHA-256', 'Signed by'], exports.map(row))}
  </section>`;
}

export function keysSection({ keys }: Evidence): Html {
  const row = (key: Evidence['keys'][number]) =>
    html`<tr>
      <td>${key.role}</td>
      <th scope="row">${key.userId}</th>
      <td><code>${key.fingerprint}</code></td>
      <td>${key.algorithm}</td>
      <td>${key.expires === null ? 'never' : day(key.expires)}</td>
      <td>${key.verdict === 'broken' ? mark('broken', key.found) : key.found}</td>
    </tr>`;
  return html`<section aria-labelledby="keys">
    <h2 id="keys">Keys</h2>
    <p>
      Recipients can restore. The signing key and trusted keys say which snapshots are believed. No private
      key was needed for this page.
    </p>
    ${table('Table of keys', ['Role', 'User', 'Fingerprint', 'Algorithm', 'Expires', 'Found'], keys.map(row))}
  </section>`;
}

export function placesSection({ places, others }: Evidence): Html {
  const place = ({ name, url, location, checks }: Evidence['places'][number]) =>
    html`<h3>${capital(name)}</h3>
      <p><code>${url}</code>${location !== null && html`, in <strong>${location}</strong>`}</p>
      ${table(
        `What was found at ${name}`,
        ['Verdict', 'What', 'Found'],
        checks.map(
          ({ what, verdict, found, hint }) =>
            html`<tr>
              <td>${checkMark(verdict)}</td>
              <th scope="row">${what}</th>
              <td>
                ${found}${hint !== null && html`<br /><span class="soft small">${withCode(hint)}</span>`}
              </td>
            </tr>`,
        ),
      )}`;
  const strange = others.map(
    ({ set, objects, bytes: size }) =>
      html`<li><strong>${set}</strong>: ${count(objects)} objects, ${bytes(size)}</li>`,
  );
  return html`<section aria-labelledby="places">
    <h2 id="places">Places</h2>
    ${places.map(place)}
    ${
      strange.length > 0 &&
      html`<h3>Not in this configuration</h3>
        <p>Also found in the store, of sets that this configuration does not name:</p>
        <ul>
          ${strange}
        </ul>`
    }
  </section>`;
}
