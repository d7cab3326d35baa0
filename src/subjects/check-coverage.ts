/** Does the map say something about everything that a dump holds, and nothing about what is not there? */
import { holdsRows, type TableSchema } from '../sources/schema.ts';
import { didYouMean, problem, warning, type Finding, type CheckContext } from './finding.ts';
import { canBeRebuilt, isTextOf } from './full-text.ts';
import { actionOf, actionsOf, ruleFor, valuesOf, type Linked, type TableRule } from './map.ts';
import { personalColumns } from './personal.ts';

export function checkCoverage(context: CheckContext): readonly Finding[] {
  return [
    ...unlisted(context),
    ...unknown(context),
    ...context.schema.tables.flatMap((table) => misfit(context, table)),
    ...personalLeft(context),
    ...wordsLeft(context),
  ];
}

/** A table without a rule refuses, since nobody has looked at it; of partitions only the whole is named. */
function unlisted({ map, schema, pathOf }: CheckContext): readonly Finding[] {
  const bare = schema.tables.filter((table) => holdsRows(table) && ruleFor(map, table) === undefined);
  const wholes = Map.groupBy(bare, (table) => table.partitionOf ?? table.shadowOf ?? table.name);
  return [...wholes].map(([name, parts]) => {
    const [looks] = parts.flatMap(personalColumns).filter(({ isLikely }) => isLikely);
    const hint = looks === undefined ? '' : ` (its column ${looks.column} looks like ${looks.reason})`;
    const advice = 'say how its rows are linked, or no_personal_data: true';
    return problem(pathOf(map.tables), `nothing is said about the table ${name}${hint}: ${advice}`, 'key');
  });
}

function unknown({ map, schema, table, options, pathOf }: CheckContext): readonly Finding[] {
  if (options.isPast === true) return [];
  const known = schema.tables.map(({ name }) => name);
  return [...map.tables]
    .filter(([name]) => table(name) === undefined)
    .map(([name]) =>
      problem([...pathOf(map.tables), name], `there is no such table${didYouMean(name, known)}`, 'key'),
    );
}

/** Rules that do not fit what the table is: full-text indexes and what they keep their data in. */
function misfit({ map, schema, pathOf }: CheckContext, table: TableSchema): readonly Finding[] {
  const own = map.tables.get(table.name);
  const wrong = (rule: TableRule, message: string): Finding => problem(pathOf(rule), message, 'key');
  if (table.virtual !== undefined) {
    if (own?.kind === 'linked') return [wrong(own, virtualLinked(table))];
    if (own?.kind === 'rebuilt' && !canBeRebuilt(table)) return [wrong(own, cannotRebuild(table))];
    return [];
  }
  if (table.shadowOf !== undefined && own === undefined && isTextOf(table)) {
    const whole = map.tables.get(table.shadowOf);
    if (whole?.kind !== 'rebuilt') return [];
    const message = `the text of ${table.shadowOf} is in the table ${table.name}: say how its rows are linked as well`;
    return [wrong(whole, message)];
  }
  if (own?.kind !== 'rebuilt' || isStatistics(table)) return [];
  const owner = schema.tables.find(({ name }) => name === table.shadowOf);
  if (owner !== undefined && canBeRebuilt(owner) && !isTextOf(table)) return [];
  return [wrong(own, 'rebuild is for full-text indexes: nothing else makes the rows of this table again')];
}

function virtualLinked({ name }: TableSchema): string {
  return `has no rows of its own; say rebuild: true here, and link the table ${name}_content if there is one`;
}

function cannotRebuild({ virtual }: TableSchema): string {
  if (virtual?.content === 'none') {
    return "this index keeps no text (content=''), so it cannot be built again without what was erased";
  }
  return `a table of the module ${virtual?.module ?? '?'} cannot be built again without what was erased`;
}

/** Samples of values, which ANALYZE takes again. */
function isStatistics({ name }: TableSchema): boolean {
  return /^sqlite_stat[1-4]$/i.test(name);
}

/** Columns that look personal, in rows that stay. */
function personalLeft({ map, schema, pathOf }: CheckContext): readonly Finding[] {
  return schema.tables.flatMap((table) => {
    const rule = map.tables.get(table.name);
    if (rule === undefined || rule.kind === 'rebuilt') return [];
    if (rule.kind === 'linked' && !rowsStay(rule)) return [];
    const [dealtWith, where, advice] =
      rule.kind === 'linked'
        ? [
            columnsDealtWith(rule),
            'stays in rows that are not deleted, and',
            'set it, or list it as not_personal',
          ]
        : [
            rule.notPersonal ?? [],
            "is said to be nobody's, and",
            'list it as not_personal if you have looked',
          ];
    return personalColumns(table)
      .filter(({ column, isLikely }) => isLikely && !dealtWith.includes(column))
      .map(({ column, reason }) =>
        warning(pathOf(rule), `${column} ${where} looks like ${reason}: ${advice}`),
      );
  });
}

/** PostgreSQL: what a trigger has made of columns that go stays in rows that stay, unless it is set, too. */
function wordsLeft({ map, schema, pathOf }: CheckContext): readonly Finding[] {
  return schema.tables.flatMap((table) => {
    const rule = map.tables.get(table.name);
    if (rule?.kind !== 'linked' || actionsOf(rule).every((action) => valuesOf(action).size === 0)) return [];
    const dealtWith = columnsDealtWith(rule);
    return table.columns
      .filter(({ name, type, generated }) => type === 'tsvector' && !generated && !dealtWith.includes(name))
      .map(({ name }) =>
        warning(
          pathOf(rule),
          `${name} may hold the words of columns that are set: set it, too, or list it as not_personal`,
        ),
      );
  });
}

/** Rows that only let go of a subject (`follow: false`) are another's, with what is personal in them. */
function rowsStay(rule: Linked): boolean {
  const owning = rule.links.filter(({ follow }) => follow);
  const actions = owning.length === 0 ? [rule.action] : owning.map((link) => actionOf(rule, link));
  return actions.some((action) => action.do !== 'delete');
}

function columnsDealtWith(rule: Linked): readonly string[] {
  const set = actionsOf(rule).flatMap((action) => (action.do === 'delete' ? [] : [...action.values.keys()]));
  return [...set, ...rule.text, ...(rule.notPersonal ?? [])];
}
