/** The scanner finds what looking for each form at each place finds, and forms survive what is done to text. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, test as example } from 'vitest';
import type { Form } from '../../src/rows/form.ts';
import { Scanner } from '../../src/rows/scan.ts';
import { formsOf } from '../../src/rows/variants.ts';

const FEW = fc.constantFrom(0x61, 0x41, 0x62, 0x42, 0x31, 0x20, 0xc3, 0x40, 0x5b);
const bytes = (minLength: number, maxLength: number) =>
  fc.array(FEW, { minLength, maxLength }).map((list) => Buffer.from(list));
const form = fc.record({
  bytes: fc.oneof(bytes(3, 6), bytes(8, 14)),
  caseBlind: fc.boolean(),
  how: fc.constant('text'),
});

function lower(some: Buffer): string {
  return some.toString('latin1').replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function naive(forms: readonly Form[], piece: Buffer): string[] {
  return forms.flatMap((each, index) =>
    Array.from({ length: piece.length }, (_, start) => start).flatMap((start) => {
      const here = piece.subarray(start, start + each.bytes.length);
      const isHit = here.equals(each.bytes) || (each.caseBlind && lower(here) === lower(each.bytes));
      return isHit ? [`${index} ${start} ${start + each.bytes.length}`] : [];
    }),
  );
}

describe('Scanner', () => {
  test.prop([fc.array(form, { minLength: 1, maxLength: 8 }), bytes(0, 300), fc.nat()], { numRuns: 300 })(
    'finds every form at every place, and nothing else',
    (forms, noise, place) => {
      // One form stands there for certain.
      const at = place % (noise.length + 1);
      const piece = Buffer.concat([noise.subarray(0, at), forms[0]?.bytes ?? noise, noise.subarray(at)]);
      const hits = new Scanner(forms)
        .hits(piece)
        .map(({ form: index, start, end }) => `${index} ${start} ${end}`);
      expect(hits.sort()).toEqual(naive(forms, piece).sort());
      expect(hits.length).toBeGreaterThan(0);
    },
  );

  test.prop([
    fc.array(form, { minLength: 1, maxLength: 4 }),
    bytes(30, 200),
    fc.integer({ min: 1, max: 40 }),
  ])('loses nothing when pieces overlap by one byte less than the longest form', (forms, whole, step) => {
    const scanner = new Scanner(forms);
    const found = new Set<string>();
    for (let at = 0; at < whole.length; at += step) {
      for (const hit of scanner.hits(whole.subarray(at, at + step + scanner.longest - 1)))
        found.add(`${hit.form} ${hit.start + at} ${hit.end + at}`);
    }
    expect([...found].sort()).toEqual(naive(forms, whole).sort());
  });

  example('refuses forms that it cannot look for', () => {
    expect(() => new Scanner([{ bytes: Buffer.from('ab'), caseBlind: true, how: 'text' }])).toThrow(
      '3 bytes',
    );
    expect(new Scanner([]).hits(Buffer.from('anything'))).toEqual([]);
  });
});

const identifier = fc
  .string({
    unit: fc.constantFrom(
      ...Array.from('abcXYZ019@.-_ éÄßñ世🦀'),
      '"',
      "'",
      '\\',
      '/',
      '&',
      '<',
      '\t',
      '%',
      '=',
      'e\u0301',
    ),
    minLength: 4,
    maxLength: 24,
  })
  .filter((text) => Buffer.byteLength(text.trim()) >= 6);

/** What databases and programs do to text, written with their own means and not with those of formsOf. */
const TREATMENTS: Readonly<Record<string, (text: string) => Buffer>> = {
  'as it is': (text) => Buffer.from(text),
  'lower case': (text) => Buffer.from(text.toLowerCase()),
  'upper case': (text) => Buffer.from(text.toUpperCase()),
  NFC: (text) => Buffer.from(text.normalize('NFC')),
  NFD: (text) => Buffer.from(text.normalize('NFD')),
  JSON: (text) => Buffer.from(JSON.stringify({ name: text })),
  'JSON in JSON': (text) => Buffer.from(JSON.stringify({ body: JSON.stringify([text]) })),
  'UTF-16LE': (text) => Buffer.from(text, 'utf16le'),
  'UTF-16BE': (text) => Buffer.from(text, 'utf16le').swap16(),
  hex: (text) => Buffer.from(Buffer.from(text).toString('hex')),
  'HEX of UTF-16': (text) => Buffer.from(Buffer.from(text, 'utf16le').toString('hex').toUpperCase()),
  URL: (text) => Buffer.from(encodeURIComponent(text)),
  'form data': (text) => Buffer.from(new URLSearchParams({ q: text }).toString()),
  'a path': (text) => Buffer.from(encodeURI(text).toLowerCase()),
};

