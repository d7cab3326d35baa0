/** What cannot be done row by row: full-text indexes and large objects. */
import type { Closure } from '../subjects/closure.ts';
import { wholeUnsupported } from './locate-errors.ts';
import type { WholeEdit } from './located.ts';
import type { Prepared } from './prepare.ts';

/**
 * The edits of whole streams.
 * @throws HoldfastError PURGE_WHOLE for what this version cannot do: better than to leave somebody behind
 */
export function wholeEdits(
  { map, manifest }: Prepared,
  { affected, largeObjects }: Pick<Closure, 'affected' | 'largeObjects'>,
): readonly WholeEdit[] {
  const { snapshot } = manifest.binding;
  if (largeObjects.size > 0) throw wholeUnsupported(snapshot, 'large objects belong to their rows');
  if (affected.size === 0) return [];
  const rebuilt = [...map.tables].filter(([, rule]) => rule.kind === 'rebuilt').map(([name]) => name);
  if (rebuilt.length > 0)
    throw wholeUnsupported(snapshot, `the index ${rebuilt.join(', ')} must be made again`);
  return [];
}
