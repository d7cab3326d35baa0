/** Refused snapshots: well signed and sealed, but saying what does not hold, or what this version cannot do. */
import { signStatement } from '../../src/openpgp/statement.ts';
import { sha256Hex } from '../../src/repository/entry.ts';
import { ledgerKey } from '../../src/repository/layout.ts';
import { formatRef } from '../../src/repository/pages.ts';
import type { SegmentRef } from '../../src/repository/pages.ts';
import { OTHER_STORE } from './forge.ts';
import type { Forge } from './forge.ts';
import type { RefusedCase } from './kit.ts';

const LEDGER_WRITER = 'officer';
const PAGE_HEAD = '{"format":1,"kind":"page"}\n';

export async function falseManifests(forge: Forge): Promise<RefusedCase[]> {
  const { text } = forge;
  const header = (change: (value: Record<string, unknown>) => Record<string, unknown>) => {
    const lines = text.split('\n');
    return [
      JSON.stringify(change(JSON.parse(lines[0] ?? '') as Record<string, unknown>)),
      ...lines.slice(1),
    ].join('\n');
  };
  const refuse = (name: string, what: string, code: string, plain: string) =>
    forge.snapshot(name, what, code, { plain });
  return [
    await refuse(
      'manifest-other-end',
      'manifest and entry state different ends',
      'BOUND_ELSEWHERE',
      header((h) => ({ ...h, end: '2027-12-20T03:00:06.950Z' })),
    ),
    await refuse(
      'manifest-other-chain',
      'manifest and entry state different chains',
      'BOUND_ELSEWHERE',
      header((h) => ({ ...h, chain: 1 })),
    ),
    await refuse(
      'manifest-other-ledger',
      'manifest and entry have seen different ledgers',
      'BOUND_ELSEWHERE',
      header((h) => ({ ...h, ledger_seen: { officer: { seq: 1, sha256: '0'.repeat(64) } } })),
    ),
    await refuse(
      'manifest-needs',
      'its header needs something that format 1 does not know',
      'FORMAT_UNKNOWN',
      header((h) => ({ ...h, needs: ['colour'] })),
    ),
    await refuse(
      'manifest-no-end',
      'its last line is missing',
      'MALFORMED',
      text.replace(/end \d+ \d+\n$/, ''),
    ),
    await refuse('manifest-cut-line', 'its last line has no line end', 'MALFORMED', text.slice(0, -1)),
    await refuse(
      'manifest-stream-lost',
      'a stream is left out, and the end line agrees',
      'MALFORMED',
      text
        .replace(/stream post-data .*\n/, '')
        .replace(/end (\d+)/, (_, n: string) => `end ${Number(n) - 1}`),
    ),
    await refuse(
      'manifest-page-lost',
      'a page is left out, and the end line agrees',
      'MALFORMED',
      text
        .replace(/page .*\n/, '')
        .replace(/end (\d+) (\d+)/, (_, s: string, p: string) => `end ${s} ${Number(p) - 1}`),
    ),
    await refuse(
      'manifest-unknown-line',
      'it has a line that format 1 does not know',
      'MALFORMED',
      text.replace('\nend ', '\nindex 1\nend '),
    ),
    await refuse(
      'manifest-unknown-dialect',
      'a stream is of no known dialect',
      'FORMAT_UNKNOWN',
      text.replace(' pg-copy ', ' pg-binary '),
    ),
    await refuse(
      'manifest-number-with-zeros',
      'a number of a page has a leading zero',
      'MALFORMED',
      text.replace(/^(page \S+) /m, '$1 0'),
    ),
    await refuse(
      'manifest-page-key',
      'a page has another key',
      'DAMAGED',
      text.replace(/^(page .*)\S{4}$/m, '$10000'),
    ),
    await refuse(
      'manifest-pages-swapped',
      'two pages changed places',
      'DAMAGED',
      text.replace(/^(page .*\n)(page .*\n)/m, '$2$1'),
    ),
    await refuse(
      'manifest-stream-bytes',
      'a stream has fewer bytes than its segments',
      'DAMAGED',
      text.replace(/^(stream data pg-copy \d+ \d+ )\d+/m, '$17'),
    ),
  ];
}

