/** `holdfast purge plan`: what an erasure would do, to look at and to carry out. */
import { resolve } from 'node:path';
import { setOf } from '../../config/config.ts';
import type { SetConfig } from '../../config/config.ts';
import { HoldfastError } from '../../errors.ts';
import type { PlanReport } from '../../purge/plan/plan.ts';
import { keptLines } from '../../purge/plan/kept.ts';
import { describeMention, describeScan } from '../../purge/scan/describe-scan.ts';
import type { ScanReport } from '../../purge/scan/scan-report.ts';
import type { CliContext } from '../context.ts';
import { formatBytes, formatPlural, printable } from '../terminal/format.ts';
import { readPaths, tellWhoseNames, withListedFiles } from '../people/listed-files.ts';
import { openPlaces } from '../people/places.ts';
import { doubtsOf, estimateLine, keptText, placeLine, tablesLine } from '../people/plan-lines.ts';
import { readSubjectMap } from '../people/subject-map.ts';
import { privacyOfficer, writePrivate } from './purge-keys.ts';
import type { OfficerFlags } from './purge-keys.ts';

export interface PlanFlags extends OfficerFlags {
  readonly subject: readonly string[];
  readonly allMatches?: boolean;
  readonly scan?: boolean;
  readonly wholeSet?: boolean;
  readonly ref?: string;
  readonly pathsFrom?: string;
  readonly output: string;
}

export async function makePlan(context: CliContext, name: string, flags: PlanFlags): Promise<void> {
  const { planPurge } = await import('../../purge/plan/plan.ts');
  const { sealPlan } = await import('../../purge/plan/request.ts');
  const { namedSubject } = await import('../../subjects/named.ts');
  const { SegmentPool } = await import('../../segments/pool.ts');
  const { stateFolderOf } = await import('../../repository/session.ts');
  const { withRecentReads } = await import('../../stores/recent.ts');
  const { emptyReads, isSealed, rememberReads } = await import('./purge-reads.ts');
  const set = setOf(await context.config(), name);
  await using officer = await privacyOfficer(context, flags);
  const { keys, config } = officer.opened;
  const recent = emptyReads();
  const store = withRecentReads(officer.opened.session.store, isSealed, recent);
  const session = { ...officer.opened.session, store };
  const { parsed } = await readSubjectMap(config, set);
  const { map } = parsed;
  const named = flags.subject.map((text) => namedSubject(map, text));
  await tellWhoseNames(context, config, name);
  await using looked = await openPlaces(context, config, set, session);
  await using pool = SegmentPool.forReading();
  const reading = { config, session, opener: officer.opener, pool };
  const pathsFrom = filesOnly(set, flags.pathsFrom);
  const given = pathsFrom === undefined ? undefined : await readPaths(pathsFrom);
  const subjects = await withListedFiles(context, reading, map, named, given);
  const task = context.progress.start(`looking through ${name}`);
  const report = await planPurge(
    {
      ...{ session, set: name, opener: officer.opener, pool, subjects },
      ...{ map: map.text, subject: map.subject, ref: flags.ref },
      allMatches: flags.allMatches === true,
      places: looked.places,
      scan: flags.scan === true,
      onProgress: (bytes, table) => {
        task.add(bytes);
        task.say(table);
      },
    },
    context.signal,
  ).finally(() => task.end());
  showPlan(context, report);
  for (const doubt of doubtsOf(report, map.root.table, given)) context.output.warn(doubt);
  const { problems, plan } = report;
  if (problems.length > 0) throw (await import('../../purge/errors.ts')).planRefused(name, problems);
  const file = resolve(flags.output);
  await writePrivate(file, await sealPlan(plan, keys.recipients, officer.signer));
  await rememberReads(stateFolderOf(session, name), plan.id, recent, report.again);
  context.output.line(
    `wrote ${file}: carry it out with: holdfast purge apply ${flags.output} -o RECEIPT.json`,
  );
  context.output.summary({ set: name, id: plan.id, plan: file, touched: report.touched });
}

