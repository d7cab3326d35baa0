/**
 * The last line of a test run: `N passed, N failed` or `N passed, N failed, N skipped`. On a CI machine (environment
 * variable CI) a skipped test fails the run, because there nobody would notice it.
 */
import type { Reporter, TestModule } from 'vitest/node';

interface Counts {
  passed: number;
  failed: number;
  skipped: string[];
}

/** A vitest reporter; goes beside the one that prints the tests. */
export class ClosingLine implements Reporter {
  /** Called by vitest when every test has run. */
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts = count(modules, unhandledErrors.length);
    if (counts.skipped.length > 0 && process.env['CI']) {
      process.exitCode = 1;
      process.stderr.write(`\nskipped tests, which CI does not allow:\n  ${counts.skipped.join('\n  ')}\n`);
    }
    // At the exit, because vitest prints after this, too, when something does not close.
    process.once('exit', () => process.stdout.write(`${closingLine(counts)}\n`));
  }
}

/** The line itself. */
export function closingLine({ passed, failed, skipped }: Readonly<Counts>): string {
  const line = `${String(passed)} passed, ${String(failed)} failed`;
  return skipped.length === 0 ? line : `${line}, ${String(skipped.length)} skipped`;
}

/** A file that cannot be loaded, a broken hook and an error outside of any test count as one failure each. */
function count(modules: readonly TestModule[], unhandled: number): Counts {
  const counts: Counts = { passed: 0, failed: unhandled, skipped: [] };
  for (const module of modules) {
    const suites = [module, ...module.children.allSuites()];
    counts.failed += suites.filter((suite) => suite.errors().length > 0).length;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') counts.passed += 1;
      else if (state === 'failed') counts.failed += 1;
      else counts.skipped.push(`${module.relativeModuleId}: ${test.fullName}`);
    }
  }
  return counts;
}
