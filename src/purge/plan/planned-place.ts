/** What a plan says of the store and of each copy, and of the bytes that it will move. */
import { z } from 'zod';

const whole = z.int().nonnegative();
const time = z.iso.datetime();

const objectsSchema = z.object({
  objects: whole,
  /** More than objects where the bucket keeps old ones. */
  versions: whole,
  bytes: whole,
  /** Versions that are locked now; absent: nobody may ask here. */
  locked: whole.optional(),
  /** The last of the locks ends then. */
  lockedUntil: time.optional(),
  modes: z.array(z.enum(['compliance', 'governance'])).optional(),
});

export const plannedPlaceSchema = z.object({
  /** The store's address, or the name of a copy. */
  name: z.string(),
  /** Why it could not be looked at: then nothing else is said of it. */
  trouble: z.string().optional(),
  /** Manifests and amendments that go, in all versions. */
  manifests: objectsSchema.optional(),
  packs: objectsSchema
    .extend({
      /** Packs with erased rows that do not go at once are there until then at the latest, and nobody can open those rows. */
      unreadableUntil: time.optional(),
    })
    .optional(),
});

/** An estimate, without the subject index: what is written is counted as large as what it takes the place of. */
export const estimateSchema = z.object({
  /** What apply reads: manifests, key pages, the segments of its search and those that it writes anew. */
  read: whole,
  written: whole,
  /** Bytes of the set's packs and manifests, in the store itself. */
  stored: whole,
  /** Their rows that go or change: the most in one snapshot. */
  rows: whole,
});

export type PlannedObjects = z.infer<typeof objectsSchema>;
export type PlannedPlace = z.infer<typeof plannedPlaceSchema>;
export type Estimate = z.infer<typeof estimateSchema>;
