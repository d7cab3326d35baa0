/** What a restore has to know about a database and its server; goes into the manifest as plain JSON. */
import type { Client } from 'pg';
import { notReadable, queryFailed, rowsHidden } from './errors.ts';

/** `SourceInfo.facts` of a PostgreSQL source. */
export interface PgFacts {
  readonly serverMajor: number;
  /** The database's encoding, e.g. `UTF8`, and that of the dump's text. */
  readonly encoding: string;
  readonly dumpEncoding: string;
  /** The locale: collate and ctype, provider (`libc`, `icu`, `builtin`), that provider's locale, its version. */
  readonly locale: Readonly<Record<'collate' | 'ctype' | 'provider' | 'locale' | 'version', string | null>>;
  readonly extensions: readonly {
    readonly name: string;
    readonly version: string;
    readonly schema: string;
  }[];
  /** Roles that own something in this database or are granted something. */
  readonly roles: readonly string[];
  /** Tablespaces that this database uses, without the default ones. */
  readonly tablespaces: readonly string[];
  /** Of the database itself, which no section of pg_dump holds. */
  readonly owner: string;
  readonly comment: string | null;
  /** `GRANT privilege ON DATABASE … TO grantee`; null when nothing was granted or revoked. */
  readonly grants: readonly PgGrant[] | null;
  /** `ALTER DATABASE … CONNECTION LIMIT`; -1: none. */
  readonly connectionLimit: number;
  /** `ALTER DATABASE … SET`, and with a role `ALTER ROLE … IN DATABASE … SET`: texts `name=value`. */
  readonly settings: readonly { readonly role: string | null; readonly values: readonly string[] }[];
  /** What the role that made the dump may do. */
  readonly role: Readonly<{ name: string; superuser: boolean; bypassrls: boolean }>;
  /** True when the globals hold the roles' passwords (as verifiers). */
  readonly rolePasswords: boolean;
  readonly standby: boolean;
  /** Objects whose definition holds secrets that only a superuser can read. */
  readonly secretive: Readonly<{ subscriptions: number; userMappings: number }>;
}

export interface PgGrant {
  /** `PUBLIC` for everyone. */
  readonly grantee: string;
  readonly privilege: string;
  readonly grantable: boolean;
}

/** Encodings that PostgreSQL cannot turn into UTF-8 faithfully: such text is dumped as it is. */
const AS_IS = ['SQL_ASCII', 'MULE_INTERNAL'];

/** The encoding in which a database is dumped. Never one whose characters contain ASCII bytes. */
function dumpEncodingOf(encoding: string): string {
  return AS_IS.includes(encoding) ? encoding : 'UTF8';
}

/**
 * Reads all facts with one query.
 * @throws HoldfastError PG_QUERY
 */
export async function readFacts(
  client: Client,
  display: string,
): Promise<PgFacts & { readonly bytes: number }> {
  try {
    const { rows } = await client.query<{ facts: Omit<PgFacts, 'dumpEncoding'> & { bytes: number } }>(FACTS);
    const facts = rows[0]?.facts;
    if (facts === undefined) throw new Error('no row');
    return { ...facts, dumpEncoding: dumpEncodingOf(facts.encoding) };
  } catch (error) {
    throw queryFailed(display, 'the catalogue', error);
  }
}

/**
 * Throws what pg_dump would meet later.
 * @throws HoldfastError PG_PERMISSION, PG_ROW_SECURITY, PG_QUERY
 */
export async function checkReadable(client: Client, display: string): Promise<void> {
  const { rows } = await client
    .query<{ name: string; hidden: boolean }>(UNREADABLE)
    .catch((error: unknown) => Promise.reject(queryFailed(display, 'the privileges', error)));
  const denied = rows.filter((row) => !row.hidden).map((row) => row.name);
  if (denied.length > 0) throw notReadable(denied);
  if (rows.length > 0) throw rowsHidden(rows.map((row) => row.name));
}

