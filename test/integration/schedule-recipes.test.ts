/**
 * Goal: what `holdfast schedule` writes does back up where it is put: the recipes for cron, systemd and Kubernetes, followed as
 * they stand, and then what these would start, started as they would.
 */
import { appendFile, chmod, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { openShop } from '../demo/shop.ts';
import { locateOrThrow } from '../services/packages.ts';
import { usePostgres } from '../services/use.ts';
import {
  PROJECT,
  codeBlocks,
  dumpOf,
  makeBucket,
  makeShop,
  newMachine,
  writePassfile,
} from './recipes-kit.ts';
import type { Machine } from './recipes-kit.ts';

const KEY = 'media/usb/ops.key';

/** Programs that stand for those of a real machine: nobody waits, and what is asked of them is written down. */
async function standIns(machine: Machine, programs: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, script] of Object.entries({ sleep: 'exit 0', ...programs })) {
    const file = machine.at(`usr/local/bin/${name}`);
    await writeFile(file, `#!/bin/sh\n${script}\n`);
    await chmod(file, 0o755);
  }
}

/** Follows the page of a recipe from its first command to its last, or to the one before `until`. */
async function follow(recipe: string, machine: Machine, until?: RegExp): Promise<string> {
  const folder = join(PROJECT, 'recipes', recipe);
  await machine.install(folder, 'recipe');
  const blocks = codeBlocks(await readFile(join(folder, 'README.md'), 'utf8'), 'sh');
  const last = blocks.findIndex((block) => until?.test(block));
  return machine.sh(blocks.slice(0, last === -1 ? undefined : last).join(''), machine.at('recipe'));
}

async function snapshotsOf(machine: Machine): Promise<number> {
  const listed = await machine.sh(
    'set -a; if [ -f environment ]; then . ./environment; fi; holdfast snapshots --json',
    machine.at('etc/holdfast'),
  );
  return (listed.match(/"type":"snapshot"/g) ?? []).length;
}

test('recipe cron-daily: silent nights, and a start after a missed one', async () => {
  const machine = await newMachine();
  await standIns(machine, {});
  for (const name of ['shop', 'blog']) openShop(machine.at(`srv/${name}/${name}.db`));
  await follow('cron-daily', machine);
  await rename(machine.at(KEY), machine.at('ops.key'));
  expect(await snapshotsOf(machine)).toBe(2);
  const file = machine.at('etc/cron.d/holdfast');
  const written = await readFile(file, 'utf8');
  // Where programs of this machine are, the stand-ins among them.
  await writeFile(file, written.replace(/^PATH=/m, `PATH=${machine.at('usr/local/bin')}:`));
  const [backup, status, ...more] = await machine.cron('etc/cron.d/holdfast');
  expect([backup, status, more]).toEqual(['', '', []]);
  expect(await snapshotsOf(machine)).toBe(4);

  const crontab = await readFile(machine.at('etc/cron.d/holdfast'), 'utf8');
  const [, boot = ''] = /^@reboot +root +(.*)$/m.exec(crontab) ?? [];
  const env = { HOME: machine.at('home'), PATH: machine.env['PATH'] ?? '' };
  const started = () => execa('/bin/sh', ['-c', boot], { env, extendEnv: false, cwd: '/', all: true });
  // Nothing was missed: nothing is done.
  expect((await started()).all).toBe('');
  expect(await snapshotsOf(machine)).toBe(4);
  const config = machine.at('etc/holdfast/holdfast.yaml');
  const late = '\n  other: { source: sqlite, path: /srv/shop/shop.db, keep: 30d }\n';
  await writeFile(
    config,
    (await readFile(config, 'utf8')).replace('\nsets:\n', `\nsets:${machine.fit(late)}`),
  );
  const [, complaint] = [await started(), (await machine.cron('etc/cron.d/holdfast'))[1]];
  expect(complaint).toBe('');
  expect(await snapshotsOf(machine)).toBe(10);
});

