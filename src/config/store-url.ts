/** The address of a store in the configuration: what stores/address.ts takes, and `file:./path` beside the file. */
import { fileURLToPath, pathToFileURL } from 'node:url';
import { HoldfastError } from '../errors.ts';
import { bucketOf, folderOf, schemeOf } from '../stores/address.ts';

/** What is wrong with a store's address; undefined when it is good. */
export function storeUrlProblem(text: string): string | undefined {
  try {
    if (schemeOf(text) === 's3') bucketOf(text);
    else folderOf(isRelative(text) ? new URL(text, 'file:///folder/').href : text);
    return undefined;
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return [`store address ${text}: `, 'store address: '].reduce(withoutStart, error.message);
  }
}

/**
 * The address in one form: `s3://bucket[/prefix]` or `file:///absolute/path`, without a slash at the end.
 *
 * @param text - an address without a storeUrlProblem
 * @param folder - absolute path that `file:./path` starts from
 */
export function resolveStoreUrl(text: string, folder: string): string {
  if (schemeOf(text) === 's3') return text.replace(/\/+$/, '');
  const path = isRelative(text) ? fileURLToPath(new URL(text, pathToFileURL(`${folder}/`))) : folderOf(text);
  return pathToFileURL(path.replace(/(?<=.)\/+$/, '')).href;
}

/** `file:./path` and `file:../path`; a bare `file:path` is more likely a typing error. */
function isRelative(text: string): boolean {
  return /^file:\.\.?\//.test(text);
}

function withoutStart(text: string, start: string): string {
  return text.startsWith(start) ? text.slice(start.length) : text;
}
