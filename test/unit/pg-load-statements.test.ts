/** What is read out of the statements of a dump, and what is decided from it. */
import { describe, expect, test } from 'vitest';
import { StatementFilter, type Selection } from '../../src/sources/postgres/load-filter.ts';
import { planGlobals, undoGlobals } from '../../src/sources/postgres/load-globals.ts';
import { localeClauses, readLocale } from '../../src/sources/postgres/load-locale.ts';
import { firstLine, keyOfName, quoteLiteral } from '../../src/sources/postgres/load-names.ts';
import { partitionsFrom } from '../../src/sources/postgres/load-partitions.ts';
import { StatementSteps } from '../../src/sources/postgres/load-plan.ts';
import { readStatement } from '../../src/sources/postgres/load-statement.ts';
import { chooseTables } from '../../src/sources/postgres/load-tables.ts';
import { databaseStatements } from '../../src/sources/postgres/load-database.ts';
import type { StoredStream } from '../../src/sources/source.ts';

describe('readStatement', () => {
  test.for([
    [
      'SET default_tablespace = "fast disk";',
      { kind: 'setting', variable: 'default_tablespace', value: 'fast disk' },
    ],
    [
      "SELECT pg_catalog.set_config('search_path', '', false);",
      { kind: 'setting', variable: 'search_path', value: '' },
    ],
    [
      "SET SESSION AUTHORIZATION 'bob';",
      { kind: 'setting', variable: 'session authorization', value: 'bob' },
    ],
    ['RESET SESSION AUTHORIZATION;', { kind: 'setting', variable: 'session authorization', value: '' }],
    [
      'ALTER FUNCTION public.f("OWNER" text, integer) OWNER TO "Big Boss";',
      { kind: 'owner', roles: ['Big Boss'] },
    ],
    ['ALTER LARGE OBJECT 16400 OWNER TO Bob;', { kind: 'owner', roles: ['bob'] }],
    [
      'GRANT SELECT("TO"),INSERT(a) ON TABLE public."TO" TO anna, "B b" WITH GRANT OPTION;',
      { kind: 'grant', roles: ['anna', 'B b'] },
    ],
    ['REVOKE USAGE ON SCHEMA public FROM PUBLIC;', { kind: 'grant', roles: [] }],
    [
      'ALTER DEFAULT PRIVILEGES FOR ROLE a IN SCHEMA s GRANT SELECT ON TABLES TO b;',
      { kind: 'default-privileges', roles: ['a', 'b'] },
    ],
    [
      'ALTER DEFAULT PRIVILEGES FOR ROLE a REVOKE ALL ON FUNCTIONS FROM c;',
      { kind: 'default-privileges', roles: ['a', 'c'] },
    ],
    [
      'CREATE UNIQUE INDEX "I x" ON ONLY public.t USING btree (lower(name));',
      { kind: 'index', index: '"public"."I x"', table: '"public"."t"', calls: false },
    ],
    [
      'CREATE INDEX i ON public.t USING btree (app.f(name));',
      { kind: 'index', index: '"public"."i"', table: '"public"."t"', calls: true },
    ],
    [
      'ALTER TABLE ONLY "S".t\n    ADD CONSTRAINT t_pkey PRIMARY KEY (id);',
      { kind: 'key', index: '"S"."t_pkey"', table: '"S"."t"', calls: false },
    ],
    [
      'ALTER TABLE ONLY public.t\n    ADD CONSTRAINT "no overlap" EXCLUDE USING gist (r WITH OPERATOR(ext.&&));',
      { kind: 'key', index: '"public"."no overlap"', table: '"public"."t"', calls: false },
    ],
    [
      'ALTER TABLE public.o\n    ADD CONSTRAINT o_fk FOREIGN KEY ("REFERENCES", b) REFERENCES other."R r"(x, y) ON DELETE CASCADE;',
      { kind: 'foreign-key', table: '"public"."o"', references: '"other"."R r"', constraint: '"o_fk"' },
    ],
    [
      'ALTER INDEX public.p_pkey ATTACH PARTITION public.p1_pkey;',
      { kind: 'attach-index', parent: '"public"."p_pkey"', child: '"public"."p1_pkey"' },
    ],
    [
      "ALTER TABLE ONLY public.p ATTACH PARTITION public.p1 FOR VALUES IN ('a');",
      { kind: 'attach-partition', parent: '"public"."p"', child: '"public"."p1"' },
    ],
    ['ALTER TABLE public.t CLUSTER ON t_pkey;', { kind: 'table-option', table: '"public"."t"' }],
    ["COMMENT ON INDEX public.i IS 'x';", { kind: 'comment-on-index', index: '"public"."i"' }],
    [
      "COMMENT ON CONSTRAINT c ON public.t IS 'x';",
      { kind: 'comment-on-constraint', constraint: '"c"', table: '"public"."t"' },
    ],
    ["COMMENT ON CONSTRAINT c ON DOMAIN public.d IS 'x';", { kind: 'other' }],
    ['REFRESH MATERIALIZED VIEW public.mv;', { kind: 'refresh', view: '"public"."mv"' }],
    [
      `CREATE POLICY "p TO q" ON public.t AS RESTRICTIVE FOR SELECT TO anna, "B b" USING ((x = 'TO'::text));`,
      { kind: 'policy', roles: ['anna', 'B b'] },
    ],
    ['CREATE POLICY p ON public.t USING (f(TO_CHAR(x)));', { kind: 'policy', roles: [] }],
    ['CREATE USER MAPPING FOR anna SERVER s;', { kind: 'user-mapping', roles: ['anna'] }],
    ['CREATE EXTENSION IF NOT EXISTS "uuid-ossp" WITH SCHEMA ext;', { kind: 'extension', name: 'uuid-ossp' }],
    ['CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SET x = 1; $$;', { kind: 'other' }],
    ['ALTER TABLE public.t ENABLE ROW LEVEL SECURITY;', { kind: 'other' }],
    ["ALTER TABLE public.t\n    ADD CONSTRAINT c CHECK ((a <> 'PRIMARY KEY')) NOT VALID;", { kind: 'other' }],
    ["SELECT pg_catalog.setval('public.s', 5, true);", { kind: 'other' }],
    ["SET LOCAL x = 'y';", { kind: 'other' }],
  ] as const)('%s', ([sql, expected]) => {
    expect(readStatement(sql)).toEqual(expected);
  });
});

