/** The sections of a pg_dump that hold no rows, and pg_dumpall's globals: every byte placed by the lexer. */
import { DumpGuard } from './pg-guard.ts';
import { LineBatch } from './pieces.ts';
import { splitSql } from './sql.ts';

/**
 * Checks a script of pg_dump or pg_dumpall while it passes and writes its statements out, one after another,
 * without the comments between them: these hold the tools' versions, and names, which have been used for attacks.
 *
 * @param bytes - the tool's output, in any pieces
 * @param name - what it is called in errors, e.g. `pre-data`
 * @throws HoldfastError DUMP_INCOMPLETE when the tool's end mark is missing, and those of `splitSql`
 */
export async function* cleanScript(bytes: AsyncIterable<Uint8Array>, name: string): AsyncIterable<Buffer> {
  const guard = new DumpGuard(name);
  const batch = new LineBatch();
  for await (const statement of splitSql(bytes, guard.lexerOptions)) {
    guard.statement(statement.line);
    const full = batch.add(statement.bytes);
    if (full !== undefined) yield full;
  }
  guard.finish();
  const rest = batch.take();
  if (rest !== undefined) yield rest;
}
