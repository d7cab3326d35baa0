/** A draft as YAML with comments. */
import type { Draft, Proposal, Yaml } from './draft.ts';
import { personalColumns } from './personal.ts';
import { familyOf } from './types.ts';

const WIDTH = 110;

/** The text of a draft: what is decided as YAML, what is not as comments. */
export function render(draft: Draft, command: string): string {
  const { root, undecided, decided, hasLargeObjects } = draft;
  const hasNumbers = decided.some(({ rule }) => 'large_objects' in rule);
  const lines = [
    ...HEAD(command),
    'version: 1',
    `subject: ${scalar(draft.subject)}`,
    `root: ${flow({ table: root.table.name, key: keyOf(root), ...lookupOf(draft) })}`,
    ...(hasLargeObjects && !hasNumbers
      ? [
          '# The database has large objects. If they are about nobody, say so; else list the columns with their numbers.',
        ]
      : []),
    ...(hasLargeObjects && !hasNumbers ? ['# large_objects: no_personal_data'] : []),
    'tables:',
    ...decided.flatMap((proposal) => entry(proposal, '')),
  ];
  if (undecided.length > 0) lines.push(...DECIDE, ...undecided.flatMap((proposal) => entry(proposal, '# ')));
  return `${lines.join('\n')}\n`;
}

const HEAD = (command: string): readonly string[] => [
  `# A draft, made by: ${oneLine(command)}`,
  '# It knows foreign keys and names of columns, and nothing about what people mean. Read every line:',
  '#   erase: delete                        the row goes',
  '#   erase: { set: { column: null } }     the row stays without these values; { pseudonym: true } where null cannot be',
  '#   keep: { because: tax law, until: 7y, set: { … } }',
  '#   no_personal_data: true               nobody’s',
];

const DECIDE = [
  '',
  '  # Nothing ties these to a subject, as far as the database says. A table without a rule refuses a purge: decide',
  '  # about each, and take the # away.',
];

function entry({ table, rule, remarks }: Proposal, comment: string): readonly string[] {
  const links = rule['links'];
  const own = flow(rule);
  const one = `${scalar(table.name)}: ${own}`;
  const isLong = Array.isArray(links) || one.length > WIDTH;
  const about = remarks.map((remark) => `  # ${oneLine(remark)}`);
  const body = isLong ? [`${scalar(table.name)}:`, ...block(rule)] : [one];
  return ['', ...about, ...body.map((line) => `  ${comment}${line}`)];
}

/** One line for each key; a list has one line for each item. */
function block(rule: { readonly [key: string]: Yaml }): readonly string[] {
  return Object.entries(rule).flatMap(([key, value]) =>
    Array.isArray(value) && key === 'links'
      ? [`  ${key}:`, ...(value as readonly Yaml[]).map((item) => `    - ${flow(item)}`)]
      : [`  ${key}: ${flow(value)}`],
  );
}

function flow(value: Yaml): string {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return scalar(value);
  if (Array.isArray(value)) return `[${(value as readonly Yaml[]).map(flow).join(', ')}]`;
  const entries = Object.entries(value).map(([key, each]) => `${scalar(key)}: ${flow(each)}`);
  return `{ ${entries.join(', ')} }`;
}

/** Plain where YAML 1.2 takes it for text whatever stands around it. */
function scalar(text: string): string {
  const isPlain = /^[A-Za-z_][\w.$-]*$/.test(text) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(text);
  if (isPlain) return text;
  // eslint-disable-next-line no-control-regex -- what single quotes cannot hold
  return /[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]/.test(text)
    ? JSON.stringify(text).replace(/[\x7f-\uffff]/g, escaped)
    : `'${text.replaceAll("'", "''")}'`;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** A comment ends at the end of its line, whatever a name contains. */
function oneLine(text: string): string {
  // eslint-disable-next-line no-control-regex -- exactly those
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]/g, '�');
}

/** One column is written without a list. */
function keyOf({ key }: Draft['root']): Yaml {
  const [first = '', ...others] = key;
  return others.length === 0 ? first : key;
}

/** Columns of the root by which people ask. */
function lookupOf({ root }: Draft): { readonly lookup?: Yaml } {
  const { table, key } = root;
  const reasons = new Map(personalColumns(table).map(({ column, reason }) => [column, reason]));
  const forms = table.columns.flatMap(({ name, type, generated }) => {
    if (generated || key.includes(name) || !['text', 'any', 'uuid', 'integer'].includes(familyOf(type)))
      return [];
    const form = FORMS[reasons.get(name) ?? ''] ?? (isUnique(name) ? 'exact' : undefined);
    return form === undefined ? [] : [[name, form] as const];
  });
  function isUnique(name: string): boolean {
    return table.uniques.some((unique) => unique.length === 1 && unique[0] === name);
  }
  return forms.length === 0 ? {} : { lookup: Object.fromEntries(forms) };
}

const FORMS: Readonly<Record<string, string>> = {
  'an e-mail address': 'lower',
  'a user name': 'lower',
  'a phone number': 'digits',
};