describe('names', () => {
  test('are equal however they are written', () => {
    expect(keyOfName('Public.Users')).toBe(keyOfName('"public"."users"'));
    expect(keyOfName('public."Users"')).not.toBe(keyOfName('public.users'));
    expect(keyOfName('public.users; DROP')).toBeUndefined();
  });

  test('a first line shows no literal: it may be a password', () => {
    expect(firstLine(`CREATE USER MAPPING FOR a SERVER s OPTIONS (password 'se''cret');\nx`)).toBe(
      `CREATE USER MAPPING FOR a SERVER s OPTIONS (password '…');`,
    );
    expect(firstLine('DO $x$ secret')).toBe('DO $x$…');
    expect(firstLine(`SELECT 'unclosed secret`)).toBe("SELECT '…'");
  });

  test('a backslash in a literal is one under every setting', () => {
    expect(quoteLiteral(`a'b\\c`)).toBe(` E'a''b\\\\c'`);
  });
});

const everything: Selection = {
  noOwner: false,
  chosen: undefined,
  stored: new Set(['"s"."a"', '"s"."b"', '"s"."p1"', '"s"."p2"']),
  partitions: partitionsFrom([
    { parent: '"s"."p"', child: '"s"."p1"' },
    { parent: '"s"."p"', child: '"s"."p2"' },
  ]),
  missingTablespaces: new Set(['gone']),
  knownSettings: new Set(['default_tablespace', 'search_path', 'row_security']),
};

function left(
  selection: Partial<Selection>,
  ...statements: readonly string[]
): { kept: string[]; leftOut: readonly string[] } {
  const filter = new StatementFilter({ ...everything, ...selection });
  const kept = statements.flatMap(
    (sql) => filter.apply(readStatement(sql), Buffer.from(sql))?.toString() ?? [],
  );
  return { kept, leftOut: filter.leftOut };
}

