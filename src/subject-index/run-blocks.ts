/**
 * Runs of whole numbers over many segments, as blocks of variable-length numbers: for each segment with runs its number
 * (distance from the one before), how many runs, and for each where it begins (distance, zigzag) and how long it is.
 */
const BLOCK_RUNS = 16_384;

export interface RunBlock {
  /** Segments in it. */
  readonly entries: number;
  readonly plain: Buffer;
}

/** @param chunks - runs by the number of the segment: first, last, first …; an undefined one has none */
export function encodeRuns(chunks: readonly (Float64Array | undefined)[]): readonly RunBlock[] {
  const blocks: RunBlock[] = [];
  let bytes: number[] = [];
  let [entries, runs, before, at] = [0, 0, 0, 0];
  const end = () => {
    if (entries > 0) blocks.push({ entries, plain: Buffer.from(bytes) });
    [entries, runs, before, at] = [0, 0, 0, 0];
    bytes = [];
  };
  for (const [segment, chunk] of chunks.entries()) {
    if (chunk === undefined || chunk.length === 0) continue;
    putNumber(bytes, segment - before);
    putNumber(bytes, chunk.length / 2);
    for (let run = 0; run < chunk.length; run += 2) {
      const [first, last] = [chunk[run] ?? 0, chunk[run + 1] ?? 0];
      putNumber(bytes, zigzag(first - at));
      putNumber(bytes, last - first);
      at = last;
    }
    before = segment;
    entries += 1;
    runs += chunk.length / 2;
    if (runs >= BLOCK_RUNS) end();
  }
  end();
  return blocks;
}

/** @throws RangeError for a block that ends too early or names a segment that is not there */
export function decodeRuns(
  { plain, entries }: RunBlock,
  segments: number,
  visit: (segment: number, runs: Float64Array) => void,
): void {
  const reader = { bytes: plain, at: 0 };
  let [segment, at] = [0, 0];
  for (let entry = 0; entry < entries; entry++) {
    segment += getNumber(reader);
    if (segment >= segments) throw new RangeError('it names a segment that is not there');
    const count = getNumber(reader);
    if (count > plain.length) throw new RangeError('it ends too early');
    const runs = new Float64Array(count * 2);
    for (let run = 0; run < runs.length; run += 2) {
      runs[run] = at + unzigzag(getNumber(reader));
      runs[run + 1] = at = (runs[run] ?? 0) + getNumber(reader);
    }
    visit(segment, runs);
  }
}

/** Seven bits a byte, the lowest first; the numbers have up to 52 bits, so no shifting. */
function putNumber(bytes: number[], value: number): void {
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
}

function getNumber(reader: { readonly bytes: Buffer; at: number }): number {
  let value = 0;
  for (let factor = 1; ; factor *= 128) {
    const byte = reader.bytes[reader.at++];
    if (byte === undefined || factor > 2 ** 49) throw new RangeError('it ends too early');
    value += (byte % 128) * factor;
    if (byte < 128) return value;
  }
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}
