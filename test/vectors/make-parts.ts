/** Vectors of single parts, which a second implementation can start with. `rules.json` and `names.json` are written by hand. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sealSegment } from '../../src/openpgp/segment.ts';
import { signStatement } from '../../src/openpgp/statement.ts';
import { sha256Hex } from '../../src/repository/entry.ts';
import { formatManifest } from '../../src/repository/manifest.ts';
import type { Manifest } from '../../src/repository/manifest.ts';
import { PageBuilder } from '../../src/repository/pages.ts';
import type { SegmentRef } from '../../src/repository/pages.ts';
import { ChainKeys, digestOf } from '../../src/segments/chain-keys.ts';
import { FOLDER } from './kit.ts';
import type { Keys } from './kit.ts';

export async function makeParts(keys: Keys): Promise<void> {
  await mkdir(join(FOLDER, 'parts'), { recursive: true });
  const parts = {
    'chain-keys': chainKeys(),
    page: page(),
    manifest: { text: formatManifest(MANIFEST).toString(), value: MANIFEST },
    statements: await statements(keys),
    segments: segments(),
  };
  for (const [name, value] of Object.entries(parts)) {
    await writeFile(join(FOLDER, 'parts', `${name}.json`), JSON.stringify(value, null, 2));
  }
}

function chainKeys() {
  const secret = sha256Hex(Buffer.from('the chain secret of the vectors'));
  const keys = new ChainKeys(Buffer.from(secret, 'hex'));
  const cases = ['', 'SELECT 1;\n', '1\tAnna\t\\N\n2\tÜmit\t\n'].map((plain, index) => {
    const digest = digestOf(Buffer.from(plain));
    const salt = sha256Hex(Buffer.from(`salt ${index}`)).slice(0, 32);
    const key = keys.sessionKey(Buffer.from(salt, 'hex'), digest);
    return { plain, digest: digest.toString('hex'), id: keys.id(digest).toString('hex'), salt, key };
  });
  const table = Buffer.alloc(1024);
  for (const [index, word] of keys.cutTable.entries()) table.writeUInt32LE(word, index * 4);
  return { secret, cut_table: { first: [...keys.cutTable.subarray(0, 4)], sha256: sha256Hex(table) }, cases };
}

const REFS: readonly SegmentRef[] = [
  {
    pack: '039/0011223344556677',
    offset: 0,
    length: 64,
    sha256: hex('a'),
    plain: 10,
    rows: 1,
    key: hex('b'),
  },
  {
    pack: '039/0011223344556677',
    offset: 64,
    length: 131072,
    sha256: hex('c'),
    plain: 4194304,
    rows: 0,
    key: hex('d'),
  },
  {
    pack: '9999/ffeeddccbbaa9988',
    offset: 12582911,
    length: 100,
    sha256: hex('e'),
    plain: 200,
    rows: 3,
    key: hex('f'),
  },
];

function hex(text: string): string {
  return sha256Hex(Buffer.from(text));
}

function page() {
  const builder = new PageBuilder();
  for (const ref of REFS) builder.add(ref);
  return { text: builder.finish()?.plain.toString(), refs: REFS };
}

const MANIFEST: Manifest = {
  binding: {
    format: 1,
    store: '5f0c1d2e-3a4b-4c5d-8e6f-708192a3b4c5',
    set: 'shop',
    snapshot: '20261121T030005Z-9f3a01c4',
    writer: 'db1',
    chain: 3,
    seq: 17,
    revision: 0,
    time: '2026-11-21T03:00:05.120Z',
    end: '2026-12-21T03:02:11.004Z',
    keep_days: 30,
    pack_days: 39,
    ledger_seen: { officer: { seq: 2, sha256: hex('line') } },
    recipients: ['9b2f9e0a6a3e4f0e9d3f0a1b2c3d4e5f00112233'],
  },
  source: {
    kind: 'postgres',
    database: 'shop',
    serverVersion: '15.14',
    toolVersion: '15.14',
    estimatedBytes: 4096,
    warnings: ['a "warning"'],
    facts: { encoding: 'UTF8', list: [1, null, 'ü'] },
  },
  streams: [
    { name: 'globals', section: 'globals', dialect: 'sql', segments: 1, rows: 0, bytes: 10 },
    {
      name: 'public."Odd\n""name"',
      section: 'data',
      dialect: 'pg-copy',
      table: { name: 'public."Odd\n""name"', columns: ['a\nb', 'ü'] },
      segments: 2,
      rows: 2,
      bytes: 4194504,
    },
    {
      name: 'empty',
      section: 'data',
      dialect: 'sql-insert',
      table: { name: 'empty', columns: [] },
      segments: 0,
      rows: 0,
      bytes: 0,
    },
  ],
  pages: [
    {
      pack: '039/0011223344556677',
      offset: 131136,
      length: 500,
      sha256: hex('g'),
      plain: 700,
      rows: 3,
      key: hex('h'),
    },
  ],
};

async function statements(keys: Keys) {
  const good = (await signStatement({ kind: 'vector', text: 'ü, "quoted", \\ and \n' }, keys.db1)).toString();
  const [line = '', seal = ''] = good.split('\n');
  const other =
    (await signStatement({ kind: 'vector', text: 'another' }, keys.db1)).toString().split('\n')[1] ?? '';
  const foreign = (await signStatement({ kind: 'vector' }, keys.stranger)).toString();
  const claimed = foreign.replace(keys.stranger.getFingerprint(), keys.db1.getFingerprint());
  return {
    signer: keys.db1.getFingerprint(),
    good: [good],
    bad: [
      {
        what: 'a letter of the line is another one',
        code: 'SIGNATURE_BAD',
        text: good.replace('quoted', 'Quoted'),
      },
      {
        what: 'a space is added, which JSON would not mind',
        code: 'SIGNATURE_BAD',
        text: good.replace(':', ': '),
      },
      {
        what: 'the signature is that of another statement',
        code: 'SIGNATURE_BAD',
        text: `${line}\n${other}\n`,
      },
      { what: 'the last line end is missing', code: 'DAMAGED', text: good.slice(0, -1) },
      { what: 'there is a third line', code: 'DAMAGED', text: `${good}\n` },
      { what: 'line ends are CR LF', code: 'DAMAGED', text: `${line}\r\n\n${seal}\r\n` },
      { what: 'the signature line is no JSON', code: 'DAMAGED', text: `${line}\nsignature\n` },
      {
        what: 'there is no signature',
        code: 'DAMAGED',
        text: `${line}\n{"signer":"${keys.db1.getFingerprint()}"}\n`,
      },
      {
        what: 'a checksum is added to the armor',
        code: 'SIGNATURE_BAD',
        text: good.replace('\\n-----END', '\\n\\n-----END'),
      },
      { what: 'the signer is not trusted', code: 'SIGNER_NOT_TRUSTED', text: foreign },
      { what: 'it claims another signer', code: 'SIGNATURE_BAD', text: claimed },
    ],
  };
}

function segments() {
  const made = (name: string, plain: string) => {
    const key = hex(`key of ${name}`);
    const sealed = Buffer.from(sealSegment(Buffer.from(plain), Buffer.from(key, 'hex'), 3));
    return { name, key, sha256: sha256Hex(sealed), sealed: sealed.toString('base64'), plain };
  };
  return [
    made('one line', 'SELECT 1;\n'),
    made('rows of COPY', '1\tAnna\t\\N\n2\tÜmit\t\n'),
    made('repetition', 'INSERT INTO t VALUES(1);\n'.repeat(400)),
    made('one byte', '\n'),
  ];
}
