/** `holdfast init`: configuration, keys and store, ready to run. */
import { hostname } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { Option } from 'commander';
import type { Command } from 'commander';
import { writerFrom } from '../../config/names.ts';
import type { InitAnswers } from '../../config/write.ts';
import type { InitReport } from '../../init/init.ts';
import type { CliContext } from '../context.ts';
import { repeated } from '../options.ts';
import { withExamples } from '../program.ts';

interface InitFlags {
  readonly yes?: boolean;
  readonly store?: string;
  readonly region?: string;
  readonly endpoint?: string;
  readonly set?: string;
  readonly source?: 'postgres' | 'mysql' | 'redis' | 'sqlite' | 'files';
  readonly url?: string;
  readonly urlEnv?: string;
  readonly path?: string;
  readonly keep?: string;
  readonly privateKeyOut?: string;
  readonly recipient: readonly string[];
  readonly stateDir: string;
}

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('init')
    .description('write holdfast.yaml and keys, prepare the store')
    .option('-y, --yes', 'ask nothing')
    .option('--store <URL>', 's3://bucket/prefix or file:///path')
    .option('--region <REGION>', 'region of the bucket')
    .option('--endpoint <URL>', 'for S3 servers that are not AWS')
    .option('--set <NAME>', 'short name of what is backed up')
    .addOption(
      new Option('--source <KIND>', 'what it is').choices(['postgres', 'mysql', 'redis', 'sqlite', 'files']),
    )
    .option('--url <URL>', 'database URL; better without password (.pgpass) or by --url-env')
    .option('--url-env <VARIABLE>', 'environment variable that holds the database URL')
    .option('--path <FILE>', 'database file, for sqlite; folder, for files')
    .option('--keep <DAYS>', 'how long a snapshot stays restorable (default: 30d)')
    .option('--private-key-out <FILE>', 'where to put the new private key, the one that opens backups')
    .option('--recipient <FILE>', 'public key that can restore; may be repeated', repeated, [])
    .option('--state-dir <FOLDER>', 'what this host remembers, relative to the configuration', 'state')
    .action((flags: InitFlags) => init(context, flags));
  withExamples(command, [
    ['holdfast init', 'ask for everything'],
    [
      'holdfast init --yes --store file:///srv/backup --set shop --source sqlite --path shop.db --private-key-out /media/usb/ops.key',
      'for scripts',
    ],
  ]);
}

async function init(context: CliContext, flags: InitFlags): Promise<void> {
  const { runInit } = await import('../../init/init.ts');
  const { configFromAnswers, renderConfig } = await import('../../config/write.ts');
  const { mustBeReadable } = await import('../../config/answers.ts');
  const { parseDays } = await import('../../config/duration.ts');
  const { FULL_EVERY_DAYS } = await import('../../config/rules.ts');
  const { resolveStoreUrl } = await import('../../config/store-url.ts');
  const { openStore } = await import('../../stores/open.ts');
  const configFile = resolve(context.configFile ?? context.env['HOLDFAST_CONFIG'] ?? 'holdfast.yaml');
  const given = await collect(context, flags, configFile);
  const s3 = { region: given.region, endpoint: given.endpoint };
  const answers = { ...given, store: resolveStoreUrl(given.store, dirname(configFile)) };
  const configText = (files: { recipients: string[]; signingKey: string }): string =>
    renderConfig(configFromAnswers(answers, { ...files, stateDir: flags.stateDir }));
  const configIsSecret = answers.url !== undefined;
  mustBeReadable(configText({ recipients: ['keys/ops.asc'], signingKey: 'keys/host.key' }), {
    openToAll: !configIsSecret,
  });
  const passphrase = await newPassphrase(context, given.privateKeyOut, flags.yes === true);
  const store = await openStore(answers.store, { s3 });
  try {
    const report = await runInit(
      {
        configFile,
        store,
        writer: writerFrom(hostname()),
        privateKeyOut: answers.privateKeyOut && resolve(answers.privateKeyOut),
        recipientFiles: flags.recipient.map((file) => resolve(file)),
        passphrase,
        renderConfig: configText,
        policy: { keepDays: parseDays(answers.keep), fullEveryDays: FULL_EVERY_DAYS },
        configIsSecret,
      },
      context.signal,
    );
    tell(context, report, answers, passphrase !== undefined);
  } finally {
    await store.close();
  }
}

async function collect(context: CliContext, flags: InitFlags, configFile: string): Promise<InitAnswers> {
  const { askInit } = await import('../ask.ts');
  const { Secret } = await import('../../config/secret.ts');
  const { yes, recipient, stateDir: _stateDir, url, path, ...rest } = flags;
  const folder = dirname(configFile);
  const known: Partial<InitAnswers> = {
    ...rest,
    ...(url !== undefined && { url: new Secret(url) }),
    ...(path !== undefined && { path: relative(folder, resolve(path)) || path }),
  };
  return askInit(context.io, known, {
    hasRecipients: recipient.length > 0,
    yes: yes === true,
    signal: context.signal,
  });
}

async function newPassphrase(
  context: CliContext,
  privateKeyOut: string | undefined,
  yes: boolean,
): Promise<string | undefined> {
  if (privateKeyOut === undefined) return undefined;
  const { readPassphrase } = await import('../terminal/secrets.ts');
  const prompt = yes ? {} : { prompt: 'Passphrase for the new private key (empty for none):', confirm: true };
  const phrase = await readPassphrase(context.env, { ...prompt, io: context.io, signal: context.signal });
  return phrase?.reveal() === '' ? undefined : phrase?.reveal();
}

function tell(
  { output, configFile: named }: CliContext,
  report: InitReport,
  answers: InitAnswers,
  hasPassphrase: boolean,
): void {
  const here = (file: string) => relative(process.cwd(), file) || file;
  output.line(`wrote ${here(report.configFile)}, ${here(join(dirname(report.configFile), 'keys'))}/`);
  output.line(`${report.joined ? 'joined the store' : 'prepared the store'} ${answers.store} (${report.id})`);
  if (report.rules !== undefined)
    output.line(`the bucket ends what is past its time by itself (${report.rules} rules)`);
  for (const { file, userId, fingerprint } of report.recipients)
    output.line(`recipient ${file}: ${userId} ${fingerprint}`);
  for (const warning of report.warnings) output.warn(warning);
  if (report.privateKeyFile !== undefined) {
    output.line();
    output.line(output.paint('bold', `PRIVATE KEY: ${report.privateKeyFile}`));
    output.line(
      'It is the only thing that opens these backups. Take it off this host now, keep two copies in',
    );
    output.line('two places, and never put it back: a backup needs only the public keys.');
    if (!hasPassphrase) output.line('It has no passphrase: whoever finds the file can read the backups.');
  }
  if (!report.certified) {
    output.warn(
      `no recipient has vouched for this host yet; where a private key is, run: holdfast keys trust ${report.hostFingerprint}`,
    );
  }
  output.line();
  output.line(`next: holdfast${named === undefined ? '' : ` -c ${named}`} doctor`);
  output.line(`then: holdfast${named === undefined ? '' : ` -c ${named}`} backup ${answers.set}`);
  output.summary({ ...report, warnings: report.warnings });
}
