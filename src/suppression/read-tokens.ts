/** Reading tokens, as a host may: it has no key that opens anything. */
import { isHoldfastError } from '../errors.ts';
import { verifyStatement } from '../openpgp/statement.ts';
import { sha256Hex } from '../repository/entry.ts';
import { tokensUnusable } from './errors.ts';
import { listSuppression } from './objects.ts';
import type { FoundSuppression } from './objects.ts';
import { firstSound, hasEnded, objectsOf } from './pick.ts';
import type { ReadingSession, Wanted } from './pick.ts';
import { parseTokens } from './tokens.ts';
import type { Tokens } from './tokens.ts';

/**
 * Reads the tokens of these purges, as a host may.
 * @param onProblem - called with an error for each purge whose tokens should be there and are not
 */
export async function readTokens(
  session: ReadingSession,
  set: string,
  purges: readonly Wanted[],
  now: Date,
  onProblem: (error: Error) => void,
  signal: AbortSignal,
): Promise<Tokens[]> {
  const wanted = purges.filter(({ suppression }) => suppression !== undefined);
  if (wanted.length === 0) return [];
  const listed = await listSuppression(session.store, set, signal);
  const found: Tokens[] = [];
  for (const one of wanted) {
    const { purge, objects } = objectsOf(one, listed, 'tokens');
    if (hasEnded(one, objects, now)) continue;
    const sha256 = one.suppression?.tokens ?? '';
    try {
      const open = (object: FoundSuppression) => openTokens(session, set, { object, sha256 }, signal);
      found.push(
        await firstSound(objects, open, (reason, cause) => tokensUnusable(set, purge, reason, cause)),
      );
    } catch (error) {
      if (!isHoldfastError(error, 'TOKENS_UNUSABLE')) throw error;
      onProblem(error);
    }
  }
  return found;
}

async function openTokens(
  { store, id, operators }: ReadingSession,
  set: string,
  { object: { key, purge }, sha256 }: { readonly object: FoundSuppression; readonly sha256: string },
  signal: AbortSignal,
): Promise<Tokens | undefined> {
  const bytes = await store.get(key, undefined, signal);
  if (sha256Hex(bytes) !== sha256) return undefined;
  const { value } = await verifyStatement(bytes, operators, key);
  return parseTokens(value, { store: id, set, purge }, key);
}
