/** `holdfast runbook`: a page to print before it is needed. */
import type { Command } from 'commander';
import type { Config, SetConfig } from '../../config/config.ts';
import { HoldfastError } from '../../errors.ts';
import type { KeepPolicy } from '../../repository/keep.ts';
import type { PlaceFacts, RunbookFacts, SetFacts } from '../../runbook/facts.ts';
import { VERSION } from '../../version.ts';
import type { CliContext } from '../context.ts';
import { judgeKeys } from '../reporting/judged-keys.ts';
import { writeOutputFile } from '../terminal/output-file.ts';
import { withExamples } from '../program.ts';

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('runbook')
    .description('one page to print: who holds which key, and what to type when everything is down')
    .option('-o, --output <FILE>', 'FILE.md or FILE.html (default: Markdown on stdout)')
    .action((flags: { readonly output?: string }) => runbook(context, flags));
  withExamples(command, [
    ['holdfast runbook -o runbook.html', 'print it from any browser, on paper or as PDF'],
    ['holdfast runbook > runbook.md', 'for a wiki'],
  ]);
}

async function runbook(context: CliContext, { output: file }: { readonly output?: string }): Promise<void> {
  if (file !== undefined && !/\.(md|html)$/.test(file)) throw unknownKind(file);
  const { output } = context;
  const { runbookMarkdown } = await import('../../runbook/markdown.ts');
  const markdown = runbookMarkdown(await runbookFacts(await context.config()));
  if (file === undefined) {
    if (!context.json) await output.write(markdown);
    output.summary({ markdown });
    return;
  }
  const text = file.endsWith('.html')
    ? (await import('../../runbook/html.ts')).runbookHtml(markdown)
    : markdown;
  await writeOutputFile(file, text);
  output.line(`wrote ${file}: print it, and fill in by hand what only people know`);
  output.summary({ file });
}

async function runbookFacts(config: Config): Promise<RunbookFacts> {
  return {
    printed: new Date(),
    version: VERSION,
    configFile: config.file,
    store: placeOf(config),
    sets: [...config.sets.values()].map(setFacts),
    keys: await keysOf(config),
    promises: promisesOf(config),
  };
}

/** With their public halves, but for the host's own: the store knows that one. */
async function keysOf(config: Config): Promise<RunbookFacts['keys']> {
  const { readPublicKey } = await import('../../openpgp/keys.ts');
  const rows = await judgeKeys(config);
  return Promise.all(
    rows.map(async (row) => {
      const isAsked = row.fingerprint !== '' && row.role !== 'signing';
      return { ...row, publicKey: isAsked ? (await readPublicKey(row.file)).armor() : undefined };
    }),
  );
}

/** What is said of a set; never where its database is, since a password may be in that. */
function setFacts(set: SetConfig): SetFacts {
  return {
    name: set.name,
    source: set.source,
    keep: keepText(set.keep),
    path: 'path' in set ? set.path : undefined,
    copies: set.replicas.map((replica) => ({ ...placeOf(replica), name: replica.name })),
    lock: set.objectLock?.mode,
  };
}

function placeOf({ store, s3 }: Pick<Config, 'store' | 's3'>): PlaceFacts {
  return { url: store, region: s3.region, endpoint: s3.endpoint };
}

/** As the configuration takes it. */
function keepText(keep: KeepPolicy): string {
  const [first, ...others] = keep;
  if (others.length === 0) return `${first.days}d`;
  return `{ ${keep.map(({ name, days }) => `${name}: ${days}d`).join(', ')} }`;
}

function promisesOf({ promises }: Config): readonly string[] {
  const { residency, backupEveryHours, erasureWithinDays, drillEveryDays } = promises;
  return [
    ...(backupEveryHours === undefined ? [] : [`a backup every ${backupEveryHours} h`]),
    ...(drillEveryDays === undefined ? [] : [`a restore drill every ${drillEveryDays} days`]),
    ...(erasureWithinDays === undefined ? [] : [`erasure within ${erasureWithinDays} days`]),
    ...(residency.length === 0 ? [] : [`data only in ${residency.join(', ')}`]),
  ];
}

function unknownKind(file: string): HoldfastError {
  return new HoldfastError({
    code: 'OUTPUT_KIND',
    exit: 'usage',
    message: `${file} is neither .md nor .html`,
    hint: 'Name a file that ends in .md or .html; a browser makes a PDF of the second one.',
  });
}
