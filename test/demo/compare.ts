/** Comparing two SQLite databases, table by table and value by value. */
import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';

export interface TableDigest {
  /** As SQLite has it: table, view or virtual. */
  readonly type: string;
  readonly rows: number;
  /** Of all values of all rows, with their types, in an order that does not depend on the file. */
  readonly sha256: string;
}

/** What a database holds: each table, ordinary or virtual, and views; but not the inner tables of virtual ones. */
export function digestsOf(file: string): Map<string, TableDigest> {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const tables = db
      .prepare(
        "SELECT name, type FROM pragma_table_list WHERE schema = 'main' AND type <> 'shadow' AND name <> 'sqlite_schema' ORDER BY name",
      )
      .all();
    return new Map(tables.map(({ name, type }) => [String(name), digestOf(db, String(name), String(type))]));
  } finally {
    db.close();
  }
}

function digestOf(db: DatabaseSync, table: string, type: string): TableDigest {
  const statement = db.prepare(`SELECT * FROM "${table.replaceAll('"', '""')}"`);
  statement.setReadBigInts(true);
  const rows = statement.all().map((row) => JSON.stringify(Object.entries(row), typed));
  const hash = createHash('sha256');
  for (const row of rows.sort()) hash.update(`${row}\n`);
  return { type, rows: rows.length, sha256: hash.digest('hex') };
}

/** JSON alone would make one thing of 1 and 1.0, and many of a blob. */
function typed(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return { integer: value.toString() };
  if (value instanceof Uint8Array) return { blob: Buffer.from(value).toString('base64') };
  return value;
}
