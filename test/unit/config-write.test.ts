/** Goal: what `init` writes is read back as what was meant, whatever the names and paths are. */
import { test as propertyTest, fc } from '@fast-check/vitest';
import { expect, test } from 'vitest';
import { Secret } from '../../src/config/secret.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { normalise } from '../../src/config/normalise.ts';
import type { RawConfig } from '../../src/config/schema.ts';
import { configFromAnswers, renderConfig } from '../../src/config/write.ts';

const PLACE = {
  file: '/etc/holdfast/holdfast.yaml',
  shown: 'holdfast.yaml',
  env: { HOME: '/home/ada' },
  host: 'db',
};

const FILES = {
  recipients: ['keys/ops.asc'],
  signingKey: 'keys/host.key',
  trustedSigners: ['keys/other.asc'],
};

test('the file that init writes explains each key and is read back', () => {
  const raw = configFromAnswers(
    {
      store: 's3://acme/prod',
      region: 'ca-central-1',
      set: 'shop',
      source: 'postgres',
      urlEnv: 'SHOP_URL',
      keep: '30d',
    },
    FILES,
  );
  const text = renderConfig(raw);
  expect(text).toMatchSnapshot();
  const config = parseConfig(text, PLACE);
  expect(config).toMatchObject({
    store: 's3://acme/prod',
    s3: { region: 'ca-central-1' },
    recipients: ['/etc/holdfast/keys/ops.asc'],
    signingKey: '/etc/holdfast/keys/host.key',
    trustedSigners: ['/etc/holdfast/keys/other.asc'],
  });
  expect(config.sets.get('shop')).toMatchObject({
    keepDays: 30,
    connection: { from: 'variable', variable: 'SHOP_URL' },
  });
});

test('every line that is commented out is good as well', () => {
  const raw = configFromAnswers(
    { store: 'file:///srv/b', set: 'notes', source: 'sqlite', path: 'notes.db', keep: '4w' },
    { ...FILES, stateDir: '/var/lib/holdfast' },
  );
  const text = renderConfig(raw);
  const [before = '', promises = ''] = text.split(/^(?=# promises:)/m);
  const config = parseConfig(before + promises.replace(/^# ?/gm, ''), PLACE);
  expect(config.stateDir).toBe('/var/lib/holdfast');
  expect(config.promises).toEqual({
    residency: ['ca-central-1'],
    erasureWithinDays: 30,
    drillEveryDays: 30,
    backupEveryHours: 24,
  });
});

test('a URL goes into the file in full', () => {
  const url = new Secret('postgres://u:geheim@h/d');
  const raw = configFromAnswers({ store: 'file:///b', set: 'a', source: 'postgres', url, keep: '1d' }, FILES);
  const set = parseConfig(renderConfig(raw), PLACE).sets.get('a');
  const connection = set?.source === 'postgres' ? set.connection : undefined;
  expect(connection?.from === 'url' ? connection.url.reveal() : undefined).toBe('postgres://u:geheim@h/d');
});

// A path or name may hold anything that a file name may: quotes, colons, hashes, line breaks, what looks like a number.
const text = fc.oneof(
  fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }),
  fc.constantFrom(
    '12',
    'null',
    'true',
    '~',
    '- a',
    'a: b',
    '#x',
    '*x',
    '&x',
    '!x',
    '|',
    '>',
    "'",
    '"',
    ' x ',
    'a\nb',
    '\t',
    '2026-11-21',
  ),
);
const days = fc.oneof(
  fc.integer({ min: 1, max: 4000 }).map((n) => `${n}d`),
  fc.integer({ min: 1, max: 500 }).map((n) => `${n}w`),
);
const hours = fc.integer({ min: 1, max: 900 }).map((n) => `${n}h`);
const name = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,20}$/);
const paths = fc.array(text, { minLength: 1, maxLength: 3 });
const url = fc.stringMatching(/^postgres:\/\/[!-~]{0,30}$/);

function some<T extends object>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<Partial<T>> {
  return fc.record(shape, { requiredKeys: [] }) as fc.Arbitrary<Partial<T>>;
}

/** Classes with growing lives. */
const keepMap = fc
  .tuple(...[1, 2, 3, 4].map(() => fc.integer({ min: 1, max: 900 })), fc.integer({ min: 1, max: 4 }))
  .map((steps) => {
    const classes = ['daily', 'weekly', 'monthly', 'yearly'].slice(0, steps[4]);
    const lives = classes.map((_, index) => steps.slice(0, index + 1).reduce((sum, step) => sum + step, 0));
    return Object.fromEntries(classes.map((name, index) => [name, `${lives[index] ?? 0}d`]));
  });
const replicas = fc
  .uniqueArray(name, { maxLength: 3 })
  .map((names) =>
    names.map((one) => ({ name: one, store: `s3://copies/${one}`, s3: { region: 'eu-west-3' } })),
  );
const life = fc.record({ keep: fc.oneof(days, keepMap) }).chain((fixed) =>
  some({
    full_every: days,
    subjects: text,
    writer: name,
    replicas,
    expire: fc.constant('manual' as const),
  }).map((rest) => ({ ...rest, ...fixed })),
);
const connection = fc.oneof(
  fc.constant({}),
  url.map((value) => ({ url: value })),
  fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,20}$/).map((value) => ({ url_env: value })),
  text.map((value) => ({ url_file: value })),
  fc.array(text, { minLength: 1, maxLength: 4 }).map((value) => ({ url_command: value })),
);
const set = fc.oneof(
  fc.tuple(life, connection).map(([one, two]) => ({ source: 'postgres' as const, ...one, ...two })),
  fc.tuple(life, text).map(([one, path]) => ({ source: 'sqlite' as const, ...one, path })),
);
const rest = some({
  s3: some({
    region: text,
    endpoint: fc.constantFrom('https://s3.example.com', 'http://127.0.0.1:9000'),
    force_path_style: fc.boolean(),
    checksum: fc.constantFrom('content-md5' as const, 'none' as const),
    ca_file: text,
    profile: text,
  }),
  signing_key: text,
  trusted_signers: paths,
  purge_signers: paths,
  state_dir: text,
  compression: fc.integer({ min: 1, max: 19 }),
  promises: some({ residency: paths, erasure_within: days, drill_every: days, backup_every: hours }),
});
const rawConfig = fc
  .tuple(
    rest,
    fc.constantFrom('s3://acme-backups/prod', 'file:///srv/backup', 'file:./store'),
    paths,
    fc.dictionary(name, set, { minKeys: 1, maxKeys: 4, noNullPrototype: true }),
  )
  .map(([optional, store, recipients, sets]): RawConfig => ({
    ...optional,
    version: 1,
    store,
    recipients,
    sets,
  }));

propertyTest.prop([rawConfig], { numRuns: 300 })(
  'any configuration is written and read back the same',
  (raw) => {
    expect(parseConfig(renderConfig(raw), PLACE)).toEqual(normalise(raw, PLACE));
  },
);
