/**
 * Patterns that choose keys, as `KEYS` and `SCAN MATCH` of Redis take them (Redis' util.c, stringmatchlen): `*` is any
 * text, `?` any byte, `[a-c]` and `[^a]` one byte of these or of all others; a backslash takes its meaning from what
 * follows. They are of the whole key.
 */
export interface KeyGlob {
  readonly pattern: string;
  /** True when the key `bytes[start, end)` fits. */
  fits(bytes: Uint8Array, start: number, end: number): boolean;
}

/** Reads a pattern: every text is one. */
export function keyGlob(pattern: string): KeyGlob {
  const steps = stepsOf(Buffer.from(pattern));
  return { pattern, fits: (bytes, start, end) => fits(steps, bytes, start, end) };
}

/** What may stand at one place: by byte; or any text. */
type Step = Uint8Array | typeof ANY_TEXT;

const ANY_TEXT = '*';
const STAR = 0x2a;
const QUESTION = 0x3f;
const OPENING = 0x5b;
const CLOSING = 0x5d;
const CARET = 0x5e;
const DASH = 0x2d;
const BACKSLASH = 0x5c;

function stepsOf(pattern: Buffer): Step[] {
  const steps: Step[] = [];
  for (let at = 0; at < pattern.length; at += 1) {
    const byte = pattern[at] ?? 0;
    if (byte === STAR) steps.push(ANY_TEXT);
    else if (byte === QUESTION) steps.push(new Uint8Array(256).fill(1));
    else if (byte === OPENING) {
      const { bytes, end } = bytesIn(pattern, at + 1);
      steps.push(bytes);
      at = end;
    } else {
      if (byte === BACKSLASH && at + 1 < pattern.length) at += 1;
      steps.push(only(pattern[at] ?? 0));
    }
  }
  return steps;
}

function only(byte: number): Uint8Array {
  const bytes = new Uint8Array(256);
  bytes[byte] = 1;
  return bytes;
}

/** Reads what stands in brackets; without the closing one they go on to the end of the pattern. */
function bytesIn(pattern: Buffer, start: number): { readonly bytes: Uint8Array; readonly end: number } {
  const isOthers = pattern[start] === CARET;
  const bytes = new Uint8Array(256);
  let at = isOthers ? start + 1 : start;
  for (; at < pattern.length && pattern[at] !== CLOSING; at += 1) {
    const isEscaped = pattern[at] === BACKSLASH && at + 1 < pattern.length;
    if (isEscaped) at += 1;
    const first = pattern[at] ?? 0;
    if (!isEscaped && pattern[at + 1] === DASH && at + 2 < pattern.length) {
      const last = pattern[at + 2] ?? 0;
      bytes.fill(1, Math.min(first, last), Math.max(first, last) + 1);
      at += 2;
    } else bytes[first] = 1;
  }
  return { bytes: isOthers ? bytes.map((one) => 1 - one) : bytes, end: at };
}

/** Goes back to the last `*` only: whatever an earlier one could take, the last one can take, too. */
function fits(steps: readonly Step[], bytes: Uint8Array, start: number, end: number): boolean {
  let step = 0;
  let at = start;
  let lastStar = -1;
  let triedFrom = start;
  while (at < end) {
    const wanted = steps[step];
    if (wanted === ANY_TEXT) {
      lastStar = step;
      triedFrom = at;
      step += 1;
    } else if (wanted?.[bytes[at] ?? 0] === 1) {
      step += 1;
      at += 1;
    } else if (lastStar === -1) return false;
    else {
      triedFrom += 1;
      at = triedFrom;
      step = lastStar + 1;
    }
  }
  while (steps[step] === ANY_TEXT) step += 1;
  return step === steps.length;
}
