/** `holdfast report`: the page that an auditor reads, the same as JSON, and a signature over it. */
import { readFile, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { setsOf } from '../../config/config.ts';
import { HoldfastError } from '../../errors.ts';
import type { openpgp } from '../../openpgp/library.ts';
import type { Evidence } from '../../report/evidence.ts';
import type { CliContext } from '../context.ts';
import { formatPlural, printable } from '../terminal/format.ts';
import { writeOutputFile } from '../terminal/output-file.ts';
import { readerKeyFile, repeated, wholeNumber } from '../options.ts';
import { withExamples } from '../program.ts';
import { reportFacts } from '../reporting/facts.ts';

interface ReportFlags {
  readonly output: readonly string[];
  readonly days: number;
  readonly sign?: boolean;
  readonly key?: string;
}

const DAYS_DEFAULT = 90;
/** More squares than that nobody can tell apart. */
const DAYS_MAX = 400;

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('report [SET...]')
    .description('evidence for each promise, as one self-contained page; needs no private key')
    .option('-o, --output <FILE>', 'FILE.html: the page; FILE.json: the data; may be repeated', repeated, [])
    .option('--days <N>', 'how far back the calendar goes', wholeNumber(1, DAYS_MAX), DAYS_DEFAULT)
    .option('--sign', 'a detached OpenPGP signature beside each file: FILE.asc')
    .option(
      '--key <FILE>',
      "signs with this private key (default: $HOLDFAST_KEY, else this host's signing key)",
    )
    .action((names: string[], flags: ReportFlags) => report(context, names, flags));
  withExamples(command, [
    ['holdfast report -o report.html', 'open it in any browser'],
    ['holdfast report --json', 'the same figures for a program'],
    [
      'holdfast report -o report.html --sign --key ops.key',
      'check it: gpg --verify report.html.asc report.html',
    ],
  ]);
}

async function report(context: CliContext, names: readonly string[], flags: ReportFlags): Promise<void> {
  const { judge } = await import('../../report/judge.ts');
  const files = flags.output.map(asOutput);
  if (files.length === 0 && !context.json) throw outputNeeded();
  if (flags.sign === true && files.length === 0) throw nothingToSign();
  const config = await context.config();
  const signer = flags.sign === true ? await readSigner(context, flags) : undefined;
  const evidence = judge(await reportFacts(context, setsOf(config, names), flags.days));
  for (const file of files) await writeSigned(file, await render(file, evidence), signer);
  context.output.record({ type: 'evidence', ...evidence });
  tell(context, evidence, files);
}

interface OutputFile {
  readonly path: string;
  readonly kind: 'html' | 'json';
}

/** @throws HoldfastError OUTPUT_KIND */
function asOutput(path: string): OutputFile {
  const [, kind] = /\.(html|json)$/.exec(path) ?? [];
  if (kind === undefined)
    throw new HoldfastError({
      code: 'OUTPUT_KIND',
      exit: 'usage',
      message: `${path} is neither .html nor .json`,
      hint: 'Name the file by what it is to be: -o report.html, or -o report.json.',
    });
  return { path, kind: kind === 'html' ? 'html' : 'json' };
}

function outputNeeded(): HoldfastError {
  return new HoldfastError({
    code: 'OUTPUT_NEEDED',
    exit: 'usage',
    message: 'nobody said where the report goes',
    hint: 'Name a file: holdfast report -o report.html; or print the data: holdfast report --json.',
  });
}

function nothingToSign(): HoldfastError {
  return new HoldfastError({
    code: 'NOTHING_TO_SIGN',
    exit: 'usage',
    message: '--sign signs files, and none is written',
    hint: 'Name one: holdfast report -o report.json --sign.',
  });
}

/** The key that was named, or this host's own. */
async function readSigner(context: CliContext, flags: ReportFlags): Promise<openpgp.PrivateKey> {
  const { readPrivate } = await import('./keys-private.ts');
  const { readSigningKey } = await import('../../openpgp/keys.ts');
  const file = readerKeyFile(flags, context.env);
  if (file !== undefined) return readPrivate(context, file);
  const { signingKey } = await context.config();
  if (signingKey === undefined) throw (await import('../../openpgp/errors.ts')).noPrivateKey();
  return readSigningKey(signingKey);
}

async function render({ kind }: OutputFile, evidence: Evidence): Promise<Buffer> {
  if (kind === 'json') return Buffer.from(`${JSON.stringify(evidence, undefined, 2)}\n`);
  const { renderPage } = await import('../../report/html/page.ts');
  return Buffer.from(await renderPage(evidence));
}

/** The signature of before goes first: what lies there is signed by what lies beside it, or not at all. */
async function writeSigned(
  { path }: OutputFile,
  bytes: Buffer,
  signer: openpgp.PrivateKey | undefined,
): Promise<void> {
  const signature = resolve(`${path}.asc`);
  if (await isSignature(signature)) await rm(signature);
  await writeOutputFile(path, bytes);
  if (!signer) return;
  const { signDetached } = await import('../../openpgp/detached.ts');
  await writeOutputFile(`${path}.asc`, await signDetached(bytes, signer));
}

/** What else is called so is somebody's own. */
async function isSignature(file: string): Promise<boolean> {
  const text = await readFile(file, 'latin1').catch(() => '');
  return text.startsWith('-----BEGIN PGP SIGNATURE-----');
}

function tell(context: CliContext, { promises, summary }: Evidence, files: readonly OutputFile[]): void {
  const WORD = { met: 'MET         ', broken: 'BROKEN      ', 'not measured': 'NOT MEASURED' } as const;
  const { output } = context;
  for (const { promise, verdict, findings } of promises) {
    if (context.quiet && verdict !== 'broken') continue;
    const [first] = findings;
    const why =
      verdict === 'met' || !first
        ? ''
        : `: ${first.about === undefined ? '' : `${first.about}: `}${first.text}`;
    output.line(printable(`${WORD[verdict]}  ${promise}${why}`));
  }
  if (!context.quiet) for (const { path } of files) output.line(`wrote ${path}`);
  output.summary({ ...summary, files: files.map(({ path }) => path) });
  if (summary.broken > 0)
    output.note(`${formatPlural(summary.broken, 'promise')} broken; the report says which and why`);
}
