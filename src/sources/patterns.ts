/** What an exclude pattern of files may be; how they are matched is in files/patterns.ts. */

/** Each one multiplies what a match may cost. */
const STARS_MAX = 4;

/** Why a text cannot be a pattern, as the end of a sentence that begins with it; undefined when it can. */
export function patternProblem(pattern: string): string | undefined {
  if (/^\/*$/.test(pattern)) return 'would leave out everything';
  if (pattern.startsWith('!')) return 'begins with !, and there is no way to take something in again';
  if (pattern.includes('\0')) return 'holds a zero byte';
  if (/(^|\/)\.\.?(\/|$)/.test(pattern)) return 'holds . or .. as a name; paths begin at the folder itself';
  if (/\/\//.test(pattern)) return 'has two slashes in a row';
  if ((pattern.match(/\*\*/g) ?? []).length > STARS_MAX) return 'has too many **';
  if (/\[(?![!^]?\]?[^\]]*\])/.test(pattern.replaceAll(/\\./g, ''))) return 'has a [ that does not end';
  return undefined;
}
