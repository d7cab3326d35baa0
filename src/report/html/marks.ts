/** Verdicts and findings, in words and signs: nothing is said by colour alone. */
import type { ControlEvidence, Finding, Verdict } from '../evidence.ts';
import { plural } from '../verdict.ts';
import { html } from './escape.ts';
import type { Html } from './escape.ts';

const SIGN: Readonly<
  Record<ControlEvidence['verdict'], readonly [sign: string, style: string, word: string]>
> = {
  met: ['✓', 'met', 'met'],
  broken: ['✕', 'broken', 'broken'],
  'not measured': ['○', 'unknown', 'not measured'],
  partly: ['◐', 'partly', 'met in part'],
};

/** @param word - instead of that of the verdict, such as `late` */
export function mark(verdict: ControlEvidence['verdict'], word?: string): Html {
  const [sign, style, usual] = SIGN[verdict];
  return html`<span class="mark ${style}"><span aria-hidden="true">${sign} </span>${word ?? usual}</span>`;
}

const CHECK: Readonly<Record<string, readonly [like: Verdict | 'partly', word: string]>> = {
  ok: ['met', 'found'],
  warning: ['partly', 'warning'],
  wrong: ['broken', 'wrong'],
  unknown: ['not measured', 'unknown'],
};

/** As `doctor` says it. */
export function checkMark(verdict: string): Html {
  const [like, word] = CHECK[verdict] ?? ['not measured', verdict];
  return mark(like, word);
}

/** So many are always shown, on paper too: what is wrong must not hide. */
const SHOWN_MAX = 5;

/** What is not met is shown; the rest can be opened. */
export function findingsList(findings: readonly Finding[]): Html {
  const wrong = findings.filter(({ verdict }) => verdict !== 'met').slice(0, SHOWN_MAX);
  const rest = findings.slice(wrong.length);
  const one = ({ verdict, about, text }: Finding) =>
    html`<li>
      <span>${mark(verdict)}</span
      ><span>${about !== undefined && html`<strong>${about}</strong>: `}${text}</span>
    </li>`;
  const list = (some: readonly Finding[]) =>
    some.length > 0 &&
    html`<ul class="findings">
      ${some.map(one)}
    </ul>`;
  const label = wrong.length === 0 ? plural(rest.length, 'finding') : `${rest.length} more`;
  return html`${list(wrong)}${
    rest.length > 0 &&
    html`<details>
      <summary>${label}</summary>
      ${list(rest)}
    </details>`
  }`;
}

/** A table that may be wider than the page: then it can be scrolled, with the keyboard as well. */
export function wide(label: string, table: Html): Html {
  return html`<div class="wide" role="region" aria-label="${label}" tabindex="0">${table}</div>`;
}

/** The title of a column; of figures it stands to the right, as they do. */
type Column = string | { readonly figures: string };

/** Rows under their titles, as `wide` shows them. */
export function table(label: string, columns: readonly Column[], rows: readonly Html[]): Html {
  const title = (column: Column): Html =>
    typeof column === 'string'
      ? html`<th scope="col">${column}</th>`
      : html`<th scope="col" class="number">${column.figures}</th>`;
  return wide(
    label,
    html`<table>
      <thead>
        <tr>
          ${columns.map(title)}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>`,
  );
}
