// Where the single executable begins: everything is in it, and it is its own Node.
import { run } from '../src/cli/run.ts';
import { start } from './start.js';

void start(() => Promise.resolve({ run }));
