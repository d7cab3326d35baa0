/**
 * `npm run build` makes `dist`, what the npm package ships; `npm run build:single` the executable for hosts without Node;
 * `npm run build:deb` a Debian package of it.
 */
import { join } from 'node:path';
import { bundlePackage, ROOT } from './bundle.ts';
import { buildDeb, debName } from './deb.ts';
import { buildSingle } from './single.ts';

const DIST = join(ROOT, 'dist');
const SINGLE = join(ROOT, 'dist-single/holdfast');

const [what = 'package'] = process.argv.slice(2);
switch (what) {
  case 'package':
    await bundlePackage(DIST);
    break;
  case 'single':
    await buildSingle(SINGLE);
    break;
  case 'deb':
    await buildSingle(SINGLE);
    buildDeb(SINGLE, join(ROOT, 'dist-single', debName()), new Date());
    break;
  default:
    throw new Error(`package, single or deb, not ${what}`);
}
