/** What the caller of the benchmark can choose. */
import { parseArgs } from 'node:util';

/** The parts, in the order in which they run. */
export const PARTS = [
  'first',
  'next',
  'unchanged',
  'cat',
  'restore',
  'drill',
  'memory',
  'catalogue',
  'retention',
  'purge',
  'startup',
  'status',
  'report',
  'mariadb',
  'files',
  'redis',
] as const;
export type Part = (typeof PARTS)[number];

export interface Options {
  readonly parts: ReadonlySet<Part>;
  /** Names of contestants; all when undefined. */
  readonly contestants?: ReadonlySet<string>;
  readonly rounds: number;
  /** Size of the large database: 1 is about 700 MB of dump text. */
  readonly scale: number;
  /** How many `retention` lists and expires. */
  readonly snapshots: number;
  /** Below it a temporary folder is made; it should be on the disk that backups would be on. */
  readonly tmp: string;
  /** Where every measured run goes, as JSON. */
  readonly out?: string;
  /** Exit with 1 when a target was missed. */
  readonly strict: boolean;
}

export const HELP = `npm run bench -- [options]

  --only PARTS          ${PARTS.join(',')} (default: all)
  --contestants NAMES   holdfast,pg_dump,zstd+gpg,restic,borg,borg-lz4 (default: all)
  --rounds N            runs of everything, interleaved; medians are printed (default 3)
  --scale X             size of the database, 1 is about 700 MB of dump text (default 1);
                        of the parts mariadb, files and redis: of 500 MB, 2 GB, a million keys
  --snapshots N         how many \`retention\` lists and expires; of the large set, 30 at most (default 400)
  --tmp DIR             where databases and stores are put, about 6 GB (default /var/tmp)
  --out FILE            every measured run, as JSON
  --strict              exit with 1 when a target was missed
`;

/**
 * Reads the command line.
 *
 * @returns undefined when help was asked for
 * @throws Error that names the option that is wrong
 */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      only: { type: 'string', default: PARTS.join(',') },
      contestants: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      scale: { type: 'string', default: '1' },
      snapshots: { type: 'string', default: '400' },
      tmp: { type: 'string', default: '/var/tmp' },
      out: { type: 'string' },
      strict: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  return {
    parts: new Set(values.only.split(',').map(partNamed)),
    rounds: positive('--rounds', values.rounds),
    scale: positive('--scale', values.scale),
    snapshots: positive('--snapshots', values.snapshots),
    tmp: values.tmp,
    strict: values.strict,
    ...(values.contestants === undefined ? {} : { contestants: new Set(values.contestants.split(',')) }),
    ...(values.out === undefined ? {} : { out: values.out }),
  };
}

function partNamed(name: string): Part {
  const part = PARTS.find((one) => one === name);
  if (part === undefined)
    throw new Error(`--only: there is no part '${name}'; there are ${PARTS.join(', ')}`);
  return part;
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${option}: '${text}' is not a number above 0`);
  return value;
}
