/**
 * Passwords that stand in a URL as they are, though they hold what ends a host there: of `mysql://u:12/rest@host/db` the
 * standard makes the host `u`, and the rest of the password would be asked of a name server, and shown.
 */

/** For people, as a sentence about the URL without its full stop. */
export const ODD_PASSWORD =
  'there is an @ or a # behind the host: in a password write @ as %40, / as %2F, ? as %3F and # as %23';

/** Whether some of a password may have come to lie behind the host. */
export function hasOddPassword({ pathname, search, hash }: URL, parameters: readonly string[]): boolean {
  const isOdd = [...new URLSearchParams(search).keys()].some((name) => !parameters.includes(name));
  return hash !== '' || pathname.includes('@') || (isOdd && search.includes('@'));
}
