/**
 * The scratch port: where a snapshot is restored for real, only to be looked at and thrown away.
 *
 * What is restored there is personal data in the clear. So it lies where nobody else may read, and it goes whatever
 * happens to this program.
 */

/** Where scratch databases are made, one after another. */
export interface ScratchSpace extends AsyncDisposable {
  /** For people, without credentials: `PostgreSQL 15.20, a server of its own`. */
  readonly name: string;
  /** It is thrown away as a whole: what a dump needs outside of its database (roles) may be made there. */
  readonly isOwn: boolean;
  /** Makes room for one database. */
  open(signal: AbortSignal): Promise<Scratch>;
}

/** Room for one database, which is not there yet; disposing it removes what was loaded. */
export interface Scratch extends AsyncDisposable {
  /** What a loader of the engine loads into: a URL with its secret, or the path of a file. */
  readonly target: string;
}