describe('StatementFilter', () => {
  test('leaves out owners, grants and session users, and nothing else, on demand', () => {
    const statements = [
      'ALTER TABLE s.a OWNER TO x;',
      'GRANT SELECT ON TABLE s.a TO x;',
      "SET SESSION AUTHORIZATION 'x';",
      'ALTER DEFAULT PRIVILEGES FOR ROLE x GRANT SELECT ON TABLES TO y;',
      'CREATE POLICY p ON s.a TO x;',
    ];
    expect(left({}, ...statements).kept).toEqual(statements);
    expect(left({ noOwner: true }, ...statements)).toEqual({
      kept: ['CREATE POLICY p ON s.a TO x;'],
      leftOut: ['ownership and grants (1 owners, 1 grants, 1 default privileges)'],
    });
  });

  test('leaves out foreign keys that touch a table without rows, with their comments', () => {
    const statements = [
      'ALTER TABLE s.a ADD CONSTRAINT ab FOREIGN KEY (x) REFERENCES s.b(x);',
      "COMMENT ON CONSTRAINT ab ON s.a IS 'x';",
      'ALTER TABLE s.a ADD CONSTRAINT ap FOREIGN KEY (x) REFERENCES s.p(x);',
      'ALTER TABLE s.a ADD CONSTRAINT aa FOREIGN KEY (x) REFERENCES s.a(x);',
    ];
    const some = left({ chosen: new Set(['"s"."a"', '"s"."p1"']) }, ...statements);
    expect(some.kept).toEqual(statements.slice(3));
    expect(some.leftOut).toEqual([
      'foreign key ab of s.a: s.b was not loaded',
      'foreign key ap of s.a: s.p was not loaded',
    ]);
    const whole = left({ chosen: new Set(['"s"."a"', '"s"."p1"', '"s"."p2"']) }, ...statements);
    expect(whole.kept).toEqual(statements.slice(2));
  });

  test('does not refresh views of tables that were not chosen', () => {
    const { kept, leftOut } = left({ chosen: new Set(['"s"."a"']) }, 'REFRESH MATERIALIZED VIEW s.v;');
    expect(kept).toEqual([]);
    expect(leftOut).toEqual([expect.stringMatching(/^rows of materialized view s\.v: run REFRESH/)]);
  });

  test('replaces a tablespace that the target lacks, leaves out harmless settings that it does not know', () => {
    const { kept, leftOut } = left(
      {},
      'SET default_tablespace = gone;',
      'SET default_tablespace = there;',
      'SET transaction_timeout = 0;',
      'SET default_table_access_method = heap;',
      'SET default_table_access_method = columnar;',
    );
    expect(kept).toEqual([
      "SET default_tablespace = '';",
      'SET default_tablespace = there;',
      'SET default_table_access_method = columnar;',
    ]);
    expect(leftOut).toEqual(['tablespace gone: it is not on the target, the default one was used']);
  });
});

