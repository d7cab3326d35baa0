/**
 * What may be told to a stranger. Nothing is looked for and struck out, since nobody knows what a name looks like: only what is
 * known to be harmless stays.
 */
import { PLAIN_WORDS } from './words.ts';

const GONE = '…';
const WORD_MAX = 100;

/**
 * A message with the words of this program only: names, numbers, paths, addresses and whatever else stands in it become `…`.
 * Words that hang together with something else (`user@example.org`, `a/b`, `x_y`) are one word, and none of ours.
 */
export function scrubbed(message: string): string {
  const words = message.split(/(\s+)/).map((word) => (/^\s*$/.test(word) ? ' ' : plain(word)));
  return words
    .join('')
    .replace(/…(?:[ …]*…)?/g, GONE)
    .trim();
}

/** Marks around a word stay; one within it makes it something else. */
function plain(word: string): string {
  // None of ours is so long, and the pattern takes the square of a length.
  if (word.length > WORD_MAX) return GONE;
  const [, before = '', core = '', after = ''] = /^([("'`]*)(.*?)([)"'`.,:;!?]*)$/.exec(word) ?? [];
  const isOurs = core === '' || /^(?:[-–→·=|]|->)$/.test(core) || isWord(core);
  return isOurs ? `${before}${core}${after}` : GONE;
}

function isWord(word: string): boolean {
  const parts = word.split('-');
  return parts.every((part) => PLAIN_WORDS.has(part.toLowerCase()));
}

/** The code of an error of ours: upper case, with nothing else in it. */
export function scrubbedCode(value: unknown): string | undefined {
  return typeof value === 'string' && CODE.test(value) && value.split('_').every(isWord) ? value : undefined;
}

const CODE = /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+){0,6}$/;
