/**
 * `npm run bench`: holdfast beside pg_dump, gpg, restic and borg, on one database, in one run.
 *
 * Progress goes to stderr, the report to stdout, every single run to the file of `--out`.
 */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import type { Bench, Run } from './bench.ts';
import { openBench } from './bench.ts';
import type { Options } from './options.ts';
import { HELP, PARTS, readOptions } from './options.ts';
import { ensurePackages } from './packages.ts';
import { PART } from './parts.ts';
import { borg, borgLz4 } from './peers/borg.ts';
import type { Contestant } from './peers/contestant.ts';
import { gpg } from './peers/gpg.ts';
import { holdfast, holdfastExists } from './peers/holdfast.ts';
import { pgDump } from './peers/pg-dump.ts';
import { restic } from './peers/restic.ts';
import { startPostgres } from './postgres.ts';
import { machine, report } from './report.ts';
import { targets } from './targets.ts';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

try {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) process.stdout.write(HELP);
  else process.exitCode = await main(options);
} catch (error) {
  say(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}

async function main(chosen: Options): Promise<number> {
  const cancel = new AbortController();
  // Not once(): with no listener left, the library that execa uses would end this process before it has cleaned up.
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => cancel.abort(new Error(`stopped by ${name}`)));

  const { runs, database } = await inTemporaryFolder(chosen.tmp, (folder) =>
    measureAll(chosen, folder, cancel.signal),
  ).catch((error: unknown) => {
    throw cancel.signal.aborted ? cancel.signal.reason : error;
  });
  const scene = { machine: machine(), database };
  const judged = targets(runs).filter((line) => chosen.parts.has(line.part));
  process.stdout.write(report(scene, runs, judged));
  if (chosen.out !== undefined)
    await writeFile(chosen.out, JSON.stringify({ ...scene, judged, runs }, undefined, 1));
  return chosen.strict && judged.some((line) => line.verdict !== 'ok') ? 1 : 0;
}

async function inTemporaryFolder<T>(parent: string, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(resolve(parent), 'holdfast-bench-'));
  try {
    // The server runs as another user and has to come through here.
    await chmod(folder, 0o755);
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureAll(
  chosen: Options,
  folder: string,
  signal: AbortSignal,
): Promise<{ readonly runs: readonly Run[]; readonly database: string }> {
  const env = { PATH: ensurePackages(), LANG: 'C.UTF-8', HOME: folder, TMPDIR: folder };
  await using server = await startPostgres({ folder, env, signal });
  const bench = await openBench({
    ...chosen,
    server,
    contestants: contestants(chosen),
    folder,
    env,
    signal,
    say,
  });
  try {
    for (const part of PARTS) if (chosen.parts.has(part)) await runPart(bench, part);
    return { runs: bench.runs, database: await bench.large.describe() };
  } finally {
    await Promise.all([bench.large.close(), bench.small.close()]);
  }
}

async function runPart(bench: Bench, part: (typeof PARTS)[number]): Promise<void> {
  await PART[part](bench);
}

function contestants(chosen: Options): readonly Contestant[] {
  const all = [holdfast, pgDump, gpg, restic, borg, borgLz4].filter(
    ({ name }) => chosen.contestants?.has(name) ?? true,
  );
  if (holdfastExists()) return all;
  say('bin/holdfast.js is not there: only the peers are measured');
  return all.filter((one) => one !== holdfast);
}
