/** Writing an archive of what a walk finds, and a line of the list for each entry. */
import { orderedMap } from '../../ordered.ts';
import { throwIfCancelled } from '../../errors.ts';
import type { Stat } from './calls.ts';
import { load, readLarge, type Loaded } from './content.ts';
import type { Entry } from '../../rows/files/entry.ts';
import { entryFrom } from './entry.ts';
import type { Listed } from '../../rows/files/list.ts';
import type { ByteName } from '../../rows/files/names.ts';
import type { Owners } from './owners.ts';
import { ARCHIVE_END, formatHeader, paddingOf, type Attributes } from '../../rows/files/tar-header.ts';
import { identityOf, type Found } from './walk.ts';

export interface ArchiveOptions {
  readonly owners: Owners;
  /** Extended attributes by path; undefined when they cannot be read on this machine. */
  readonly attributes?: ReadonlyMap<ByteName, Attributes>;
  readonly onEntry: (listed: Listed) => Promise<void> | void;
  /** Something that is no file, folder or link was left out. */
  readonly onLeftOut: (path: ByteName) => void;
}

/** Names that are loaded at the same time; small files among them are in memory. */
const AHEAD = 16;

/** The bytes of the archive. */
export async function* writeArchive(
  names: AsyncIterable<Found>,
  options: ArchiveOptions,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const firstNames = new Map<string, ByteName>();
  let offset = 0;
  for await (const { found, loaded } of orderedMap(names, AHEAD, loadFound)) {
    throwIfCancelled(signal);
    if (!loaded) {
      // A name that is gone was not there; a socket is there and cannot be kept.
      if (found.stat.isSocket()) options.onLeftOut(found.path);
      await found.folder.release();
      continue;
    }
    const entry = describe(found.path, loaded, options.owners, firstNames);
    const header = formatHeader(
      entry,
      entry.type === 'link' ? undefined : options.attributes?.get(found.path),
    );
    yield header;
    let changed = loaded.changed ?? false;
    if (entry.type === 'file' && loaded.bytes) yield loaded.bytes;
    else if (entry.type === 'file') yield* readLarge(found, loaded.stat, (is) => (changed = is));
    const padding = paddingOf(entry.size);
    if (padding > 0) yield ARCHIVE_END.subarray(0, padding);
    await found.folder.release();
    const length = header.length + entry.size + padding;
    await options.onEntry({ ...entry, offset, length, ...(changed && { changed }) });
    offset += length;
  }
  yield ARCHIVE_END;
}

async function loadFound(found: Found): Promise<{ found: Found; loaded: Loaded | undefined }> {
  return { found, loaded: await load(found) };
}

/** A further name of a file that was stored already is stored as that. */
function describe(
  path: ByteName,
  { type, stat, target }: Loaded,
  owners: Owners,
  firstNames: Map<string, ByteName>,
): Entry {
  const entry = entryFrom(path, type, stat, owners);
  if (target !== undefined) return { ...entry, target };
  const first = type === 'file' ? firstNameOf(path, stat, firstNames) : undefined;
  if (first === undefined) return entry;
  const { sparse: _sparse, ...rest } = entry;
  return { ...rest, type: 'link', size: 0, target: first };
}

function firstNameOf(path: ByteName, stat: Stat, firstNames: Map<string, ByteName>): ByteName | undefined {
  if (stat.nlink < 2n) return undefined;
  const identity = identityOf(stat);
  const first = firstNames.get(identity);
  if (first === undefined) firstNames.set(identity, path);
  return first;
}
