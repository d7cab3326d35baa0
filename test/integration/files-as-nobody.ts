/** Restores the archive of a folder, as whoever runs it: `node files-as-nobody.ts FOLDER`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesLoader } from '../../src/sources/files/loader.ts';
import { LIST_TABLE } from '../../src/rows/files/list.ts';
import type { DumpReader } from '../../src/sources/source.ts';

const folder = process.argv[2] ?? '';
const bytes = { archive: readFileSync(join(folder, 'archive')), files: readFileSync(join(folder, 'list')) };
const dump: DumpReader = {
  source: { kind: 'files', database: '/', serverVersion: '', toolVersion: '', warnings: [], facts: {} },
  streams: [
    { name: 'archive', section: 'data', dialect: 'tar', rows: 0, bytes: bytes.archive.length },
    {
      ...{ name: 'files', section: 'globals', dialect: 'json-lines', table: LIST_TABLE, rows: 2 },
      bytes: bytes.files.length,
    } as const,
  ],
  // eslint-disable-next-line @typescript-eslint/require-await -- as the port has it
  async *read({ name }) {
    yield name === 'archive' ? bytes.archive : bytes.files;
  },
};
const options = { jobs: 1, globals: false, noOwner: false, onProgress: () => undefined };
const loader = filesLoader({ path: join(folder, 'own/restored') });
const signal = new AbortController().signal;
const { warnings } = await loader.preflight(dump, options, signal);
process.stdout.write(`${warnings.join('\n')}\n`);
await loader.load(dump, options, signal);
