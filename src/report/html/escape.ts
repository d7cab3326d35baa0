/** HTML from pieces: whatever is put into a template is text, unless it was made by a template itself. */

/** Text that is HTML already. Only `html` and `trusted` make it. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What stands between the braces of a template; nothing at all for undefined and false. */
export type Piece = string | number | Html | readonly Html[] | undefined | false;

/** A template whose values are escaped; the indentation of its source is not part of the page. */
export function html(strings: TemplateStringsArray, ...values: readonly Piece[]): Html {
  const part = (text: string, at: number) => {
    const own = text.replace(/\n\s+/g, '\n');
    return at < values.length ? own + show(values[at]) : own;
  };
  return new Html(strings.map(part).join(''));
}

/** Takes text for HTML: for what this program has made itself, such as a drawing. */
export function trusted(text: string): Html {
  return new Html(text);
}

function show(value: Piece): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map(({ text }) => text).join('');
  return escaped(String(value));
}

/** Control characters, and marks that turn the direction of text: they could make a page read as it is not. */
const INVISIBLE = /(?![\n\t])[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For text and for attributes in quotes. */
export function escaped(text: string): string {
  return text.replace(INVISIBLE, '\ufffd').replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
}
