/** Goal: numbers, tables and progress read well, and text from outside cannot drive the terminal. */
import { test as propertyTest, fc } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import {
  formatAge,
  formatBytes,
  formatCount,
  formatDuration,
  formatPlural,
  formatTime,
  painter,
  printable,
} from '../../src/cli/terminal/format.ts';
import { parseSnapshotName, readerKeyFile } from '../../src/cli/options.ts';
import { openProgress, progressText, rateOf } from '../../src/cli/terminal/progress.ts';
import { displayWidth, tableLines } from '../../src/cli/terminal/table.ts';
import { Sink } from './cli-streams.ts';

describe('numbers and times', () => {
  test.each([
    [0, '0 ms'],
    [840, '840 ms'],
    [999.6, '1 s'],
    [4230, '4.2 s'],
    [9960, '10 s'],
    [59_600, '1 min'],
    [200_000, '3 min 20 s'],
    [3_599_600, '1 h'],
    [18_720_000, '5 h 12 min'],
    [86_399_000, '1 d'],
    [273_600_000, '3 d 4 h'],
  ])('%d ms is %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  test('ages, bytes, counts', () => {
    const now = new Date('2026-11-21T12:00:00Z');
    expect(formatAge(new Date('2026-11-21T06:59:00Z'), now)).toBe('5 h ago');
    expect(formatAge(new Date('2026-11-20T16:00:00Z'), now)).toBe('20 h ago');
    expect(formatAge(new Date('2026-11-24T13:00:00Z'), now)).toBe('in 3 d');
    expect(formatAge(now, now)).toBe('just now');
    expect(formatTime(new Date('2026-11-21T03:00:12.345Z'))).toBe('2026-11-21T03:00:12Z');
    expect(formatBytes(1_337_000)).toBe('1.34 MB');
    expect(formatCount(7_200_000)).toBe('7,200,000');
    expect(formatCount(123)).toBe('123');
    expect(formatPlural(1, 'row')).toBe('1 row');
    expect(formatPlural(1000, 'entry', 'entries')).toBe('1,000 entries');
  });
});

test('colours need a terminal and no NO_COLOR', () => {
  const terminal = new Sink(true);
  expect(painter(terminal, {})('red', 'x')).toBe('\u001b[31mx\u001b[39m');
  expect(painter(terminal, { NO_COLOR: '1' })('red', 'x')).toBe('x');
  expect(painter(terminal, { NO_COLOR: '' })('red', 'x')).not.toBe('x');
  expect(painter(terminal, { TERM: 'dumb' })('red', 'x')).toBe('x');
  expect(painter(new Sink(false), {})('red', 'x')).toBe('x');
});

test('control characters and marks that turn text around become visible', () => {
  expect(printable('a\u001b[31mb\rc\u0085d\u202ee\tf\ng')).toBe('a\\u001b[31mb\\u000dc\\u0085d\\u202ee f\ng');
});

propertyTest.prop([fc.string({ unit: 'binary' })])('no text can reach the terminal as a command', (text) => {
  // eslint-disable-next-line no-control-regex -- that is what must not be there
  expect(printable(text)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
});

describe('tables', () => {
  test('columns are aligned, whatever is in them', () => {
    const lines = tableLines(
      [{ title: 'SET' }, { title: 'SIZE', align: 'right' }, { title: 'NOTE' }],
      [
        ['shop', '1.3 MB', ''],
        ['日本', '12 kB', 'two\nlines'],
        ['\u001b[32mok\u001b[39m', '7 B', 'esc \u001b[2J'],
      ],
    );
    expect(lines).toEqual([
      'SET     SIZE  NOTE',
      'shop  1.3 MB',
      '日本   12 kB  two lines',
      '\u001b[32mok\u001b[39m       7 B  esc \\u001b[2J',
    ]);
  });

  const cell = fc.string({ unit: 'grapheme', maxLength: 12 });
  propertyTest.prop([fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 5 })])(
    'the second column starts at the same place in every line',
    (rows) => {
      const marked = rows.map(([a, b]) => [a, `|${b}`]);
      const starts = tableLines([{ title: 'A' }, { title: '|' }], marked).map((line, index) => {
        const own = index === 0 ? 'A' : printable(rows[index - 1]?.[0] ?? '').replace(/\n/g, ' ');
        return displayWidth(line.slice(0, line.indexOf('|', own.length)));
      });
      expect(new Set(starts).size).toBe(1);
    },
  );
});

describe('progress', () => {
  test('amount, share, rate and ETA, and only what is known', () => {
    const state = {
      label: 'backup shop',
      detail: 'orders',
      doneBytes: 412e6,
      totalBytes: 1.2e9,
      bytesPerSecond: 87e6,
    };
    expect(progressText(state, 120)).toBe('backup shop  412 MB of 1.2 GB  34 %  87 MB/s  ETA 10 s  orders');
    expect(progressText({ label: 'x', detail: '', doneBytes: 5 }, 80)).toBe('x  5 B');
    expect(progressText({ label: 'x', detail: '', doneBytes: 5, totalBytes: 4 }, 80)).toBe('x  5 B');
    expect(progressText({ ...state, bytesPerSecond: 0 }, 120)).not.toContain('ETA');
    expect(displayWidth(progressText(state, 30))).toBeLessThan(30);
  });

  test('the rate is that of the window, and unknown in the first second', () => {
    expect(rateOf([{ atMs: 0, bytes: 0 }])).toBeUndefined();
    expect(
      rateOf([
        { atMs: 0, bytes: 0 },
        { atMs: 500, bytes: 9 },
      ]),
    ).toBeUndefined();
    expect(
      rateOf([
        { atMs: 1000, bytes: 100 },
        { atMs: 3000, bytes: 300 },
      ]),
    ).toBe(100);
  });

  test('is drawn at most ten times a second, and is gone at the end', () => {
    const stream = new Sink(true);
    let now = 0;
    const task = openProgress(stream, { quiet: false, now: () => now }).start('restore', 1000);
    for (; now < 1000; now += 10) task.add(10);
    expect(stream.text.split('\r').length - 1).toBe(10);
    task.end();
    task.end();
    task.add(10);
    expect(stream.text).toMatch(/\r\u001b\[2K$/); // eslint-disable-line no-control-regex -- "clear the line"
  });

  test.each([
    ['a pipe', new Sink(false), false],
    ['--quiet', new Sink(true), true],
  ])('%s gets nothing', (_, stream, quiet) => {
    const task = openProgress(stream, { quiet }).start('x', 10);
    task.add(5);
    task.say('y');
    task.end();
    expect(stream.text).toBe('');
  });
});

describe('arguments', () => {
  test('SET@WHEN', () => {
    expect(parseSnapshotName('shop')).toEqual({ set: 'shop', when: 'latest' });
    expect(parseSnapshotName('shop@2026-11-21T03:00:12+01:00')).toEqual({
      set: 'shop',
      when: '2026-11-21T03:00:12+01:00',
    });
    for (const bad of ['', '@latest', 'Shop', 'shop@', 'shop@../x', 'a/b']) {
      expect(() => parseSnapshotName(bad)).toThrow(
        expect.objectContaining({ code: 'commander.invalidArgument' }),
      );
    }
  });

  test('the reader key is the option, else HOLDFAST_KEY', () => {
    expect(readerKeyFile({ key: '/a' }, { HOLDFAST_KEY: '/b' })).toBe('/a');
    expect(readerKeyFile({}, { HOLDFAST_KEY: '/b' })).toBe('/b');
    expect(readerKeyFile({}, {})).toBeUndefined();
  });
});
