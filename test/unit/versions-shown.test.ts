/** Goal: the versions that `doctor` and `support` show are those that somebody would look up. */
import { expect, test } from 'vitest';
import { versionsText } from '../../src/cli/posture/doctor.ts';
import type { SourceKind } from '../../src/sources/source.ts';
import { versionIn } from '../../src/support/tool-versions.ts';

test.each([
  ['*** Zstandard CLI (64-bit) v1.5.4, by Yann Collet ***', '1.5.4'],
  ['mariadb-dump  Ver 10.19 Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)', '10.11.19'],
  ['mysqldump  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)', '8.0.36'],
  ['pg_dump (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)', '15.20'],
  ['gpg (GnuPG) 2.2.40\nlibgcrypt 1.10.1', '2.2.40'],
  ['redis-cli 7.0.15', '7.0.15'],
  ['systemd 252 (252.38-1~deb12u1)\n+PAM +AUDIT', '252'],
  ['', undefined],
])('%s', (text, version) => {
  expect(versionIn(text)).toBe(version);
});

test.each<[SourceKind, string, string, string]>([
  ['postgres', '15.20', '16.2', 'server 15.20, tools 16.2'],
  ['redis', '7.0.15', '7.0.15', '7.0.15'],
  ['sqlite', '3.40.1', '3.53.4', 'written by SQLite 3.40.1, read by 3.53.4'],
  ['files', 'Linux 6.1.0', 'holdfast', 'Linux 6.1.0'],
])('%s: doctor speaks of a server only where there is one', (kind, serverVersion, toolVersion, text) => {
  expect(versionsText({ kind, serverVersion, toolVersion })).toBe(text);
});
