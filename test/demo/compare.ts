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

/** A database's name for people, and what it holds. */
export type NamedDigests = readonly [string, ReadonlyMap<string, TableDigest>];

/** A table for people with one line for each table of either database, and the names of those that differ. */
export function comparison(
  [leftName, left]: NamedDigests,
  [rightName, right]: NamedDigests,
): { readonly lines: string[]; readonly different: string[] } {
  const lines = [`${'table'.padEnd(16)}${'rows'.padStart(6)}   ${leftName.padEnd(18)}${rightName}`];
  const different: string[] = [];
  for (const name of new Set([...left.keys(), ...right.keys()])) {
    const [one, other] = [left.get(name), right.get(name)];
    const same = one !== undefined && one.sha256 === other?.sha256;
    if (!same) different.push(name);
    const rows = String(one?.rows ?? '').padStart(6);
    lines.push(
      `${name.padEnd(16)}${rows}   ${short(one).padEnd(18)}${short(other)}  ${same ? 'the same' : 'DIFFERENT'}`,
    );
  }
  return { lines, different };
}

function short(digest: TableDigest | undefined): string {
  return digest?.sha256.slice(0, 12) ?? 'missing';
}
