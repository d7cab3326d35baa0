/** The fast way to seal a packet gives what the library opens; the fast way to open one gives what the library gives, or nothing. */
import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { PGP, openpgp } from '../../src/openpgp/library.ts';
import { openPacket } from '../../src/openpgp/packet.ts';
import { openPlainPacket, sealPlainPacket } from '../../src/openpgp/plain-packet.ts';

const KEY = Buffer.alloc(32, 3);
const contents = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  // Around the lengths at which the encoding of a length changes.
  fc
    .constantFrom(120, 131, 132, 133, 184, 192, 8300, 8337, 8344, 8360, 8384, 70_000)
    .map((length) => Buffer.alloc(length, 7)),
);

test.prop([contents])('what was sealed is opened, by the library too', async (content) => {
  const sealed = sealPlainPacket(content, KEY);
  const read = await openpgp.readMessage({ binaryMessage: sealed, config: PGP });
  const sessionKeys = { data: KEY, algorithm: 'aes256' } as const;
  const { data } = await openpgp.decrypt({ message: read, sessionKeys, format: 'binary', config: PGP });
  expect(Buffer.from(data)).toEqual(Buffer.from(content));
  expect(openPlainPacket(sealed, KEY)).toEqual(Buffer.from(content));
  expect(Buffer.from(await openPacket(sealed, KEY))).toEqual(Buffer.from(content));
});

test.prop([contents, fc.nat(), fc.integer({ min: 1, max: 255 })])(
  'nothing changed is',
  async (content, at, by) => {
    const sealed = Buffer.from(sealPlainPacket(content, KEY));
    sealed[at % sealed.length] = (sealed[at % sealed.length] ?? 0) ^ by;
    expect(openPlainPacket(sealed, KEY)).toBeUndefined();
    await expect(openPacket(sealed, KEY)).rejects.toThrow();
  },
);

test.prop([contents, fc.nat()])('nothing that is cut off, or goes on, is', (content, cut) => {
  const sealed = Buffer.from(sealPlainPacket(content, KEY));
  expect(openPlainPacket(sealed.subarray(0, cut % sealed.length), KEY)).toBeUndefined();
  expect(openPlainPacket(Buffer.concat([sealed, Buffer.alloc(1 + (cut % 40))]), KEY)).toBeUndefined();
  expect(openPlainPacket(sealed, Buffer.alloc(32, 4))).toBeUndefined();
});

test('other forms are left to the library', async () => {
  const message = await openpgp.encrypt({
    message: await openpgp.createMessage({ text: 'a text', format: 'utf8' }),
    sessionKey: { data: KEY, algorithm: 'aes256' },
    format: 'object',
    config: PGP,
  });
  const sealed = message.packets.filterByTag(openpgp.enums.packet.symEncryptedIntegrityProtectedData).write();
  expect(openPlainPacket(sealed, KEY)).toBeUndefined();
  expect(Buffer.from(await openPacket(sealed, KEY)).toString()).toBe('a text');
});
