/** Every key that the configuration names, judged: fit, about to end, or not to be used. */
import type { Config } from '../../config/config.ts';
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { KeyFact } from '../../report/facts.ts';

export interface KeyRow extends KeyFact {
  readonly role: 'recipient' | 'former' | 'signing' | 'trusted' | 'purge';
  readonly file: string;
}

/** Recipients first, then whoever signs. A key that cannot be read is a row with the reason. */
export async function judgeKeys(config: Config): Promise<KeyRow[]> {
  const { judgeRecipient, keyFacts, readPublicKey, readSigningKey } = await import('../../openpgp/keys.ts');
  const rows: KeyRow[] = [];
  for (const file of config.recipients) {
    try {
      const {
        expires,
        created: _created,
        ...verdict
      } = await judgeRecipient(await readPublicKey(file), file, new Date());
      rows.push({ ...verdict, role: 'recipient', expires: expires?.toISOString() });
    } catch (error) {
      rows.push(unread('recipient', file, error));
    }
  }
  for (const { role, file } of signersOf(config)) {
    try {
      const key = role === 'signing' ? await readSigningKey(file) : await readPublicKey(file);
      const { expires, created: _created, ...facts } = await keyFacts(key);
      const verdict = { refusal: undefined, warning: undefined };
      rows.push({ ...facts, role, file, expires: expires?.toISOString(), ...verdict });
    } catch (error) {
      rows.push(unread(role, file, error));
    }
  }
  return rows;
}

function signersOf({ signingKey, trustedSigners, formerRecipients, purgeSigners }: Config) {
  return [
    ...(signingKey === undefined ? [] : [{ role: 'signing' as const, file: signingKey }]),
    ...trustedSigners.map((file) => ({ role: 'trusted' as const, file })),
    ...formerRecipients.map((file) => ({ role: 'former' as const, file })),
    ...purgeSigners.map((file) => ({ role: 'purge' as const, file })),
  ];
}

function unread(role: KeyRow['role'], file: string, error: unknown): KeyRow {
  if (!(error instanceof HoldfastError)) throw error;
  const nothing = { fingerprint: '', userId: '', algorithm: '', expires: undefined, warning: undefined };
  return { role, file, ...nothing, refusal: reasonOf(error) };
}
