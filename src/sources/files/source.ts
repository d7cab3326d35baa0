/** A folder of files as a source: an archive that `tar x` reads, and a list of what is in it. */
import { release, type } from 'node:os';
import { resolve } from 'node:path';
import { isHoldfastError, throwIfCancelled } from '../../errors.ts';
import { TOOL } from '../../version.ts';
import type { Dump, DumpStream, Source, SourceInfo } from '../source.ts';
import { writeArchive } from './archive.ts';
import { codeOf, fstat, lstat, readdir } from './calls.ts';
import { notAFolder, rootMissing, unreadable } from './errors.ts';
import { ARCHIVE_NAME, formatLine, LIST_NAME, LIST_SCHEMA, LIST_TABLE } from '../../rows/files/list.ts';
import { display, ROOT, type ByteName } from '../../rows/files/names.ts';
import { OpenFolders, type OpenFolder } from './open-folder.ts';
import { readOwners } from './owners.ts';
import { compilePatterns } from './patterns.ts';
import { Spool } from './spool.ts';
import { identityOf, walk } from './walk.ts';
import { findTool, readAttributes } from './xattr.ts';

export interface FilesSourceOptions {
  /** The folder whose content is backed up. */
  readonly root: string;
  /** Patterns of what is left out; patterns.ts says how they are written. */
  readonly exclude: readonly string[];
  /** Folders that a backup must not contain although they lie below the root: the store, the state. */
  readonly never: readonly string[];
  /** A private folder for the list while the archive is made; made (0700) when absent. */
  readonly scratch: string;
  /** Told after the archive was read: what changed meanwhile, what was left out. */
  readonly onWarning: (text: string) => void;
}

/**
 * A folder of files.
 *
 * The dump's streams are `archive` (dialect `tar`), and `files` (dialect `json-lines`, section globals, because it is
 * no part of the archive): one line for each entry of the archive, in its order.
 */
export function filesSource(options: FilesSourceOptions): Source {
  const given = { ...options, root: resolve(options.root) };
  return {
    kind: 'files',
    probe: (signal) => probe(given, signal),
    schema: () => Promise.resolve(LIST_SCHEMA),
    dump: (signal) => dump(given, signal),
  };
}

async function probe({ root, exclude }: FilesSourceOptions, signal: AbortSignal): Promise<SourceInfo> {
  throwIfCancelled(signal);
  compilePatterns(exclude);
  await using folders = new OpenFolders();
  const names = await namesIn(await openRoot(folders, root));
  const hasTool = (await findTool('getfattr')) !== undefined;
  return {
    kind: 'files',
    database: root,
    serverVersion: `${type()} ${release()}`,
    toolVersion: TOOL,
    warnings: [
      ...(names.length > 0
        ? []
        : [`${root} is empty; if it is on a volume of its own, that may not be mounted`]),
      ...(hasTool
        ? []
        : ['access lists and extended attributes are left out: install the package attr (getfattr)']),
    ],
    facts: { exclude, attributes: hasTool },
  };
}

async function openRoot(folders: OpenFolders, root: string): Promise<OpenFolder> {
  try {
    return await folders.root(Buffer.from(root));
  } catch (error) {
    throw codeOf(error) === 'ENOTDIR' ? notAFolder(root) : rootMissing(root, error);
  }
}

async function namesIn(root: OpenFolder): Promise<readonly Buffer[]> {
  try {
    return await readdir(root.here);
  } catch (error) {
    throw unreadable(ROOT, error);
  }
}

