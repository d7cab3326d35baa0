/** Hosts in buckets that are as they should not be, and what `doctor` says of them. */
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeHost, placeOn } from '../services/machines.ts';
import type { BucketPlace, Host, Machine, Place } from '../services/machines.ts';
import type { BucketOptions } from '../services/s3-access.ts';
import { openShop } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';
import { useS3 } from '../services/use.ts';

export interface CheckRecord {
  readonly what: string;
  readonly verdict: string;
  readonly found: string;
  readonly hint?: string;
}

/** What doctor finds, whatever its exit code. */
export async function checks(
  machine: Machine,
  env: Readonly<Record<string, string>> = {},
): Promise<CheckRecord[]> {
  const { json } = await machine.run(['doctor', '--json'], { env });
  return json.filter(({ type }) => type === 'check') as unknown as CheckRecord[];
}

/** A prefix in a new bucket. */
export async function place(options: BucketOptions = {}): Promise<BucketPlace> {
  return placeOn(await useS3(), options);
}

/** A host with a small database. */
export async function hostIn(where: Place): Promise<Host> {
  return makeHost({ place: where, source: await shopSource() });
}

/** Options of `init` for a small database. */
export async function shopSource(): Promise<readonly string[]> {
  const path = join(await tempFolder('shop'), 'shop.db');
  openShop(path, 1000);
  return ['--source', 'sqlite', '--path', path];
}

export function bucketOf(host: Host): string {
  return host.place.url.split('/')[2] ?? '';
}

/** Promises regions. */
export function promise(machine: Machine, residency: string): Promise<void> {
  return appendFile(join(machine.folder, 'holdfast.yaml'), `\npromises: { residency: ${residency} }\n`);
}

/** Adds a key to the only set. */
export async function setKey(host: Pick<Host, 'folder'>, line: string): Promise<void> {
  const file = join(host.folder, 'holdfast.yaml');
  const text = await readFile(file, 'utf8');
  await writeFile(
    file,
    text.replace(/^( +)full_every:.*$/m, (found, indent: string) => `${found}\n${indent}${line}`),
  );
}
