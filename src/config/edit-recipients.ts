/** Changing who can restore, in holdfast.yaml itself: two lists are edited, and every other word and comment stays. */
import { randomBytes } from 'node:crypto';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { relative, resolve, sep } from 'node:path';
import { isMap, isScalar, isSeq, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import { reasonOf } from '../errors.ts';
import { configUneditable, configUnreadable } from './errors.ts';
import { readTextFile } from './text-file.ts';

const CONFIG_BYTES_MAX = 1024 * 1024;

export interface RecipientChange {
  /** Absolute paths of key files that become recipients. */
  readonly add: readonly string[];
  /** Absolute paths of key files that stop being recipients; their signatures go on counting. */
  readonly remove: readonly string[];
  /** Absolute paths of files of former recipients who come back. */
  readonly back?: readonly string[];
}

/**
 * The text of the configuration with other recipients. Whoever leaves `recipients` goes to `former_recipients`, and
 * back again.
 * @param folder - of the configuration: relative paths start there
 * @throws HoldfastError CONFIG_UNEDITABLE when the lists are written in a way that only a person can edit
 */
export function editRecipients(
  text: string,
  { add, remove, back = [] }: RecipientChange,
  folder: string,
): string {
  const document = parseDocument(text);
  if (document.errors.length > 0) throw configUneditable('it is not sound YAML');
  for (const file of [...add, ...back]) drop(document, 'former_recipients', file, folder);
  for (const file of add) append(document, 'recipients', shownPath(file, folder));
  for (const file of remove) {
    const shown = drop(document, 'recipients', file, folder);
    append(document, 'former_recipients', shown ?? shownPath(file, folder));
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** Takes a file out of a list, and the list away when nothing is left in it; how the file was written there. */
function drop(document: Document, list: string, file: string, folder: string): string | undefined {
  const items = listOf(document, list)?.items ?? [];
  const at = items.findIndex((item) => isScalar(item) && resolve(folder, String(item.value)) === file);
  const found = items[at];
  if (!isScalar(found)) return undefined;
  items.splice(at, 1);
  if (items.length === 0) document.delete(list);
  return String(found.value);
}

function append(document: Document, list: string, path: string): void {
  const items = listOf(document, list);
  if (items) items.add(document.createNode(path));
  else insertBehindRecipients(document, list, document.createNode([path], { flow: true }));
}

/** There a person looks for it, and no comment of another key comes between. */
function insertBehindRecipients(document: Document, list: string, value: unknown): void {
  const { contents } = document;
  if (!isMap(contents)) throw configUneditable('it is not a map of keys');
  const at = contents.items.findIndex(({ key }) => isScalar(key) && key.value === 'recipients');
  contents.items.splice(at + 1, 0, document.createPair(list, value));
}

function listOf(document: Document, list: string) {
  const node = document.get(list, true);
  if (node === undefined) return undefined;
  if (!isSeq(node) || !node.items.every(isScalar))
    throw configUneditable(`\`${list}:\` is not a plain list of files`);
  return node;
}

/** Relative where the file lies below the folder of the configuration. */
function shownPath(file: string, folder: string): string {
  const path = relative(folder, file);
  return path.startsWith('..') || resolve(folder, path) !== file ? file : path.split(sep).join('/');
}

/**
 * Edits the file, whole or not at all; its mode stays.
 * @throws HoldfastError CONFIG_UNREADABLE, CONFIG_UNEDITABLE
 */
export async function editRecipientsFile(
  file: string,
  folder: string,
  change: RecipientChange,
): Promise<void> {
  const target = await realpath(file).catch((error: unknown) => {
    throw configUnreadable(file, reasonOf(error));
  });
  const { text } = await readTextFile(target, CONFIG_BYTES_MAX);
  const edited = editRecipients(text, change, folder);
  const temporary = `${target}.${randomBytes(4).toString('hex')}.new`;
  try {
    const { mode } = await stat(target);
    const handle = await open(temporary, 'wx', mode & 0o777);
    try {
      await handle.writeFile(edited);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw configUneditable(reasonOf(error));
  }
}