test('recipe systemd-timer: units that systemd takes, and that back up with what they say', async () => {
  const machine = await newMachine();
  await standIns(machine, { systemctl: `echo "$@" >>"$(dirname "$0")/../../systemctl.log"` });
  await mkdir(machine.at('etc/systemd/system'), { recursive: true });
  openShop(machine.at('srv/shop/shop.db'));
  await follow('systemd-timer', machine);
  await rename(machine.at(KEY), machine.at('ops.key'));
  expect(await readFile(machine.at('usr/systemctl.log'), 'utf8')).toMatch(
    /^daemon-reload\nenable --now holdfast-backup\.timer holdfast-status\.timer holdfast-expire\.timer\n$/,
  );
  const units = machine.at('etc/systemd/system');
  const names = (await readdir(units)).sort();
  expect(names).toEqual(
    ['backup', 'expire', 'status'].flatMap((job) => [`holdfast-${job}.service`, `holdfast-${job}.timer`]),
  );
  const verified = await execa(
    locateOrThrow('systemd-analyze'),
    ['verify', ...names.map((name) => join(units, name))],
    { all: true },
  );
  expect(verified.all).toBe('');

  await appendFile(machine.at('etc/holdfast/environment'), 'HOLDFAST_CONFIG=/nowhere\n');
  const before = await snapshotsOf({ ...machine, sh: withoutEnvironment(machine) });
  for (const job of ['backup', 'status', 'expire']) {
    const service = await readFile(join(units, `holdfast-${job}.service`), 'utf8');
    const of = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(service)?.[1] ?? '';
    expect(of('ExecStart').startsWith(machine.at('usr/local/bin/holdfast'))).toBe(true);
    // Words without anything special: systemd takes them apart as a shell does.
    const run = `set -a; . ${of('EnvironmentFile').replace(/^-/, '')}; set +a; exec ${of('ExecStart')}`;
    const env = { HOME: machine.at('home'), PATH: machine.env['PATH'] ?? '' };
    await execa('/bin/sh', ['-c', run], { cwd: of('WorkingDirectory'), env, extendEnv: false });
    for (const [, folder = ''] of service.matchAll(/^ReadWritePaths=(.*)$/gm))
      expect(folder.startsWith(machine.root)).toBe(true);
  }
  expect(await snapshotsOf({ ...machine, sh: withoutEnvironment(machine) })).toBe(before + 1);
});

function withoutEnvironment(machine: Machine): Machine['sh'] {
  return (_commands, cwd) => machine.sh('holdfast snapshots --json', cwd);
}

const KUBECTL = `
root=$(dirname "$0")/../../../cluster
mkdir -p "$root"
case "$1 $2 $3" in
'create secret generic')
  secret=$root/$4; mkdir -p "$secret"; shift 4
  for each; do
    case $each in
    --from-file=*) pair=\${each#--from-file=}; cp "\${pair#*=}" "$secret/\${pair%%=*}" ;;
    --from-env-file=*) cp "\${each#--from-env-file=}" "$secret/.env" ;;
    esac
  done ;;
'apply -f cronjob.yaml') cp cronjob.yaml "$root" ;;
'create job --from=cronjob/holdfast-backup') echo "$4" >"$root/job" ;;
*) echo "kubectl $*: not here" >&2; exit 1 ;;
esac`;

interface Pod {
  readonly containers: readonly { readonly command: readonly string[] }[];
  readonly volumes: readonly {
    readonly name: string;
    readonly secret?: { readonly items: readonly { readonly key: string; readonly path: string }[] };
  }[];
}

test('recipe kubernetes-cronjob: the pod has what it needs, and nothing else', async () => {
  const postgres = await usePostgres();
  const shop = await makeShop(postgres);
  const machine = await newMachine({ ...shop.replacements, ...(await makeBucket()) });
  await writePassfile(machine, postgres);
  await standIns(machine, { kubectl: KUBECTL });
  const [grant = ''] = codeBlocks(
    await readFile(join(PROJECT, 'recipes/postgres-to-s3/README.md'), 'utf8'),
    'sql',
  );
  await postgres.psql(shop.original, machine.fit(grant));
  await follow('kubernetes-cronjob', machine, /holdfast restore/);

  const cluster = machine.at('cluster');
  const documents = parseAllDocuments(await readFile(join(cluster, 'cronjob.yaml'), 'utf8'));
  const pods = documents.flatMap((document) => {
    const pod = document.getIn(['spec', 'jobTemplate', 'spec', 'template', 'spec']);
    return pod === undefined ? [] : [(pod as { toJSON(): Pod }).toJSON()];
  });
  expect(pods).toHaveLength(2);

  // A node that never saw the configuration: it has the secrets, and an empty claim.
  await rename(machine.at('etc/holdfast'), machine.at('home/on-my-machine'));
  await mkdir(machine.at('srv/holdfast'), { recursive: true });
  const variables = Object.fromEntries(
    (await readFile(join(cluster, 'holdfast-environment/.env'), 'utf8'))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  for (const { containers, volumes } of pods) {
    const secret = volumes.find(({ name }) => name === 'config')?.secret;
    for (const { key, path } of secret?.items ?? []) {
      const file = join(machine.at('etc/holdfast'), path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, await readFile(join(cluster, 'holdfast', key)));
    }
    const [program = '', ...args] = (containers[0]?.command ?? []).map((word) => machine.fit(word));
    const env = { ...variables, HOME: machine.at('srv'), PATH: machine.env['PATH'] ?? '' };
    await execa(program, args, { env, extendEnv: false, cwd: '/' });
    await rm(machine.at('etc/holdfast'), { recursive: true });
  }

  await rename(machine.at('home/on-my-machine'), machine.at('etc/holdfast'));
  const page = await readFile(join(PROJECT, 'recipes/kubernetes-cronjob/README.md'), 'utf8');
  const restore = codeBlocks(page, 'sh').at(-1) ?? '';
  await machine.sh(`set -a; . ./environment; ${restore}`, machine.at('etc/holdfast'));
  expect(await dumpOf(shop.restored)).toBe(await dumpOf(shop.original));
  expect(await snapshotsOf(machine)).toBe(1);
});
