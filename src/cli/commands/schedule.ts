/** `holdfast schedule`: prints what makes backups run by themselves, for cron, systemd or Kubernetes. */
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join, resolve } from 'node:path';
import { hostname, userInfo } from 'node:os';
import { fileURLToPath } from 'node:url';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { setsOf, signingKeyOf } from '../../config/config.ts';
import type { Config, SetConfig } from '../../config/config.ts';
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { Clock, Job, ScheduleFacts } from '../../schedule/plan.ts';
import { VERSION } from '../../version.ts';
import type { CliContext } from '../context.ts';
import { withExamples } from '../program.ts';

interface ScheduleFlags {
  readonly cron?: boolean;
  readonly systemd?: boolean;
  readonly kubernetes?: boolean;
  readonly output?: string;
  readonly at?: Clock;
  readonly user?: string;
  readonly environment?: string;
  readonly program?: string;
  readonly image?: string;
  readonly namespace?: string;
}

const BACKUP_EVERY_HOURS = 24;

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('schedule')
    .argument('[SET...]', 'which sets; all when none is named')
    .description(
      'print units that back up by themselves: as often as promised, with jitter, never two at once',
    )
    .option('--cron', 'a file for /etc/cron.d')
    .option('--systemd', 'services and timers for /etc/systemd/system')
    .option('--kubernetes', 'CronJobs, and the claim for what the host remembers')
    .option('-o, --output <FOLDER>', 'write files there instead of printing them')
    .option(
      '--at <HH:MM>',
      'when, by the clock of the machine (default: at night, another minute on each host)',
      clock,
    )
    .option('--user <NAME>', 'who runs it (default: you)')
    .option(
      '--environment <FILE>',
      'variables that are read first (default: environment beside holdfast.yaml)',
    )
    .option('--program <PATH>', 'where holdfast is (default: as it was found here)')
    .option('--image <IMAGE>', 'Kubernetes: the image with holdfast in it')
    .option('--namespace <NAME>', 'Kubernetes: the namespace')
    .action((names: string[], flags: ScheduleFlags) => schedule(context, names, flags));
  withExamples(command, [
    ['holdfast schedule --cron > /etc/cron.d/holdfast', 'every night, and what was missed after a start'],
    [
      'holdfast schedule --systemd -o /etc/systemd/system',
      'then: systemctl enable --now holdfast-backup.timer',
    ],
    ['holdfast schedule --kubernetes shop --image registry.example.com/holdfast:1', 'for kubectl apply -f -'],
  ]);
}

interface ScheduledFile {
  readonly name: string;
  readonly text: string;
}

async function schedule(context: CliContext, names: readonly string[], flags: ScheduleFlags): Promise<void> {
  mustBeOne(flags);
  const { planJobs, saidCalendar } = await import('../../schedule/plan.ts');
  const config = await context.config();
  signingKeyOf(config);
  const sets = setsOf(config, names);
  const facts = await factsOf(context, config, names, sets, flags);
  const jobs = planJobs(facts);
  const files = await filesFor(config, sets, facts, jobs, flags);
  const { output } = context;
  if (flags.output !== undefined) await writeAll(flags.output, files);
  else if (!context.json) await output.write(printed(files));
  for (const { name, text } of files) {
    if (flags.output !== undefined) output.line(`wrote ${join(resolve(flags.output), name)}`);
    output.record({ type: 'file', name, text });
  }
  for (const { name, when } of jobs) output.note(`${name}: ${saidCalendar(when)}`);
  if (config.promises.drillEveryDays !== undefined)
    output.note('drill: not in here, since it needs a private key; start it where one is');
  if (flags.output !== undefined && flags.systemd === true)
    output.line(`To start them: systemctl daemon-reload && systemctl enable --now ${timersOf(jobs)}`);
  output.summary({ files: files.length, jobs: jobs.map(({ name }) => name) });
}

function mustBeOne({ cron, systemd, kubernetes }: ScheduleFlags): void {
  if ([cron, systemd, kubernetes].filter((one) => one === true).length === 1) return;
  throw new HoldfastError({
    code: 'USAGE',
    exit: 'usage',
    message: 'one of --cron, --systemd and --kubernetes has to be given',
    hint: 'Take the one that starts things on this machine: on most Linux servers --systemd.',
  });
}

function timersOf(jobs: readonly Job[]): string {
  return jobs.map(({ name }) => `holdfast-${name}.timer`).join(' ');
}

async function factsOf(
  { env }: CliContext,
  config: Config,
  names: readonly string[],
  sets: readonly SetConfig[],
  { at, program, kubernetes }: ScheduleFlags,
): Promise<ScheduleFacts> {
  const inPod = '/usr/local/bin/holdfast';
  return {
    program: program ?? (kubernetes === true ? inPod : await programOf(env)),
    configFile: config.file,
    sets: [...new Set(names)],
    everyHours: config.promises.backupEveryHours ?? BACKUP_EVERY_HOURS,
    seed: `${hostname()} ${config.file}`,
    ...(at !== undefined && { at }),
    expires: config.store.startsWith('file:') && sets.some(({ expire }) => expire === 'manual'),
  };
}

