/** The bytes of an object on their way: what is sent with a put, what is accepted from a get. */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import type { GetObjectCommandOutput, PutObjectCommandInput } from '@aws-sdk/client-s3';
import { objectShort, storeFailed, type Place } from './errors.ts';
import { assertSize } from './keys.ts';
import type { Checksum } from './s3-settings.ts';
import type { ByteRange } from './store.ts';

/** The digest that goes with a put, as parameters of PutObject. */
export function digestOf(
  body: Buffer,
  checksum: Checksum = 'content-md5',
): Pick<PutObjectCommandInput, 'ContentMD5' | 'ChecksumSHA256' | 'ChecksumCRC32'> {
  switch (checksum) {
    case 'content-md5':
      return { ContentMD5: createHash('md5').update(body).digest('base64') };
    case 'sha256':
      return { ChecksumSHA256: createHash('sha256').update(body).digest('base64') };
    case 'crc32':
      return { ChecksumCRC32: bigEndian(crc32(body)).toString('base64') };
    case 'none':
      return {};
  }
}

/**
 * The body of a GetObject: exactly what was asked for, or an error.
 * @throws STORE_OBJECT_SHORT when less came, STORE_OBJECT_LARGE before reading an object that no put made,
 *   STORE_FAILED when the server answers with other bytes.
 */
export async function readBody(
  response: GetObjectCommandOutput,
  place: Place,
  range: ByteRange | undefined,
): Promise<Buffer> {
  const body = response.Body as Readable | undefined;
  try {
    const length = expectedLength(response, place, range);
    const bytes = Buffer.allocUnsafe(length);
    let done = 0;
    for await (const chunk of (body ?? []) as AsyncIterable<Buffer>) {
      if (done + chunk.length > length)
        throw storeFailed(place, 'read', 'more bytes came than were announced');
      done += chunk.copy(bytes, done);
    }
    if (done < length) throw objectShort(place, `${done} of ${length} bytes came`);
    return bytes;
  } finally {
    // Otherwise a refused body keeps its socket.
    body?.destroy();
  }
}

function expectedLength(
  response: GetObjectCommandOutput,
  place: Place,
  range: ByteRange | undefined,
): number {
  const { ContentLength: length, ContentRange } = response;
  if (length === undefined) throw storeFailed(place, 'read', 'the server does not say how long it is');
  assertSize(place, length);
  if (range === undefined) return length;
  if (ContentRange?.startsWith(`bytes ${range.offset}-`) !== true) {
    throw storeFailed(place, 'read', 'the server does not answer with the range that was asked for');
  }
  const total = ContentRange.split('/')[1] ?? '?';
  if (length < range.length)
    throw objectShort(place, `${range.length} bytes from byte ${range.offset} of ${total}`);
  if (length > range.length) throw storeFailed(place, 'read', 'more bytes came than were asked for');
  return length;
}

function bigEndian(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
