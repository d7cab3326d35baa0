/** The schema of a set's live database, as it is now. */
import type { Config, SetConfig } from '../../config/config.ts';
import type { Schema } from '../../sources/schema.ts';
import type { CliContext } from '../context.ts';
import { openSource } from '../wiring.ts';

/** Reads it, with a line of progress. Throws what opening and reading the source throw. */
export async function readLiveSchema(context: CliContext, config: Config, set: SetConfig): Promise<Schema> {
  const task = context.progress.start(`reading the schema of ${set.name}`);
  try {
    const source = await openSource(config, set, context);
    return await source.schema(context.signal);
  } finally {
    task.end();
  }
}
