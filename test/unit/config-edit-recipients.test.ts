/** Goal: changing recipients leaves every other word and comment of holdfast.yaml as it was. */
import { describe, expect, it } from 'vitest';
import { editRecipients } from '../../src/config/edit-recipients.ts';

const FOLDER = '/etc/holdfast';
const edit = (text: string, change: { add?: string[]; remove?: string[]; back?: string[] }) =>
  editRecipients(text, { add: [], remove: [], ...change }, FOLDER);

const FLOW = `# ours
version: 1 # the first

# who can restore
recipients: [keys/ops.asc, /vault/escrow.asc] # both
signing_key: keys/host.key

sets:
  shop: {source: sqlite, path: a.db, keep: 30d} # the shop
`;

const BLOCK = `recipients:
  # the people of operations
  - keys/ops.asc
  - 'keys/escrow key.asc' # in the safe
former_recipients: [keys/old.asc]
sets: {}
`;

describe('a list in one line', () => {
  it('gets another file, relative below the folder and absolute elsewhere', () => {
    expect(edit(FLOW, { add: ['/etc/holdfast/keys/new.asc'] })).toBe(
      FLOW.replace('escrow.asc]', 'escrow.asc, keys/new.asc]'),
    );
    expect(edit(FLOW, { add: ['/media/usb/new.asc'] })).toBe(
      FLOW.replace('escrow.asc]', 'escrow.asc, /media/usb/new.asc]'),
    );
  });

  it('loses one to former_recipients, right behind it', () => {
    expect(edit(FLOW, { remove: ['/vault/escrow.asc'] })).toBe(
      FLOW.replace(', /vault/escrow.asc] # both\n', '] # both\nformer_recipients: [/vault/escrow.asc]\n'),
    );
  });
});

describe('a list in several lines', () => {
  it('keeps its comments', () => {
    const text = edit(BLOCK, {
      add: ['/etc/holdfast/keys/old.asc'],
      remove: ['/etc/holdfast/keys/escrow key.asc'],
    });
    expect(text).toBe(`recipients:
  # the people of operations
  - keys/ops.asc
  - keys/old.asc
former_recipients: [keys/escrow key.asc]
sets: {}
`);
  });

  it('takes back under another path whoever was here before', () => {
    const text = edit(BLOCK, { add: ['/usb/old.asc'], back: ['/etc/holdfast/keys/old.asc'] });
    expect(text).toContain("  - 'keys/escrow key.asc' # in the safe\n  - /usb/old.asc\n");
    expect(text).not.toContain('former_recipients');
  });
});

it.each([
  ['an alias', 'a: &all [x.asc]\nrecipients: *all\n', /not a plain list/],
  ['a word', 'recipients: x.asc\n', /not a plain list/],
  ['broken YAML', 'recipients: [x.asc\n', /not sound YAML/],
])('%s is left to a person', (_, text, says) => {
  expect(() => edit(text, { add: ['/x/y.asc'] })).toThrow(says);
});
