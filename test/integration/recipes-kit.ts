/** What the tests of pages share: the commands of a page, and a machine in a folder on which to run them. */
import { appendFile, cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { execa } from 'execa';
import { onTestFinished } from 'vitest';
import { HOLDFAST } from '../services/cli.ts';
import { locate, locateOrThrow } from '../services/packages.ts';
import type { PostgresAccess } from '../services/postgres.ts';
import { runTool } from '../services/processes.ts';
import { tempFolder } from '../services/temp.ts';
import { useS3 } from '../services/use.ts';

export const PROJECT = join(import.meta.dirname, '../..');

/** The fenced blocks of a page that are in this language, in their order. */
export function codeBlocks(page: string, language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm');
  return [...page.matchAll(fence)].map(([, code = '']) => code);
}

/** What stands on a page for something that the reader replaces by their own. */
export type Replacements = Readonly<Record<string, string>>;

/** A folder that stands for the root of a machine; `holdfast` is installed there. */
export interface Machine {
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
  /** A place on this machine: `/etc/holdfast` and the like. */
  at(path: string): string;
  /** The text as the reader of a page would type it here: paths below this root, placeholders replaced. */
  fit(text: string): string;
  /** Puts a copy of a folder here, its files as the reader would edit them. */
  install(folder: string, to: string): Promise<void>;
  /** Runs commands in one shell that stops at the first error; then this throws. Returns stdout. */
  sh(commands: string, cwd: string): Promise<string>;
  /** Runs the lines of a crontab for /etc/cron.d, one after another, and returns what each would have mailed. */
  cron(file: string): Promise<string[]>;
}

const FOLDERS = ['etc/cron.d', 'srv/shop', 'srv/blog', 'srv/backup', 'media/usb', 'usr/local/bin', 'home'];
/** An absolute path below one of these folders, at the start of a word or in a file URL. */
const PLACES = /(^|[\s=:"'(]|file:\/\/)\/(etc|srv|media|usr\/local)(?=\/)/gm;

/** @param more - further variables of the user's environment */
export async function newMachine(
  replacements: Replacements = {},
  more: Readonly<Record<string, string>> = {},
): Promise<Machine> {
  const root = await tempFolder('machine');
  await Promise.all(FOLDERS.map((folder) => mkdir(join(root, folder), { recursive: true })));
  const bin = join(root, 'usr/local/bin');
  await symlink(HOLDFAST, join(bin, 'holdfast'));
  await symlink(process.execPath, join(bin, 'node'));
  const env = {
    PATH: [bin, process.env['PATH'] ?? ''].join(delimiter),
    HOME: join(root, 'home'),
    LANG: 'C.UTF-8',
    AWS_EC2_METADATA_DISABLED: 'true',
    ...more,
  };
  const fit = (text: string) =>
    Object.entries(replacements)
      .reduce((fitted, [placeholder, value]) => fitted.replaceAll(placeholder, value), text)
      .replace(PLACES, `$1${root}/$2`);
  return {
    root,
    env,
    at: (path) => join(root, path),
    fit,
    install: (folder, to) => install(folder, join(root, to), fit),
    sh: (commands, cwd) => sh(fit(commands), cwd, env),
    cron: async (file) => runCron(await readFile(join(root, file), 'utf8'), env),
  };
}

/** Ends the gpg-agent that commands have started for this machine's home. */
export async function stopAgent({ env }: Machine): Promise<void> {
  const gpgconf = locate('gpgconf');
  if (gpgconf !== undefined)
    await execa(gpgconf, ['--kill', 'all'], { env, extendEnv: false, reject: false });
}

async function install(folder: string, to: string, fit: (text: string) => string): Promise<void> {
  await cp(folder, to, { recursive: true });
  for (const name of await readdir(to)) {
    await writeFile(join(to, name), fit(await readFile(join(to, name), 'utf8')));
  }
}

async function sh(commands: string, cwd: string, env: Readonly<Record<string, string>>): Promise<string> {
  const result = await execa('/bin/sh', ['-eu', '-c', commands], {
    cwd,
    env,
    extendEnv: false,
    reject: false,
  });
  if (result.exitCode === 0) return result.stdout;
  throw new Error(
    `exit code ${String(result.exitCode)}\n${result.stdout}\n${result.stderr}\n--- of:\n${commands}`,
  );
}

/** As cron does it: nothing from the user's environment but HOME, and the variables that the file sets. */
async function runCron(crontab: string, { HOME = '' }: Readonly<Record<string, string>>): Promise<string[]> {
  const lines = crontab.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const settings = lines.flatMap((line) =>
    [...line.matchAll(/^(\w+)=(.*)$/g)].map(([, name = '', value = '']) => [name, value]),
  );
  const env = { HOME, LOGNAME: 'root', ...(Object.fromEntries(settings) as Record<string, string>) };
  const timed = lines.flatMap((line) => /^(?:[\d*/,-]+ +){5}\w+ +(.+)$/.exec(line)?.[1] ?? []);
  const commands = timed.map((command) => command.replaceAll('\\%', '%'));
  const mails: string[] = [];
  for (const command of commands) {
    const { all } = await execa('/bin/sh', ['-c', command], {
      cwd: HOME,
      env,
      extendEnv: false,
      reject: false,
      all: true,
    });
    mails.push(all);
  }
  return mails;
}

const SHOP = `
  CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text UNIQUE, about jsonb);
  CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users, cents int, note text);
  CREATE VIEW revenue AS SELECT user_id, sum(cents) FROM orders GROUP BY 1;
  INSERT INTO users (email, about) SELECT 'u' || i || '@example.com', jsonb_build_object('n', i) FROM generate_series(1, 3000) i;
  INSERT INTO orders SELECT i, 1 + i % 3000, i % 977, E'tab\\tline\\nü' || i FROM generate_series(1, 20000) i;`;

export interface Shop {
  readonly original: string;
  readonly restored: string;
  readonly replacements: Replacements;
}

/** A shop on the test server, and what the reader of a page would write for it. */
export async function makeShop(postgres: PostgresAccess): Promise<Shop> {
  const original = await postgres.createDatabase('shop');
  await postgres.psql(original, SHOP);
  const name = new URL(original).pathname.slice(1);
  const restored = postgres.url(`${name}_restored`);
  const role = `backup_${name}`;
  onTestFinished(async () => {
    await postgres.dropDatabase(restored);
    await postgres.dropDatabase(original);
    await postgres.psql(postgres.url(), `DROP ROLE IF EXISTS "${role}";`);
  });
  const server = `${postgres.host}:${postgres.port}`;
  return {
    original,
    restored,
    replacements: {
      'postgres@db.example.com:5432/shop_restored': `${postgres.user}@${server}/${name}_restored`,
      'db.example.com:5432/shop': `${server}/${name}`,
      holdfast_backup: role,
    },
  };
}

/** The password of the server's superuser, where the pages want it. */
export async function writePassfile(machine: Machine, { user, password }: PostgresAccess): Promise<void> {
  await appendFile(machine.at('home/.pgpass'), `*:*:*:${user}:${password}\n`, { mode: 0o600 });
}

/** The whole database as SQL, without what differs from run to run. */
export async function dumpOf(url: string): Promise<string> {
  const text = await runTool(join(dirname(locateOrThrow('postgres')), 'pg_dump'), [`--dbname=${url}`]);
  return text.replace(/^\\(un)?restrict .*$/gm, '');
}

/** A bucket on the test server, and what the reader of a page would write for it. */
export async function makeBucket(): Promise<Replacements> {
  const s3 = await useS3();
  const bucket = await s3.createBucket('recipe', { versioned: true });
  return {
    's3://acme-backups/prod': `s3://${bucket}/prod`,
    'ca-central-1': s3.region,
    'https://s3.example.com': s3.endpoint,
    'your-key-id': s3.credentials.accessKeyId,
    'your-secret': s3.credentials.secretAccessKey,
  };
}
