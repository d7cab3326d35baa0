/** Goal: whoever is told how a run ended is told it, and whoever cannot be told costs seconds and never more. */
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isHoldfastError } from '../../src/errors.ts';
import { emailMonitor } from '../../src/monitors/email.ts';
import type { Monitor, RunReport } from '../../src/monitors/monitor.ts';
import { metricsMonitor } from '../../src/monitors/metrics.ts';
import { pingMonitor } from '../../src/monitors/ping.ts';
import { webhookMonitor } from '../../src/monitors/webhook.ts';
import { makeCertificate } from '../services/certificates.ts';
import type { Certificate } from '../services/certificates.ts';
import { mailReceiver, webReceiver } from '../services/receivers.ts';
import type { Conduct, Receiver } from '../services/receivers.ts';
import { tempFolder } from '../services/temp.ts';

const SIGNAL = new AbortController().signal;
const TIMEOUT_MS = 1500;

const SUCCESS: RunReport = {
  ...{ verb: 'backup', host: 'db1', tool: 'holdfast 1', outcome: 'success', durationMs: 4200 },
  time: new Date('2026-11-22T03:00:12Z'),
  sets: [
    {
      ...{ set: 'shop', outcome: 'success', durationMs: 4000, snapshot: '20261122T030005Z-9f3a01c4' },
      figures: { read_bytes: 1000, new_bytes: 10 },
    },
  ],
};
const ERROR = { code: 'PG_DUMP_FAILED', exit: 1, message: 'pg_dump: <no> such "host"', hint: 'Look & see.' };
const FAILURE: RunReport = {
  ...SUCCESS,
  outcome: 'failure',
  sets: [...SUCCESS.sets, { set: 'crm', outcome: 'failure', durationMs: 200, figures: {}, error: ERROR }],
};

interface Options {
  readonly url: URL;
  readonly timeoutMs: number;
  readonly caFile?: string;
}

interface Subject {
  readonly open: (options: Options) => Monitor;
  readonly receiver: (conduct: Conduct, certificate?: Certificate) => Promise<Receiver>;
  /** What is added to the address of the receiver. */
  readonly path: string;
  readonly conducts: readonly Conduct[];
}

const MAIL = { from: 'holdfast@db1.example', to: ['ada@example.com', 'ops@example.com'] };
const web = { receiver: webReceiver, path: '/hook/geheim', conducts: ['redirect'] } as const;
const SUBJECTS: Readonly<Record<string, Subject>> = {
  ping: { ...web, open: (options) => pingMonitor({ ...options, failure: '/fail', env: {} }) },
  'webhook, JSON': { ...web, open: (options) => webhookMonitor({ ...options, format: 'json', env: {} }) },
  'webhook, Slack': { ...web, open: (options) => webhookMonitor({ ...options, format: 'slack', env: {} }) },
  email: {
    ...{ receiver: mailReceiver, path: '', conducts: [] },
    open: (options) => emailMonitor({ ...options, ...MAIL }),
  },
};

const REASON: Readonly<Record<Exclude<Conduct, 'take' | 'slow'>, RegExp>> = {
  refuse: /refuses the connection$/,
  hang: /did not (answer|take it) within 1\.5 s$/,
  break: /broke the connection off$|closed unexpectedly|closed|hang up/,
  error: /it answered 5\d\d$/,
  redirect: /it answered 302, and redirects are not followed$/,
};

async function told(monitor: Monitor, report: RunReport): Promise<string | undefined> {
  try {
    await monitor.tell(report, SIGNAL);
    return undefined;
  } catch (error) {
    if (isHoldfastError(error, 'MONITOR_FAILED')) return error.message;
    throw error;
  }
}

describe.each(Object.entries(SUBJECTS))('%s', (_, { open, receiver, path, conducts }) => {
  const opened = (url: string, caFile?: string): Monitor =>
    open({ url: new URL(url + path), timeoutMs: TIMEOUT_MS, ...(caFile !== undefined && { caFile }) });

  test.each(['take', 'slow'] as const)('%s: a success and a failure arrive, once', async (conduct) => {
    const there = await receiver(conduct);
    expect(await told(opened(there.url), SUCCESS)).toBeUndefined();
    expect(await told(opened(there.url), FAILURE)).toBeUndefined();
    expect(there.received).toHaveLength(2);
    expect(there.received[0]?.body).toContain('backup succeeded on db1: shop');
    expect(there.received[1]?.body).toContain('backup FAILED on db1: crm (of 2 sets)');
    expect(there.received[1]?.body).toContain('PG_DUMP_FAILED');
  });

  const bad = ['refuse', 'hang', 'break', 'error', ...conducts] as const;
  test.each(bad.filter((conduct) => conduct !== 'take' && conduct !== 'slow'))(
    '%s: it is said, in time, and the address is not',
    async (conduct) => {
      const there = await receiver(conduct);
      const begin = performance.now();
      const failure = await told(opened(there.url), SUCCESS);
      expect(failure).toMatch(REASON[conduct]);
      expect(failure).not.toContain('geheim');
      expect(performance.now() - begin).toBeLessThan(10_000);
      expect(there.received.filter(({ to }) => to === '/elsewhere')).toEqual([]);
    },
  );

  test('a certificate of a stranger is refused, that of a named authority is not', async () => {
    const certificate = await makeCertificate(await tempFolder('certificate'));
    const there = await receiver('take', certificate);
    expect(await told(opened(there.url), SUCCESS)).toMatch(/certificate/);
    expect(there.received).toEqual([]);
    expect(await told(opened(there.url, certificate.caFile), SUCCESS)).toBeUndefined();
    expect(there.received).toHaveLength(1);
  });

  test('a run that is cancelled waits for nobody', async () => {
    const there = await receiver('hang');
    const cancel = new AbortController();
    const telling = opened(there.url).tell(SUCCESS, cancel.signal);
    setTimeout(() => cancel.abort(new Error('cancelled here')), 100);
    await expect(telling).rejects.toThrow('cancelled here');
  });
});

