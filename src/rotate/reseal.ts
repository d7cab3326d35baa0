/** Sealing one manifest anew: opened, its recipients replaced, signed by the operator, put beside its amendment. */
import type { Binding } from '../repository/entry.ts';
import { checkBinding, parseManifest } from '../repository/manifest.ts';
import { putRevision } from './new-revision.ts';
import type { PutRevision, RevisionOptions } from './new-revision.ts';
import type { Resealing } from './plan.ts';

export interface Resealed extends PutRevision {
  readonly bytesRead: number;
}

/**
 * Writes a new revision with the same packs.
 * @throws HoldfastError REPLACEMENT_MISSING, and what opening the manifest throws
 */
export async function reseal(
  todo: Resealing,
  options: RevisionOptions,
  signal: AbortSignal,
): Promise<Resealed> {
  const { packs, bytes } = todo.current;
  const rewrite = (plain: Buffer, binding: Binding, key: string) => {
    return { plain: rebind(plain, binding, key), packs };
  };
  const put = await putRevision({ ...todo, reason: 'rotation', rewrite }, options, signal);
  return { ...put, bytesRead: bytes };
}

/** The manifest with another binding; every other byte of it stays, also of fields and lines that are unknown here. */
function rebind(plain: Buffer, binding: Binding, what: string): Buffer {
  const end = plain.indexOf(10);
  const header = JSON.parse(plain.toString('utf8', 0, end)) as Record<string, unknown>;
  const line = Buffer.from(JSON.stringify({ ...header, ...binding }), 'utf8');
  const bound = Buffer.concat([line, plain.subarray(end)]);
  checkBinding(parseManifest(bound, what).binding, binding, what);
  return bound;
}
