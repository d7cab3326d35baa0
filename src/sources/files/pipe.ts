/** Named pipes: Node cannot make them, `mkfifo` can. */
import { spawn } from 'node:child_process';
import { writeFailed } from './errors.ts';
import { toBytes, toText, type ByteName } from '../../rows/files/names.ts';

/**
 * Makes a pipe.
 * @param root - the folder below which `path` is; only this user can write there
 * @throws HoldfastError FILES_WRITE
 */
export async function makePipe(root: string, path: ByteName, signal: AbortSignal): Promise<void> {
  const text = toText(path);
  // An argument must be a text; such a name of a pipe is not worth more.
  if (text === undefined || !toBytes(path).equals(Buffer.from(text)))
    throw writeFailed(path, new Error('its name is not UTF-8'));
  const child = spawn('mkfifo', ['-m', '600', '--', `./${text}`], { cwd: root, stdio: 'ignore', signal });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (error) => reject(writeFailed(path, error)));
    child.once('close', resolve);
  });
  if (code !== 0) throw writeFailed(path, new Error(`mkfifo failed with exit code ${String(code)}`));
}
