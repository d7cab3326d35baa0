/** Files go or stay: nothing of their list can be set. And lists of their names are for files. */
import { problem, type CheckContext, type Finding } from './finding.ts';
import { actionsOf, valuesOf } from './map.ts';

export function checkFiles({ map, options, pathOf }: CheckContext): readonly Finding[] {
  return [...map.tables.values()].flatMap((rule) => {
    if (rule.kind !== 'linked') return [];
    if (options.engine !== 'files')
      return rule.listed === undefined ? [] : [problem(pathOf(rule), 'listed is for files', 'key')];
    const isChanged = actionsOf(rule).some((action) => valuesOf(action).size > 0);
    return isChanged ? [problem(pathOf(rule), 'files can be erased as a whole or kept: nothing is set')] : [];
  });
}
