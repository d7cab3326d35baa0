/** What a restore to MySQL does to the text of a dump: statements, definers, keys that come later. */
import { describe, expect, test } from 'vitest';
import { loadFailed } from '../../src/sources/mysql/load-errors.ts';
import { planGlobals } from '../../src/sources/mysql/load-globals.ts';
import { deferKeys, referencedColumns } from '../../src/sources/mysql/load-keys.ts';
import {
  accountOf,
  definerOf,
  enginesOf,
  splitScript,
  withoutDatabase,
  withoutDefiner,
} from '../../src/sources/mysql/load-script.ts';

describe('a script is cut as the client cuts it', () => {
  test.each([
    ['statements', 'a;b;\nc', ['a;', 'b;', '\nc']],
    ['quotes', `a ';' ";\\";" \`;\`;b`, [`a ';' ";\\";" \`;\`;`, 'b']],
    ['backslashes', `a '\\';';b`, [`a '\\';';`, 'b']],
    ['doubled quotes', `a ''';';b`, [`a ''';';`, 'b']],
    ['comments', `-- ;'\n# ;"\n/* ;' */a;b`, [`-- ;'\n# ;"\n/* ;' */a;`, 'b']],
    ['two minus signs', `a --1;b`, ['a --1;', 'b']],
    ['versioned code', `/*!50001 SET a = ';' */;b`, [`/*!50001 SET a = ';' */;`, 'b']],
    [
      'delimiters',
      'DELIMITER ;;\na;b;;\nDELIMITER ;\nc;d',
      ['DELIMITER ;;\na;b;;', '\nDELIMITER ;\nc;', 'd'],
    ],
    ['no delimiter within a statement', "a '\nDELIMITER ;;\n';b", ["a '\nDELIMITER ;;\n';", 'b']],
  ])('%s', (_, script, statements) => {
    expect(splitScript('x', script)).toEqual(statements);
  });

  test.each(["a 'b", 'a "b', 'a `b', 'a /* b'])('%s has no end', (script) => {
    expect(() => splitScript('post-data', script)).toThrow(
      /post-data: a quote or comment at byte 2 has no end/,
    );
  });
});

describe('definers', () => {
  test.each([
    ['CREATE DEFINER=`a b`@`%` FUNCTION `f`() RETURN 1', 'CREATE FUNCTION `f`() RETURN 1', 'a b', '%'],
    ['\n--\n-- x\n--\nCREATE DEFINER=`r` PROCEDURE `p`()', '\n--\n-- x\n--\nCREATE PROCEDURE `p`()', 'r', ''],
    [
      '/*!50003 CREATE*/ /*!50017 DEFINER=`a``b`@`h`*/ /*!50003 TRIGGER t',
      '/*!50003 CREATE*/ /*!50017 */ /*!50003 TRIGGER t',
      'a`b',
      'h',
    ],
    [
      'DELIMITER ;;\n/*!50106 CREATE*/ /*!50117 DEFINER=`a`@`h`*/ /*!50106 EVENT `e`',
      'DELIMITER ;;\n/*!50106 CREATE*/ /*!50117 */ /*!50106 EVENT `e`',
      'a',
      'h',
    ],
    [
      '/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 DEFINER=`a`@`h` SQL SECURITY DEFINER */\n/*!50001 VIEW `v`',
      '/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 SQL SECURITY DEFINER */\n/*!50001 VIEW `v`',
      'a',
      'h',
    ],
  ])('of %j', (statement, without, user, host) => {
    expect(accountOf(definerOf(statement) ?? '')).toEqual({ user, host });
    expect(withoutDefiner(statement)).toBe(without);
  });

  test.each([
    "CREATE TABLE `t` (a int) COMMENT 'CREATE DEFINER=`a`@`h` VIEW'",
    "CREATE FUNCTION `f`() RETURN 'DEFINER=`a`@`h`'",
    "SET @a = 'CREATE DEFINER=`a`@`h`'",
  ])('not where it only looks like one: %s', (statement) => {
    expect(definerOf(statement)).toBeUndefined();
    expect(withoutDefiner(statement)).toBe(statement);
  });
});

test('a view loses the name of its old database, where that can only be one', () => {
  const view = (text: string) =>
    `/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 DEFINER=\`a\`@\`h\` SQL SECURITY DEFINER */\n/*!50001 VIEW \`v\` AS ${text} */;`;
  const found = withoutDatabase(
    view("select `old`.`t`.`a`, `old`.`b`, `x`.`old`.`c`, '`old`.`t`.`a`' from `t`"),
    'old',
  );
  expect(found).toBe(view("select `t`.`a`, `old`.`b`, `x`.`old`.`c`, '`old`.`t`.`a`' from `t`"));
  expect(withoutDatabase('SELECT `old`.`t`.`a`', 'old')).toBe('SELECT `old`.`t`.`a`');
});

