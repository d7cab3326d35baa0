/** All verbs, in the order of the help. */
import type { Register } from '../program.ts';
import { register as backup } from './backup.ts';
import { register as cat } from './cat.ts';
import { register as completion } from './completion.ts';
import { register as copy } from './copy.ts';
import { register as doctor } from './doctor.ts';
import { register as expire } from './expire.ts';
import { register as init } from './init.ts';
import { register as keys } from './keys.ts';
import { register as purge } from './purge.ts';
import { register as restore } from './restore.ts';
import { register as snapshots } from './snapshots.ts';
import { register as status } from './status.ts';
import { register as store } from './store.ts';
import { register as subjects } from './subjects.ts';
import { register as verify } from './verify.ts';

export const commands: readonly Register[] = [
  init,
  doctor,
  backup,
  snapshots,
  restore,
  cat,
  verify,
  copy,
  expire,
  keys,
  subjects,
  purge,
  store,
  status,
  completion,
];
