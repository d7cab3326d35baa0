/** `holdfast support`: what somebody who helps needs to know, without a secret and without a name, sealed. */
import { arch, platform, release } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { isHoldfastError } from '../../errors.ts';
import type { Config } from '../../config/config.ts';
import type { Author } from '../../seal/seal.ts';
import type { openpgp } from '../../openpgp/library.ts';
import { VERSION } from '../../version.ts';
import type { CliContext } from '../context.ts';
import { runDoctor } from '../posture/doctor.ts';
import { formatBytes, formatPlural } from '../terminal/format.ts';
import { repeated } from '../options.ts';
import { withExamples } from '../program.ts';
import { sealingAuthor, sealingRecipients } from '../expiring/sealing.ts';
import { configurationShape } from '../reporting/support-config.ts';
import { storeFacts } from '../reporting/support-store.ts';
import { openConfiguredSession } from '../wiring.ts';

interface SupportFlags {
  readonly output?: string;
  readonly print?: boolean;
  readonly log?: string;
  readonly recipient: readonly string[];
  readonly only?: boolean;
  readonly key?: string;
}

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('support')
    .description('make a sealed file for whoever helps: versions, kinds and numbers; no names, no secrets')
    .option('-o, --output <FILE>', 'the file (default: holdfast-support-TIME.json.pgp)')
    .option('--print', 'show what would be in it, and seal nothing')
    .option('--log <FILE>', 'add the end of this log, of which only words of this program are kept')
    .option('--recipient <KEYFILE>', 'public key of who helps; may be repeated', repeated, [])
    .option('--only', 'for those of --recipient alone')
    .option('--key <FILE>', 'private key that signs, where there is no signing_key (default: $HOLDFAST_KEY)')
    .action((flags: SupportFlags) => support(context, flags));
  withExamples(command, [
    ['holdfast support --print', 'look at it before anybody else does'],
    ['holdfast support --recipient helper.asc --log backup.log', 'then send the file'],
  ]);
}

async function support(context: CliContext, flags: SupportFlags): Promise<void> {
  const { output } = context;
  const config = await context.config();
  const text = await bundleText(context, config, flags);
  if (flags.print === true) {
    if (!context.json) await output.write(text);
    output.record({ ...(JSON.parse(text) as object), type: 'support' });
    output.summary({ bytes: Buffer.byteLength(text) });
    return;
  }
  const recipients = await sealingRecipients(context, config, flags);
  const author = await sealingAuthor(context, config, flags);
  const stamp = new Date().toISOString().slice(0, 19).replace(/[-:]/g, '');
  const path = resolve(flags.output ?? `holdfast-support-${stamp}Z.json.pgp`);
  const bytes = await sealBundle(context, text, recipients, author, path);
  output.line(`wrote ${path}, ${formatBytes(bytes)} for ${formatPlural(recipients.length, 'recipient')}`);
  output.line('What is in it: holdfast support --print');
  output.record({ type: 'support', path, bytes, recipients: recipients.map((key) => key.getFingerprint()) });
  output.summary({ bytes });
}

/** Everything is told by what is known to be harmless; see `src/support/scrub.ts`. */
async function bundleText(context: CliContext, config: Config, { log }: SupportFlags): Promise<string> {
  const { toolVersions } = await import('../../support/tool-versions.ts');
  const bundle = {
    kind: 'holdfast-support',
    format: 1,
    made: new Date().toISOString(),
    versions: {
      holdfast: VERSION,
      node: process.versions.node,
      openssl: process.versions.openssl,
      system: `${platform()} ${release()} ${arch()}`,
      tools: await toolVersions(context.env, context.signal),
    },
    configuration: configurationShape(config),
    doctor: await doctorFindings(context),
    store: await storeFacts(context, config),
    ...(log !== undefined && { log: await logLines(log) }),
  };
  return `${JSON.stringify(bundle, undefined, 2)}\n`;
}

async function doctorFindings(context: CliContext): Promise<object[]> {
  const { scrubbed, scrubbedCode } = await import('../../support/scrub.ts');
  const findings: object[] = [];
  for await (const { what, verdict, found, code } of runDoctor(context))
    findings.push({ what: scrubbed(what), verdict, found: scrubbed(found), code: scrubbedCode(code) });
  return findings;
}

async function logLines(file: string): Promise<object[]> {
  const { readTail, scrubbedLine } = await import('../../support/log-tail.ts');
  const { cannotReadInput } = await import('../../seal/errors.ts');
  const lines = await readTail(resolve(file)).catch((cause: unknown) => {
    throw cannotReadInput(file, cause);
  });
  return lines.map(scrubbedLine);
}

/** A store that cannot be reached is often why somebody needs help: then there is no line in the ledger, and that is said. */
async function sealBundle(
  context: CliContext,
  text: string,
  recipients: readonly openpgp.PublicKey[],
  author: Author,
  path: string,
): Promise<number> {
  const { seal, sealUnrecorded } = await import('../../seal/seal.ts');
  const content = { plain: once(text), filename: 'holdfast-support.json', mustHaveContent: false };
  try {
    await using opened = await openConfiguredSession(context, [author.signer.toPublic()]);
    const { session } = opened;
    const destination = { to: 'file', path } as const;
    const onProgress = (): void => undefined;
    const all = { session, author, recipients, content, destination, ref: 'support', onProgress };
    return (await seal(all, context.signal)).bytes;
  } catch (error) {
    if (!isHoldfastError(error) || !['noStore', 'verification', 'failed'].includes(error.exit)) throw error;
    if (error.code.startsWith('SEAL_')) throw error;
    context.output.warn(`${error.message}: the ledger does not know of this file`);
    const again = { ...content, plain: once(text) };
    return (await sealUnrecorded(again, recipients, author.signer, path, context.signal)).bytes;
  }
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  yield Buffer.from(text);
}