describe('ping', () => {
  test.each([
    ['/check/1', '/fail', '/check/1', '/check/1/fail'],
    ['/check/1/', '/fail', '/check/1/', '/check/1/fail'],
    ['/push/1?status=up&msg=OK', '?status=down', '/push/1?status=up&msg=OK', '/push/1?status=down&msg=OK'],
    ['/s/1', '?state=fail', '/s/1', '/s/1?state=fail'],
  ])('%s with %s', async (path, failure, good, bad) => {
    const there = await webReceiver('take');
    const ping = pingMonitor({ url: new URL(there.url + path), failure, timeoutMs: TIMEOUT_MS, env: {} });
    await ping.tell(SUCCESS, SIGNAL);
    await ping.tell(FAILURE, SIGNAL);
    expect(there.received.map(({ to }) => to)).toEqual([good, bad]);
  });

  test('a stranger is told no words of errors', async () => {
    const there = await webReceiver('take');
    const url = new URL(there.url);
    await pingMonitor({ url, failure: '/fail', timeoutMs: TIMEOUT_MS, env: {} }).tell(FAILURE, SIGNAL);
    expect(there.received[0]?.body).not.toContain('such');
  });

  test('through a proxy that the environment names', async () => {
    const proxy = await webReceiver('take');
    const url = new URL('http://monitor.example/check');
    const env = { HTTP_PROXY: proxy.url };
    await pingMonitor({ url, failure: '/fail', timeoutMs: TIMEOUT_MS, env }).tell(SUCCESS, SIGNAL);
    expect(proxy.received.map(({ to }) => to)).toEqual(['http://monitor.example/check']);
  });
});

describe('webhook', () => {
  const body = async (format: 'json' | 'slack'): Promise<Record<string, unknown>> => {
    const there = await webReceiver('take');
    const url = new URL(there.url);
    await webhookMonitor({ url, format, timeoutMs: TIMEOUT_MS, env: {} }).tell(FAILURE, SIGNAL);
    return JSON.parse(there.received[0]?.body ?? '') as Record<string, unknown>;
  };

  test('JSON: all that there is to know', async () => {
    expect(await body('json')).toEqual({
      ...{ version: 1, verb: 'backup', host: 'db1', tool: 'holdfast 1', outcome: 'failure' },
      ...{ time: '2026-11-22T03:00:12.000Z', duration_ms: 4200 },
      text: 'backup FAILED on db1: crm (of 2 sets)',
      sets: [
        {
          ...{ set: 'shop', outcome: 'success', duration_ms: 4000, snapshot: '20261122T030005Z-9f3a01c4' },
          figures: { read_bytes: 1000, new_bytes: 10 },
        },
        { set: 'crm', outcome: 'failure', duration_ms: 200, figures: {}, error: ERROR },
      ],
    });
  });

  test('Slack: nothing in the words of an error is taken for a command', async () => {
    const { text } = await body('slack');
    expect(text).toContain('pg_dump: &lt;no&gt; such "host"');
    expect(text).toContain('Look &amp; see.');
    expect(text).toMatch(/^:rotating_light: backup FAILED on db1: crm/);
  });
});

