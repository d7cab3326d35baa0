import { HoldfastError } from '../errors.ts';

export const replacementDiffers = (pack: string, offset: number) =>
  new HoldfastError({
    code: 'REPLACEMENT_DIFFERS',
    exit: 'verification',
    message: `what was written to ${pack} at ${offset} does not read back as it was`,
    hint: 'Nothing was removed and nothing counts yet. Find out who else writes to the store, and resume the purge.',
  });

export const planChanged = (set: string, reason: string) =>
  new HoldfastError({
    code: 'PLAN_OUTDATED',
    exit: 'policy',
    message: `set ${set} is not as it was planned: ${reason}`,
    hint: 'Nothing was changed. Make a new plan and look at it: holdfast purge plan',
  });

export const planRefused = (set: string, reasons: readonly string[]) =>
  new HoldfastError({
    code: 'PLAN_REFUSED',
    exit: 'policy',
    message: `set ${set} cannot be purged like this: ${reasons.slice(0, 5).join('; ')}${
      reasons.length > 5 ? `; and ${reasons.length - 5} more` : ''
    }`,
    hint: 'Nothing was changed. Change the subject map so that what stays does not need what goes, then plan again.',
  });

export const planUnreadable = (what: string, reason: string) =>
  new HoldfastError({
    code: 'PLAN_UNREADABLE',
    exit: 'verification',
    message: `${what} is not a plan of a purge: ${reason}`,
    hint: 'Make a new one: holdfast purge plan',
  });

export const otherPlan = (what: string, reason: string) =>
  new HoldfastError({
    code: 'PLAN_ELSEWHERE',
    exit: 'usage',
    message: `${what} is for something else: ${reason}`,
    hint: 'Use the configuration with which the plan was made.',
  });

export const unsettled = (set: string) =>
  new HoldfastError({
    code: 'PURGE_UNSETTLED',
    exit: 'incomplete',
    message: `new snapshots of set ${set} appear faster than they can be looked through`,
    hint: `The request is in the ledger and stays open. Resume it when the backups have ended: holdfast purge resume ${set} -o RECEIPT.json`,
  });

export const purgeSignerUnfit = (signer: string) =>
  new HoldfastError({
    code: 'SIGNER_NOT_A_RECIPIENT',
    exit: 'usage',
    message: `${signer}, which would sign the purge, is neither a recipient nor a purge signer`,
    hint: 'Sign with the private key of a recipient or of a purge signer: --sign-with FILE.',
  });

export const receiptUnreadable = (what: string, reason: string) =>
  new HoldfastError({
    code: 'RECEIPT_UNREADABLE',
    exit: 'verification',
    message: `${what} is not a receipt of a purge: ${reason}`,
    hint: 'Take the file that `holdfast purge apply` wrote, unchanged.',
  });

export const approvalNeeded = (set: string, id: string) =>
  new HoldfastError({
    code: 'APPROVAL_NEEDED',
    exit: 'policy',
    message: `nobody else has approved purge ${id} of set ${set}, and promises.two_person wants that`,
    hint: 'Nothing was changed. Another operator runs: holdfast purge approve PLAN --key THEIR_KEY -o FILE. Then: holdfast purge apply PLAN --approve FILE -o RECEIPT.json',
  });

export const approvalUnfit = (reason: string, set: string) =>
  new HoldfastError({
    code: 'APPROVAL_UNFIT',
    exit: 'policy',
    message: `the approval for set ${set} does not count: ${reason}`,
    hint: 'Let another operator than the one who made this very plan approve it: holdfast purge approve PLAN --key THEIR_KEY -o FILE',
  });

export const noCopyDrop = (stream: string) =>
  new HoldfastError({
    code: 'PURGE_STREAM',
    exit: 'unverifiable',
    message: `stream ${stream} cannot be emptied: its rows are framed by a statement`,
    hint: 'Please report this with the message, and without the data.',
  });

export const mentionLeft = (table: string, column: string) =>
  new HoldfastError({
    code: 'PURGE_MENTION_LEFT',
    exit: 'policy',
    message: `a row of ${table} that stays would still name the subject in column ${column}`,
    hint: 'Nothing that was written counts. Let the subject map set this column, too, or delete the row, and plan again.',
  });