describe('formsOf', () => {
  const treated = fc.constantFrom(...Object.keys(TREATMENTS));
  test.prop([identifier, treated, fc.string(), fc.string()], { numRuns: 300 })(
    'finds an identifier after any treatment',
    (text, treatment, before, after) => {
      const trimmed = text.trim();
      const piece = Buffer.concat([
        Buffer.from(before),
        TREATMENTS[treatment]?.(trimmed) ?? Buffer.alloc(0),
        Buffer.from(after),
      ]);
      expect(new Scanner(formsOf(text)).hits(piece).length, treatment).toBeGreaterThan(0);
    },
  );

  test.prop([
    identifier,
    fc.uint8Array({ maxLength: 5 }),
    fc.uint8Array({ maxLength: 5 }),
    fc.constantFrom('base64', 'base64url'),
  ])('finds it inside of something in base64', (text, before, after, encoding) => {
    const trimmed = text.trim();
    const whole = Buffer.concat([before, Buffer.from(trimmed), after]);
    expect(new Scanner(formsOf(text)).hits(Buffer.from(whole.toString(encoding as 'base64')))).not.toEqual(
      [],
    );
  });

  const separator = fc.constantFrom('', ' ', '-', '.', '/', ') ', ' - ', '(');
  test.prop([
    fc.array(fc.tuple(fc.nat({ max: 9 }), separator), { minLength: 7, maxLength: 10 }),
    fc.constantFrom('', '+1 ', '001-', '0', 'tel:', 'x'),
  ])('finds the digits of a phone number, however they are grouped', (digits, prefix) => {
    const plain = digits.map(([digit]) => digit).join('');
    // People do not part the last digits twice.
    const tail = plain.slice(-4);
    const head = digits
      .slice(0, -4)
      .map(([digit, mark]) => `${digit}${mark}`)
      .join('');
    fc.pre(!plain.startsWith('0'));
    const forms = formsOf(plain);
    expect(new Scanner(forms).hits(Buffer.from(`call ${prefix}${head}${tail}, now`))).not.toEqual([]);
    expect(
      new Scanner(forms).hits(Buffer.from(`call ${prefix}${head}${tail.slice(0, 2)} ${tail.slice(2)}`)),
    ).not.toEqual([]);
    const other = plain.slice(0, -1) + String((Number(plain.at(-1)) + 1) % 10);
    expect(new Scanner(forms).hits(Buffer.from(`${other}, ${plain.slice(1)}5`))).toEqual([]);
  });

  example('of a number with a country code are found without it, and the other way round', () => {
    const stored = [
      '+33612345678',
      '06 12 34 56 78',
      '0033 (0)6.12.34.56.78',
      '33-612-345-678',
      '0612345678',
    ];
    for (const text of stored)
      expect(new Scanner(formsOf('+33 6 12 34 56 78')).hits(Buffer.from(text)), text).not.toEqual([]);
    expect(new Scanner(formsOf('+33 6 12 34 56 78')).hits(Buffer.from('06 12 34 56 79'))).toEqual([]);
    for (const text of ['(514) 555-0199', '1 514 555 01 99', '+15145550199', '514.555.0199'])
      expect(new Scanner(formsOf('514-555-0199')).hits(Buffer.from(text)), text).not.toEqual([]);
  });

  example('are none for what is too short to be looked for', () => {
    expect(formsOf('42')).toEqual([]);
    expect(formsOf('  ab ')).toEqual([]);
    expect(formsOf('äö').length).toBeGreaterThan(0);
    for (const { bytes: each } of formsOf('abcd')) expect(each.length).toBeGreaterThanOrEqual(4);
  });

  example('are few for plain text', () => {
    expect(formsOf('anna@example.org').length).toBeLessThan(250);
  });
});