describe('StatementSteps', () => {
  const place = { stream: 'post-data', line: 1 };
  const make = (...statements: readonly string[]) => {
    const steps = new StatementSteps(everything.partitions, new Map());
    return statements.map((sql) => {
      const { touches } = steps.make(
        { sql: Buffer.from(sql), place, statement: readStatement(sql) },
        new Map(),
      );
      return touches === 'everything' ? touches : touches.map(({ thing, mode }) => `${mode} ${thing}`);
    });
  };

  test('an index reads its table, a key has it alone, a foreign key has both families alone', () => {
    expect(
      make(
        'CREATE INDEX i ON s.a USING btree (x);',
        'CREATE INDEX j ON s.a USING btree (s.f(x));',
        'ALTER TABLE ONLY s.a ADD CONSTRAINT k PRIMARY KEY (x);',
        'ALTER TABLE s.a ADD CONSTRAINT ap FOREIGN KEY (x) REFERENCES s.p2(x);',
      ),
    ).toEqual([
      ['read "s"."a"'],
      ['read "s"."a"', 'read all rows'],
      ['alone "s"."a"'],
      ['alone "s"."a"', 'alone "s"."p"', 'alone "s"."p1"', 'alone "s"."p2"'],
    ]);
  });

  test('attaching an index waits for both tables; anything not understood is a barrier', () => {
    expect(
      make(
        'ALTER TABLE ONLY s.p ADD CONSTRAINT p_pkey PRIMARY KEY (x);',
        'CREATE UNIQUE INDEX p1_pkey ON s.p1 USING btree (x);',
        'ALTER INDEX s.p_pkey ATTACH PARTITION s.p1_pkey;',
        'ALTER INDEX s.unknown ATTACH PARTITION s.p1_pkey;',
        "COMMENT ON INDEX s.p1_pkey IS 'x';",
        'CREATE TRIGGER t BEFORE INSERT ON s.a FOR EACH ROW EXECUTE FUNCTION s.f();',
        'REFRESH MATERIALIZED VIEW s.v;',
      ).slice(2),
    ).toEqual([
      ['alone "s"."p"', 'alone "s"."p1"'],
      'everything',
      ['alone "s"."p1"'],
      'everything',
      'everything',
    ]);
  });
});

describe('chooseTables', () => {
  const stream = (name: string): StoredStream => ({
    name,
    section: 'data',
    dialect: 'pg-copy',
    table: { name, columns: [] },
    rows: 0,
    bytes: 0,
  });
  const streams = [
    'public.users',
    'public."Odd Name"',
    'app.users',
    'public.orders',
    'public.p1',
    'public.p2',
  ].map(stream);
  const partitions = partitionsFrom([
    { parent: '"public"."p"', child: '"public"."p1"' },
    { parent: '"public"."p"', child: '"public"."p2"' },
  ]);
  const choose = (...wanted: readonly string[]) => [...chooseTables(streams, wanted, partitions)];

  test('takes names as SQL writes them, plain, and without a schema when there is only one', () => {
    expect(choose('public.users', 'public.Odd Name', 'Odd Name', 'orders')).toEqual([
      '"public"."users"',
      '"public"."Odd Name"',
      '"public"."orders"',
    ]);
  });

  test('a partitioned table stands for its partitions', () => {
    expect(choose('p')).toEqual(['"public"."p1"', '"public"."p2"']);
  });

  test('an unknown table is a usage error that lists near names', () => {
    expect(() => choose('public.user')).toThrow(
      expect.objectContaining({
        code: 'TABLE_UNKNOWN',
        exitCode: 2,
        hint: expect.stringContaining('public.users') as string,
      }) as Error,
    );
    expect(() => choose('zzzzzzzz')).toThrow(expect.objectContaining({ code: 'TABLE_UNKNOWN' }) as Error);
  });

  test('a name that two schemas have is a usage error', () => {
    expect(() => choose('users')).toThrow(
      expect.objectContaining({
        code: 'TABLE_AMBIGUOUS',
        hint: expect.stringContaining('app.users') as string,
      }) as Error,
    );
  });
});

