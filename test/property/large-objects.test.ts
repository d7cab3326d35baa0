/**
 * Taking large objects out of scripts: whatever stands around them, however the scripts are cut into segments and
 * whichever of these other snapshots share, what is left is all statements but those about the objects that go.
 */
import { fc, test } from '@fast-check/vitest';
import { afterAll, describe, expect } from 'vitest';
import { LargeObjects } from '../../src/purge/locate/large-objects.ts';
import type { Prepared } from '../../src/purge/locate/prepare.ts';
import type { LocatedSnapshot } from '../../src/purge/locate/located.ts';
import { SharedReader } from '../../src/purge/locate/shared-reader.ts';
import type { Manifest, ManifestStream } from '../../src/repository/manifest.ts';
import { formatRef, type SegmentRef } from '../../src/repository/pages.ts';
import { SIGNAL } from '../services/world.ts';
import { editedScript, PlainStore } from './locate-kit.ts';

/** A statement, and whose it is. */
interface Statement {
  readonly text: string;
  readonly oid?: string;
}

const oid = fc.integer({ min: 1, max: 12 }).map(String);
const text = fc.constantFrom(
  'plain',
  "it''s\nlong",
  ';\nSELECT pg_catalog.lo_close(0);\n',
  'LARGE OBJECT 3 ',
);

const about = fc
  .tuple(oid, text)
  .chain(([number, words]) =>
    fc.constantFrom<Statement>(
      { oid: number, text: `SELECT pg_catalog.lo_create('${number}');` },
      { oid: number, text: `ALTER LARGE OBJECT ${number} OWNER TO "some; one";` },
      { oid: number, text: `COMMENT ON LARGE OBJECT ${number} IS '${words.replaceAll("'", "''")}';` },
      { oid: number, text: `GRANT SELECT,UPDATE ON LARGE OBJECT ${number} TO bob;` },
      { oid: number, text: `REVOKE GRANT OPTION FOR ALL ON LARGE OBJECT ${number} FROM bob;` },
      { oid: number, text: `SECURITY LABEL FOR selinux ON LARGE OBJECT ${number} IS 'x';` },
    ),
  );
const other = text.map((words): Statement => ({
  text: `CREATE FUNCTION f() RETURNS void AS $_$\nSELECT pg_catalog.lo_create('3');\n${words}\n$_$ LANGUAGE sql;`,
}));
const filled = fc
  .tuple(oid, fc.integer({ min: 0, max: 4 }))
  .map(([number, pieces]): Statement[] =>
    [
      `SELECT pg_catalog.lo_open('${number}', 131072);`,
      ...Array.from(
        { length: pieces },
        (_, n) => `SELECT pg_catalog.lowrite(0, '\\x${'0d'.repeat(n * 300)}');`,
      ),
      'SELECT pg_catalog.lo_close(0);',
    ].map((line) => ({ oid: number, text: line })),
  );

const preData = fc.array(fc.oneof(about, other), { maxLength: 12 });
const objects = fc
  .array(filled, { minLength: 1, maxLength: 8 })
  .map((all): Statement[] => [{ text: 'BEGIN;' }, ...all.flat(), { text: 'COMMIT;' }]);

/** Two snapshots of which the second has some of the first's statements, cut elsewhere or in the same places. */
const history = fc.record({
  first: fc.tuple(preData, objects),
  added: fc.tuple(preData, objects),
  gone: fc.tuple(fc.uniqueArray(oid), fc.uniqueArray(oid, { minLength: 1 })),
});

let dropped = 0;

