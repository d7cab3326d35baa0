/** Names that become parts of object keys: sets and writers. */
import { SET_NAME } from '../repository/layout.ts';

/** What a set or a writer may be called: the layout of the store decides. */
export { SET_NAME as NAME };

export const NAME_RULE = 'must be 1 to 63 of a-z, 0-9, _ and -, starting with a letter or digit';

/** A host name made into a writer name: `DB-1.example.com` becomes `db-1-example-com`. */
export function writerFrom(hostname: string): string {
  const cleaned = hostname
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .replace(/^[_-]+/, '')
    .slice(0, 63)
    .replace(/[_-]+$/, '');
  return SET_NAME.test(cleaned) ? cleaned : 'host';
}
