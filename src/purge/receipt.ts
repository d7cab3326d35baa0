/**
 * The receipt of a purge: what was done, where, and what it does not reach. It names nobody: the subject by a made-up
 * name, rows by numbers. A signed statement, as all public JSON of a store, whose hash the ledger names.
 */
import { z } from 'zod';
import { signStatement, verifyStatement } from '../openpgp/statement.ts';
import type { openpgp } from '../openpgp/library.ts';
import type { Trust } from '../openpgp/trust.ts';
import { sha256Hex } from '../repository/entry.ts';
import { SET_NAME, SNAPSHOT_ID } from '../repository/layout.ts';
import { receiptUnreadable } from './errors.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const whole = z.int().nonnegative();
const time = z.iso.datetime();
const countsSchema = z.object({ delete: whole, change: whole, keep: whole });

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
      tables: z.record(z.string(), countsSchema).optional(),
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
      /** Until then, at the latest, bytes of them lie there that nobody can open. */
      unreadableUntil: time.optional(),
      lockedUntil: time.optional(),
    }),
  ),
  /** Hosts: whether a snapshot of each shows that it knows of the purge. */
  writers: z.array(z.looseObject({ writer: z.string(), acknowledged: z.boolean() })),
  /** Whether free text was looked through for them. */
  scan: z.enum(['not scanned', 'scanned']),
  notCovered: z.array(z.string()),
});

export type Receipt = z.infer<typeof receiptSchema>;
export type ReceiptSnapshot = Receipt['snapshots'][number];
export type ReceiptPlace = Receipt['places'][number];

/** What no purge of backups reaches; said in every receipt. */
export const NOT_COVERED: readonly string[] = [
  'the live database, and whatever else was made of it: WAL archives, replicas, exports, dumps by other tools',
  'manifests that somebody has saved from the store before: with one of them and a key of a recipient, the packs that still lie there open',
  "copies of a host's state folder: with one of them, somebody who knows a text can confirm that it was in the backup",
  'restored databases, and copies of the store that the configuration does not name',
];

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
  return { receipt: parsed.data, bytes, sha256: sha256Hex(bytes), signer };
}

/** The receipt as a page for people, in Markdown. */
export function describeReceipt({ receipt, sha256: hash }: SignedReceipt): string {
  const { set, id, ref, subject, announced, finished, operator, snapshots, places, writers } = receipt;
  const of = (outcome: ReceiptSnapshot['outcome']) => snapshots.filter((one) => one.outcome === outcome);
  const lines = [
    `# Erasure from the backups of ${set}`,
    '',
    `- Request: ${id}${ref === undefined ? '' : `, ${ref}`}`,
    `- Subject: ${subject} (a made-up name: this page names nobody)`,
    `- Announced in the ledger: ${announced}; finished: ${finished}`,
    `- Signed by: ${operator}`,
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
    `- free text in other rows: ${receipt.scan}`,
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
  return `| ${name} | ${manifestsRemoved} | ${packs} | ${packsRemoved} | ${until} |`;
}
