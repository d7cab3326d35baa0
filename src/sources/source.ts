/**
 * The source port: what is dumped, and what a dump is loaded back into.
 *
 * A dump is an ordered list of streams of text. Concatenated in order (leaving out `globals`) they are a
 * script that the engine's own client can load: that is what makes recovery without holdfast possible.
 */
import type { Schema } from './schema.ts';

export type SourceKind = 'postgres' | 'mysql' | 'sqlite' | 'redis' | 'files';

/**
 * How the rows of a stream are written. In every dialect a row ends with LF and no row contains an LF, except
 * in `sql`, which is free text (DDL) that may be cut at any LF.
 * - `pg-copy`: one `COPY t (cols) FROM stdin;` line, rows in COPY text format, one `\.` line.
 * - `sql-insert`: one INSERT statement per line, one row per statement.
 * - `mysql-insert`: rows of an INSERT in MySQL's SQL, `(literal,literal),` on a line each. What makes a statement of them
 *   is added where they are cut into segments (`rows/mysql-statement.ts`), so only what is stored is a script.
 * - `redis-restore`: one `SELECT n` line, then one RESTORE command per line, as redis-cli takes it.
 * - `json-lines`: one JSON object per line.
 * - `tar`: no rows and no text: a pax archive (POSIX.1-2017), which may be cut anywhere.
 */
export type Dialect =
  'sql' | 'pg-copy' | 'sql-insert' | 'mysql-insert' | 'redis-restore' | 'json-lines' | 'tar';

/**
 * Where in the script a stream stands. Globals are no part of it: what belongs to the server (roles, tablespaces) and
 * not to the database; of files the list of what is in the archive.
 */
export type Section = 'globals' | 'pre-data' | 'data' | 'post-data';

export interface TableInfo {
  /** Qualified and quoted where needed, as the engine writes it: `public.users`, `public."Odd Name"`, `users`. */
  readonly name: string;
  /** Unquoted column names in the order in which the rows list them. */
  readonly columns: readonly string[];
}

export interface StreamInfo {
  /** Unique in the dump: `pre-data`, or the table's name. */
  readonly name: string;
  readonly section: Section;
  readonly dialect: Dialect;
  readonly table?: TableInfo;
}

export interface DumpStream extends StreamInfo {
  /**
   * Must be read to its end before the next stream of its lane is asked for. A piece counts until the next is asked for:
   * its memory may be used again.
   */
  readonly bytes: AsyncIterable<Uint8Array>;
}