describe('planGlobals', () => {
  const plan = (...statements: readonly string[]) =>
    planGlobals(
      statements.map((sql, line) => ({
        sql: Buffer.from(sql),
        place: { stream: 'globals', line },
        statement: readStatement(sql),
      })),
      { roles: new Set(['old']), tablespaces: new Set(['pg_default', 'there']) },
    );

  test('makes what is absent and never touches what exists', () => {
    const statements = [
      "SET client_encoding = 'UTF8';",
      'CREATE ROLE old;',
      'ALTER ROLE old WITH SUPERUSER;',
      'CREATE ROLE "New One";',
      'ALTER ROLE "New One" WITH LOGIN PASSWORD \'SCRAM-SHA-256$x\';',
      "ALTER ROLE old SET work_mem TO '1GB';",
      'GRANT old TO "New One" GRANTED BY old;',
      'GRANT "New One" TO old GRANTED BY old;',
      "CREATE TABLESPACE there OWNER old LOCATION '/a';",
      "CREATE TABLESPACE new OWNER old LOCATION '/b';",
      'GRANT ALL ON TABLESPACE there TO "New One";',
      'GRANT ALL ON TABLESPACE new TO old;',
      "COMMENT ON ROLE old IS 'x';",
      'DROP ROLE old;',
    ];
    const { run, roles, tablespaces, leftOut } = plan(...statements);
    expect(run.map(({ sql }) => sql.toString())).toEqual([0, 3, 4, 6, 9, 11].map((at) => statements[at]));
    expect({ roles: [...roles], tablespaces: [...tablespaces] }).toEqual({
      roles: ['New One'],
      tablespaces: ['new'],
    });
    expect(leftOut).toEqual([
      'role old: the target has one, left as it is',
      'tablespace there: the target has one, left as it is',
      'a statement of globals, line 13: not about roles or tablespaces',
    ]);
  });

  test('can be taken back', () => {
    expect(
      undoGlobals(plan('CREATE ROLE a;', 'CREATE ROLE b;', "CREATE TABLESPACE t LOCATION '/x';")),
    ).toEqual(['DROP TABLESPACE IF EXISTS "t"', 'DROP ROLE IF EXISTS "b"', 'DROP ROLE IF EXISTS "a"']);
  });
});

describe('the database itself', () => {
  test('a locale comes with what to do when the target does not have it', () => {
    const locale = {
      collate: 'de_DE.utf8',
      ctype: 'de_DE.utf8',
      provider: 'libc',
      locale: null,
      version: '2',
    };
    const clauses = localeClauses(readLocale({ encoding: 'UTF8', locale }));
    expect(clauses.map(({ sql }) => sql)).toEqual([
      "ENCODING 'UTF8' LC_COLLATE 'de_DE.utf8' LC_CTYPE 'de_DE.utf8'",
      "ENCODING 'UTF8'",
      "ENCODING 'UTF8' LOCALE 'C'",
    ]);
    const icu = readLocale({ encoding: 'UTF8', locale: { ...locale, provider: 'icu', locale: 'de' } });
    expect(localeClauses(icu)[0]?.sql).toContain("LOCALE_PROVIDER 'icu' ICU_LOCALE 'de'");
    expect(localeClauses(readLocale({ locale: 7 }))).toEqual([{ sql: '' }]);
  });

  test('facts of another shape ask for nothing', () => {
    const odd = {
      owner: 5,
      settings: 'x',
      grants: [{ grantee: 'a', privilege: 'ALL; DROP DATABASE x', grantable: false }],
    };
    expect(databaseStatements(odd, 'd', false)).toEqual([]);
  });

  test('settings, grants and owner become statements; without owners only the settings of all', () => {
    const facts = {
      owner: 'boss',
      comment: "it's",
      grants: [
        { grantee: 'boss', privilege: 'CREATE', grantable: false },
        { grantee: 'PUBLIC', privilege: 'CONNECT', grantable: true },
      ],
      settings: [
        { role: null, values: ['search_path="$user", app', 'my.x=a=b'] },
        { role: 'anna', values: ['work_mem=1MB'] },
      ],
    };
    expect(databaseStatements(facts, 'd', false).flatMap(({ sql }) => sql)).toEqual([
      `COMMENT ON DATABASE "d" IS 'it''s'`,
      `SELECT pg_catalog.set_config('search_path', '"$user", app', false)`,
      `ALTER DATABASE "d" SET "search_path" FROM CURRENT`,
      'RESET "search_path"',
      `ALTER DATABASE "d" SET "my"."x" = 'a=b'`,
      `ALTER ROLE "anna" IN DATABASE "d" SET "work_mem" = '1MB'`,
      'REVOKE ALL ON DATABASE "d" FROM PUBLIC',
      'GRANT CONNECT ON DATABASE "d" TO PUBLIC WITH GRANT OPTION',
      'ALTER DATABASE "d" OWNER TO "boss"',
    ]);
    expect(databaseStatements(facts, 'd', true)).toHaveLength(3);
  });
});
