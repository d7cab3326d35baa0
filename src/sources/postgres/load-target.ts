/** The server and the database that a dump is loaded into: looking, creating, dropping. */
import type { QueryResultRow } from 'pg';
import { isHoldfastError } from '../../errors.ts';
import type { PgConnection } from './connection.ts';
import { cannotCreate, isConnectionLoss, noMaintenance, sqlState, targetOccupied } from './load-errors.ts';
import { localeClauses, type SourceLocale } from './load-locale.ts';
import { quoteLiteral, quoteName } from './load-names.ts';
import { LoadSession } from './load-session.ts';

/** What a server offers to a restore. */
export interface TargetFacts {
  /** As server_version_num: 150020. */
  readonly version: number;
  readonly user: string;
  readonly isSuperuser: boolean;
  readonly mayCreateDatabase: boolean;
  readonly mayCreateRoles: boolean;
  readonly roles: ReadonlySet<string>;
  /** Roles that the user may act for. */
  readonly memberOf: ReadonlySet<string>;
  readonly extensions: ReadonlySet<string>;
  readonly tablespaces: ReadonlySet<string>;
  readonly settings: ReadonlySet<string>;
  /** Connections that are free for this user now. */
  readonly freeConnections: number;
  /** Bytes of maintenance_work_mem. */
  readonly maintenanceMemory: number;
}

export class Target {
  readonly connection: PgConnection;
  #session: LoadSession;

  private constructor(connection: PgConnection, session: LoadSession) {
    this.connection = connection;
    this.#session = session;
  }

  /**
   * Connects beside the target database, because it may not exist yet.
   * @throws HoldfastError PG_UNREACHABLE, PG_LOGIN, TARGET_NO_MAINTENANCE
   */
  static async open(connection: PgConnection): Promise<Target> {
    return new Target(connection, await openBeside(connection));
  }

  get database(): string {
    return this.connection.database;
  }

  async facts(): Promise<TargetFacts> {
    const [row] = await this.#session.query<FactsRow>(FACTS);
    if (row === undefined) throw new Error('the target server told nothing about itself');
    return {
      version: row.version,
      user: row.user,
      isSuperuser: row.superuser,
      mayCreateDatabase: row.superuser || row.createdb,
      mayCreateRoles: row.superuser || row.createrole,
      roles: new Set(row.roles),
      memberOf: new Set(row.member_of),
      extensions: new Set(row.extensions),
      tablespaces: new Set(row.tablespaces),
      settings: new Set(row.settings),
      freeConnections: row.free,
      maintenanceMemory: row.maintenance_kb * 1024,
    };
  }

