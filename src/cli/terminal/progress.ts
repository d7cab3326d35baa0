/**
 * Progress for people: one line on stderr with amount, rate and ETA, on a TTY only, redrawn at most ten times a
 * second and gone at the end. Logs and pipes get nothing.
 */
import { formatBytes, formatDuration, printable } from './format.ts';
import type { OutputStream } from './io.ts';
import { displayWidth } from './table.ts';

const REDRAW_MS = 100;
/** The rate is that of the last quarter minute: a restore's phases differ too much for an average of all. */
const WINDOW_MS = 15_000;

/** One thing that is under way. */
export interface ProgressTask {
  /** More of it is done. */
  add(bytes: number): void;
  /** This much of it is done; `totalBytes` when it is known better now. */
  update(doneBytes: number, totalBytes?: number): void;
  /** What is worked on right now, e.g. a table. */
  say(detail: string): void;
  /** Clears the line. Safe to call twice. */
  end(): void;
}

export interface Progress {
  start(label: string, totalBytes?: number): ProgressTask;
  /** Takes the line away until the next redraw, so that something else can be written. */
  clear(): void;
}

interface Sample {
  readonly atMs: number;
  readonly bytes: number;
}

export interface ProgressState {
  readonly label: string;
  readonly detail: string;
  readonly doneBytes: number;
  readonly totalBytes?: number;
  readonly bytesPerSecond?: number;
}

/** Draws on a TTY; anything else gets a progress that does nothing. */
export function openProgress(
  stream: OutputStream,
  options: { quiet: boolean; now?: () => number },
): Progress {
  if (options.quiet || stream.isTTY !== true) return { start: () => SILENT, clear: () => undefined };
  return new Line(stream, options.now ?? (() => performance.now()));
}

const SILENT: ProgressTask = { add: () => {}, update: () => {}, say: () => {}, end: () => {} };

/** The text of a progress line, cut to the terminal's width. Unknown parts are left out, not guessed. */
export function progressText(state: ProgressState, columns: number): string {
  const { label, detail, doneBytes, totalBytes, bytesPerSecond } = state;
  const total = totalBytes !== undefined && totalBytes >= doneBytes ? totalBytes : undefined;
  const parts = [
    label,
    total === undefined ? formatBytes(doneBytes) : `${formatBytes(doneBytes)} of ${formatBytes(total)}`,
    ...(total === undefined || total === 0 ? [] : [`${Math.floor((doneBytes / total) * 100)} %`]),
    ...(bytesPerSecond === undefined ? [] : [`${formatBytes(bytesPerSecond)}/s`]),
    ...(total === undefined || bytesPerSecond === undefined || bytesPerSecond < 1
      ? []
      : [`ETA ${formatDuration(Math.ceil((total - doneBytes) / bytesPerSecond) * 1000)}`]),
    ...(detail === '' ? [] : [printable(detail).replace(/\n/g, ' ')]),
  ];
  return cut(parts.join('  '), columns - 1);
}

/** Bytes per second between the first and last sample; undefined until there is a second's worth of them. */
export function rateOf(samples: readonly Sample[]): number | undefined {
  const first = samples[0];
  const last = samples.at(-1);
  if (first === undefined || last === undefined || last.atMs - first.atMs < 1000) return undefined;
  return Math.max(0, ((last.bytes - first.bytes) * 1000) / (last.atMs - first.atMs));
}

class Line implements Progress {
  readonly #stream: OutputStream;
  readonly #now: () => number;
  #drawnAtMs = -Infinity;
  #visible = false;

  constructor(stream: OutputStream, now: () => number) {
    this.#stream = stream;
    this.#now = now;
  }

  start(label: string, totalBytes?: number): ProgressTask {
    let state: ProgressState = {
      label,
      detail: '',
      doneBytes: 0,
      ...(totalBytes === undefined ? {} : { totalBytes }),
    };
    let samples: readonly Sample[] = [{ atMs: this.#now(), bytes: 0 }];
    let ended = false;
    const change = (next: Partial<ProgressState>): void => {
      if (ended) return;
      state = { ...state, ...next };
      const atMs = this.#now();
      if (atMs - this.#drawnAtMs < REDRAW_MS) return;
      samples = [
        ...samples.filter((sample) => atMs - sample.atMs <= WINDOW_MS),
        { atMs, bytes: state.doneBytes },
      ];
      const rate = rateOf(samples);
      this.#draw(
        progressText(
          rate === undefined ? state : { ...state, bytesPerSecond: rate },
          this.#stream.columns ?? 80,
        ),
      );
      this.#drawnAtMs = atMs;
    };
    return {
      add: (bytes) => change({ doneBytes: state.doneBytes + bytes }),
      update: (doneBytes, total) =>
        change({ doneBytes, ...(total === undefined ? {} : { totalBytes: total }) }),
      say: (detail) => change({ detail }),
      end: () => {
        if (!ended) this.clear();
        ended = true;
      },
    };
  }

  clear(): void {
    if (this.#visible) this.#stream.write('\r\u001b[2K');
    this.#visible = false;
  }

  #draw(text: string): void {
    this.#stream.write(`\r\u001b[2K${text}`);
    this.#visible = true;
  }
}

function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = '';
  for (const char of text) {
    if (displayWidth(kept + char) > width - 1) break;
    kept += char;
  }
  return `${kept}…`;
}
