/** Goal: whatever is sealed as a stream comes back byte by byte, however it was cut; and no changed or cut message ends well. */
import { test as check } from '@fast-check/vitest';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { generateHostKey, generateRecipientKey } from '../../src/openpgp/keys.ts';
import { KeyOpener } from '../../src/openpgp/message.ts';
import { openStream } from '../../src/openpgp/open-stream.ts';
import { sealStream } from '../../src/openpgp/seal-stream.ts';
import { Trust } from '../../src/openpgp/trust.ts';

const [ops, host] = await Promise.all([generateRecipientKey('ops'), generateHostKey('host')]);
const trust = new Trust([host.toPublic()]);
const code = (expected: string): unknown => expect.objectContaining({ code: expected });

async function* piecesOf(pieces: readonly Uint8Array[], after?: Error): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    await Promise.resolve();
    yield piece;
  }
  if (after) throw after;
}

async function sealed(pieces: readonly Uint8Array[], filename = 'x'): Promise<Buffer> {
  const options = { recipients: [ops.toPublic()], signer: host, filename };
  return Buffer.concat(await Array.fromAsync(sealStream(piecesOf(pieces), options)));
}

/** The plaintext, when it ended well. */
async function opened(bytes: Uint8Array, cuts: readonly number[] = [], by = trust): Promise<Buffer> {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  const pieces = places.slice(1).map((to, index) => bytes.subarray(places[index], to));
  const { plain } = await openStream(piecesOf(pieces), new KeyOpener([ops]), by, 'it');
  return Buffer.concat(await Array.fromAsync(plain));
}

const bytes = fc.uint8Array({ maxLength: 3000 });

check.prop([fc.array(bytes, { maxLength: 20 }), fc.array(fc.nat(), { maxLength: 9 })], { numRuns: 60 })(
  'comes back, however it was cut on its way there and back',
  async (pieces, cuts) => {
    const back = await opened(await sealed(pieces), cuts);
    expect(back.equals(Buffer.concat(pieces))).toBe(true);
  },
);

check.prop([bytes, fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean()], { numRuns: 120 })(
  'changed in one byte, or cut, it does not end well',
  async (plain, place, change, isCut) => {
    const message = await sealed([plain]);
    // Of the head of what is inside as often as of all the rest.
    const at = place % 2 === 0 ? 90 + (place % 60) : place % message.length;
    const wrong = isCut ? message.subarray(0, at) : Buffer.from(message);
    if (!isCut) wrong[at] = (wrong[at] ?? 0) ^ change;
    const result = await opened(wrong).catch((error: unknown) => error);
    // What is outside of the encryption may be changed without harm: for whom it is said to be, and how long parts are said to be.
    if (Buffer.isBuffer(result)) expect(!isCut && result.equals(Buffer.from(plain))).toBe(true);
    else expect(result).toEqual(expect.objectContaining({ name: 'HoldfastError' }));
  },
);

/** Where the tag of the first packet inside is: behind one PKESK, the head of the sealed packet, its version, and the prefix. */
const FIRST_TAG = 96 + 2 + 1 + 18;
const ONE_PASS_SIGNATURE = 0xc4;

test('a first packet inside that is none, or may not be there, is told of, and not waited for', async () => {
  const plain = Buffer.alloc(100_000, 1);
  const message = await sealed([plain]);
  expect((await opened(message)).equals(plain)).toBe(true);
  for (let tag = 0; tag < 256; tag += 1) {
    if (tag === ONE_PASS_SIGNATURE) continue;
    const wrong = Buffer.from(message);
    wrong[FIRST_TAG] = (wrong[FIRST_TAG] ?? 0) ^ ONE_PASS_SIGNATURE ^ tag;
    await expect(opened(wrong), `tag ${tag}`).rejects.toEqual(code('DAMAGED'));
  }
});

test('what is no message at all is damaged, and not a key that does not fit', async () => {
  const notSealed = fc.uint8Array({ minLength: 1, maxLength: 2000, size: 'max' });
  await fc.assert(
    fc.asyncProperty(notSealed, async (bytes) => {
      await expect(opened(bytes)).rejects.toEqual(code('DAMAGED'));
    }),
    { numRuns: 800 },
  );
});

test('a source that fails fails what is made of it, with its own error, and leaves no stray rejection', async () => {
  const strays: unknown[] = [];
  const note = (reason: unknown): void => void strays.push(reason);
  process.on('unhandledRejection', note);
  const failure = new Error('the disk is gone');
  const options = { recipients: [ops.toPublic()], signer: host, filename: '' };
  const many = Array.from({ length: 50 }, () => Buffer.alloc(20_000, 1));
  await expect(Array.fromAsync(sealStream(piecesOf(many, failure), options))).rejects.toBe(failure);
  const message = await sealed(many);
  const half = message.subarray(0, message.length / 2);
  const broken = openStream(piecesOf([half], failure), new KeyOpener([ops]), trust, 'it');
  await expect(broken.then(({ plain }) => Array.fromAsync(plain))).rejects.toEqual(code('DAMAGED'));
  await expect(opened(half)).rejects.toEqual(code('DAMAGED'));
  await expect(opened(message, [], new Trust([]))).rejects.toEqual(code('SIGNER_NOT_TRUSTED'));
  await new Promise((resolve) => setTimeout(resolve, 50));
  process.off('unhandledRejection', note);
  expect(strays).toEqual([]);
});

test('the name goes into the message, and is told', async () => {
  const message = await sealed([Buffer.from('x')], 'Bericht für Mai.csv');
  const { filename } = await openStream(piecesOf([message]), new KeyOpener([ops]), trust, 'it');
  expect(filename).toBe('Bericht für Mai.csv');
  const nameless = await openStream(piecesOf([await sealed([], '')]), new KeyOpener([ops]), trust, 'it');
  expect(nameless.filename).toBe('');
});
