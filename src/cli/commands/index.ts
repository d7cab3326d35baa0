/** All verbs, in the order of the help. */
import type { Register } from '../program.ts';
import { register as backup } from './backup.ts';
import { register as cat } from './cat.ts';
import { register as completion } from './completion.ts';
import { register as copy } from './copy.ts';
import { register as doctor } from './doctor.ts';
import { register as drill } from './drill.ts';
import { register as expire } from './expire.ts';
import { register as init } from './init.ts';
import { register as keys } from './keys.ts';
import { register as purge } from './purge.ts';
import { register as report } from './report.ts';
import { register as restore } from './restore.ts';
import { register as runbook } from './runbook.ts';
import { register as schedule } from './schedule.ts';
import { register as seal } from './seal.ts';
import { register as snapshots } from './snapshots.ts';
import { register as status } from './status.ts';
import { register as store } from './store.ts';
import { register as subjects } from './subjects.ts';
import { register as support } from './support.ts';
import { register as unseal } from './unseal.ts';
import { register as verify } from './verify.ts';

export const commands: readonly Register[] = [
  init,
  doctor,
  backup,
  snapshots,
  restore,
  cat,
  verify,
  drill,
  copy,
  expire,
  keys,
  subjects,
  purge,
  seal,
  unseal,
  store,
  status,
  schedule,
  support,
  report,
  runbook,
  completion,
];
