/** Commands of AWS' own tool, for what is not ours to change. It works with other servers, too. */
import type { S3Config } from '../../config/config.ts';
import { bucketOf } from '../../stores/address.ts';

/** The start of a command about the bucket of a store. */
export function awsCommand(verb: string, url: string, { endpoint }: S3Config): string {
  const at = endpoint === undefined ? '' : ` --endpoint-url ${endpoint}`;
  return `aws s3api ${verb} --bucket ${bucketOf(url).bucket}${at}`;
}
