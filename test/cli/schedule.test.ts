/**
 * Goal: `schedule` runs a host as often as was promised, spreads hosts, and writes what cron, systemd and Kubernetes take:
 * as systemd's own tools and the schema of Kubernetes say.
 */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fc, test as check } from '@fast-check/vitest';
import { execa } from 'execa';
import { CronJob } from 'kubernetes-models/batch/v1';
import { PersistentVolumeClaim } from 'kubernetes-models/v1';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { cronText, cronTime } from '../../src/schedule/cron.ts';
import { intervalFor, planJobs } from '../../src/schedule/plan.ts';
import type { ScheduleFacts } from '../../src/schedule/plan.ts';
import { onCalendar, systemdUnits } from '../../src/schedule/systemd.ts';
import type { SystemdFacts } from '../../src/schedule/systemd.ts';
import { expectComplaint } from '../services/complaint.ts';
import { folderPlace, makeHost } from '../services/machines.ts';
import type { Host } from '../services/machines.ts';
import { locateOrThrow } from '../services/packages.ts';
import { tempFolder } from '../services/temp.ts';

const FACTS: ScheduleFacts = {
  program: '/usr/bin/true',
  configFile: '/etc/holdfast/holdfast.yaml',
  sets: [],
  everyHours: 24,
  seed: 'db1',
  expires: true,
};

async function host(): Promise<Host> {
  return makeHost({ place: await folderPlace(), source: ['--source', 'sqlite', '--path', '/srv/none.db'] });
}

/** The minutes of a week (from Sunday 00:00) at which a line of cron fires. */
function firesOf(time: string): number[] {
  const [minute = '', hour = '', , , day = ''] = time.split(' ');
  const hours = Array.from({ length: 24 }, (_, at) => at).filter((at) => {
    if (hour === '*') return true;
    const [, from = hour, step = '24'] = /^(\d+)-23\/(\d+)$/.exec(hour) ?? [];
    return at >= Number(from) && (at - Number(from)) % Number(step) === 0;
  });
  const days = day === '*' ? [0, 1, 2, 3, 4, 5, 6] : [Number(day)];
  return days.flatMap((at) => hours.map((of) => (at * 24 + of) * 60 + Number(minute)));
}

/** The longest time between two of them, around the week. */
function longestGap(fires: readonly number[]): number {
  const all = [...fires, (fires[0] ?? 0) + 7 * 24 * 60];
  return Math.max(...all.slice(1).map((at, index) => at - (all[index] ?? 0)));
}

