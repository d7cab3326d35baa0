import { HoldfastError } from '../errors.ts';

export const keyUnreadable = (file: string, cause: unknown) =>
  new HoldfastError({
    code: 'KEY_UNREADABLE',
    exit: 'usage',
    message: `${file} is not a readable OpenPGP key`,
    hint: 'Export it again: gpg --armor --export NAME > key.asc; the private key that opens backups: gpg --armor --export-secret-keys NAME > ops.key',
    cause,
  });

export const keyFileMissing = (file: string, cause: unknown) =>
  new HoldfastError({
    code: 'KEY_FILE_MISSING',
    exit: 'noKey',
    message: `cannot read the key file ${file}`,
    hint: 'Check the path and its permissions, or name another file with --key or HOLDFAST_KEY.',
    cause,
  });

export const recipientUnfit = (file: string, reason: string) =>
  new HoldfastError({
    code: 'RECIPIENT_UNFIT',
    exit: 'noKey',
    message: `recipient key ${file} cannot be used: ${reason}`,
    hint: 'Replace it in `recipients:` by a key that can encrypt; check all of them with: holdfast keys check',
  });

export const noRecipients = () =>
  new HoldfastError({
    code: 'NO_RECIPIENTS',
    exit: 'noKey',
    message: 'no recipient key is configured, so nobody could read a backup',
    hint: 'Add at least one public key to `recipients:` in holdfast.yaml.',
  });

export const signerUnfit = (file: string, reason: string) =>
  new HoldfastError({
    code: 'SIGNER_UNFIT',
    exit: 'noKey',
    message: `signing key ${file} cannot be used: ${reason}`,
    hint: 'Name a private key without passphrase that can sign in `signing_key:`; `holdfast init` makes one.',
  });

export const noPrivateKey = () =>
  new HoldfastError({
    code: 'NO_PRIVATE_KEY',
    exit: 'noKey',
    message: 'a private key is needed to read the store, and none was given',
    hint: 'Name it with --key FILE or HOLDFAST_KEY, or use --gpg for a key that gpg-agent or a smartcard holds.',
  });

export const notPrivate = (file: string) =>
  new HoldfastError({
    code: 'KEY_NOT_PRIVATE',
    exit: 'noKey',
    message: `${file} holds only public keys`,
    hint: 'Name the private key of a recipient with --key FILE.',
  });

export const passphraseNeeded = (file: string) =>
  new HoldfastError({
    code: 'PASSPHRASE_NEEDED',
    exit: 'noKey',
    message: `the private key ${file} is protected by a passphrase`,
    hint: 'Put the passphrase into a file and name it in HOLDFAST_PASSPHRASE_FILE, or run this on a terminal.',
  });

export const passphraseWrong = (file: string) =>
  new HoldfastError({
    code: 'PASSPHRASE_WRONG',
    exit: 'noKey',
    message: `the passphrase does not open the private key ${file}`,
    hint: 'Check HOLDFAST_PASSPHRASE_FILE (a trailing newline is ignored).',
  });

export const keyDoesNotOpen = (what: string, wanted: readonly string[], given: readonly string[]) =>
  new HoldfastError({
    code: 'KEY_DOES_NOT_OPEN',
    exit: 'noKey',
    message: `${what} is encrypted to ${wanted.join(', ') || 'unknown keys'}, not to ${given.join(', ') || 'the given key'}`,
    hint: 'Name the private key of one of its recipients with --key FILE; who they are: holdfast keys list',
  });

export const gpgFailed = (what: string, reason: string, cause?: unknown) =>
  new HoldfastError({
    code: 'GPG_FAILED',
    exit: 'noKey',
    message: `gpg could not open ${what}: ${reason}`,
    hint: 'Check with `gpg --list-secret-keys` that the private key of a recipient is there and its agent or card answers.',
    cause,
  });

/** It was asked and has no such key, which is another thing than an agent that does not answer. */
export const gpgHasNoKey = (what: string) =>
  new HoldfastError({
    code: 'KEY_DOES_NOT_OPEN',
    exit: 'noKey',
    message: `gpg could not open ${what}: no private key of a recipient is in this keyring`,
    hint: 'Look with `gpg --list-secret-keys` for the private key of a recipient, or name one with --key FILE.',
  });

export const damaged = (what: string, reason: string, cause?: unknown) =>
  new HoldfastError({
    code: 'DAMAGED',
    exit: 'verification',
    message: `${what} is damaged or was changed: ${reason}`,
    hint: 'Do not use it; restore from another snapshot or copy, and find out who can write to the store.',
    cause,
  });

export const notTrusted = (what: string, signer: string) =>
  new HoldfastError({
    code: 'SIGNER_NOT_TRUSTED',
    exit: 'verification',
    message: `${what} is signed by ${signer}, which this configuration does not trust`,
    hint: 'If that host is yours, run: holdfast keys trust FINGERPRINT --key OPS.KEY (or list its public key in `trusted_signers:`).',
  });

export const badSignature = (what: string, reason: string, cause?: unknown) =>
  new HoldfastError({
    code: 'SIGNATURE_BAD',
    exit: 'verification',
    message: `the signature of ${what} does not hold: ${reason}`,
    hint: 'Somebody or something changed it after it was written; use another snapshot or copy.',
    cause,
  });
