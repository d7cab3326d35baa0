/** What can be wrong with a dump of files. */
import { HoldfastError } from '../../errors.ts';
import { display, type ByteName } from './names.ts';

/** The stored archive is not what this program writes, or would do harm. */
export const archiveRefused = (what: string, why: string) =>
  new HoldfastError({
    code: 'FILES_ARCHIVE_REFUSED',
    exit: 'verification',
    message: `the archive is refused at ${what}: ${why}`,
    hint: 'Whoever made this snapshot did not make it with holdfast alone. Restore another one, and find out who did.',
  });

/** The archive and its list do not say the same. */
export const listDiffers = (path: ByteName, why: string) => archiveRefused(display(path), why);
