/**
 * `npm run demo`: a shop's database is backed up on three days, damaged, brought back and compared, with every command
 * as the user would type it. Leaves a folder to explore.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { comparison, digestsOf } from './compare.ts';
import type { NamedDigests, TableDigest } from './compare.ts';
import { claimFolder, FolderRefused, recordMade } from './folder.ts';
import { readme } from './readme.ts';
import { ACCIDENT, accident, aDayOfBusiness, openShop, searchReviews } from './shop.ts';
import { CommandFailed, Stage } from './stage.ts';

const PROJECT = join(import.meta.dirname, '../..');
const KEY = 'usb-stick/ops.key';

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  try {
    const folder = folderFrom(args);
    claimFolder(folder);
    process.once('SIGINT', () => {
      recordMade(folder);
      process.exit(130);
    });
    try {
      await demo(folder);
    } finally {
      recordMade(folder);
    }
    return 0;
  } catch (error) {
    return explain(error);
  }
}

function folderFrom(args: readonly string[]): string {
  const { values } = parseArgs({ args: [...args], options: { to: { type: 'string' } } });
  // npm changes the folder; this is where the user was.
  const here = process.env['INIT_CWD'] ?? process.cwd();
  return values.to === undefined ? join(PROJECT, 'demo-folder') : resolve(here, values.to);
}

function explain(error: unknown): number {
  const known =
    error instanceof FolderRefused || error instanceof CommandFailed || error instanceof TypeError;
  if (!known) throw error;
  process.stderr.write(`demo: ${error.message}\n`);
  if (error instanceof FolderRefused) {
    process.stderr.write('demo: remove it yourself, or name another folder: npm run demo -- --to FOLDER\n');
  }
  return error instanceof CommandFailed ? 1 : 2;
}

async function demo(folder: string): Promise<void> {
  const startedMs = performance.now();
  const stage = new Stage(folder, commandEnvironment());
  const shop = join(folder, 'shop.db');

  openTheShop(stage, folder, shop);
  await setUp(stage);
  const dayTwo = await threeDays(stage, shop);
  await look(stage);
  await bringBack(stage, folder, shop, dayTwo);
  await withoutHoldfast(stage);
  sayGoodbye(stage, folder, (performance.now() - startedMs) / 1000);
}

/** The user's own environment, without what would lead the demo elsewhere. */
function commandEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('HOLDFAST_')));
}

function openTheShop(stage: Stage, folder: string, shop: string): void {
  stage.chapter('A shop with a database');
  openShop(shop);
  mkdirSync(join(folder, 'usb-stick'), { mode: 0o700 });
  mkdirSync(join(folder, 'bin'));
  symlinkSync(join(PROJECT, 'bin/holdfast.js'), join(folder, 'bin/holdfast'));
  const tables = [...digestsOf(shop).values()].filter(({ type }) => type === 'table');
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  stage.say(
    `shop.db: SQLite, ${tables.length} tables, ${rows.toLocaleString('en')} rows, with pictures, a view,`,
  );
  stage.say('a full-text index, triggers and a generated column. It is real; only the days are short.');
  stage.shell(`cd ${relative(process.env['INIT_CWD'] ?? process.cwd(), folder) || '.'}`);
  stage.shell('PATH="$PWD/bin:$PATH"', (env) => {
    env['PATH'] = `${join(folder, 'bin')}${delimiter}${env['PATH'] ?? ''}`;
  });
}

async function setUp(stage: Stage): Promise<void> {
  stage.chapter('Set up once: configuration, keys, store');
  await stage.run(
    `holdfast init --yes --store "$PWD/store" --set shop --source sqlite --path shop.db --private-key-out ${KEY}`,
  );
  await stage.run('holdfast doctor');
}

/** Returns what the database held on the evening of the second day. */
async function threeDays(stage: Stage, shop: string): Promise<Map<string, TableDigest>> {
  stage.chapter('Day 1: the first backup holds everything');
  await stage.run('holdfast backup');

  stage.chapter('Day 2: the shop does business; a backup holds what is new');
  aDayOfBusiness(shop, 2);
  await stage.run('holdfast backup');
  const evening = digestsOf(shop);

  stage.chapter('Day 3: business, and an accident that nobody notices');
  aDayOfBusiness(shop, 3);
  stage.say(`Somebody runs in the wrong window: ${ACCIDENT};`);
  accident(shop);
  await stage.run('holdfast backup');
  return evening;
}

