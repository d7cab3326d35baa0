/**
 * The names of objects in a store. `keep-NNN/` is the life of what lies below it, in days: one bucket lifecycle
 * rule for each prefix deletes it, even when this program is dead.
 */
export const FORMAT = 1;

export const STORE_HEADER = 'holdfast.json';
export const RECOVERY_FILES = ['RECOVERY.md', 'recover.sh', 'recover.sh.asc'] as const;

/** Public keys of the hosts that write here, each certified by a recipient: `writers/FINGERPRINT.asc`. */
export const WRITER_KEYS = 'writers/';

/** Stands in the place of a set for what `seal` puts; no set may be called that. See `sealed.ts`. */
export const SEALED = 'sealed';

export const SET_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;
/** `20261121T030005Z-9f3a01c4`: when the run started by the store's clock, and eight random hex digits. */
export const SNAPSHOT_ID = /^\d{8}T\d{6}Z-[0-9a-f]{8}$/;
/** A pack's place within its chain: life in days, slash, id. */
export const PACK_REF = /^((?!000)\d{3}|[1-9]\d{3})\/([0-9a-f]{16})$/;
export const KEEP_DAYS_MAX = 9999;

export function keepPrefix(days: number): string {
  return `keep-${padDays(days)}/`;
}

export function padDays(days: number): string {
  if (!Number.isInteger(days) || days < 1 || days > KEEP_DAYS_MAX)
    throw new RangeError(`a life of ${days} days`);
  return String(days).padStart(3, '0');
}

/** The number of days of a folder `keep-NNN`; undefined for any other name. */
export function daysOfPrefix(folder: string): number | undefined {
  const match = /^keep-((?!000)\d{3}|[1-9]\d{3})$/.exec(folder);
  return match ? Number(match[1]) : undefined;
}

/** Where an object of one set and chain lies. */
export interface ChainPlace {
  readonly set: string;
  readonly writer: string;
  readonly chain: number;
}

/** A chain's name in a set: writer, hyphen, number. */
export const CHAIN_NAME = /^[a-z0-9][a-z0-9_-]{0,62}-[1-9]\d{0,15}$/;

export function chainName({ writer, chain }: Pick<ChainPlace, 'writer' | 'chain'>): string {
  return `${writer}-${chain}`;
}

function chainFolder(place: ChainPlace, days: number): string {
  return `${keepPrefix(days)}${place.set}/chains/${chainName(place)}/`;
}

export function packsFolder(place: ChainPlace, days: number): string {
  return `${chainFolder(place, days)}packs/`;
}

/** The key of a pack, from its reference `NNN/ID`. */
export function packKey(place: ChainPlace, ref: string): string {
  const { days, id } = splitPackRef(ref);
  return `${packsFolder(place, days)}${id}`;
}

/** The key of an object of the subject index, from its reference `NNN/ID`. */
export function indexKey(place: ChainPlace, ref: string): string {
  const { days, id } = splitPackRef(ref);
  return `${chainFolder(place, days)}index/${id}`;
}

/** The days under which a pack lies, from its reference `NNN/ID`. */
export function daysOfPack(ref: string): number {
  return splitPackRef(ref).days;
}

function splitPackRef(ref: string): { readonly days: number; readonly id: string } {
  const match = PACK_REF.exec(ref);
  if (!match?.[1] || !match[2]) throw new Error(`malformed pack reference ${ref}`);
  return { days: Number(match[1]), id: match[2] };
}

export function packRef(days: number, id: string): string {
  return `${padDays(days)}/${id}`;
}

export function snapshotsFolder(set: string, keepDays: number): string {
  return `${keepPrefix(keepDays)}${set}/snapshots/`;
}

export function snapshotFolder(set: string, keepDays: number, snapshot: string): string {
  return `${snapshotsFolder(set, keepDays)}${snapshot}/`;
}

/** Revision 0 is what the run wrote; later ones are beside their amendments, and never replace an earlier one. */
export function manifestKey(folder: string, revision = 0): string {
  return `${folder}${revision === 0 ? 'manifest' : `manifest-${revision}`}.pgp`;
}

/** The revision of a manifest by its name within the folder; undefined for any other name. */
export function manifestRevision(name: string): number | undefined {
  const match = /^manifest(?:-([1-9]\d{0,8}))?\.pgp$/.exec(name);
  return match ? Number(match[1] ?? 0) : undefined;
}

export function amendmentKey(folder: string, revision: number): string {
  return `${folder}amend-${revision}.json`;
}

/** The revision of an amendment by its name within the folder; undefined for any other name. */
export function amendmentRevision(name: string): number | undefined {
  const match = /^amend-([1-9]\d{0,8})\.json$/.exec(name);
  return match ? Number(match[1]) : undefined;
}

/** What a key below `keep-NNN/SET/snapshots/` says; undefined for any other key. */
export function parseSnapshotKey(
  set: string,
  key: string,
): { readonly days: number; readonly snapshot: string; readonly name: string } | undefined {
  const [keep = '', owner, kind, snapshot = '', name = '', ...more] = key.split('/');
  const days = daysOfPrefix(keep);
  const fits = owner === set && kind === 'snapshots' && SNAPSHOT_ID.test(snapshot) && more.length === 0;
  return days !== undefined && fits && name !== '' ? { days, snapshot, name } : undefined;
}

export function entryKey(folder: string): string {
  return `${folder}entry.json`;
}

export function ledgerFolder(set: string): string {
  return `ledger/${set}/`;
}

/** Ledger lines are numbered from 1 without a gap; ten digits keep listings in order. */
export function ledgerKey(set: string, writer: string, seq: number): string {
  return `${ledgerFolder(set)}${writer}/${String(seq).padStart(10, '0')}.json`;
}

/** Who removes or rewrites in a set at the moment; see `lease.ts`. */
export function leasesFolder(set: string): string {
  return `leases/${set}/`;
}

/** When the run of this snapshot started, cut to whole seconds. */
export function startOfSnapshot(snapshot: string): Date {
  const [, y = '', mo = '', d = '', h = '', mi = '', s = ''] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(snapshot) ?? [];
  return new Date(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
}

/** The id of a snapshot whose run starts at this moment. */
export function newSnapshotId(time: Date, random: Uint8Array): string {
  const stamp = time.toISOString().slice(0, 19).replace(/[-:]/g, '');
  return `${stamp}Z-${Buffer.from(random).toString('hex').slice(0, 8)}`;
}
