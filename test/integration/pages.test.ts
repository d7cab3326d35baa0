/** Goal: README and docs say what is true: their commands run as they stand, their tables are complete, their links lead somewhere. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { keysAt } from '../../src/config/schema.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { EXIT } from '../../src/errors.ts';
import { openShop } from '../demo/shop.ts';
import { usePostgres, useS3 } from '../services/use.ts';
import {
  codeBlocks,
  dumpOf,
  makeBucket,
  makeShop,
  newMachine,
  PROJECT,
  stopAgent,
  writePassfile,
} from './recipes-kit.ts';
import { contentsOf } from './sqlite-kit.ts';

const PAGES = [
  'README.md',
  'recipes/README.md',
  ...['on-call', 'backup-host', 'privacy-officer', 'auditor', 'copies', 'drills', 'monitors'].map(
    (name) => `docs/${name}.md`,
  ),
];

function pageOf(path: string): Promise<string> {
  return readFile(join(PROJECT, path), 'utf8');
}

test('the commands of README.md, in their order, as one session of a newcomer', async () => {
  const [postgres, s3] = [await usePostgres(), await useS3()];
  const shop = await makeShop(postgres);
  const { 'ca-central-1': region = '', ...bucket } = await makeBucket();
  const reader = `${postgres.user}@`;
  const machine = await newMachine(
    {
      // The test server is not AWS, and README says what to do then.
      '--region ca-central-1': `--region ${region} --endpoint ${s3.endpoint}`,
      'holdfast_backup@': reader,
      'sudo ': '',
      ...shop.replacements,
      ...bucket,
    },
    s3.env(),
  );
  onTestFinished(() => stopAgent(machine));
  await writePassfile(machine, postgres);
  openShop(machine.at('srv/blog/blog.db'));
  await machine.sh('rm /usr/local/bin/holdfast', machine.root);

  const said = await machine.sh(codeBlocks(await pageOf('README.md'), 'sh').join(''), PROJECT);

  expect(said).toContain('the counts match the snapshot');
  expect(said).toContain('the store is as it says');
  expect(await dumpOf(shop.restored)).toBe(await dumpOf(shop.original));
  expect(contentsOf(machine.at('srv/blog/recovered.db'))).toEqual(contentsOf(machine.at('srv/blog/blog.db')));
});

test('the configuration that README.md gives for a machine that never saw the backups is valid', async () => {
  const [config = ''] = codeBlocks(await pageOf('README.md'), 'yaml');
  const parsed = parseConfig(config, {
    file: '/x/holdfast.yaml',
    shown: 'README.md',
    env: {},
    openToAll: false,
  });
  expect([...parsed.sets.keys()]).toEqual(['shop']);
});

test('the commands of the pages for people, after the recipe postgres-to-folder', async () => {
  const postgres = await usePostgres();
  const shop = await makeShop(postgres);
  const server = `${postgres.user}@${postgres.host}:${postgres.port}`;
  const machine = await newMachine({
    'postgres@db.example.com:5432/shop_rescued': `${server}/${new URL(shop.restored).pathname.slice(1)}_2`,
    'postgres@db.example.com:5432/shop_second': `${server}/nothing_is_made`,
    ...shop.replacements,
  });
  const rescued = `${shop.restored}_2`;
  onTestFinished(() => postgres.dropDatabase(rescued));
  await writePassfile(machine, postgres);
  const recipe = 'recipes/postgres-to-folder';
  for (const sql of codeBlocks(await pageOf(`${recipe}/README.md`), 'sql')) {
    await postgres.psql(shop.original, machine.fit(sql));
  }
  await machine.install(join(PROJECT, recipe), 'recipe');
  const setUp = codeBlocks(await pageOf(`${recipe}/README.md`), 'sh').slice(0, 3);
  await machine.sh(setUp.join(''), machine.at('recipe'));

  const environment = '. /etc/holdfast/environment\n';
  for (const page of PAGES.filter((path) => path.startsWith('docs/'))) {
    const blocks = codeBlocks(inOrder(await pageOf(page)), 'sh');
    expect(blocks.length, page).toBeGreaterThan(0);
    await machine.sh(environment + blocks.join(''), machine.root);
  }

  const original = await dumpOf(shop.original);
  expect(await dumpOf(shop.restored)).toBe(original);
  expect(await dumpOf(rescued)).toBe(original);
  const users = await machine.sh(
    `${environment}holdfast cat shop --table users --key /media/usb/ops.key`,
    machine.at('etc/holdfast'),
  );
  expect(users).toContain('\tu8@example.com');
  expect(users).not.toContain('\tu7@example.com');
});

/** A page starts with the command that is needed in a hurry; what it says has to be there before that is done first. */
function inOrder(page: string): string {
  const [before = ''] = /^## Before the first request\n[\s\S]*?(?=^## )/m.exec(page) ?? [];
  return before + page.replace(before, '');
}

test('README.md explains every key of the configuration, and every exit code', async () => {
  const readme = await pageOf('README.md');
  const [, configuration = ''] = /^## Configuration\n([\s\S]*?)^## /m.exec(readme) ?? [];
  const keys = [
    ...keysAt([]).filter((key) => !['s3', 'sets', 'promises'].includes(key)),
    ...keysAt(['s3']).map((key) => `s3.${key}`),
    ...keysAt(['promises']).map((key) => `promises.${key}`),
  ];
  for (const key of keys) expect(configuration).toContain(`\`${key}\``);
  for (const key of keysAt(['sets', 'any']))
    expect(configuration).toMatch(new RegExp(`\`(sets\\.NAME\\.)?${key}\``));
  const [, codes = ''] = /^## Exit codes\n([\s\S]*?)^## /m.exec(readme) ?? [];
  const listed = [...codes.matchAll(/^\| +(\d+) \|/gm)].map(([, code]) => Number(code));
  expect(listed).toEqual(Object.values(EXIT));
});

const MORE_PAGES = [
  'docs/retention.md',
  'docs/engines.md',
  'docs/keys.md',
  ...['postgres-to-s3', 'postgres-s3-30d', 'ninety-days-locked', 'canada-only', 'erase-a-customer'].map(
    (name) => `recipes/${name}/README.md`,
  ),
  ...['mariadb-daily', 'wordpress', 'uploads-and-database'].map((name) => `recipes/${name}/README.md`),
  ...['cron-daily', 'systemd-timer', 'kubernetes-cronjob'].map((name) => `recipes/${name}/README.md`),
];

test.for([...PAGES, ...MORE_PAGES])('the links of %s lead somewhere', async (path) => {
  const page = await pageOf(path);
  for (const [, link = ''] of page.matchAll(/\]\((?!https:)([^)]+)\)/g)) {
    const [file = '', anchor] = link.split('#');
    const to = file === '' ? path : join(dirname(path), file);
    expect(existsSync(join(PROJECT, to)), link).toBe(true);
    if (anchor !== undefined) expect(anchorsOf(await pageOf(to)), link).toContain(anchor);
  }
});

function anchorsOf(page: string): string[] {
  return [...page.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => title.toLowerCase().replaceAll(' ', '-'));
}
