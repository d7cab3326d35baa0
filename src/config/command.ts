/** Commands that print a secret: split into arguments without a shell. */
import { commandInvalid } from './errors.ts';

/**
 * Splits a command line into arguments: spaces separate, '…' and "…" group, a backslash keeps the next
 * character. There is no shell behind it, so characters that only a shell gives a meaning are refused outside
 * quotes: a pipe that silently became an argument would be a puzzle at three in the morning.
 *
 * Throws COMMAND_INVALID.
 */
export function splitCommand(line: string): readonly string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < line.length; at++) {
    const char = line.charAt(at);
    if (char === '\\' && quote !== "'") {
      if (at + 1 === line.length) throw commandInvalid('it ends with a backslash', 'Remove it, or quote it.');
      word = (word ?? '') + line.charAt(++at);
    } else if (quote !== '') {
      if (char === quote) quote = '';
      else word = (word ?? '') + char;
    } else if (char === "'" || char === '"') {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if ('|&;<>()$`*?'.includes(char)) {
      throw commandInvalid(
        `'${char}' would need a shell`,
        `Quote it, or call a shell yourself: ["sh", "-c", "…"].`,
      );
    } else word = (word ?? '') + char;
  }
  if (quote !== '') throw commandInvalid('a quote is not closed', 'Close the quote.');
  if (word !== undefined) words.push(word);
  if (words[0] === undefined || words[0] === '') throw commandInvalid('it is empty', 'Name a program.');
  return words;
}
