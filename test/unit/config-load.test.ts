/** Goal: a configuration with mistakes names every one of them with its place; a good one means what it says. */
import { describe, expect, test } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { setOf, setsOf, signingKeyOf } from '../../src/config/config.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { HoldfastError } from '../../src/errors.ts';

const GOOD = `version: 1
store: s3://acme-backups/prod/
s3: { region: ca-central-1, endpoint: https://s3.example.com/, force_path_style: true }
recipients: [keys/ops.asc, ~/escrow.asc]
signing_key: keys/host.key
sets:
  shop:
    source: postgres
    url_env: SHOP_DATABASE_URL
    keep: 30d
    subjects: subjects/shop.yaml
  notes:
    source: sqlite
    path: ../notes.db
    keep: 4w
    full_every: 14d
    writer: db-1
promises:
  residency: [ca-central-1]
  erasure_within: 30d
  backup_every: 24h
`;

const HEAD = 'version: 1\nstore: file:///srv/backup\nrecipients: [ops.asc]\n';

function parse(text: string): Config {
  return parseConfig(text, {
    file: '/etc/holdfast/holdfast.yaml',
    shown: 'holdfast.yaml',
    env: { HOME: '/home/ada' },
    host: 'DB-7.example.com',
  });
}

/** The problems of a text, one per line, without the file's name. */
function problemsIn(text: string): string[] {
  try {
    parse(text);
    return [];
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', exitCode: 2 });
    return error.message
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line.startsWith('holdfast.yaml:'))
      .map((line) => line.slice('holdfast.yaml:'.length));
  }
}

test('a good file becomes absolute paths, days and defaults', () => {
  const config = parse(GOOD);
  expect(config).toMatchObject({
    file: '/etc/holdfast/holdfast.yaml',
    folder: '/etc/holdfast',
    store: 's3://acme-backups/prod',
    s3: { region: 'ca-central-1', endpoint: 'https://s3.example.com', forcePathStyle: true },
    recipients: ['/etc/holdfast/keys/ops.asc', '/home/ada/escrow.asc'],
    signingKey: '/etc/holdfast/keys/host.key',
    trustedSigners: [],
    purgeSigners: [],
    stateDir: '/home/ada/.local/state/holdfast',
    compressionLevel: 1,
    promises: { residency: ['ca-central-1'], erasureWithinDays: 30, backupEveryHours: 24 },
    warnings: [],
  });
  expect([...config.sets.values()]).toEqual([
    {
      name: 'shop',
      source: 'postgres',
      connection: { from: 'variable', variable: 'SHOP_DATABASE_URL' },
      keepDays: 30,
      keep: [{ name: 'daily', days: 30 }],
      fullEveryDays: 7,
      subjects: '/etc/holdfast/subjects/shop.yaml',
      writer: 'db-7-example-com',
      expire: 'manual',
      replicas: [],
    },
    {
      name: 'notes',
      source: 'sqlite',
      path: '/etc/notes.db',
      keepDays: 28,
      keep: [{ name: 'daily', days: 28 }],
      fullEveryDays: 14,
      writer: 'db-1',
      expire: 'manual',
      replicas: [],
    },
  ]);
  expect(config.promises).not.toHaveProperty('drillEveryDays');
});

test('a set is found by name, and a name that is nearly right gets a hint', () => {
  const config = parse(GOOD);
  expect(setOf(config, 'shop').name).toBe('shop');
  expect(setsOf(config, []).map((set) => set.name)).toEqual(['shop', 'notes']);
  expect(setsOf(config, ['notes', 'notes']).map((set) => set.name)).toEqual(['notes']);
  expect(() => setOf(config, 'shopp')).toThrow(
    expect.objectContaining({ code: 'SET_UNKNOWN', exitCode: 2, hint: "Did you mean 'shop'?" }),
  );
  expect(() => setOf(config, 'constructor')).toThrow(expect.objectContaining({ code: 'SET_UNKNOWN' }));
  expect(signingKeyOf(config)).toBe('/etc/holdfast/keys/host.key');
});

test('a postgres set with no url means the PG* environment', () => {
  const config = parse(`${HEAD}sets: { shop: { source: postgres, keep: 1d } }`);
  expect(config.sets.get('shop')).toMatchObject({ connection: { from: 'environment' } });
  expect(() => signingKeyOf(config)).toThrow(expect.objectContaining({ code: 'SIGNING_KEY_MISSING' }));
});

