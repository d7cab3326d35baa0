/** Goal: what is written under `monitors:` is what happens, with defaults that make sense. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { MonitorConfig } from '../../src/config/config.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { inspect } from 'node:util';

function monitorsOf(yaml: string, openToAll = false) {
  const base =
    'version: 1\nstore: file:///s\nrecipients: [ops.asc]\nsets: { shop: { source: sqlite, path: x.db, keep: 30d } }\n';
  return parseConfig(base + yaml, {
    file: '/etc/holdfast/holdfast.yaml',
    shown: 'h.yaml',
    env: {},
    openToAll,
  });
}

function only(yaml: string): MonitorConfig | undefined {
  return monitorsOf(`monitors: [${yaml}]\n`).monitors[0];
}

test('nobody, when nothing is said', () => {
  expect(monitorsOf('').monitors).toEqual([]);
});

test.each([
  ['{ kind: ping, url_env: X }', { verbs: ['backup'], when: 'always', failure: '/fail', timeoutSeconds: 30 }],
  [
    '{ kind: webhook, url_file: hook.url }',
    { when: 'always', format: 'json', address: { path: '/etc/holdfast/hook.url' } },
  ],
  [
    '{ kind: email, url_command: pass mail, from: a@b, to: c@d }',
    { when: 'failure', to: ['c@d'], address: { argv: ['pass', 'mail'] } },
  ],
  ['{ kind: metrics, path: x.prom }', { path: '/etc/holdfast/x.prom', place: 'monitors[0]' }],
  [
    '{ kind: ping, url_env: X, verbs: [drill], sets: [shop], timeout: 2m, failure: "?status=down" }',
    { verbs: ['drill'], sets: ['shop'], timeoutSeconds: 120, failure: '?status=down' },
  ],
])('%s', (yaml, expected) => {
  expect(only(yaml)).toMatchObject(expected);
});

test('an address in the file is a secret, and a file that is open to all is said to hold it', () => {
  const yaml = 'monitors: [{ kind: ping, url: "https://hc-ping.com/geheim-1234" }]\n';
  const config = monitorsOf(yaml, true);
  expect(inspect(config, { depth: 9 }) + JSON.stringify(config)).not.toContain('geheim');
  expect(config.warnings).toEqual([expect.stringContaining('holds the address of monitors[0]')]);
  expect(monitorsOf(yaml).warnings).toEqual([]);
});

test('what docs/monitors.md shows is valid', async () => {
  const page = await readFile(join(import.meta.dirname, '../../docs/monitors.md'), 'utf8');
  const [, yaml = ''] = /```yaml\n(monitors:[\s\S]*?)```/.exec(page) ?? [];
  expect(monitorsOf(yaml).monitors.map(({ kind }) => kind)).toEqual(['ping', 'webhook', 'email', 'metrics']);
});
