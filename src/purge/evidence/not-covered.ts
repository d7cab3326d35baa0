/** What no purge of backups reaches: said in every receipt, with the dates on which it ends where there is one. Pure. */

/** What is there of this purge that tells of the person. */
export interface Remains {
  /** Suppression is there until then; undefined: there is none. */
  readonly suppressionEnds: string | undefined;
}

const ALWAYS: readonly string[] = [
  'the live database, and whatever else was made of it: WAL archives, replicas, exports, dumps by other tools',
  'exports that holdfast has sealed: `holdfast unseal --list` says which there were, for whom, and until when those in the store are there',
  'manifests that somebody has saved from the store before: with one of them and a key of a recipient, the packs that still lie there open',
  "copies of a host's state folder: with one of them, somebody who knows a text can confirm that it was in the backup",
  'restored databases, and copies of the store that the configuration does not name',
];

/** Each a sentence without a full stop. */
export function notCovered({ suppressionEnds: ends }: Remains): string[] {
  if (ends === undefined) return [...ALWAYS];
  return [
    ...ALWAYS,
    `tokens, by which hosts notice that the subject is in the database again: until they go, on ${ends} or when the store expires them after that, whoever can read the store or owns one of the hosts can test a guess of the subject's key (is it number 42?); they hold no name`,
    `whom this is about, sealed to the recipients, so that restores leave them out of what the purge has not reached: until ${ends} as well, a recipient's key opens it`,
    'subject indexes: of a chain that has rows of the subject only in snapshots which have ended, the index stays as it was until the chain has ended; recipients can test a guess of the key against it (was number 42 there?), it holds no row',
  ];
}
