/** What a kind of database must offer so that the contract of engines can run over it. */

/** A database in use, and what its own tools say about it. It is small, and more than one segment long. */
export interface Engine {
  /** `--source …` of init. */
  readonly source: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What may be in no argument and no output, in every way in which it could be written. */
  readonly secrets: readonly string[];
  /** Itself, as `count` takes it. */
  readonly live: string;
  /** Everything in it, comparable, in the engine's own view. */
  content(): Promise<unknown>;
  /** The same of what was restored to `to`. */
  contentOf(to: string): Promise<unknown>;
  /** The same after the engine's own client, and nothing else, has loaded what `cat` printed. */
  contentOfScript(script: Buffer): Promise<unknown>;
  /** A day of business: something comes, nothing of before changes. */
  change(): Promise<void>;
  /** For `--to`: something that is not there, or is empty. */
  newTarget(): Promise<string>;
  /** A place that a restore can be sent to without a secret in its arguments. */
  quietTarget(): Promise<{
    readonly args: readonly string[];
    readonly env: Readonly<Record<string, string>>;
  }>;
  /** For `--to`: something that holds what is somebody else's. */
  occupiedTarget(): Promise<string>;
  /** Whether a restore has made something of `to`. */
  exists(to: string): Promise<boolean>;
  /** Two parts that hold something, and how the first of them alone is asked of `restore`. */
  readonly parts: { readonly chosen: string; readonly other: string; readonly args: readonly string[] };
  /** How much there is of a part. */
  count(where: string, part: string): Promise<number>;
  /** Somebody who is in it, for purges. */
  readonly person: Person;
  /** From now on its dumps die half-way. Returns what the next run needs in its environment. */
  breakDumps(): Promise<Readonly<Record<string, string>>>;
}

/** Somebody whose data lie in several places. */
export interface Person {
  /** The subject map. */
  readonly map: string;
  /** For `--subject`. */
  readonly name: string;
  /** Text that is in every piece of their data and in nobody else's. */
  readonly mark: string;
  /** Erases them from the live database by the engine's own means. */
  erase(): Promise<void>;
}

/** What is the same in every moment of a bank in which money only moves. */
export interface Books {
  /** Of both halves together; always the same. */
  readonly total: number;
  /** What one half holds. */
  readonly half: number;
  /** What that half should hold, as the journal has it. */
  readonly journal: number;
  /** How many transfers there have been. */
  readonly transfers: number;
}

/** A database whose application does not stop. */
export interface Bank extends Pick<Engine, 'source' | 'env' | 'newTarget'> {
  /** Moves money between the halves until `stop`. */
  startWriters(): { stop(): Promise<void> };
  booksOf(to: string): Promise<Books>;
}

/** What every engine promises. */
export type EnginePromise =
  | 'equal'
  | 'shares'
  | 'moment'
  | 'cat'
  | 'occupied'
  | 'half-way'
  | 'parts'
  | 'purge'
  | 'damage'
  | 'recover'
  | 'secrets'
  | 'death'
  | 'empty';

/** A promise that an engine does not give. */
export interface Exception {
  /** Why, and what happens instead: a sentence. */
  readonly because: string;
  /** Shows that it is so. */
  readonly shown: () => Promise<void>;
}

export interface EngineSubject {
  /** A database with persons, orders, and what `person` needs. */
  open(): Promise<Engine>;
  /** One with nothing in it. */
  openEmpty(): Promise<Pick<Engine, 'source' | 'env' | 'content' | 'contentOf' | 'newTarget'>>;
  openBank(): Promise<Bank>;
  readonly cannot: Partial<Record<EnginePromise, Exception>>;
}
