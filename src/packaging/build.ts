/**
 * `npm run build` makes `dist`, what the npm package ships; `npm run build:single` the executable for hosts without Node;
 * `npm run build:deb` a Debian package of it.
 */
import { join, relative } from 'node:path';
import { bundlePackage, ROOT } from './bundle.ts';
import { buildDeb, debName } from './deb.ts';
import { buildSingle } from './single.ts';

const DIST = join(ROOT, 'dist');
const SINGLE = join(ROOT, 'dist-single/holdfast');

const made = (file: string): void => void process.stdout.write(`made ${relative(process.cwd(), file)}\n`);

const [what = 'package'] = process.argv.slice(2);
switch (what) {
  case 'package':
    await bundlePackage(DIST);
    break;
  case 'single':
    await buildSingle(SINGLE);
    made(SINGLE);
    break;
  case 'deb': {
    const deb = join(ROOT, 'dist-single', debName());
    await buildSingle(SINGLE);
    buildDeb(SINGLE, deb, new Date());
    made(deb);
    break;
  }
  default:
    throw new Error(`package, single or deb, not ${what}`);
}
