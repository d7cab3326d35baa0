/** Users, roles and their rights: they belong to the server, and go into a stream of their own. */
import { throwIfCancelled, isHoldfastError } from '../../errors.ts';
import type { Client } from './client.ts';
import { query } from './client.ts';
import type { Flavour } from './flavour.ts';

/** Every server comes with its own accounts. */
const OWN_ACCOUNTS = ['mariadb.sys', 'mysql.sys', 'mysql.session', 'mysql.infoschema'];

/** In MySQL a role is an account that is locked; MariaDB's have no host, and are made in another way. */
const ACCOUNTS: Readonly<Record<Flavour, string>> = {
  mariadb: `SELECT CONCAT(IF(is_role = 'Y', 'ROLE ', 'USER '), QUOTE(user), IF(is_role = 'Y', '', CONCAT('@', QUOTE(host))))
    FROM mysql.user WHERE user NOT IN (${OWN_ACCOUNTS.map((name) => `'${name}'`).join(', ')}) AND user <> 'PUBLIC'
    ORDER BY is_role DESC, user, host`,
  mysql: `SELECT CONCAT('USER ', QUOTE(user), '@', QUOTE(host)) FROM mysql.user
    WHERE user NOT IN (${OWN_ACCOUNTS.map((name) => `'${name}'`).join(', ')}) ORDER BY user, host`,
};

/**
 * The accounts as SQL; undefined where this user may not read them. What the server lists but does not know, such as a
 * host by name where names are not resolved, is left out.
 *
 * @throws HoldfastError MYSQL_QUERY, CANCELLED
 */
export async function readGlobals(
  client: Client,
  flavour: Flavour,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const accounts = await query(client, { sql: ACCOUNTS[flavour], what: 'the users' }, signal);
    if (accounts.length === 0) return '';
    const made = accounts.map((account) =>
      account.startsWith('ROLE ') ? `SELECT ${quoted(`CREATE ${account}`)}` : `SHOW CREATE ${account}`,
    );
    // First all accounts, then their rights: a right may be another account's role.
    const granted = accounts.map((account) => `SHOW GRANTS FOR ${account.slice('ROLE '.length)}`);
    const question = { sql: [...made, ...granted].join(';\n'), what: 'the rights of users', force: true };
    return (await query(client, question, signal)).map((line) => `${line};\n`).join('');
  } catch (error) {
    throwIfCancelled(signal);
    if (isHoldfastError(error, 'MYSQL_PRIVILEGE')) return undefined;
    throw error;
  }
}

/** A string literal that means the same whatever the server's sql_mode. */
function quoted(text: string): string {
  return `X'${Buffer.from(text, 'utf8').toString('hex')}'`;
}
