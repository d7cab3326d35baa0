/** What the tests of recovery share: a store, a key ring, and `recover.sh` run with nothing but standard tools. */
import { chmod, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect } from 'vitest';
import { KeyOpener } from '../../src/openpgp/message.ts';
import type { Manifest } from '../../src/repository/manifest.ts';
import type { CatalogEntry } from '../../src/repository/catalog.ts';
import { openManifest } from '../../src/restore/open.ts';
import { SnapshotReader } from '../../src/restore/reader.ts';
import { script } from '../../src/restore/script.ts';
import type { ScriptOptions } from '../../src/restore/script.ts';
import { SegmentPool } from '../../src/segments/pool.ts';
import { locateOrThrow } from '../services/packages.ts';
import { tempFolder } from '../services/temp.ts';
import { SIGNAL, entriesOf, makeWorld, rowsOf, sqlOf } from '../services/world.ts';
import type { Tables, World } from '../services/world.ts';

/** Everything that the script may use, and nothing else: gpg, zstd, and what any Unix has. */
const TOOLS =
  'awk cat cut date dirname gpg grep head mkdir mktemp od rm sed sha256sum sort tail tr wc zstd'.split(' ');

const FIRST_DAY: Tables = { users: rowsOf(12_000), orders: rowsOf(40), '"Odd ""Name"""': rowsOf(3) };
export const LAST_DAY: Tables = {
  users: rowsOf(12_100),
  orders: rowsOf(50),
  empty: [],
  '"Odd ""Name"""': rowsOf(3),
};
export const FIRST_SQL = sqlOf(FIRST_DAY);
export const LAST_SQL = sqlOf(LAST_DAY);

/** Where and how the script runs. */
export interface Place {
  /** The copy of the store; the script that lies in it is the one that runs. */
  readonly store: string;
  /** The only folder on the PATH. */
  readonly tools: string;
  readonly gnupg: string;
  readonly shell?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Ends it with SIGTERM as soon as its stderr matches. */
  readonly killWhen?: RegExp;
}

export interface RecoveryWorld {
  readonly world: World;
  /** The ids of two snapshots, the older one first. */
  readonly snapshots: readonly [string, string];
  readonly place: Place;
}

/** A store with two snapshots, and a key ring with the private key that opens them. */
export async function makeRecoveryWorld(): Promise<RecoveryWorld> {
  const world = await makeWorld();
  const first = await world.backup(FIRST_DAY);
  const last = await world.backup(LAST_DAY);
  const place = { store: world.root, tools: await toolFolder(), gnupg: await keyring([world.ops.armor()]) };
  return { world, snapshots: [first.entry.snapshot, last.entry.snapshot], place };
}

/** A folder with the standard tools, some of them replaced by shell scripts. */
export async function toolFolder(replaced: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = await tempFolder('tools');
  for (const tool of TOOLS.filter((name) => !(name in replaced))) {
    await symlink(locateOrThrow(tool), join(folder, tool));
  }
  for (const [name, body] of Object.entries(replaced)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${body}\n`);
    await chmod(join(folder, name), 0o755);
  }
  return folder;
}

const keyrings: string[] = [];

/** A throw-away GNUPGHOME with these keys; `endAgents` ends the agent that gpg starts for it. */
export async function keyring(armored: readonly string[]): Promise<string> {
  const folder = await tempFolder('gnupg');
  keyrings.push(folder);
  for (const input of armored) {
    await execa('gpg', ['--homedir', folder, '--batch', '--quiet', '--import'], { input });
  }
  return folder;
}

/** For `afterAll`. */
export async function endAgents(): Promise<void> {
  for (const folder of keyrings.splice(0)) {
    await execa('gpgconf', ['--homedir', folder, '--kill', 'gpg-agent'], { reject: false });
  }
}

export interface Recovered {
  readonly code: number | undefined;
  readonly stdout: Buffer;
  readonly sql: string;
  readonly stderr: string;
}

/** Runs `recover.sh ARGS` in a store. A failing exit code is a result. */
export async function recover(args: readonly string[], place: Place): Promise<Recovered> {
  const [shell = 'sh', ...flags] = place.shell ?? ['sh'];
  const child = execa(locateOrThrow(shell), [...flags, 'recover.sh', ...args], {
    cwd: place.store,
    env: { PATH: place.tools, HOME: '/nonexistent', GNUPGHOME: place.gnupg, ...place.env },
    extendEnv: false,
    reject: false,
    encoding: 'buffer',
    stripFinalNewline: false,
    stdin: 'ignore',
    maxBuffer: 1 << 28,
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    if (place.killWhen?.test(said)) child.kill('SIGTERM');
  });
  const { exitCode, stdout } = await child;
  // Session keys and hashes alike are 64 hex digits; neither is for the screen.
  expect(said).not.toMatch(/[0-9a-f]{64}/i);
  const bytes = Buffer.from(stdout);
  return { code: exitCode, stdout: bytes, sql: bytes.toString(), stderr: said };
}

/** The newest snapshot and its manifest. */
export async function newestOf(world: World): Promise<{ item: CatalogEntry; manifest: Manifest }> {
  const item = (await entriesOf(world)).at(-1);
  if (!item) throw new Error('there is no snapshot');
  return { item, manifest: await openManifest(world.session, item, new KeyOpener([world.ops]), SIGNAL) };
}

/** What `holdfast cat` prints for the newest snapshot. */
export async function cat(world: World, options: ScriptOptions = { globals: false }): Promise<Buffer> {
  const { manifest } = await newestOf(world);
  await using pool = SegmentPool.forReading();
  const reader = new SnapshotReader(world.store, manifest, pool);
  return Buffer.concat(await Array.fromAsync(script(reader, options, SIGNAL)));
}
