/** Owner, permissions and time of what was restored, as far as this user may set them. */
import { close, fchmod, fchown, futimes, lchown, lutimes, open } from './calls.ts';
import { constants } from 'node:fs';
import type { Entry } from '../../rows/files/entry.ts';
import type { Place } from './open-folder.ts';
import type { OwnerIds } from './owners.ts';

/** Whose the files become: undefined when all become this user's. */
export type Ownership = OwnerIds | undefined;

/** Sets all of it on something that is open; the owner first, because a change of owner takes away set-user-id. */
export async function setAttributes(fd: number, entry: Entry, ownership: Ownership): Promise<void> {
  if (ownership) await fchown(fd, uidOf(entry, ownership), gidOf(entry, ownership));
  await fchmod(fd, modeOf(entry, ownership));
  await futimes(fd, timeOf(entry), timeOf(entry));
}

/** The same of a symbolic link, which has no permissions. */
export async function setLinkAttributes(place: Place, entry: Entry, ownership: Ownership): Promise<void> {
  const path = place.folder.at(place.name);
  if (ownership) await lchown(path, uidOf(entry, ownership), gidOf(entry, ownership));
  await lutimes(path, timeOf(entry), timeOf(entry));
}

/** The same of a pipe, which cannot be opened without somebody at its other end. */
export async function setPipeAttributes(place: Place, entry: Entry, ownership: Ownership): Promise<void> {
  const fd = await open(
    place.folder.at(place.name),
    constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  );
  try {
    await setAttributes(fd, entry, ownership);
  } finally {
    await close(fd);
  }
}

/** By name where this machine knows it, as tar does: numbers differ between machines. */
function uidOf({ uid, user }: Entry, { users }: OwnerIds): number {
  return users.get(user) ?? uid;
}

function gidOf({ gid, group }: Entry, { groups }: OwnerIds): number {
  return groups.get(group) ?? gid;
}

/** Set-user-id for another owner than the file had would give away that owner's rights. */
function modeOf({ mode }: Entry, ownership: Ownership): number {
  return ownership ? mode : mode & 0o1777;
}

/**
 * The system call wants a floating point number: a time comes back to less than a microsecond. Of numbers before 1970
 * Node makes the present, of a Date it does not.
 */
function timeOf({ mtime }: Entry): number | Date {
  return mtime < 0n ? new Date(Number(mtime / 1_000_000n)) : Number(mtime) / 1e9;
}
