/** Loading a snapshot as somebody would after a disaster: with its roles, owners and grants, where the server is ours. */
import type { ScratchSpace } from '../scratch/scratch.ts';
import { planRestore, runRestore } from '../restore/restore.ts';
import type { DumpReader, Loader, LoadOptions, LoadReport } from '../sources/source.ts';
import { rolesMissing } from './errors.ts';

export interface LoadTask {
  readonly reader: DumpReader;
  readonly loader: Loader;
  readonly space: Pick<ScratchSpace, 'isOwn'>;
  /** Parallel sessions. */
  readonly jobs: number;
  readonly onProgress: (bytes: number, what: string) => void;
}

/**
 * Loads, and compares rows. On somebody's server no role is made, and ownership is left out.
 * @throws HoldfastError ROLE_MISSING when a server that is new would lack a role; what loading throws
 */
export async function loadForReal(
  { reader, loader, space, jobs, onProgress }: LoadTask,
  signal: AbortSignal,
): Promise<LoadReport> {
  const options: LoadOptions = {
    ...{ jobs, onProgress },
    ...(space.isOwn ? { globals: 'roles', noOwner: false } : { globals: false, noOwner: true }),
  };
  const plan = await planRestore(reader, loader, options, signal);
  const { missingRoles = [] } = plan;
  if (space.isOwn && missingRoles.length > 0) throw rolesMissing(missingRoles);
  return runRestore(reader, loader, plan, options, signal);
}
