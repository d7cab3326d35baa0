/** Names of users and groups, from /etc/passwd and /etc/group (man 5 passwd, man 5 group). */
import { readFile } from 'node:fs/promises';

/** By number. */
export interface Owners {
  readonly users: ReadonlyMap<number, string>;
  readonly groups: ReadonlyMap<number, string>;
}

/** By name. */
export interface OwnerIds {
  readonly users: ReadonlyMap<string, number>;
  readonly groups: ReadonlyMap<string, number>;
}

/** The names that this machine has; those of a directory service are not among them. */
export async function readOwners(): Promise<Owners> {
  const [users, groups] = await Promise.all(['/etc/passwd', '/etc/group'].map(readPairs));
  // The first line of a number counts, as for getpwuid.
  const byId = (pairs: Pairs = []) => new Map(pairs.toReversed().map(([name, id]) => [id, name]));
  return { users: byId(users), groups: byId(groups) };
}

/** The same the other way round, for a restore: on another machine a name may have another number. */
export async function readOwnerIds(): Promise<OwnerIds> {
  const [users, groups] = await Promise.all(['/etc/passwd', '/etc/group'].map(readPairs));
  return { users: new Map(users?.toReversed()), groups: new Map(groups?.toReversed()) };
}

type Pairs = readonly (readonly [string, number])[];

async function readPairs(file: string): Promise<Pairs> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    const [name = '', , id = ''] = line.split(':');
    return name !== '' && /^\d{1,10}$/.test(id) ? [[name, Number(id)] as const] : [];
  });
}
