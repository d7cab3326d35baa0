/**
 * A subject map held against a schema: the live database's, or that of a snapshot.
 *
 * Problems are what would make a purge miss somebody or fail; warnings are what a person should have looked at.
 */
import type { Schema } from '../sources/schema.ts';
import { checkColumns } from './check-columns.ts';
import { checkCoverage } from './check-coverage.ts';
import { checkForeignKeys } from './check-foreign-keys.ts';
import { checkFiles } from './check-files.ts';
import { checkLinks } from './check-links.ts';
import { largeObjects } from './check-large-objects.ts';
import { withFilesRoot } from './files-root.ts';
import type { CheckContext, CheckOptions, Finding } from './finding.ts';
import type { ParsedMap } from './parse.ts';

/**
 * Everything that is wrong or doubtful, in the order of the file.
 * @param parsed - the map, which is sound by itself
 * @param dumped - as the source states it
 */
export function checkMap(parsed: ParsedMap, dumped: Schema, options: CheckOptions): readonly Finding[] {
  const schema = withFilesRoot(dumped, parsed.map, options.engine);
  const tables = new Map(schema.tables.map((table) => [table.name, table]));
  const context: CheckContext = {
    map: parsed.map,
    schema,
    options,
    table: (name) => tables.get(name),
    pathOf: parsed.pathOf,
  };
  const findings = [
    ...checkCoverage(context),
    ...largeObjects(context),
    ...checkColumns(context),
    ...checkLinks(context),
    ...checkForeignKeys(context),
    ...checkFiles(context),
  ];
  const placed = findings.map((finding) => ({ finding, place: parsed.locate(finding) }));
  placed.sort((a, b) => a.place.line - b.place.line || a.place.column - b.place.column);
  return placed.map(({ finding }) => finding);
}
