/** A restore into a file from which a server starts: `--to dump.rdb`. */
import type { Stats } from 'node:fs';
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { throwIfCancelled } from '../../errors.ts';
import type { DumpReader, Loader, LoadOptions, LoadReport, Preflight } from '../source.ts';
import { targetRefused } from './errors.ts';
import { blocksOf, commandsIn, readKeys, type KeySink } from './load-commands.ts';
import { chooseStreams } from './loader.ts';
import { RdbWriter } from './rdb-file.ts';

export interface RedisFileOptions {
  /** Where the file will be: nothing, or an empty file. */
  readonly path: string;
}

/**
 * A loader that writes an RDB. All keys are in it: the server that loads it leaves those out whose time has ended.
 * `jobs`, `globals` and `noOwner` mean nothing here.
 */
export function redisFileLoader({ path }: RedisFileOptions): Loader {
  return {
    preflight: (dump, options) => preflight(path, dump, options),
    load: (dump, options, signal) => load(path, dump, options, signal),
  };
}

async function preflight(path: string, dump: DumpReader, options: LoadOptions): Promise<Preflight> {
  const found = await stat(path).catch(() => undefined);
  const { unknown } = chooseStreams(dump, options.tables);
  const modules = dump.source.facts['modules'];
  const names = Array.isArray(modules) ? modules.map(String) : [];
  return {
    target: `file ${path}`,
    exists: found !== undefined,
    occupied: isOccupied(found),
    problems: unknown.map((name) => `There is no database ${name} in this snapshot: correct --table.`),
    warnings:
      names.length === 0 ? [] : [`a server needs the modules ${names.join(', ')} to start from this file`],
  };
}

/** An empty file is one that somebody has made for us. */
function isOccupied(found: Stats | undefined): boolean {
  return found !== undefined && !(found.isFile() && found.size === 0);
}

async function load(
  path: string,
  dump: DumpReader,
  options: LoadOptions,
  signal: AbortSignal,
): Promise<LoadReport> {
  const { occupied, problems } = await preflight(path, dump, options);
  if (occupied) throw targetRefused(path, 'is there already');
  if (problems[0] !== undefined) throw targetRefused(path, `cannot take this snapshot: ${problems[0]}`);
  throwIfCancelled(signal);
  const draft = `${path}.restoring-${process.pid}`;
  const file = await open(draft, 'wx', 0o600).catch((error: unknown) => {
    throw targetRefused(path, `cannot be written: ${String(error)}`);
  });
  try {
    const rows = await write(file, dump, options, signal);
    await file.sync();
    await file.close();
    throwIfCancelled(signal);
    // A rename replaces whatever has come meanwhile: another restore, or a server that saves its own.
    if (isOccupied(await stat(path).catch(() => undefined)))
      throw targetRefused(path, 'has appeared meanwhile');
    await rename(draft, path);
    return { target: path, rows, leftOut: [] };
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(draft, { force: true });
    throw error;
  }
}

async function write(
  file: FileHandle,
  dump: DumpReader,
  options: LoadOptions,
  signal: AbortSignal,
): Promise<Record<string, number>> {
  const writer = new RdbWriter();
  const rows: Record<string, number> = {};
  for (const stream of chooseStreams(dump, options.tables).streams) {
    const blocks = blocksOf(dump, stream, (bytes) => options.onProgress(bytes, stream.name), signal);
    if (stream.dialect === 'redis-restore')
      rows[stream.name] = await readKeys(blocks, stream.name, sinkInto(file, writer));
    else for await (const command of commandsIn(blocks, stream.name)) writer.command(command);
  }
  await file.appendFile(writer.finish());
  return rows;
}

function sinkInto(file: FileHandle, writer: RdbWriter): KeySink {
  return {
    database: (number) => writer.database(number),
    key: (row) => {
      if (!writer.key(row)) throw row.damaged();
      return writer.isFull ? file.appendFile(writer.take()) : undefined;
    },
  };
}
