/** Goal: whatever a run says, to people, to a log collector or to a monitor, no secret is in it. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folderPlace, makeHost } from '../services/machines.ts';
import type { Host } from '../services/machines.ts';
import { webReceiver } from '../services/receivers.ts';
import { openShop } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';

/** One for each place that can hold one; all alike, so that one search finds them all. */
const planted = (place: string): string => `Geheim-${place}-9f3a01c4`;

/** A host whose every secret field holds a planted one; nothing listens where they lead. */
async function hostOfSecrets(): Promise<{ host: Host; told: Awaited<ReturnType<typeof webReceiver>> }> {
  const path = join(await tempFolder('shop'), 'shop.db');
  openShop(path, 20);
  const env = {
    PGPASSWORD: planted('pgpassword'),
    MYSQL_PWD: planted('mysql'),
    AWS_SECRET_ACCESS_KEY: planted('aws'),
    AWS_SESSION_TOKEN: planted('session'),
    CRM_URL: `postgres://ada:${planted('env')}@127.0.0.1:9/crm`,
    MAIL_URL: `smtp://ada:${planted('mail')}@127.0.0.1:9`,
  };
  const host = await makeHost({
    place: await folderPlace(),
    source: ['--source', 'sqlite', '--path', path],
    env,
  });
  const file = (name: string): string => join(host.folder, name);
  await writeFile(file('wiki.url'), `mysql://ada:${planted('file')}@127.0.0.1:9/wiki\n`, { mode: 0o600 });
  await writeFile(file('hook.url'), `http://127.0.0.1:9/${planted('hookfile')}\n`, { mode: 0o600 });
  const told = await webReceiver('take');
  const command = (text: string): string => `["printf", "%s", "${text}"]`;
  const more = `
  billing: { source: postgres, url: "postgres://ada:${planted('url')}@127.0.0.1:9/billing", keep: 30d }
  crm: { source: postgres, url_env: CRM_URL, keep: 30d }
  wiki: { source: mysql, url_file: wiki.url, keep: 30d }
  cache: { source: redis, url_command: ${command(`redis://:${planted('command')}@127.0.0.1:9/0`)}, keep: 30d }
monitors:
  - { kind: ping, url: "${told.url}/${planted('ping')}?token=${planted('query')}" }
  - { kind: webhook, url: "${told.url}/${planted('webhook')}" }
  - { kind: webhook, format: slack, url_file: hook.url, timeout: 1s }
  - { kind: webhook, url_command: ${command(`http://ada:${planted('basic')}@127.0.0.1:9/x`)}, timeout: 1s }
  - { kind: email, url_env: MAIL_URL, from: a@b.example, to: c@d.example, timeout: 1s }
`;
  const config = file('holdfast.yaml');
  await writeFile(config, (await readFile(config, 'utf8')).trimEnd() + more, { mode: 0o600 });
  return { host, told };
}

describe('every secret field holds one', () => {
  test('and no output of any verb does', { timeout: 60_000 }, async () => {
    const { host, told } = await hostOfSecrets();
    const runs = [
      ['backup', '-vv', '--json'],
      ['backup', '-vv'],
      ['doctor', '-vv', '--json'],
      ['status', '--nagios'],
      ['verify', '-vv', '--json'],
    ];
    for (const args of runs) {
      const { stdout, stderr } = await host.run(args);
      // Refused for its configuration, a run would say nothing of anything.
      expect(stdout + stderr).not.toMatch(/holdfast\.yaml:\d/);
      expect({ args, text: (stdout + stderr).match(/.*Geheim.*/g) }).toEqual({ args, text: null });
    }
    // They were used, or nothing would have been told.
    expect(told.received.map(({ to }) => to)).toContain(`/${planted('webhook')}`);
    for (const { body } of told.received) expect(body).not.toContain('Geheim');
  });

  test('the log of --json is pino’s, a line each, with the fields that a collector asks for', async () => {
    const { host } = await hostOfSecrets();
    const { stderr } = await host.run(['backup', 'shop', '-vv', '--json']);
    const lines = stderr.split('\n').filter((line) => line.startsWith('{'));
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) {
      const entry = JSON.parse(line) as Record<string, unknown>;
      expect(entry).toMatchObject({ level: expect.stringMatching(/^(info|debug)$/) as unknown });
      expect(Number.isNaN(Date.parse(String(entry['time'])))).toBe(false);
      expect(typeof entry['msg']).toBe('string');
    }
  });
});
