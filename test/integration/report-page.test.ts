/** Goal: the page opens in a real browser without a complaint or a request, reads well to everybody, and says what the JSON says. */
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import type { Evidence } from '../../src/report/evidence.ts';
import type { ReportFacts } from '../../src/report/facts.ts';
import { renderPage } from '../../src/report/html/page.ts';
import { bytesText, countText, lengthText } from '../../src/report/html/show.ts';
import { judge } from '../../src/report/judge.ts';
import { tempFolder } from '../services/temp.ts';
import { company, key, purge, setFacts } from '../unit/report-facts.kit.ts';
import { accessibility, openFile, startBrowser } from './browser-kit.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

async function pageOf(facts: ReportFacts): Promise<{ readonly file: string; readonly evidence: Evidence }> {
  const evidence = judge(facts);
  const file = join(await tempFolder('report'), 'report.html');
  await writeFile(file, await renderPage(evidence));
  return { file, evidence };
}

const LOOKS = [
  { colorScheme: 'light', media: 'screen', width: 1180 },
  { colorScheme: 'dark', media: 'screen', width: 1180 },
  { colorScheme: 'light', media: 'print', width: 760 },
  { colorScheme: 'dark', media: 'screen', width: 390 },
] as const;

test.for(LOOKS)(
  '$colorScheme, $media, $width wide: nothing is said, nothing is asked for, nobody is shut out',
  async (look) => {
    // Of each kind of thing some: every row is looked at by every rule.
    const few = company().sets.map((set) => ({ ...set, snapshots: set.snapshots.slice(-12) }));
    const { file } = await pageOf(company({ sets: few }));
    await using opened = await openFile(browser, file, look);
    await opened.page.evaluate('document.querySelectorAll("details").forEach((one) => (one.open = true))');
    const { wrong, passed } = await accessibility(opened.page);
    expect(wrong).toEqual([]);
    expect(passed).toBeGreaterThan(20);
    expect(opened.said).toEqual([]);
    expect(opened.asked).toEqual([pathToFileURL(file).href]);
    expect(await opened.page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  },
);

test('the policy of the page stops what does not belong there', async () => {
  const { file } = await pageOf(company());
  let asked = 0;
  const elsewhere = createServer((_, response) => {
    asked++;
    response.end();
  });
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
  const { port } = elsewhere.address() as AddressInfo;
  await using opened = await openFile(browser, file);
  await opened.page.evaluate(`new Promise((done) => {
    const script = document.createElement('script');
    script.textContent = 'window.ran = true';
    document.body.append(script);
    document.body.setAttribute('style', 'opacity: 0');
    const picture = new Image();
    picture.onerror = done;
    picture.src = 'http://127.0.0.1:${port}/pixel.png';
    document.body.append(picture);
  })`);
  elsewhere.close();
  expect(asked).toBe(0);
  expect(await opened.page.evaluate('[window.ran, getComputedStyle(document.body).opacity]')).toEqual([
    undefined,
    '1',
  ]);
  expect(opened.said.filter((text) => text.includes('Content Security Policy'))).toHaveLength(3);
});

test('the figures of the page are those of the JSON', async () => {
  const { file, evidence } = await pageOf(company());
  await using opened = await openFile(browser, file);
  const figures = await figuresOf(opened.page);
  expect(figures.length).toBeGreaterThan(12);
  for (const { path, value, text } of figures) {
    const wanted = at(evidence, path);
    expect(Number(value), path).toBe(wanted);
    expect([countText(Number(wanted)), bytesText(Number(wanted))], path).toContain(text);
  }
  const paths = figures.map(({ path }) => path);
  for (const name of Object.keys(evidence.summary)) expect(paths).toContain(`summary.${name}`);
});

test('every snapshot, drill and erasure of the JSON is a row of the page', async () => {
  const { file, evidence } = await pageOf(company());
  await using opened = await openFile(browser, file);
  for (const [index, { snapshots }] of evidence.sets.entries()) {
    const rows = await rowsOf(opened.page, `table[data-rows="sets.${index}.snapshots"]`);
    expect(rows).toEqual(
      snapshots.map((one) => [
        one.time.slice(0, 16).replace('T', ' '),
        ...[bytesText(one.plainBytes), bytesText(one.newBytes), lengthText(one.durationMs)],
        ...[one.full ? 'full' : 'new parts', one.goneBy?.slice(0, 10), 'whole'],
      ]),
    );
  }
  const drills = await rowsOf(opened.page, 'section[aria-labelledby="drills"] table');
  const { summary } = evidence;
  expect(drills.length).toBe(summary.drills);
  expect(drills.filter((row) => row[3]?.includes('failed'))).toHaveLength(1);
  const erasures = await rowsOf(opened.page, 'section[aria-labelledby="erasures"] table');
  expect(erasures.length).toBe(summary.purges);
  expect((await rowsOf(opened.page, 'section[aria-labelledby="exports"] table')).length).toBe(
    summary.exports,
  );
  expect(await rowsOf(opened.page, 'section[aria-labelledby="promises"] > .wide > table')).toHaveLength(
    evidence.promises.length,
  );
});

test('each drawing has a name and says in words what it shows', async () => {
  const { file } = await pageOf(company());
  await using opened = await openFile(browser, file);
  const drawings = await opened.page.evaluate<string[][]>(
    `[...document.querySelectorAll('svg[role=img]')].map((svg) => svg.getAttribute('aria-labelledby').split(' ').map((id) => document.getElementById(id).textContent))`,
  );
  const billing = drawings.find(([title]) => title === 'Snapshots of billing, day by day');
  expect(billing?.[1]).toBe('Of 90 days, 88 have a snapshot, 2 were missed.');
  expect(drawings.every(([title, text]) => (title?.length ?? 0) > 5 && (text?.length ?? 0) > 5)).toBe(true);
  const ids = await opened.page.evaluate<string[]>(
    `[...document.querySelectorAll('[id]')].map(({ id }) => id)`,
  );
  expect(new Set(ids).size).toBe(ids.length);
});

test('names from outside are text and nothing else', async () => {
  const hostile = `</title></script><script>window.ran = true</script><img src=x onerror="window.ran = true">'"&`;
  const { file, evidence } = await pageOf(
    company({
      store: { url: hostile, id: hostile },
      keys: [key(hostile, 'f'.repeat(40))],
      sets: [
        setFacts('shop', {
          problems: [hostile],
          copies: [{ name: hostile, url: hostile, newest: undefined, behind: 1, unknown: hostile }],
        }),
      ],
    }),
  );
  await using opened = await openFile(browser, file);
  expect(await opened.page.evaluate('window.ran')).toBeUndefined();
  expect(
    await opened.page.evaluate('document.querySelectorAll("script, img, iframe, object, link").length'),
  ).toBe(0);
  expect(await opened.page.locator('.lede code').textContent()).toBe(evidence.store.url);
  expect(opened.said).toEqual([]);
});

test('the longest name breaks nothing, and two erasures of one reference are two', async () => {
  const long = 'a'.repeat(63);
  const purges = [purge(20, 18, { ref: 'TICKET-7' }), purge(19, 18, { ref: 'TICKET-7' })];
  const { file } = await pageOf(company({ sets: [setFacts(long, { purges }), setFacts('__proto__')] }));
  await using opened = await openFile(browser, file, { width: 390 });
  expect(await opened.page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  const drawn = await opened.page
    .locator('section[aria-labelledby="erasures"] figure svg text')
    .allTextContents();
  expect(drawn.filter((text) => text.startsWith('TICKET-7, aaa'))).toHaveLength(2);
});

test('a ledger that does not hold is not taken for one in which nothing stands', async () => {
  const { file } = await pageOf(
    company({
      sets: [setFacts('shop', { ledgerHolds: false, purges: [], drills: [], problems: ['line 3 is gone'] })],
      exports: { problem: 'line 1 is gone', exports: [] },
    }),
  );
  await using opened = await openFile(browser, file);
  const text = await opened.page.locator('main').innerText();
  expect(text).not.toMatch(/No erasure has been asked for|No restore has been tried|Nothing was sealed/);
  expect(text.match(/ledger of (shop|exports) does not hold/g)).toHaveLength(3);
  const figures = await opened.page.locator('.figures div').allInnerTexts();
  expect(figures.filter((one) => one.includes('–'))).toHaveLength(3);
  expect((await accessibility(opened.page)).wrong).toEqual([]);
});

test('a company without anything is a page as well', async () => {
  const { file, evidence } = await pageOf(
    company({
      sets: [setFacts('shop', { snapshots: [], drills: [], objects: undefined })],
      places: [],
      keys: [],
      promised: { residency: [] },
    }),
  );
  await using opened = await openFile(browser, file);
  expect((await accessibility(opened.page)).wrong).toEqual([]);
  expect(opened.said).toEqual([]);
  expect(evidence.summary.broken).toBe(1);
});

interface Figure {
  readonly path: string;
  readonly value: string;
  readonly text: string;
}

function figuresOf(page: Page): Promise<Figure[]> {
  return page.evaluate(
    `[...document.querySelectorAll('[data-path]')].map((one) => ({ path: one.dataset.path, value: one.value, text: one.textContent }))`,
  );
}

function rowsOf(page: Page, table: string): Promise<string[][]> {
  return page.evaluate(
    `[...document.querySelectorAll('${table} > tbody > tr')].map((row) => [...row.cells].map((cell) => cell.textContent.trim()))`,
  );
}

function at(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((found, name) => (found as Record<string, unknown>)[name], value);
}
