/**
 * What pg_dump writes about large objects (src/bin/pg_dump: pg_dump.c, pg_backup_db.c, pg_backup_archiver.c): one is
 * made, given an owner, rights and a comment; then opened, written in pieces of 16 KiB, and closed.
 */

/** What one statement does. */
export type ObjectStatement =
  /** Begins to fill it. */
  | { readonly kind: 'open'; readonly oid: string }
  /** Goes on with the one that is open. */
  | { readonly kind: 'write' }
  | { readonly kind: 'close' }
  /** Makes or describes it. */
  | { readonly kind: 'about'; readonly oid: string }
  /** About large objects, in a way that is not known here: nobody can tell whose data it holds. */
  | { readonly kind: 'unknown' };

const HEAD_BYTES = 512;
const FUNCTION = /^SELECT pg_catalog\.(lo_|lowrite|loread)/;
const ABOUT =
  /^(?:ALTER|COMMENT ON|(?:GRANT|REVOKE) [^;'"]*? ON|SECURITY LABEL (?:FOR \S+ )?ON) LARGE OBJECT (\d+) /;
const CREATE = /^SELECT pg_catalog\.lo_create\('(\d+)'\);$/;
const OPEN = /^SELECT pg_catalog\.lo_open\('(\d+)', \d+\);$/;
const WRITE = /^SELECT pg_catalog\.lowrite\(0, '\\x[0-9a-f]*('\);)?$/;
const CLOSE = /^SELECT pg_catalog\.lo_close\(0\);$/;

/** The number of the large object that a statement makes; undefined for any other statement. */
export function createdObject(statement: Buffer): string | undefined {
  return CREATE.exec(statement.toString('latin1', 0, HEAD_BYTES).trim())?.[1];
}

/**
 * Reads a statement of a dump; undefined for one that is not about a large object.
 * @param statement - with or without the white space behind it
 */
export function objectStatement(statement: Buffer): ObjectStatement | undefined {
  const head = statement.toString('latin1', 0, HEAD_BYTES).trimEnd();
  const about = ABOUT.exec(head)?.[1];
  if (about !== undefined) return { kind: 'about', oid: about };
  if (/^[^'"]*\bLARGE OBJECT \d/.test(head)) return { kind: 'unknown' };
  if (!FUNCTION.test(head)) return undefined;
  const made = CREATE.exec(head)?.[1];
  if (made !== undefined) return { kind: 'about', oid: made };
  const opened = OPEN.exec(head)?.[1];
  if (opened !== undefined) return { kind: 'open', oid: opened };
  if (WRITE.test(head)) return { kind: 'write' };
  return { kind: CLOSE.test(head) ? 'close' : 'unknown' };
}
