/**
 * The receipt of a purge: what was done, where, and what it does not reach. It names nobody: the subject by a made-up
 * name, rows by numbers. A signed statement, as all public JSON of a store, whose hash the ledger names.
 */
import { z } from 'zod';
import { signStatement, verifyStatement } from '../../openpgp/statement.ts';
import type { openpgp } from '../../openpgp/library.ts';
import type { Trust } from '../../openpgp/trust.ts';
import { sha256Hex } from '../../repository/entry.ts';
import { SET_NAME, SNAPSHOT_ID } from '../../repository/layout.ts';
import { readApproval } from '../apply/approval.ts';
import { describeMention, describeScan } from '../scan/describe-scan.ts';
import { receiptUnreadable } from '../errors.ts';
import { scanSchema } from '../scan/scan-report.ts';
import { keptLines } from '../plan/kept.ts';
import { tableCountsSchema } from '../plan/table-counts.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const whole = z.int().nonnegative();
const time = z.iso.datetime();

const receiptSchema = z.looseObject({
  format: z.literal(1),
  kind: z.literal('purge-receipt'),
  store: z.uuid(),
  set: z.string().regex(SET_NAME),
  id: z.string(),
  ref: z.string().optional(),
  /** A made-up name. */
  subject: z.string(),
  /** Of the subject map's text; absent when all of the set went. */
  map: sha256.optional(),
  plan: sha256,
  announced: time,
  finished: time,
  /** Fingerprint of the key that has signed ledger and receipt. */
  operator: z.string(),
  /** Another operator than who made the plan: with the signed statement itself. */
  approval: z.looseObject({ by: z.string(), time, statement: z.string().max(16_384) }).optional(),
  snapshots: z.array(
    z.looseObject({
      snapshot: z.string().regex(SNAPSHOT_ID),
      writer: z.string(),
      /**
       * - `rewritten`: has a new revision without them
       * - `clean`: was looked through, they are not in it
       * - `removed`: cannot be read any more
       */
      outcome: z.enum(['rewritten', 'clean', 'removed']),
      revision: whole,
      /** By table; absent where an interrupted run has not left them. */
      tables: z.record(z.string(), tableCountsSchema).optional(),
    }),
  ),
  /** The store itself comes first, then each copy. */
  places: z.array(
    z.looseObject({
      name: z.string(),
      manifestsRemoved: whole,
      /** Packs that held erased rows. */
      packs: whole,
      packsRemoved: whole,
      /** What lives in such packs was moved, so that they can go before their time. */
      rewritten: z.boolean().optional(),
      /** Until then, at the latest, bytes of them lie there that nobody can open. */
      unreadableUntil: time.optional(),
      lockedUntil: time.optional(),
    }),
  ),
  /** Hosts: whether a snapshot of each shows that it knows of the purge. */
  writers: z.array(z.looseObject({ writer: z.string(), acknowledged: z.boolean() })),
  /** Whether free text was looked through for them. */
  scan: z.enum(['not scanned', 'scanned']),
  /** What the scan has found, when the plan was made. */
  scanned: scanSchema.optional(),
  notCovered: z.array(z.string()),
});

export type Receipt = z.infer<typeof receiptSchema>;
export type ReceiptSnapshot = Receipt['snapshots'][number];
export type ReceiptPlace = Receipt['places'][number];

export interface SignedReceipt {
  readonly receipt: Receipt;
  readonly bytes: Buffer;
  /** Of `bytes`. */
  readonly sha256: string;
}

export async function signReceipt(receipt: Receipt, signer: openpgp.PrivateKey): Promise<SignedReceipt> {
  const bytes = await signStatement(receipt, signer);
  return { receipt, bytes, sha256: sha256Hex(bytes) };
}

/**
 * Reads a receipt and checks its signature: nothing else is needed for that.
 * @throws HoldfastError RECEIPT_UNREADABLE, SIGNATURE_BAD, SIGNER_NOT_TRUSTED, DAMAGED
 */
export async function readReceipt(
  bytes: Buffer,
  operators: Trust,
  what: string,
): Promise<SignedReceipt & { readonly signer: string }> {
  const { value, signer } = await verifyStatement(bytes, operators, what);
  const parsed = receiptSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw receiptUnreadable(what, `${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is wrong'}`.trim());
  }
  if (parsed.data.operator !== signer)
    throw receiptUnreadable(what, 'somebody else than its operator has signed it');
  const { store, set, id, plan, approval } = parsed.data;
  if (approval) {
    const { signer: by } = await readApproval(approval.statement, operators, { store, set, id, plan });
    if (by !== approval.by) throw receiptUnreadable(what, 'somebody else than it says has approved it');
  }
  return { receipt: parsed.data, bytes, sha256: sha256Hex(bytes), signer };
}

