/** Watches what every process of this machine has in its arguments, as anybody on it can (`ps`). */
import { readFileSync, readdirSync } from 'node:fs';

const EVERY_MS = 5;

export interface ArgumentsWatch {
  /** Ends the watch. Returns each command line that was seen once, its arguments parted by spaces. */
  stop(): string[];
}

/** Looks every few milliseconds; a process that ends sooner may be missed. */
export function watchArguments(): ArgumentsWatch {
  const seen = new Set<string>();
  const timer = setInterval(() => look(seen), EVERY_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return [...seen];
    },
  };
}

function look(seen: Set<string>): void {
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      seen.add(readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' '));
    } catch {
      // It has ended.
    }
  }
}
