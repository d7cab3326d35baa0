/** The sections of the page, but for sets: promises, requirements, erasures, drills, keys, places, limits. */
import type { ControlEvidence, Evidence, PromiseEvidence, PromiseId } from '../evidence.ts';
import { erasureLines } from './overview-charts.ts';
import { html } from './escape.ts';
import type { Html } from './escape.ts';
import { checkMark, findingsList, mark, wide } from './marks.ts';
import type { Pen } from './plot.ts';
import { bytes, count, day, lengthText, time } from './show.ts';

export function promisesSection({ promises, notPromised }: Evidence): Html {
  const row = ({ id, promise, verdict, evidence, findings }: PromiseEvidence) =>
    html`<tr id="promise-${id}" class="promise">
      <td>${mark(verdict)}</td>
      <th scope="row">${capital(promise)}</th>
      <td>
        <p>${capital(evidence)}.</p>
        ${findingsList(findings)}
      </td>
    </tr>`;
  const missing = notPromised.map((id) => PROMISE_NAMES[id]).join(', ');
  return html`<section aria-labelledby="promises">
    <h2 id="promises">Promises</h2>
    ${wide(
      'Promises and their evidence',
      html`<table>
        <thead>
          <tr>
            <th scope="col">Verdict</th>
            <th scope="col">What was promised</th>
            <th scope="col">What shows it</th>
          </tr>
        </thead>
        <tbody>
          ${promises.map(row)}
        </tbody>
      </table>`,
    )}
    ${missing !== '' && html`<p class="soft small">This configuration makes no promise about: ${missing}.</p>`}
  </section>`;
}

const PROMISE_NAMES: Readonly<Record<PromiseId, string>> = {
  backup_every: 'backups on time',
  keep: 'restorable until the end',
  ends: 'gone in time',
  intact: 'unchanged',
  encrypted: 'encrypted to named keys',
  residency: 'where data lies',
  copies: 'a second place',
  erasure_within: 'erasure in time',
  two_person: 'two persons for an erasure',
  drill_every: 'proven restores',
};

export function controlsSection({ controls }: Evidence): Html {
  const row = ({ framework, clause, title, promises, notPromised, verdict }: ControlEvidence) =>
    html`<tr>
      <th scope="row">${framework}<br /><span class="soft">${clause}</span></th>
      <td>${capital(title)}</td>
      <td>
        ${promises.map((id, at) => {
          const name = notPromised.includes(id)
            ? html`<span class="soft">${PROMISE_NAMES[id]} (not promised)</span>`
            : html`<a href="#promise-${id}">${PROMISE_NAMES[id]}</a>`;
          return html`${at > 0 && '; '}${name}`;
        })}
      </td>
      <td>${mark(verdict)}</td>
    </tr>`;
  return html`<section aria-labelledby="requirements">
    <h2 id="requirements">Requirements</h2>
    <p>
      Which promise speaks of which requirement. A requirement is met in part while one of its promises is not
      made or not measured.
    </p>
    ${wide(
      'Requirements and promises',
      html`<table>
        <thead>
          <tr>
            <th scope="col">Requirement</th>
            <th scope="col">What it asks, in short</th>
            <th scope="col">Promises</th>
            <th scope="col">Verdict</th>
          </tr>
        </thead>
        <tbody>
          ${controls.map(row)}
        </tbody>
      </table>`,
    )}
  </section>`;
}

