/**
 * Once for each test run (vitest `globalSetup`): a folder for everything temporary, and a broker that starts real
 * servers when a test asks for them. All of it is gone afterwards, even when the run is killed (see guard.ts and
 * processes.ts).
 */
import type { TestProject } from 'vitest/node';
import { startBroker } from './broker.ts';
import { guardedFolder } from './guard.ts';
import { startMariadb } from './mariadb.ts';
import { startPostgres } from './postgres.ts';
import { startRgw } from './rgw.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Everything temporary of this run lies here. */
    runFolder: string;
    /** Where to ask for servers: see use.ts. */
    brokerSocket: string;
  }
}

/** Called by vitest before the first test; what it returns is called after the last one. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await guardedFolder();
  const broker = await startBroker(folder.path, {
    postgres: () => startPostgres({ folder: folder.path }),
    mariadb: () => startMariadb({ folder: folder.path }),
    s3: () => startRgw({ folder: folder.path }),
    's3-abroad': () => startRgw({ folder: folder.path, region: 'us-east-1' }),
  });
  project.provide('runFolder', folder.path);
  project.provide('brokerSocket', broker.socket);
  return async () => {
    await broker.close();
    await folder.remove();
  };
}
