import { HoldfastError } from '../errors.ts';

export const notAStore = (url: string) =>
  new HoldfastError({
    code: 'STORE_NOT_INITIALISED',
    exit: 'noStore',
    message: `${url} is not a holdfast store: it has no holdfast.json`,
    hint: 'Check `store:` in holdfast.yaml, or prepare it with: holdfast init',
  });

/** Mostly a rescue, with the key of a recipient who did not make the store. */
export const makerNotTrusted = (error: HoldfastError) =>
  new HoldfastError({
    code: 'SIGNER_NOT_TRUSTED',
    exit: 'verification',
    message: error.message,
    hint: 'Who opens needs the public keys of the other recipients, too: list their files in `recipients:` (the runbook has them). For a host of yours, a recipient can vouch: holdfast keys trust FINGERPRINT --key FILE',
    cause: error,
  });

export const otherStore = (url: string, was: string, is: string) =>
  new HoldfastError({
    code: 'STORE_REPLACED',
    exit: 'verification',
    message: `${url} holds store ${is}, but this machine knows store ${was} at that address`,
    hint: 'If the store was replaced on purpose, remove its line from stores.json in the state folder.',
  });

export const formatTooNew = (what: string, format: unknown) =>
  new HoldfastError({
    code: 'FORMAT_UNKNOWN',
    exit: 'unverifiable',
    message: `${what} has format ${String(format)}, which this holdfast does not know`,
    hint: 'Install a newer holdfast.',
  });

export const malformed = (what: string, reason: string) =>
  new HoldfastError({
    code: 'MALFORMED',
    exit: 'verification',
    message: `${what} is malformed: ${reason}`,
    hint: 'It was damaged or not written by holdfast; use another snapshot or copy.',
  });

export const boundElsewhere = (what: string, field: string, expected: string, found: string) =>
  new HoldfastError({
    code: 'BOUND_ELSEWHERE',
    exit: 'verification',
    message: `${what} does not belong here: its ${field} is ${found}, expected ${expected}`,
    hint: 'Somebody moved or replaced objects in the store; do not trust it before you know who.',
  });

/** The hint fits every verb: `cat` and `restore` take the option, the others go by what was accepted there. */
export const rolledBack = (set: string, reason: string) =>
  new HoldfastError({
    code: 'ROLLED_BACK',
    exit: 'verification',
    message: `the store was rolled back for set ${set}: ${reason}`,
    hint: `Newer snapshots were removed or hidden. Look for them in object versions and copies. A person goes on with what is there by: holdfast cat ${set} --accept-rollback (or restore); then every verb of this machine does.`,
  });

export const ledgerBroken = (set: string, reason: string) =>
  new HoldfastError({
    code: 'LEDGER_BROKEN',
    exit: 'verification',
    message: `the ledger of set ${set} does not hold: ${reason}`,
    hint: 'Nothing is backed up or restored over a damaged ledger; bring it back from object versions or a copy.',
  });

export const notAnOperator = (what: string, signer: string) =>
  new HoldfastError({
    code: 'SIGNER_NOT_TRUSTED',
    exit: 'verification',
    message: `${what} replaces snapshots, and is signed by ${signer}, which may not`,
    hint: 'Only recipients and purge signers may; list the key in `former_recipients:` if it was a recipient, and otherwise find out who wrote there.',
  });

export const amendmentUnknown = (snapshot: string) =>
  new HoldfastError({
    code: 'AMENDMENT_UNKNOWN',
    exit: 'unverifiable',
    message: `snapshot ${snapshot} has an amendment of which the ledger does not know`,
    hint: 'The ledger was cut back, or somebody put it there; bring the ledger back from object versions or a copy.',
  });

export const amendmentMissing = (snapshot: string, revision: number) =>
  new HoldfastError({
    code: 'AMENDMENT_MISSING',
    exit: 'verification',
    message: `snapshot ${snapshot} is at revision ${revision} by the ledger, and the amendment that says so is gone`,
    hint: 'An older revision is not read instead. Look in object versions and copies, and use another snapshot.',
  });

export const amendmentDiffers = (what: string) =>
  new HoldfastError({
    code: 'DAMAGED',
    exit: 'verification',
    message: `${what} is not the amendment that the ledger names: its SHA-256 differs`,
    hint: 'Somebody or something changed it after it was written; use another snapshot or copy.',
  });

export const leaseTaken = (set: string, holder: string, purpose: string, until: Date) =>
  new HoldfastError({
    code: 'LOCKED',
    exit: 'locked',
    message: `${holder} is working on set ${set} (${purpose}), until ${until.toISOString()} at least`,
    hint: 'Wait for it to end; a lease whose holder died ends by itself at that time.',
  });

export const leaseLost = (set: string) =>
  new HoldfastError({
    code: 'LEASE_LOST',
    exit: 'locked',
    message: `this run paused for so long that its lease on set ${set} ended`,
    hint: 'Nothing was destroyed after that; run the same command again, it goes on where it stopped.',
  });

export const ledgerConflict = (set: string, key: string) =>
  new HoldfastError({
    code: 'LEDGER_CONFLICT',
    exit: 'failed',
    message: `somebody else has just written ${key} in the ledger of set ${set}`,
    hint: 'Run the same command again; it reads the ledger anew.',
  });

export const locked = (set: string) =>
  new HoldfastError({
    code: 'LOCKED',
    exit: 'locked',
    message: `another holdfast on this host is working on set ${set}`,
    hint: 'Wait for it to end; the lock goes with its process, there is nothing to clean up.',
  });

export const stateUnusable = (file: string, reason: string, cause?: unknown) =>
  new HoldfastError({
    code: 'STATE_UNUSABLE',
    exit: 'failed',
    message: `the state file ${file} cannot be used: ${reason}`,
    hint: "Check `state_dir:` and its permissions. Removing the set's state folder is safe; it costs one full backup.",
    cause,
  });

export const packsVanished = (set: string, detail: string) =>
  new HoldfastError({
    code: 'PACKS_VANISHED',
    exit: 'failed',
    message: `packs of set ${set} disappeared or changed while the backup ran: ${detail}`,
    hint: 'No snapshot was made. Run the backup again; it stores what is missing. Then find out who deletes from the store.',
  });

export const runTooLong = (set: string) =>
  new HoldfastError({
    code: 'RUN_TOO_LONG',
    exit: 'failed',
    message: `the backup of set ${set} took so long that its own packs would end before its manifest`,
    hint: 'Raise `full_every:` for this set above the time that one run takes, and run it again.',
  });

export const noSnapshot = (set: string, when: string) =>
  new HoldfastError({
    code: 'NO_SNAPSHOT',
    exit: 'usage',
    message: `set ${set} has no snapshot${when === 'latest' || when === 'oldest' ? 's' : ` ${when}`}`,
    hint: `See what there is with: holdfast snapshots ${set}`,
  });

export const snapshotExpired = (snapshot: string, end: Date) =>
  new HoldfastError({
    code: 'SNAPSHOT_EXPIRED',
    exit: 'policy',
    message: `snapshot ${snapshot} is past its end (${end.toISOString()})`,
    hint: 'What was promised to be gone is not read any more; choose a newer one.',
  });

export const missingManifest = (snapshot: string) =>
  new HoldfastError({
    code: 'MANIFEST_MISSING',
    exit: 'verification',
    message: `snapshot ${snapshot} has an unexpired entry, but its manifest is gone`,
    hint: 'Without it nothing of this snapshot can be read; look in object versions and copies, and use another snapshot.',
  });
