/** Aligned columns, no boxes. */
import { stripVTControlCharacters } from 'node:util';
import { keepingColours, printable } from './format.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/**
 * The lines of a table: titles, then rows; two spaces between columns and none at the end of a line.
 *
 * @param paintTitle - how the titles look (bold on a terminal)
 */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  paintTitle: (text: string) => string = (text) => text,
): readonly string[] {
  const body = rows.map((row) => columns.map((_, index) => oneLine(row[index] ?? '')));
  const widths = columns.map((column, index) =>
    Math.max(displayWidth(column.title), ...body.map((row) => displayWidth(row[index] ?? ''))),
  );
  const line = (cells: readonly string[], paint: (text: string) => string): string =>
    cells
      .map((cell, index) => pad(cell, widths[index] ?? 0, columns[index]?.align ?? 'left', paint))
      .join('  ')
      .trimEnd();
  return [
    line(
      columns.map((column) => column.title),
      paintTitle,
    ),
    ...body.map((row) => line(row, (text) => text)),
  ];
}

const ASCII = /^[\x20-\x7e]*$/;
const WIDE =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u;

/** Columns that text takes on a terminal; colours take none, wide characters two. */
export function displayWidth(text: string): number {
  const bare = stripVTControlCharacters(text);
  if (ASCII.test(bare)) return bare.length;
  let width = 0;
  for (const { segment } of new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(bare)) {
    width += WIDE.test(segment) ? 2 : 1;
  }
  return width;
}

function pad(cell: string, width: number, align: 'left' | 'right', paint: (text: string) => string): string {
  const spaces = ' '.repeat(Math.max(0, width - displayWidth(cell)));
  return align === 'right' ? spaces + paint(cell) : paint(cell) + spaces;
}

/** A cell keeps the colours that we gave it, and nothing else that is not text. */
function oneLine(cell: string): string {
  return keepingColours(cell, (part) => printable(part).replace(/\n/g, ' '));
}
