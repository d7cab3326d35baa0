/** Scratch databases of SQLite: files in a folder that goes. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { inOwnFolders } from './own-folder.ts';
import type { BrokenReference, ScratchSpace } from './scratch.ts';

/** Each database is in a folder of its own, since SQLite writes files beside it. */
export function sqliteScratch(): ScratchSpace {
  return inOwnFolders('a temporary file', (folder) => {
    const target = join(folder, 'scratch.db');
    return { target, brokenReferences: () => Promise.resolve(brokenReferences(target)) };
  });
}

/** SQLite enforces references only when an application asks for it, and never while a dump is loaded. */
function brokenReferences(path: string): BrokenReference[] {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const rows = db
      .prepare(
        'SELECT "table" AS name, parent, count(*) AS n FROM pragma_foreign_key_check GROUP BY 1, 2 ORDER BY 1, 2',
      )
      .all();
    return rows.map(({ name, parent, n }) => ({
      table: String(name),
      references: String(parent),
      rows: Number(n),
    }));
  } finally {
    db.close();
  }
}