describe('when', () => {
  check.prop([fc.integer({ min: 1, max: 2000 }), fc.string(), fc.boolean()])(
    'no promise of whole hours is broken by the plan, jitter included, with the grace of status',
    (everyHours, seed, asked) => {
      const at = asked ? { hour: 23, minute: 59 } : undefined;
      const [backup, status] = planJobs({ ...FACTS, everyHours, seed, ...(at && { at }) });
      const promised = everyHours * 60;
      expect(longestGap(firesOf(cronTime(backup.when)))).toBeLessThanOrEqual(promised);
      expect(backup.jitterSeconds / 60).toBeLessThanOrEqual(promised / 16);
      expect(firesOf(cronTime(status?.when ?? backup.when)).length).toBeGreaterThanOrEqual(
        firesOf(cronTime(backup.when)).length,
      );
    },
  );

  test.each([
    [1, 1],
    [2, 2],
    [5, 4],
    [7, 6],
    [23, 12],
    [24, 24],
    [48, 24],
    [167, 24],
    [168, 168],
    [720, 168],
  ])('every %i hours promised: every %i', (promised, every) => {
    expect(intervalFor(promised)).toBe(every);
  });

  test('hosts come at many different minutes of the night, each at its own every time', () => {
    const at = (seed: string) => cronTime(planJobs({ ...FACTS, seed })[0].when);
    const times = Array.from({ length: 100 }, (_, index) => at(`db${index}`));
    expect(new Set(times).size).toBeGreaterThan(60);
    expect(at('db1')).toBe(at('db1'));
    for (const time of times) expect(Number(time.split(' ')[1])).toBeLessThan(5);
  });

  test('systemd reads the same times as cron', async () => {
    for (const everyHours of [1, 2, 3, 4, 6, 8, 12, 24, 168] as const) {
      const when = { everyHours, hour: Math.min(everyHours - 1, 3), minute: 17 };
      const { stdout } = await execa(
        locateOrThrow('systemd-analyze'),
        ['calendar', '--iterations=30', '--base-time=2026-11-22 00:00:00 UTC', onCalendar(when)],
        { env: { TZ: 'UTC' } },
      );
      const fires = [
        ...stdout.matchAll(/(?:Next elapse|Iter\. #\d+|\(in UTC\)): \w+ ([\d-]+ [\d:]+) UTC/g),
      ].map(([, time = '']) => (Date.parse(`${time.replace(' ', 'T')}Z`) - Date.UTC(2026, 10, 22)) / 60_000);
      // 2026-11-22 is a Sunday; the base time itself is not looked at.
      const expected = firesOf(cronTime(when)).filter((at) => at > 0);
      const week = [...new Set(fires)].filter((at) => at < 7 * 24 * 60);
      expect(week).toEqual(expected.slice(0, week.length));
      expect(week.length).toBe(Math.min(expected.length, 30));
    }
  });
});

describe('cron', () => {
  test('lines for cron.d: nothing that cron would take for something else, whatever the paths', async () => {
    const root = await tempFolder('odd');
    const folder = join(root, `it's 100 % "odd" $HOME`);
    await mkdir(folder);
    const program = join(folder, 'prog ram');
    await writeFile(program, '#!/bin/sh\nprintf "%s\\n" "$@" "$GIVEN" >>../said\n');
    await chmod(program, 0o755);
    await writeFile(join(folder, 'environment'), "GIVEN='by the environment'\n");
    const configFile = join(folder, 'holdfast.yaml');
    const facts = { ...FACTS, program, configFile, sets: ['shop'], expires: false };
    const environment = join(folder, 'environment');
    const text = cronText({ ...facts, user: 'backup', environment }, planJobs(facts));
    const lines = text.split('\n').filter((line) => /^(\d|@)/.test(line));
    expect(lines).toHaveLength(3);
    for (const line of lines) {
      const [, command = ''] = /^(?:@reboot|(?:\S+ ){4}\S+) {2}backup {2}(.*)$/.exec(line) ?? [];
      expect(command.replaceAll('\\%', '')).not.toContain('%');
      const run = command.replaceAll('\\%', '%').replace(/sleep (\$\(\(.*?\)\)|\d+);/, '');
      expect((await execa('/bin/sh', ['-c', run], { all: true })).all).toBe('');
    }
    const said = (await readFile(join(root, 'said'), 'utf8')).trimEnd().split('\n');
    const call = (verb: string) => ['--config', configFile, verb, 'shop', 'by the environment'];
    expect(said).toEqual([...call('backup'), ...call('status'), ...call('status')]);
  });

  test('through the command line: with the user, the time and the environment that were asked for', async () => {
    const machine = await host();
    const { stdout } = await machine.good(['schedule', '--cron', '--at', '03:17', '--user', 'backup']);
    expect(stdout).toMatch(/^17 3 \* \* \* {2}backup {2}sleep .*holdfast.* backup >\/dev\/null$/m);
    expect(stdout).toMatch(/^47 8 \* \* \* {2}backup {2}cd .* status\) \|\| echo "\$report"; \}$/m);
    expect(stdout).not.toContain('environment');
    const file = join(machine.folder, 'holdfast.yaml');
    await writeFile(
      file,
      `${await readFile(file, 'utf8')}\npromises: { drill_every: 30d, backup_every: 6h }\n`,
    );
    await writeFile(join(machine.folder, 'environment'), 'A=b\n');
    expect((await machine.good(['schedule', '--cron'])).stderr).toMatch(
      /backup: every 6 hours, from 0\d:\d\d on\n.*\n.*\nholdfast: note: drill: not in here/,
    );
    expect((await machine.good(['schedule', '--cron'])).stdout).toContain(
      `. ${machine.folder}/environment && `,
    );
  });
});

const SYSTEMD: SystemdFacts = {
  ...FACTS,
  user: 'root',
  environment: '/etc/holdfast/environment',
  stateDir: '/var/lib/holdfast',
  writes: ['/srv/backup'],
  mounts: ['/srv/backup', '/srv/shop'],
  readsFiles: true,
  hasHooks: false,
};

