/** Goal: secrets and answers come from where the user said, from a terminal, or from nowhere; never by waiting. */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { askInit } from '../../src/cli/ask.ts';
import { readPassphrase } from '../../src/cli/terminal/secrets.ts';
import { tempFolder } from '../services/temp.ts';
import { pretendedIo } from './cli-streams.ts';
import type { PretendedIo } from './cli-streams.ts';

/** Types each text when the screen shows the question that it belongs to. */
async function answer(
  io: PretendedIo,
  dialogue: readonly (readonly [question: RegExp, text: string])[],
): Promise<void> {
  for (const [question, text] of dialogue) {
    const before = io.stderr.text.length;
    for (let waitedMs = 0; !question.test(io.stderr.text.slice(before > 0 ? -4000 : 0)); waitedMs += 10) {
      if (waitedMs > 10_000) throw new Error(`nobody asked ${String(question)}: ${io.stderr.text}`);
      await sleep(10);
    }
    await sleep(30);
    io.stdin.write(text);
    await sleep(30);
  }
}

describe('the passphrase', () => {
  test('comes from the first line of a file, as it stands', async () => {
    const file = join(await tempFolder(), 'pass');
    await writeFile(file, '  correct horse \r\nsecond line\n', { mode: 0o600 });
    const secret = await readPassphrase({
      HOLDFAST_PASSPHRASE_FILE: file,
      HOLDFAST_PASSPHRASE_COMMAND: 'false',
    });
    expect(secret?.reveal()).toBe('  correct horse ');
    await chmod(file, 0o644);
    await expect(readPassphrase({ HOLDFAST_PASSPHRASE_FILE: file })).rejects.toMatchObject({
      code: 'SECRET_FILE_OPEN',
    });
  });

  test('comes from a command', async () => {
    const env = { HOLDFAST_PASSPHRASE_COMMAND: `${process.execPath} -p "'correct' + ' horse'"` };
    expect((await readPassphrase(env))?.reveal()).toBe('correct horse');
    await expect(readPassphrase({ HOLDFAST_PASSPHRASE_COMMAND: 'pass show x | head' })).rejects.toMatchObject(
      {
        code: 'COMMAND_INVALID',
      },
    );
  });

  test('is asked for on a terminal, unseen, twice when it is new', async () => {
    const io = pretendedIo({ isTTY: true });
    const secret = readPassphrase({}, { prompt: 'Passphrase:', confirm: true, io });
    await answer(io, [
      [/Passphrase:/, 'geheim\r'],
      [/Once more:/, 'geheim\r'],
    ]);
    expect((await secret)?.reveal()).toBe('geheim');
    expect(io.stderr.text).not.toContain('geheim');
    expect(io.stdout.text).toBe('');
  });

  test('two that differ are refused', async () => {
    const io = pretendedIo({ isTTY: true });
    const secret = readPassphrase({}, { prompt: 'Passphrase:', confirm: true, io }).catch(
      (error: unknown) => error,
    );
    await answer(io, [
      [/Passphrase:/, 'one\r'],
      [/Once more:/, 'two\r'],
    ]);
    expect(await secret).toMatchObject({ code: 'PASSPHRASE_DIFFERS', exitCode: 2 });
  });

  test('nobody is asked without a terminal or a question', async () => {
    expect(await readPassphrase({}, { prompt: 'Passphrase:', io: pretendedIo() })).toBeUndefined();
    expect(await readPassphrase({}, { io: pretendedIo({ isTTY: true }) })).toBeUndefined();
  });

  test('a cancelled run takes the question away', async () => {
    const controller = new AbortController();
    const io = pretendedIo({ isTTY: true });
    const asked = readPassphrase({}, { prompt: 'Passphrase:', io, signal: controller.signal }).catch(
      (e: unknown) => e,
    );
    await answer(io, [[/Passphrase:/, '']]);
    controller.abort();
    expect(await asked).toMatchObject({ code: 'CANCELLED', exitCode: 130 });
  });
});

describe('the answers of init', () => {
  const options = { hasRecipients: false };

  test('without a terminal every missing option is named at once', async () => {
    await expect(askInit(pretendedIo(), { source: 'sqlite' }, options)).rejects.toMatchObject({
      code: 'INIT_INCOMPLETE',
      exitCode: 2,
      message: 'not enough to go on: --store, --set, --path, --private-key-out (or --recipient) missing',
    });
  });

  test('--yes takes what is there and 30 days, even on a terminal', async () => {
    const known = {
      store: 'file:///b',
      set: 'shop',
      source: 'postgres',
      privateKeyOut: '/media/ops.key',
    } as const;
    const io = pretendedIo({ isTTY: true });
    expect(await askInit(io, known, { ...options, yes: true })).toEqual({ ...known, keep: '30d' });
    expect(io.stderr.text).toBe('');
  });

  test('a terminal is asked for the rest, and a bad answer is asked again', async () => {
    const io = pretendedIo({ isTTY: true });
    const answers = askInit(io, { set: 'notes' }, options);
    await answer(io, [
      [/Where do backups go/, 'nowhere\r'],
      [/Not a store/, '\u0015file:///srv/backup\r'],
      [/What is backed up/, `${'\u001b[B'.repeat(3)}\r`],
      [/Path of the SQLite/, 'notes.db\r'],
      [/How long must/, '\r'],
      [/Where does the private key/, '/media/usb/ops.key\r'],
    ]);
    expect(await answers).toEqual({
      store: 'file:///srv/backup',
      set: 'notes',
      source: 'sqlite',
      path: 'notes.db',
      keep: '30d',
      privateKeyOut: '/media/usb/ops.key',
    });
    expect(io.stdout.text).toBe('');
  });

  test('a database URL is typed unseen', async () => {
    const io = pretendedIo({ isTTY: true });
    const known = {
      store: 's3://acme/prod',
      region: 'eu-west-1',
      endpoint: 'https://s3',
      set: 'shop',
      keep: '7d',
    };
    const answers = askInit(io, { ...known, source: 'postgres' }, { hasRecipients: true });
    await answer(io, [
      [/How is the database reached/, '\u001b[B\u001b[B\r'],
      [/URL:/, 'postgres://u:geheim@h/d\r'],
    ]);
    const { url, ...rest } = await answers;
    expect(rest).toEqual({ ...known, source: 'postgres' });
    expect(url?.reveal()).toBe('postgres://u:geheim@h/d');
    expect(io.stderr.text).not.toContain('geheim');
  });
});
