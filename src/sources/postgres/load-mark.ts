/**
 * The mark of an unfinished restore: a comment on the database that the restore has made, gone when it is finished.
 * It says which rows go in, how far it has come, and which database it is about, so that a comment that came along with
 * a dump proves nothing.
 */
import type { RestoreIdentity } from '../source.ts';
import { quoteLiteral, quoteName } from './load-names.ts';
import type { Target } from './load-target.ts';

/**
 * - `pre-data`: definitions are being made.
 * - `data`: rows go in, each table's in one transaction, and what touches only tables that are complete.
 * - `post-data`: also what may touch anything: triggers, policies, views with rows.
 * - `loaded`: all is there, and only waits for the name of the database in use.
 */
export type Phase = 'pre-data' | 'data' | 'post-data' | 'loaded';

export interface Mark extends RestoreIdentity {
  /** The database's number on its server. */
  readonly oid: string;
  readonly phase: Phase;
}

const MARK =
  /^holdfast: unfinished restore of (?<label>\S+) \[(?<id>[0-9a-f]{32}) (?<oid>\d+) (?<phase>pre-data|data|post-data|loaded)\]$/;

/** The comment for a mark. */
export function markText({ label, id, oid, phase }: Mark): string {
  return `holdfast: unfinished restore of ${label} [${id} ${oid} ${phase}]`;
}

/** The mark that a comment is; undefined for any other comment. */
export function parseMark(comment: string | null | undefined): Mark | undefined {
  const found = MARK.exec(comment ?? '')?.groups;
  if (found === undefined) return undefined;
  const { label = '', id = '', oid = '', phase } = found;
  return { label, id, oid, phase: phase as Phase };
}

/** The mark of the target database; undefined when there is none, or when it is about another one. */
export async function readMark(target: Target): Promise<Mark | undefined> {
  const { oid, comment } = (await lookUp(target)) ?? {};
  const mark = parseMark(comment);
  return mark?.oid === oid ? mark : undefined;
}

/** The text of the mark that says how far the restore has come. */
export async function markOf(target: Target, { label, id }: RestoreIdentity, phase: Phase): Promise<string> {
  const { oid } = (await lookUp(target)) ?? {};
  if (oid === undefined) throw new Error(`database ${target.database} is gone`);
  return markText({ label, id, oid, phase });
}

/** Says how far the restore has come; the server has it on its disk then, and all that was committed before. */
export async function writeMark(target: Target, identity: RestoreIdentity, phase: Phase): Promise<void> {
  const text = await markOf(target, identity, phase);
  await target.run(Buffer.from(`COMMENT ON DATABASE ${quoteName(target.database)} IS ${quoteLiteral(text)}`));
}

async function lookUp(
  target: Target,
): Promise<{ readonly oid: string; readonly comment: string | null } | undefined> {
  const [row] = await target.query<{ oid: string; comment: string | null }>(
    `SELECT oid::text AS oid, pg_catalog.shobj_description(oid, 'pg_database') AS comment
      FROM pg_catalog.pg_database WHERE datname = $1`,
    [target.database],
  );
  return row;
}
