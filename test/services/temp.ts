/**
 * Temporary folders for tests.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TestRunner, inject, onTestFinished } from 'vitest';

/**
 * Makes an empty folder that only we may enter (0700). It is removed when the test ends; made outside of a test (in
 * `beforeAll`), when the run ends.
 */
export async function tempFolder(name = 'temp'): Promise<string> {
  const folder = await mkdtemp(join(inject('runFolder'), `${name}-`));
  if (TestRunner.getCurrentTest()) {
    onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }));
  }
  return folder;
}
