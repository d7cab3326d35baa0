/**
 * Names as file systems have them: bytes. Inside this folder each byte is one character of a string (latin1), so
 * that names can be compared, joined and kept in maps, and none is lost that is not UTF-8.
 */
import { isUtf8 } from 'node:buffer';

/** A name or a path relative to the root, one character for each byte; the root itself is `.`. */
export type ByteName = string;

/** The path of the root. */
export const ROOT: ByteName = '.';

/** From what the file system gave. */
export function fromBytes(bytes: Uint8Array): ByteName {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** From a text that a person or a configuration wrote. */
export function fromText(text: string): ByteName {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** For the file system. */
export function toBytes(name: ByteName): Buffer {
  return Buffer.from(name, 'latin1');
}

/** The text of a name; undefined when it is not UTF-8. */
export function toText(name: ByteName): string | undefined {
  const bytes = toBytes(name);
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}

/** For messages: on one line, whatever the name holds. */
export function display(name: ByteName): string {
  const text = toText(name);
  const escape = (char: string): string => `\\x${(char.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`;
  // eslint-disable-next-line no-control-regex -- names may hold them, and a terminal would obey them
  return text?.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, escape) ?? name.replaceAll(/[^ -~]/g, escape);
}

/** The path of something in a folder. */
export function joinNames(folder: ByteName, name: ByteName): ByteName {
  return folder === ROOT ? name : `${folder}/${name}`;
}

/** The folder in which a path lies; undefined for the root. */
export function folderOf(path: ByteName): ByteName | undefined {
  if (path === ROOT) return undefined;
  const slash = path.lastIndexOf('/');
  return slash === -1 ? ROOT : path.slice(0, slash);
}

/** The last part of a path. */
export function lastName(path: ByteName): ByteName {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** True for the folder itself and for all that lies below it. */
export function isWithin(path: ByteName, folder: ByteName): boolean {
  return folder === ROOT || path === folder || path.startsWith(`${folder}/`);
}

/** Why a path cannot be one of an archive; undefined when it leads to a place below the root, or is the root. */
export function pathProblem(path: ByteName): string | undefined {
  if (path === ROOT) return undefined;
  if (path.includes('\0')) return 'it holds a zero byte';
  if (path.startsWith('/')) return 'it is absolute';
  const parts = path.split('/');
  if (parts.some((part) => part === '..')) return 'it leads upwards';
  if (parts.some((part) => part === '' || part === '.')) return 'it is not in its shortest form';
  return undefined;
}