export interface SourceInfo {
  readonly kind: SourceKind;
  /** The database's name or path, without host or credentials. */
  readonly database: string;
  readonly serverVersion: string;
  readonly toolVersion: string;
  /** Bytes on the source's disk, for the ETA; undefined when unknown. */
  readonly estimatedBytes?: number;
  /** Things to say before the dump starts, e.g. "role passwords cannot be read". */
  readonly warnings: readonly string[];
  /** Engine facts that a restore checks first (extensions, roles, encoding, locale); plain JSON, goes into the manifest. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/**
 * One consistent dump under way; disposing it stops the tools, whether or not they were done.
 *
 * Its lanes may be read at the same time, which is how a dump uses more than one core; one after another, in
 * order, they are the script.
 */
export interface Dump extends AsyncDisposable {
  /** Of the same moment as the rows. */
  readonly schema: Schema;
  /** A lane ends normally only after its tools exited 0 and its part of the dump was complete; it throws otherwise. */
  readonly lanes: readonly AsyncIterable<DumpStream>[];
}

export interface Source {
  readonly kind: SourceKind;
  /** Connects, checks tools and versions, throws the error a dump would meet (missing tool, older tool, no database). */
  probe(signal: AbortSignal): Promise<SourceInfo>;
  /** Reads the schema as it is now; connects as `probe` does. */
  schema(signal: AbortSignal): Promise<Schema>;
  /** Starts a dump. */
  dump(signal: AbortSignal): Promise<Dump>;
}

/** A stream of a stored dump. */
export interface StoredStream extends StreamInfo {
  readonly rows: number;
  readonly bytes: number;
}

/** `[offset, offset + length)` of a stream's bytes. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** A stored dump, opened: what a loader reads from. */
export interface DumpReader {
  readonly source: SourceInfo;
  readonly streams: readonly StoredStream[];
  /** Only some of the rows that its streams state are read, and nobody knows yet how many. */
  readonly isPart?: boolean;
  /**
   * The stream's bytes in order, in pieces of up to 4 MiB that end on row ends wherever a row is shorter than that.
   * @param ranges - only these bytes, joined; in ascending order, and none within another
   */
  read(stream: StoredStream, signal: AbortSignal, ranges?: readonly ByteRange[]): AsyncIterable<Buffer>;
}

export interface LoadOptions {
  /** Parallel sessions. */
  readonly jobs: number;
  /** Load the data of these tables only (names as in TableInfo.name or unquoted); all when undefined. */
  readonly tables?: readonly string[];
  /** Files: only these paths, and all that lies below them. */
  readonly paths?: readonly string[];
  /** Also create roles and tablespaces that the target lacks; `roles`: no tablespaces, which lie anywhere on a disk. */
  readonly globals: boolean | 'roles';
  /** Leave out ownership and grants. */
  readonly noOwner: boolean;
  /** What is restored; a target that can be gone on with is marked by it while it is unfinished. */
  readonly identity?: RestoreIdentity;
  /** Go on with what an interrupted restore of the same identity has left in the target. */
  readonly resume?: boolean;
  /** It is to take another name in the end: a target with a mark keeps it until then. */
  readonly awaitsName?: boolean;
  readonly onProgress: (bytes: number, what: string) => void;
}

export interface RestoreIdentity {
  /** For people, without blanks: `shop@20261122T031500Z-1a2b3c4d`. */
  readonly label: string;
  /** 32 hex digits: the same only for the same rows, written in the same way. */
  readonly id: string;
}

/** What an interrupted restore has left in a target. */
export interface Unfinished {
  readonly label: string;
  /** True when it is of the same identity: then `resume` goes on with it. */
  readonly isSame: boolean;
  /** True when tables that are complete will be kept; else all begins anew. */
  readonly keepsTables: boolean;
  /** True when nothing is left to be loaded: it only waits for another name. */
  readonly isLoaded: boolean;
}

export interface Preflight {
  /** Where it will go, for people, without credentials: `database shop_restored on localhost:5432`. */
  readonly target: string;
  readonly exists: boolean;
  /** True when the target holds anything that a restore would mix with. */
  readonly occupied: boolean;
  /** Set when the target holds a restore that was cut off. */
  readonly unfinished?: Unfinished;
  /** Why this restore cannot work (each one sentence with what to do); empty when nothing is in the way. */
  readonly problems: readonly string[];
  /** Roles that are among the problems. */
  readonly missingRoles?: readonly string[];
  readonly warnings: readonly string[];
}

export interface LoadReport {
  /** Where the data went: a URL without password or a path, as the user would type it. */
  readonly target: string;
  /** Rows that the target really holds afterwards, by table name. */
  readonly rows: Readonly<Record<string, number>>;
  /** Tables that the dump leaves empty for its script to make anew, so that their number of rows says nothing. */
  readonly remade?: readonly string[];
  /** Redis: rows that are not there because their own time to live has ended, by table name. */
  readonly ended?: Readonly<Record<string, number>>;
  /** What was left out on purpose (e.g. foreign keys to tables that were not chosen). */
  readonly leftOut: readonly string[];
  /**
   * Of engines that do not insist on references while a dump is loaded. No error: the source may have had them, and a
   * choice of tables makes them.
   */
  readonly brokenReferences?: readonly BrokenReference[];
}

/** References to rows that are not there; tables are written as `TableInfo.name`. */
export interface BrokenReference {
  readonly table: string;
  readonly references: string;
  readonly rows: number;
}

export interface Loader {
  /** Looks, changes nothing. */
  preflight(dump: DumpReader, options: LoadOptions, signal: AbortSignal): Promise<Preflight>;
  /**
   * Loads into a target that preflight found free, creating it when absent. On failure it removes what it
   * created itself, and says so.
   */
  load(dump: DumpReader, options: LoadOptions, signal: AbortSignal): Promise<LoadReport>;
}
