/** The places where backups lie, as a report shows them: where in the world, and what `doctor` finds there. */
import type { Config } from '../../config/config.ts';
import { isHoldfastError } from '../../errors.ts';
import type { PlaceFacts } from '../../report/facts.ts';
import type { Store } from '../../stores/store.ts';
import { failed } from '../posture/check.ts';
import type { Check } from '../posture/check.ts';
import type { CliContext } from '../context.ts';
import { checkPosture } from '../posture/posture.ts';
import { lifecyclePlaces } from '../posture/lifecycle.ts';
import type { LifecyclePlace } from '../posture/lifecycle.ts';
import { locationOf } from '../posture/residency.ts';

/** The store first, then every place that holds copies. A place that cannot be looked at is one with a finding. */
export async function placeFacts(context: CliContext, config: Config): Promise<PlaceFacts[]> {
  const found: PlaceFacts[] = [];
  for (const place of lifecyclePlaces(context, config)) found.push(await placeFact(context, config, place));
  return found;
}

async function placeFact(context: CliContext, config: Config, place: LifecyclePlace): Promise<PlaceFacts> {
  const { url } = place;
  const name = place.copy === undefined ? 'store' : `copy ${place.copy}`;
  let store: Store | undefined;
  try {
    store = await place.open();
    await store.check(context.signal);
    const checks = await Array.fromAsync(checkPosture(context, { config, name, place, store }));
    return { name, url, ...(await residence(context, config, store)), checks };
  } catch (error) {
    // Elsewhere than promised: nothing of it was read.
    const refused = isHoldfastError(error, 'RESIDENCY_REFUSED') ? false : undefined;
    const checks: Check[] = [failed(name, error)];
    return { name, url, location: undefined, residentAsPromised: refused, checks };
  } finally {
    await store?.close();
  }
}

async function residence(
  { signal }: CliContext,
  { promises }: Config,
  store: Store,
): Promise<Pick<PlaceFacts, 'location' | 'residentAsPromised'>> {
  try {
    const location = await locationOf(store, signal);
    const { residency } = promises;
    return {
      location,
      residentAsPromised: residency.length === 0 ? undefined : residency.includes(location),
    };
  } catch (error) {
    if (isHoldfastError(error, 'CANCELLED')) throw error;
    return { location: undefined, residentAsPromised: undefined };
  }
}
