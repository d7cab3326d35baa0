/** Nobody is back: a purge whose people nothing in a snapshot tells is not one that was looked for. */
import { expect, test } from 'vitest';
import { watchFor } from '../../src/drill/nobody.ts';
import { LIST_SCHEMA, LIST_TABLE } from '../../src/rows/files/list.ts';
import type { DumpReader } from '../../src/sources/source.ts';

const mapWith = (pattern: string) => `version: 1
subject: user
root: { table: subjects, key: id, lookup: { avatar: exact } }
tables:
  subjects: { erase: delete }
  files: { paths: ['${pattern}'], erase: delete }
`;

const LINE = `${JSON.stringify({ path: 'users/7', type: 'folder', length: 512 })}\n`;

/** A list of files, read as a drill reads it, by somebody who looks for 7. */
async function looked(pattern: string) {
  const stream = { name: 'files', section: 'data', dialect: 'json-lines', table: LIST_TABLE } as const;
  const reader = {
    source: { kind: 'files', version: '1', facts: {} },
    streams: [{ ...stream, segments: 1, bytes: LINE.length, rows: 1 }],
    // eslint-disable-next-line @typescript-eslint/require-await -- as readers give it
    read: async function* () {
      yield Buffer.from(LINE);
    },
  } as unknown as DumpReader;
  const subjects = [{ by: ['id'], known: new Map([['id', '7']]) }];
  const people = [{ purge: 'p1', map: mapWith(pattern), subjects }];
  const watched = watchFor(people, reader, { schema: LIST_SCHEMA });
  const [first] = watched.reader.streams;
  if (first === undefined) throw new Error('no stream');
  await Array.fromAsync(watched.reader.read(first, new AbortController().signal));
  return { purges: watched.purges, untold: watched.untold, back: [...watched.back()] };
}

test('whoever is told by a path is looked for', async () => {
  expect(await looked('users/{id}')).toEqual({ purges: ['p1'], untold: [], back: [['p1', 1]] });
});

test('whoever nothing in the snapshot tells is not', async () => {
  expect(await looked('users/{avatar}')).toEqual({ purges: [], untold: ['p1'], back: [] });
});
