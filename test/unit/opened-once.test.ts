/** A message is opened once, and given again only to those who trust its signer. */
import { expect, test } from 'vitest';
import { generateHostKey, generateRecipientKey } from '../../src/openpgp/keys.ts';
import { KeyOpener, MessageSealer } from '../../src/openpgp/message.ts';
import { openedOnce } from '../../src/openpgp/opened-once.ts';
import { Trust } from '../../src/openpgp/trust.ts';

test('opens once, for whoever trusts the signer', async () => {
  const [ops, host] = await Promise.all([generateRecipientKey('ops'), generateHostKey('host')]);
  const real = new KeyOpener([ops]);
  let times = 0;
  const opener = openedOnce(
    {
      certifiers: real.certifiers,
      open: (sealed, trust, what) => {
        times += 1;
        return real.open(sealed, trust, what);
      },
    },
    10,
  );
  const sealer = new MessageSealer([ops.toPublic()], host);
  const [first, second] = [await sealer.seal(Buffer.from('12345')), await sealer.seal(Buffer.from('123456'))];
  const all = new Trust([ops.toPublic(), host.toPublic()]);
  for (let time = 0; time < 2; time++)
    expect((await opener.open(Buffer.from(first), all, 'it')).plain.toString()).toBe('12345');
  expect(times).toBe(1);
  await expect(opener.open(first, new Trust([ops.toPublic()]), 'it')).rejects.toMatchObject({
    code: 'SIGNER_NOT_TRUSTED',
  });
  // Together they are more than it keeps.
  await opener.open(second, all, 'it');
  times = 0;
  await opener.open(second, all, 'it');
  expect(times).toBe(0);
  await opener.open(first, all, 'it');
  expect(times).toBe(1);
});
