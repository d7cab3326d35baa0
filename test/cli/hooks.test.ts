/** Goal: commands around a backup run in order, are told how it ended, and never stay behind or hide what happened. */
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { expectComplaint } from '../services/complaint.ts';
import { backUp, committedIn, folderPlace, makeHost } from '../services/machines.ts';
import type { Host } from '../services/machines.ts';
import { openShop } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';

/** A host whose set has these lines more; `STEP NAME…` appends to `diary` what it is told, and exits as its name says. */
async function hostWith(lines: readonly string[]): Promise<Host> {
  const path = join(await tempFolder('shop'), 'shop.db');
  openShop(path, 50);
  const host = await makeHost({ place: await folderPlace(), source: ['--source', 'sqlite', '--path', path] });
  const step = join(host.folder, 'step');
  await writeFile(step, STEP);
  await chmod(step, 0o700);
  const file = join(host.folder, 'holdfast.yaml');
  const text = await readFile(file, 'utf8');
  const more = lines.map((line) => `    ${line}\n`).join('');
  await writeFile(
    file,
    text.replace(/^ {4}source: sqlite\n/m, (found) => found + more),
  );
  return host;
}

const STEP = `#!/bin/sh
echo "$1 $HOLDFAST_SET outcome=$HOLDFAST_OUTCOME snapshot=$HOLDFAST_SNAPSHOT" >> diary
case $1 in
  fails) echo 'the volume is busy' >&2; exit 3 ;;
  hangs) trap '' TERM; sleep 300 & sleep 300 ;;
  leaves) setsid sleep 300 & echo "pid $!" >> diary ;;
  floods) head -c 50000000 /dev/zero | tr '\\0' x; exit 3 ;;
esac
`;

const diaryOf = async (host: Host) =>
  (await readFile(join(host.folder, 'diary'), 'utf8')).trimEnd().split('\n');

describe('commands around a backup', () => {
  test('run before and after it, and are told of which set and snapshot', async () => {
    const host = await hostWith(['before: ./step freezes', 'after: [./step, thaws]']);
    const { snapshot } = await backUp(host);
    expect(await diaryOf(host)).toEqual([
      'freezes shop outcome= snapshot=',
      `thaws shop outcome=ok snapshot=${snapshot}`,
    ]);
  });

  test('the one before it fails: nothing is backed up, and the one after it still runs', async () => {
    const host = await hostWith(['before: ./step fails', 'after: ./step thaws']);
    const result = await host.run(['backup']);
    expectComplaint(result, {
      exit: 1,
      error: /before the backup of shop failed: .*exit code 3.*volume is busy/,
      hint: /Run the command by hand/,
    });
    expect(await committedIn(host.place)).toEqual([]);
    expect(await diaryOf(host)).toEqual([
      'fails shop outcome= snapshot=',
      'thaws shop outcome=failed snapshot=',
    ]);
  });

  test('the backup fails: the one after it is told so, and the reason is that of the backup', async () => {
    const host = await hostWith(['after: ./step fails']);
    const file = join(host.folder, 'holdfast.yaml');
    await writeFile(file, (await readFile(file, 'utf8')).replace(/^ {4}path: .*$/m, '    path: gone.db'));
    const result = await host.run(['backup']);
    expect(result.exitCode).not.toBe(0);
    expect(result.stderr).toMatch(/warning: .*the command after the backup of shop failed: .*exit code 3/);
    expect(result.stderr).toMatch(/error: .*gone\.db/);
    expect(await diaryOf(host)).toEqual(['fails shop outcome=failed snapshot=']);
  });

  test('the one after it fails: the snapshot is there, and the exit code says incomplete', async () => {
    const host = await hostWith(['after: ./step fails']);
    const result = await host.run(['backup']);
    const [snapshot] = await committedIn(host.place);
    expect(result.stdout).toContain(snapshot);
    expectComplaint(result, {
      exit: 3,
      error: /after the backup of shop failed/,
      hint: /The snapshot is there/,
    });
  });

  test('one that hangs is ended, with everything that it has started', async () => {
    const host = await hostWith(['before: ./step hangs', 'hook_timeout: 1s']);
    const result = await host.run(['backup']);
    expectComplaint(result, { exit: 1, error: /did not end within 1 s/, hint: /by hand/ });
  });

  test('one that leaves something running, as a tunnel or a mount does, has ended, and that stays', async () => {
    const host = await hostWith(['before: ./step leaves', 'after: ./step thaws']);
    const { snapshot } = await backUp(host, [], { timeoutMs: 60_000 });
    const diary = await diaryOf(host);
    expect(diary).toContain(`thaws shop outcome=ok snapshot=${snapshot}`);
    const pid = Number(/^pid (\d+)$/m.exec(diary.join('\n'))?.[1]);
    expect(process.kill(pid, 'SIGKILL')).toBe(true);
  });

  test('one that writes without end is quoted no longer than anybody reads', async () => {
    const host = await hostWith(['before: ./step floods']);
    const result = await host.run(['backup']);
    expectComplaint(result, { exit: 1, error: /exit code 3, after saying: x+/, hint: /by hand/ });
    expect(result.stderr.length).toBeLessThan(5000);
  });

  test('an interrupted backup still runs the one after it', async () => {
    const host = await hostWith(['before: ./step hangs', 'after: ./step thaws']);
    const result = await host.run(['backup'], { kill: { signal: 'SIGINT', afterMs: 2500 } });
    expect(result.exitCode).toBe(130);
    expect(await diaryOf(host)).toEqual([
      'hangs shop outcome= snapshot=',
      'thaws shop outcome=cancelled snapshot=',
    ]);
  });

  test.for([
    ['before: ls | wc', /before.*would need a shell/],
    ['hook_timeout: 10m', /hook_timeout.*neither is given/],
    ['hook_timeout: 3d', /hook_timeout.*unknown unit/],
  ] as const)('%s is refused with its place', async ([line, reason]) => {
    const host = await hostWith([line]);
    const result = await host.run(['backup']);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toMatch(/holdfast\.yaml:\d+:\d+/);
    expect(result.stderr).toMatch(reason);
  });
});
