/** What the demo shows: words of its own, and commands as the user would type them, with their real output. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { styleText } from 'node:util';

/** A command did not end as it should have. */
export class CommandFailed extends Error {}

export class Stage {
  /** Environment of the commands. */
  readonly #env: NodeJS.ProcessEnv;
  readonly #folder: string;
  /** How many commands were shown. */
  shown = 0;

  /** @param folder - absolute path in which the commands run */
  constructor(folder: string, env: NodeJS.ProcessEnv) {
    this.#folder = folder;
    this.#env = env;
  }

  chapter(title: string): void {
    this.#print(`\n${styled('bold', `== ${title}`)}\n`);
  }

  say(text = ''): void {
    this.#print(`${text}\n`);
  }

  /** Shows a command that changes the shell itself: `act` does to this stage what it would do there. */
  shell(line: string, act: (env: NodeJS.ProcessEnv) => void = () => undefined): void {
    this.#show(line);
    act(this.#env);
  }

  /**
   * Shows and runs a command.
   * @param line - for `sh`, exactly as it is shown
   * @param expected - the exit code that it should have; one that is not 0 is shown
   * @throws CommandFailed
   */
  async run(line: string, expected = 0): Promise<void> {
    this.#show(line);
    const child = spawn('/bin/sh', ['-c', line], {
      cwd: this.#folder,
      env: this.#env,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== expected)
      throw new CommandFailed(`exit code ${code ?? 'none'} instead of ${expected}: ${line}`);
    if (expected !== 0) this.say(styled('dim', `(exit code ${expected})`));
  }

  /** Runs a command unseen, and returns its stdout. */
  async ask(line: string): Promise<string> {
    const child = spawn('/bin/sh', ['-c', line], {
      cwd: this.#folder,
      env: this.#env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const closed = once(child, 'close');
    const chunks = await Array.fromAsync(child.stdout as AsyncIterable<Buffer>);
    const [code] = (await closed) as [number | null];
    if (code !== 0) throw new CommandFailed(`exit code ${code ?? 'none'}: ${line}`);
    return Buffer.concat(chunks).toString();
  }

  #show(line: string): void {
    this.shown++;
    this.#print(`\n${styled('cyan', `$ ${line}`)}\n`);
  }

  /** Writing to a terminal, file or pipe is synchronous, so it comes before what the next command writes. */
  #print(text: string): void {
    process.stdout.write(text);
  }
}

/** Colours on a terminal that wants them, as styleText finds out. */
function styled(style: 'bold' | 'cyan' | 'dim', text: string): string {
  return styleText(style, text, { stream: process.stdout });
}
