/** A real browser for pages that must need nothing else: it notes whatever a page says or asks for. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { locateOrThrow } from '../services/packages.ts';
import { tempFolder } from '../services/temp.ts';

export interface OpenedPage extends AsyncDisposable {
  readonly page: Page;
  /** Console messages of any kind, and errors. */
  readonly said: readonly string[];
  /** Addresses that were asked for, the page's own among them. */
  readonly asked: readonly string[];
}

/** Starts Chromium; root may not run it with its sandbox, and pages here are ours. */
export async function startBrowser(): Promise<Browser> {
  const root = process.getuid?.() === 0;
  return chromium.launch({
    executablePath: locateOrThrow('chromium'),
    args: root ? ['--no-sandbox'] : [],
    env: { PATH: process.env['PATH'] ?? '', HOME: await tempFolder('browser'), LANG: 'C.UTF-8' },
  });
}

/** Opens a file in a window of its own. */
export async function openFile(
  browser: Browser,
  file: string,
  look: {
    readonly colorScheme?: 'light' | 'dark';
    readonly media?: 'screen' | 'print';
    readonly width?: number;
  } = {},
): Promise<OpenedPage> {
  const { colorScheme = 'light', media = 'screen', width = 1180 } = look;
  // axe is brought in from outside, which the page's own policy forbids; `said` shows that the policy holds.
  const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
  const page = await context.newPage();
  const said: string[] = [];
  const asked: string[] = [];
  page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => said.push(`error: ${error.message}`));
  page.on('request', (request) => asked.push(request.url()));
  await page.emulateMedia({ media });
  await page.goto(pathToFileURL(file).href, { waitUntil: 'load' });
  return { page, said, asked, [Symbol.asyncDispose]: () => context.close() };
}

export interface Violation {
  readonly id: string;
  readonly nodes: readonly string[];
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
  readonly passes: readonly { readonly id: string }[];
}

/** What axe-core finds wrong, and how many of its rules were applied and passed. */
export async function accessibility(
  page: Page,
): Promise<{ readonly wrong: readonly Violation[]; readonly passed: number }> {
  const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  // Evaluated by the debugger, so that the policy of the page may stay as strict as it is.
  await page.evaluate(axe);
  const found = await page.evaluate<AxeResult>(
    'axe.run(document, { resultTypes: ["violations", "passes"] })',
  );
  return {
    wrong: found.violations.map(({ id, nodes }) => ({
      id,
      nodes: nodes.map(({ html }) => html.slice(0, 200)),
    })),
    passed: found.passes.length,
  };
}
