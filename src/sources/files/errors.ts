/** What can go wrong with folders of files, as a source and as a restore target. */
import { HoldfastError, reasonOf } from '../../errors.ts';
import { display, type ByteName } from '../../rows/files/names.ts';

/** There is nothing at the path of the source. */
export const rootMissing = (root: string, cause: unknown) =>
  new HoldfastError({
    code: 'FILES_MISSING',
    exit: 'failed',
    message: `cannot open the folder ${root}: ${reasonOf(cause)}`,
    hint: 'Correct the path of the source; if it is on a volume of its own, mount it.',
    cause,
  });

/** The path of the source is not a folder. */
export const notAFolder = (root: string) =>
  new HoldfastError({
    code: 'FILES_NOT_A_FOLDER',
    exit: 'failed',
    message: `${root} is not a folder`,
    hint: 'Name the folder that holds it, and leave out what else is there with exclude.',
  });

/** Something below the root cannot be read. */
export const unreadable = (path: ByteName, cause: unknown) =>
  new HoldfastError({
    code: 'FILES_UNREADABLE',
    exit: 'failed',
    message: `cannot read ${display(path)}: ${reasonOf(cause)}`,
    hint: 'Run as a user who may read it, or name it in exclude; a backup with a hole would look whole.',
    cause,
  });

/** A name was something else each time that we looked. */
export const neverStill = (path: ByteName) =>
  new HoldfastError({
    code: 'FILES_NEVER_STILL',
    exit: 'failed',
    message: `${display(path)} was replaced again and again while it was read`,
    hint: 'Run the backup when nobody replaces it, or take a snapshot of the volume first (hooks before and after).',
  });

/** An exclude pattern that cannot be one. */
export const badPattern = (pattern: string, why: string) =>
  new HoldfastError({
    code: 'FILES_PATTERN',
    exit: 'usage',
    message: `the exclude pattern ${JSON.stringify(pattern)} ${why}`,
    hint: 'Write names such as *.tmp, paths such as /cache/, and ** for any number of folders.',
  });

/** The list of files that goes along with the archive could not be kept. */
export const scratchFailed = (folder: string, cause: unknown) =>
  new HoldfastError({
    code: 'FILES_SCRATCH',
    exit: 'failed',
    message: `cannot write to ${folder}: ${reasonOf(cause)}`,
    hint: 'The state folder must be writable and have room for about 300 bytes for each file.',
    cause,
  });

/** The place for the restored files is taken. */
export const targetTaken = (target: string, why: string) =>
  new HoldfastError({
    code: 'FILES_TARGET_OCCUPIED',
    exit: 'target',
    message: `${target} ${why}`,
    hint: 'A restore replaces nothing. Give the path of a folder that does not exist yet.',
  });

/** Something that preflight reports as a problem stands in the way. */
export const restoreImpossible = (problem: string) =>
  new HoldfastError({
    code: 'FILES_RESTORE_IMPOSSIBLE',
    exit: 'target',
    message: problem,
    hint: 'Look at the whole list with restore --dry-run.',
  });

/** A file, folder or link could not be made. */
export const writeFailed = (path: ByteName, cause: unknown) =>
  new HoldfastError({
    code: 'FILES_WRITE',
    exit: 'target',
    message: `cannot restore ${display(path)}: ${reasonOf(cause)}`,
    hint: 'What was restored so far was removed. Look at the space and the rights on the target, or choose another one.',
    cause,
  });

/** `cat --path` of something that has no bytes of its own. */
export const notAFile = (path: string, type: string) =>
  new HoldfastError({
    code: 'FILES_NOT_A_FILE',
    exit: 'usage',
    message: `${path} is a ${type} in this snapshot`,
    hint: `Bring it back with: holdfast restore … --path ${path} --to FOLDER`,
  });

/** A path that is not in the snapshot. */
export const pathUnknown = (path: string) =>
  new HoldfastError({
    code: 'FILES_PATH_UNKNOWN',
    exit: 'usage',
    message: `the snapshot has no ${path}`,
    hint: 'Paths are relative to the folder that is backed up; `holdfast cat SET --table files` lists them.',
  });

/** The tools for extended attributes did not do their work. */
export const attributesFailed = (what: string, why: string) =>
  new HoldfastError({
    code: 'FILES_ATTRIBUTES',
    exit: 'failed',
    message: `extended attributes could not be ${what}: ${why}`,
    hint: 'Run as a user who may read everything below the folder, and update the package attr.',
  });
