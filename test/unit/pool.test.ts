/** The threads that seal and open: right results in any order, whole batches, largest segments, errors by job. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { SEGMENT_PLAIN_BYTES_MAX } from '../../src/openpgp/segment.ts';
import { SegmentPool } from '../../src/segments/pool.ts';

/** More than is worked on in place. */
const WARM_UP = Buffer.alloc(32 * 1024 * 1024 + 1);

async function warmPool(): Promise<SegmentPool> {
  const pool = SegmentPool.forReading();
  await pool.seal(WARM_UP, randomBytes(32), 1);
  return pool;
}

async function rangeOf(pool: SegmentPool, plains: readonly Buffer[]) {
  const sealed = await Promise.all(
    plains.map(async (plain) => {
      const key = randomBytes(32);
      const result = await pool.seal(plain, key, 1);
      return { ...result, key: key.toString('hex'), plain: plain.length };
    }),
  );
  let at = 0;
  const segments = sealed.map((one) => {
    const segment = {
      at,
      length: one.sealed.length,
      sha256: Buffer.from(one.sha256).toString('hex'),
      plain: one.plain,
      key: one.key,
    };
    at += one.sealed.length;
    return segment;
  });
  return { range: Buffer.concat(sealed.map((one) => one.sealed)), segments, what: 'a range' };
}

describe('the pool', () => {
  it('gives back what was sealed, in batches, with the rows counted', async () => {
    await using pool = await warmPool();
    const plains = Array.from({ length: 200 }, (_, i) => Buffer.from(`row ${i}\n`.repeat(i * 20 + 1)));
    const job = await rangeOf(pool, plains);
    expect(await pool.open(job)).toEqual(Buffer.concat(plains));
    const { rows } = await pool.seal(plains[7] ?? Buffer.alloc(0), randomBytes(32), 1);
    expect(rows).toBe(141);
  });

  it('works on the largest segments, many at once, that do not compress', async () => {
    await using pool = await warmPool();
    const plains = Array.from({ length: 12 }, () => randomBytes(SEGMENT_PLAIN_BYTES_MAX));
    const jobs = await Promise.all(plains.map((plain) => rangeOf(pool, [plain])));
    const opened = await Promise.all(jobs.map((job) => pool.open(job)));
    expect(opened.every((bytes, i) => plains[i]?.equals(bytes))).toBe(true);
  });

  it('refuses a range with one wrong byte, and goes on working', async () => {
    await using pool = await warmPool();
    const job = await rangeOf(pool, [Buffer.from('a\n'), Buffer.from('b\n')]);
    job.range.writeUInt8(job.range.readUInt8(job.range.length - 1) ^ 1, job.range.length - 1);
    await expect(pool.open(job)).rejects.toThrow(expect.objectContaining({ code: 'DAMAGED' }));
    const good = await rangeOf(pool, [Buffer.from('c\n')]);
    expect((await pool.open(good)).toString()).toBe('c\n');
  });

  it('never gives one job the memory of another', async () => {
    await using pool = await warmPool();
    const jobs = await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        rangeOf(pool, [Buffer.alloc(100_000 + i, i), Buffer.alloc(50_000, 255 - i)]),
      ),
    );
    const opened = await Promise.all(jobs.map((job) => pool.open(job)));
    for (const [i, bytes] of opened.entries()) {
      expect(bytes.equals(Buffer.concat([Buffer.alloc(100_000 + i, i), Buffer.alloc(50_000, 255 - i)]))).toBe(
        true,
      );
    }
  });
});
