/** What is looked at once a snapshot is restored: people, references, tables, and what the configuration asks. */
import type { Sidecar } from '../restore/sidecar.ts';
import type { Scratch, ScratchSpace } from '../scratch/scratch.ts';
import type { Inspector } from '../sources/inspector.ts';
import type { DumpReader, SourceInfo } from '../sources/source.ts';
import { missingIn } from './compare-schema.ts';
import { checkFailed, referencesBroken, schemaDiffers, subjectsBack } from './errors.ts';
import type { Drill } from './findings.ts';
import { judge } from './judge.ts';
import type { Watched } from './nobody.ts';

/** A snapshot, ready to be read. */
export interface Opened {
  readonly reader: DumpReader;
  readonly watched: Watched;
  readonly sidecar: Sidecar | undefined;
}

/** Where it was restored. */
export interface Place {
  readonly space: ScratchSpace;
  readonly scratch: Scratch;
}

/** Each of them may fail alone: a person wants to know all that is wrong. */
export async function look(
  drill: Drill,
  { reader, watched, sidecar }: Opened,
  { scratch }: Place,
  signal: AbortSignal,
): Promise<void> {
  const { source } = reader;
  drill.options.onStep('looking at what was restored');
  for (const [purge, rows] of watched.back()) drill.found(subjectsBack(purge, rows));
  await drill.try(async () => {
    const broken = await scratch.brokenReferences(signal);
    if (broken.length > 0) throw referencesBroken(broken);
  });
  await drill.try(async () => {
    if (sidecar === undefined) return;
    const restored = await drill.options.readSchema(source, scratch.target, signal);
    const missing = restored === undefined ? [] : missingIn(restored, sidecar.schema);
    if (missing.length > 0) throw schemaDiffers(missing);
  });
  await ask(drill, source, scratch.target, signal);
}

async function ask(drill: Drill, source: SourceInfo, target: string, signal: AbortSignal): Promise<void> {
  const { checks, item, openInspector } = drill.options;
  if (checks.length === 0) return;
  const taken = new Date(item.entry.time);
  await using stack = new AsyncDisposableStack();
  const once: { inspector?: Promise<Inspector> } = {};
  const open = async () => stack.use(await openInspector(source, target, signal));
  for (const { name, question, expect } of checks) {
    const isAsked = await drill.try(async () => {
      const answer = await (await (once.inspector ??= open())).ask(question, signal);
      const { ok, found } = judge(expect, answer, taken);
      drill.checks.push({ name, verdict: ok ? 'passed' : 'failed', found });
      if (!ok) drill.found(checkFailed(name, found));
    });
    if (!isAsked) drill.checks.push({ name, verdict: 'unknown', found: 'it could not be asked' });
  }
}
