/** Two parties at one store, whose operations come in an order that a test gives. */
import type { Store } from '../../src/stores/store.ts';

export class Turnstile<Who extends string> {
  readonly #turns: Who[];
  readonly #gone = new Set<Who>();
  #changed = Promise.withResolvers<undefined>();

  /** @param turns - whose operation is next; when they are over, everybody goes on freely */
  constructor(turns: readonly Who[]) {
    this.#turns = [...turns];
  }

  /** The store as this party has it. */
  of(who: Who, store: Store): Store {
    const pass = () => this.#pass(who);
    return new Proxy(store, {
      get(target, name) {
        const method: unknown = Reflect.get(target, name, target);
        if (typeof method !== 'function') return method;
        const call = (args: unknown[]): unknown => Reflect.apply(method, target, args);
        if (name === 'list' || name === 'versions')
          return async function* (...args: unknown[]) {
            await pass();
            yield* call(args) as AsyncIterable<unknown>;
          };
        return async (...args: unknown[]): Promise<unknown> => {
          await pass();
          return call(args);
        };
      },
    });
  }

  /** This party has come to its end: nobody waits for it any more. */
  leave(who: Who): void {
    this.#gone.add(who);
    this.#wake();
  }

  async #pass(who: Who): Promise<void> {
    for (;;) {
      while (this.#turns[0] !== undefined && this.#gone.has(this.#turns[0])) this.#turns.shift();
      const [next] = this.#turns;
      if (next === undefined) return;
      if (next === who) {
        this.#turns.shift();
        this.#wake();
        return;
      }
      await this.#changed.promise;
    }
  }

  #wake(): void {
    this.#changed.resolve(undefined);
    this.#changed = Promise.withResolvers<undefined>();
  }
}
