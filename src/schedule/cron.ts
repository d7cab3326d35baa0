/** A file for /etc/cron.d (crontab(5)): what a line prints is mailed, so lines are silent while all is well. */
import { dirname } from 'node:path';
import { shellWord } from '../shell-word.ts';
import { saidCalendar } from './plan.ts';
import type { Calendar, Job, ScheduleFacts } from './plan.ts';

export interface CronFacts extends ScheduleFacts {
  readonly user: string;
  /** A file of `NAME='value'` that is read first. */
  readonly environment?: string | undefined;
}

/** Waits after the start of the machine, until the network and the database are there. */
const AFTER_BOOT_SECONDS = 300;

export function cronText(facts: CronFacts, jobs: readonly Job[]): string {
  return [
    '# /etc/cron.d/holdfast, as `holdfast schedule --cron` writes it. What a line prints is mailed to MAILTO.',
    'SHELL=/bin/sh',
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'MAILTO=root',
    ...jobs.flatMap((job) => ['', ...linesOf(facts, job)]),
    '',
  ].join('\n');
}

function linesOf(facts: CronFacts, job: Job): string[] {
  const line = (when: string, command: string) => `${when}  ${facts.user}  ${command.replaceAll('%', '\\%')}`;
  const timed = line(cronTime(job.when), `${waiting(job.jitterSeconds)}${commandOf(facts, job)}`);
  if (job.name === 'status') return [`# ${job.what}: ${saidCalendar(job.when)}.`, timed];
  if (job.name !== 'backup') return [`# ${job.what}: ${saidCalendar(job.when)}.`, timed];
  const status = { ...job, args: ['status', ...facts.sets] };
  return [
    `# ${job.what}: ${saidCalendar(job.when)}, and up to ${Math.ceil(job.jitterSeconds / 60)} minutes later, so that not all hosts come at once.`,
    '# While one still runs, the next one ends at once with exit code 11, and says so.',
    timed,
    '# What was missed while the machine was off is made up for.',
    line(
      '@reboot',
      `sleep ${AFTER_BOOT_SECONDS}; ${inFolder(facts)}{ ${call(facts, status)} >/dev/null 2>&1 || ${call(facts, job)} >/dev/null; }`,
    ),
  ];
}

function commandOf(facts: CronFacts, job: Job): string {
  const run = call(facts, job);
  return job.name === 'status'
    ? `${inFolder(facts)}{ report=$(${run}) || echo "$report"; }`
    : `${inFolder(facts)}${run} >/dev/null`;
}

/** Where there is an environment, its variables are exported, whether they say so or not. */
function inFolder({ configFile, environment }: CronFacts): string {
  const read = environment === undefined ? '' : `set -a && . ${shellWord(environment)} && set +a && `;
  return `cd ${shellWord(dirname(configFile))} && ${read}`;
}

function call({ program, configFile }: CronFacts, { args }: Pick<Job, 'args'>): string {
  return [program, '--config', configFile, ...args].map(shellWord).join(' ');
}

/** A shell has no random numbers; the kernel has. */
function waiting(seconds: number): string {
  return seconds === 0 ? '' : `sleep $(($(od -An -N2 -tu2 /dev/urandom) % ${seconds})); `;
}

export function cronTime({ everyHours, hour, minute }: Calendar): string {
  if (everyHours === 1) return `${minute} * * * *`;
  if (everyHours < 24) return `${minute} ${hour}-23/${everyHours} * * *`;
  return `${minute} ${hour} * * ${everyHours === 24 ? '*' : '0'}`;
}

/** How long a script of another scheduler waits: the same, for whoever starts it without a shell of cron. */
export function waitingScript(seconds: number, command: readonly string[]): string {
  return `${waiting(seconds)}exec ${command.map(shellWord).join(' ')}`;
}
