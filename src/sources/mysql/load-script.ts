/**
 * Scripts of a dump, cut into statements as the client program cuts them (MariaDB's client/mysql.cc, `add_line`): quotes,
 * comments, and the line `DELIMITER ;;` behind which semicolons are a part of a routine.
 */
import { backquoted } from '../../rows/mysql-names.ts';
import { scriptUnplaceable } from './load-errors.ts';

/** 64 MiB: above any script of a real schema. */
const SCRIPT_BYTES_MAX = 64 * 1024 * 1024;

/** Reads a whole script. @throws HoldfastError LOAD_SCRIPT, and whatever the pieces throw */
export async function readScript(stream: string, pieces: AsyncIterable<Buffer>): Promise<string> {
  const found: Buffer[] = [];
  let size = 0;
  for await (const piece of pieces) {
    size += piece.length;
    if (size > SCRIPT_BYTES_MAX) throw scriptUnplaceable(stream, 'it is longer than any schema');
    found.push(piece);
  }
  // Bytes that are not UTF-8 (in a routine of old) must come out as they went in.
  return Buffer.concat(found).toString('latin1');
}

/** What may stand between delimiters; the alternatives are tried in order. */
const SPAN =
  /'(?:[^'\\]|\\[^]|'')*'|"(?:[^"\\]|\\[^]|"")*"|`(?:[^`]|``)*`|--(?=[\s]|$)[^\n]*|#[^\n]*|\/\*(?!M?!)[^]*?\*\/|['"`]|\/\*(?!M?!)/y;

const DELIMITER_LINE = /[ \t]*delimiter[ \t]+(\S+)[^\n]*(?:\n|$)/iy;

/**
 * Cuts a script; joined again, the statements are the script. Each has what stands before it (comments, DELIMITER lines)
 * and its delimiter; the last may be white space.
 *
 * @param script - as `readScript` gives it
 * @throws HoldfastError LOAD_SCRIPT for a quote or comment without its end
 */
export function splitScript(stream: string, script: string): string[] {
  const found: string[] = [];
  let delimiter = ';';
  let start = 0;
  let isFresh = true;
  for (let at = 0; at < script.length;) {
    if (isFresh && (at === 0 || script[at - 1] === '\n')) {
      DELIMITER_LINE.lastIndex = at;
      const line = DELIMITER_LINE.exec(script);
      if (line?.[1] !== undefined) {
        delimiter = line[1];
        at = DELIMITER_LINE.lastIndex;
        continue;
      }
    }
    if (script.startsWith(delimiter, at)) {
      at += delimiter.length;
      found.push(script.slice(start, at));
      start = at;
      isFresh = true;
      continue;
    }
    SPAN.lastIndex = at;
    const span = SPAN.exec(script)?.[0];
    if (span !== undefined && /^(?:['"`]|\/\*)$/.test(span))
      throw scriptUnplaceable(stream, `a quote or comment at byte ${at} has no end`);
    const isComment = span !== undefined && /^(?:--|#|\/\*)/.test(span);
    if (!isComment && /\S/.test(script[at] ?? '')) isFresh = false;
    at += span?.length ?? 1;
  }
  if (start < script.length) found.push(script.slice(start));
  return found;
}

const USER = '(?:`(?:[^`]|``)*`|[\\w$]+)';
const ACCOUNT = `${USER}(?:@${USER})?`;

/** Nothing quoted stands between CREATE and the definer; comments may stand before. */
const DEFINER = new RegExp(
  `^((?:\\s|--[^\\n]*\\n|delimiter[ \\t][^\\n]*\\n)*(?:\\/\\*M?!\\d+\\s+)?CREATE\\b[^'"\`;]*?)\\bDEFINER\\s*=\\s*(${ACCOUNT})[ \\t]?`,
  'i',
);

/** Who a statement makes the definer of something, as it is written there; undefined: nobody. */
export function definerOf(statement: string): string | undefined {
  return DEFINER.exec(statement)?.[2];
}

/** The statement without that: whoever runs it becomes the definer. */
export function withoutDefiner(statement: string): string {
  return statement.replace(DEFINER, '$1');
}

/**
 * The definition of a view without the name of the database that it comes from. The server leaves that out where it can; of
 * a view that its definer may not use it names every column in full, and would look for it in the old database.
 */
export function withoutDatabase(statement: string, database: string): string {
  if (!VIEW.test(statement)) return statement;
  const name = backquoted(Buffer.from(database).toString('latin1'));
  return statement.replaceAll(FULL_NAME, (found) =>
    found.startsWith(`${name}.`) ? found.slice(name.length + 1) : found,
  );
}

const VIEW = /\bCREATE\b[^'"`;]*?(?:DEFINER[^;]*?)?\bVIEW `/;

/** Literals come first, so that nothing in them is taken for a name. */
const FULL_NAME = /'(?:[^'\\]|\\[^]|'')*'|`(?:[^`]|``)*`(?:\.`(?:[^`]|``)*`){2}/g;

/** User and host of an account; a role has no host. */
export function accountOf(text: string): { readonly user: string; readonly host: string } {
  const [user = '', host = ''] = [...text.matchAll(new RegExp(USER, 'g'))].map(([part]) => unquoted(part));
  return { user, host };
}

function unquoted(name: string): string {
  const inner = name.startsWith('`') ? name.slice(1, -1).replaceAll('``', '`') : name;
  return Buffer.from(inner, 'latin1').toString('utf8');
}

/** The storage engines that the tables of a script name. */
export function enginesOf(statements: readonly string[]): ReadonlySet<string> {
  const tables = statements.filter((each) => /\bCREATE (?:TEMPORARY )?(?:TABLE|SEQUENCE)\b/.test(each));
  return new Set(
    tables.flatMap((each) => /\bENGINE ?= ?(\w+)/.exec(each.slice(each.lastIndexOf('\n) ')))?.[1] ?? []),
  );
}
