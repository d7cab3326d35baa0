/** The data section of pg_dump comes apart into tables and SQL; whatever is not as pg_dump writes it is refused. */
import { describe, expect, test } from 'vitest';
import { cleanScript } from '../../src/rows/pg-script.ts';
import { splitData } from '../../src/rows/pg-data.ts';

const KEY = 'abcDEF123';
const SETTINGS = "SET statement_timeout = 0;\nSELECT pg_catalog.set_config('search_path', '', false);\n";

/** What stands around the statements in pg_dump's output since August 2025. */
function framed(text: string): string {
  const mark = '--\n-- PostgreSQL database dump complete\n--\n';
  return `--\n-- PostgreSQL database dump\n--\n\n\\restrict ${KEY}\n\n${text}\n${mark}\n\\unrestrict ${KEY}\n\n`;
}

function table(name: string, columns: string, rows: readonly string[]): string {
  const comment = `--\n-- Data for Name: ${name}; Type: TABLE DATA; Schema: public; Owner: x\n--\n\n`;
  return `${comment}COPY public.${name} ${columns} FROM stdin;\n${rows.map((row) => `${row}\n`).join('')}\\.\n\n\n`;
}

async function* pieces(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

interface Read {
  name: string;
  dialect: string;
  columns?: readonly string[] | undefined;
  text: string;
}

async function read(text: string, size = 65536, lane = 1): Promise<Read[]> {
  const parts: Read[] = [];
  for await (const part of splitData(pieces(text, size), { lane })) {
    const bytes: Buffer[] = [];
    for await (const piece of part.bytes) bytes.push(Buffer.from(piece));
    const columns = part.table?.columns;
    parts.push({ name: part.name, dialect: part.dialect, columns, text: Buffer.concat(bytes).toString() });
  }
  return parts;
}

const SHOP = framed(
  SETTINGS +
    table('a', '(id, name)', ['1\tone', '2\t\\N']) +
    table('empty', '(id)', []) +
    table('"b ""x"" (, y)"', '("c ""d", "e, f", "g)", id)', ['1\t2\t3\t4']) +
    table('nocols', '', ['', '']) +
    "--\n-- Name: s; Type: SEQUENCE SET\n--\n\nSELECT pg_catalog.setval('public.s', 5, true);\n\n\n" +
    "SELECT pg_catalog.setval('public.t', 1, false);\n" +
    "BEGIN;\n\nSELECT pg_catalog.lo_open('42', 131072);\nSELECT pg_catalog.lowrite(0, '\\x00');\n" +
    'SELECT pg_catalog.lo_close(0);\n\nCOMMIT;\n',
);

describe('splitData', () => {
  test.each([1, 2, 3, 7, 64, 65536])('takes a dump apart, in pieces of %i bytes', async (size) => {
    expect(await read(SHOP, size)).toEqual([
      { name: 'data-settings', dialect: 'sql', text: SETTINGS },
      {
        name: 'public.a',
        dialect: 'pg-copy',
        columns: ['id', 'name'],
        text: 'COPY public.a (id, name) FROM stdin;\n1\tone\n2\t\\N\n\\.\n',
      },
      {
        name: 'public.empty',
        dialect: 'pg-copy',
        columns: ['id'],
        text: 'COPY public.empty (id) FROM stdin;\n\\.\n',
      },
      {
        name: 'public."b ""x"" (, y)"',
        dialect: 'pg-copy',
        columns: ['c "d', 'e, f', 'g)', 'id'],
        text: 'COPY public."b ""x"" (, y)" ("c ""d", "e, f", "g)", id) FROM stdin;\n1\t2\t3\t4\n\\.\n',
      },
      {
        name: 'public.nocols',
        dialect: 'pg-copy',
        columns: [],
        text: 'COPY public.nocols  FROM stdin;\n\n\n\\.\n',
      },
      {
        name: 'sequences',
        dialect: 'sql',
        text: "SELECT pg_catalog.setval('public.s', 5, true);\nSELECT pg_catalog.setval('public.t', 1, false);\n",
      },
      {
        name: 'large-objects',
        dialect: 'sql',
        text: "BEGIN;\nSELECT pg_catalog.lo_open('42', 131072);\nSELECT pg_catalog.lowrite(0, '\\x00');\nSELECT pg_catalog.lo_close(0);\nCOMMIT;\n",
      },
    ]);
  });

  test('keeps names apart: of parts of one dump, and of several dumps', async () => {
    const sql = "SELECT pg_catalog.setval('s', 1);\n";
    const text = framed(SETTINGS + sql + table('a', '(x)', []) + sql + table('a', '(x)', []));
    expect((await read(text)).map(({ name }) => name)).toEqual([
      'data-settings',
      'sequences',
      'public.a',
      'sequences#2',
      'public.a#2',
    ]);
    const second = await read(framed(SETTINGS + sql), 65536, 2);
    expect(second.map(({ name }) => name)).toEqual(['data-settings@2', 'sequences@2']);
  });

  test('names beyond ASCII, and with line ends', async () => {
    const text = framed('COPY "таблицы"."a\nb" ("имя", größe, a$1) FROM stdin;\n\\.\n');
    const [part] = await read(text, 1);
    expect(part).toMatchObject({ name: '"таблицы"."a\nb"', columns: ['имя', 'größe', 'a$1'] });
  });

  test('rows that look like an end are rows', async () => {
    const rows = [
      '\\\\.',
      'x\\\\.',
      '\\\\.\\\\.',
      '.',
      '\\N',
      'COPY public.b (x) FROM stdin;',
      "'",
      '$$',
      '--',
      '\\tx\\\\',
      ' \\\\.',
    ];
    for (const size of [1, 2, 3, 5, 65536]) {
      const parts = await read(framed(table('a', '(x)', rows) + table('b', '(x)', ['1'])), size);
      expect(parts.map(({ name }) => name)).toEqual(['public.a', 'public.b']);
      expect(parts[0]?.text).toBe(`COPY public.a (x) FROM stdin;\n${rows.join('\n')}\n\\.\n`);
    }
  });

  test('COPY in a literal or a comment opens no table', async () => {
    const look = 'x\nCOPY public.a (id) FROM stdin;\n1\n\\.\n';
    const text = framed(`SELECT '${look}', $$${look}$$; /* ${look} */ SELECT "${look}";\n`);
    expect(await read(text)).toEqual([
      {
        name: 'data',
        dialect: 'sql',
        columns: undefined,
        text: `SELECT '${look}', $$${look}$$;\nSELECT "${look}";\n`,
      },
    ]);
  });

  test('refuses to go on when a part was not read to its end', async () => {
    const reading = Array.fromAsync(splitData(pieces(SHOP, 100)));
    await expect(reading).rejects.toThrow('not read to its end');
  });

  test('a reader that leaves early ends the iteration below', async () => {
    let isClosed = false;
    const source = async function* (): AsyncGenerator<Buffer> {
      try {
        yield* pieces(SHOP, 50);
      } finally {
        isClosed = true;
      }
    };
    const parts = splitData(source())[Symbol.asyncIterator]();
    await parts.next();
    await parts.return?.();
    expect(isClosed).toBe(true);
  });

  test('a dump without \\restrict, as older pg_dumps write it, is as good', async () => {
    const old = SHOP.replaceAll(/\\(un)?restrict.*\n/g, '');
    expect(await read(old)).toEqual(await read(SHOP));
  });

  test.each([
    ['a form of COPY', framed('COPY public.a (id) FROM stdin WITH (FORMAT csv);\n1\n'), 'SQL_UNPLACEABLE'],
    ['COPY from a program', framed("COPY public.a FROM PROGRAM 'id';\n"), 'SQL_UNPLACEABLE'],
    ['COPY without a line end', framed('COPY public.a (id) FROM stdin; SELECT 1;\n\\.\n'), 'SQL_UNPLACEABLE'],
    ['a psql command', framed('SELECT 1;\n\\! id\n'), 'SQL_META_COMMAND'],
    ['a psql command after a table', framed(`${table('a', '(x)', [])}\\! id\n`), 'SQL_META_COMMAND'],
    ['a psql command before everything', `\\! id\n${SHOP}`, 'SQL_META_COMMAND'],
    [
      '\\restrict twice',
      SHOP.replace(`\\restrict ${KEY}`, `\\restrict ${KEY}\n\\restrict ${KEY}`),
      'SQL_META_COMMAND',
    ],
    [
      '\\restrict after a statement',
      framed('').replace('\\restrict', 'SELECT 1;\n\\restrict'),
      'SQL_META_COMMAND',
    ],
    ['another key at the end', SHOP.replace(`\\unrestrict ${KEY}`, '\\unrestrict other'), 'SQL_META_COMMAND'],
    ['back quotes for a key', SHOP.replaceAll(`restrict ${KEY}`, 'restrict `id`'), 'SQL_META_COMMAND'],
    ['\\unrestrict alone', SHOP.replace(`\\restrict ${KEY}\n`, ''), 'SQL_META_COMMAND'],
    ['a second \\unrestrict', `${SHOP}\\unrestrict ${KEY}\n`, 'SQL_META_COMMAND'],
    ['no \\unrestrict', SHOP.replace(`\\unrestrict ${KEY}\n`, ''), 'DUMP_INCOMPLETE'],
    ['no end mark', SHOP.replace('-- PostgreSQL database dump complete', '--'), 'DUMP_INCOMPLETE'],
    ['nothing at all', '', 'DUMP_INCOMPLETE'],
    ['a statement behind the end', `${SHOP}SELECT 1;\n`, 'SQL_UNPLACEABLE'],
    ['a table behind the end', `${SHOP}${table('z', '(x)', [])}`, 'SQL_UNPLACEABLE'],
    ['an end in the middle of a table', SHOP.slice(0, SHOP.indexOf('2\t\\N')), 'DUMP_INCOMPLETE'],
    [
      'an end mark only in a literal',
      "SELECT '\n-- PostgreSQL database dump complete\n';\n",
      'DUMP_INCOMPLETE',
    ],
  ])('refuses %s', async (_, text, code) => {
    await expect(read(text)).rejects.toMatchObject({ code });
    await expect(read(text, 1)).rejects.toMatchObject({ code });
  });

  test('says in which table a dump ended', async () => {
    const text = SHOP.slice(0, SHOP.indexOf('2\t\\N'));
    await expect(read(text)).rejects.toThrow('the dump ended inside table public.a');
  });
});

describe('cleanScript', () => {
  async function clean(text: string, size = 65536): Promise<string> {
    const found: Buffer[] = [];
    for await (const piece of cleanScript(pieces(text, size), 'pre-data')) found.push(piece);
    return Buffer.concat(found).toString();
  }

  test('writes the statements out without the frame and the comments between them', async () => {
    const text = framed(
      'SET a = 1;\n\n--\n-- Name: x; Type: TABLE\n--\n\nCREATE TABLE x (\n    -- kept\n    a int\n);\n',
    );
    expect(await clean(text)).toBe('SET a = 1;\nCREATE TABLE x (\n    -- kept\n    a int\n);\n');
    expect(await clean(text, 1)).toBe(await clean(text));
  });

  test("takes pg_dumpall's frame, which closes before its end mark", async () => {
    const text = `\\restrict ${KEY}\nCREATE ROLE x;\n\\unrestrict ${KEY}\n\n--\n-- PostgreSQL database cluster dump complete\n--\n\n`;
    expect(await clean(text)).toBe('CREATE ROLE x;\n');
  });

  test.each([
    ['no end mark', 'SELECT 1;\n', 'DUMP_INCOMPLETE'],
    ['rows', framed('COPY public.a (id) FROM stdin;\n1\n\\.\n'), 'SQL_UNPLACEABLE'],
    ['a psql command', framed('\\connect other\n'), 'SQL_META_COMMAND'],
    ['a statement behind the end', `${framed('')}DROP TABLE x;\n`, 'SQL_UNPLACEABLE'],
  ])('refuses %s', async (_, text, code) => {
    await expect(clean(text)).rejects.toMatchObject({ code });
  });
});
