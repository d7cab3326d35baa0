/** Goal: the configuration is the one that was meant, and nobody else's. */
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { tempFolder } from '../services/temp.ts';

const HEAD = 'version: 1\nstore: file:///srv/backup\nrecipients: [ops.asc]\n';
describe('where the file is looked for', () => {
  const TEXT = `${HEAD}sets: { shop: { source: postgres, keep: 1d } }\n`;

  test('-c wins over HOLDFAST_CONFIG, which wins over ./holdfast.yaml', async () => {
    const cwd = await tempFolder();
    await mkdir(join(cwd, 'sub'));
    for (const file of ['holdfast.yaml', 'sub/env.yaml', 'sub/option.yaml'])
      await writeFile(join(cwd, file), TEXT);
    const env = { HOLDFAST_CONFIG: 'sub/env.yaml' };
    expect((await loadConfig('sub/option.yaml', env, { cwd })).file).toBe(join(cwd, 'sub/option.yaml'));
    expect((await loadConfig(undefined, env, { cwd })).recipients).toEqual([join(cwd, 'sub/ops.asc')]);
    expect((await loadConfig(undefined, {}, { cwd })).file).toBe(join(cwd, 'holdfast.yaml'));
  });

  test('one that anybody could have put there runs no commands of theirs, unless it is named', async () => {
    const cwd = await tempFolder();
    const file = join(cwd, 'holdfast.yaml');
    await writeFile(file, TEXT);
    await chmod(file, 0o646);
    const refused = {
      code: 'CONFIG_OF_OTHERS',
      exitCode: 2,
      hint: expect.stringContaining(`-c ${file}`) as string,
    };
    await expect(loadConfig(undefined, {}, { cwd })).rejects.toMatchObject(refused);
    expect((await loadConfig(file, {}, { cwd })).file).toBe(file);
    expect((await loadConfig(undefined, { HOLDFAST_CONFIG: file }, { cwd })).file).toBe(file);
    await chmod(file, 0o644);
    expect((await loadConfig(undefined, {}, { cwd })).file).toBe(file);
  });

  // Only root can make a file somebody else's.
  test.runIf(process.geteuid?.() === 0)(
    'nor does one of another user, unless that one calls sudo',
    async () => {
      const cwd = await tempFolder();
      const file = join(cwd, 'holdfast.yaml');
      await writeFile(file, TEXT);
      await chown(file, 12_345, 12_345);
      await expect(loadConfig(undefined, {}, { cwd })).rejects.toMatchObject({ code: 'CONFIG_OF_OTHERS' });
      expect((await loadConfig(undefined, { SUDO_UID: '12345' }, { cwd })).file).toBe(file);
      await expect(loadConfig(undefined, { SUDO_UID: '1' }, { cwd })).rejects.toThrow("somebody else's");
      expect((await loadConfig(file, {}, { cwd })).file).toBe(file);
    },
  );

  test('a file that was named must be there', async () => {
    const cwd = await tempFolder();
    await expect(loadConfig('nope.yaml', {}, { cwd })).rejects.toMatchObject({
      code: 'CONFIG_MISSING',
      exitCode: 2,
      message: 'no configuration file at nope.yaml',
    });
  });

  test.each([
    ['a folder', (path: string) => mkdir(path), 'it is a folder'],
    [
      'no text',
      (path: string) => writeFile(path, Buffer.from([0xff, 0xfe, 0x00])),
      'it is not text in UTF-8',
    ],
    [
      'too large',
      (path: string) => writeFile(path, '#'.repeat(1024 * 1024 + 1)),
      'it is larger than 1024 KiB',
    ],
  ])('a configuration that is %s is refused', async (_, make, reason) => {
    const cwd = await tempFolder();
    await make(join(cwd, 'c.yaml'));
    await expect(loadConfig('c.yaml', {}, { cwd })).rejects.toMatchObject({
      code: 'CONFIG_UNREADABLE',
      message: `cannot read the configuration c.yaml: ${reason}`,
    });
  });

  test('a password in a file that everybody can read is a warning, which does not show it', async () => {
    const cwd = await tempFolder();
    const file = join(cwd, 'holdfast.yaml');
    await writeFile(
      file,
      `${HEAD}sets: { shop: { source: postgres, url: "postgres://u:geheim@h/d", keep: 1d } }\n`,
    );
    await chmod(file, 0o644);
    const { warnings } = await loadConfig(undefined, {}, { cwd });
    expect(warnings).toEqual([expect.stringContaining(`chmod 600 ${file}`)]);
    expect(warnings.join()).not.toContain('geheim');
    await chmod(file, 0o600);
    expect((await loadConfig(undefined, {}, { cwd })).warnings).toEqual([]);
  });
});