/** The receipt as a page for people, in Markdown. */
export function describeReceipt({ receipt, sha256: hash }: SignedReceipt): string {
  const { set, id, ref, subject, announced, finished, operator, snapshots, places, writers, approval } =
    receipt;
  const of = (outcome: ReceiptSnapshot['outcome']) => snapshots.filter((one) => one.outcome === outcome);
  const lines = [
    `# Erasure from the backups of ${set}`,
    '',
    `- Request: ${id}${ref === undefined ? '' : `, ${cell(ref)}`}`,
    `- Subject: ${subject} (a made-up name: this page names nobody)`,
    `- Announced in the ledger: ${announced}; finished: ${finished}`,
    `- Signed by: ${operator}`,
    ...(approval ? [`- Approved by: ${approval.by}, at ${approval.time}`] : []),
    `- SHA-256 of the signed receipt: ${hash}`,
    '',
    '## Snapshots',
    '',
    `${of('rewritten').length} were written anew without them, in ${of('clean').length} they were not, ${of('removed').length} cannot be read any more.`,
    '',
    '| snapshot | host | outcome | rows deleted | changed | kept |',
    '| --- | --- | --- | ---: | ---: | ---: |',
    ...snapshots.map(snapshotLine),
    '',
    ...keptSection(receipt),
    '## Where the backups lie',
    '',
    '| place | old manifests removed | packs with erased rows | of them removed | the others stay, unreadable, until |',
    '| --- | ---: | ---: | ---: | --- |',
    ...places.map(placeLine),
    '',
    '## Hosts',
    '',
    ...writers.map(
      ({ writer, acknowledged }) =>
        `- ${writer}: ${acknowledged ? 'has made a snapshot since that knows of this' : 'pending: no snapshot of it shows yet that it knows of this'}`,
    ),
    '',
    '## What this does not cover',
    '',
    ...scanLines(receipt),
    ...receipt.notCovered.map((text) => `- ${text}`),
    '',
    'Check this with: `holdfast purge verify` and the receipt beside this page.',
  ];
  return `${lines.join('\n')}\n`;
}

function snapshotLine({ snapshot, writer, outcome, tables }: ReceiptSnapshot): string {
  const sum = (of: 'delete' | 'change' | 'keep') =>
    tables === undefined
      ? '?'
      : String(Object.values(tables).reduce((total, counts) => total + counts[of], 0));
  return `| ${snapshot} | ${writer} | ${outcome} | ${sum('delete')} | ${sum('change')} | ${sum('keep')} |`;
}

/** What is left that mentions them: numbers only. */
function scanLines({ scan, scanned }: Receipt): string[] {
  if (scanned === undefined) return [`- free text in other rows: ${scan}`];
  return [
    `- free text in other rows: scanned when it was planned; ${cell(describeScan(scanned))}`,
    ...scanned.mentions.map((mention) => `  - ${cell(describeMention(mention))}`),
  ];
}

/** On which legal basis rows stay, and until when. */
function keptSection({ snapshots }: Receipt): string[] {
  const lines = keptLines(snapshots);
  if (lines.length === 0) return [];
  return [
    '## What was kept, and why',
    '',
    'Rows are the most that one snapshot has; they stay also where some of their values went.',
    '',
    '| table | because | until | rows | snapshots |',
    '| --- | --- | --- | ---: | ---: |',
    ...lines.map(
      ({ table, because, until, rows, snapshots: count }) =>
        `| ${[table, because, until ?? 'no date is set', String(rows), String(count)].map(cell).join(' | ')} |`,
    ),
    '',
  ];
}

/** Text from outside as one cell of a table, or in a line: nothing in it begins markup, or turns text around. */
function cell(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '\ufffd')
    .replaceAll(/[\\|`*<>[\]]/g, String.raw`\$&`);
}

function placeLine({
  name,
  manifestsRemoved,
  packs,
  packsRemoved,
  unreadableUntil,
  lockedUntil,
}: ReceiptPlace): string {
  const until =
    unreadableUntil === undefined ? '–' : `${unreadableUntil}${lockedUntil === undefined ? '' : ' (locked)'}`;
  return `| ${cell(name)} | ${manifestsRemoved} | ${packs} | ${packsRemoved} | ${until} |`;
}
