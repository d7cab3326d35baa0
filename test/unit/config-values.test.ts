/** Goal: single values (durations, commands, store addresses, names) mean one thing or are refused with a reason. */
import { test as propertyTest, fc } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { splitCommand } from '../../src/config/command.ts';
import { parseDays, parseHours } from '../../src/config/duration.ts';
import { NAME, writerFrom } from '../../src/config/names.ts';
import { resolveStoreUrl, storeUrlProblem } from '../../src/config/store-url.ts';
import { nearNames, nearest } from '../../src/nearest.ts';
import { isHoldfastError } from '../../src/errors.ts';

describe('durations', () => {
  test('days and weeks are days', () => {
    expect(parseDays('30d')).toBe(30);
    expect(parseDays(' 4W ')).toBe(28);
    expect(parseHours('24h')).toBe(24);
    expect(parseHours('2d')).toBe(48);
  });

  test.each([
    ['36h', /whole days/, 'Write days: 2d.'],
    ['30', /no unit/, 'Write days, as in 30d, or weeks, as in 4w.'],
    ['0d', /no time/, 'Write days, as in 30d, or weeks, as in 4w.'],
    ['7y', /no fixed length/, 'Write days, as in 30d, or weeks, as in 4w.'],
    ['1mo', /no fixed length/, 'Write days, as in 30d, or weeks, as in 4w.'],
    ['3 fortnights', /unknown unit/, 'Write days, as in 30d, or weeks, as in 4w.'],
    ['-3d', /not a duration/, 'Write days, as in 30d, or weeks, as in 4w.'],
    ['1.5d', /not a duration/, 'Write days, as in 30d, or weeks, as in 4w.'],
    ['', /not a duration/, 'Write days, as in 30d, or weeks, as in 4w.'],
  ])('%j is refused with its reason', (text, message, hint) => {
    expect(() => parseDays(text)).toThrow(
      expect.objectContaining({
        code: 'DURATION_INVALID',
        exitCode: 2,
        message: expect.stringMatching(message) as string,
        hint,
      }),
    );
  });

  propertyTest.prop([fc.integer({ min: 1, max: 999_999 })])('any number of them', (count) => {
    expect(parseDays(`${count}d`)).toBe(count);
    expect(parseHours(`${count}h`)).toBe(count);
  });
});

describe('commands without a shell', () => {
  test('quotes group, a backslash keeps, spaces separate', () => {
    expect(splitCommand(`pass  show 'a b' "c\\"d" e\\ f ''`)).toEqual([
      'pass',
      'show',
      'a b',
      'c"d',
      'e f',
      '',
    ]);
  });

  test.each(['pass show x | head', 'echo $URL', 'cat < f', 'a; b', 'a `b`', "a 'b", 'a\\', '', '  ', "''"])(
    '%j is refused',
    (line) => {
      expect(() => splitCommand(line)).toThrow(
        expect.objectContaining({ code: 'COMMAND_INVALID', exitCode: 2 }),
      );
    },
  );

  propertyTest.prop([fc.array(fc.string(), { minLength: 1 })])(
    'quoted arguments come back as they were',
    (words) => {
      const argv = ['program', ...words];
      const line = argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
      expect(splitCommand(line)).toEqual(argv);
    },
  );

  propertyTest.prop([fc.string()])('any text is split or refused, never a crash', (line) => {
    try {
      expect(splitCommand(line).length).toBeGreaterThan(0);
    } catch (error) {
      expect(isHoldfastError(error, 'COMMAND_INVALID')).toBe(true);
    }
  });
});

describe('store addresses', () => {
  test.each([
    ['s3://acme-backups/prod/', 's3://acme-backups/prod'],
    ['s3://acme-backups', 's3://acme-backups'],
    ['file:///srv/a%20b/', 'file:///srv/a%20b'],
    ['file:./store', 'file:///etc/holdfast/store'],
    ['file:../store/', 'file:///etc/store'],
    ['/srv/backup', 'file:///srv/backup'],
  ])('%s means %s', (text, url) => {
    expect(storeUrlProblem(text)).toBeUndefined();
    expect(resolveStoreUrl(text, '/etc/holdfast')).toBe(url);
  });

  test.each([
    '',
    './store',
    'file:///',
    'file:store',
    'file://host/x',
    's3://',
    's3://b',
    's3://bucket/a//b',
    'ftp://x',
  ])('%j is refused', (text) => {
    expect(storeUrlProblem(text)).toMatch(/./);
  });

  test('credentials are refused and not repeated', () => {
    expect(storeUrlProblem('s3://AKIA:geheim@bucket/x')).toMatch(/credentials/);
    expect(storeUrlProblem('s3://AKIA:geheim@bucket/x')).not.toContain('geheim');
  });
});

describe('names', () => {
  test('a host name becomes a writer name', () => {
    expect(writerFrom('DB-1.Example.com')).toBe('db-1-example-com');
    expect(writerFrom('_.…')).toBe('host');
  });

  propertyTest.prop([fc.string()])('whatever the host is called, the writer has a good name', (hostname) => {
    expect(writerFrom(hostname)).toMatch(NAME);
  });
});

test('the nearest word is one that is near', () => {
  expect(nearest('recipiants', ['store', 'recipients', 'sets'])).toBe('recipients');
  expect(nearest('zzz', ['store', 'recipients', 'sets'])).toBeUndefined();
});

test('names that may be meant differ in few letters, or are part of one another; nearest first', () => {
  const known = [
    { name: 'public.o', spellings: ['o'] },
    { name: '"public"."orders"', spellings: ['public.orders', 'orders'] },
    { name: 'order_lines', spellings: ['order_lines'] },
  ];
  expect(nearNames('ordres', known)).toEqual(['"public"."orders"']);
  expect(nearNames('ORDER', known)).toEqual(['"public"."orders"']);
  expect(nearNames('lines', known)).toEqual(['order_lines']);
  expect(nearNames('old_orders', known)).toEqual(['"public"."orders"']);
  expect(nearNames('nope', known)).toEqual([]);
  expect(nearNames('o'.repeat(100_000), known)).toEqual([]);
});
