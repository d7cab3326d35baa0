/** The single executable: Node with the program inside, for hosts that have no Node. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { NAMES as RECOVERY_FILES } from '../recovery/files.ts';
import { WORKER_ASSET } from '../segments/worker-program.ts';
import { bundleSingle, ROOT } from './bundle.ts';

/** As Node documents it: the name of the note in an ELF file, and what is turned on in the copy of Node. */
const BLOB = 'NODE_SEA_BLOB';
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/** As in the first line of bin/holdfast.js. */
const NODE_OPTIONS = ['--max-semi-space-size=4'];

/**
 * Makes it out of the Node that runs this, for machines like this one.
 * @param file - where it goes
 */
export async function buildSingle(file: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-single-'));
  try {
    const main = join(folder, 'main.cjs');
    const worker = join(folder, WORKER_ASSET);
    await bundleSingle('bin/single.js', main);
    await bundleSingle('src/segments/worker.ts', worker);
    const blob = makeBlob(folder, main, {
      [WORKER_ASSET]: worker,
      ...Object.fromEntries(RECOVERY_FILES.map((name) => [name, join(ROOT, 'src/recovery', name)])),
    });
    mkdirSync(dirname(file), { recursive: true });
    rmSync(file, { force: true });
    copyFileSync(process.execPath, file);
    chmodSync(file, 0o755);
    stripSymbols(file);
    const postject = createRequire(import.meta.url).resolve('postject/dist/cli.js');
    run(postject, file, BLOB, blob, '--sentinel-fuse', FUSE);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function makeBlob(folder: string, main: string, assets: Readonly<Record<string, string>>): string {
  const output = join(folder, 'blob');
  const config = join(folder, 'sea.json');
  const options = {
    main,
    output,
    assets,
    disableExperimentalSEAWarning: true,
    // Compiled once, here: reading seven megabytes of source would take longer than most verbs.
    useCodeCache: true,
    execArgv: NODE_OPTIONS,
    // Nobody's NODE_OPTIONS changes how backups are made.
    execArgvExtension: 'none',
  };
  writeFileSync(config, JSON.stringify(options));
  run('--experimental-sea-config', config);
  return output;
}

/** Runs Node; what it says is for people only when it fails, and is in the error then. */
function run(...args: readonly string[]): void {
  execFileSync(process.execPath, args, { stdio: 'pipe' });
}

/** A fifth of Node is names for debuggers. Where binutils are not there, they stay. */
function stripSymbols(file: string): void {
  try {
    execFileSync('strip', ['--strip-all', file], { stdio: 'ignore' });
  } catch {
    // It works as well with them.
  }
}
