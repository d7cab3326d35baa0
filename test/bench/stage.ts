/** A database as it grows from day to day, and the repositories that back it up. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import type { Dataset } from './dataset.ts';
import { createDataset, nextDay, rowsOn } from './dataset.ts';
import { measure } from './measure.ts';
import type { Contestant, Place, Repository } from './peers/contestant.ts';
import { pipeline } from './peers/contestant.ts';
import type { Server } from './postgres.ts';
import type { Environment } from './processes.ts';

export interface StageOptions {
  readonly server: Server;
  readonly dataset: Dataset;
  /** An existing folder. */
  readonly folder: string;
  readonly env: Environment;
  readonly signal: AbortSignal;
}

/** What a repository holds last. */
export interface Backup {
  readonly label: string;
  /** The day of the database that is in it. */
  readonly day: number;
}

/** One repository, and where it is. */
export interface Stand {
  readonly contestant: Contestant;
  readonly place: Place;
  readonly repository: Repository;
  /** Undefined while it is empty. */
  newest: Backup | undefined;
}

/** One database, from its first day on, with one stand for each contestant and round. */
export class Stage {
  readonly options: StageOptions;
  readonly #stands = new Map<string, Stand>();
  #day = 0;

  constructor(options: StageOptions) {
    this.options = options;
  }

  /** 0 before the database exists. */
  get day(): number {
    return this.#day;
  }

  /** Creates the database, or lets it grow, until it is this day; a later day stays as it is. */
  async reach(day: number): Promise<void> {
    const { server, dataset } = this.options;
    while (this.#day < day) {
      if (this.#day === 0) await createDataset(server, dataset);
      else await nextDay(server, dataset, this.#day + 1);
      this.#day += 1;
    }
  }

  /** The stand of a contestant in a round; its repository is created at the first call. */
  async stand(contestant: Contestant, round: number): Promise<Stand> {
    const key = `${contestant.name}-${round}`;
    const known = this.#stands.get(key);
    if (known !== undefined) return known;
    const place = await this.#place(key);
    const stand: Stand = { contestant, place, repository: await contestant.open(place), newest: undefined };
    this.#stands.set(key, stand);
    return stand;
  }

  /** The same, with at least one backup in it: made now, and not counted, when no part has made one. */
  async filledStand(contestant: Contestant, round: number): Promise<Stand> {
    await this.reach(1);
    const stand = await this.stand(contestant, round);
    if (stand.newest === undefined) {
      const newest = { label: `day${this.#day}`, day: this.#day };
      await measure(stand.repository.backup(newest.label), this.options.signal);
      stand.newest = newest;
    }
    return stand;
  }

  /** The database in one line: rows and size of its dump. Empty when no part needed it. */
  async describe(): Promise<string> {
    const { server, dataset, signal } = this.options;
    if (this.#day === 0) return '';
    const place = await this.#place('describe');
    const { output } = await measure({ ...pipeline(place, 'dump-size', {}), output: 'keep' }, signal);
    const rows = Object.values(rowsOn(dataset.scale, this.#day)).reduce((sum, count) => sum + count, 0);
    const version = await server.sql(dataset.database, { text: 'SHOW server_version' });
    return `PostgreSQL ${version}, ${(rows / 1e6).toFixed(2)} million rows, ${(Number(output) / 1e6).toFixed(0)} MB as a dump`;
  }

  /** Ends what contestants left running. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#stands.values()].map(async (stand) => stand.repository.close?.()));
  }

  async #place(key: string): Promise<Place> {
    const { server, dataset, env, signal } = this.options;
    const folder = join(this.options.folder, key);
    await mkdir(folder);
    return {
      folder,
      env: { ...env, HOME: folder },
      databaseUrl: server.url(dataset.database),
      urlOf: (database) => server.url(database),
      signal,
    };
  }
}
