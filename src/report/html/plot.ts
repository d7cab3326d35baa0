/**
 * Drawings as static SVG: Observable Plot on a document that exists in memory only. What it draws is decoration for a
 * reader who sees; `role="img"` with a title and a description says the same in words, and a table has the figures.
 */
import type { PlotOptions } from '@observablehq/plot';
import { escaped, trusted } from './escape.ts';
import type { Html } from './escape.ts';

export type Plot = typeof import('@observablehq/plot');

/** As far as we use it of the document's elements. */
interface Element {
  readonly outerHTML: string;
  readonly tagName: string;
  remove(): void;
  setAttribute(name: string, value: string): void;
  removeAttribute(name: string): void;
  getAttributeNames?(): string[];
  querySelectorAll(selector: string): ArrayLike<Element>;
}

export interface Drawing {
  /** Unique on the page. */
  readonly id: string;
  readonly title: string;
  /** What there is to see, in a sentence or two. */
  readonly text: string;
  readonly options: PlotOptions;
}

/** Draws for one report. */
export interface Pen {
  readonly plot: Plot;
  draw(drawing: Drawing): Html;
}

/** Loads the library, which takes a while: only when something is to be drawn. */
export async function openPen(): Promise<Pen> {
  const [plot, domino] = await Promise.all([import('@observablehq/plot'), loadDomino()]);
  const document = domino.createDocument('<!doctype html>');
  const draw = ({ id, title, text, options }: Drawing) => {
    const made = plot.plot({ ...options, document, className: 'plot' } as PlotOptions) as unknown as Element;
    return labelled(made, id, title, text);
  };
  return { plot, draw };
}

interface Domino {
  createDocument(text: string): unknown;
}

async function loadDomino(): Promise<Domino> {
  // @ts-expect-error Its types are those of `domino`, the package's name of before, and so of no module.
  const loaded = (await import('@mixmark-io/domino')) as { readonly default: Domino };
  return loaded.default;
}

/** Attributes that would say something to a screen reader about parts of what is one picture. */
const PART_LABELS = ['aria-label', 'aria-description', 'aria-hidden'];

function labelled(svg: Element, id: string, title: string, text: string): Html {
  // The page's own style has what is in here, since its policy allows no other.
  for (const style of Array.from(svg.querySelectorAll('style'))) style.remove();
  for (const name of PART_LABELS)
    for (const part of Array.from(svg.querySelectorAll(`[${name}]`))) part.removeAttribute(name);
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-labelledby', `${id}-title ${id}-text`);
  svg.removeAttribute('font-family');
  svg.removeAttribute('font-size');
  const words = `<title id="${id}-title">${escaped(title)}</title><desc id="${id}-text">${escaped(text)}</desc>`;
  return trusted(svg.outerHTML.replace('>', () => `>${words}`));
}
