/** Stores that keep no versions, in the words of those that do. */
import type { ObjectInfo, ObjectVersion } from './store.ts';

/** What S3 calls the one version of an object where the bucket keeps none. */
export const NULL_VERSION = 'null';

/** The one version that an object has in a store without versions. */
export function onlyVersion(info: ObjectInfo): ObjectVersion {
  return { ...info, version: NULL_VERSION, isLatest: true, isMarker: false };
}