// to_jsonb(d) instead of column names: the locale's columns have changed with every version since 15.
const FACTS = `
SELECT json_build_object(
  'serverMajor', current_setting('server_version_num')::int / 10000,
  'encoding', pg_catalog.pg_encoding_to_char(d.encoding),
  'locale', json_build_object(
    'collate', d.datcollate, 'ctype', d.datctype,
    'provider', CASE j->>'datlocprovider' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END,
    'locale', coalesce(j->>'datlocale', j->>'daticulocale'), 'version', j->>'datcollversion'),
  'extensions', (SELECT coalesce(json_agg(json_build_object('name', extname, 'version', extversion, 'schema', nspname)
      ORDER BY extname), '[]') FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = extnamespace),
  'roles', (SELECT coalesce(json_agg(rolname ORDER BY rolname), '[]') FROM pg_catalog.pg_roles r WHERE r.oid IN (
      SELECT refobjid FROM pg_catalog.pg_shdepend s WHERE refclassid = 'pg_catalog.pg_authid'::regclass
        AND (s.dbid = d.oid OR (classid = 'pg_catalog.pg_database'::regclass AND objid = d.oid))
      UNION SELECT d.datdba
      -- The first superuser is not in pg_shdepend: it cannot be dropped.
      UNION SELECT relowner FROM pg_catalog.pg_class c WHERE c.oid >= 16384
      UNION SELECT proowner FROM pg_catalog.pg_proc p WHERE p.oid >= 16384
      UNION SELECT typowner FROM pg_catalog.pg_type t WHERE t.oid >= 16384
      UNION SELECT nspowner FROM pg_catalog.pg_namespace n WHERE n.oid >= 16384
      UNION SELECT lomowner FROM pg_catalog.pg_largeobject_metadata)),
  'tablespaces', (SELECT coalesce(json_agg(spcname ORDER BY spcname), '[]') FROM pg_catalog.pg_tablespace t
      WHERE t.oid IN (SELECT reltablespace FROM pg_catalog.pg_class UNION SELECT d.dattablespace)
        AND spcname NOT IN ('pg_default', 'pg_global')),
  'owner', pg_catalog.pg_get_userbyid(d.datdba),
  'comment', pg_catalog.shobj_description(d.oid, 'pg_database'),
  'grants', CASE WHEN d.datacl IS NOT NULL THEN (SELECT coalesce(json_agg(json_build_object(
      'grantee', CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(grantee) END,
      'privilege', privilege_type, 'grantable', is_grantable) ORDER BY grantee, privilege_type), '[]')
      FROM pg_catalog.aclexplode(d.datacl)) END,
  'connectionLimit', d.datconnlimit,
  'settings', (SELECT coalesce(json_agg(json_build_object('role', rolname, 'values', setconfig)
      ORDER BY rolname NULLS FIRST), '[]') FROM pg_catalog.pg_db_role_setting s
      LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole WHERE s.setdatabase = d.oid),
  'role', (SELECT json_build_object('name', rolname, 'superuser', rolsuper, 'bypassrls', rolbypassrls)
      FROM pg_catalog.pg_roles WHERE rolname = current_user),
  'rolePasswords', pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'SELECT'),
  'standby', pg_catalog.pg_is_in_recovery(),
  'secretive', json_build_object(
    'subscriptions', (SELECT count(*) FROM pg_catalog.pg_subscription WHERE subdbid = d.oid),
    'userMappings', (SELECT count(*) FROM pg_catalog.pg_user_mappings)),
  'bytes', pg_catalog.pg_database_size(d.oid)
) AS facts
FROM pg_catalog.pg_database d, LATERAL (SELECT to_jsonb(d) AS j) AS json
WHERE d.datname = pg_catalog.current_database()`;

/** Tables and sequences that are dumped (not those of extensions) and that this role may not read, or not wholly. */
const UNREADABLE = `
SELECT pg_catalog.quote_ident(nspname) || '.' || pg_catalog.quote_ident(relname) AS name,
  pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT') AS hidden
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'S') AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
  AND (NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE') OR NOT pg_catalog.has_table_privilege(c.oid, 'SELECT')
    OR (c.relkind = 'r' AND pg_catalog.row_security_active(c.oid)))
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend p WHERE p.classid = 'pg_catalog.pg_class'::regclass
    AND p.objid = c.oid AND p.deptype = 'e')
ORDER BY 1`;
