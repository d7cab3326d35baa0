import { HoldfastError } from '../errors.ts';
import type { BrokenReference } from '../sources/source.ts';

/** A dump whose roles are not in it: nobody could restore it on a new server. */
export const rolesMissing = (roles: readonly string[]) =>
  new HoldfastError({
    code: 'ROLE_MISSING',
    exit: 'verification',
    message: `the snapshot needs the roles ${few(roles)}, and does not say how to create them`,
    hint: 'Let the backup read the roles (pg_dumpall --globals-only as the backup user must list them), and back up again.',
  });

export const schemaDiffers = (missing: readonly string[]) =>
  new HoldfastError({
    code: 'SCHEMA_DIFFERS',
    exit: 'verification',
    message: `what was restored lacks what was backed up: ${few(missing)}`,
    hint: 'Do not rely on this snapshot; drill another one, and run: holdfast verify --read-data',
  });

/** @param taken - so many were said to be fine; undefined: nothing was said, and rows of somebody were taken out */
export const referencesBroken = (
  broken: readonly BrokenReference[],
  rows: number,
  taken: number | undefined,
) =>
  new HoldfastError({
    code: 'REFERENCES_BROKEN',
    exit: 'verification',
    message: `foreign keys do not hold: ${brokenText(broken)}${taken === undefined ? ', and a purge has taken rows out' : `; broken_references takes ${taken}`}`,
    hint:
      taken === undefined
        ? `Drill a snapshot that no purge has touched: it says how many the source has. If it has as many, say so in the set: broken_references: ${rows}`
        : 'Look whether the source has them, too (SQLite: PRAGMA foreign_key_check): mend it there, or take more of them in the set.',
  });

/** For people. */
export function brokenText(broken: readonly BrokenReference[]): string {
  return few(
    broken.map(({ table, references, rows }) => `${rows} rows of ${table} lead to none of ${references}`),
  );
}

export const subjectsBack = (purge: string, rows: number) =>
  new HoldfastError({
    code: 'PURGED_SUBJECT_BACK',
    exit: 'verification',
    message: `a restore gives ${rows} ${rows === 1 ? 'row' : 'rows'} of people whom purge ${purge} has erased`,
    hint: 'Finish the purge with holdfast purge resume SET -o RECEIPT.json, and look with: holdfast purge verify --full RECEIPT',
  });

export const checkFailed = (name: string, found: string) =>
  new HoldfastError({
    code: 'CHECK_FAILED',
    exit: 'verification',
    message: `check ${name}: ${found}`,
    hint: 'Look at the source: what it had then, the snapshot has; or correct the check in holdfast.yaml.',
  });

/** Its word would not count, and a line of it would stop every reader of the ledger. */
export const drillNotSigned = (fingerprint: string) =>
  new HoldfastError({
    code: 'DRILL_SIGNER',
    exit: 'unverifiable',
    message: `key ${fingerprint} is neither a recipient nor a purge signer in this configuration, so a drill with it proves nothing`,
    hint: 'Name the private key of a recipient with --key FILE, or one that signs with --sign-with FILE.',
  });

export const scratchStays = (where: string, reason: string, cause: unknown) =>
  new HoldfastError({
    code: 'SCRATCH_NOT_REMOVED',
    exit: 'unverifiable',
    message: `what was restored into ${where} could not be removed: ${reason}`,
    hint: 'It is personal data in the clear: remove it by hand (databases holdfast_scratch_…, folders holdfast-scratch-…).',
    cause,
  });

function few(items: readonly string[]): string {
  return items.slice(0, 5).join('; ') + (items.length > 5 ? `; … (${items.length})` : '');
}
