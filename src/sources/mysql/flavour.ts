/** Two lines of one family: what one calls `ssl-mode` the other does not know. */
export type Flavour = 'mariadb' | 'mysql';

export interface ServerVersion {
  readonly flavour: Flavour;
  readonly major: number;
  readonly minor: number;
  /** As the server says it: `10.11.19-MariaDB-0+deb12u1`. */
  readonly text: string;
}

/** Reads `SELECT VERSION()`: MariaDB names itself there, and may put 5.5.5- before it for old clients. */
export function readVersion(text: string): ServerVersion | undefined {
  const numbers = /^(?:5\.5\.5-)?(\d+)\.(\d+)\./.exec(text);
  if (numbers === null) return undefined;
  const flavour = /mariadb/i.test(text) ? 'mariadb' : 'mysql';
  return { flavour, major: Number(numbers[1]), minor: Number(numbers[2]), text };
}

/** Reads what `--version` of a client or dump tool prints. */
export function readToolVersion(text: string): ServerVersion | undefined {
  const mariadb = /(?:Distrib |from )(\d+)\.(\d+)\.(\S*?)-MariaDB/.exec(text);
  if (mariadb !== null)
    return {
      flavour: 'mariadb',
      major: Number(mariadb[1]),
      minor: Number(mariadb[2]),
      text: `${mariadb[1]}.${mariadb[2]}.${mariadb[3]}`,
    };
  const mysql = /\bVer (\d+)\.(\d+)\.(\S+)/.exec(text);
  if (mysql === null) return undefined;
  return {
    flavour: 'mysql',
    major: Number(mysql[1]),
    minor: Number(mysql[2]),
    text: `${mysql[1]}.${mysql[2]}.${mysql[3]}`,
  };
}

/** True when a tool knows less than the server does. */
export function isOlder(tool: ServerVersion, server: ServerVersion): boolean {
  if (tool.flavour !== server.flavour) return false;
  return tool.major !== server.major ? tool.major < server.major : tool.minor < server.minor;
}
