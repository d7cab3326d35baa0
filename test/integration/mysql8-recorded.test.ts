/**
 * Goal: MySQL 8's own programs are called as their manual says, and what they print is understood. No MySQL server runs
 * here: `mysql` and `mysqldump` are stand-ins that answer with text as MySQL 8.0 and 8.4 print it.
 */
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mysqlSource } from '../../src/sources/mysql/source.ts';
import { tempFolder } from '../services/temp.ts';
import { readDump, SIGNAL } from './mysql-kit.ts';

/** Up to the first statement: settings in comments that only newer servers execute. */
const HEAD = `-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)
--
-- Host: db    Database: shop
-- ------------------------------------------------------
-- Server version\t8.0.36

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
/*!50503 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;
`;

const FOOT = `/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;

/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

-- Dump completed
`;

const DEFINITIONS = `${HEAD}
--
-- Table structure for table \`users\`
--

/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE \`users\` (
  \`id\` int NOT NULL AUTO_INCREMENT,
  \`email\` varchar(100) COLLATE utf8mb4_0900_as_cs DEFAULT NULL,
  \`upper\` varchar(100) GENERATED ALWAYS AS (upper(\`email\`)) STORED,
  \`doc\` json DEFAULT NULL,
  \`secret\` int DEFAULT NULL /*!80023 INVISIBLE */,
  PRIMARY KEY (\`id\`)
) ENGINE=InnoDB AUTO_INCREMENT=COUNT DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
/*!40101 SET character_set_client = @saved_cs_client */;
${FOOT}`;

const ROWS = `${HEAD}
--
-- Dumping data for table \`users\`
--
-- ORDER BY:  \`id\`

INSERT INTO \`users\` (\`id\`, \`email\`, \`doc\`, \`secret\`) VALUES (1,'o\\'neil@example.com','{\\"a\\": [1, \\"x\\"]}',7);
INSERT INTO \`users\` (\`id\`, \`email\`, \`doc\`, \`secret\`) VALUES (2,NULL,NULL,NULL);
${FOOT}`;

const ANSWERS = {
  'SELECT VERSION': '8.0.36',
  SCHEMATA:
    '{"sqlMode": "ONLY_FULL_GROUP_BY", "charset": "utf8mb4", "collation": "utf8mb4_0900_ai_ci", "lowerCaseTableNames": 0}',
  "table_type, 'engine'": '{"name": "users", "type": "BASE TABLE", "engine": "InnoDB", "bytes": 16384}',
  "data_type = 'float'": '',
  'information_schema.EVENTS': '',
  SCHEMA_PRIVILEGES: '',
  'information_schema.COLUMNS': [
    '{"table": "users", "name": "id", "type": "int", "nullable": "NO", "extra": "auto_increment", "collation": null}',
    '{"table": "users", "name": "email", "type": "varchar(100)", "nullable": "YES", "extra": "", "collation": "utf8mb4_0900_as_cs"}',
    '{"table": "users", "name": "upper", "type": "varchar(100)", "nullable": "YES", "extra": "STORED GENERATED", "collation": "utf8mb4_0900_ai_ci"}',
    '{"table": "users", "name": "made", "type": "datetime", "nullable": "YES", "extra": "DEFAULT_GENERATED", "collation": null}',
  ].join('\n'),
  'information_schema.STATISTICS': '{"table": "users", "key": "PRIMARY", "column": "id", "prefix": null}',
  KEY_COLUMN_USAGE: '',
  'mysql.user': "USER 'shop'@'%'",
  'SHOW CREATE USER':
    "CREATE USER `shop`@`%` IDENTIFIED WITH 'caching_sha2_password' AS '$A$005$x'\nGRANT SELECT ON *.* TO `shop`@`%`",
  'SHOW MASTER STATUS': 'binlog.000007\t1234\t\t\t3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5',
  'SHOW BINARY LOG STATUS': 'binlog.000008\t99\t\t\t3e11fa47-71ca-11e1-9e33-c80aa9429562:1-9',
  gtid_executed: '3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5',
};

