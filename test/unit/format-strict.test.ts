/** What docs/FORMAT.md demands of writers is asked of what they have written: one spelling, one order. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KeyOpener } from '../../src/openpgp/message.ts';
import { Trust } from '../../src/openpgp/trust.ts';
import { parseEntry } from '../../src/repository/entry.ts';
import { parseManifest } from '../../src/repository/manifest.ts';
import { PURGED_FOLDER, readKeys } from '../vectors/kit.ts';

const root = join(PURGED_FOLDER, 'store/keep-030/shop/snapshots');
const keys = await readKeys();

/** The folder of a snapshot whose manifest was never replaced. */
async function folderOfOne(): Promise<string> {
  for (const name of (await readdir(root)).sort().reverse())
    if ((await readdir(join(root, name))).includes('manifest.pgp')) return join(root, name);
  throw new Error('there is no manifest');
}

const folder = await folderOfOne();
const trust = new Trust([keys.db1.toPublic(), keys.db2.toPublic()]);
const sealed = await readFile(join(folder, 'manifest.pgp'));
const manifest = (await new KeyOpener([keys.ops]).open(sealed, trust, 'm')).plain.toString();
const entry = JSON.parse((await readFile(join(folder, 'entry.json'), 'utf8')).split('\n')[0] ?? '') as {
  readonly packs: readonly [string, number][];
};

describe('a manifest', () => {
  const moved = (line: RegExp, before: RegExp) => {
    const [found = ''] = line.exec(manifest) ?? [];
    return manifest.replace(found, '').replace(before, (there) => `${found}${there}`);
  };
  it.each([
    ['as it is', manifest, true],
    ['a number of a stream with a zero before it', manifest.replace(/^(stream \S+ \S+) /m, '$1 0'), false],
    ['a page without bytes', manifest.replace(/^(page \S+ \d+) \d+/m, '$1 0'), false],
    ['a page without plaintext', manifest.replace(/^(page \S+ \d+ \d+ \S+) \d+/m, '$1 0'), false],
    ['`also` before the pages', moved(/^also sidecar .*\n/m, /^page /m), false],
    ['`also` before the streams', moved(/^also sidecar .*\n/m, /^stream /m), false],
    ['an unknown `also`', manifest.replace(/^end /m, 'also colour blue\nend '), true],
    ['an unknown `also` before the pages', manifest.replace(/^page /m, 'also colour blue\npage '), false],
  ])('%s', (_, text, isSound) => {
    const parse = () => parseManifest(Buffer.from(text), 'm');
    if (isSound) expect(parse).not.toThrow();
    else expect(parse).toThrow(expect.objectContaining({ code: 'MALFORMED' }) as Error);
  });
});

describe('an entry', () => {
  const [first, ...others] = entry.packs;
  it.each([
    ['as it is', {}, true],
    ['packs out of order', { packs: [...others, first] }, false],
    ['a pack twice', { packs: [first, ...entry.packs] }, false],
    ['a name that does not start with its time', { time: '2026-11-21T03:00:09.000Z' }, false],
    ['a time without milliseconds', { time: '2026-11-21T03:00:06Z' }, false],
  ])('%s', (_, change, isSound) => {
    expect(entry.packs.length).toBeGreaterThan(1);
    const parse = () => parseEntry({ ...entry, ...change }, 'e');
    if (isSound) expect(parse).not.toThrow();
    else expect(parse).toThrow(expect.objectContaining({ code: 'MALFORMED' }) as Error);
  });
});
