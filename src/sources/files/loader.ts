/** Restoring files into a new folder: everything, or what lies at some paths. */
import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { throwIfCancelled } from '../../errors.ts';
import type { ByteRange, DumpReader, Loader, LoadOptions, LoadReport, Preflight } from '../source.ts';
import type { Ownership } from './attributes-of-file.ts';
import { ByteFlow } from '../../rows/files/byte-flow.ts';
import { SMALL_BYTES_MAX } from './content.ts';
import { listDiffers } from '../../rows/files/errors.ts';
import { notAFile, pathUnknown, restoreImpossible, targetTaken } from './errors.ts';
import { Extractor } from './extract.ts';
import { LIST_NAME, parseLines, streamsOf, type Listed } from '../../rows/files/list.ts';
import { display, type ByteName } from '../../rows/files/names.ts';
import { OpenFolders } from './open-folder.ts';
import { readOwnerIds } from './owners.ts';
import { pathFromText, selectPaths, type Chosen } from './selection.ts';
import { checkAgainst, readHeader, takePadding } from '../../rows/files/tar-reader.ts';
import { draftFolder, inspectTarget } from './target.ts';

export interface FilesLoaderOptions {
  /** Where the folder will be: nothing, or an empty folder. */
  readonly path: string;
}

/** A loader for dumps of `filesSource`. `jobs` and `globals` mean nothing here. */
export function filesLoader(options: FilesLoaderOptions): Loader {
  const path = resolve(options.path);
  return {
    preflight: (dump, loadOptions, signal) => preflight(path, dump, loadOptions, signal),
    load: (dump, loadOptions, signal) => load(path, dump, loadOptions, signal),
  };
}

async function preflight(
  path: string,
  dump: DumpReader,
  options: LoadOptions,
  signal: AbortSignal,
): Promise<Preflight> {
  const state = await inspectTarget(path);
  const { chosen, missing } = await choose(dump, options, signal);
  const needed = chosen
    ? chosen.reduce((sum, { listed }) => sum + listed.size, 0)
    : streamsOf(dump.streams).archive.bytes;
  return {
    target: `folder ${path}`,
    exists: state.exists,
    occupied: state.occupied !== undefined,
    problems: [
      ...(state.problem === undefined ? [] : [state.problem]),
      ...(options.tables === undefined ? [] : ['A snapshot of files has no tables: use --path.']),
      ...missing.map((name) => `There is no ${name} in this snapshot: correct --path.`),
    ],
    warnings: [
      ...(state.occupied === undefined ? [] : [`${path} ${state.occupied}`]),
      ...(await spaceWarnings(path, needed)),
      ...(mayChown() || options.noOwner
        ? []
        : ['only root can give files to their owners: they become yours, without set-user-id']),
    ],
  };
}

/** What paths mean; all when there are none. */
async function choose(
  dump: DumpReader,
  { paths }: LoadOptions,
  signal: AbortSignal,
): Promise<{ readonly chosen?: readonly Chosen[]; readonly missing: readonly string[] }> {
  if (paths === undefined) return { missing: [] };
  return selectPaths(paths, () => listOf(dump, signal));
}

function listOf(dump: DumpReader, signal: AbortSignal): AsyncGenerator<Listed> {
  return parseLines(dump.read(streamsOf(dump.streams).list, signal));
}

async function spaceWarnings(path: string, needed: number): Promise<string[]> {
  const space = await statfs(dirname(path)).catch(() => undefined);
  if (!space || space.bavail * space.bsize >= needed) return [];
  return [`${dirname(path)} has less free space than the files are long`];
}

function mayChown(): boolean {
  return process.geteuid?.() === 0;
}

async function load(
  path: string,
  dump: DumpReader,
  options: LoadOptions,
  signal: AbortSignal,
): Promise<LoadReport> {
  const state = await inspectTarget(path);
  if (state.occupied !== undefined) throw targetTaken(path, state.occupied);
  const { problems } = await preflight(path, dump, options, signal);
  if (problems[0] !== undefined) throw restoreImpossible(problems[0]);
  throwIfCancelled(signal);
  const draft = await draftFolder(path, state);
  try {
    const report = await fill(draft.path, dump, options, signal);
    throwIfCancelled(signal);
    await draft.place();
    return { target: path, ...report };
  } finally {
    await draft.discard();
  }
}

