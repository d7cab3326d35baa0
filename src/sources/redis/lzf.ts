/**
 * LZF, with which Redis compresses long strings in its dumps (LibLZF by Marc Lehmann, lzf_d.c).
 *
 * @returns the text of `length` bytes, or undefined when the bytes are not LZF of just that length
 */
export function decompressLzf(from: Buffer, start: number, end: number, length: number): Buffer | undefined {
  const to = Buffer.allocUnsafe(length);
  let at = start;
  let next = 0;
  while (at < end) {
    const control = from[at++] ?? 0;
    if (control < 32) {
      const run = control + 1;
      if (at + run > end || next + run > length) return undefined;
      from.copy(to, next, at, at + run);
      at += run;
      next += run;
      continue;
    }
    let run = control >> 5;
    if (run === 7) run += from[at++] ?? 0;
    const back = ((control & 31) << 8) + (from[at++] ?? 0) + 1;
    if (at > end || back > next || next + run + 2 > length) return undefined;
    // Byte by byte: a run may repeat what it has just written.
    for (const stop = next + run + 2; next < stop; next += 1) to[next] = to[next - back] ?? 0;
  }
  return next === length ? to : undefined;
}