  async exists(): Promise<boolean> {
    const sql = 'SELECT 1 AS one FROM pg_catalog.pg_database WHERE datname = $1';
    return (await this.#session.query(sql, [this.database])).length > 0;
  }

  /** What an existing database holds, as phrases; empty when it is as good as new. */
  async holds(): Promise<readonly string[]> {
    const session = await LoadSession.open(this.connection);
    try {
      const [row] = await session.query<Record<string, number>>(HOLDS);
      return Object.entries(row ?? {}).flatMap(([what, count]) => (count > 0 ? [`${count} ${what}`] : []));
    } finally {
      await session.close();
    }
  }

  /**
   * Creates the database as the source has it.
   * @returns what differs from the source
   * @throws HoldfastError TARGET_CREATE, TARGET_OCCUPIED when someone else made it meanwhile
   */
  async create(locale: SourceLocale): Promise<readonly string[]> {
    let failure: unknown;
    for (const { sql, note } of localeClauses(locale)) {
      try {
        const name = quoteName(this.database);
        await this.#session.query(`CREATE DATABASE ${name} TEMPLATE template0 ${sql}`);
        return note === undefined ? [] : [note];
      } catch (error) {
        if (sqlState(error) === '42P04') throw targetOccupied(this.database, ['a database made meanwhile']);
        failure ??= error;
        // Wrong object type: a locale name that this server does not know; 22023: one that the encoding does not fit.
        if (!['42809', '22023', '0A000'].includes(sqlState(error) ?? '')) break;
      }
    }
    throw cannotCreate(this.database, failure);
  }

  /** Asks beside the database. */
  async query<Row extends QueryResultRow>(sql: string, values: unknown[] = []): Promise<readonly Row[]> {
    return this.#again((session) => session.query<Row>(sql, values));
  }

  /** Sessions in the database beside this one; the server's own helpers do not count. */
  async sessions(): Promise<number> {
    const [row] = await this.query<{ n: number }>(SESSIONS, [this.database]);
    return row?.n ?? 0;
  }

  /** Runs a statement beside the database, e.g. of the globals. */
  async run(sql: Buffer): Promise<void> {
    await this.#again((session) => session.run(sql));
  }

  /** Ends sessions and what runs in them; those that are gone already are no error. */
  async terminate(pids: readonly number[]): Promise<void> {
    const sql = 'SELECT pg_catalog.pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid';
    await this.#again((session) => session.query(sql, [pids]));
  }

  /** Drops the database with whoever is connected to it; called only for one that `create` made. */
  async drop(): Promise<void> {
    const others = `SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
      WHERE datname = ${quoteLiteral(this.database)} AND pid <> pg_catalog.pg_backend_pid()`;
    await this.#again((session) => session.query(others));
    for (let tries = 0; ; tries += 1) {
      try {
        await this.#session.query(`DROP DATABASE IF EXISTS ${quoteName(this.database)}`);
        return;
      } catch (error) {
        // 55006: a session that was just ended is still there for a moment.
        if (sqlState(error) !== '55006' || tries > 100) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  async close(): Promise<void> {
    await this.#session.close();
  }

  /** This session is idle for as long as the restore runs: it may be lost by then, and is opened again once. */
  async #again<Result>(work: (session: LoadSession) => Promise<Result>): Promise<Result> {
    try {
      return await work(this.#session);
    } catch (error) {
      if (!isConnectionLoss(error)) throw error;
      await this.#session.close();
      this.#session = await openBeside(this.connection);
      return work(this.#session);
    }
  }
}

async function openBeside(connection: PgConnection): Promise<LoadSession> {
  let first: unknown;
  for (const name of ['postgres', 'template1', connection.database]) {
    try {
      return await LoadSession.open(connection.withDatabase(name));
    } catch (error) {
      if (isHoldfastError(error, 'PG_UNREACHABLE') || isHoldfastError(error, 'PG_LOGIN')) throw error;
      first ??= error;
    }
  }
  throw noMaintenance(connection.display, first);
}

interface FactsRow {
  readonly version: number;
  readonly user: string;
  readonly superuser: boolean;
  readonly createdb: boolean;
  readonly createrole: boolean;
  readonly roles: string[];
  readonly member_of: string[];
  readonly extensions: string[];
  readonly tablespaces: string[];
  readonly settings: string[];
  readonly free: number;
  readonly maintenance_kb: number;
}

/** The cast to text is for the arrays of type name, which the driver does not parse. */
const FACTS = `
  SELECT current_setting('server_version_num')::int AS version, current_user::text AS "user",
    r.rolsuper AS superuser, r.rolcreatedb AS createdb, r.rolcreaterole AS createrole,
    ARRAY(SELECT rolname::text FROM pg_catalog.pg_roles) AS roles,
    ARRAY(SELECT rolname::text FROM pg_catalog.pg_roles WHERE pg_has_role(current_user, oid, 'MEMBER')) AS member_of,
    ARRAY(SELECT name::text FROM pg_catalog.pg_available_extensions) AS extensions,
    ARRAY(SELECT spcname::text FROM pg_catalog.pg_tablespace) AS tablespaces,
    ARRAY(SELECT name FROM pg_catalog.pg_settings) AS settings,
    (SELECT setting::int FROM pg_catalog.pg_settings WHERE name = 'maintenance_work_mem') AS maintenance_kb,
    LEAST(
      current_setting('max_connections')::int
        - CASE WHEN r.rolsuper THEN 0 ELSE current_setting('superuser_reserved_connections')::int END
        - (SELECT count(*)::int FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend'),
      CASE WHEN r.rolconnlimit < 0 OR r.rolsuper THEN 1000000 ELSE r.rolconnlimit
        - (SELECT count(*)::int FROM pg_catalog.pg_stat_activity WHERE usename = current_user) END) AS free
  FROM pg_catalog.pg_roles r WHERE r.rolname = current_user`;

/** Others' kinds are not shown to everybody, but helpers of the server have no user. */
const SESSIONS = `SELECT count(*)::int AS n FROM pg_catalog.pg_stat_activity
  WHERE datname = $1 AND pid <> pg_catalog.pg_backend_pid() AND usesysid IS NOT NULL
    AND backend_type IS DISTINCT FROM 'autovacuum worker'`;

/** Objects that initdb makes have numbers below 16384 (FirstNormalObjectId). */
const USERS = `oid >= 16384`;
const OUTSIDE = `NOT IN (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname ~ '^pg_' OR nspname = 'information_schema')`;
const HOLDS = `SELECT
  (SELECT count(*)::int FROM pg_catalog.pg_namespace WHERE ${USERS} AND nspname !~ '^pg_' AND nspname <> 'public') AS "schemas",
  (SELECT count(*)::int FROM pg_catalog.pg_class WHERE ${USERS} AND relkind IN ('r', 'p', 'f') AND relnamespace ${OUTSIDE}) AS "tables",
  (SELECT count(*)::int FROM pg_catalog.pg_class WHERE ${USERS} AND relkind IN ('v', 'm') AND relnamespace ${OUTSIDE}) AS "views",
  (SELECT count(*)::int FROM pg_catalog.pg_class WHERE ${USERS} AND relkind = 'S' AND relnamespace ${OUTSIDE}) AS "sequences",
  (SELECT count(*)::int FROM pg_catalog.pg_proc WHERE ${USERS} AND pronamespace ${OUTSIDE}) AS "functions",
  (SELECT count(*)::int FROM pg_catalog.pg_type WHERE pg_type.oid >= 16384 AND typcategory <> 'A' AND typnamespace ${OUTSIDE}
    AND (typrelid = 0 OR EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = typrelid AND c.relkind = 'c'))) AS "types",
  (SELECT count(*)::int FROM pg_catalog.pg_operator WHERE ${USERS} AND oprnamespace ${OUTSIDE}) AS "operators",
  (SELECT count(*)::int FROM pg_catalog.pg_collation WHERE ${USERS} AND collnamespace ${OUTSIDE}) AS "collations",
  (SELECT count(*)::int FROM pg_catalog.pg_ts_config WHERE ${USERS} AND cfgnamespace ${OUTSIDE}) AS "text search configurations",
  (SELECT count(*)::int FROM pg_catalog.pg_cast WHERE ${USERS}) AS "casts",
  (SELECT count(*)::int FROM pg_catalog.pg_extension WHERE extname <> 'plpgsql') AS "extensions",
  (SELECT count(*)::int FROM pg_catalog.pg_largeobject_metadata) AS "large objects",
  (SELECT count(*)::int FROM pg_catalog.pg_event_trigger) AS "event triggers",
  (SELECT count(*)::int FROM pg_catalog.pg_foreign_server) AS "foreign servers",
  (SELECT count(*)::int FROM pg_catalog.pg_publication) AS "publications",
  (SELECT count(*)::int FROM pg_catalog.pg_default_acl) AS "default privileges"`;
