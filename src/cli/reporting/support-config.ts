/** A configuration as whoever helps may see it: what kinds of things there are and how many, and no word of a person's own. */
import type { Config, S3Config, SetConfig } from '../../config/config.ts';

/** Built up from what is harmless, field by field: what is added to a configuration later is not in here until somebody says so. */
export function configurationShape(config: Config): object {
  const { recipients, formerRecipients, trustedSigners, purgeSigners, promises, monitors } = config;
  return {
    store: storeShape(config.store, config.s3),
    recipients: recipients.length,
    former_recipients: formerRecipients.length,
    trusted_signers: trustedSigners.length,
    purge_signers: purgeSigners.length,
    signing_key: config.signingKey !== undefined,
    compression: config.compressionLevel,
    promises: {
      residency: promises.residency.length,
      erasure_within_days: promises.erasureWithinDays,
      drill_every_days: promises.drillEveryDays,
      backup_every_hours: promises.backupEveryHours,
      two_person: promises.twoPerson,
    },
    monitors: monitors.map(({ kind, verbs }) => ({ kind, verbs })),
    sets: [...config.sets.values()].map(setShape),
  };
}

function storeShape(url: string, s3: S3Config): object {
  if (!url.startsWith('s3:')) return { kind: 'folder' };
  return {
    kind: 'bucket',
    server: s3.endpoint === undefined ? 'aws' : 'other',
    force_path_style: s3.forcePathStyle,
    checksum: s3.checksum,
    ca_file: s3.caFile !== undefined,
    profile: s3.profile !== undefined,
    acl: s3.acl,
  };
}

function setShape(set: SetConfig, index: number): object {
  const { keep, fullEveryDays, subjects, objectLock, expire, onPurged, hooks, replicas } = set;
  return {
    set: anonymous(index),
    source: set.source,
    connection: 'connection' in set ? set.connection.from : 'path',
    ...(set.source === 'files' && { exclude: set.exclude.length }),
    keep: keep.map(({ name, days }) => ({ class: name, days })),
    full_every_days: fullEveryDays,
    subjects: subjects !== undefined,
    object_lock: objectLock,
    expire,
    on_purged: onPurged,
    before: hooks?.before !== undefined,
    after: hooks?.after !== undefined,
    replicas: replicas.map(({ store, s3 }) => storeShape(store, s3)),
    checks: set.checks?.length ?? 0,
    broken_references: set.brokenReferences,
  };
}

/** What a set is called in a bundle. */
export function anonymous(index: number): string {
  return `set-${index + 1}`;
}
