/** Any tree of files comes back; any damage to its archive or list is refused, or changes nothing. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, inject, test as example } from 'vitest';
import { filesLoader } from '../../src/sources/files/loader.ts';
import {
  describeTree,
  dumpFolder,
  holdDump,
  LOAD,
  makeAwkward,
  NEVER,
  settleTimes,
} from '../integration/files-kit.ts';
import type { HeldDump } from '../integration/files-kit.ts';
import { tempFolder } from '../services/temp.ts';

/** Many runs in one test: each removes its own. */
async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(inject('runFolder'), 'files-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const name = fc
  .oneof(
    fc.constantFrom(
      'a',
      'b',
      'A',
      'a.b',
      '-',
      '~',
      '...',
      ' ',
      '\n',
      '=',
      '0',
      'ä',
      'x'.repeat(99),
      'y'.repeat(250),
    ),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
  )
  .filter((text) => !/[/\0]|^\.{1,2}$/.test(text) && Buffer.byteLength(text) < 256)
  .filter((text) => !/[\ud800-\udfff]/u.test(text));
type Tree = string | { readonly target: string } | ReadonlyMap<string, Tree>;
const content = fc.oneof(
  fc.constant(''),
  fc.string({ maxLength: 30 }),
  fc.nat(3000).map((n) => 'z'.repeat(n)),
);
const { tree } = fc.letrec<{ tree: Tree; leaf: Tree; folder: Tree }>((tie) => ({
  leaf: fc.oneof(
    content,
    fc.record({ target: fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 120 }) }),
  ),
  folder: fc.dictionary(name, tie('tree'), { maxKeys: 5 }).map((all) => new Map(Object.entries(all))),
  tree: fc.oneof({ depthSize: 'small', withCrossShrink: true }, tie('leaf'), tie('folder')),
}));

async function plant(path: string, tree: Tree): Promise<void> {
  if (typeof tree === 'string') await writeFile(path, tree);
  else if ('target' in tree) await symlink(tree.target, path);
  else {
    await mkdir(path);
    for (const [key, below] of tree) await plant(join(path, key), below);
  }
}

test.prop([fc.dictionary(name, tree, { maxKeys: 5 })], { numRuns: 60 })('any tree comes back', (all) =>
  withFolder(async (folder) => {
    const [root, target] = [join(folder, 'root'), join(folder, 'target')];
    await plant(root, new Map(Object.entries(all)));
    await settleTimes(root);
    await filesLoader({ path: target }).load(await dumpFolder(root), LOAD, NEVER);
    expect(await describeTree(target)).toEqual(await describeTree(root));
  }),
);

/** A small one with one of each, of which a restore takes milliseconds. */
async function smallDump(): Promise<{ dump: HeldDump; tree: string[] }> {
  const root = join(await tempFolder('small'), 'root');
  await mkdir(join(root, 'folder'), { recursive: true });
  await writeFile(join(root, 'folder/file'), 'content of a file');
  await writeFile(join(root, `folder/${'long'.repeat(40)}`), 'x'.repeat(700));
  await symlink('file', join(root, 'folder/link'));
  await writeFile(join(root, 'z'), '');
  await settleTimes(root);
  return { dump: await dumpFolder(root), tree: await describeTree(root) };
}

/** What comes of a damaged dump: the tree, or how it was refused. */
async function restored(dump: HeldDump): Promise<string[] | string> {
  return withFolder(async (folder) => {
    const target = join(folder, 'target');
    try {
      await filesLoader({ path: target }).load(dump, LOAD, NEVER);
      return await describeTree(target);
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    }
  });
}

describe('damage', () => {
  example('by a cut anywhere in the archive or the list is refused', async () => {
    const { dump } = await smallDump();
    const { archive, list } = dump;
    for (let end = 0; end < archive.length; end += end % 512 === 0 ? 7 : 505) {
      const result = await restored(holdDump(archive.subarray(0, end), list));
      // Without the zeros at its end it has lost nothing.
      if (end !== archive.length - 1024) expect([end, result]).toEqual([end, 'FILES_ARCHIVE_REFUSED']);
    }
    for (let end = 0; end < list.length; end += 13)
      expect(await restored(holdDump(archive, list.subarray(0, end)))).toBe('FILES_ARCHIVE_REFUSED');
  });

  example('by a flipped byte is refused, or is only in contents and attributes', async () => {
    const { dump, tree } = await smallDump();
    const { archive, list } = dump;
    const shape = (lines: readonly string[]) => lines.map((line) => line.split('\t').slice(0, 2).join('\t'));
    let refused = 0;
    for (let at = 0; at < archive.length; at += 29) {
      const harmed = Buffer.from(archive);
      harmed[at] = (harmed[at] ?? 0) ^ (1 << (at % 8));
      const result = await restored(holdDump(harmed, list));
      if (typeof result === 'string') refused++;
      else expect(shape(result)).toEqual(shape(tree));
      if (typeof result === 'string') expect(result).toBe('FILES_ARCHIVE_REFUSED');
    }
    // Each header has a sum, and contents are few here.
    expect(refused).toBeGreaterThan((archive.length / 29) * 0.7);
  });

  example('of an awkward archive never ends outside of the target', async () => {
    const root = join(await tempFolder('awkward'), 'root');
    await makeAwkward(root);
    const { archive, list } = await dumpFolder(root);
    await fc.assert(
      fc.asyncProperty(fc.nat(list.length - 1), fc.nat(255), (at, byte) =>
        withFolder(async (folder) => {
          const harmed = Buffer.from(list);
          harmed[at] = byte;
          const target = join(folder, 'target');
          await filesLoader({ path: target })
            .load(holdDump(archive, harmed), LOAD, NEVER)
            .catch((error: unknown) => {
              expect((error as { code?: string }).code).toMatch(/^FILES_(ARCHIVE_REFUSED|WRITE)$/);
            });
          const lines = (await describeTree(folder)).slice(0, -1);
          expect(lines.filter((line) => !/^(target[/\t]|\t)/.test(line))).toEqual([]);
        }),
      ),
      { numRuns: 25 },
    );
  });
});
