/** Goal: the page that hangs on the wall is right for this configuration, works as it stands, and tells no secret. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parseConfig } from '../../src/config/parse.ts';
import { allVerbs } from '../../src/cli/verb-tree.ts';
import { armorPrivateKey } from '../../src/openpgp/keys.ts';
import { wholeProgram } from '../../src/packaging/program.ts';
import { openShop } from '../demo/shop.ts';
import { codeBlocks, newMachine, stopAgent } from '../integration/recipes-kit.ts';
import { contentsOf } from '../integration/sqlite-kit.ts';
import { holdfast } from '../services/cli.ts';
import { oldKey } from '../services/machines.ts';
import { tempFolder } from '../services/temp.ts';

const SECRET = 'pl4nted-s3cret';
const EVERYTHING = `version: 1
store: s3://acme-backups/prod
s3: { region: ca-central-1, endpoint: "https://s3.example.org", profile: prod }
recipients: [keys/ops.asc, keys/escrow.asc]
signing_key: keys/host.key
purge_signers: [keys/privacy.asc]
sets:
  shop:
    source: postgres
    url: postgres://backup:${SECRET}@db.example.com/shop
    keep: { daily: 30d, weekly: 90d }
    object_lock: { mode: compliance }
    replicas: [{ name: eu, store: "s3://acme-copy/prod", s3: { region: ca-west-1 } }]
  blog: { source: mysql, url: "mysql://backup:${SECRET}@db.example.com/blog", keep: 30d }
  cache: { source: redis, url: "redis://:${SECRET}@db.example.com:6379", keep: 7d }
  books: { source: sqlite, path: /srv/books/books.db, keep: 30d }
  up-loads: { source: files, path: /srv/up loads, keep: 30d, before: [unlock, ${SECRET}] }
promises: { residency: [ca-central-1, ca-west-1], backup_every: 24h, drill_every: 30d, erasure_within: 30d }
`;

async function printed(config: string, ...args: readonly string[]) {
  const cwd = await tempFolder('runbook');
  await writeFile(join(cwd, 'holdfast.yaml'), config, { mode: 0o600 });
  const result = await holdfast(['runbook', ...args], { cwd });
  expect(result).toMatchObject({ exitCode: 0 });
  return { stdout: result.stdout, stderr: result.stderr, cwd };
}

test('it names sets, copies, locks and promises, and no secret', async () => {
  const { stdout, stderr } = await printed(EVERYTHING);
  for (const part of ['shop', 'blog', 'cache', 'books', 'up-loads', 's3://acme-copy/prod', 'compliance'])
    expect(stdout).toContain(part);
  expect(stdout).toContain('erasure within 30 days; data only in ca-central-1, ca-west-1');
  expect(stdout).toContain('**No copy exists of blog, cache, books, up-loads**');
  expect(stdout + stderr).not.toContain(SECRET);
});

test('every command in it is one of ours, with options that it has', async () => {
  const { stdout } = await printed(EVERYTHING);
  const verbs = allVerbs(wholeProgram());
  const [root] = verbs;
  const lines = codeBlocks(stdout, 'sh').flatMap((block) => block.split('\n'));
  const commands = lines.filter((line) => line.startsWith('holdfast '));
  expect(commands.length).toBeGreaterThan(20);
  for (const command of commands) {
    const words = command
      .replace(/\s+#.*/, '')
      .split(' ')
      .slice(1);
    const verb = verbs.findLast(
      ({ path }) => path.length > 0 && path.every((name, at) => words[at] === name),
    );
    expect(verb, command).toBeDefined();
    const options = [...(verb?.options ?? []), ...(root?.options ?? [])].flatMap(({ names }) => names);
    for (const word of words) if (word.startsWith('-')) expect(options, command).toContain(word);
  }
});

test('the configuration for a machine that never saw the backups is one', async () => {
  const { stdout } = await printed(EVERYTHING);
  const [, config = ''] = /<<'END'\n([\s\S]*?)^END$/m.exec(stdout) ?? [];
  const parsed = parseConfig(config, {
    file: '/x/holdfast.yaml',
    shown: 'runbook',
    env: {},
    openToAll: false,
  });
  expect([...parsed.sets.keys()]).toEqual(['shop', 'blog', 'cache', 'books', 'up-loads']);
  expect(parsed.store).toBe('s3://acme-backups/prod');
});

