/** Builds `dist`: what the package ships, since type stripping does not work below node_modules. */
import { cpSync, rmSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');

rmSync(join(root, 'dist'), { recursive: true, force: true });
execFileSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' });
for (const name of ['RECOVERY.md', 'recover.sh']) {
  cpSync(join(root, 'src/recovery', name), join(root, 'dist/recovery', name));
}
