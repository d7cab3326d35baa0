/** Questions to a restored folder: how many paths match a pattern, and when the newest of them was changed. */
import { throwIfCancelled } from '../../errors.ts';
import type { Answer, Inspector } from '../inspector.ts';
import { ROOT } from '../../rows/files/names.ts';
import { OpenFolders } from './open-folder.ts';
import { compilePatterns } from './patterns.ts';
import { walk } from './walk.ts';

/** Opens nothing yet. */
export function filesInspector(root: string): Inspector {
  return {
    ask: (question, signal) =>
      'files' in question
        ? ask(root, question.files, signal)
        : Promise.resolve({ refused: 'files are asked by a pattern' }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** @throws HoldfastError FILES_UNREADABLE, FILES_PATTERN */
async function ask(root: string, pattern: string, signal: AbortSignal): Promise<Answer> {
  const matches = compilePatterns([pattern]);
  await using folders = new OpenFolders();
  const everything = { excludes: () => false, never: new Set<string>(), onNever: () => undefined };
  let count = 0;
  let newestMs: number | undefined;
  for await (const { path, stat, folder } of walk(
    folders,
    await folders.root(Buffer.from(root)),
    everything,
  )) {
    throwIfCancelled(signal);
    await folder.release();
    // Folders only lead to what was put there.
    if (path === ROOT || stat.isDirectory() || !matches(path, false)) continue;
    count += 1;
    newestMs = Math.max(newestMs ?? 0, Number(stat.mtimeMs));
  }
  return {
    value: String(count),
    ...(newestMs !== undefined && { newest: new Date(newestMs).toISOString() }),
  };
}
