/** What is backed up of one name, whatever its content: of this are an archive's header and a line of the list. */
import { ROOT, type ByteName } from './names.ts';

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

/** Archives say `./` before every path, as `tar -C FOLDER .` does: then no name can look like an option. */
export function archivePath({ path, type }: Pick<Entry, 'path' | 'type'>): ByteName {
  if (path === ROOT) return './';
  return `./${path}${type === 'folder' ? '/' : ''}`;
}
