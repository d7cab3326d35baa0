import { HoldfastError } from '../errors.ts';

export const signerIsLeaving = (signer: string) =>
  new HoldfastError({
    code: 'SIGNER_NOT_A_RECIPIENT',
    exit: 'usage',
    message: `${signer}, which would sign the new manifests, is neither a recipient nor a purge signer`,
    hint: 'Sign with a key that stays: --sign-with FILE, the private key of a recipient or of a purge signer.',
  });

export const replacementMissing = (snapshot: string) =>
  new HoldfastError({
    code: 'REPLACEMENT_MISSING',
    exit: 'verification',
    message: `the new manifest of snapshot ${snapshot} is not there as it was written`,
    hint: 'Nothing was removed. Run the same command again, and find out who else writes to or deletes from the store.',
  });