describe('every problem is told at once, with line and column', () => {
  test('a whole file of mistakes', () => {
    const text = `version: 2
store: ftp://example.com
recipiants: [keys/ops.asc]
signing_key: 12
sets:
  shop:
    source: postgres
    url: mysql://user:geheim@host/db
    url_env: SHOP
    keep: 24h
    keep: 30
  Bad Name:
    source: sqlite
    keep: 30d
  my: { source: mysql, keep: 5y }
  cmd: { source: postgres, keep: 9d, url_command: pass show db | head -1 }
  list: { source: postgres, keep: 9d, url_command: [pass, 3] }
s3: { regoin: x, endpoint: "http://user:geheim@host", force_path_style: yes }
promises: []
compression: 20
`;
    expect(problemsIn(text)).toMatchSnapshot();
    expect(problemsIn(text).join('\n')).not.toContain('geheim');
  });

  test.each<[string, string, readonly string[]]>([
    ['an empty file', '', ['1:1: the file is empty']],
    ['a list', '- a\n', ['1:1: the file must be a map, not a list']],
    ['a tab', 'version: 1\nsets:\n\tshop: 3\n', ['3:1: tabs are not allowed as indentation; use spaces']],
    [
      'two documents',
      `${HEAD}sets: {}\n---\na: 1\n`,
      ['5:1: more than one document (a line ---) in the file'],
    ],
    [
      'a repeated key',
      `${HEAD}store: file:///b\nsets: { a: { source: postgres, keep: 1d } }`,
      ['4:1: this key is given twice'],
    ],
    ['no sets', `${HEAD}sets: {}\n`, ['4:7: sets: must name at least one set']],
    ['sets without a value', `${HEAD}sets:\n`, ['4:6: sets: must be a map, not empty']],
    [
      'two urls',
      `${HEAD}sets:\n  shop:\n    source: postgres\n    url_env: A\n    url_file: b\n    keep: 1d\n`,
      ['8:5: sets.shop.url_file: only one of url_env, url_file may be given'],
    ],
    [
      'sqlite with a url and no path',
      `${HEAD}sets:\n  a:\n    source: sqlite\n    url: postgres://h/d\n    keep: 1d\n`,
      [
        '5:3: sets.a: sqlite needs a path',
        '7:5: sets.a.url: is for databases with a server; sqlite takes a path',
      ],
    ],
    [
      'hours to keep',
      `${HEAD}sets: { a: { source: postgres, keep: 36h } }`,
      ["4:38: sets.a.keep: '36h' is in hours, but a store forgets by whole days; write days: 2d"],
    ],
    [
      'a life without a name in the store',
      `${HEAD}sets: { a: { source: postgres, keep: 9993d } }`,
      ['4:38: sets.a.keep: is too long: together with full_every it may come to 9997d'],
    ],
    [
      'a key of a prototype',
      `${HEAD}__proto__: { x: 1 }\nsets: { a: { source: postgres, keep: 1d } }`,
      [expect.stringContaining('4:1: __proto__: unknown key') as string, '4:1: __proto__ cannot be a key'],
    ],
    ['an unknown tag', `${HEAD}sets: { a: { source: postgres, keep: !x 1d } }`, ['4:38: unresolved tag: !x']],
    [
      'an alias to nothing',
      'version: 1\nstore: *nowhere\n',
      ['2:8: an alias (*name) that cannot be resolved'],
    ],
    [
      'a merge of problems',
      'version: 1\nstore: file:///a\n',
      ['1:1: recipients: is missing', '1:1: sets: is missing'],
    ],
  ])('%s', (_, text, problems) => {
    expect(problemsIn(text)).toEqual(problems);
  });

  test('aliases that multiply are stopped', () => {
    const text = ['a: &a [x, x, x, x, x, x, x, x, x, x]']
      .concat(
        [1, 2, 3, 4, 5, 6].map(
          (n) =>
            `b${n}: &b${n} [${Array(10)
              .fill(n === 1 ? '*a' : `*b${n - 1}`)
              .join(', ')}]`,
        ),
      )
      .join('\n');
    expect(problemsIn(text)).toEqual([expect.stringContaining('alias')]);
  });
});

