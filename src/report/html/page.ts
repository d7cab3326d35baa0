/**
 * The page: one file that needs nothing else and asks nobody. Its policy allows its own style and nothing more: no
 * scripts, no pictures from elsewhere, no fonts, no forms.
 */
import { createHash } from 'node:crypto';
import type { Evidence } from '../evidence.ts';
import { html, trusted } from './escape.ts';
import type { Html } from './escape.ts';
import { openPen } from './plot.ts';
import { drillsSection, erasuresSection, exportsSection, keysSection, placesSection } from './records.ts';
import { controlsSection, limitsSection, promisesSection } from './sections.ts';
import { setsSection } from './sets.ts';
import { bytesText, count, dateText, figure, timeText } from './show.ts';
import { STYLE } from './style.ts';

/** The evidence as a page. */
export async function renderPage(evidence: Evidence): Promise<string> {
  const pen = await openPen();
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy()}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <meta name="robots" content="noindex" />
        <meta name="generator" content="${evidence.tool}" />
        <title>Backup evidence, ${dateText(evidence.generated)}</title>
        ${STYLE_ELEMENT}
      </head>
      <body>
        <a class="skip" href="#promises">Skip to the promises</a>
        <div class="page">
          ${masthead(evidence)}
          <main>
            ${promisesSection(evidence)} ${controlsSection(evidence)} ${setsSection(pen, evidence)}
            ${drillsSection(evidence)} ${erasuresSection(pen, evidence)} ${exportsSection(evidence)}
            ${keysSection(evidence)} ${placesSection(evidence)} ${limitsSection(evidence)}
          </main>
          ${colophon(evidence)}
        </div>
      </body>
    </html>`;
  return `${page.text}\n`;
}

/** In one piece: a space more, and its hash would be another. */
const STYLE_ELEMENT = trusted(`<style>${STYLE}</style>`);

/** By the hash of the one style that there is (CSP Level 3). */
function policy(): string {
  const style = createHash('sha256').update(STYLE).digest('base64');
  return `default-src 'none'; style-src 'sha256-${style}'; base-uri 'none'; form-action 'none'`;
}

const SECTIONS = [
  ['promises', 'Promises'],
  ['requirements', 'Requirements'],
  ['sets', 'Sets'],
  ['drills', 'Drills'],
  ['erasures', 'Erasures'],
  ['exports', 'Exports'],
  ['keys', 'Keys'],
  ['places', 'Places'],
  ['limits', 'Limits'],
] as const;

function masthead({ generated, period, store, summary }: Evidence): Html {
  const { met, broken, notMeasured, sets, snapshots, storedBytes, drills, purges, exports } = summary;
  const box = (name: string, value: Html, style = '') =>
    html`<div class="${style}">
      <dt>${name}</dt>
      <dd>${value}</dd>
    </div>`;
  const at = (key: keyof Evidence['summary'], value: number) => count(value, `summary.${key}`);
  const told = (key: keyof Evidence['summary'], value: number | null) =>
    value === null ? html`–` : at(key, value);
  return html`<header>
    <p class="kicker">Backup evidence</p>
    <h1>What was promised, and what shows it</h1>
    <p class="lede">
      Backups in <code>${store.url}</code>, looked at on
      <time datetime="${generated}">${dateText(generated)}, ${timeText(generated).slice(11)} UTC</time>. The
      calendar goes back ${period.days} days, to ${dateText(period.from)}.
    </p>
    <dl class="figures">
      ${box('promises met', at('met', met), met > 0 ? 'met' : '')}
      ${box('broken', at('broken', broken), broken > 0 ? 'broken' : '')}
      ${box('not measured', at('notMeasured', notMeasured))}
      ${box(sets === 1 ? 'set' : 'sets', at('sets', sets))}
      ${box(snapshots === 1 ? 'snapshot' : 'snapshots', at('snapshots', snapshots))}
      ${box('stored', storedBytes === null ? html`–` : figure('summary.storedBytes', storedBytes, bytesText(storedBytes)))}
      ${box('drills', told('drills', drills))} ${box('erasures', told('purges', purges))}
      ${box('exports', told('exports', exports))}
    </dl>
    <nav aria-label="Sections">
      <ul>
        ${SECTIONS.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`)}
      </ul>
    </nav>
  </header>`;
}

function colophon({ tool, store, generated }: Evidence): Html {
  return html`<footer>
    <p>
      Made by ${tool} from store ${store.id} at ${generated}. The same data as JSON:
      <code>holdfast report --json</code>. Where a file <code>.asc</code> lies beside this page,
      <code>gpg --verify</code> checks who has signed it.
    </p>
  </footer>`;
}