describe('systemd', () => {
  test.each<readonly [string, Partial<SystemdFacts>, number]>([
    ['daily', {}, 3],
    ['hourly, as somebody else', { everyHours: 1, user: 'daemon', readsFiles: false, writes: [] }, 2.5],
    ['weekly, of one set', { everyHours: 168, sets: ['shop'] }, 3],
    ['with odd paths', { stateDir: '/srv/100 % odd/"state"', environment: '/etc/a b' }, 3],
    ['with commands around it', { hasHooks: true }, 10],
  ])('takes the units, %s', async (_, facts, exposure) => {
    const folder = await tempFolder('units');
    const all = { ...SYSTEMD, ...facts };
    const units = systemdUnits(all, planJobs(all));
    for (const { name, text } of units) await writeFile(join(folder, name), text);
    const paths = units.map(({ name }) => join(folder, name));
    const { all: said } = await execa(locateOrThrow('systemd-analyze'), ['verify', ...paths], { all: true });
    expect(said).toBe('');
    const security = ['security', '--offline=true', join(folder, 'holdfast-backup.service')];
    const { stdout } = await execa(locateOrThrow('systemd-analyze'), security);
    const [, level = '99'] = /Overall exposure level .*?: ([\d.]+)/.exec(stdout) ?? [];
    expect(Number(level)).toBeLessThanOrEqual(exposure);
  });

  test('starts the program with its words as they are', async () => {
    const folder = await tempFolder('units');
    const program = join(folder, 'it is 100 % $HOME');
    await writeFile(program, '#!/bin/sh\n');
    await chmod(program, 0o755);
    const facts = { ...SYSTEMD, program };
    const units = systemdUnits(facts, planJobs(facts));
    for (const { name, text } of units) await writeFile(join(folder, name), text);
    const paths = units.map(({ name }) => join(folder, name));
    // It says so when what it would start is not there.
    const { all } = await execa(locateOrThrow('systemd-analyze'), ['verify', ...paths], { all: true });
    expect(all).toBe('');
  });

  test('through the command line: into a folder, and printed with the name of each', async () => {
    const machine = await host();
    const wrote = await machine.good(['schedule', '--systemd', '-o', 'units', '--user', 'daemon']);
    expect(wrote.stdout).toContain('systemctl enable --now holdfast-backup.timer');
    const service = await readFile(join(machine.folder, 'units/holdfast-backup.service'), 'utf8');
    expect(service).toContain(`ReadWritePaths=${machine.folder}/state\n`);
    expect(service).toMatch(/^User=daemon$/m);
    const { stdout } = await machine.good(['schedule', '--systemd', 'shop']);
    expect(stdout.match(/^# \/etc\/systemd\/system\/holdfast-\w+\.(service|timer)$/gm)).toHaveLength(6);
    expect(stdout).toMatch(/^ExecStart=.* backup shop$/m);
  });
});

/** Two monitors: figures in a folder, and a ping whose address is in a file. */
async function withMonitors(machine: Host): Promise<void> {
  const file = join(machine.folder, 'holdfast.yaml');
  const monitors =
    '\nmonitors:\n  - { kind: metrics, path: /srv/figures/x.prom }\n  - { kind: ping, url_file: ping.url }\n';
  await writeFile(file, (await readFile(file, 'utf8')) + monitors);
}

test('what monitors need is within reach: the folder of figures, the file with an address', async () => {
  const machine = await host();
  await withMonitors(machine);
  const { stdout } = await machine.good(['schedule', '--systemd']);
  expect(stdout).toContain('ReadWritePaths=/srv/figures\n');
});

describe('Kubernetes', () => {
  test('the address of a monitor comes along', async () => {
    const machine = await podHost();
    await withMonitors(machine);
    const { stdout } = await machine.good(['schedule', '--kubernetes']);
    expect(stdout).toMatch(/--from-file=\S+=ping\.url\b/);
  });

  async function podHost(): Promise<Host> {
    const machine = await host();
    const file = join(machine.folder, 'holdfast.yaml');
    const text = (await readFile(file, 'utf8')).replace(/^state_dir: .*$/m, 'state_dir: /var/lib/holdfast');
    await writeFile(file, text);
    return machine;
  }

  test('manifests have the form that Kubernetes demands', async () => {
    const machine = await podHost();
    const { stdout } = await machine.good([
      'schedule',
      '--kubernetes',
      '--namespace',
      'shop',
      '--at',
      '03:17',
    ]);
    const [claim, ...jobs] = parseAllDocuments(stdout).map((document) => document.toJSON() as never);
    new PersistentVolumeClaim(claim).validate();
    const made = jobs.map((one) => new CronJob(one));
    expect(made).toHaveLength(3);
    for (const job of made) {
      job.validate();
      expect(job).toMatchObject({ metadata: { namespace: 'shop' } });
      expect(job.spec).toMatchObject({ concurrencyPolicy: 'Forbid', startingDeadlineSeconds: 21_600 });
      const pod = job.spec.jobTemplate.spec?.template.spec;
      expect(pod).toMatchObject({
        restartPolicy: 'Never',
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      });
      expect(pod?.containers[0]?.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      const mounts = pod?.containers[0]?.volumeMounts?.map(({ name }) => name);
      expect(mounts).toEqual(pod?.volumes?.map(({ name }) => name));
    }
    expect(made[0]).toMatchObject({ spec: { schedule: '17 3 * * *' } });
    const broken = new CronJob({ spec: { schedule: 3 } } as never);
    expect(() => broken.validate()).toThrow();
  });

  test('no manifest holds a key or a password', async () => {
    const machine = await podHost();
    const file = join(machine.folder, 'holdfast.yaml');
    const text = (await readFile(file, 'utf8'))
      .replace('source: sqlite', 'source: postgres')
      .replace(/path: .*/, 'url: postgres://u:hunter2@db/shop');
    await writeFile(file, text, { mode: 0o600 });
    for (const kind of ['--kubernetes', '--systemd', '--cron']) {
      const { stdout, stderr } = await machine.good(['schedule', kind]);
      expect(stdout + stderr).not.toMatch(/hunter2|PRIVATE KEY/);
    }
  });

  test('what a pod cannot have is said', async () => {
    const machine = await host();
    const inside = { exit: 2, error: /state lies below .*which a pod can only read/, hint: /state_dir/ };
    expectComplaint(await machine.run(['schedule', '--kubernetes']), inside);
    const other = await podHost();
    const file = join(other.folder, 'holdfast.yaml');
    await writeFile(join(await tempFolder('else'), 'x.asc'), '');
    const text = (await readFile(file, 'utf8')).replace(/^signing_key: .*$/m, 'signing_key: /srv/host.key');
    await writeFile(file, text);
    const outside = { exit: 2, error: /\/srv\/host\.key does not lie below/, hint: /beside holdfast\.yaml/ };
    expectComplaint(await other.run(['schedule', '--kubernetes']), outside);
  });
});

test('what lies where a file goes is replaced only when schedule has written it', async () => {
  const machine = await host();
  const file = join(machine.folder, 'holdfast.yaml');
  const config = (await readFile(file, 'utf8')).replace(/^state_dir: .*$/m, 'state_dir: /var/lib/holdfast');
  await writeFile(file, config);
  await machine.good(['schedule', '--kubernetes', '-o', '.']);
  await machine.good(['schedule', '--kubernetes', '-o', '.', '--at', '03:17']);
  expect(await readFile(join(machine.folder, 'holdfast-cronjobs.yaml'), 'utf8')).toContain('17 3 * * *');
  expect(await readFile(file, 'utf8')).toBe(config);
  await writeFile(join(machine.folder, 'holdfast'), '#!/bin/sh\nexec true\n');
  expectComplaint(await machine.run(['schedule', '--cron', '-o', '.']), {
    exit: 6,
    error: /holdfast is there already/,
    hint: /another folder/,
  });
  expect(await readFile(join(machine.folder, 'holdfast'), 'utf8')).toContain('exec true');
});

test('one of the three, on a machine that backs up', async () => {
  const machine = await host();
  for (const flags of [[], ['--cron', '--systemd']])
    expectComplaint(await machine.run(['schedule', ...flags]), {
      exit: 2,
      error: /one of --cron/,
      hint: /--systemd/,
    });
  expectComplaint(await machine.run(['schedule', '--cron', '--at', '25:00']), {
    exit: 2,
    error: /HH:MM/,
    hint: /./,
  });
  const reader = await machine.reader();
  expectComplaint(await reader.run(['schedule', '--cron']), { exit: 2, error: /signing_key/, hint: /./ });
});
