/** The checks of `doctor`: each looks at one thing and never throws; what could not be looked at is not a pass. */
import { dirname } from 'node:path';
import type { Config, SetConfig } from '../../config/config.ts';
import { throwIfCancelled } from '../../errors.ts';
import type { SourceInfo } from '../../sources/source.ts';
import type { Store } from '../../stores/store.ts';
import { attempt, failed, ok, wrong } from './check.ts';
import type { Check } from './check.ts';
import type { CliContext } from '../context.ts';
import { asCopyError } from '../copies/copies-errors.ts';
import { formatBytes, formatDuration } from '../terminal/format.ts';
import { openSource, readConfiguredKeys } from '../wiring.ts';

export async function* runDoctor(context: CliContext): AsyncGenerator<Check> {
  const config = await context.config();
  yield { what: 'configuration', verdict: 'ok', found: config.file };
  yield* checkRecipients(config);
  yield* checkSigner(config);
  yield* checkPlaces(context, config);
  yield* checkMonitors(context, config);
  // A machine that only restores has no business with the sources.
  if (config.signingKey === undefined) return;
  for (const set of config.sets.values()) {
    throwIfCancelled(context.signal);
    yield* checkSource(context, config, set);
  }
}

async function* checkRecipients(config: Config): AsyncGenerator<Check> {
  const { judgeRecipient, readPublicKey } = await import('../../openpgp/keys.ts');
  for (const file of config.recipients) {
    const what = `recipient ${file}`;
    yield await attempt(what, async () => {
      const verdict = await judgeRecipient(await readPublicKey(file), file, new Date());
      if (verdict.refusal !== undefined) return wrong(what, verdict.refusal, 'Replace it in `recipients:`.');
      if (verdict.warning !== undefined)
        return {
          what,
          verdict: 'warning',
          found: verdict.warning,
          hint: 'Make a new key in time, or extend this one.',
        };
      return { what, verdict: 'ok', found: `${verdict.userId} ${verdict.algorithm}` };
    });
  }
}

async function* checkSigner(config: Config): AsyncGenerator<Check> {
  const { keyFacts, readSigningKey } = await import('../../openpgp/keys.ts');
  const file = config.signingKey;
  if (file === undefined) {
    yield {
      what: 'signing key',
      verdict: 'warning',
      found: 'none: this machine can restore, but not back up',
    };
    return;
  }
  const what = `signing key ${file}`;
  yield await attempt(what, async () => {
    const { stat } = await import('node:fs/promises');
    const { userId } = await keyFacts(await readSigningKey(file));
    const open = ((await stat(file)).mode & 0o077) !== 0;
    return open
      ? wrong(what, 'others can read it', `Run: chmod 600 ${file}`)
      : { what, verdict: 'ok', found: userId };
  });
}

/** The store, and then every place that holds copies. */
async function* checkPlaces(context: CliContext, config: Config): AsyncGenerator<Check> {
  const { lifecyclePlaces } = await import('./lifecycle.ts');
  const { checkPosture } = await import('./posture.ts');
  for (const place of lifecyclePlaces(context, config)) {
    throwIfCancelled(context.signal);
    const name = place.copy === undefined ? 'store' : `copy ${place.copy}`;
    const what = `${name} ${place.url}`;
    let store: Store | undefined;
    try {
      store = await place.open();
      await store.check(context.signal);
      yield ok(what, 'there, and can be listed');
      if (place.copy === undefined) {
        yield* checkHeader(context, config, store);
        yield* checkClock(context, store);
      }
      yield* checkPosture(context, { config, name, place, store });
    } catch (error) {
      yield failed(what, place.copy === undefined ? error : asCopyError(error, store?.bucket === undefined));
    } finally {
      await store?.close();
    }
  }
}

async function* checkHeader(context: CliContext, config: Config, store: Store): AsyncGenerator<Check> {
  const { openSession } = await import('../../repository/session.ts');
  yield await attempt('store header', async () => {
    const { recipients, formerRecipients, trustedSigners, purgeSigners } = await readConfiguredKeys(config);
    const keys = { signers: trustedSigners, recipients, formerRecipients, purgeSigners };
    const session = await openSession({ store, ...keys, stateDir: config.stateDir }, context.signal);
    const own = trustedSigners[0]?.getFingerprint();
    const { readWriterKeys } = await import('../../repository/store-header.ts');
    const { isCertifiedBy } = await import('../../openpgp/keys.ts');
    const mine = (await readWriterKeys(store, context.signal)).keys.find(
      (key) => key.getFingerprint() === own,
    );
    const found = `store ${session.id}, signature good`;
    if (config.signingKey !== undefined && mine && !(await isCertifiedBy(mine, recipients))) {
      return {
        what: 'store header',
        verdict: 'warning',
        found: `${found}; no recipient has vouched for this host`,
        hint: `Where a private key is, run: holdfast keys trust ${own ?? ''}`,
      };
    }
    return { what: 'store header', verdict: 'ok', found };
  });
}

const SKEW_MAX_MS = 60_000;

async function* checkClock(context: CliContext, store: Store): AsyncGenerator<Check> {
  yield await attempt('store clock', async () => {
    const skew = Math.abs(Date.now() - (await store.now(context.signal)).getTime());
    if (skew <= SKEW_MAX_MS) return { what: 'store clock', verdict: 'ok', found: 'agrees with this host' };
    return wrong(
      'store clock',
      `differs from this host's by ${formatDuration(skew)}`,
      'Run a time service (chrony, systemd-timesyncd) on this host.',
    );
  });
}

/** That their addresses can be read and their folders written to; nobody is told anything. */
async function* checkMonitors(context: CliContext, config: Config): AsyncGenerator<Check> {
  const { openMonitor } = await import('../monitors.ts');
  for (const monitor of config.monitors) {
    const what = `${monitor.place} (${monitor.kind})`;
    yield await attempt(what, async () => {
      const { name } = await openMonitor(context, config, monitor);
      if (monitor.kind === 'metrics') await mustBeWritable(dirname(monitor.path));
      return ok(what, name);
    });
  }
}

async function mustBeWritable(folder: string): Promise<void> {
  const { access, constants } = await import('node:fs/promises');
  await access(folder, constants.W_OK | constants.X_OK);
}

async function* checkSource(context: CliContext, config: Config, set: SetConfig): AsyncGenerator<Check> {
  const what = `set ${set.name} (${set.source})`;
  yield await attempt(what, async () => {
    const info = await (await openSource(config, set, context)).probe(context.signal);
    const size = info.estimatedBytes === undefined ? '' : `, about ${formatBytes(info.estimatedBytes)}`;
    const found = `${info.database}, ${versionsText(info)}${size}`;
    if (info.warnings.length === 0) return { what, verdict: 'ok', found };
    return { what, verdict: 'warning', found: `${found}; ${info.warnings.join('; ')}` };
  });
}

/** Files and SQLite have no server: what stands in its place is the system, or the library that wrote the file last. */
export function versionsText({
  kind,
  serverVersion,
  toolVersion,
}: Pick<SourceInfo, 'kind' | 'serverVersion' | 'toolVersion'>): string {
  if (toolVersion === serverVersion || kind === 'files') return serverVersion;
  if (kind === 'sqlite') return `written by SQLite ${serverVersion}, read by ${toolVersion}`;
  return `server ${serverVersion}, tools ${toolVersion}`;
}