describe('email', () => {
  test('to all, with a subject that says it, from a program', async () => {
    const there = await mailReceiver('take');
    await emailMonitor({ ...MAIL, url: new URL(there.url), timeoutMs: TIMEOUT_MS }).tell(FAILURE, SIGNAL);
    const [mail] = there.received;
    expect(mail?.to).toBe('holdfast@db1.example → ada@example.com, ops@example.com');
    expect(mail?.body).toMatch(/^Subject: \[holdfast\] backup FAILED on db1: crm \(of 2 sets\)\r$/m);
    expect(mail?.body).toMatch(/^Auto-Submitted: auto-generated\r$/m);
    expect(mail?.body).toMatch(/^ {2}PG_DUMP_FAILED: pg_dump: <no> such "host"\r$/m);
  });

  test('with a password, which a refusal does not repeat', async () => {
    const certificate = await makeCertificate(await tempFolder('certificate'));
    const there = await mailReceiver('take', certificate);
    const { caFile } = certificate;
    const tell = (login: string) => {
      const url = new URL(there.url.replace('//', `//${login}@`));
      return told(emailMonitor({ ...MAIL, url, caFile, timeoutMs: TIMEOUT_MS }), SUCCESS);
    };
    expect(await tell('ada:geh%20eim%2F1')).toBeUndefined();
    expect(await tell('ada:falsch99')).toMatch(/it answered 535 to the login$/);
    expect(there.received).toHaveLength(1);
  });
});

describe('metrics', () => {
  const setUp = async () => {
    const folder = await tempFolder('textfile');
    const path = join(folder, 'holdfast.prom');
    const stateFolder = join(await tempFolder('state'), 'monitors');
    return { folder, path, monitor: metricsMonitor({ path, stateFolder, sets: ['shop', 'crm'] }) };
  };

  test('a page that Prometheus reads, for everybody, and nothing beside it', async () => {
    const { folder, path, monitor } = await setUp();
    await monitor.tell(FAILURE, SIGNAL);
    const page = await readFile(path, 'utf8');
    expect(page).toContain('holdfast_last_run_success{verb="backup",set="shop"} 1\n');
    expect(page).toContain('holdfast_last_run_success{verb="backup",set="crm"} 0\n');
    expect(page).toContain('holdfast_backup_read_bytes{set="shop"} 1000\n');
    expect(page).not.toMatch(/last_success_timestamp_seconds\{verb="backup",set="crm"/);
    expect((await stat(path)).mode & 0o777).toBe(0o644);
    expect(await readdir(folder)).toEqual(['holdfast.prom']);
    const families = [...page.matchAll(/^# TYPE (\S+) gauge$/gm)].map((match) => match[1]);
    expect(families).toEqual([...new Set(families)]);
    // Every sample belongs to the family above it.
    let family = '';
    for (const line of page.split('\n').filter((one) => one !== '')) {
      const type = /^# TYPE (\S+) gauge$/.exec(line)?.[1];
      if (type !== undefined) family = type;
      else if (!line.startsWith('# HELP '))
        expect(line).toMatch(new RegExp(`^${family}\\{[^}]+\\} [0-9.e+]+$`));
    }
  });

  test('a failure forgets no success of before, nor another verb', async () => {
    const { path, monitor } = await setUp();
    await monitor.tell(SUCCESS, SIGNAL);
    await monitor.tell({ ...SUCCESS, verb: 'drill' }, SIGNAL);
    const bad = { set: 'shop', outcome: 'failure', durationMs: 1, figures: {}, error: ERROR } as const;
    const later = new Date('2026-11-23T03:00:00Z');
    await monitor.tell({ ...SUCCESS, outcome: 'failure', time: later, sets: [bad] }, SIGNAL);
    const page = await readFile(path, 'utf8');
    expect(page).toContain('holdfast_last_run_success{verb="backup",set="shop"} 0\n');
    expect(page).toContain('holdfast_last_success_timestamp_seconds{verb="backup",set="shop"} 1795316412\n');
    expect(page).toContain('holdfast_last_run_success{verb="drill",set="shop"} 1\n');
    expect(page).toContain('holdfast_backup_read_bytes{set="shop"} 1000\n');
  });

  test('runs that end at the same moment are all on the page', async () => {
    const { path, monitor } = await setUp();
    const verbs = Array.from({ length: 12 }, (_, index) => `verb${index}`);
    await Promise.all(verbs.map((verb) => monitor.tell({ ...SUCCESS, verb }, SIGNAL)));
    const page = await readFile(path, 'utf8');
    for (const verb of verbs)
      expect(page).toContain(`holdfast_last_run_success{verb="${verb}",set="shop"} 1\n`);
  });

  test('a set that is no longer in the configuration is no longer on the page', async () => {
    const { path, monitor } = await setUp();
    const other = SUCCESS.sets.map((one) => ({ ...one, set: 'gone' }));
    await monitor.tell({ ...SUCCESS, sets: [...SUCCESS.sets, ...other] }, SIGNAL);
    expect(await readFile(path, 'utf8')).not.toContain('gone');
  });

  test('a folder that is not there, or a folder in its place, is said', async () => {
    const { path } = await setUp();
    const stateFolder = await tempFolder('state');
    const lost = metricsMonitor({ path: `${path}/no/x.prom`, stateFolder, sets: ['shop'] });
    expect(await told(lost, SUCCESS)).toMatch(/ENOENT|ENOTDIR/);
    await mkdir(path);
    expect(await told(metricsMonitor({ path, stateFolder, sets: ['shop'] }), SUCCESS)).toMatch(
      /EISDIR|directory/,
    );
  });
});
