import { HoldfastError } from '../errors.ts';

export const suppressionMissing = (set: string, purge: string) =>
  new HoldfastError({
    code: 'SUPPRESSION_MISSING',
    exit: 'unverifiable',
    message: `who was erased by purge ${purge} of set ${set} cannot be told: its suppression object is gone`,
    hint: `Bring it back from object versions or a copy. To restore all the same, with the people whom that purge erased: --without-suppression ${purge}; the ledger will say so.`,
  });

export const suppressionUnreadable = (set: string, purge: string, reason: string, cause: unknown) =>
  new HoldfastError({
    code: 'SUPPRESSION_UNREADABLE',
    exit: 'unverifiable',
    message: `who was erased by purge ${purge} of set ${set} cannot be told: ${reason}`,
    hint: `Use a key of a recipient of today, or look in object versions and copies. To restore all the same, with the people whom that purge erased: --without-suppression ${purge}; the ledger will say so.`,
    cause,
  });

export const suppressionUnknown = (set: string, purge: string) =>
  new HoldfastError({
    code: 'SUPPRESSION_UNKNOWN',
    exit: 'unverifiable',
    message: `set ${set} has suppression of purge ${purge}, of which the ledger does not know`,
    hint: `The ledger was cut back, or the purge stopped before it began: bring the ledger back from object versions or a copy, or run its holdfast purge apply again. To restore without its people all the same: --without-ledger ${set}; with them, when that purge was given up: --without-suppression ${purge}. The ledger will say so.`,
  });

export const cannotLeaveOut = (
  snapshot: string,
  purges: readonly string[],
  reason: string,
  cause?: unknown,
) =>
  new HoldfastError({
    code: 'SUPPRESSION_IMPOSSIBLE',
    exit: 'unverifiable',
    message: `the people whom purge ${purges.join(', ')} erased cannot be left out of snapshot ${snapshot}: ${reason}`,
    hint: `Restore another snapshot, or finish the purge. To restore this one with them: ${purges.map((purge) => `--without-suppression ${purge}`).join(' ')}; the ledger will say so.`,
    cause,
  });

export const mapsDoNotCover = (snapshot: string, purges: readonly string[], tables: readonly string[]) =>
  new HoldfastError({
    code: 'SUPPRESSION_IMPOSSIBLE',
    exit: 'unverifiable',
    message: `the people whom purge ${purges.join(', ')} erased cannot be left out of snapshot ${snapshot}: no subject map says what to do with table ${tables.join(', ')} as it is there`,
    hint: `Add ${tables.join(', ')} to the set's subject map (a table that is gone since as well), name the map as subjects: in this configuration, and repeat. To restore with them: ${purges.map((purge) => `--without-suppression ${purge}`).join(' ')}; the ledger will say so.`,
  });

export const wholeSetErased = (set: string, purge: string) =>
  new HoldfastError({
    code: 'SET_ERASED',
    exit: 'policy',
    message: `purge ${purge} has erased all that set ${set} had until then, and this snapshot is part of it`,
    hint: `Nothing of it may come back; finish the purge with: holdfast purge resume ${set} -o RECEIPT.json`,
  });

export const overrideUnknown = (purge: string, pending: readonly string[]) =>
  new HoldfastError({
    code: 'SUPPRESSION_OVERRIDE',
    exit: 'usage',
    message: `purge ${purge} leaves nobody out of this snapshot`,
    hint:
      pending.length === 0 ? 'Leave --without-suppression out.' : `Those that do are ${pending.join(', ')}.`,
  });

export const overrideNeedsKey = () =>
  new HoldfastError({
    code: 'OVERRIDE_NOT_SIGNED',
    exit: 'noKey',
    message: 'going on without suppression is written into the ledger, and there is no key to sign that',
    hint: "Name the file of a recipient's or purge signer's private key with --key.",
  });

export const subjectBack = (set: string, purges: readonly string[], rows: number) =>
  new HoldfastError({
    code: 'PURGED_SUBJECT_BACK',
    exit: 'policy',
    message: `the database of set ${set} holds ${rows} ${rows === 1 ? 'subject' : 'subjects'} whom purge ${purges.join(', ')} has erased; no snapshot was made`,
    hint: 'Erase them in the database, too, or set `on_purged: warn` for this set.',
  });

export const cannotFilter = (set: string, purges: readonly string[], reason: string, cause?: unknown) =>
  new HoldfastError({
    code: 'PURGED_SUBJECT_STAYS',
    exit: 'policy',
    message: `people whom purge ${purges.join(', ')} erased are in the database of set ${set}, and cannot be left out of its backup: ${reason}; no snapshot was made`,
    hint: 'Erase them in the database, too, or set `on_purged: warn` for this set: a restore leaves them out then.',
    cause,
  });

export const tokensUnusable = (set: string, purge: string, reason: string, cause?: unknown) =>
  new HoldfastError({
    code: 'TOKENS_UNUSABLE',
    exit: 'unverifiable',
    message: `whether people whom purge ${purge} erased are in the database of set ${set} cannot be told: ${reason}`,
    hint: 'Bring its tokens back from object versions or a copy, or set `on_purged: warn` for this set.',
    cause,
  });

export const suppressionNotKept = (key: string) =>
  new HoldfastError({
    code: 'SUPPRESSION_NOT_KEPT',
    exit: 'failed',
    message: `the store has not kept ${key} as it was written`,
    hint: 'Nothing was erased; run the same command again.',
  });
