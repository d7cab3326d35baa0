/** The questions of `holdfast init`, asked on a terminal for what the options did not say. */
import { parseDays } from '../config/duration.ts';
import { NAME, NAME_RULE } from '../config/names.ts';
import { Secret } from '../config/secret.ts';
import { databaseUrlProblem } from '../config/source-url.ts';
import { storeUrlProblem } from '../config/store-url.ts';
import type { InitAnswers } from '../config/write.ts';
import { HoldfastError, reasonOf } from '../errors.ts';
import { canAsk } from './terminal/io.ts';
import type { CliIo } from './terminal/io.ts';
import { promptFailure } from './terminal/secrets.ts';

export interface AskOptions {
  /** Recipients were given, so no private key is made and nobody is asked where it goes. */
  readonly hasRecipients: boolean;
  /** Ask nothing, take defaults (`--yes`). */
  readonly yes?: boolean;
  readonly signal?: AbortSignal;
}

const KEEP = '30d';

/**
 * Completes the answers: asks on a terminal, else takes defaults. Throws INIT_INCOMPLETE naming every option that
 * is missing when nobody can be asked, CANCELLED when the person leaves.
 */
export async function askInit(
  io: CliIo,
  known: Partial<InitAnswers>,
  options: AskOptions,
): Promise<InitAnswers> {
  if (options.yes === true || !canAsk(io)) return completeWithoutAsking(known, options.hasRecipients);
  try {
    return await askAll(io, known, options);
  } catch (error) {
    throw promptFailure(error);
  }
}

/** What the options say, if that is enough. */
function completeWithoutAsking(known: Partial<InitAnswers>, hasRecipients: boolean): InitAnswers {
  const { store, set, source, path, url, urlEnv, privateKeyOut } = known;
  const missing = [
    ...(store === undefined ? ['--store'] : []),
    ...(set === undefined ? ['--set'] : []),
    ...(source === undefined ? ['--source'] : []),
    ...((source === 'sqlite' || source === 'files') && path === undefined ? ['--path'] : []),
    ...((source === 'mysql' || source === 'redis') && url === undefined && urlEnv === undefined
      ? ['--url-env (or --url)']
      : []),
    ...(privateKeyOut === undefined && !hasRecipients ? ['--private-key-out (or --recipient)'] : []),
  ];
  if (store === undefined || set === undefined || source === undefined || missing.length > 0) {
    throw new HoldfastError({
      code: 'INIT_INCOMPLETE',
      exit: 'usage',
      message: `not enough to go on: ${missing.join(', ')} missing`,
      hint: 'Give these options, or run `holdfast init` on a terminal without --yes to be asked.',
    });
  }
  return { keep: KEEP, ...known, store, set, source };
}

async function askAll(io: CliIo, known: Partial<InitAnswers>, options: AskOptions): Promise<InitAnswers> {
  const { input, select } = await import('@inquirer/prompts');
  const { signal } = options;
  const context = { input: io.stdin, output: io.stderr, ...(signal === undefined ? {} : { signal }) };
  const text = (message: string, validate: Validate, preset?: string): Promise<string> =>
    input({ message, validate, ...(preset === undefined ? {} : { default: preset }) }, context);

  const store =
    known.store ?? (await text('Where do backups go? (s3://bucket/prefix or file:///path)', storeGood));
  const isS3 = store.startsWith('s3://');
  const region =
    known.region ?? (isS3 ? await text('Region of the bucket:', filled, 'us-east-1') : undefined);
  const endpoint =
    known.endpoint ?? (isS3 ? await text('Endpoint (empty for AWS):', endpointGood) : undefined);
  const source =
    known.source ??
    (await select<InitAnswers['source']>(
      {
        message: 'What is backed up?',
        choices: [
          { value: 'postgres' },
          { value: 'mysql', name: 'mysql or mariadb' },
          { value: 'redis', name: 'redis or valkey' },
          { value: 'sqlite' },
          { value: 'files', name: 'a folder of files' },
        ],
      },
      context,
    ));
  const set = known.set ?? (await text('A short name for it:', nameGood, 'shop'));
  const place =
    source === 'sqlite' || source === 'files'
      ? await askPath(source, known, text)
      : await askConnection(source, known, text, context);
  const keep = known.keep ?? (await text('How long must a snapshot stay restorable?', daysGood, KEEP));
  const privateKeyOut =
    known.privateKeyOut ??
    (options.hasRecipients
      ? undefined
      : await text(
          'Where does the private key that opens backups go? (best: a medium you take away)',
          filled,
        ));
  return {
    store,
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined || endpoint === '' ? {} : { endpoint }),
    set,
    source,
    ...place,
    keep,
    ...(privateKeyOut === undefined ? {} : { privateKeyOut }),
  };
}

interface PromptContext {
  readonly input: CliIo['stdin'];
  readonly output: CliIo['stderr'];
  readonly signal?: AbortSignal;
}

type Validate = (value: string) => true | string;
type AskText = (message: string, validate: Validate, preset?: string) => Promise<string>;

async function askPath(
  source: 'sqlite' | 'files',
  known: Partial<InitAnswers>,
  text: AskText,
): Promise<Pick<InitAnswers, 'path'>> {
  const what = source === 'sqlite' ? 'Path of the SQLite database:' : 'Path of the folder:';
  return { path: known.path ?? (await text(what, filled)) };
}

/** A URL is typed unseen: it may hold a password. */
async function askConnection(
  source: 'postgres' | 'mysql' | 'redis',
  known: Partial<InitAnswers>,
  text: AskText,
  context: PromptContext,
): Promise<Pick<InitAnswers, 'url' | 'urlEnv'>> {
  if (known.url !== undefined) return { url: known.url };
  if (known.urlEnv !== undefined) return { urlEnv: known.urlEnv };
  const { password, select } = await import('@inquirer/prompts');
  const from = await select(
    {
      message: 'How is the database reached?',
      choices: [
        { value: 'variable' as const, name: 'an environment variable holds its URL' },
        ...(source === 'postgres'
          ? [{ value: 'environment' as const, name: 'PG* variables and .pgpass, as psql does' }]
          : []),
        { value: 'url' as const, name: 'a URL in the configuration' },
      ],
    },
    context,
  );
  if (from === 'environment') return {};
  if (from === 'variable')
    return { urlEnv: await text('Name of the variable:', variableGood, 'DATABASE_URL') };
  return {
    url: new Secret(await password({ message: 'URL:', mask: true, validate: urlGood(source) }, context)),
  };
}

function storeGood(value: string): true | string {
  const problem = storeUrlProblem(value);
  return problem === undefined || `Not a store: ${problem}.`;
}

function endpointGood(value: string): true | string {
  return value === '' || /^https?:\/\/[^\s/@]+\/?$/.test(value) || 'Write https://host[:port], or nothing.';
}

function nameGood(value: string): true | string {
  return NAME.test(value) || `The name ${NAME_RULE}.`;
}

function daysGood(value: string): true | string {
  try {
    parseDays(value);
    return true;
  } catch (error) {
    return `${reasonOf(error)}.`;
  }
}

function variableGood(value: string): true | string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(value) || 'Letters, digits and _ make a name.';
}

function urlGood(source: 'postgres' | 'mysql' | 'redis'): Validate {
  return (value) => {
    const problem = databaseUrlProblem(source, value);
    return problem === undefined || `The URL ${problem}.`;
  };
}

function filled(value: string): true | string {
  return value.trim() !== '' || 'An answer is needed.';
}
