/** The store of a set and its copies, as a plan looks at them. */
import type { Config, SetConfig } from '../../config/config.ts';
import { isSurvivable } from '../../errors.ts';
import type { PlanPlace } from '../../purge/plan/plan.ts';
import type { Session } from '../../repository/session.ts';
import type { Store } from '../../stores/store.ts';
import type { CliContext } from '../context.ts';

export interface PlanPlaces extends AsyncDisposable {
  /** The store first; copies without anything in them are left out. */
  readonly places: readonly PlanPlace[];
}

/** Opens them. A copy that cannot be reached is named with the reason: a plan can be made without it. */
export async function openPlaces(
  context: CliContext,
  config: Config,
  set: SetConfig,
  session: Session<Store>,
): Promise<PlanPlaces> {
  const { openCopies } = await import('../copies/copies.ts');
  await using stack = new AsyncDisposableStack();
  const places: PlanPlace[] = [{ name: session.store.url, store: session.store }];
  for (const replica of set.replicas) {
    try {
      const { copies } = stack.use(await openCopies(context, config, { ...set, replicas: [replica] }));
      for (const { name, session: copy } of copies) places.push({ name, store: copy.store });
    } catch (error) {
      if (!isSurvivable(error)) throw error;
      places.push({ name: replica.name, trouble: error.message });
    }
  }
  const resources = stack.move();
  return { places, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}
