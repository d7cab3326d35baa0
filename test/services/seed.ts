/**
 * Which random cases the property tests try. A test run is to say whether this tree is whole, twice the same; looking for
 * new cases is another work: `npm run fuzz`, with a seed by the clock, or `HOLDFAST_SEED=123 npx vitest run FILE`.
 */
import fc from 'fast-check';

const SEED = 20_261_122;

const wanted = process.env['HOLDFAST_SEED'] ?? String(SEED);
if (wanted !== 'random') {
  const seed = Number(wanted);
  if (!Number.isSafeInteger(seed)) throw new Error('HOLDFAST_SEED must be a whole number, or random');
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });
}
