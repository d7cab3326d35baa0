import type { Dump, DumpStream } from './source.ts';

/** A dump of one lane: for a source whose streams come one after another. */
export function oneLane(streams: AsyncGenerator<DumpStream>): Dump {
  return {
    lanes: [streams],
    [Symbol.asyncDispose]: async () => {
      await streams.return(undefined);
    },
  };
}
