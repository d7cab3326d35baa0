/** The contract of engines, over every kind of database that holdfast backs up. */
import { describe } from 'vitest';
import { engineContract, momentContract } from './engine.contract.ts';
import { filesSubject, redisSubject } from './engine.others.ts';
import { mysqlSubject, postgresSubject, sqliteJournalBank, sqliteSubject } from './engine.subjects.ts';

engineContract('PostgreSQL', postgresSubject);

engineContract('SQLite', sqliteSubject);

describe('SQLite with the journal that it has unasked', () => {
  momentContract(sqliteJournalBank);
});

engineContract('MariaDB', mysqlSubject);

engineContract('Redis', redisSubject);

engineContract('files', filesSubject);
