/**
 * Makes what is said of the purged store after its purge was looked through once more: lines of the ledger with `left`, which
 * take back, or do not, what earlier ones have said. Made once. To see how it works:
 *
 *     rm -r purged/left left.json && node make-left.ts && npx prettier --write left.json
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { signStatement } from '../../src/openpgp/statement.ts';
import { sha256Hex } from '../../src/repository/entry.ts';
import { operatorName } from '../../src/repository/ledger-writer.ts';
import { FOLDER, PURGED_FOLDER, readKeys } from './kit.ts';
import type { LeftCase, PurgedSnapshot, PurgedVectors } from './kit.ts';

const { ops } = await readKeys();
const { purge, snapshots } = JSON.parse(await readFile(join(FOLDER, 'purged.json'), 'utf8')) as PurgedVectors;
const chain = `ledger/shop/${operatorName(ops)}`;
const last = await readFile(join(PURGED_FOLDER, 'store', chain, '0000000003.json'));
const [line = ''] = last.toString().split('\n');
const [clear, amended] = [named('clear'), named('amended')];

const cases = [
  await makeCase('found-again', 'they were found once more in both', '2026-11-20T13:00:00.000Z', [
    [clear, 0],
    [amended, 1],
  ]),
  await makeCase('found-in-one', 'they were found once more in one of them', '2026-11-20T13:00:00.000Z', [
    [amended, 1],
  ]),
  await makeCase(
    'same-time',
    'they were found in the second of the lines before',
    '2026-11-20T12:00:00.000Z',
    [
      [clear, 0],
      [amended, 1],
    ],
  ),
  await makeCase('other-revision', 'they were found in the revision of before', '2026-11-20T13:00:00.000Z', [
    [amended, 0],
  ]),
];
await writeFile(join(FOLDER, 'left.json'), JSON.stringify(cases, undefined, 2));

function named(name: string): PurgedSnapshot {
  const found = snapshots.find((one) => one.name === name);
  if (!found) throw new Error('the purged vectors are other ones');
  return found;
}

async function makeCase(
  name: string,
  what: string,
  time: string,
  left: readonly (readonly [PurgedSnapshot, number])[],
): Promise<LeftCase> {
  const event = {
    ...{ type: 'amended', id: purge, amended: [], clear: [], removed: [] },
    left: left.map(([{ snapshot }, revision]) => [snapshot, revision]),
  };
  const value = { ...(JSON.parse(line) as object), seq: 4, prev: sha256Hex(last), time, event };
  const object = `${name}/0000000004.json`;
  await mkdir(join(PURGED_FOLDER, 'left', name), { recursive: true });
  await writeFile(join(PURGED_FOLDER, 'left', object), await signStatement(value, ops));
  const isTakenBack = (one: PurgedSnapshot): boolean =>
    left.some(([{ snapshot }, revision]) => snapshot === one.snapshot && revision === one.revision);
  return {
    name,
    what,
    changes: [{ do: 'put', file: `${chain}/0000000004.json`, object }],
    pending: {
      clear: isTakenBack(clear) ? [purge] : [],
      amended: isTakenBack(amended) ? [purge] : [],
    },
  };
}
