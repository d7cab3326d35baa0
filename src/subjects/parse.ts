/** From the text of a subject map to the map, or to all that is wrong with it. */
import { createHash } from 'node:crypto';
import { dotted, parseYaml } from '../yaml/document.ts';
import type { Parsed, Place, Problem } from '../yaml/document.ts';
import { CANONICAL_FORMS, type CanonicalForm } from './canonical.ts';
import { mapInvalid } from './errors.ts';
import { Field, Findings } from './fields.ts';
import type { SubjectMap, SubjectRoot, TableRule } from './map.ts';
import { SUBJECT_NAME, SUBJECT_NAME_RULE } from './names.ts';
import { lostLinks, unreached } from './reach.ts';
import { readTable } from './read-table.ts';
import { isTableName } from './reference.ts';

/** A map together with the places of its parts in the file. */
export interface ParsedMap {
  readonly map: SubjectMap;
  /** The path in the file that a rule, link, action or list of columns of the map was read from. */
  readonly pathOf: (part: object) => readonly PropertyKey[];
  /** `subjects/shop.yaml:7:3: tables."public.users": what is wrong`. */
  readonly describe: (problem: Problem) => string;
  /** Where a problem stands in the file. */
  readonly locate: (problem: Problem) => Place;
}

const KEYS = ['version', 'subject', 'root', 'large_objects', 'tables'];

/**
 * Parses a subject map.
 * @param text - the file
 * @param shown - the file as the user named it, for messages
 * @throws HoldfastError SUBJECTS_INVALID with one line per problem, in the order of the file
 */
export function parseSubjectMap(text: string, shown: string): ParsedMap {
  const yaml = parseYaml(text);
  const findings = new Findings();
  const pathOf = (part: object): readonly PropertyKey[] => findings.pathOf(part);
  const map = yaml.usable ? readMap(new Field(yaml.value, [], findings), text) : undefined;
  if (map !== undefined) findings.problems.push(...lostLinks(map, pathOf));
  // What a table lacks because it could not be read is no mistake of its own.
  if (map !== undefined && findings.problems.length === 0) findings.problems.push(...unreached(map, pathOf));
  const lines = linesOf(yaml, findings.problems, shown);
  if (map === undefined || lines.length > 0) throw mapInvalid(lines);
  return {
    map,
    pathOf,
    describe: (problem) => describe(yaml, problem, shown),
    locate: (problem) => yaml.locate(problem),
  };
}

/** The map as far as it can be read; what is wrong is in the field's findings. */
function readMap(file: Field, text: string): SubjectMap | undefined {
  if (file.value === null || file.value === undefined) return file.wrong('is empty');
  const fields = file.fields(KEYS);
  if (fields === undefined) return undefined;
  for (const key of ['version', 'subject', 'root', 'tables']) {
    if (!fields.has(key)) file.wrong(`lacks the key '${key}'`);
  }
  const version = fields.get('version');
  if (version !== undefined && version.value !== 1) version.wrong('must be 1');
  const subject = fields.get('subject') && readSubject(fields.get('subject'));
  const root = fields.get('root') && readRoot(fields.get('root'));
  const tables = root && readTables(fields.get('tables'), root);
  if (subject === undefined || root === undefined || tables === undefined) return undefined;
  return {
    subject,
    root,
    tables,
    largeObjectsAreNobodys: fields.get('large_objects')?.word(['no_personal_data']) !== undefined,
    text,
    sha256: createHash('sha256').update(text).digest('hex'),
  };
}

function readSubject(field: Field | undefined): string | undefined {
  const subject = field?.text('what one subject is called, such as customer');
  if (subject === undefined || SUBJECT_NAME.test(subject)) return subject;
  return field?.wrong(SUBJECT_NAME_RULE);
}

function readRoot(field: Field | undefined): SubjectRoot | undefined {
  const fields = field?.fields(['table', 'key', 'lookup']);
  if (field === undefined || fields === undefined) return undefined;
  const table = fields.get('table')?.text('the table that has one row for each subject');
  const key = fields.get('key')?.names('a column, or a list of them');
  for (const name of ['table', 'key']) if (!fields.has(name)) field.wrong(`${name} is missing`, 'key');
  if (table !== undefined && !isTableName(table)) fields.get('table')?.wrong('is not a name of a table');
  const lookup = readLookup(fields.get('lookup'));
  if (table === undefined || key === undefined || lookup === undefined) return undefined;
  return field.findings.place({ table, key, lookup }, field.path);
}

function readLookup(field: Field | undefined): ReadonlyMap<string, CanonicalForm> | undefined {
  if (field === undefined) return new Map();
  const entries = field.entries('a map such as { email: lower }');
  return (
    entries &&
    new Map(
      entries.flatMap(([column, form]) => {
        const word = form.word(CANONICAL_FORMS);
        return word === undefined ? [] : [[column, word] as const];
      }),
    )
  );
}

function readTables(field: Field | undefined, root: SubjectRoot): ReadonlyMap<string, TableRule> | undefined {
  const entries = field?.entries('a map of tables');
  if (field === undefined || entries === undefined) return undefined;
  const read = entries.map(([name, value]) => [name, readTable(name, value, root)] as const);
  // A table that is wrong is still there: the links to it are right.
  const tables = new Map(read.map(([name, rule]) => [name, rule ?? UNREADABLE] as const));
  return field.findings.place(tables, field.path);
}

const UNREADABLE: TableRule = {
  kind: 'linked',
  links: [],
  action: { do: 'delete' },
  text: [],
  largeObjects: [],
  optional: [],
};

function linesOf(yaml: Parsed, problems: readonly Problem[], shown: string): readonly string[] {
  const found = [
    ...[...yaml.syntax, ...yaml.oddKeys].map((problem) => ({ ...problem, text: problem.message })),
    ...problems.map((problem) => ({ ...yaml.locate(problem), text: textOf(problem) })),
  ];
  const inOrder = found.sort((a, b) => a.line - b.line || a.column - b.column);
  return [...new Set(inOrder.map(({ line, column, text }) => `${shown}:${line}:${column}: ${text}`))];
}

function describe(yaml: Parsed, problem: Problem, shown: string): string {
  const { line, column } = yaml.locate(problem);
  return `${shown}:${line}:${column}: ${textOf(problem)}`;
}

function textOf({ path, message }: Problem): string {
  return path.length === 0 ? `the file ${message}` : `${dotted(path)}: ${message}`;
}
