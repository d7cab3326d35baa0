/**
 * What has to be put and removed so that a copy is level with its source, in which order, and why. Pure.
 *
 * The order makes every interruption harmless: the ledger first, so that a copy never knows less about what was erased
 * than about what there is; then, in waves, packs before the manifests that need them, and entries last: a snapshot
 * is seen in a copy once all of it is there. What is superseded goes once its successor is there.
 */
import { RECOVERY_FILES, STORE_HEADER, WRITER_KEYS, ledgerFolder } from '../repository/layout.ts';
import { parseKept } from './facts.ts';
import type { CopyFacts, KeptKey, Listed } from './facts.ts';
import { daysLeft, endOfOriginal } from './life.ts';
import { removalsOf } from './plan-removals.ts';
import { lacking, needsOf } from './plan-snapshot.ts';
import type { SnapshotNeeds } from './plan-snapshot.ts';
import { putStep } from './steps.ts';
import type { CopyPlan, PutStep, RemoveStep, Stage, StageName } from './steps.ts';

/** A wave commits its snapshots together; what is interrupted costs at most one. */
const WAVE_BYTES = 512 * 1024 * 1024;
const WAVE_SNAPSHOTS = 100;

/**
 * Plans one copy of one set.
 * @param onlyKnown - what the copy has already is brought level, and nothing is added
 */
export function planCopy(facts: CopyFacts, onlyKnown = false): CopyPlan {
  const all = needsOf(facts);
  const looked = onlyKnown ? { ...all, needs: all.needs.filter(({ known }) => known) } : all;
  const removals = removalsOf(facts, looked);
  const behind = looked.needs.filter((one) => lacking(one) > 0);
  const waves = wavesOf(behind);
  const stages = [
    inOrderStage('store', storePuts(facts)),
    inOrderStage('ledger', ledgerPuts(facts)),
    parallelStage('suppression', suppressionPuts(facts)),
    removeStage(removals.unreplaced),
    ...waves.flatMap((wave) => [
      parallelStage(
        'packs',
        wave.flatMap(({ packs }) => packs),
      ),
      parallelStage(
        'index',
        wave.flatMap(({ index }) => index),
      ),
      parallelStage(
        'manifests',
        wave.flatMap(({ manifests }) => manifests),
      ),
      parallelStage(
        'amendments',
        wave.flatMap(({ amendments }) => amendments),
      ),
      inOrderStage(
        'entries',
        wave.flatMap(({ entries }) => entries),
      ),
      removeStage(wave.flatMap(({ snapshot }) => removals.replaced.get(snapshot) ?? [])),
    ]),
  ].filter(({ puts, removals: some }) => puts.length + some.length > 0);
  const { needs, left, problems } = looked;
  return {
    stages,
    covered: needs.length,
    behind: behind.length,
    left,
    problems: [...problems, ...removals.problems],
  };
}

function inOrderStage(name: StageName, puts: readonly PutStep[]): Stage {
  return { name, inOrder: true, puts, removals: [] };
}

function parallelStage(name: StageName, puts: readonly PutStep[]): Stage {
  return { name, inOrder: false, puts, removals: [] };
}

function removeStage(removals: readonly RemoveStep[]): Stage {
  return { name: 'remove', inOrder: false, puts: [], removals };
}

/** The header comes first: from then on the place belongs to this store, and an interrupted copy can go on there. */
function storePuts({ source, destination }: CopyFacts): PutStep[] {
  const writers = [...source.keys()].filter((key) => key.startsWith(WRITER_KEYS)).sort();
  return [STORE_HEADER, ...RECOVERY_FILES, ...writers].flatMap((key) => {
    const found = source.get(key);
    const there = destination.get(key);
    if (!found || there?.bytes === found.bytes) return [];
    // A host's key gets certifications, and the way out must be the one that the header names.
    if (key === STORE_HEADER && there) return [];
    return [putStep(key, { key }, found, 'it belongs to the store', there)];
  });
}

function ledgerPuts({ set, source, destination, ledger }: CopyFacts): PutStep[] {
  return ledger.flatMap((key) => {
    const found = source.get(key);
    if (!key.startsWith(ledgerFolder(set)) || !found || destination.has(key)) return [];
    return [putStep(key, { key }, found, 'a new line of the ledger')];
  });
}

/** Tokens of those who must not come back; they end with their original, like what they are needed for. */
function suppressionPuts({ set, now, source, destination }: CopyFacts): PutStep[] {
  const there = new Set(
    keptOf(destination, set, 'suppression').map(([, { below }, { bytes }]) => `${below} ${bytes}`),
  );
  return keptOf(source, set, 'suppression').flatMap(([key, { days, below }, found]) => {
    const ends = endOfOriginal(found.modified, days);
    if (there.has(`${below} ${found.bytes}`) || daysLeft(ends, now) < 1) return [];
    return [putStep(key, { below, ends }, found, 'who must not come back')];
  });
}

/** The objects of one part of a set. */
function keptOf(
  listing: CopyFacts['source'],
  set: string,
  part: KeptKey['part'],
): [key: string, kept: KeptKey, found: Listed][] {
  return [...listing].flatMap(([key, found]) => {
    const kept = parseKept(key, set);
    return kept?.part === part ? [[key, kept, found] as [string, KeptKey, Listed]] : [];
  });
}

/** Snapshots that the copy has already come first (they may be unreadable there until they are level), then oldest first. */
function wavesOf(needs: readonly SnapshotNeeds[]): SnapshotNeeds[][] {
  const waves: SnapshotNeeds[][] = [];
  let bytes = 0;
  for (const one of [...needs.filter((need) => need.known), ...needs.filter((need) => !need.known)]) {
    const wave = waves.at(-1);
    if (!wave || wave.length >= WAVE_SNAPSHOTS || bytes >= WAVE_BYTES) {
      waves.push([one]);
      bytes = 0;
    } else wave.push(one);
    bytes += one.packs.reduce((sum, step) => sum + step.bytes, 0);
  }
  return waves;
}
