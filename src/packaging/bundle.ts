/**
 * Bundles: the program in few files, which start faster than many. Type stripping does not work below node_modules, so a
 * package needs one as well.
 */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build, type BuildOptions } from 'esbuild';
import { NAMES as RECOVERY_FILES } from '../recovery/files.ts';

/** The root of the project. */
export const ROOT = join(import.meta.dirname, '../..');

const SHARED = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: 'node',
  target: 'node24',
  // Stack traces in a report of a bug must say something.
  keepNames: true,
  logLevel: 'warning',
} as const satisfies BuildOptions;

/** What the npm package ships: our own code, one file for each verb and what they share; packages stay packages. */
export async function bundlePackage(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  await build({
    ...SHARED,
    entryPoints: { run: 'src/cli/run.ts', worker: 'src/segments/worker.ts' },
    outdir: folder,
    format: 'esm',
    splitting: true,
    packages: 'external',
  });
  for (const name of RECOVERY_FILES) cpSync(join(ROOT, 'src/recovery', name), join(folder, name));
}

/**
 * One CommonJS file with everything in it, packages too, as Node's single executables want it
 * (https://nodejs.org/docs/latest-v24.x/api/single-executable-applications.html).
 *
 * @param entry - below the root of the project
 */
export async function bundleSingle(entry: string, file: string): Promise<void> {
  await build({
    ...SHARED,
    entryPoints: [entry],
    outfile: file,
    format: 'cjs',
    // Node's own modules come by `require`, which such an executable has; it has no `import()`.
    supported: { 'dynamic-import': false },
    // pg looks for its native twin, and lives without it.
    external: ['pg-native'],
    define: { 'import.meta.url': '__moduleUrl' },
    banner: { js: "const __moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
  });
}
