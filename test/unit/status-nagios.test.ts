/** Goal: a plugin says in one line what is worst, in the form that Nagios and its children read. */
import { test as propertyTest, fc } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import type { StatusFinding } from '../../src/status/finding.ts';
import { nagiosOf, nagiosUnknown } from '../../src/status/nagios.ts';

const H = 3600;

function finding(title: string, ok: boolean, hours?: number): StatusFinding {
  const measure = { name: `${title} age`, seconds: (hours ?? 0) * H, warning: 24 * H, critical: 27 * H };
  const text = ok ? 'fresh' : 'the newest snapshot is too old';
  return { ok, title, text, record: { type: 'status' }, ...(hours !== undefined && { measure }) };
}

describe('the worst decides', () => {
  test('all in order', () => {
    expect(nagiosOf([finding('shop', true, 2), finding('crm', true, 3)])).toEqual({
      state: 'OK',
      lines: [
        "HOLDFAST OK - all 2 in order | 'shop age'=7200s;86400;97200;0 'crm age'=10800s;86400;97200;0",
        'OK: shop: fresh',
        'OK: crm: fresh',
      ],
    });
  });

  test('what only used up its interval is a warning', () => {
    const { state, lines } = nagiosOf([finding('shop', true, 2), finding('crm', true, 25)]);
    expect(state).toBe('WARNING');
    expect(lines[0]).toMatch(/^HOLDFAST WARNING - 1 of 2: crm: fresh \| /);
  });

  test('what is late is critical, whatever else there is', () => {
    const { state, lines } = nagiosOf([finding('shop', true, 25), finding('crm', false, 30)]);
    expect(state).toBe('CRITICAL');
    expect(lines[0]).toMatch(
      /^HOLDFAST CRITICAL - 2 of 2: shop: fresh; crm: the newest snapshot is too old \| /,
    );
    expect(lines[2]).toBe('CRITICAL: crm: the newest snapshot is too old');
  });

  test('without a figure there is no bar', () => {
    expect(nagiosOf([finding('shop', false)]).lines[0]).not.toContain('|');
    expect(nagiosUnknown('no | store\nhere')).toEqual({
      state: 'UNKNOWN',
      lines: ['HOLDFAST UNKNOWN - no / store here'],
    });
  });
});

propertyTest.prop([
  fc.array(fc.record({ title: fc.string(), text: fc.string(), ok: fc.boolean() }), { minLength: 1 }),
])('no text from outside makes another line or another figure', (texts) => {
  const findings = texts.map((one) => ({ ...one, record: { type: 'status' } }));
  const { lines, state } = nagiosOf(findings);
  expect(lines).toHaveLength(texts.length + 1);
  for (const line of lines) expect(line).not.toMatch(/[|\n\r]/);
  expect(state).toBe(texts.every(({ ok }) => ok) ? 'OK' : 'CRITICAL');
});
