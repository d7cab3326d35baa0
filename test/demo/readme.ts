/** The README.txt that the demo leaves in its folder and shows at its end. */

/** @param recovered - the step with gpg was done */
export function readme(recovered: boolean): string {
  return `\
This folder was made by \`npm run demo\`, which makes it anew when it is run again
(unless something is in here that the demo did not make).

  shop.db            the database of the shop
  holdfast.yaml      the configuration, with a comment on every line
  keys/              public keys, and the key with which this host signs
  usb-stick/ops.key  the private key: in real life on a medium far from here, with a passphrase
  store/             the backups: OpenPGP messages, and the way to open them without holdfast
  state/             what this host remembers; losing it costs one full backup
  copy.db, day-2.db  what was restored${recovered ? '\n  recovered.sql      what stock gpg and zstd got out of the store' : ''}

What to try next, in this folder (after PATH="$PWD/bin:$PATH"):

  holdfast cat shop@oldest --table users --key usb-stick/ops.key | head
  holdfast restore shop@oldest --dry-run --key usb-stick/ops.key
  holdfast --help
  less store/RECOVERY.md

Play a machine that never saw all this: an empty folder, the store, and the key from the stick.

  mkdir -p /tmp/rescue && cp -r store usb-stick/ops.key /tmp/rescue
  cd /tmp/rescue
  printf '%s\\n' 'version: 1' 'store: file:./store' 'recipients: [ops.key]' 'state_dir: state' > holdfast.yaml
  echo 'sets: { shop: { source: sqlite, path: shop.db, keep: 30d } }' >> holdfast.yaml
  holdfast restore shop --to shop.db --key ops.key

Do harm, and see whether it is noticed:

  for pack in store/keep-*/shop/chains/*/packs/*; do printf x >> $pack; done
  holdfast verify --read-data --key usb-stick/ops.key
`;
}