export function erasuresSection(pen: Pen, { sets, generated }: Evidence): Html {
  const all = sets
    .flatMap(({ name, purges }) => purges.map((one) => ({ ...one, set: name })))
    .sort((a, b) => (a.since < b.since ? -1 : 1));
  const head = html`<h2 id="erasures">Erasures</h2>`;
  if (all.length === 0)
    return html`<section aria-labelledby="erasures">
      ${head}
      <p>No erasure has been asked for.</p>
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
    ${wide(
      'Table of erasures',
      html`<table>
        <thead>
          <tr>
            <th scope="col">Request</th>
            <th scope="col">Set</th>
            <th scope="col">Subject</th>
            <th scope="col">Announced</th>
            <th scope="col">Due</th>
            <th scope="col">Done</th>
            <th scope="col">State</th>
            <th scope="col" class="number">Rewritten / clean / removed</th>
            <th scope="col">Hosts that know</th>
            <th scope="col">SHA-256 of the receipt</th>
          </tr>
        </thead>
        <tbody>
          ${all.map(row)}
        </tbody>
      </table>`,
    )}
  </section>`;
}

export function drillsSection({ sets }: Evidence): Html {
  const all = sets
    .flatMap(({ name, drills }) => drills.map((one) => ({ ...one, set: name })))
    .sort((a, b) => (a.time > b.time ? -1 : 1));
  const head = html`<h2 id="drills">Drills</h2>`;
  if (all.length === 0)
    return html`<section aria-labelledby="drills">
      ${head}
      <p>No restore has been tried and recorded.</p>
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
      Each line is a restore that was really done, into a server or a file that was thrown away; signed by who
      ran it.
    </p>
    ${wide(
      'Table of drills',
      html`<table>
        <thead>
          <tr>
            <th scope="col">Time (UTC)</th>
            <th scope="col">Set</th>
            <th scope="col">Snapshot</th>
            <th scope="col">Outcome</th>
            <th scope="col" class="number">RTO</th>
            <th scope="col" class="number">RPO</th>
            <th scope="col" class="number">Rows</th>
            <th scope="col">Restored into</th>
            <th scope="col">Signed by</th>
          </tr>
        </thead>
        <tbody>
          ${all.map(row)}
        </tbody>
      </table>`,
    )}
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
    ${wide(
      'Table of keys',
      html`<table>
        <thead>
          <tr>
            <th scope="col">Role</th>
            <th scope="col">User</th>
            <th scope="col">Fingerprint</th>
            <th scope="col">Algorithm</th>
            <th scope="col">Expires</th>
            <th scope="col">Found</th>
          </tr>
        </thead>
        <tbody>
          ${keys.map(row)}
        </tbody>
      </table>`,
    )}
  </section>`;
}

export function placesSection({ places, others }: Evidence): Html {
  const table = ({ name, url, location, checks }: Evidence['places'][number]) =>
    html`<h3>${capital(name)}</h3>
      <p><code>${url}</code>${location !== null && html`, in <strong>${location}</strong>`}</p>
      ${wide(
        `What was found at ${name}`,
        html`<table>
          <thead>
            <tr>
              <th scope="col">Verdict</th>
              <th scope="col">What</th>
              <th scope="col">Found</th>
            </tr>
          </thead>
          <tbody>
            ${checks.map(
              ({ what, verdict, found, hint }) =>
                html`<tr>
                  <td>${checkMark(verdict)}</td>
                  <th scope="row">${what}</th>
                  <td>${found}${hint !== null && html`<br /><span class="soft small">${hint}</span>`}</td>
                </tr>`,
            )}
          </tbody>
        </table>`,
      )}`;
  const strange = others.map(
    ({ set, objects, bytes: size }) =>
      html`<li><strong>${set}</strong>: ${count(objects)} objects, ${bytes(size)}</li>`,
  );
  return html`<section aria-labelledby="places">
    <h2 id="places">Places</h2>
    ${places.map(table)}
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

export function limitsSection({ limits }: Evidence): Html {
  return html`<section aria-labelledby="limits">
    <h2 id="limits">What this page does not show</h2>
    <ul>
      ${limits.map((text) => html`<li>${withCode(text)}</li>`)}
    </ul>
  </section>`;
}

/** Commands stand between back quotes. */
function withCode(text: string): Html {
  return html`${text.split('`').map((part, at) => (at % 2 === 1 ? html`<code>${part}</code>` : html`${part}`))}`;
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