async function look(stage: Stage): Promise<void> {
  stage.chapter('What is there');
  await stage.run('holdfast snapshots');
  await stage.run('holdfast status');
  stage.say();
  stage.say('Names and addresses are in the database, and nowhere in the store:');
  await stage.run('grep -rl example.com shop.db store');
  stage.say();
  stage.say('This host has public keys only. It cannot read its own backups:');
  await stage.run('holdfast cat shop', 12);
  stage.say();
  stage.say('Whoever has the private key can check every byte:');
  await stage.run(`holdfast verify --read-data --key ${KEY}`);
}

async function bringBack(
  stage: Stage,
  folder: string,
  shop: string,
  dayTwo: Map<string, TableDigest>,
): Promise<void> {
  stage.chapter('The newest backup, into a new file');
  await stage.run(`holdfast restore shop --to copy.db --key ${KEY}`);
  stage.say();
  compare(stage, ['shop.db now', digestsOf(shop)], ['copy.db', digestsOf(join(folder, 'copy.db'))]);
  const found = searchReviews(join(folder, 'copy.db'), 'colour');
  stage.say(`\nFull-text search in the copy finds "colour" in ${found} reviews, as in the original.`);
  if (found !== searchReviews(shop, 'colour')) throw new CommandFailed('the full-text indexes differ');

  stage.chapter('The lost reviews are in the backup of day 2');
  const second = await snapshotOfDay(stage, 2);
  await stage.run(`holdfast restore shop@${second} --to day-2.db --key ${KEY}`);
  stage.say();
  compare(stage, ['day 2, original', dayTwo], ['day-2.db', digestsOf(join(folder, 'day-2.db'))]);
}

async function snapshotOfDay(stage: Stage, day: number): Promise<string> {
  const lines = (await stage.ask('holdfast snapshots shop --json')).trim().split('\n');
  const { snapshot } = JSON.parse(lines[day - 1] ?? '{}') as { snapshot?: string };
  if (snapshot === undefined) throw new CommandFailed(`there is no snapshot of day ${day}`);
  return snapshot;
}

function compare(stage: Stage, one: NamedDigests, other: NamedDigests): void {
  stage.say('The demo compares all values of all rows, and shows their fingerprints:\n');
  const { lines, different } = comparison(one, other);
  for (const line of lines) stage.say(line);
  if (different.length > 0) throw new CommandFailed(`not what it was: ${different.join(', ')}`);
}

async function withoutHoldfast(stage: Stage): Promise<void> {
  stage.chapter('And if holdfast were gone: stock gpg and zstd, and a script that lies in the store');
  if (!isThere('gpg') || !isThere('zstd')) {
    stage.say(
      'Left out, because gpg and zstd are not both on this machine (Debian: apt-get install gnupg zstd).',
    );
    return;
  }
  // Short, because gpg-agent makes a socket in it.
  const home = mkdtempSync(join(tmpdir(), 'demo-'));
  const forget = () => rmSync(home, { recursive: true, force: true });
  process.once('exit', forget); // After Ctrl-C, too: there is a private key in it.
  try {
    stage.shell('export GNUPGHOME="$(mktemp -d)"', (env) => (env['GNUPGHOME'] = home));
    await stage.run(`gpg --quiet --batch --import ${KEY}`);
    await stage.run('sh store/recover.sh shop > recovered.sql');
    await stage.run(`holdfast cat shop --key ${KEY} | cmp - recovered.sql && echo the same bytes`);
    await stage.run('gpgconf --kill all; rm -r "$GNUPGHOME"');
  } finally {
    forget();
  }
}

function isThere(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
}

function sayGoodbye(stage: Stage, folder: string, seconds: number): void {
  const text = readme(existsSync(join(folder, 'recovered.sql')));
  writeFileSync(join(folder, 'README.txt'), text);
  stage.chapter(`Done: ${stage.shown} commands in ${seconds.toFixed(1)} s`);
  stage.say(text.trimEnd());
}
