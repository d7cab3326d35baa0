/** What was sealed into a store that removes nothing by itself, and is past its time. */
import { SEALED } from '../../repository/layout.ts';
import type { SealedRemains } from '../../seal/expire.ts';
import type { CliContext } from '../context.ts';
import { formatBytes, formatPlural } from '../terminal/format.ts';
import type { OpenedSession } from '../wiring.ts';

/** Removes it, or says what would go. In a bucket the lifecycle rules do it. */
export async function expireSealed(
  { output, quiet, signal }: CliContext,
  { session }: OpenedSession,
  confirm: boolean,
): Promise<SealedRemains> {
  const { readSealedRemains } = await import('../../seal/expire.ts');
  const { store } = session;
  if (store.bucket !== undefined) return { keys: [], exports: 0, bytes: 0 };
  const remains = await readSealedRemains(session, signal);
  if (remains.exports === 0) return remains;
  if (confirm) await store.remove(remains.keys, {}, signal);
  const { exports, bytes } = remains;
  const what = `${formatPlural(exports, 'sealed export')}, ${formatBytes(bytes)}`;
  if (!quiet) output.line(`${SEALED}: ${confirm ? 'removed' : 'would remove'} ${what}`);
  output.record({ type: 'expire-sealed', exports, bytes, done: confirm });
  return remains;
}
