/** A PostgreSQL database with every awkward thing goes out through holdfast alone, and comes back the same. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { usePostgres } from '../services/use.ts';
import { endToEnd } from './end-to-end.kit.ts';
import type { Database } from './end-to-end.kit.ts';
import { dumpText, exists } from './pg-load-kit.ts';
import { pgDump } from './pg-source-kit.ts';

const AWKWARD = await readFile(join(import.meta.dirname, '../services/awkward.sql'), 'utf8');

const BULK = `
  CREATE TABLE public.bulk (id integer PRIMARY KEY, note text);
  INSERT INTO public.bulk SELECT g, md5(g::text) || md5((g * 7)::text) FROM generate_series(1, 20000) g;`;

const A_DAY = `
  INSERT INTO public.bulk SELECT m + g, md5((m * g)::text) FROM generate_series(1, 300) g, (SELECT max(id) AS m FROM public.bulk) top;
  UPDATE public.bulk SET note = 'changed' WHERE id = 20;
  DELETE FROM public.bulk WHERE id BETWEEN 30 AND 35;
  INSERT INTO public."select" ("table", "user") SELECT count(*), E'\\\\N\\n\\\\.\\nCOPY x FROM stdin;' FROM public."select";`;

let targets = 0;

async function openAwkward(): Promise<Database> {
  const postgres = await usePostgres();
  const role = await postgres.createRole('SUPERUSER');
  const name = decodeURIComponent(new URL(await postgres.createDatabase('awkward "one"')).pathname.slice(1));
  const url = postgres.url(name, role);
  await postgres.psql(url, AWKWARD);
  await postgres.psql(url, BULK);
  const newTarget = () => {
    targets += 1;
    const target = postgres.url(`restored ${String(process.pid)}-${String(targets)}`, role);
    onTestFinished(() => postgres.dropDatabase(target));
    return Promise.resolve(target);
  };
  return {
    source: ['--source', 'postgres', '--url-env', 'SHOP_DATABASE_URL'],
    env: { SHOP_DATABASE_URL: url },
    secrets: [role.password, encodeURIComponent(role.password)],
    live: url,
    chosen: ['public.bulk', 'public."select"'],
    other: 'app.numbers',
    change: async () => {
      await postgres.psql(url, A_DAY);
    },
    content: () => dumpText(url),
    contentOf: (to) => dumpText(to),
    scriptContent: () => plainDump(url),
    scriptContentOf: async (sql) => {
      // As the same role: who loads an extension owns what is in it.
      const made = await postgres.createDatabase('loaded');
      const copy = postgres.url(decodeURIComponent(new URL(made).pathname.slice(1)), role);
      onTestFinished(() => postgres.dropDatabase(copy));
      await postgres.psql(copy, sql);
      return plainDump(copy);
    },
    rowsIn: async (to, table) => Number(await postgres.psql(to, `SELECT count(*) FROM ${table};`)),
    newTarget,
    exists: (to) => exists(postgres, to),
  };
}

/** Without what belongs to the database itself, which is not in a script that loads into any database. */
async function plainDump(url: string): Promise<string> {
  return (await pgDump(url)).toString('latin1');
}

endToEnd(openAwkward);
