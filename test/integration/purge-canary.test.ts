/**
 * Goal: twenty people are planted in every kind of column over 30 days of backups in two chains; one is purged. Then
 * there is not one trace of them, in any encoding, in anything that any key opens, and nowhere else either; and the
 * other nineteen are as they were.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { postgresSource } from '../../src/sources/postgres/source.ts';
import { parseSubjectMap } from '../../src/subjects/parse.ts';
import { machineIn } from '../services/machines.ts';
import type { Machine } from '../services/machines.ts';
import { tempFolder } from '../services/temp.ts';
import { usePostgres } from '../services/use.ts';
import { makeWorld, SET } from '../services/world.ts';
import type { World } from '../services/world.ts';
import { load } from './pg-source-kit.ts';
import { openAll, Person } from './purge-canary-kit.ts';
import { dumpOf } from './purge-kit.ts';
import { eraseDay, fillDay, makePeople, mapText, nameOf, PEOPLE, personOf } from './purge-canary-people.ts';

const DAYS = Number(process.env['CANARY_DAYS'] ?? 30);
const VICTIM = 7;

test('in PostgreSQL', { timeout: 600_000 }, async () => {
  const postgres = await usePostgres();
  const world = await makeWorld();
  const url = await postgres.createDatabase('canary');
  await load(url, makePeople());
  const subjects = parseSubjectMap(mapText(), 'people.yaml');
  const options = { source: postgresSource({ url }), subjects };
  const ids: string[] = [];
  for (let day = 1; day <= DAYS; day++) {
    await load(url, fillDay(day));
    const full = day === Math.floor(DAYS / 2) + 1;
    ids.push((await world.backup({}, { ...options, full })).entry.snapshot);
  }
  const root = fileURLToPath(world.store.url);
  const victim = new Person(personOf(VICTIM));

  // The search finds them where they are: in each table's rows of each chain.
  const before = await openAll(root, [world.ops, world.host]);
  expect(before.failures).toEqual([]);
  expect(new Set([...before.reached.values()].map(({ place }) => place.chain)).size).toBe(2);
  expect(victim.findIn(before.pieces).length).toBeGreaterThan(2 * 25);
  const dumps = await dumpsOf(world, ids);

  const officer = await officerOf(world);
  const run = async (...args: string[]) =>
    officer.machine.good([...args, '-v'], { env: { TMPDIR: officer.temp } });
  const said = [
    await run(
      'purge',
      'plan',
      SET,
      '--subject',
      `mail=${nameOf(VICTIM).mail.toUpperCase()}`,
      '--ref',
      'T-7',
      '-o',
      'plan.pgp',
    ),
    await run('purge', 'apply', 'plan.pgp', '--yes', '-o', 'receipt.json'),
    await run('purge', 'verify', 'receipt.json'),
    await run('purge', 'list', SET),
  ];

  // Everybody else is as before, and nothing was added but rows that were emptied of the person.
  for (const [at, dump] of (await dumpsOf(world, ids)).entries()) {
    const [was, is] = [linesOf(dumps[at] ?? ''), linesOf(dump)];
    const rest = without(victim, was);
    expect(missingIn(is, rest), ids[at]).toEqual([]);
    const added = missingIn(rest, is);
    const emptied = `stays ${VICTIM} `;
    expect(added.filter((line) => !line.includes(emptied))).toEqual([]);
    expect(added.length, ids[at]).toBe(was.filter((line) => line.includes(emptied)).length);
  }

  // The host learns of it, and its database lets go of them.
  await load(url, eraseDay(VICTIM));
  await world.backup({}, options);

  const after = await openAll(root, [world.ops, world.host]);
  expect(after.failures).toEqual([]);
  const isSuppression = ({ what }: { readonly what: string }) => what.includes('/suppression/');
  expect(victim.findIn(after.messages.filter(isSuppression)), 'the search works').not.toEqual([]);
  expect(victim.findIn(after.messages.filter((one) => !isSuppression(one)))).toEqual([]);
  expect(victim.findIn(after.pieces)).toEqual([]);
  expect(await victim.findBelow(root), 'the store').toEqual([]);
  expect(await victim.findBelow(join(root, '..', 'state')), "the host's state").toEqual([]);
  expect(await victim.findBelow(officer.machine.folder), 'plan, receipt, page, state').toEqual([]);
  expect(await victim.findBelow(officer.temp), 'temporary files').toEqual([]);
  expect(await victim.findBelow(officer.home), 'the home of the officer').toEqual([]);
  for (const { stdout, stderr } of said)
    expect(
      victim.findIn([stdout, stderr].map((text) => ({ what: 'said', bytes: Buffer.from(text) }))),
    ).toEqual([]);
  for (let person = 1; person <= PEOPLE; person++) {
    if (person === VICTIM) continue;
    expect(
      new Person([nameOf(person).name]).findIn(after.pieces).length,
      nameOf(person).name,
    ).toBeGreaterThan(20);
  }
});

async function dumpsOf(world: World, ids: readonly string[]): Promise<string[]> {
  const dumps: string[] = [];
  for (const id of ids) dumps.push(await dumpOf(world, id));
  return dumps;
}

/** A large object's text is one line here; the frame for psql is left out, since its key is another one each time. */
function linesOf(dump: string): string[] {
  const objects = dump.replace(/^SELECT pg_catalog\.lo_open\([^]*?lo_close\(0\);$/gm, (text) =>
    text.replaceAll('\n', ' '),
  );
  return objects.split('\n').filter((line) => !/^\\(un)?restrict /.test(line));
}

/** Without the lines in which somebody is, and those that make a large object with them in it. */
function without(person: Person, lines: readonly string[]): string[] {
  const theirs = lines.filter((line) => person.isIn(Buffer.from(line)));
  const objects = new Set(theirs.flatMap((line) => /lo_open\('(\d+)'/.exec(line)?.[1] ?? []));
  const gone = new Set(theirs);
  return lines.filter((line) => {
    const object = /lo_create\('(\d+)'|LARGE OBJECT (\d+) /.exec(line);
    return !gone.has(line) && !objects.has(object?.[1] ?? object?.[2] ?? '');
  });
}

/** The lines of `all` that are not among those `there`, as often as they are missing. */
function missingIn(there: readonly string[], all: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const line of there) left.set(line, (left.get(line) ?? 0) + 1);
  return all.filter((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  });
}

interface Officer {
  readonly machine: Machine;
  readonly temp: string;
  readonly home: string;
}

/** The privacy officer's machine, with folders of its own for everything. */
async function officerOf(world: World): Promise<Officer> {
  const [folder, temp, home] = [
    await tempFolder('officer'),
    await tempFolder('tmp'),
    await tempFolder('home'),
  ];
  const keys = await tempFolder('keys');
  await mkdir(join(folder, 'keys'));
  await writeFile(join(folder, 'keys/ops.asc'), world.ops.toPublic().armor());
  await writeFile(join(keys, 'ops.key'), world.ops.armor(), { mode: 0o600 });
  await writeFile(join(folder, 'people.yaml'), mapText());
  await writeFile(
    join(folder, 'holdfast.yaml'),
    `version: 1
store: ${world.store.url}
recipients: [keys/ops.asc]
state_dir: state
sets:
  ${SET}: { source: postgres, url_env: NO_DATABASE, keep: 30d, subjects: people.yaml }
`,
  );
  const machine = await machineIn(folder, { HOME: home, HOLDFAST_KEY: join(keys, 'ops.key') });
  return { machine, temp, home };
}
