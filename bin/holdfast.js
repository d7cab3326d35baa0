#!/usr/bin/env -S node --max-semi-space-size=4
// Starts the program, nothing else. Plain JavaScript for Node 18 and later: an older Node starts the one that
// the package brought along, or says what is needed. The option in the first line keeps 100 MB less for young garbage,
// which gets no faster by it; a Node that is started without it works as well.
import { existsSync, statSync } from 'node:fs';
import module, { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isatty } from 'node:tty';
import { fileURLToPath } from 'node:url';
import { start } from './start.js';

const NODE_NEEDED = 24;

if (major(process.versions.node) >= NODE_NEEDED) await startHere();
else await startWithNewerNode();

async function startHere() {
  cacheCompiledCode();
  const source = new URL('../src/cli/run.ts', import.meta.url);
  const entry = existsSync(source) ? source : new URL('../dist/run.js', import.meta.url);
  await start(() => import(entry.href));
}

// Halves the start. In a folder of the user's own: Node's default, below /tmp, can be prepared by a stranger.
function cacheCompiledCode() {
  try {
    const home = homedir();
    if (statSync(home).uid !== process.getuid?.()) return;
    const cache = process.env.XDG_CACHE_HOME?.startsWith('/')
      ? process.env.XDG_CACHE_HOME
      : join(home, '.cache');
    module.enableCompileCache(join(cache, 'holdfast'));
  } catch {
    // No home, no cache.
  }
}

async function startWithNewerNode() {
  const node = packagedNode();
  if (node === undefined) return refuse(`the Node that started it is ${process.versions.node}`);
  const args = ['--max-semi-space-size=4', fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  // Where Node can, it becomes the newer one; else it stays as a parent that passes everything on.
  if (process.execve) process.execve(node, [node, ...args], process.env);
  const { spawn } = await import('node:child_process');
  const child = spawn(node, args, { stdio: 'inherit' });
  // A terminal tells both of us about Ctrl-C; passed on as well, it would count as the second press.
  const atTerminal = isatty(0) || isatty(2);
  process.on('SIGINT', () => atTerminal || child.kill('SIGINT'));
  for (const name of ['SIGTERM', 'SIGHUP']) process.on(name, () => child.kill(name));
  child.on('error', (error) => refuse(`${node} does not start here (${error.code})`));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function packagedNode() {
  const name = `node-${process.platform}-${process.arch}`;
  try {
    const require = createRequire(import.meta.url);
    if (major(require(`${name}/package.json`).version) < NODE_NEEDED) return undefined;
    return require.resolve(`${name}/bin/node`);
  } catch {
    return undefined;
  }
}

function refuse(reason) {
  process.stderr.write(`holdfast: error: Node ${NODE_NEEDED} or later is needed, and ${reason}\n`);
  process.stderr.write(
    `holdfast: hint: Install Node ${NODE_NEEDED} (https://nodejs.org), or put one first on the PATH.\n`,
  );
  process.exitCode = 2;
}

function major(version) {
  return Number(version.split('.')[0]);
}