async function fill(
  rootPath: string,
  dump: DumpReader,
  options: LoadOptions,
  signal: AbortSignal,
): Promise<Omit<LoadReport, 'target'>> {
  const leftOut: ByteName[] = [];
  await using folders = new OpenFolders();
  const root = await folders.root(Buffer.from(rootPath));
  const ownership: Ownership = mayChown() && !options.noOwner ? await readOwnerIds() : undefined;
  const onLeftOut = ({ path }: Listed): void => void leftOut.push(path);
  const notes: string[] = [];
  const onNote = (text: string): void => void notes.push(text);
  const extractor = new Extractor({ folders, root, rootPath, ownership, onLeftOut, onNote }, signal);
  try {
    await extractAll(dump, options, extractor, signal);
    await extractor.finish();
  } finally {
    await extractor.abandon();
  }
  const names = leftOut.map(display).join(', ');
  return {
    rows: { [LIST_NAME]: extractor.count + leftOut.length },
    leftOut: [
      ...(leftOut.length === 0 ? [] : [`left out, as devices: ${names}; make them with mknod`]),
      ...notes,
    ],
  };
}

async function extractAll(
  dump: DumpReader,
  options: LoadOptions,
  extractor: Extractor,
  signal: AbortSignal,
): Promise<void> {
  const { archive } = streamsOf(dump.streams);
  const { chosen } = await choose(dump, options, signal);
  const ranges = chosen?.map(({ listed }) => listed);
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const piece of dump.read(archive, signal, ranges)) {
      options.onProgress(piece.length, archive.name);
      yield piece;
    }
  };
  await using flow = new ByteFlow(counted());
  const originals = new Originals(dump, signal);
  for await (const item of chosen ?? all(dump, signal)) {
    const header = await readHeader(flow);
    checkAgainst(item.listed, header);
    const { listed, content } = await originals.resolve(item, flow);
    await extractor.add(listed, content, header?.attributes);
    await originals.settle(flow, item);
  }
  if ((await readHeader(flow)) !== undefined)
    throw listDiffers(`byte ${flow.position}`, 'the archive holds more than its list says');
}

async function* all(dump: DumpReader, signal: AbortSignal): AsyncGenerator<Chosen> {
  for await (const listed of listOf(dump, signal)) yield { listed };
}

/** Files that were not chosen, but of which a further name was: that name becomes the file. */
class Originals {
  readonly #dump: DumpReader;
  readonly #signal: AbortSignal;
  readonly #restored = new Map<ByteName, ByteName>();
  #flow: ByteFlow | undefined;

  constructor(dump: DumpReader, signal: AbortSignal) {
    this.#dump = dump;
    this.#signal = signal;
  }

  /** What to restore for an entry, and its content. */
  async resolve(
    { listed, original }: Chosen,
    flow: ByteFlow,
  ): Promise<{ listed: Listed; content: Buffer | AsyncIterable<Buffer> }> {
    if (!original) return { listed, content: await contentOf(listed, flow) };
    const name = this.#restored.get(original.path);
    if (name !== undefined) return { listed: { ...listed, target: name }, content: NOTHING };
    this.#restored.set(original.path, listed.path);
    this.#flow = await openEntry(this.#dump, original, this.#signal);
    return { listed: { ...original, path: listed.path }, content: await contentOf(original, this.#flow) };
  }

  /** Behind the content. */
  async settle(flow: ByteFlow, { listed, original }: Chosen): Promise<void> {
    await takePadding(flow, listed.size, display(listed.path));
    if (!this.#flow || !original) return;
    await this.#flow[Symbol.asyncDispose]();
    this.#flow = undefined;
  }
}

const NOTHING = Buffer.alloc(0);

/** Small contents whole, so that several can be written at the same time. */
async function contentOf({ size }: Listed, flow: ByteFlow): Promise<Buffer | AsyncIterable<Buffer>> {
  return size <= SMALL_BYTES_MAX ? await flow.take(size) : flow.pieces(size);
}

/** A flow that stands at the content of an entry. */
async function openEntry(dump: DumpReader, listed: Listed, signal: AbortSignal): Promise<ByteFlow> {
  const { archive } = streamsOf(dump.streams);
  const range: ByteRange = { offset: listed.offset, length: listed.length };
  const flow = new ByteFlow(dump.read(archive, signal, [range]));
  checkAgainst(listed, await readHeader(flow));
  return flow;
}

/**
 * The content of one file of a stored dump.
 * @throws HoldfastError FILES_PATH_UNKNOWN, FILES_NOT_A_FILE, FILES_ARCHIVE_REFUSED
 */
export async function* readStoredFile(
  dump: DumpReader,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const { chosen } = await selectPaths([path], () => listOf(dump, signal));
  const found = chosen.find(({ listed }) => listed.path === pathFromText(path));
  if (!found) throw pathUnknown(path);
  const target = found.original ?? found.listed;
  if (target.type !== 'file') throw notAFile(path, target.type === 'symlink' ? 'symbolic link' : target.type);
  await using flow = await openEntry(dump, target, signal);
  yield* flow.pieces(target.size);
}
