/** What is backed up of one name, whatever its content: of this are an archive's header and a line of the list. */
import { ROOT, type ByteName } from './names.ts';
import type { Stat } from './calls.ts';
import type { Owners } from './owners.ts';

/** `link` is a further name of a file that stands before it; sockets are nothing that could be kept. */
export type EntryType = 'file' | 'folder' | 'symlink' | 'link' | 'fifo' | 'char' | 'block';

export interface Entry {
  readonly path: ByteName;
  readonly type: EntryType;
  /** Bytes of content; 0 for all but files. */
  readonly size: number;
  /** Permissions, with set-user-id, set-group-id and the sticky bit. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Names of owner and group; empty where the machine has none for the number. */
  readonly user: string;
  readonly group: string;
  /** In nanoseconds since 1970. */
  readonly mtime: bigint;
  /** Of a symbolic link: what it says. Of a link: the path of the file that it is. */
  readonly target?: ByteName;
  /** Of a device. */
  readonly device?: { readonly major: number; readonly minor: number };
  /** Less is stored of it on the disk than it is long: a restore leaves holes where zeros are. */
  readonly sparse?: true;
}

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

/** Archives say `./` before every path, as `tar -C FOLDER .` does: then no name can look like an option. */
export function archivePath({ path, type }: Pick<Entry, 'path' | 'type'>): ByteName {
  if (path === ROOT) return './';
  return `./${path}${type === 'folder' ? '/' : ''}`;
}