function filesOnly({ name, source }: SetConfig, pathsFrom: string | undefined): string | undefined {
  if (pathsFrom === undefined || source === 'files') return pathsFrom;
  throw new HoldfastError({
    code: 'PATHS_NOT_FILES',
    exit: 'usage',
    message: `set ${name} is dumped from ${source}, which has no paths`,
    hint: 'Leave --paths-from out, or name a set of files.',
  });
}

export async function makeWholePlan(context: CliContext, name: string, flags: PlanFlags): Promise<void> {
  const { planWhole } = await import('../../purge/plan/plan.ts');
  const { sealPlan } = await import('../../purge/plan/request.ts');
  const { output, signal } = context;
  const set = setOf(await context.config(), name);
  await using officer = await privacyOfficer(context, flags);
  const { session, keys, config } = officer.opened;
  await tellWhoseNames(context, config, name);
  await using looked = await openPlaces(context, config, set, session);
  const { places } = looked;
  const plan = await planWhole({ session, set: name, ref: flags.ref, places }, signal);
  output.line(
    `${name}: all ${formatPlural(plan.snapshots.length, 'snapshot')} and everything that they need`,
  );
  for (const place of plan.places) output.line(`place    ${placeLine(place, true)}`);
  const file = resolve(flags.output);
  await writePrivate(file, await sealPlan(plan, keys.recipients, officer.signer));
  output.line(`wrote ${file}: carry it out with: holdfast purge apply ${flags.output} -o RECEIPT.json`);
  output.summary({
    set: name,
    id: plan.id,
    plan: file,
    whole: true,
    snapshots: plan.snapshots.length,
    places: plan.places,
  });
}

function showPlan({ output }: CliContext, report: PlanReport): void {
  const { plan, problems, touched, ending, opened, replaced, reindexed, names } = report;
  const { set, places, estimate } = plan;
  for (const { snapshot, tables } of plan.snapshots) {
    output.line(`${snapshot}: ${tablesLine(tables)}`);
    output.record({ type: 'snapshot', set, snapshot, tables });
  }
  for (const snapshot of ending) output.line(`${snapshot}: ends within the day, so it goes as a whole`);
  for (const line of keptText(report)) output.line(`kept     ${line}`);
  for (const place of places) output.line(`place    ${placeLine(place, false)}`);
  if (names)
    output.line(
      `names    ${formatPlural(names.given, 'path')} named, ${names.missing.length === 0 ? 'all found' : `${names.missing.length} of them in no snapshot`}`,
    );
  for (const problem of problems) output.line(`PROBLEM  ${printable(problem)}`);
  output.line(
    `${set}: ${formatPlural(touched, 'snapshot')} of ${plan.snapshots.length} to write anew, ${formatPlural(replaced, 'segment')} to replace; ` +
      `opened ${opened.segments} of ${opened.all} segments (${formatBytes(opened.bytes)})`,
  );
  if (reindexed > 0)
    output.line(
      `${set}: ${formatPlural(reindexed, 'snapshot')} more may get a new manifest, for the index that they share`,
    );
  showScan({ output }, set, plan.scan);
  if (estimate) output.line(`${set}: ${estimateLine(estimate)}`);
  const kept = keptLines(plan.snapshots);
  const { strangers, isNobody } = report;
  output.record({
    type: 'plan',
    set,
    id: plan.id,
    touched,
    replaced,
    reindexed,
    ending,
    problems,
    ...{ opened, kept, places, estimate, scan: plan.scan, strangers, nobody: isNobody },
    // How many, not which: they may say whose they are.
    names: names && { given: names.given, missing: names.missing.length },
  });
}

/** Without a scan nobody may think that there was one. */
function showScan({ output }: Pick<CliContext, 'output'>, set: string, scan: ScanReport | undefined): void {
  output.line(`${set}: free text: ${scan === undefined ? 'not scanned' : printable(describeScan(scan))}`);
  for (const mention of scan?.mentions ?? []) output.line(`mention  ${printable(describeMention(mention))}`);
}
