/**
 * holdfast.yaml as a zod schema: which keys there are and what one value alone must look like. What several
 * values must be together is in rules.ts, so that one wrong value does not hide another.
 */
import * as z from 'zod';
import { HoldfastError } from '../errors.ts';
import type { KeepClass } from '../repository/keep.ts';
import { patternProblem } from '../sources/patterns.ts';
import type { Checksum } from '../stores/s3-settings.ts';
import { checkSchema } from './checks.ts';
import { splitCommand } from './command.ts';
import { parseDays, parseHours, parseSeconds } from './duration.ts';
import { monitorSchema } from './monitors.ts';
import { NAME, NAME_RULE } from './names.ts';
import { storeUrlProblem } from './store-url.ts';

const text = z.string().min(1).max(4096);
const path = text;
const paths = z.array(path).max(100);
const name = z.string().regex(NAME, NAME_RULE);
const days = checked((value) => void parseDays(value));
const hours = checked((value) => void parseHours(value));
const seconds = checked((value) => void parseSeconds(value));
const pattern = problemFree((value) => {
  const problem = patternProblem(value);
  return problem === undefined ? undefined : `the pattern ${problem}`;
});
const commandLine = checked((value) => void splitCommand(value));

/** One line without a shell, or its arguments one by one. */
const command = z.union([commandLine, z.array(text).min(1).max(100)]);

const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable');

const monitor = monitorSchema({ text, seconds, name, variable, command });

const check = checkSchema({ text, hours, pattern, command: commandLine });

/** `keep: 30d`, or a life for each class of the calendar. */
const keepMap = z.strictObject({
  daily: days.optional(),
  weekly: days.optional(),
  monthly: days.optional(),
  yearly: days.optional(),
} satisfies Record<KeepClass['name'], unknown>);

const objectLock = z.strictObject({
  mode: z.enum(['compliance', 'governance']),
  manifests: days.optional(),
});

const s3 = z.strictObject({
  acl: z.enum(['bucket-owner-full-control']).optional(),
  region: text.optional(),
  endpoint: problemFree((value) =>
    /^https?:\/\/[^\s/@]+\/?$/.test(value)
      ? undefined
      : 'must be https://host[:port] without a path or credentials',
  ).optional(),
  force_path_style: z.boolean().optional(),
  checksum: z.enum(['content-md5', 'sha256', 'crc32', 'none'] satisfies readonly Checksum[]).optional(),
  ca_file: path.optional(),
  profile: text.optional(),
});

const replica = z.strictObject({
  name,
  store: problemFree(storeUrlProblem),
  s3: s3.optional(),
});

const set = z.strictObject({
  source: z.enum(['postgres', 'sqlite', 'mysql', 'redis', 'files']),
  url: text.optional(),
  url_env: variable.optional(),
  url_file: path.optional(),
  url_command: command.optional(),
  path: path.optional(),
  exclude: z.array(pattern).max(1000).optional(),
  keep: z.union([days, keepMap]),
  full_every: days.optional(),
  subjects: path.optional(),
  writer: name.optional(),
  object_lock: objectLock.optional(),
  expire: z.enum(['auto', 'manual']).optional(),
  on_purged: z.enum(['refuse', 'warn', 'filter']).optional(),
  before: command.optional(),
  after: command.optional(),
  hook_timeout: seconds.optional(),
  replicas: z.array(replica).max(16).optional(),
  checks: z.array(check).max(1000).optional(),
  broken_references: z.int().min(0).optional(),
});

const promises = z.strictObject({
  residency: z.array(text).min(1).max(100).optional(),
  erasure_within: days.optional(),
  drill_every: days.optional(),
  backup_every: hours.optional(),
  two_person: z.boolean().optional(),
});

/** The whole file. */
export const configSchema = z.strictObject({
  version: z.literal(1),
  store: problemFree(storeUrlProblem),
  s3: s3.optional(),
  recipients: paths.min(1),
  former_recipients: paths.optional(),
  signing_key: path.optional(),
  trusted_signers: paths.optional(),
  purge_signers: paths.optional(),
  state_dir: path.optional(),
  compression: z.int().min(1).max(19).optional(),
  sets: z.record(name, set),
  promises: promises.optional(),
  monitors: z.array(monitor).max(50).optional(),
});

/** A valid file, with the names and units in which people write it. */
export type RawConfig = z.output<typeof configSchema>;
export type RawSet = z.output<typeof set>;
export type RawReplica = z.output<typeof replica>;

/** The keys that may stand at a path, for "did you mean". */
export function keysAt(path: readonly PropertyKey[]): readonly string[] {
  if (path.length === 0) return Object.keys(configSchema.shape);
  const [top, , key, , last] = path;
  if (top === 's3' && path.length === 1) return Object.keys(s3.shape);
  if (top === 'promises' && path.length === 1) return Object.keys(promises.shape);
  if (top === 'monitors' && path.length === 2) return Object.keys(monitor.shape);
  if (top !== 'sets') return [];
  if (path.length === 2) return Object.keys(set.shape);
  if (path.length === 3 && key === 'keep') return Object.keys(keepMap.shape);
  if (path.length === 3 && key === 'object_lock') return Object.keys(objectLock.shape);
  if (path.length === 4 && key === 'checks') return Object.keys(check.shape);
  if (path.length === 4 && key === 'replicas') return Object.keys(replica.shape);
  if (path.length === 5 && last === 's3') return Object.keys(s3.shape);
  return [];
}

/** A string for which `problem` finds nothing to say. */
function problemFree(problem: (value: string) => string | undefined): z.ZodString {
  return z
    .string()
    .max(4096)
    .superRefine((value, context) => {
      const message = problem(value);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    });
}

/** A string that a parser takes; what the parser throws is the problem, its hint the advice. */
function checked(parse: (value: string) => void): z.ZodString {
  return problemFree((value) => {
    try {
      parse(value);
      return undefined;
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      const advice = error.hint.charAt(0).toLowerCase() + error.hint.slice(1);
      return `${error.message}; ${advice.replace(/\.$/, '')}`;
    }
  });
}
