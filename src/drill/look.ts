/** What is looked at once a snapshot is restored: people, references, tables, and what the configuration asks. */
import type { Sidecar } from '../restore/sidecar.ts';
import type { Scratch, ScratchSpace } from '../scratch/scratch.ts';
import type { Inspector } from '../sources/inspector.ts';
import type { BrokenReference, DumpReader, LoadReport, SourceInfo } from '../sources/source.ts';
import { missingIn } from './compare-schema.ts';
import { brokenText, checkFailed, referencesBroken, schemaDiffers, subjectsBack } from './errors.ts';
import type { Drill } from './findings.ts';
import { judge } from './judge.ts';
import type { Watched } from './nobody.ts';

/** A snapshot, ready to be read. */
export interface Opened {
  readonly reader: DumpReader;
  readonly watched: Watched;
  readonly sidecar: Sidecar | undefined;
  /** A purge has taken rows out of it, or a restore does. */
  readonly isTouched: boolean;
}

/** Where it was restored. */
export interface Place {
  readonly space: ScratchSpace;
  readonly scratch: Scratch;
}

/** Each of them may fail alone: a person wants to know all that is wrong. */
export async function look(
  drill: Drill,
  opened: Opened,
  { scratch }: Place,
  { brokenReferences: broken = [] }: LoadReport,
  signal: AbortSignal,
): Promise<void> {
  const { watched, sidecar } = opened;
  const { source } = opened.reader;
  drill.options.onStep('looking at what was restored');
  for (const [purge, rows] of watched.back()) drill.found(subjectsBack(purge, rows));
  judgeReferences(drill, opened.isTouched, broken);
  await drill.try(async () => {
    if (sidecar === undefined) return;
    const restored = await drill.options.readSchema(source, scratch.target, signal);
    const missing = restored === undefined ? [] : missingIn(restored, sidecar.schema);
    if (missing.length > 0) throw schemaDiffers(missing);
  });
  await ask(drill, source, scratch.target, signal);
}

/** Rows are those of the snapshot: what leads nowhere did so in the source, unless a purge took away what it led to. */
function judgeReferences(drill: Drill, isTouched: boolean, broken: readonly BrokenReference[]): void {
  const rows = broken.reduce((sum, one) => sum + one.rows, 0);
  const { referencesTaken } = drill.options;
  if (rows === 0) return;
  const isFine = referencesTaken === undefined ? !isTouched : rows <= referencesTaken;
  const why = referencesTaken === undefined ? 'in the source, too' : 'taken as they are';
  if (isFine) drill.notes.push(`${why}: ${brokenText(broken)}`);
  else drill.found(referencesBroken(broken, rows, referencesTaken));
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
