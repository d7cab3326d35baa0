/** What plan and apply move: on a real S3 server, counted by a proxy in front of it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startRgw } from '../services/rgw.ts';
import type { Bench } from './bench.ts';
import { measure } from './measure.ts';
import { folderBytes } from './peers/contestant.ts';
import { HOLDFAST } from './peers/holdfast.ts';
import type { Person } from './purge-people.ts';
import { purgeCommands } from './purge-commands.ts';
import { DAYS, configIn } from './purge-store.ts';
import type { MonthOfBackups } from './purge-store.ts';
import { s3Lines, upload, urlOf } from './s3-place.ts';
import { countTraffic, describeTraffic, requestsIn } from './s3-traffic.ts';

export async function purgeOnS3(bench: Bench, month: MonthOfBackups, { id, rows }: Person): Promise<void> {
  const folder = await month.copy('s3');
  const storedBytes = await folderBytes(join(folder, 'store'));
  const s3 = await startRgw();
  try {
    await using counter = await countTraffic(s3.endpoint);
    const place = { s3, counter, folder };
    const bucket = await upload(place, join(folder, 'store'), bench.signal);
    const config = configIn(urlOf(bucket), `s3: ${s3Lines(place)}\n`);
    await writeFile(join(folder, 'holdfast.yaml'), config);
    for (const [step, command] of purgeCommands(bench, folder, [id], s3.env())) {
      counter.take();
      const { output: _, ...figures } = await measure(command, bench.signal);
      const traffic = counter.take();
      const what = `purge/s3/${step}`;
      const over = { snapshots: DAYS, storedBytes, people: 1, rows };
      bench.runs.push({
        ...figures,
        what,
        contestant: HOLDFAST,
        round: 0,
        serverCpuSeconds: 0,
        traffic,
        over,
      });
      bench.say(
        `${what}: ${requestsIn(traffic)} requests (${describeTraffic(traffic)}), ${traffic.objectBytes} bytes`,
      );
    }
  } finally {
    await s3.stop();
  }
}
