/** `holdfast subjects sql`: the same erasure for the live database, printed for a person to read and run. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { setOf } from '../../config/config.ts';
import { HoldfastError } from '../../errors.ts';
import type { Schema } from '../../sources/schema.ts';
import type { SourceKind } from '../../sources/source.ts';
import type { SqlDatabase } from '../../subjects/compare.ts';
import type { CliContext } from '../context.ts';
import { readLiveSchema } from '../people/live-schema.ts';
import { repeated } from '../options.ts';
import { withExamples } from '../program.ts';
import { readSubjectMap } from '../people/subject-map.ts';
import type { ConfiguredMap } from '../people/subject-map.ts';
import { writePrivate } from './purge-keys.ts';

interface SqlFlags {
  readonly subject: readonly string[];
  readonly rollback?: boolean;
  readonly output?: string;
}

/** Adds it to `holdfast subjects`. */
export function registerSql(subjects: Command, context: CliContext): void {
  const sql = subjects
    .command('sql <SET>')
    .description('the erasure as one transaction for the live database; it is printed, not run')
    .option('--subject <NAME=VALUE>', 'whom: customer=42, email=a@b.c; may be repeated', repeated, [])
    .option('--rollback', 'end it with ROLLBACK: it shows how many rows it would delete and change')
    .option('-o, --output <FILE>', 'write it there, for your eyes only: it says whom it is about')
    .action((name: string, flags: SqlFlags) => {
      if (flags.subject.length === 0) sql.error('error: say whom: --subject NAME=VALUE');
      return printSql(context, name, flags);
    });
  withExamples(sql, [
    ['holdfast subjects sql shop --subject customer=42 --rollback -o look.sql', 'then: psql -f look.sql URL'],
    [
      'holdfast subjects sql notes --subject customer=42 -o erase.sql',
      "then: sqlite3 notes.db '.read erase.sql'",
    ],
    ['holdfast subjects sql site --subject user=42 -o erase.sql', 'then: mariadb site < erase.sql'],
  ]);
}

async function printSql(context: CliContext, name: string, flags: SqlFlags): Promise<void> {
  const { erasureSql } = await import('../../subjects/sql.ts');
  const { shellScript } = await import('../../subjects/sql-shell.ts');
  const { mapFor } = await import('../../subjects/narrow.ts');
  const { namedSubject } = await import('../../subjects/named.ts');
  const { output } = context;
  const config = await context.config();
  const set = setOf(config, name);
  const engine = engineFor(name, set.source);
  const configured = await readSubjectMap(config, set);
  const { map } = configured.parsed;
  const subjects = flags.subject.map((text) => namedSubject(map, text));
  const schema = await readLiveSchema(context, config, set);
  await mustFit(configured, schema, engine);
  const end = flags.rollback === true ? 'rollback' : 'commit';
  const erasure = erasureSql({ map: mapFor(map, schema), schema, engine, subjects, end });
  const text = shellScript(engine, erasure);
  if (flags.output !== undefined) {
    await writePrivate(resolve(flags.output), text);
    output.line(`wrote ${flags.output}: read it, run it yourself, then remove it`);
  } else if (!context.json) await output.write(text);
  if (subjects.some(({ by }) => by !== map.root.key))
    output.note('whoever has that name in the database is meant, all of them; a key names one');
  output.record({ type: 'sql', set: name, engine, end, text, notes: erasure.notes });
  output.summary({ set: name, engine, end });
}

function engineFor(set: string, source: SourceKind): SqlDatabase {
  if (source !== 'redis' && source !== 'files') return source;
  throw new HoldfastError({
    code: 'SUBJECTS_ENGINE',
    exit: 'usage',
    message: `set ${set} is dumped from ${source}, for which no erasure can be written`,
    hint: 'This version writes it for PostgreSQL, MySQL, MariaDB and SQLite.',
  });
}

/** A table that the database does not have any more holds nobody, and may stay in the map for the snapshots. */
async function mustFit({ parsed }: ConfiguredMap, schema: Schema, engine: SqlDatabase): Promise<void> {
  const { checkMap } = await import('../../subjects/check.ts');
  const { mapInvalid } = await import('../../subjects/errors.ts');
  const findings = checkMap(parsed, schema, { engine, isPast: true });
  const problems = findings.filter(({ kind }) => kind === 'problem');
  if (problems.length > 0) throw mapInvalid(problems.map((finding) => parsed.describe(finding)));
}
