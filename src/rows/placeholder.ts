/** What patterns of keys and of paths have in common: one placeholder, and text around it. */

const PLACEHOLDER = /\{([\p{L}_][\p{L}\p{N}_]*)\}/u;

export interface Named {
  readonly name: string;
  readonly before: string;
  readonly after: string;
}

/** A text with one placeholder, and what stands around that; the reason, as the end of a sentence, where it is none. */
export function parseNamed(pattern: string): Named | string {
  const [before = '', name, after = '', ...more] = pattern.split(PLACEHOLDER);
  if (name === undefined) return 'has no placeholder such as {id}';
  if (more.length > 0) return 'has several placeholders';
  if (/[{}]/.test(before + after)) return 'has a brace that is no placeholder';
  if (before.endsWith('*') || after.startsWith('*'))
    return 'has a * beside its placeholder, so nobody can tell where that ends';
  if (`${before}${after}`.includes('**')) return 'has two * side by side';
  return { name, before, after };
}

/**
 * Characters in which a text does not begin.
 * @param kind - one character, as a regular expression
 */
export function closingText(text: string, kind: string, times: '+' | '*'): string {
  return `(?:(?!${escapedText(text)})${kind})${times}`;
}

/** A text as a regular expression that matches it alone. */
export function escapedText(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
