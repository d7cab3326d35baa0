/** The demo's folder: taken over only when everything in it was made by the demo. */
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Lists, as JSON, every path that the demo made; it lies in the folder itself. */
const LIST = '.made-by-the-demo.json';
const SHOWN = 3;

/** The folder cannot be used; the message is for people. */
export class FolderRefused extends Error {}

/**
 * Makes the folder, or empties it when the demo made everything that is in it.
 * @param folder - absolute path
 * @throws FolderRefused naming what would have been lost
 */
export function claimFolder(folder: string): void {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (found && !found.isDirectory()) throw new FolderRefused(`${folder} is there and is not a folder`);
  if (found) {
    const strangers = unknownPaths(folder);
    if (strangers.length > 0) throw new FolderRefused(refusal(folder, strangers));
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true });
  }
  mkdirSync(folder, { recursive: true });
  recordMade(folder);
}

/** Writes down what is in the folder now, all of it made by the demo. */
export function recordMade(folder: string): void {
  writeFileSync(join(folder, LIST), JSON.stringify([LIST, ...pathsIn(folder)]));
}

function unknownPaths(folder: string): string[] {
  const made = new Set(readList(folder));
  return pathsIn(folder).filter((path) => !made.has(path));
}

function readList(folder: string): unknown[] {
  try {
    const list: unknown = JSON.parse(readFileSync(join(folder, LIST), 'utf8'));
    return Array.isArray(list) ? list : [];
  } catch {
    return []; // No list, or none of ours: then nothing is known.
  }
}

/** Relative paths of everything in the folder; symbolic links are not followed. */
function pathsIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
}

function refusal(folder: string, strangers: readonly string[]): string {
  const more = strangers.length > SHOWN ? ` and ${strangers.length - SHOWN} more` : '';
  return `${folder} holds what the demo did not make: ${strangers.slice(0, SHOWN).join(', ')}${more}`;
}