test('a host is lost: what the page says brings the database back, with us and without us', async () => {
  const machine = await newMachine({ YYYY: '9999' });
  onTestFinished(() => stopAgent(machine));
  openShop(machine.at('srv/shop/shop.db'));
  await machine.sh(
    'holdfast init --yes --store file:///srv/backup/shop --set shop --source sqlite --path /srv/shop/shop.db --private-key-out /media/usb/ops.key && holdfast backup',
    machine.at('etc'),
  );
  const page = await machine.sh('holdfast runbook', machine.at('etc'));
  expect(page).toContain('**Only one key opens these backups.');
  const blocks = codeBlocks(page, 'sh');
  const [config = '', restores = ''] = blocks;
  const again = (commands: string) => commands.replaceAll(machine.root, '');
  await machine.sh(again(`${config}\n${restores}`), machine.at('home'));
  const original = contentsOf(machine.at('srv/shop/shop.db'));
  expect(contentsOf(machine.at('srv/shop/shop.db.restored'))).toEqual(original);

  const without = blocks.find((block) => block.includes('recover.sh')) ?? '';
  const said = await machine.sh(
    again(without).replace('gpg --import', 'gpg --batch --import'),
    machine.at('srv'),
  );
  expect(said).toContain('complete');
  expect(contentsOf(machine.at('srv/store/shop.db'))).toEqual(original);
});

test('a host is lost, and the key that made the store: another recipient gets the data back', async () => {
  const machine = await newMachine({});
  onTestFinished(() => stopAgent(machine));
  openShop(machine.at('srv/shop/shop.db'));
  await machine.sh(
    'holdfast init --yes --store file:///srv/backup/shop --set shop --source sqlite --path /srv/shop/shop.db --private-key-out /media/usb/first.key',
    machine.at('etc'),
  );
  const escrow = await oldKey('escrow');
  await writeFile(machine.at('media/usb/ops.key'), await armorPrivateKey(escrow, undefined));
  await writeFile(machine.at('etc/escrow.asc'), escrow.toPublic().armor());
  await machine.sh('holdfast keys add escrow.asc && holdfast backup', machine.at('etc'));
  const page = await machine.sh('holdfast runbook', machine.at('etc'));
  expect(page).not.toMatch(/Only one key opens|PRIVATE KEY BLOCK/);
  const blocks = codeBlocks(page, 'sh');
  const [config = '', restores = ''] = blocks;
  const alone = config
    .replace(/^recipients: .*$/m, 'recipients: [the.key]')
    .replace('rescue && cd rescue', 'alone && cd alone');
  await expect(machine.sh(alone.replaceAll(machine.root, ''), machine.at('home'))).rejects.toThrow(
    /public keys of the other recipients/,
  );
  const without = blocks.find((block) => block.includes('recover.sh')) ?? '';
  expect(without).toContain('gpg --import *.asc');
  await machine.sh(`${config}\n${restores}`.replaceAll(machine.root, ''), machine.at('home'));
  expect(contentsOf(machine.at('srv/shop/shop.db.restored'))).toEqual(
    contentsOf(machine.at('srv/shop/shop.db')),
  );
});

test('as HTML it is one file without script, closed to everything from elsewhere, and markup in names is text', async () => {
  const { cwd } = await printed(
    EVERYTHING.replace('/srv/books/', '/srv/<script>alert(1)</script>/'),
    '-o',
    'r.html',
  );
  const html = await readFile(join(cwd, 'r.html'), 'utf8');
  expect(html).toMatch(/Content-Security-Policy" content="default-src 'none'; style-src 'sha256-/);
  expect(html).not.toMatch(/<script|javascript:|src=|@import|url\(/);
  expect(html).toContain('&lt;script&gt;');
  expect(html).toContain('<h2>4. Ransomware, or an intruder</h2>');
  expect(html).not.toContain(SECRET);
});

test.each([
  [['-o', 'runbook.pdf'], 2, 'runbook.pdf is neither .md nor .html'],
  [['-o', 'nowhere/runbook.md'], 1, 'cannot write nowhere/runbook.md'],
])('%j ends with %i', async (args, exitCode, message) => {
  const cwd = await tempFolder('runbook');
  await writeFile(join(cwd, 'holdfast.yaml'), EVERYTHING, { mode: 0o600 });
  const result = await holdfast(['runbook', ...args], { cwd });
  expect(result).toMatchObject({ exitCode });
  expect(result.stderr).toContain(message);
});