/** As a person would start it: the name on the PATH, and not what it leads to, which the next version replaces. */
async function programOf(env: NodeJS.ProcessEnv): Promise<string> {
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, 'holdfast');
    if (folder.startsWith('/') && (await isThere(path))) return path;
  }
  return resolve(process.argv[1] ?? 'holdfast');
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function filesFor(
  config: Config,
  sets: readonly SetConfig[],
  facts: ScheduleFacts,
  jobs: readonly Job[],
  flags: ScheduleFlags,
): Promise<ScheduledFile[]> {
  const environment = resolve(flags.environment ?? join(config.folder, 'environment'));
  const user = flags.user ?? userInfo().username;
  if (flags.cron === true) {
    const { cronText } = await import('../../schedule/cron.ts');
    const read = flags.environment !== undefined || (await isThere(environment)) ? environment : undefined;
    return [{ name: 'holdfast', text: cronText({ ...facts, user, environment: read }, jobs) }];
  }
  if (flags.systemd === true) {
    const { systemdUnits } = await import('../../schedule/systemd.ts');
    return systemdUnits({ ...facts, user, environment, ...surroundings(config, sets) }, jobs);
  }
  const { kubernetesText } = await import('../../schedule/kubernetes.ts');
  const { image = `holdfast:${VERSION}`, namespace } = flags;
  const pod = { image, namespace, ...podFacts(config, sets) };
  // Not `holdfast.yaml`: that is what a configuration is called.
  return [{ name: 'holdfast-cronjobs.yaml', text: kubernetesText({ ...facts, ...pod }, jobs) }];
}

function surroundings(config: Config, sets: readonly SetConfig[]) {
  const stores = [config.store, ...sets.flatMap(({ replicas }) => replicas.map(({ store }) => store))];
  const folders = stores.filter((url) => url.startsWith('file:')).map((url) => fileURLToPath(url));
  const databases = sets.flatMap((set) => (set.source === 'sqlite' ? [dirname(set.path)] : []));
  const trees = sets.flatMap((set) => (set.source === 'files' ? [set.path] : []));
  const metrics = config.monitors.flatMap((one) => (one.kind === 'metrics' ? [dirname(one.path)] : []));
  return {
    stateDir: config.stateDir,
    // SQLite keeps files beside a database while somebody reads it.
    writes: [...new Set([...folders, ...databases, ...metrics])],
    mounts: [...new Set([...folders, ...databases, ...trees])],
    readsFiles: databases.length + trees.length > 0,
    hasHooks: sets.some(({ hooks }) => hooks !== undefined),
  };
}

function podFacts(config: Config, sets: readonly SetConfig[]) {
  const maybe = [
    config.signingKey,
    config.s3.caFile,
    ...sets.flatMap(({ subjects, replicas }) => [subjects, ...replicas.map(({ s3 }) => s3.caFile)]),
  ];
  const connections = sets.flatMap((set) =>
    'connection' in set && set.connection.from === 'file' ? [set.connection.path] : [],
  );
  const monitors = config.monitors.flatMap((one) =>
    one.kind === 'metrics' ? [] : [one.caFile, one.address.from === 'file' ? one.address.path : undefined],
  );
  const { recipients, formerRecipients, trustedSigners, purgeSigners } = config;
  return {
    writer: (sets[0] ?? config.sets.values().next().value)?.writer ?? 'holdfast',
    stateDir: config.stateDir,
    files: [
      ...[...recipients, ...formerRecipients, ...trustedSigners, ...purgeSigners, ...connections],
      ...[...maybe, ...monitors].filter((path) => path !== undefined),
    ],
    storeFolder: config.store.startsWith('file:') ? fileURLToPath(config.store) : undefined,
    data: sets.flatMap((set) => {
      if (set.source === 'sqlite') return [{ set: set.name, folder: dirname(set.path), written: true }];
      return set.source === 'files' ? [{ set: set.name, folder: set.path, written: false }] : [];
    }),
  };
}

/** One after another, each below its name where there are several. */
function printed(files: readonly ScheduledFile[]): string {
  const [only] = files;
  if (only !== undefined && files.length === 1) return only.text;
  return files.map(({ name, text }) => `# /etc/systemd/system/${name}\n${text}`).join('\n');
}

async function writeAll(folder: string, files: readonly ScheduledFile[]): Promise<void> {
  for (const file of files) await mustBeOurs(join(resolve(folder), file.name), file);
  try {
    await mkdir(resolve(folder), { recursive: true });
    for (const { name, text } of files) await writeFile(join(resolve(folder), name), text, { mode: 0o644 });
  } catch (error) {
    throw new HoldfastError({
      code: 'SCHEDULE_NOT_WRITTEN',
      exit: 'failed',
      message: `cannot write into ${folder}: ${reasonOf(error)}`,
      hint: 'Run it as a user who may, or print it and put it there by other means.',
      cause: error,
    });
  }
}

/** Units are written again and again; a program or a configuration that happens to have the name is not. */
async function mustBeOurs(path: string, { text }: ScheduledFile): Promise<void> {
  const [first = ''] = text.split('\n', 1);
  const there = await readFile(path, 'latin1').catch(() => undefined);
  if (there === undefined || there === '' || there.startsWith(`${first}\n`)) return;
  throw new HoldfastError({
    code: 'SCHEDULE_TAKEN',
    exit: 'target',
    message: `${path} is there already, and is nothing that schedule has written`,
    hint: 'Name another folder with -o FOLDER, or move that file away.',
  });
}

/** Parser of `--at`. */
function clock(text: string): Clock {
  const [, hour, minute] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text) ?? [];
  if (hour === undefined || minute === undefined) throw new InvalidArgumentError('It is HH:MM, as in 03:17.');
  return { hour: Number(hour), minute: Number(minute) };
}
