// One run of the program in this process. Plain JavaScript, for whatever Node it is that reads it.
import { setTimeout } from 'node:timers';
import { setFlagsFromString } from 'node:v8';

// `load` gives the module with `run`; only then is the program itself read.
export async function start(load) {
  tuneGarbageCollection();
  silenceTwoWarnings();
  const { run } = await load();
  process.exitCode = await run(process.argv.slice(2), process);
  // The run is over and its output written: a socket that somebody forgot must not keep cron waiting.
  setTimeout(() => process.exit(), 3000).unref();
}

// Gigabytes pass through buffers here, and nobody waits for a frame: collecting in small steps costs a third more time.
function tuneGarbageCollection() {
  setFlagsFromString('--no-incremental-marking');
}

// Early releases of Node 24 announce what later ones call stable; cron would mail it every night.
function silenceTwoWarnings() {
  const emit = process.emitWarning;
  process.emitWarning = (warning, ...rest) => {
    if (/^(SQLite|Type Stripping) is an experimental feature/.test(String(warning?.message ?? warning)))
      return;
    emit.call(process, warning, ...rest);
  };
}
