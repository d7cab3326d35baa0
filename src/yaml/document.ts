/** A YAML file as a value that remembers where each part of it stood. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import type { Document, Node, Pair, YAMLError } from 'yaml';

/** What is wrong with a value, or with a key itself, in the words of whoever knows what it must be. */
export interface Problem {
  readonly path: readonly PropertyKey[];
  readonly at: 'key' | 'value';
  readonly message: string;
}

export interface Place {
  /** Both count from 1. */
  readonly line: number;
  readonly column: number;
}

/** What is wrong with the YAML itself. */
export interface SyntaxProblem extends Place {
  readonly message: string;
}

export interface Parsed {
  readonly value: unknown;
  readonly syntax: readonly SyntaxProblem[];
  /** True when the value is whole in spite of syntax problems (a repeated key), so that it is worth checking. */
  readonly usable: boolean;
  /** Keys that are no plain words, which would get lost on the way into an object. */
  readonly oddKeys: readonly SyntaxProblem[];
  /** Where a key or value stands; for one that is missing, the nearest thing around it. */
  locate(problem: Pick<Problem, 'path' | 'at'>): Place;
}

/** Parses YAML 1.2, at most one document, no custom tags; never throws on any text. */
export function parseYaml(text: string): Parsed {
  const lines = new LineCounter();
  // prettyErrors would quote the source line, and that line may hold a password.
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    logLevel: 'error',
  });
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const syntax = [...document.errors, ...document.warnings].map((error) => ({
    ...place(error.pos[0]),
    message: readable(error),
  }));
  const { value, problem } = valueOf(document);
  return {
    value,
    syntax: [
      ...syntax,
      ...(problem === undefined ? [] : [{ ...place(problem.offset), message: problem.message }]),
    ],
    usable: problem === undefined && document.errors.every((error) => error.code === 'DUPLICATE_KEY'),
    oddKeys: oddKeys(document.contents, place),
    locate: (problem) => place(offsetOf(document, problem)),
  };
}

interface Expanded {
  readonly value: unknown;
  readonly problem?: { readonly offset: number; readonly message: string };
}

/** Expanding aliases is the one step that can still fail: the library stops a "billion laughs" there. */
function valueOf(document: Document): Expanded {
  try {
    return { value: document.toJS({ maxAliasCount: 100 }) };
  } catch {
    let offset = 0;
    visit(document, {
      Alias(_, alias) {
        if (alias.resolve(document) !== undefined) return undefined;
        offset = offsetOfNode(alias) ?? 0;
        return visit.BREAK;
      },
    });
    return { value: undefined, problem: { offset, message: 'an alias (*name) that cannot be resolved' } };
  }
}

function readable(error: YAMLError): string {
  if (error.code === 'DUPLICATE_KEY') return 'this key is given twice';
  if (error.code === 'TAB_AS_INDENT') return 'tabs are not allowed as indentation; use spaces';
  if (error.code === 'MULTIPLE_DOCS') return 'more than one document (a line ---) in the file';
  return error.message.charAt(0).toLowerCase() + error.message.slice(1);
}

function oddKeys(node: unknown, place: (offset: number) => Place): readonly SyntaxProblem[] {
  if (isSeq(node)) return node.items.flatMap((item) => oddKeys(item, place));
  if (!isMap(node)) return [];
  return node.items.flatMap((pair) => {
    const inner = oddKeys(pair.value, place);
    if (isScalar(pair.key) && typeof pair.key.value === 'string' && pair.key.value !== '__proto__')
      return inner;
    const offset = offsetOfNode(pair.key) ?? offsetOfNode(node) ?? 0;
    const isText = isScalar(pair.key) && typeof pair.key.value === 'string';
    const message = isText ? '__proto__ cannot be a key' : 'a key must be a plain word (quote a number)';
    return [{ ...place(offset), message }, ...inner];
  });
}

function offsetOf(document: Document, problem: Pick<Problem, 'path' | 'at'>): number {
  let node: unknown = document.contents;
  let offset = offsetOfNode(node) ?? 0;
  for (const [index, part] of problem.path.entries()) {
    const isLast = index === problem.path.length - 1;
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find((item) => keyText(item) === String(part));
      if (pair === undefined) return offset;
      const key = offsetOfNode(pair.key) ?? offset;
      offset = isLast && problem.at === 'value' ? (offsetOfNode(pair.value) ?? key) : key;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      offset = offsetOfNode(node) ?? offset;
    } else return offset;
  }
  return offset;
}

function keyText(pair: Pair): string | undefined {
  return isScalar(pair.key) ? String(pair.key.value) : undefined;
}

function offsetOfNode(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}

/** `sets.shop.recipients[2]`; a key that is no plain word is quoted. */
export function dotted(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`;
      const word = /^[\w-]+$/.test(String(part)) ? String(part) : JSON.stringify(String(part));
      return index === 0 ? word : `.${word}`;
    })
    .join('');
}
