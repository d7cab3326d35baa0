import { notTrusted } from './errors.ts';
import { isCertifiedBy } from './keys.ts';
import type { openpgp } from './library.ts';

/**
 * Whose signatures count. A key is trusted when the configuration names it, or when one of the recipients
 * (the people who can restore) has certified it: so a store can carry its hosts' public keys itself.
 */
export class Trust {
  readonly #keys = new Map<string, openpgp.PublicKey>();
  readonly #unknown = new Map<string, openpgp.PublicKey>();

  /** @param named - keys that the configuration names or that are this machine's own */
  constructor(named: readonly openpgp.PublicKey[]) {
    for (const key of named) this.#keys.set(key.getFingerprint(), key);
  }

  /** Adds keys found in the store: trusted if certified by one of the certifiers, remembered as unknown otherwise. */
  async addFromStore(
    keys: readonly openpgp.PublicKey[],
    certifiers: readonly openpgp.PublicKey[],
  ): Promise<void> {
    for (const key of keys) {
      const fingerprint = key.getFingerprint();
      if (this.#keys.has(fingerprint)) continue;
      if (certifiers.length > 0 && (await isCertifiedBy(key, certifiers))) this.#keys.set(fingerprint, key);
      else this.#unknown.set(fingerprint, key);
    }
  }

  get keys(): openpgp.PublicKey[] {
    return [...this.#keys.values()];
  }

  get fingerprints(): string[] {
    return [...this.#keys.keys()];
  }

  has(fingerprint: string): boolean {
    return this.#keys.has(fingerprint);
  }

  /**
   * The trusted key with this fingerprint.
   * @throws HoldfastError SIGNER_NOT_TRUSTED naming `what`
   */
  key(fingerprint: string, what: string): openpgp.PublicKey {
    const key = this.#keys.get(fingerprint);
    if (key) return key;
    const user = this.#unknown.get(fingerprint)?.getUserIDs()[0];
    throw notTrusted(what, user === undefined ? fingerprint : `${fingerprint} (${user})`);
  }
}
