/** A script of SQL, cut into its statements. */
import { unplaceable } from './errors.ts';
import { SqlLexer, type LexerOptions, type SqlStatement } from './lexer.ts';

/**
 * Cuts a script into statements. However the bytes are cut into pieces, the statements are the same.
 *
 * Fails closed: a psql command (a backslash outside of literals), a COPY block, an unfinished statement,
 * literal or comment at the end, and a statement above 64 MiB are refused with their line.
 *
 * @param bytes - the script, in any pieces
 * @param options - `name`: what the script is called in errors
 * @throws HoldfastError SQL_META_COMMAND, SQL_UNPLACEABLE, SQL_UNTERMINATED, SQL_TOO_LONG
 */
export async function* splitSql(
  bytes: AsyncIterable<Uint8Array>,
  options: Omit<LexerOptions, 'limit'>,
): AsyncIterable<SqlStatement> {
  const lexer = new SqlLexer(options);
  for await (const piece of bytes) {
    lexer.push(piece);
    yield* statements(lexer, options.name);
  }
  lexer.end();
  yield* statements(lexer, options.name);
}

function* statements(lexer: SqlLexer, name: string): Iterable<SqlStatement> {
  for (let statement = lexer.next(); statement !== undefined; statement = lexer.next()) {
    if (isCopy(statement.bytes)) throw unplaceable({ name, line: statement.line }, 'a block of rows (COPY)');
    yield statement;
  }
}

/** True for a COPY statement: rows follow it in a dump, which are not SQL. */
export function isCopy(statement: Buffer): boolean {
  return /^copy\s/i.test(statement.toString('latin1', 0, 5));
}
