/** What happens to one row, decided from all the ways by which it is the subject's. */
import { actionOf, valuesOf, type Action, type Linked, type Replacement } from './map.ts';

export interface Outcome {
  readonly do: 'delete' | 'set' | 'keep';
  /** What takes the place of which columns; empty for a deletion, and for a row that stays as it is. */
  readonly values: ReadonlyMap<string, Replacement>;
  /** The legal basis on which it is kept. */
  readonly because?: string;
  readonly until?: string;
}

/** The number under which a row of the root counts that was asked for; links are numbered from 1 in the map's order. */
export const ASKED_FOR = 0;

/** The action of the table's rule for what was asked for, or for its link of this number. */
export function actionFor(rule: Linked, number: number): Action {
  const link = rule.links[number - 1];
  return link === undefined ? rule.action : actionOf(rule, link);
}

/**
 * The first reason decides what happens. Where the row stays, the columns that further reasons set are set too: a
 * message that somebody sent to themselves must lose both names.
 *
 * @param numbers - why the row is the subject's: `ASKED_FOR` and numbers of links, in rising order; at least one
 */
export function outcomeFor(rule: Linked, numbers: readonly number[]): Outcome {
  const actions = numbers.map((number) => actionFor(rule, number));
  const first = actions[0] ?? rule.action;
  if (first.do === 'delete') return DELETED;
  const values = new Map<string, Replacement>();
  for (const action of actions) {
    for (const [column, value] of valuesOf(action)) if (!values.has(column)) values.set(column, value);
  }
  if (first.do === 'set') return { do: 'set', values };
  const { because, until } = first;
  return { do: 'keep', values, because, ...(until === undefined ? {} : { until }) };
}

const DELETED: Outcome = { do: 'delete', values: new Map() };