describe('keys that come after the rows', () => {
  const ORDERS = `
--
-- Table structure for table \`orders\`
--

CREATE TABLE \`orders\` (
  \`id\` int(11) NOT NULL AUTO_INCREMENT COMMENT 'it''s, \`x\`',
  \`user_id\` int(11) DEFAULT NULL,
  PRIMARY KEY (\`id\`),
  UNIQUE KEY \`one\` (\`user_id\`,\`id\`) COMMENT 'a',
  KEY \`two\` (\`user_id\`) USING BTREE,
  FULLTEXT KEY \`words\` (\`note\`),
  CONSTRAINT \`fk\` FOREIGN KEY (\`user_id\`) REFERENCES \`users\` (\`id\`) ON DELETE CASCADE,
  CONSTRAINT \`positive\` CHECK (\`id\` > 0)
) ENGINE=InnoDB AUTO_INCREMENT=3 DEFAULT CHARSET=utf8mb4;`;
  const none = new Map<string, string[]>();

  test('are taken out, and added by statements of their own', () => {
    const found = deferKeys(ORDERS, none);
    expect(found).toMatchObject({
      table: 'orders',
      isBare: false,
      keys: "ALTER TABLE `orders` ADD UNIQUE KEY `one` (`user_id`,`id`) COMMENT 'a', ADD KEY `two` (`user_id`) USING BTREE;\n",
      references:
        'ALTER TABLE `orders` ADD CONSTRAINT `fk` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE;\n',
    });
    const kept = ORDERS.split('\n').filter((line) => !/^ {2}(?:UNIQUE KEY|KEY|CONSTRAINT `fk`)/.test(line));
    expect(found?.create).toBe(kept.join('\n'));
  });

  test.each([
    ['no primary key', ORDERS.replace('  PRIMARY KEY (`id`),\n', '')],
    [
      'a primary key that does not begin with the column that counts',
      ORDERS.replace('PRIMARY KEY (`id`)', 'PRIMARY KEY (`user_id`,`id`)'),
    ],
    ['another engine', ORDERS.replace('InnoDB', 'MyISAM')],
    ['history', ORDERS.replace('utf8mb4;', 'utf8mb4 WITH SYSTEM VERSIONING;')],
    ['a hash for a key', ORDERS.replace('USING BTREE', 'USING HASH')],
    ['a key of an unknown kind', ORDERS.replace('FULLTEXT', 'VECTOR')],
    ['a line that is in a literal', ORDERS.replace("'it''s", "'it''s\n  KEY `no` (`id`)")],
  ])('not with %s', (_, statement) => {
    expect(deferKeys(ORDERS, none)).toBeDefined();
    expect(statement).not.toBe(ORDERS);
    expect(deferKeys(statement, none)).toBeUndefined();
  });

  test('not where another table refers to one of them', () => {
    const other =
      'CREATE TABLE `c` (\n  CONSTRAINT `a` FOREIGN KEY (`x`) REFERENCES `orders` (`id`) ON DELETE CASCADE\n);';
    expect(deferKeys(ORDERS, referencedColumns([other]))).toBeDefined();
    const both = other.replace('(`id`)', '(`user_id`, `id`)');
    expect([...referencedColumns([both])]).toEqual([['`orders`', ['`user_id`,`id`']]]);
    expect(deferKeys(ORDERS, referencedColumns([both]))).toBeUndefined();
  });

  test('and engines are known', () => {
    expect([...enginesOf([ORDERS, 'SET a = 1;'])]).toEqual(['InnoDB']);
  });
});

describe('users and rights', () => {
  const LINES = [
    'CREATE USER `old`@`%` IDENTIFIED VIA x;',
    "\nCREATE USER IF NOT EXISTS 'new'@'%' IDENTIFIED WITH x;",
    '\nCREATE ROLE `r`;',
    '\nCREATE ROLE IF NOT EXISTS mariadb_dump_import_role;',
    '\nGRANT mariadb_dump_import_role TO CURRENT_USER();',
    '\nGRANT ALL ON `a TO b`.* TO `old`@`%`;',
    '\nGRANT SELECT ON `shop`.* TO `new`@`%` WITH GRANT OPTION;',
    '\nGRANT `r` TO `new`@`%`;',
    '\nGRANT SELECT (`a ON b.c TO d`), UPDATE ON `shop`.`t ON x` TO `new`@`%`;',
    '\nGRANT EXECUTE ON PROCEDURE `shop`.`p` TO `new`@`%`;',
    "\n/*M!100005 SET DEFAULT ROLE `r` FOR 'new'@'%' */;",
    "\n/*!80001 ALTER USER 'old'@'%' DEFAULT ROLE NONE */;",
    '\nDROP ROLE mariadb_dump_import_role;',
  ];

  test('only of those that the target lacks', () => {
    const plan = planGlobals(LINES, new Set(['old@%', 'root@localhost']));
    expect([...plan.creates]).toEqual(['new@%', 'r@']);
    expect(plan.run).toEqual([1, 2, 6, 7, 10].map((at) => LINES[at]?.trim()));
    expect(plan.onObjects).toEqual([8, 9].map((at) => LINES[at]?.trim()));
    expect(plan.leftOut).toEqual(['1 users that the target has already: they stay as they are']);
  });
});

test('no value is in an error', () => {
  const said = "ERROR 1062 (23000) at line 7: Duplicate entry 'ada@example.org' for key 'email'";
  const failure = loadFailed({ what: 'rows of users', how: 'failed', said });
  expect(failure.message).toBe("loading rows of users: ERROR 1062 (23000) at line 7: Duplicate entry '…'");
  expect(loadFailed({ what: 'x', how: 'failed with exit code 1', said: '' }).message).toContain(
    'exit code 1',
  );
  expect(loadFailed({ what: 'x', how: '', said: 'ERROR 2013 (HY000)' }).code).toBe('LOAD_SERVER_GONE');
});
