/** One session on the target: statements as bytes, settings, COPY. Nothing here goes through psql. */
import { pipeline } from 'node:stream/promises';
import type { Client, Connection, QueryResultRow } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { PgConnection } from './connection.ts';
import type { LoadPlace } from './load-errors.ts';

/** A SET statement of the dump. */
export interface Setting {
  readonly sql: Buffer;
  readonly place: LoadPlace;
}

/**
 * The session variables that a statement of the dump expects, by variable in lower case; `session authorization` is
 * among them.
 */
export type Settings = ReadonlyMap<string, Setting>;

export class LoadSession {
  readonly #client: Client;
  #settings: Settings = new Map();
  /** The server's process, for pg_terminate_backend. */
  readonly pid: number;

  private constructor(client: Client, pid: number) {
    this.#client = client;
    this.pid = pid;
  }

  /**
   * @param tuning - SET statements that stay for the life of the session
   * @throws HoldfastError of PgConnection.client
   */
  static async open(connection: PgConnection, tuning: readonly string[] = []): Promise<LoadSession> {
    const client = await connection.client();
    try {
      const { rows } = await client.query<{ pid: number }>(PATIENCE);
      for (const statement of tuning) await client.query(statement);
      return new LoadSession(client, rows[0]?.pid ?? 0);
    } catch (error) {
      await client.end();
      throw error;
    }
  }

  /** Runs a statement, or several in one round trip, byte for byte; rows that come back are dropped. */
  async run(sql: Buffer): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const settle = (error?: Error) => {
        if (error === undefined) resolve();
        else reject(error);
      };
      this.#client.query(new RawStatement(sql, settle));
    });
  }

  async query<Row extends QueryResultRow>(sql: string, values: unknown[] = []): Promise<readonly Row[]> {
    return (await this.#client.query<Row>(sql, values)).rows;
  }

  /** What to run, in order, so that exactly these settings hold; call `using` when it has run. */
  toUse(settings: Settings): readonly Setting[] {
    if (settings === this.#settings) return [];
    const obsolete = [...this.#settings].filter(([variable]) => !settings.has(variable));
    const changed = [...settings].filter(
      ([variable, { sql }]) => this.#settings.get(variable)?.sql.equals(sql) !== true,
    );
    return [
      ...obsolete.map(([variable, { place }]) => ({ sql: Buffer.from(`RESET ${variable};`), place })),
      ...changed.map(([, setting]) => setting),
    ];
  }

  /** Says that these settings hold from now on. */
  using(settings: Settings): void {
    this.#settings = settings;
  }

  /**
   * `COPY … FROM STDIN`: sends the bytes as they come, waits when the server is slow.
   * @returns the number of rows that the server took
   */
  async copy(sql: string, rows: AsyncIterable<Buffer>, signal: AbortSignal): Promise<number> {
    const stream = this.#client.query(copyFrom(sql));
    await pipeline(rows, stream, { signal });
    return stream.rowCount;
  }

  /** Waits until everything that was committed without waiting, by all sessions, is on the server's disk. */
  async makeDurable(): Promise<void> {
    await this.#client.query('SET synchronous_commit = on');
    // Any record that is written to the log and waited for: the log is flushed up to it.
    await this.#client.query(`SELECT pg_catalog.pg_logical_emit_message(true, 'holdfast', 'restored')`);
  }

  /** Says goodbye; cuts the connection when a statement still runs. Never throws. */
  async close(): Promise<void> {
    await this.#client.end().catch(() => undefined);
  }
}

/** Timeouts of the server or role would end sessions that wait, and statements that are long. */
const PATIENCE = `
  SELECT pg_catalog.pg_backend_pid() AS pid,
    (SELECT count(pg_catalog.set_config(name, '0', false)) FROM pg_catalog.pg_settings WHERE name IN ('statement_timeout',
      'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout')) AS patient`;

/** The driver takes SQL only as text; the statements of a dump are bytes, which need not be UTF-8. */
class RawStatement {
  readonly #sql: Buffer;
  readonly #settle: (error?: Error) => void;

  constructor(sql: Buffer, settle: (error?: Error) => void) {
    this.#sql = sql;
    this.#settle = settle;
  }

  /** Message `Query` of the frontend/backend protocol: 'Q', length with itself, text, zero. */
  submit(connection: Connection): void {
    const frame = Buffer.allocUnsafe(this.#sql.length + 6);
    frame.write('Q', 0, 'latin1');
    frame.writeUInt32BE(this.#sql.length + 5, 1);
    this.#sql.copy(frame, 5);
    frame[frame.length - 1] = 0;
    connection.stream.write(frame);
  }

  handleError(error: Error): void {
    this.#settle(error);
  }

  handleReadyForQuery(): void {
    this.#settle();
  }

  /** The splitter lets no COPY through; should one come from elsewhere, it must not wait for rows for ever. */
  handleCopyInResponse(connection: Connection & { sendCopyFail(reason: string): void }): void {
    connection.sendCopyFail('COPY has no place here');
  }

  handleRowDescription(): void {
    // Rows of a dump's SELECT (setval, lo_open, set_config) say nothing.
  }

  handleDataRow(): void {
    // As above.
  }

  handleCommandComplete(): void {
    // The end is ReadyForQuery.
  }

  handleEmptyQuery(): void {
    // As above.
  }

  handleCopyData(): void {
    // COPY TO STDOUT: dropped.
  }

  handlePortalSuspended(): void {
    // Only in the extended protocol.
  }
}
