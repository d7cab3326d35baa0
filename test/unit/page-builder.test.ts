/** Pages end by content: an unchanged stretch of segments gives unchanged pages. */
import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { PAGE_SEGMENTS_MAX, PageBuilder } from '../../src/repository/pages.ts';
import type { SegmentRef } from '../../src/repository/pages.ts';

function refs(count: number): SegmentRef[] {
  return Array.from({ length: count }, (_, i) => {
    const sha256 = hash('sha256', `segment ${i}`, 'hex');
    return {
      pack: '039/0011223344556677',
      offset: i * 100,
      length: 100,
      sha256,
      plain: 1000,
      rows: 10,
      key: sha256,
    };
  });
}

function pagesOf(list: readonly SegmentRef[]): string[] {
  const builder = new PageBuilder();
  const pages = [...list.map((ref) => builder.add(ref)), builder.finish()];
  return pages.filter((page) => page !== undefined).map((page) => page.plain.toString());
}

describe('page ends', () => {
  it('stay within the maximum', () => {
    const builder = new PageBuilder();
    const sizes = refs(30_000).map((ref) => builder.add(ref)?.segments ?? 0);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(PAGE_SEGMENTS_MAX);
    expect(sizes.filter((size) => size > 0).length).toBeGreaterThan(7);
  });

  it('do not move when a segment is inserted far before them', () => {
    const list = refs(30_000);
    const changed = list.toSpliced(5_000, 0, { ...(list[0] as SegmentRef), offset: 999_999 });
    const before = new Set(pagesOf(list));
    const fresh = pagesOf(changed).filter((page) => !before.has(page));
    expect(fresh.length).toBeLessThanOrEqual(3);
  });
});
