/** Stock gpg and holdfast read each other: manifests, segments, statements, keys; and a key in gpg's hands opens. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { GpgOpener } from '../../src/openpgp/gpg.ts';
import {
  armorPrivateKey,
  certify,
  generateHostKey,
  generateRecipientKey,
  isCertifiedBy,
  judgeRecipient,
  parsePublicKeys,
  readPrivateKey,
} from '../../src/openpgp/keys.ts';
import { KeyOpener, MessageSealer } from '../../src/openpgp/message.ts';
import { sealSegment } from '../../src/openpgp/segment.ts';
import { signStatement, verifyStatement } from '../../src/openpgp/statement.ts';
import { openStream } from '../../src/openpgp/open-stream.ts';
import { Trust } from '../../src/openpgp/trust.ts';
import { tempFolder } from '../services/temp.ts';

const code = (expected: string): unknown => expect.objectContaining({ code: expected });

async function gpgHome(): Promise<{
  home: string;
  gpg: (args: string[], input?: Uint8Array | string) => Promise<Buffer>;
}> {
  const home = await tempFolder('gnupg');
  const gpg = async (args: string[], input: Uint8Array | string = '') => {
    const options = {
      env: { GNUPGHOME: home },
      input: Buffer.from(input),
      encoding: 'buffer',
      stripFinalNewline: false,
    } as const;
    const { stdout } = await execa(
      'gpg',
      ['--batch', '--quiet', '--pinentry-mode', 'loopback', ...args],
      options,
    );
    return Buffer.from(stdout);
  };
  return { home, gpg };
}

describe('with stock gpg', () => {
  it('decrypts a manifest, and opens it with the key held by gpg alone', async () => {
    const { home, gpg } = await gpgHome();
    const [ops, host] = await Promise.all([generateRecipientKey('ops'), generateHostKey('host')]);
    await gpg(['--import'], await armorPrivateKey(ops, undefined));
    const sealed = await new MessageSealer([ops.toPublic()], host).seal(Buffer.from('the manifest\n'));
    const stock = await gpg(['--decrypt'], sealed).catch((error: unknown) =>
      Buffer.from((error as { stdout: Uint8Array }).stdout),
    );
    expect(stock.toString()).toBe('the manifest\n');

    const trust = new Trust([host.toPublic()]);
    const opener = new GpgOpener([ops.toPublic()], { ...process.env, GNUPGHOME: home });
    expect((await opener.open(sealed, trust, 'm')).plain.toString()).toBe('the manifest\n');
    await expect(opener.open(sealed, new Trust([]), 'm')).rejects.toEqual(code('SIGNER_NOT_TRUSTED'));
    const empty = new GpgOpener([], { ...process.env, GNUPGHOME: (await gpgHome()).home });
    await expect(empty.open(sealed, trust, 'm')).rejects.toEqual(code('KEY_DOES_NOT_OPEN'));
  });

  it.each([
    ['as it does unasked', []],
    ['with AES-128, and compressed', ['--cipher-algo', 'AES128', '--compress-algo', 'zlib']],
    ['with another cipher', ['--cipher-algo', '3DES', '--compress-algo', 'none']],
  ])('opens a message of any size that gpg made %s', async (_how, options) => {
    const { gpg } = await gpgHome();
    const [ops, host] = await Promise.all([generateRecipientKey('ops'), generateHostKey('host')]);
    await gpg(['--import'], await armorPrivateKey(host, undefined));
    await gpg(['--import'], ops.toPublic().armor());
    const plain = Buffer.from('one line of many\n'.repeat(20_000));
    const to = ['--trust-model', 'always', '--recipient', ops.getFingerprint()];
    const sealed = await gpg([...to, ...options, '--sign', '--encrypt'], plain);
    const open = async (bytes: Buffer) => {
      const pieces = Readable.from([bytes.subarray(0, 1000), bytes.subarray(1000)]);
      const opened = await openStream(pieces, new KeyOpener([ops]), new Trust([host.toPublic()]), 'it');
      return Buffer.concat(await Array.fromAsync(opened.plain));
    };
    expect((await open(sealed)).equals(plain)).toBe(true);
    await expect(open(sealed.subarray(0, -1))).rejects.toEqual(code('DAMAGED'));
    await expect(open(Buffer.concat([sealed, sealed]))).rejects.toEqual(code('DAMAGED'));
  });

  it('opens a segment with its session key', async () => {
    const { gpg } = await gpgHome();
    const key = randomBytes(32);
    const plain = Buffer.from('42\tsomebody\n'.repeat(5000));
    const sealed = sealSegment(plain, key, 1);
    const sessionKey = `9:${key.toString('hex').toUpperCase()}`;
    const compressed = await gpg(['--override-session-key', sessionKey, '--decrypt'], sealed);
    expect(zstdDecompressSync(compressed)).toEqual(plain);
    expect(Buffer.from(sealed).includes('somebody')).toBe(false);
  });

  it('verifies a statement', async () => {
    const { home, gpg } = await gpgHome();
    const host = await generateHostKey('host');
    await gpg(['--import'], host.toPublic().armor());
    const [line = '', seal = ''] = (await signStatement({ a: 1 }, host)).toString().split('\n');
    const { signature } = JSON.parse(seal) as { signature: string };
    await writeFile(join(home, 'line'), line);
    await writeFile(join(home, 'line.asc'), signature);
    await gpg(['--verify', join(home, 'line.asc'), join(home, 'line')]);
    await writeFile(join(home, 'line'), line.replace('1', '2'));
    await expect(gpg(['--verify', join(home, 'line.asc'), join(home, 'line')])).rejects.toThrow();
  });

  it('reads keys that gpg made: RSA, ECC, protected', async () => {
    const { home, gpg } = await gpgHome();
    for (const [algorithm, name] of [
      ['rsa3072/cert,sign+rsa3072/encr', 'rsa'],
      ['ed25519/cert,sign+cv25519/encr', 'ecc'],
    ] as const) {
      await gpg(['--passphrase', 'sesame', '--default-new-key-algo', algorithm, '--quick-gen-key', name]);
      const publicKey = await gpg(['--armor', '--export', name]);
      const [key] = await parsePublicKeys(publicKey, name);
      if (!key) throw new Error('no key');
      expect((await judgeRecipient(key, name, new Date())).refusal).toBeUndefined();
      const file = join(home, `${name}.key`);
      await writeFile(file, await gpg(['--passphrase', 'sesame', '--armor', '--export-secret-keys', name]));
      const host = await generateHostKey('host');
      const sealed = await new MessageSealer([key], host).seal(Buffer.from('x'));
      const opener = new KeyOpener([await readPrivateKey(file, () => Promise.resolve('sesame'))]);
      expect((await opener.open(sealed, new Trust([host.toPublic()]), 'm')).plain.toString()).toBe('x');
      await expect(readPrivateKey(file, () => Promise.resolve('wrong'))).rejects.toEqual(
        code('PASSPHRASE_WRONG'),
      );
      await expect(readPrivateKey(file, () => Promise.resolve(undefined))).rejects.toEqual(
        code('PASSPHRASE_NEEDED'),
      );
    }
  });
});

describe('recipients', () => {
  it('are refused when they cannot encrypt, have expired, are revoked or weak; and named before they expire', async () => {
    const { gpg } = await gpgHome();
    const made = async (name: string, ...args: string[]) => {
      await gpg(['--passphrase', '', '--quick-gen-key', name, ...args]);
      const [key] = await parsePublicKeys(await gpg(['--armor', '--export', name]), name);
      if (!key) throw new Error('no key');
      return key;
    };
    const later = (days: number) => new Date(Date.now() + days * 86_400_000);
    const signOnly = await made('sign', 'ed25519', 'sign', 'never');
    expect((await judgeRecipient(signOnly, 'f', new Date())).refusal).toMatch(/cannot encrypt/);
    const short = await made('short', 'future-default', 'default', '100d');
    expect(await judgeRecipient(short, 'f', new Date())).toMatchObject({
      refusal: undefined,
      warning: undefined,
    });
    expect((await judgeRecipient(short, 'f', later(50))).warning).toMatch(/expires in (49|50) days/);
    expect((await judgeRecipient(short, 'f', later(101))).refusal).toMatch(/expired/);
    const weak = await made('weak', 'rsa1024', 'default', 'never');
    expect((await judgeRecipient(weak, 'f', new Date())).refusal).toMatch(/weak/);
  });
});

describe('trust', () => {
  it('comes from a certification by a recipient, and from nobody else', async () => {
    const [ops, stranger, host] = await Promise.all([
      generateRecipientKey('ops'),
      generateRecipientKey('stranger'),
      generateHostKey('host'),
    ]);
    const certified = await certify(host.toPublic(), ops);
    expect(await isCertifiedBy(certified, [ops.toPublic()])).toBe(true);
    expect(await isCertifiedBy(certified, [stranger.toPublic()])).toBe(false);
    expect(await isCertifiedBy(host.toPublic(), [host.toPublic()])).toBe(false);

    const statement = await signStatement({ a: 1 }, host);
    const trust = new Trust([]);
    await trust.addFromStore([host.toPublic()], [ops.toPublic()]);
    await expect(verifyStatement(statement, trust, 's')).rejects.toEqual(code('SIGNER_NOT_TRUSTED'));
    await trust.addFromStore([certified], [ops.toPublic()]);
    expect((await verifyStatement(statement, trust, 's')).value).toEqual({ a: 1 });
  });
});
