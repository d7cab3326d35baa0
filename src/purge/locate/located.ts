/**
 * Where the rows of subjects lie in the snapshots of a set, and what is done with each: what `locate` finds, and
 * what plan, apply, the filter of a restore, `find` and `export` go by.
 */
import type { CatalogEntry } from '../../repository/catalog.ts';
import type { ChainPlace } from '../../repository/layout.ts';
import type { Manifest, ManifestStream } from '../../repository/manifest.ts';
import type { SegmentRef } from '../../repository/pages.ts';
import type { RowCodec, Value } from '../../rows/codec.ts';
import type { ByteName } from '../../rows/files/names.ts';
import type { Schema } from '../../sources/schema.ts';
import type { ByteRange } from '../../sources/source.ts';
import type { Closure, Subject } from '../../subjects/closure.ts';
import type { SubjectMap } from '../../subjects/map.ts';
import type { UnitSet } from './unit-set.ts';

/** Segments that are edited together: one, or the run that a row longer than a segment fills. */
export interface Unit {
  readonly place: ChainPlace;
  /** In order; at least one. */
  readonly segments: readonly SegmentRef[];
  /** The same in every snapshot that shares the unit: writer, chain, pack and offset of the first segment. */
  readonly key: string;
}

/** What happens to one row: `plain[start, end)` of the unit's plaintext, the line end included. */
export interface RowEdit {
  readonly start: number;
  readonly end: number;
  /** The new values by position in the codec's columns, or nothing is left of the row. */
  readonly change: 'drop' | ReadonlyMap<number, Value>;
  /** The map keeps the row on a legal basis, or it is another's: what is not changed stays, whatever it says. */
  readonly isKept?: true;
}

export interface UnitEdit {
  readonly unit: Unit;
  /** As `TableInfo.name`. */
  readonly table: string;
  /** The unit begins its stream: the header of a COPY block is in it. */
  readonly isFirst: boolean;
  /** In the order of the rows; never empty. */
  readonly edits: readonly RowEdit[];
  /** Equal keys mean equal units with equal edits: one rewriting serves all snapshots that have it. */
  readonly key: string;
}

/** A stream with rows to edit. */
export interface LocatedStream {
  readonly stream: ManifestStream;
  /** Where its segments begin among all of the snapshot's, which is how pages count them. */
  readonly firstSegment: number;
  /** By the ordinal, within the stream, of the unit's first segment. */
  readonly units: ReadonlyMap<number, UnitEdit>;
  readonly codec: RowCodec;
}

/** A stream that is changed as a whole, not by its rows. */
export interface WholeEdit {
  /** The stream's name. */
  readonly stream: string;
  /** Nothing is left of its rows; the header and the end of a COPY block stay. */
  readonly drop?: 'rows';
  /** All of the stream that is emptied. */
  readonly segments?: readonly SegmentRef[];
  /** Text that is put behind it: what makes an index again, what removes large objects. */
  readonly append?: string;
}

/** A part of a segment's plaintext, or bytes that are new. */
export type ArchiveSlice = { readonly ref: SegmentRef; readonly from: number; readonly to: number } | Buffer;

/** Segments of an archive, one behind the other, and what takes their place. */
export interface ArchiveRun {
  /** Of the first of them within the stream. */
  readonly ordinal: number;
  readonly segments: readonly SegmentRef[];
  readonly slices: readonly ArchiveSlice[];
  /** Equal keys mean equal slices of one chain. */
  readonly key: string;
}

/** Files: an archive that loses entries, and (where a further name of one of them stays) has others changed. */
export interface ArchiveEdit {
  readonly stream: ManifestStream;
  readonly firstSegment: number;
  /** Paths of the entries that go. */
  readonly gone: ReadonlySet<ByteName>;
  /** What goes of the archive as it was, in its order: without content that another name keeps. */
  readonly ranges: readonly ByteRange[];
  /** In order. */
  readonly runs: readonly ArchiveRun[];
  /** How long it is then. */
  readonly bytes: number;
}

export interface LocatedSnapshot {
  readonly item: CatalogEntry;
  readonly manifest: Manifest;
  readonly schema: Schema;
  /** The map without what is optional and not there: the one that was really followed. */
  readonly map: SubjectMap;
  /** Of `Located.subjects`, without names that are somebody else's in this snapshot. */
  readonly subjects: readonly Subject[];
  /** By name; only those with rows to edit. */
  readonly streams: ReadonlyMap<string, LocatedStream>;
  readonly closure: Closure;
  readonly whole: readonly WholeEdit[];
  /** Files, where some go. */
  readonly archive?: ArchiveEdit;
}

export interface Located {
  /** Whom it was asked for, with everything that any of the snapshots says of them: what a suppression has to know. */
  readonly subjects: readonly Subject[];
  /** Of those that were asked for: whom no row of the root table is about, in any of the snapshots. */
  readonly strangers: readonly Subject[];
  /** All that were looked at, also those in which nobody was found; in the order in which they were given. */
  readonly snapshots: readonly LocatedSnapshot[];
  readonly opened: Opened;
  /** Units that were asked about and in which no row was found, by them or by an index. */
  readonly quiet: UnitSet;
  readonly found: Findings;
  /** The units that `found` names. */
  readonly loud: readonly Unit[];
}

/**
 * What a search has asked, and where there were answers: whoever asks the same of the same snapshots finds all rows in
 * these units, and need not look into others.
 */
export interface Findings {
  /** A hash of all questions. */
  readonly asked: string;
  /** Keys of all units in which a row was found. */
  readonly units: readonly string[];
}

/** How much had to be read to find them. */
export interface Opened {
  /** Segments with rows that were opened, each counted once. */
  readonly segments: number;
  /** Sealed bytes of them. */
  readonly bytes: number;
  /** Different segments, in all snapshots, of the tables that were asked about. */
  readonly all: number;
}
