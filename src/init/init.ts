/** `init`: keys, store and configuration, in an order in which a failure leaves nothing that is in the way. */
import { access, constants, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { armorPrivateKey, certify } from '../openpgp/keys.ts';
import type { Store } from '../stores/store.ts';
import { cannotWrite, fileExists } from './errors.ts';
import { makeKeys } from './keys.ts';
import type { InitKeys } from './keys.ts';
import { prepareStore } from './store.ts';
import type { PreparedStore } from './store.ts';
import { applyRules, mustNotLockManifests } from './rules.ts';
import type { ChainPolicy } from '../repository/rules.ts';

export interface InitOptions {
  /** Absolute path of the configuration to write. */
  readonly configFile: string;
  readonly store: Store;
  readonly writer: string;
  /** Absolute path for the reader's new private key; undefined when recipients are given and none is wanted. */
  readonly privateKeyOut: string | undefined;
  readonly recipientFiles: readonly string[];
  readonly passphrase: string | undefined;
  /** The text of the configuration, given the paths of the keys relative to its folder. */
  readonly renderConfig: (files: { recipients: string[]; signingKey: string }) => string;
  /** Of the set: the bucket gets a lifecycle rule for each life that its objects may have. */
  readonly policy: ChainPolicy;
  /** The text holds a secret: close the file to others. */
  readonly configIsSecret: boolean;
}

export interface InitReport extends PreparedStore {
  readonly configFile: string;
  readonly privateKeyFile: string | undefined;
  readonly hostFingerprint: string;
  readonly recipients: readonly {
    readonly file: string;
    readonly fingerprint: string;
    readonly userId: string;
  }[];
  /** Lifecycle rules that the bucket has now, those of others included; undefined for a folder. */
  readonly rules: number | undefined;
  readonly warnings: readonly string[];
}

/**
 * Sets everything up.
 * @throws HoldfastError INIT_EXISTS, INIT_CANNOT_WRITE, RECIPIENT_UNFIT, DEFAULT_LOCK, and what the store throws
 */
export async function runInit(options: InitOptions, signal: AbortSignal): Promise<InitReport> {
  const { configFile, store, writer, recipientFiles, privateKeyOut } = options;
  const keysFolder = join(dirname(configFile), 'keys');
  await refuseExisting(configFile, 'a configuration');
  await refuseExisting(join(keysFolder, 'host.key'), 'keys');
  if (privateKeyOut !== undefined) {
    await refuseExisting(privateKeyOut, 'a private key');
    await mustBeWritable(dirname(privateKeyOut), privateKeyOut);
  }
  await store.create(signal);
  await mustNotLockManifests(store, signal);
  const keys = await makeKeys({ writer, recipientFiles, makeOps: privateKeyOut !== undefined });
  const written: string[] = [];
  try {
    await writeKeys(keys, keysFolder, options, written);
    const host = keys.ops ? await certify(keys.host.toPublic(), keys.ops) : keys.host.toPublic();
    const recipients = keys.recipients.map(({ key }) => key);
    const files = {
      recipients: keys.recipients.map(({ file }) => `keys/${file}`),
      signingKey: 'keys/host.key',
    };
    await writeNew(configFile, options.renderConfig(files), options.configIsSecret ? 0o600 : 0o644, written);
    // Last: what fails before leaves no store, what comes after cannot fail.
    const prepared = await prepareStore({ store, signer: keys.ops ?? keys.host, host, recipients }, signal);
    const rules = await applyRules(store, options.policy, signal);
    const report = reportOf(options, keys);
    const warnings = [...report.warnings, ...rules.warnings];
    return { ...prepared, ...report, warnings, rules: rules.count, hostFingerprint: host.getFingerprint() };
  } catch (error) {
    for (const file of written.reverse()) await rm(file, { force: true });
    throw error;
  }
}

async function writeKeys(
  keys: InitKeys,
  folder: string,
  { privateKeyOut, passphrase }: InitOptions,
  written: string[],
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw cannotWrite(folder, cause);
  });
  if (keys.ops && privateKeyOut !== undefined) {
    await writeNew(privateKeyOut, await armorPrivateKey(keys.ops, passphrase), 0o600, written);
  }
  await writeNew(join(folder, 'host.key'), keys.host.armor(), 0o600, written);
  await writeNew(join(folder, 'host.asc'), keys.host.toPublic().armor(), 0o644, written);
  for (const { file, key } of keys.recipients)
    await writeNew(join(folder, file), key.armor(), 0o644, written);
}

async function writeNew(file: string, text: string, mode: number, written: string[]): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx', mode, flush: true });
    written.push(file);
  } catch (cause) {
    throw (cause as NodeJS.ErrnoException).code === 'EEXIST'
      ? fileExists(file, 'a file')
      : cannotWrite(file, cause);
  }
}

/** Asked before anything is made: a medium that is not mounted must not leave half a set-up behind. */
async function mustBeWritable(folder: string, file: string): Promise<void> {
  await access(folder, constants.W_OK).catch((cause: unknown) => {
    throw cannotWrite(file, cause);
  });
}

async function refuseExisting(file: string, what: string): Promise<void> {
  if (await stat(file).catch(() => undefined)) throw fileExists(file, what);
}

function reportOf(
  { configFile, privateKeyOut }: InitOptions,
  keys: InitKeys & { readonly warnings: readonly string[] },
) {
  const recipients = keys.recipients.map(({ file, key }) => ({
    file: `keys/${file}`,
    fingerprint: key.getFingerprint(),
    userId: key.getUserIDs()[0] ?? '',
  }));
  return { configFile, privateKeyFile: privateKeyOut, recipients, warnings: keys.warnings };
}
