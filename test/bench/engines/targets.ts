/** The promises about the other engines' speed, judged from the measured runs. Pure. */
import type { Run } from '../bench.ts';
import { compared, median } from '../compared.ts';
import type { Target } from '../compared.ts';
import type { Part } from '../options.ts';
import { HOLDFAST } from '../peers/holdfast.ts';
import { REDIS_RDB } from './engine.ts';

export function engineTargets(runs: readonly Run[]): readonly Target[] {
  const slower = (part: Part, step: string, what: string, against: string, limit: number): Target => {
    const seconds = (name: string): number =>
      median(
        runs
          .filter((run) => run.what === `${part}/${step}` && run.contestant === name)
          .map((run) => run.seconds),
      );
    return compared({
      ...{ part, what, against, limit, unit: '×' },
      ours: seconds(HOLDFAST),
      peer: seconds(against),
      show: (value) => `${value.toFixed(2)} s`,
    });
  };
  return [
    slower('mariadb', 'first', 'MariaDB, first backup', 'zstd+gpg', 1.1),
    slower('mariadb', 'next', 'MariaDB, next day', 'restic', 0.7),
    slower('mariadb', 'restore', 'MariaDB, restore, 2 jobs', 'zstd+gpg', 1.0),
    slower('files', 'first', 'files, first backup', 'restic', 1.3),
    slower('files', 'unchanged', 'files, unchanged', 'restic', 1.5),
    slower('redis', 'first', 'Redis, first backup', REDIS_RDB, 1.3),
  ];
}