describe('what a set promises', () => {
  const set = (more: string): string => `${HEAD.replace('file:///srv/backup', 's3://acme-backups/prod')}sets:
  shop:
    source: postgres
${more.trim().replace(/^ */gm, '    ')}
`;

  test('lives by the calendar, locks and copies', () => {
    const config = parse(
      set(`keep: { monthly: 365d, daily: 30d, weekly: 13w }
           object_lock: { mode: compliance, manifests: 3d }
           expire: manual
           replicas: [{ name: paris, store: s3://acme-copy/, s3: { region: eu-west-3 } }, { name: disk, store: file:./copy }]`),
    );
    expect(config.sets.get('shop')).toMatchObject({
      keepDays: 30,
      keep: [
        { name: 'daily', days: 30 },
        { name: 'weekly', days: 91 },
        { name: 'monthly', days: 365 },
      ],
      objectLock: { mode: 'compliance', manifestDays: 3 },
      expire: 'manual',
      replicas: [
        { name: 'paris', store: 's3://acme-copy', s3: { region: 'eu-west-3' } },
        { name: 'disk', store: 'file:///etc/holdfast/copy', s3: {} },
      ],
    });
  });

  test('a set that says nothing has one life, no lock, no copy, and expires nothing by itself', () => {
    const shop = parse(set('keep: 30d')).sets.get('shop');
    expect(shop).toMatchObject({ keep: [{ name: 'daily', days: 30 }], expire: 'manual', replicas: [] });
    expect(shop).not.toHaveProperty('objectLock');
    const locked = parse(set('keep: 30d\nobject_lock: { mode: governance }')).sets.get('shop');
    expect(locked?.objectLock).toEqual({ mode: 'governance' });
  });

  test('a folder may expire by itself', () => {
    const config = parse(`${HEAD}sets: { shop: { source: postgres, keep: 30d, expire: auto } }`);
    expect(config.sets.get('shop')?.expire).toBe('auto');
  });

  test.each<[string, string, readonly string[]]>([
    [
      'no unit',
      'keep: 30',
      ['7:11: sets.shop.keep: must be a duration such as 30d, or a map of them, not a number'],
    ],
    [
      'leaving people out without a map',
      `keep: 30d
       on_purged: filter`,
      ["8:16: sets.shop.on_purged: 'filter' needs subjects: a map that says whose rows are whose"],
    ],
    ['no class', 'keep: {}', ['7:11: sets.shop.keep: needs daily: how long every other snapshot is kept']],
    [
      'an empty keep',
      'keep:',
      ['7:10: sets.shop.keep: must be a duration such as 30d, or a map of them, not empty'],
    ],
    [
      'no daily',
      'keep: { weekly: 90d }',
      ['7:11: sets.shop.keep: needs daily: how long every other snapshot is kept'],
    ],
    [
      'a class that does not exist, and a life in hours',
      'keep: { daily: 24h, weakly: 90d }',
      [
        "7:20: sets.shop.keep.daily: '24h' is in hours, but a store forgets by whole days; write days: 1d",
        "7:25: sets.shop.keep.weakly: unknown key; did you mean 'weekly'?",
      ],
    ],
    [
      'a weekly that goes before the dailies',
      'keep: { daily: 30d, weekly: 4w, monthly: 40d }',
      ['7:33: sets.shop.keep.weekly: must be longer than daily (30d)'],
    ],
    [
      'a life that has no name in a store',
      'keep: { daily: 30d, yearly: 9999d }',
      ['7:33: sets.shop.keep.yearly: is too long: together with full_every it may come to 9997d'],
    ],
    [
      'locks',
      'keep: 30d\nobject_lock: { mode: legal, manifest: 3d }',
      [
        '8:26: sets.shop.object_lock.mode: must be one of compliance, governance',
        "8:33: sets.shop.object_lock.manifest: unknown key; did you mean 'manifests'?",
      ],
    ],
    [
      'a manifest that is locked longer than it is kept',
      'keep: { daily: 3d, weekly: 90d }\nobject_lock: { mode: governance, manifests: 3d }',
      [
        '8:49: sets.shop.object_lock.manifests: must be shorter than keep (3d), or a manifest outlives its promise',
      ],
    ],
    [
      'a host that would delete in a bucket',
      'keep: 30d\nexpire: auto',
      [
        '8:13: sets.shop.expire: auto is for folders; in a bucket the lifecycle rules do it, and a host may not delete there',
      ],
    ],
    [
      'copies that are not one',
      `keep: 30d
       replicas:
         - { name: a, store: s3://acme-backups/prod/ }
         - { name: a, store: s3://acme-copy, region: x }
         - { name: B, store: s3://acme-copy/ , s3: { regio: x } }`,
      [
        '9:25: sets.shop.replicas[0].store: is where the set or an earlier copy lies already',
        '10:15: sets.shop.replicas[1].name: is the name of an earlier copy of this set',
        '10:41: sets.shop.replicas[1].region: unknown key; the keys here are name, store, s3',
        '11:15: sets.shop.replicas[2].name: must be 1 to 63 of a-z, 0-9, _ and -, starting with a letter or digit',
        '11:25: sets.shop.replicas[2].store: is where the set or an earlier copy lies already',
        "11:49: sets.shop.replicas[2].s3.regio: unknown key; did you mean 'region'?",
      ],
    ],
  ])('%s is refused at its place', (_, more, problems) => {
    expect(problemsIn(set(more))).toEqual(problems);
  });

  test('locks are for buckets', () => {
    expect(
      problemsIn(`${HEAD}sets: { a: { source: postgres, keep: 9d, object_lock: { mode: governance } } }`),
    ).toEqual(['4:42: sets.a.object_lock: is for buckets; nothing locks a file in a folder']);
  });
});
