/** From what the file system says of a name to an entry. */
import type { Entry, EntryType } from '../../rows/files/entry.ts';
import type { ByteName } from '../../rows/files/names.ts';
import type { Stat } from './calls.ts';
import type { Owners } from './owners.ts';

const S_IFMT = 0o170000n;
const TYPES: ReadonlyMap<bigint, EntryType> = new Map([
  [0o100000n, 'file'],
  [0o040000n, 'folder'],
  [0o120000n, 'symlink'],
  [0o010000n, 'fifo'],
  [0o020000n, 'char'],
  [0o060000n, 'block'],
]);

/** What kind of thing it is; undefined for sockets and what else cannot be kept. */
export function typeOf(stat: Stat): EntryType | undefined {
  return TYPES.get(stat.mode & S_IFMT);
}

/** The entry for what was found at a path. */
export function entryFrom(path: ByteName, type: EntryType, stat: Stat, owners: Owners): Entry {
  const [uid, gid] = [Number(stat.uid), Number(stat.gid)];
  return {
    path,
    type,
    size: type === 'file' ? Number(stat.size) : 0,
    mode: Number(stat.mode & 0o7777n),
    uid,
    gid,
    user: owners.users.get(uid) ?? '',
    group: owners.groups.get(gid) ?? '',
    mtime: stat.mtimeNs,
    ...((type === 'char' || type === 'block') && { device: deviceOf(stat.rdev) }),
    ...(type === 'file' && stat.blocks * 512n < stat.size && { sparse: true }),
  };
}

/** Linux: gnu_dev_major and gnu_dev_minor of sys/sysmacros.h. */
function deviceOf(rdev: bigint): { major: number; minor: number } {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n);
  return { major: Number(major), minor: Number(minor) };
}