describe('large objects', () => {
  test.prop([history])(
    'go with all that is about them, and nothing else goes',
    async ({ first, added, gone }) => {
      const plain = new PlainStore();
      const texts = [
        first,
        [
          [...first[0], ...added[0]],
          [...added[1], ...first[1]],
        ],
      ] as const;
      const snapshots = texts.map(([before, data]) =>
        snapshotOf(plain, { 'pre-data': before, 'large-objects': data }),
      );
      const sets = gone.map((numbers) => new Set(numbers));
      const work = new LargeObjects({ gone: sets, onOpened: () => undefined, signal: SIGNAL });
      for (const [index, { manifest, reader, scripts }] of snapshots.entries()) {
        const goes = sets[index] ?? new Set<string>();
        const streams = await work.editsOf({ manifest, reader } as Prepared, goes);
        const located = { manifest, streams } as unknown as LocatedSnapshot;
        const after = await editedScript(located, (stream) => segmentsOf(reader, stream));
        for (const [name, statements] of Object.entries(scripts)) {
          const left = statements.filter((one) => one.oid === undefined || !goes.has(one.oid));
          expect(after.get(name)?.toString()).toBe(textOf(left));
          dropped += statements.length - left.length;
        }
      }
      expect(work.opened.segments).toBeLessThanOrEqual(work.opened.all);
    },
  );

  afterAll(() => {
    expect(dropped).toBeGreaterThan(100);
  });

  test.each([
    ['a way to write one that is not known', "SELECT pg_catalog.lo_put(3, 0, '\\x00');"],
    ['an object that is not closed', "SELECT pg_catalog.lo_open('3', 131072);"],
    ['writing to none', "SELECT pg_catalog.lowrite(0, '\\x00');"],
    ['a statement that is cut off', 'SELECT'],
    ['a statement about several', 'GRANT SELECT ON TABLE a, LARGE OBJECT 3 TO bob;'],
  ])('%s is refused', async (_, statement) => {
    const { manifest, reader } = snapshotOf(new PlainStore(), { 'large-objects': [{ text: statement }] });
    const gone = new Set(['3']);
    const work = new LargeObjects({ gone: [gone], onOpened: () => undefined, signal: SIGNAL });
    await expect(work.editsOf({ manifest, reader } as Prepared, gone)).rejects.toMatchObject({
      code: 'PURGE_EDIT_UNSOUND',
    });
  });
});

function textOf(statements: readonly Statement[]): string {
  return statements.map((one) => `${one.text}\n`).join('');
}

function snapshotOf(plain: PlainStore, scripts: Readonly<Record<string, readonly Statement[]>>) {
  const refs: SegmentRef[] = [];
  const streams = Object.entries(scripts).map(([name, statements]): ManifestStream => {
    const bytes = Buffer.from(textOf(statements));
    const own = cut(bytes).map((piece) => plain.put(piece, 0));
    refs.push(...own);
    const section = name === 'pre-data' ? name : 'data';
    return { name, section, dialect: 'sql', segments: own.length, bytes: bytes.length, rows: 0 };
  });
  const page = plain.put(Buffer.from(`{"format":1,"kind":"page"}\n${refs.map(formatRef).join('')}`), 0);
  const manifest = {
    binding: { set: 'shop', writer: 'db1', chain: 1, snapshot: 'one' },
    streams,
    pages: refs.length > 0 ? [{ ...page, rows: refs.length }] : [],
  } as unknown as Manifest;
  return { manifest, scripts, reader: new SharedReader(plain.store, manifest, plain.pool, new Map()) };
}

/** Behind lines that their bytes choose. */
function cut(bytes: Buffer): Buffer[] {
  const lines = bytes
    .toString('latin1')
    .split(/(?<=\n)/)
    .filter((line) => line !== '');
  const pieces: string[] = [];
  let piece = '';
  for (const line of lines) {
    piece += line;
    if (line.length % 3 === 0) continue;
    pieces.push(piece);
    piece = '';
  }
  pieces.push(piece);
  return pieces.filter((each) => each !== '').map((each) => Buffer.from(each, 'latin1'));
}

async function segmentsOf(reader: SharedReader, stream: ManifestStream): Promise<Buffer[]> {
  const refs = await Array.fromAsync(reader.segments(stream, SIGNAL));
  return Promise.all(
    refs.map(async (ref) => Buffer.concat(await Array.fromAsync(reader.open(one(ref), '', SIGNAL)))),
  );
}

// eslint-disable-next-line @typescript-eslint/require-await
async function* one<T>(item: T): AsyncGenerator<T> {
  yield item;
}
