/** Units for systemd that come with the Debian package: `holdfast schedule --systemd` makes those of a configuration. */
import { planJobs } from '../schedule/plan.ts';
import { systemdUnits } from '../schedule/systemd.ts';
import type { UnitFile } from '../schedule/systemd.ts';

/** For a store in a bucket, with the state where `init` puts it. Nothing is started before somebody enables a timer. */
export function packagedUnits(): readonly UnitFile[] {
  const facts = {
    program: '/usr/bin/holdfast',
    configFile: '/etc/holdfast/holdfast.yaml',
    sets: [],
    everyHours: 24,
    seed: 'package',
    expires: false,
  };
  const surroundings = {
    user: 'holdfast',
    environment: '/etc/holdfast/environment',
    stateDir: '/etc/holdfast/state',
    writes: [],
    mounts: [],
    readsFiles: false,
    hasHooks: false,
  };
  return systemdUnits({ ...facts, ...surroundings }, planJobs(facts));
}
