/**
 * The rule of the house: cli → rooms → repository, segments, openpgp → ports. `npx depcruise src bin` checks it.
 * Each rule's comment says why it is there; change the code rather than the rule.
 */

/** What people do: one folder each. */
const ROOMS =
  '^src/(backup|restore|verify|status|init|recovery|retention|copy|rotate|purge|drill|suppression|hooks|seal|support|schedule|report|runbook|monitors)/';

/** What the rooms stand on: the format of a store and what it is made of. */
const GROUND = '^src/(repository|segments|openpgp|subjects|subject-index)/';

/** What everything may import: no knowledge of any layer in it. */
const SHARED = '^src/((bounded-cache|errors|nearest|on-path|ordered|shell-word|version)\\.ts$|yaml/)';

/** A port: the contract between those who use a thing and those who build one. */
const PORTS = '^src/(sources/(source|schema|inspector)|stores/(store|bucket)|scratch/scratch)\\.ts$';

/** Small things beside a port, which know no implementation. */
const BESIDE_PORTS = '^src/(sources/patterns|stores/(keys|errors|address|s3-settings))\\.ts$';

module.exports = {
  forbidden: [
    {
      name: 'no-circles',
      comment: 'Files in a circle can only be understood, tested and loaded all at once.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'ports-know-nobody',
      comment:
        'A port that imports what implements it is no port: it could not have a second implementation.',
      severity: 'error',
      from: { path: PORTS },
      to: { pathNot: [PORTS, SHARED] },
    },
    {
      name: 'implementations-are-wired-in-cli',
      comment:
        'Rooms work with any store and any source; which one it is, the configuration says, and only cli reads it.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/cli/', '^src/(sources|stores)/'] },
      to: { path: '^src/(sources|stores)/', pathNot: [PORTS, BESIDE_PORTS] },
    },
    {
      name: 'scratch-is-wired-in-cli',
      comment:
        'Rooms restore into whatever scratch they are given; which server that is, somebody else has said.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(cli|scratch)/' },
      to: { path: '^src/scratch/', pathNot: PORTS },
    },
    {
      name: 'one-engine-per-folder',
      comment: 'An engine is taken out, or added, by its folder alone.',
      severity: 'error',
      from: { path: '^src/sources/([^/]+)/' },
      to: { path: '^src/sources/[^/]+/', pathNot: '^src/sources/$1/' },
    },
    {
      name: 'implementations-stay-below',
      comment: 'A store moves bytes and a source makes text: neither knows what a snapshot is.',
      severity: 'error',
      from: { path: '^src/(stores|sources|rows)/' },
      to: { path: '^src/', pathNot: [SHARED, '^src/(stores|sources|rows)/'] },
    },
    {
      name: 'stores-and-sources-do-not-meet',
      comment: 'Where backups lie and what is backed up are independent choices.',
      severity: 'error',
      from: { path: '^src/(stores|sources)/' },
      to: { path: '^src/(stores|sources)/', pathNot: ['^src/$1/'] },
    },
    {
      name: 'rows-read-bytes',
      comment: 'Dialects of dump text are for every engine that speaks them, so they know none.',
      severity: 'error',
      from: { path: '^src/rows/' },
      to: { path: '^src/', pathNot: [SHARED, '^src/rows/', PORTS] },
    },
    {
      name: 'rooms-are-called',
      comment:
        'What people do must be usable without a terminal and a file of settings: by tests, by a schedule, by another front.',
      severity: 'error',
      from: { path: [ROOMS, GROUND] },
      to: { path: '^src/(cli|config)/' },
    },
    {
      name: 'ground-knows-no-room',
      comment: 'The format of a store does not depend on what is done with it.',
      severity: 'error',
      from: { path: GROUND },
      to: { path: ROOMS },
    },
    {
      name: 'writers-and-readers-are-apart',
      comment:
        'A host that backs up has no power to read: what it runs must not contain the way to restore. verify may read.',
      severity: 'error',
      from: {
        path: '^src/(backup|init|status|support)/|^src/seal/(seal|message|record|store-parts)\\.ts$|^src/suppression/(guard|watch|tokens|pending|read-tokens)\\.ts$',
      },
      to: {
        path: '^src/(restore|verify|rotate|purge)/|^src/suppression/(without|filter|merge|read|put|reseal|override)\\.ts$|^src/seal/unseal\\.ts$',
      },
    },
    {
      name: 'readers-do-not-write',
      comment: 'Whoever only reads a store must not be able to change it by mistake.',
      severity: 'error',
      from: { path: '^src/(restore|verify|status)/' },
      to: { path: '^src/(backup|init|rotate)/' },
    },
    {
      name: 'config-is-names-and-limits',
      comment:
        'Configuration is text, types and questions; of the store it needs the names and limits that it has to check.',
      severity: 'error',
      from: { path: '^src/config/' },
      to: {
        path: '^src/',
        pathNot: [SHARED, '^src/config/', '^src/repository/(layout|rules|keep)\\.ts$', BESIDE_PORTS],
      },
    },
    {
      name: 'openpgp-in-one-place',
      comment:
        'The options that make messages readable by stock gpg, and refuse what is weak, are set in openpgp/library.ts and passed at every call.',
      severity: 'error',
      from: { pathNot: '^src/openpgp/' },
      to: { path: '(^|/)node_modules/openpgp/' },
    },
    {
      name: 's3-in-one-place',
      comment: 'Retries, checksums and time-outs of S3 are decided once.',
      severity: 'error',
      from: { pathNot: '^src/stores/' },
      to: { path: '(^|/)node_modules/@(aws-sdk|smithy)/' },
    },
    {
      name: 'pg-in-one-place',
      comment: 'Connections to PostgreSQL, with their passwords and TLS, are made in one place.',
      severity: 'error',
      from: { pathNot: '^src/sources/postgres/' },
      to: { path: '(^|/)node_modules/(pg|pg-[^/]+)/' },
    },
    {
      name: 'plots-in-one-place',
      comment:
        'Drawings are made in a document in memory, and what they must not contain is taken out, in one place.',
      severity: 'error',
      from: { pathNot: '^src/report/html/' },
      to: { path: '(^|/)node_modules/(@observablehq|@mixmark-io)/' },
    },
    {
      name: 'mail-in-one-place',
      comment: 'Whom a program may write to, and what of a run it tells, is decided where monitors are.',
      severity: 'error',
      from: { pathNot: '^src/monitors/' },
      to: { path: '(^|/)node_modules/nodemailer/' },
    },
    {
      name: 'terminal-in-one-place',
      comment:
        'Below cli nothing talks to a terminal, parses options or logs: it throws, returns and reports through callbacks.',
      severity: 'error',
      from: { pathNot: '^src/cli/' },
      to: { path: '(^|/)node_modules/(commander|pino|pretty-bytes|@inquirer)/' },
    },
    {
      name: 'bin-starts',
      comment:
        'bin/holdfast.js must run on any Node: it starts the program or says what is needed, and knows nothing else.',
      severity: 'error',
      from: { path: '^bin/' },
      to: { path: '^src/', pathNot: '^src/cli/run\\.ts$' },
    },
    {
      name: 'no-tests-in-the-program',
      comment: 'The package ships without tests.',
      severity: 'error',
      from: { path: '^(src|bin)/' },
      to: { path: '^(test|recipes)/' },
    },
    {
      name: 'no-development-packages',
      comment: 'They are not there where the program is installed; what builds it runs before that.',
      severity: 'error',
      from: { path: '^(src|bin)/', pathNot: '^src/packaging/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'packaging-stands-outside',
      comment: 'It makes packages of the program, and is in none of them.',
      severity: 'error',
      from: { path: '^(src|bin)/', pathNot: '^src/packaging/' },
      to: { path: '^src/packaging/' },
    },
    {
      name: 'packages-are-declared',
      comment: 'A package that is there by luck, through another one, is gone with that one’s next version.',
      severity: 'error',
      from: { path: '^(src|bin)/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'] },
    },
    {
      name: 'imports-lead-somewhere',
      comment: 'An import that cannot be found fails at the customer’s, in the one branch that no test took.',
      severity: 'error',
      from: { path: '^(src|bin)/' },
      to: { couldNotResolve: true },
    },
    {
      name: 'no-orphans',
      comment: 'A file that nothing imports is dead, or a worker whose start nobody would miss.',
      severity: 'error',
      from: { orphan: true, path: '^src/' },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Types count as well: who needs to know a type, knows the file.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types'] },
  },
};
