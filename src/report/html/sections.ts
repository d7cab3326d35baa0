/** The sections that judge: promises, requirements, and what the page does not show. */
import type { ControlEvidence, Evidence, PromiseEvidence, PromiseId } from '../evidence.ts';
import { html } from './escape.ts';
import type { Html } from './escape.ts';
import { findingsList, mark, table } from './marks.ts';
import { capital, withCode } from './show.ts';

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
    ${table('Promises and their evidence', ['Verdict', 'What was promised', 'What shows it'], promises.map(row))}
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
    ${table('Requirements and promises', ['Requirement', 'What it asks, in short', 'Promises', 'Verdict'], controls.map(row))}
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
