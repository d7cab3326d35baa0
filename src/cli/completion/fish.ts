/** Completion in fish (https://fishshell.com/docs/current/completions.html). */
import { allVerbs } from '../verb-tree.ts';
import type { OptionOf, ValueOf, VerbOf } from '../verb-tree.ts';

/** A script for `~/.config/fish/completions/holdfast.fish`. */
export function fishCompletion(root: VerbOf): string {
  const takers = allVerbs(root)
    .flatMap(({ options }) => options.filter(({ value }) => value !== undefined))
    .flatMap(({ names }) => names);
  const paths = allVerbs(root).map(({ path }) => quoted(path.join(' ')));
  return `# fish completion of holdfast, made by \`holdfast completion fish\`

# True when the verbs of the line so far are exactly these.
function __holdfast_at
    set -l tokens (commandline -opc)
    set -l path ''
    set -l skip 0
    for token in $tokens[2..-1]
        set -l longer (string trim -- "$path $token")
        if test $skip = 1
            set skip 0
        else if contains -- $token ${[...new Set(takers)].join(' ')}
            set skip 1
        else if contains -- $longer ${paths.slice(1).join(' ')}
            set path $longer
        end
    end
    test "$path" = "$argv[1]"
end

function __holdfast_sets
    set -l tokens (commandline -opc)
    $tokens[1] completion sets 2>/dev/null
end

complete -c holdfast -f
${root.options.map((option) => optionLine('complete -c holdfast', option)).join('\n')}
${allVerbs(root).flatMap(verbLines).join('\n')}
`;
}

function verbLines({ path, verbs, options, args }: VerbOf): readonly string[] {
  const at = `complete -c holdfast -n "__holdfast_at '${path.join(' ')}'"`;
  const below = verbs.map((verb) => `${at} -a ${verb.path.at(-1) ?? ''} -d ${quoted(verb.about)}`);
  const own = path.length === 0 ? [] : options.map((option) => optionLine(at, option));
  const [first] = args;
  const takes = verbs.length > 0 || first === undefined ? [] : [`${at} ${valueFlags(first)}`];
  return [...below, ...own, ...takes];
}

function optionLine(at: string, { names, about, value }: OptionOf): string {
  const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const takes = value === undefined ? [] : ['-r', valueFlags(value)];
  return [at, ...flags, ...takes, '-d', quoted(about)].filter((part) => part !== '').join(' ');
}

function valueFlags({ kind, words }: ValueOf): string {
  switch (kind) {
    case 'file':
      return '-F';
    case 'set':
      return "-f -a '(__holdfast_sets)'";
    case 'words':
      return `-f -a ${quoted(words.join(' '))}`;
    case 'other':
      return '-f';
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
