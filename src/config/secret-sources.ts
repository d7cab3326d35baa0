/** Reading a secret from where the user keeps it: a file that is not open to all, or a command. */
import { reasonOf, throwIfCancelled } from '../errors.ts';
import { secretCommandFailed, secretFileOpenToAll, secretFileUnusable } from './errors.ts';
import { readTextFile } from './text-file.ts';

const SECRET_BYTES_MAX = 64 * 1024;
const COMMAND_MS_MAX = 60_000;
const READ_BY_OTHERS = 0o004;

/**
 * The content of a secret file. Refuses one that every user of the machine can read.
 *
 * @param what - where the path was written, for messages: `set shop: url_file`
 */
export async function readSecretFile(what: string, path: string): Promise<string> {
  const { text, stat } = await readTextFile(path, SECRET_BYTES_MAX).catch((error: unknown) => {
    throw secretFileUnusable(what, path, reasonOf(error));
  });
  // The permissions of a pipe say nothing.
  if (stat.isFile() && (stat.mode & READ_BY_OTHERS) !== 0) throw secretFileOpenToAll(what, path);
  if (text.trim() === '') throw secretFileUnusable(what, path, 'it is empty');
  return text;
}

/**
 * What a command prints on stdout. No shell; its stderr is dropped, since some tools show the secret there.
 *
 * @param what - where the command was written, for messages
 * @param folder - working folder of the command
 */
export async function readSecretCommand(
  what: string,
  argv: readonly string[],
  options: { readonly env: NodeJS.ProcessEnv; readonly folder: string; readonly signal?: AbortSignal },
): Promise<string> {
  const [program = '', ...args] = argv;
  throwIfCancelled(options.signal);
  const { execa } = await import('execa');
  const result = await execa(program, args, {
    cwd: options.folder,
    env: options.env,
    extendEnv: false,
    stdin: 'ignore',
    stderr: 'ignore',
    stripFinalNewline: false,
    maxBuffer: SECRET_BYTES_MAX,
    timeout: COMMAND_MS_MAX,
    forceKillAfterDelay: 1000,
    reject: false,
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
  });
  throwIfCancelled(options.signal);
  // execa's own message would hold the output, so only the bare reason goes on.
  if (result.timedOut)
    throw secretCommandFailed(what, program, `did not end within ${COMMAND_MS_MAX / 1000} s`);
  if (result.isMaxBuffer) throw secretCommandFailed(what, program, 'printed more than 64 KiB');
  if (result.exitCode === undefined) {
    throw secretCommandFailed(
      what,
      program,
      result.signal === undefined ? startFailure(result) : `was ended by ${result.signal}`,
    );
  }
  if (result.exitCode !== 0)
    throw secretCommandFailed(what, program, `ended with exit code ${result.exitCode}`);
  if (result.stdout.trim() === '') throw secretCommandFailed(what, program, 'printed nothing');
  return result.stdout;
}

function startFailure(result: { readonly code?: string | undefined }): string {
  return result.code === 'ENOENT'
    ? 'was not found'
    : `could not be started (${result.code ?? 'unknown reason'})`;
}
