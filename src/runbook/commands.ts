/** Commands of the runbook, for a shell, by what a set is. */
import { shellWord } from '../shell-word.ts';
import type { KeyFacts, PlaceFacts, SetFacts } from './facts.ts';

/** Where a restore goes: a name that nothing has yet, for a person to change. */
export function targetOf({ name, source, path }: SetFacts): string {
  switch (source) {
    case 'postgres':
      return `postgres://USER@HOST:5432/${identifier(name)}_restored`;
    case 'mysql':
      return `mysql://USER@HOST:3306/${identifier(name)}_restored`;
    case 'redis':
      return 'redis://HOST:6380';
    case 'sqlite':
      return `${path ?? `/srv/${name}.db`}.restored`;
    case 'files':
      return `${path ?? `/srv/${name}`}.restored`;
  }
}

/** What takes the place of a database that is to be replaced, or says how. */
export function loadOf({ name, source }: SetFacts): string {
  switch (source) {
    case 'postgres':
      return `createdb ${identifier(name)}_recovered && psql -X -v ON_ERROR_STOP=1 -d ${identifier(name)}_recovered -f ${name}.sql`;
    case 'mysql':
      return `mariadb -e 'CREATE DATABASE ${identifier(name)}_recovered' && mariadb ${identifier(name)}_recovered < ${name}.sql`;
    case 'redis':
      return `redis-cli -p 6380 < ${name}.sql`;
    case 'sqlite':
      return `sqlite3 -cmd '.dbconfig defensive off' ${name}.db < ${name}.sql`;
    case 'files':
      return `mkdir ${name} && tar -x -p -f ${name}.sql -C ${name}`;
  }
}

/** Brings the objects of a store to this machine. */
export function fetchOf({ url, region, endpoint }: PlaceFacts): string {
  if (url.startsWith('file://')) return `cp -R ${shellWord(decodeURIComponent(new URL(url).pathname))} store`;
  const options = [
    ...(region === undefined ? [] : ['--region', region]),
    ...(endpoint === undefined ? [] : ['--endpoint-url', endpoint]),
  ];
  return ['aws s3 sync', shellWord(url), 'store', ...options].join(' ');
}

/** A public key as a file beside the configuration. */
export interface KeyFile {
  readonly name: string;
  readonly list: 'recipients' | 'former_recipients' | 'trusted_signers' | 'purge_signers';
  readonly text: string;
}

const LISTS = {
  recipient: 'recipients',
  former: 'former_recipients',
  trusted: 'trusted_signers',
  purge: 'purge_signers',
} as const;

/**
 * What somebody with one key needs besides: the public keys of the others, whose signatures are all over the store. None
 * where there is one key only, which is its own public half.
 */
export function keyFilesOf(keys: readonly KeyFacts[]): readonly KeyFile[] {
  const files = keys.flatMap(({ role, publicKey: text }) =>
    role === 'signing' || text === undefined ? [] : [{ role, text }],
  );
  if (files.length < 2) return [];
  return files.map(({ role, text }, at) => ({ name: `${role}-${at + 1}.asc`, list: LISTS[role], text }));
}

/** The least that a machine needs which never saw these backups. */
export function rescueConfig(
  store: PlaceFacts,
  sets: readonly SetFacts[],
  keyFiles: readonly KeyFile[],
): string {
  const s3 = [
    ...(store.region === undefined ? [] : [`region: ${store.region}`]),
    ...(store.endpoint === undefined ? [] : [`endpoint: ${store.endpoint}`]),
  ];
  return [
    'version: 1',
    `store: ${store.url}`,
    ...(s3.length > 0 ? [`s3: { ${s3.join(', ')} }`] : []),
    ...(keyFiles.length === 0 ? ['recipients: [the.key]'] : listsOf(keyFiles)),
    'sets:',
    ...sets.map((set) => `  ${set.name}: { ${settingsOf(set).join(', ')} }`),
  ].join('\n');
}

function listsOf(files: readonly KeyFile[]): readonly string[] {
  const lists = Map.groupBy(files, ({ list }) => list);
  return [...lists].map(([list, own]) => `${list}: [${own.map(({ name }) => name).join(', ')}]`);
}

/** A database's address has to be named, and is not asked for by a restore to another one. */
function settingsOf({ source, keep, path }: SetFacts): readonly string[] {
  const address = source === 'mysql' || source === 'redis' ? ['url_env: NOT_USED_HERE'] : [];
  const place = path === undefined ? address : [`path: ${JSON.stringify(path)}`];
  return [`source: ${source}`, `keep: ${keep}`, ...place];
}

/** Names of sets may have a minus and a point, which SQL would take for something else. */
function identifier(name: string): string {
  return name.replaceAll(/[^\w]/g, '_');
}
