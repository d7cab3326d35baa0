/**
 * Opening with the gpg program: for a private key that lives in gpg-agent or on a smartcard.
 *
 * gpg is asked for the session key only (`--show-session-key`, doc/DETAILS of GnuPG: status SESSION_KEY), and
 * decryption and signature check then run in process, by the same code as for a key in a file. The key comes
 * over the status pipe; gpg's stderr, which may repeat it, is thrown away.
 */
import { spawn } from 'node:child_process';
import { reasonOf } from '../errors.ts';
import { gpgFailed, gpgHasNoKey } from './errors.ts';
import { decryptWith, readSealed } from './message.ts';
import type { MessageOpener, MessageSecret, OpenedMessage, StreamOpener } from './message.ts';
import type { openpgp } from './library.ts';
import type { Trust } from './trust.ts';

const STATUS_BYTES_MAX = 64 * 1024;
const AES256 = 9;

export class GpgOpener implements MessageOpener, StreamOpener {
  readonly certifiers: readonly openpgp.PublicKey[];
  readonly #env: NodeJS.ProcessEnv;

  /** @param certifiers - the recipients' public keys as configured; @param env - GNUPGHOME and the like */
  constructor(certifiers: readonly openpgp.PublicKey[], env: NodeJS.ProcessEnv) {
    this.certifiers = certifiers;
    this.#env = env;
  }

  async open(sealed: Uint8Array, trust: Trust, what: string): Promise<OpenedMessage> {
    const message = await readSealed(sealed, what);
    return decryptWith(await this.secretFor(message, sealed, what), message, trust, what);
  }

  /** gpg says the session key as soon as it has it, so the beginning of a message is enough. */
  async secretFor(_message: object, head: Uint8Array, what: string): Promise<MessageSecret> {
    return { sessionKeys: [{ data: await this.#sessionKey(head, what), algorithm: 'aes256' }] };
  }

  async #sessionKey(sealed: Uint8Array, what: string): Promise<Uint8Array> {
    const status = await this.#gpgStatus(sealed, what);
    const match = /^\[GNUPG:\] SESSION_KEY (\d+):([0-9A-F]{64})$/m.exec(status);
    if (match?.[2] && Number(match[1]) === AES256) return Buffer.from(match[2], 'hex');
    if (status.includes('NO_SECKEY')) throw gpgHasNoKey(what);
    throw gpgFailed(what, 'it gave no session key');
  }

  #gpgStatus(sealed: Uint8Array, what: string): Promise<string> {
    const args = [
      '--status-fd',
      '3',
      '--show-session-key',
      '--no-tty',
      '--yes',
      '--output',
      '/dev/null',
      '--decrypt',
    ];
    return new Promise((resolve, reject) => {
      const gpg = spawn('gpg', args, { env: this.#env, stdio: ['pipe', 'ignore', 'ignore', 'pipe'] });
      let status = '';
      gpg.once('error', (cause) => reject(gpgFailed(what, reasonOf(cause), cause)));
      gpg.stdio[3]?.on('data', (chunk: Buffer) => {
        if (status.length < STATUS_BYTES_MAX) status += chunk.toString('latin1');
      });
      // gpg's exit code says whether the signer's key is in *its* keyring too, which does not matter here.
      gpg.once('close', () => resolve(status));
      gpg.stdin?.on('error', () => undefined);
      gpg.stdin?.end(sealed);
    });
  }
}