/** A PATH with nothing but MySQL's two programs. */
async function programs(
  version = '8.0.36',
  tool = version,
): Promise<{ readonly env: NodeJS.ProcessEnv; readonly calls: () => Promise<string> }> {
  const folder = await tempFolder('mysql8');
  const put = async (name: string, text: string) => {
    await writeFile(join(folder, name), text);
    await chmod(join(folder, name), 0o755);
  };
  for (const [name, text] of Object.entries({
    definitions: DEFINITIONS,
    rows: ROWS,
    code: `${HEAD}\n${FOOT}`,
  }))
    await put(name, text);
  const cases = await Promise.all(
    Object.entries({ ...ANSWERS, 'SELECT VERSION': version }).map(async ([asked, answer], at) => {
      await put(`answer-${at}`, answer === '' ? '' : `${answer.replaceAll('\\', '\\\\')}\n`);
      return `  *"${asked}"*) cat ${folder}/answer-${at} ;;`;
    }),
  );
  const says = (program: string) =>
    `[ "$2" = --version ] && { echo "${program}  Ver ${tool} for Linux on x86_64 (MySQL Community Server - GPL)"; exit; }`;
  await put(
    'mysql',
    `#!/bin/sh\nPATH=/usr/bin:/bin\n${says('mysql')}\nasked=$(cat)\ncase "$asked" in\n${cases.join('\n')}\n  *) echo "ERROR 1064 (42000): $asked" >&2; exit 1 ;;\nesac\n`,
  );
  await put(
    'mysqldump',
    `#!/bin/sh\nPATH=/usr/bin:/bin\n${says('mysqldump')}\necho "$*" >> ${folder}/calls\ncase "$*" in\n  *--routines*) cat ${folder}/code ;;\n  *--no-data*) echo x >> ${folder}/count; sed "s/COUNT/$(wc -l < ${folder}/count)/" ${folder}/definitions ;;\n  *) cat ${folder}/rows ;;\nesac\n`,
  );
  return { env: { PATH: folder }, calls: () => readFile(join(folder, 'calls'), 'utf8') };
}

const url = 'mysql://shop:geheim@db.example.com/shop?ssl-mode=verify-identity';

describe('MySQL 8, recorded', () => {
  test('a dump is read, though the counter of a table goes on meanwhile', async () => {
    const { env, calls } = await programs();
    const streams = await readDump(mysqlSource({ url, env }));
    expect(streams.map(({ name }) => name)).toEqual([
      'globals',
      'pre-data',
      'data-begin',
      'users',
      'data-end',
      'post-data',
    ]);
    const users = streams.find(({ name }) => name === 'users');
    expect(users?.table).toEqual({ name: 'users', columns: ['id', 'email', 'doc', 'secret'] });
    expect(users?.text.split('\n')).toHaveLength(3);
    expect(streams[0]?.text).toMatch(/^CREATE USER .*;\nGRANT SELECT .*;\n$/);
    const said = await calls();
    expect(said).not.toContain('geheim');
    for (const line of said.trimEnd().split('\n')) {
      expect(line).toMatch(/^--defaults-file=\/dev\/fd\/3 .*--column-statistics=0 --set-gtid-purged=OFF/);
      expect(line).toContain('--single-transaction');
    }
  });

  test('facts and schema: positions, collations, what is generated and what only has a default', async () => {
    const { env } = await programs();
    const source = mysqlSource({ url, env });
    expect(await source.probe(SIGNAL)).toMatchObject({
      serverVersion: '8.0.36',
      warnings: [],
      facts: { flavour: 'mysql', binlog: { file: 'binlog.000007', position: 1234 }, gtid: /:1-5$/ },
    });
    const [users] = (await source.schema(SIGNAL)).tables;
    expect(users?.columns.filter(({ generated }) => generated).map(({ name }) => name)).toEqual(['upper']);
    expect(users?.primaryKey).toEqual(['id']);
  });

  test('8.4 calls the position of its log by another name', async () => {
    const { env } = await programs('8.4.1');
    expect((await mysqlSource({ url, env }).probe(SIGNAL)).facts).toMatchObject({
      binlog: { file: 'binlog.000008' },
    });
  });

  test('a mysqldump that is older than the server is refused with the package', async () => {
    const { env } = await programs('8.4.1', '8.0.36');
    await expect(mysqlSource({ url, env }).probe(SIGNAL)).rejects.toMatchObject({
      code: 'MYSQL_DUMP_OLD',
      hint: /mysql-client 8\.4/,
    });
  });
});
