/** The commented holdfast.yaml that `holdfast init` writes. */
import { Document, isMap, isScalar, isSeq } from 'yaml';
import type { YAMLMap } from 'yaml';
import type { RawConfig } from './schema.ts';
import type { Secret } from './secret.ts';

/** What `init` must know about the database and the store. */
export interface InitAnswers {
  readonly store: string;
  readonly region?: string;
  readonly endpoint?: string;
  readonly set: string;
  readonly source: 'postgres' | 'mysql' | 'redis' | 'sqlite' | 'files';
  /** At most one of url and urlEnv, for servers; neither means the PG* environment. */
  readonly url?: Secret;
  readonly urlEnv?: string;
  /** The database file, for sqlite; the folder, for files. */
  readonly path?: string;
  readonly keep: string;
  /** Where the new private key of the reader goes; absent when recipients were given. */
  readonly privateKeyOut?: string;
}

/** The keys that go with them, as paths for the file. */
export interface InitFiles {
  readonly recipients: readonly string[];
  readonly signingKey: string;
  readonly trustedSigners?: readonly string[];
  readonly stateDir?: string;
}

/** The configuration that the answers make; hand it to `renderConfig`. */
export function configFromAnswers(answers: InitAnswers, files: InitFiles): RawConfig {
  const { region, endpoint } = answers;
  return {
    version: 1,
    store: answers.store,
    ...(region === undefined && endpoint === undefined ? {} : { s3: given({ region, endpoint }) }),
    recipients: [...files.recipients],
    signing_key: files.signingKey,
    ...(files.trustedSigners === undefined ? {} : { trusted_signers: [...files.trustedSigners] }),
    ...(files.stateDir === undefined ? {} : { state_dir: files.stateDir }),
    sets: {
      [answers.set]: {
        source: answers.source,
        ...(answers.url === undefined ? {} : { url: answers.url.reveal() }),
        ...(answers.urlEnv === undefined ? {} : { url_env: answers.urlEnv }),
        ...(answers.path === undefined ? {} : { path: answers.path }),
        keep: answers.keep,
        full_every: '7d',
      },
    },
  };
}

/** Without the keys that have no value. */
function given<T>(values: Readonly<Record<string, T | undefined>>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(values).filter((pair): pair is [string, T] => pair[1] !== undefined),
  );
}

/** One line for each key: what it is for. */
const ROOT_COMMENTS: Readonly<Record<string, string>> = {
  store: 'where the encrypted objects live: s3://bucket/prefix or file:///path',
  s3: 'only what the AWS defaults do not know: region, endpoint, force_path_style, checksum, ca_file, profile',
  recipients: 'OpenPGP public keys that can restore; keep their private keys off this host',
  former_recipients:
    'public keys that were recipients; what they signed still counts, nothing is sealed to them',
  signing_key: "this host's own key: it signs snapshots and cannot open them",
  trusted_signers: 'public keys of the hosts whose snapshots are believed',
  purge_signers: 'public keys whose purges are obeyed',
  state_dir: 'what this host remembers of its chains; losing it costs one full backup',
  compression: 'zstd level, 1 to 19',
  sets: 'one entry per database',
  promises: 'what was promised to people; `holdfast status` and `report` compare',
};

const SET_COMMENTS: Readonly<Record<string, string>> = {
  url: 'this file holds a secret now: chmod 600; or use url_env, url_file, url_command',
  url_env: 'the environment variable that holds the database URL',
  url_file: 'a file, closed to others, that holds the database URL',
  url_command: 'a command that prints the database URL; no shell',
  path: 'the database file, or the folder of files',
  exclude: 'what is left out: names such as *.tmp, paths such as /cache/',
  keep: 'a snapshot stays restorable for this long (days or weeks)',
  full_every: 'a new chain starts at least this often',
  subjects: 'which tables and columns are about a person',
  writer: 'the name under which this host writes (default: its host name)',
  object_lock: 'packs cannot be deleted before their end; never the manifests, so that all stays erasable',
  expire: 'auto: remove what is past its promise at the end of each backup (folders only)',
  on_purged: 'when somebody who was erased is in the database: warn, refuse to make a snapshot, or filter it',
  replicas: 'further stores that `holdfast copy` brings level',
};

const HEAD = ` holdfast configuration. Relative paths start at this file's folder; unknown keys are errors.
 Check it with: holdfast doctor`;

const PROMISES_EXAMPLE = ` ${ROOT_COMMENTS['promises'] ?? ''}
 promises:
   residency: [ca-central-1]
   erasure_within: 30d
   drill_every: 30d
   backup_every: 24h`;

/**
 * The text of a configuration, one comment line above each key; promises that were not given stand there as a
 * comment. `loadConfig` reads back exactly what was given.
 *
 * @param config - in the names of the file, as the schema has them
 */
export function renderConfig(config: RawConfig): string {
  const document = new Document(config);
  document.commentBefore = HEAD;
  if (isMap(document.contents)) {
    explain(document.contents, ROOT_COMMENTS, true);
    const sets = document.contents.get('sets');
    if (isMap(sets))
      for (const { value } of sets.items) if (isMap(value)) explain(value, SET_COMMENTS, false);
    flowLists(document.contents);
  }
  if (config.promises === undefined) document.comment = PROMISES_EXAMPLE;
  return document.toString({ lineWidth: 0, singleQuote: true, flowCollectionPadding: false });
}

function explain(map: YAMLMap, comments: Readonly<Record<string, string>>, spaced: boolean): void {
  for (const { key } of map.items) {
    const comment = isScalar(key) ? comments[String(key.value)] : undefined;
    if (!isScalar(key) || comment === undefined) continue;
    key.commentBefore = ` ${comment}`;
    key.spaceBefore = spaced;
  }
}

/** Short lists on one line, as people write them. */
function flowLists(map: YAMLMap): void {
  for (const { value } of map.items) {
    if (isMap(value)) flowLists(value);
    else if (isSeq(value)) value.flow = true;
  }
}
