/** Vectors of single parts of format 1: what a second implementation can try first, and this one must never change. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSegment } from '../../src/openpgp/segment.ts';
import { verifyStatement } from '../../src/openpgp/statement.ts';
import { Trust } from '../../src/openpgp/trust.ts';
import { sha256Hex } from '../../src/repository/entry.ts';
import { PACK_REF, SET_NAME, SNAPSHOT_ID, daysOfPrefix, keepPrefix } from '../../src/repository/layout.ts';
import { formatManifest, parseManifest } from '../../src/repository/manifest.ts';
import type { Manifest } from '../../src/repository/manifest.ts';
import { PageBuilder, parsePage } from '../../src/repository/pages.ts';
import type { SegmentRef } from '../../src/repository/pages.ts';
import * as rules from '../../src/repository/rules.ts';
import { ChainKeys, digestOf } from '../../src/segments/chain-keys.ts';
import { FOLDER, readKeys } from '../vectors/kit.ts';

describe('chain keys', async () => {
  const { secret, cut_table, cases } = await part<{
    secret: string;
    cut_table: { first: number[]; sha256: string };
    cases: { plain: string; digest: string; id: string; salt: string; key: string }[];
  }>('chain-keys');
  const chain = new ChainKeys(Buffer.from(secret, 'hex'));

  it.for(cases)('of $plain', ({ plain, digest, id, salt, key }) => {
    const h = digestOf(Buffer.from(plain));
    expect(h.toString('hex')).toBe(digest);
    expect(chain.id(h).toString('hex')).toBe(id);
    expect(chain.sessionKey(Buffer.from(salt, 'hex'), h)).toBe(key);
  });

  it('give the table of the cutter', () => {
    const words = Buffer.alloc(chain.cutTable.length * 4);
    for (const [index, word] of chain.cutTable.entries()) words.writeUInt32LE(word, index * 4);
    expect([...chain.cutTable.subarray(0, 4)]).toEqual(cut_table.first);
    expect(sha256Hex(words)).toBe(cut_table.sha256);
  });
});

describe('texts', () => {
  it('of a key page', async () => {
    const { text, refs } = await part<{ text: string; refs: SegmentRef[] }>('page');
    expect(parsePage(Buffer.from(text), 'page')).toEqual(refs);
    const builder = new PageBuilder();
    for (const ref of refs) builder.add(ref);
    expect(builder.finish()?.plain.toString()).toBe(text);
  });

  it('of a manifest', async () => {
    const { text, value } = await part<{ text: string; value: Manifest }>('manifest');
    expect(parseManifest(Buffer.from(text), 'manifest')).toEqual(value);
    expect(formatManifest(value).toString()).toBe(text);
  });
});

describe('statements', async () => {
  const { db1 } = await readKeys();
  const trust = new Trust([db1.toPublic()]);
  const { signer, good, bad } = await part<{
    signer: string;
    good: string[];
    bad: { what: string; code: string; text: string }[];
  }>('statements');

  it('that are good', async () => {
    for (const text of good)
      expect(await verifyStatement(Buffer.from(text), trust, 'it')).toMatchObject({ signer });
  });

  it.for(bad)('that are bad: $what', async ({ code, text }) => {
    await expect(verifyStatement(Buffer.from(text), trust, 'it')).rejects.toMatchObject({
      name: 'HoldfastError',
      code,
    });
  });
});

describe('segments', async () => {
  const cases =
    await part<{ name: string; key: string; sha256: string; sealed: string; plain: string }[]>('segments');

  it.for(cases)('open: $name', async ({ key, sha256, sealed, plain }) => {
    const plainLength = Buffer.byteLength(plain);
    const segment = {
      sealed: Buffer.from(sealed, 'base64'),
      key: Buffer.from(key, 'hex'),
      sha256,
      plainLength,
    };
    expect((await openSegment(segment, 'it')).toString()).toBe(plain);
  });
});

interface Policy {
  readonly keep: number;
  readonly full_every: number;
}

describe('rules', async () => {
  const table = await part<{
    pack_days: (Policy & { days: number })[];
    end_of_promise: { committed: string; keep: number; end: string }[];
    latest_end: { modified: string; days: number; end: string }[];
    usable: {
      why: string;
      pack: { modified: string; days: number };
      policy: Policy;
      now: string;
      at_start: boolean;
      at_commit: boolean;
    }[];
    chain: {
      why: string;
      chain: (Policy & { started: string }) | null;
      policy: Policy;
      now: string;
      full: boolean;
      decision: string;
    }[];
  }>('rules');

  it.for(table.pack_days)('packs of $keep and $full_every days', ({ keep, full_every, days }) => {
    expect(rules.packDaysFor(keep, full_every)).toBe(days);
  });

  it.for(table.end_of_promise)('committed $committed, kept $keep days', ({ committed, keep, end }) => {
    expect(rules.endOfPromise(new Date(committed), keep).toISOString()).toBe(end);
  });

  it.for(table.latest_end)('put $modified, for $days days', ({ modified, days, end }) => {
    expect(rules.latestEnd(new Date(modified), days).toISOString()).toBe(end);
  });

  it.for(table.usable)('$why', ({ pack, policy, now, at_start, at_commit }) => {
    const life = { modified: new Date(pack.modified), days: pack.days };
    expect(rules.packIsUsable(life, policyOf(policy), new Date(now), false)).toBe(at_start);
    expect(rules.packIsUsable(life, policyOf(policy), new Date(now), true)).toBe(at_commit);
  });

  it.for(table.chain)('$why', ({ chain, policy, now, full, decision }) => {
    const facts = chain ? { chain: 1, started: new Date(chain.started), ...policyOf(chain) } : undefined;
    expect(rules.decideChain(facts, policyOf(policy), new Date(now), full).kind).toBe(decision);
  });
});

function policyOf({ keep, full_every }: Policy): rules.ChainPolicy {
  return { keepDays: keep, fullEveryDays: full_every };
}

describe('names', async () => {
  const names = await part<
    Record<'sets' | 'snapshots' | 'packs', { good: string[]; bad: string[] }> & {
      lives: { good: [string, number][]; bad: string[] };
    }
  >('names');
  const patterns = { sets: SET_NAME, snapshots: SNAPSHOT_ID, packs: PACK_REF };

  it.for(Object.entries(patterns))('of %s', ([kind, pattern]) => {
    const { good, bad } = names[kind as keyof typeof patterns];
    for (const name of good) expect(name).toMatch(pattern);
    for (const name of bad) expect(name).not.toMatch(pattern);
  });

  it('of lives', () => {
    for (const [folder, days] of names.lives.good) {
      expect(daysOfPrefix(folder)).toBe(days);
      expect(keepPrefix(days)).toBe(`${folder}/`);
    }
    for (const folder of names.lives.bad) expect(daysOfPrefix(folder)).toBeUndefined();
  });
});

async function part<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(join(FOLDER, 'parts', `${name}.json`), 'utf8')) as T;
}
