/**
 * The servers that all tests of a run share, started when the first test asks. Make your own database or bucket in
 * them. A test that disturbs a server (bounce, freeze, suspending `owner`) starts one of its own: startPostgres, startRgw.
 */
import { inject } from 'vitest';
import { askBroker } from './broker.ts';
import type { MariadbAccess, MariadbAddress } from './mariadb.ts';
import { mariadbAt } from './mariadb.ts';
import type { PostgresAccess, PostgresAddress } from './postgres.ts';
import { postgresAt } from './postgres.ts';
import type { S3Access, S3Address } from './s3-access.ts';
import { s3At } from './s3-access.ts';

/** The PostgreSQL server of this test run. */
export async function usePostgres(): Promise<PostgresAccess> {
  return postgresAt((await askBroker(inject('brokerSocket'), 'postgres')) as PostgresAddress);
}

/** The MariaDB server of this test run. */
export async function useMariadb(): Promise<MariadbAccess> {
  return mariadbAt((await askBroker(inject('brokerSocket'), 'mariadb')) as MariadbAddress);
}

/** The S3 server of this test run, in `ca-central-1`. Its lifecycle rules count real days: see `lifecyclePass`. */
export async function useS3(): Promise<S3Access> {
  return s3At((await askBroker(inject('brokerSocket'), 's3')) as S3Address);
}

/** Another one that is somewhere else, in `us-east-1`. */
export async function useS3Abroad(): Promise<S3Access> {
  return s3At((await askBroker(inject('brokerSocket'), 's3-abroad')) as S3Address);
}