/** Snapshots with one stream of one segment, whose reference does not say the truth. */
export async function falseSegments(forge: Forge): Promise<RefusedCase[]> {
  const plain = Buffer.from('SELECT 1;\n');
  const true_ = forge.segment(plain);
  const zeros = forge.segment(Buffer.alloc(1_000_000));
  const huge = forge.segment(Buffer.alloc(4 * 1024 * 1024 + 1));
  const cases: [name: string, what: string, code: string, sealed: Uint8Array, ref: Partial<SegmentRef>][] = [
    ['segment-other-key', 'its key is another one', 'DAMAGED', true_.sealed, { key: '1'.repeat(64) }],
    ['segment-other-hash', 'its hash is another one', 'DAMAGED', true_.sealed, { sha256: '1'.repeat(64) }],
    [
      'segment-behind-pack',
      'it lies behind the end of its pack',
      'DAMAGED',
      true_.sealed,
      { offset: 100_000 },
    ],
    ['segment-shorter', 'it has more plaintext than stated', 'DAMAGED', true_.sealed, { plain: 9 }],
    ['segment-longer', 'it has less plaintext than stated', 'DAMAGED', true_.sealed, { plain: 11 }],
    [
      'segment-bomb',
      'it becomes a hundred thousand times larger than stated',
      'DAMAGED',
      zeros.sealed,
      { ...zeros.ref, plain: 10 },
    ],
    [
      'segment-too-large',
      'it states more plaintext than a segment may have',
      'MALFORMED',
      huge.sealed,
      huge.ref,
    ],
  ];
  const made = cases.map(async ([name, what, code, sealed, ref]) =>
    forge.oneSegment(
      name,
      what,
      code,
      sealed,
      (pack) => pageOf([{ ...true_.ref, pack, ...ref }]),
      ref.plain ?? plain.length,
    ),
  );
  const sound = (pack: string) => formatRef({ ...true_.ref, pack });
  return [
    ...(await Promise.all(made)),
    await forge.oneSegment(
      'page-other-head',
      'the page is of a newer format',
      'MALFORMED',
      true_.sealed,
      (pack) => `{"format":2,"kind":"page"}\n${sound(pack)}`,
    ),
    await forge.oneSegment(
      'page-cut',
      'the last line of the page has no line end',
      'MALFORMED',
      true_.sealed,
      (pack) => `${PAGE_HEAD}${sound(pack).trimEnd()}`,
    ),
    await forge.oneSegment(
      'page-more-fields',
      'a line of the page has an eighth field',
      'MALFORMED',
      true_.sealed,
      (pack) => `${PAGE_HEAD}${sound(pack).trimEnd()} 1\n`,
    ),
    await forge.oneSegment(
      'page-more-segments',
      'the page lists more segments than the manifest states',
      'DAMAGED',
      true_.sealed,
      (pack) => `${PAGE_HEAD}${sound(pack)}${sound(pack)}`,
    ),
    await forge.oneSegment(
      'page-outside',
      'a segment of the page lies outside of the packs',
      'MALFORMED',
      true_.sealed,
      (pack) => `${PAGE_HEAD}${sound('039/../../../../holdfast')}${pack.slice(0, 0)}`,
    ),
  ];
}

function pageOf(refs: readonly SegmentRef[]): string {
  return `${PAGE_HEAD}${refs.map(formatRef).join('')}`;
}

