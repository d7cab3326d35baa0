-- Everything awkward that a MariaDB database can hold.
SET NAMES utf8mb4;
SET sql_mode = '';
CREATE TABLE everything (
  id int NOT NULL AUTO_INCREMENT PRIMARY KEY,
  tiny tinyint, big bigint unsigned, amount decimal(20, 6), ratio float, precise double,
  flag bit(5), flags bit(64), word char(10), text1 varchar(200), long1 longtext,
  raw binary(4), vraw varbinary(20), data longblob,
  day date, moment datetime(6), stamp timestamp(3) NULL, hour time(2), yr year,
  mood enum('ok', 'not "ok"', 'it''s', ''), tags set('a', 'b', 'c'),
  doc json, place point, shape geometry, uid uuid, ip inet6,
  KEY (text1(20)), FULLTEXT KEY (long1)
) DEFAULT CHARSET utf8mb4;
INSERT INTO everything (tiny, big, amount, ratio, precise, flag, flags, word, text1, long1, raw, vraw, data, day, moment, stamp, hour, yr, mood, tags, doc, place, shape, uid, ip) VALUES
  (-1, 18446744073709551615, -12345678901234.567890, 1.5, 1e100, b'10101', b'1111111111111111111111111111111111111111111111111111111111111111', 'abc', 'it''s "quoted" \\ back\nline\rcr\ttab\0nul\Zsub', 'INSERT INTO `everything` VALUES (1);\n-- Dump completed\n', 0x00FF2700, x'', 0xDEADBEEF000A0D1A27225C, '2024-02-29', '2024-02-29 23:59:59.999999', '2024-03-31 01:30:00.123', '-838:59:59.00', 2024, 'it''s', 'a,c', '{"a": "x\\ny", "b": [1, 2.50, null]}', POINT(1, 2), ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))'), '123e4567-e89b-12d3-a456-426614174000', '2001:db8::1'),
  (0, 0, 0, 0, 0, 0, 0, '', '', '', 0, '', '', '0000-00-00', '0000-00-00 00:00:00', NULL, '00:00:00', 0, '', '', 'null', NULL, NULL, NULL, '::'),
  (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (1, 1, 1, 1, 1, 1, 1, 'ü', '😀 ünïcödé ’ ß', REPEAT('long ', 20000), 'ab', 'c', 'd', '1000-01-01', '9999-12-31 23:59:59', '2038-01-19 03:14:07', '12:00:00', 1901, 'ok', 'b', '[]', POINT(-0.5, 1e10), NULL, UUID(), '::ffff:1.2.3.4');
CREATE TABLE zero (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, v int) AUTO_INCREMENT = 100;
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';
INSERT INTO zero VALUES (0, 0), (-5, 1);
SET sql_mode = '';
CREATE TABLE `odd ``name`` with "quotes", and; more` (`a b` int, `c``d` int, `é` int, `select` int, `x(y)` int, PRIMARY KEY (`a b`));
INSERT INTO `odd ``name`` with "quotes", and; more` VALUES (1, 2, 3, 4, 5);
CREATE TABLE `123` (`1` int);
INSERT INTO `123` VALUES (1);
CREATE TABLE latin (id int PRIMARY KEY, a varchar(20) CHARACTER SET latin1, b varchar(20) CHARACTER SET utf8mb3, c varchar(20) CHARACTER SET utf16, d varchar(20) CHARACTER SET sjis) DEFAULT CHARSET latin1;
INSERT INTO latin VALUES (1, 'üñ', 'ü€', '😀', '表示');
CREATE TABLE computed (id int PRIMARY KEY, name varchar(20), upper1 varchar(20) AS (UPPER(name)) STORED, low varchar(20) AS (LOWER(name)) VIRTUAL, hidden int INVISIBLE DEFAULT 3);
INSERT INTO computed (id, name) VALUES (1, 'Ada'), (2, NULL);
CREATE TABLE parts (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (YEAR(day)) (PARTITION p0 VALUES LESS THAN (2020), PARTITION p1 VALUES LESS THAN MAXVALUE);
INSERT INTO parts VALUES (1, '2019-01-01'), (2, '2021-01-01');
CREATE TABLE history (id int PRIMARY KEY, v int) WITH SYSTEM VERSIONING;
INSERT INTO history VALUES (1, 1);
UPDATE history SET v = 2;
CREATE TABLE z_parent (id int PRIMARY KEY, code varchar(10) NOT NULL UNIQUE) ENGINE InnoDB;
CREATE TABLE a_child (id int PRIMARY KEY, parent_id int, code varchar(10), self_id int,
  CONSTRAINT `fk one` FOREIGN KEY (parent_id) REFERENCES z_parent (id) ON DELETE CASCADE,
  CONSTRAINT fk_code FOREIGN KEY (code) REFERENCES z_parent (code) ON DELETE SET NULL ON UPDATE CASCADE,
  CONSTRAINT fk_self FOREIGN KEY (self_id) REFERENCES a_child (id), CHECK (id > 0));
INSERT INTO z_parent VALUES (1, 'one'), (2, 'two');
INSERT INTO a_child VALUES (1, 1, 'one', 1), (2, 2, NULL, 1);
CREATE TABLE nothing (a int);
CREATE TABLE no_key (a int, b varchar(10));
INSERT INTO no_key VALUES (1, 'x'), (1, 'x');
CREATE TABLE old_engine (id int PRIMARY KEY, v varchar(10)) ENGINE MyISAM;
INSERT INTO old_engine VALUES (1, 'a');
CREATE SEQUENCE numbers START WITH 10 INCREMENT BY 5;
SELECT NEXTVAL(numbers);
CREATE FUNCTION twice(x int) RETURNS int DETERMINISTIC RETURN x * 2;
CREATE VIEW zz_first AS SELECT id, twice(v) AS v FROM zero;
CREATE VIEW aa_second AS SELECT * FROM zz_first WHERE v > 0;
DELIMITER //
CREATE PROCEDURE talk() COMMENT 'it''s; a comment' BEGIN
  -- Dump completed
  SELECT 'INSERT INTO `zero` VALUES (1);' AS a;
END//
CREATE TRIGGER stamp1 BEFORE INSERT ON a_child FOR EACH ROW SET NEW.self_id = COALESCE(NEW.self_id, NEW.id)//
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DISABLE DO BEGIN DELETE FROM nothing; END//
DELIMITER ;