async function dump(options: FilesSourceOptions, signal: AbortSignal): Promise<Dump> {
  throwIfCancelled(signal);
  await using stack = new AsyncDisposableStack();
  const folders = stack.use(new OpenFolders());
  const root = await openRoot(folders, options.root);
  const spool = stack.use(await Spool.open(options.scratch));
  const resources = stack.move();
  return {
    schema: LIST_SCHEMA,
    // One archive is one stream, and what would be read at the same time is read ahead within it.
    lanes: [lane({ ...options, folders, top: root, spool }, signal)],
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

interface LaneOptions extends FilesSourceOptions {
  readonly folders: OpenFolders;
  readonly top: OpenFolder;
  readonly spool: Spool;
}

// eslint-disable-next-line @typescript-eslint/require-await -- as the port has it
async function* lane(options: LaneOptions, signal: AbortSignal): AsyncGenerator<DumpStream> {
  const told = { changed: new Tally(), leftOut: new Tally(), never: new Tally() };
  const whole = new WholeStream(archive(options, told, signal));
  yield { name: ARCHIVE_NAME, section: 'data', dialect: 'tar', bytes: whole.bytes };
  whole.check();
  yield {
    name: LIST_NAME,
    section: 'globals',
    dialect: 'json-lines',
    table: LIST_TABLE,
    bytes: options.spool.read(),
  };
  warn(options, told);
}

async function* archive(
  { folders, top, root, exclude, never, spool }: LaneOptions,
  told: Record<'changed' | 'leftOut' | 'never', Tally>,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const names = walk(folders, top, {
    excludes: compilePatterns(exclude),
    never: await identitiesOf(never, await fstat(top.fd)),
    onNever: (path) => told.never.add(path),
  });
  const tool = await findTool('getfattr');
  const options = {
    owners: await readOwners(),
    ...(tool !== undefined && { attributes: await readAttributes(tool, root, signal) }),
    onLeftOut: (path: ByteName) => told.leftOut.add(path),
    onEntry: (listed: Parameters<typeof formatLine>[0]) => {
      if (listed.changed) told.changed.add(listed.path);
      return spool.add(formatLine(listed));
    },
  };
  yield* writeArchive(names, options, signal);
}

/** The root itself is never among them: whoever backs up a whole state folder has said so. */
async function identitiesOf(
  paths: readonly string[],
  root: Parameters<typeof identityOf>[0],
): Promise<ReadonlySet<string>> {
  const stats = await Promise.all(paths.map((path) => lstat(Buffer.from(path)).catch(() => undefined)));
  const identities = new Set(stats.flatMap((stat) => (stat ? [identityOf(stat)] : [])));
  identities.delete(identityOf(root));
  return identities;
}

/** How many there were, and the first ones by name. */
class Tally {
  count = 0;
  readonly #names: string[] = [];

  add(path: ByteName): void {
    this.count++;
    if (this.#names.length < 3) this.#names.push(display(path));
  }

  get names(): string {
    return `${this.#names.join(', ')}${this.count > this.#names.length ? ', …' : ''}`;
  }
}

function warn({ onWarning }: FilesSourceOptions, told: Record<'changed' | 'leftOut' | 'never', Tally>): void {
  const { changed, leftOut, never } = told;
  const files = (count: number): string => (count === 1 ? '1 file' : `${count} files`);
  if (changed.count > 0)
    onWarning(
      `${files(changed.count)} changed while being read, and may be of no single moment: ${changed.names}`,
    );
  if (leftOut.count > 0)
    onWarning(`${leftOut.count} left out that are sockets and the like: ${leftOut.names}`);
  if (never.count > 0) onWarning(`holdfast's own folders were left out: ${never.names}`);
}

/** A stream that knows whether it was read to its end: a dump with a hole must not look whole. */
class WholeStream {
  readonly bytes: AsyncIterable<Buffer>;
  #done = false;

  constructor(bytes: AsyncIterable<Buffer>) {
    this.bytes = this.#watched(bytes);
  }

  check(): void {
    if (!this.#done) throw new Error('the archive was not read to its end');
  }

  async *#watched(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    try {
      yield* bytes;
      this.#done = true;
    } catch (error) {
      throw isHoldfastError(error) || codeOf(error) === undefined ? error : unreadable(ROOT, error);
    }
  }
}