export async function newerThings(forge: Forge): Promise<RefusedCase[]> {
  const { keys, target, entry, at, text } = forge;
  const read = target;
  const newer = await forge.put(
    'entry-newer-format',
    'entry.json',
    await signStatement({ ...entry, format: 2 }, keys.db1),
  );
  const field = await forge.put(
    'entry-needs',
    'entry.json',
    await signStatement({ ...entry, needs: ['colour'] }, keys.db1),
  );
  const amendment = {
    format: 1,
    kind: 'amendment',
    store: entry.store,
    set: entry.set,
    snapshot: entry.snapshot,
    revision: 1,
  };
  const amended = await forge.put(
    'entry-amended',
    'amend-1.json',
    await signStatement(amendment, keys.officer),
  );
  return [
    {
      name: 'entry-newer-format',
      what: 'the entry is of format 2',
      changes: [{ ...newer, file: at.entry }],
      read,
      code: 'FORMAT_UNKNOWN',
    },
    {
      name: 'entry-needs',
      what: 'the entry needs something that format 1 does not know',
      changes: [{ ...field, file: at.entry }],
      read,
      code: 'FORMAT_UNKNOWN',
    },
    {
      name: 'entry-amended',
      what: 'an amendment lies beside it',
      changes: [{ ...amended, file: `${at.folder}amend-1.json` }],
      read,
      code: 'AMENDMENT_UNKNOWN',
    },
    await forge.snapshot('manifest-newer-format', 'the manifest is of format 2', 'FORMAT_UNKNOWN', {
      plain: text.replace('"format":1', '"format":2'),
    }),
  ];
}

export async function falseLedgers(forge: Forge): Promise<RefusedCase[]> {
  const { keys, target, entry } = forge;
  const read = target;
  const line = (seq: number, prev: string | null, more: object = {}) => ({
    format: 1,
    kind: 'ledger',
    store: entry.store,
    set: entry.set,
    writer: LEDGER_WRITER,
    seq,
    prev,
    time: '2026-11-20T09:00:00.000Z',
    heads: {},
    event: { type: 'purge-intent', retired: [['db1', 1, entry.packs[0]?.[0], 0]] },
    ...more,
  });
  const signed = (value: object, signer = keys.officer) => signStatement(value, signer);
  const at = (seq: number) => ledgerKey(entry.set, LEDGER_WRITER, seq);
  const lines = async (name: string, ...objects: readonly [number, Buffer][]) =>
    Promise.all(
      objects.map(async ([seq, bytes]) => ({
        ...(await forge.put(name, `${seq}.json`, bytes)),
        file: at(seq),
      })),
    );
  const one = await signed(line(1, null));
  const two = await signed(line(2, sha256Hex(one)));
  const unseen = await forge.reenter('ledger-cut-back', {
    ledger_seen: { officer: { seq: 1, sha256: sha256Hex(one) } },
  });
  return [
    {
      name: 'ledger-with-purge',
      what: 'the ledger is sound and asks for what this version cannot do',
      changes: await lines('ledger-with-purge', [1, one], [2, two]),
      read,
      code: 'LEDGER_NOT_APPLICABLE',
    },
    {
      name: 'ledger-gap',
      what: 'the first line is missing',
      changes: await lines('ledger-gap', [2, two]),
      read,
      code: 'LEDGER_BROKEN',
    },
    {
      name: 'ledger-fork',
      what: 'the second line does not follow the first',
      changes: await lines('ledger-fork', [1, one], [2, await signed(line(2, '0'.repeat(64)))]),
      read,
      code: 'LEDGER_BROKEN',
    },
    {
      name: 'ledger-misplaced',
      what: 'a line lies in the place of another number',
      changes: await lines('ledger-misplaced', [1, await signed(line(2, null))]),
      read,
      code: 'LEDGER_BROKEN',
    },
    {
      name: 'ledger-other-store',
      what: 'a line is of another store',
      changes: await lines('ledger-other-store', [1, await signed(line(1, null, { store: OTHER_STORE }))]),
      read,
      code: 'LEDGER_BROKEN',
    },
    {
      name: 'ledger-foreign-signer',
      what: 'a line is signed by a key that nobody vouches for',
      changes: await lines('ledger-foreign-signer', [1, await signed(line(1, null), keys.stranger)]),
      read,
      code: 'SIGNER_NOT_TRUSTED',
    },
    {
      name: 'ledger-newer-format',
      what: 'a line is of format 2',
      changes: await lines('ledger-newer-format', [1, await signed(line(1, null, { format: 2 }))]),
      read,
      code: 'FORMAT_UNKNOWN',
    },
    {
      name: 'ledger-cut-back',
      what: 'a snapshot has seen a line that is not there',
      changes: unseen,
      read,
      code: 'LEDGER_BROKEN',
    },
  ];
}
