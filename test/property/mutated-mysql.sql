/*M!999999\- enable the sandbox mode */ 
-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: 127.0.0.1    Database: shop
-- ------------------------------------------------------

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;

--
-- Dumping data for table `t`
--
-- ORDER BY:  `id`

INSERT INTO `t` (`id`, `v`, `n`, `f`) VALUES (1,'it\'s \"quoted\" \\ back\nline\r\0\Z	tab',-1.50,1e100),
(2,'',0.00,NULL),
(3,NULL,NULL,-0.25);
INSERT INTO `t` (`id`, `v`, `n`, `f`) VALUES (4,'); DROP TABLE t; -- ü',4.00,4),
(5,'INSERT INTO `t` (`id`, `v`, `n`, `f`) VALUES (6,\'x\',1,1);\n-- Dump completed\n',5.00,5),
(7,'a','1.00',7);

--
-- Dumping data for table `bytes`
--
-- ORDER BY:  `id`

INSERT INTO `bytes` (`id`, `b`, `x`) VALUES
(1,0x00FF270A5C,b'101'),(2,'',b'0'),(3,NULL,0x07);

--
-- Dumping data for table `odd ``name`` VALUES (`
--

INSERT INTO `odd ``name`` VALUES (` (`a b`, `c``d`, `) VALUES (`) VALUES (1,'x',1);
INSERT INTO `odd ``name`` VALUES (` (`a b`, `c``d`, `) VALUES (`) VALUES (1,'x',1);
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;

/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

-- Dump completed