export const notGone = (set: string, snapshot: string, tables: readonly string[]) =>
  new HoldfastError({
    code: 'PURGE_NOT_GONE',
    exit: 'verification',
    message: `the subject is still in the new revision of snapshot ${snapshot}: ${tables.join(', ')}`,
    hint: `Nothing old was removed, restores leave the subject out, and the purge stays open. Please report this with the message, and without the data; with a version that has it mended, holdfast purge resume ${set} -o RECEIPT.json finishes.`,
  });

/** A subject map says that a database lists files, and its snapshots do not have the column for anybody. */
export function listedUnknown(set: string, table: string, column: string): HoldfastError {
  return new HoldfastError({
    code: 'LISTED_UNKNOWN',
    exit: 'usage',
    message: `no snapshot of set ${set} has rows of people in ${table} with a column ${column}`,
    hint: `Correct listed: in the subject map of the files; the map of ${set} must say whose the rows of that table are.`,
  });
}

/** No dump has what the database computes, so nobody can read names of files from it. */
export function listedComputed(set: string, table: string, column: string): HoldfastError {
  return new HoldfastError({
    code: 'LISTED_COMPUTED',
    exit: 'usage',
    message: `column ${column} of ${table} in set ${set} is computed by the database: its values are in no snapshot`,
    hint: 'Name a column that is stored in listed, or give the names, one a line, with --paths-from FILE.',
  });
}

/** Snapshots of the database that cannot be read may list further files of theirs. */
export function listedUnreadable(set: string, reasons: readonly string[]): HoldfastError {
  return new HoldfastError({
    code: 'LISTED_UNREADABLE',
    exit: 'unverifiable',
    message: `set ${set} may list more files of theirs, in what cannot be read: ${firstOf(reasons)}`,
    hint: 'Nothing was written. Repair that set (holdfast verify), or give the names, one a line, with --paths-from FILE.',
  });
}

function firstOf(reasons: readonly string[], between = '; '): string {
  const more = reasons.length > 3 ? `${between}and ${reasons.length - 3} more` : '';
  return reasons.slice(0, 3).join(between) + more;
}

/** Whoever is looked for has been erased from the database that knew the names of their files. */
export function listedGone(set: string, purges: readonly string[]): HoldfastError {
  return new HoldfastError({
    code: 'LISTED_GONE',
    exit: 'policy',
    message: `purge ${purges.join(', ')} has erased them from set ${set}, and with their rows the names of their files`,
    hint: 'Nothing was written. Give the names, one a line, with --paths-from FILE; next time plan the files first.',
  });
}

/** Nobody can tell any more whether whoever is looked for has been erased there. */
export function listedForgotten(set: string, purges: readonly string[]): HoldfastError {
  return new HoldfastError({
    code: 'LISTED_FORGOTTEN',
    exit: 'policy',
    message: `set ${set} has nobody like that, but may have had: nothing says any more whom purge ${firstOf(purges, ', ')} erased there, and the names of files went with the rows`,
    hint: 'Nothing was written. Give the names, one a line, with --paths-from FILE; an empty file, if there are none.',
  });
}

/** A key of one kind was given to a map whose key is of another. */
export function listedKey(set: string, column: string, type: string): HoldfastError {
  return new HoldfastError({
    code: 'LISTED_KEY',
    exit: 'usage',
    message: `the key that was given cannot be one of set ${set}, whose people have ${column} of type ${type}`,
    hint: 'Keys of both subject maps must mean the same. Name them by a column that both maps have under lookup, or give the names with --paths-from FILE.',
  });
}

/** The map of a database cannot tell who is meant by the map of the files. */
export function listedSubject(set: string): HoldfastError {
  return new HoldfastError({
    code: 'LISTED_SUBJECT',
    exit: 'usage',
    message: `the subject map of set ${set} does not know them by what was given`,
    hint: 'Name them by the key, or by a column that both maps have under lookup.',
  });
}
