/** Completion in zsh (zshcompsys(1)). */
import { allVerbs, optionsAt } from '../verb-tree.ts';
import type { ArgumentOf, OptionOf, ValueOf, VerbOf } from '../verb-tree.ts';

/** A script for a folder of `$fpath`, under the name `_holdfast`; or for `~/.zshrc`, after `compinit`. */
export function zshCompletion(root: VerbOf): string {
  return `#compdef holdfast
# zsh completion of holdfast, made by \`holdfast completion zsh\`

_holdfast_sets() {
  local -a sets
  sets=(\${(f)"$(_call_program sets holdfast completion sets 2>/dev/null)"})
  compadd -a sets
}

${allVerbs(root).map(verbFunction).join('\n\n')}

if [[ $funcstack[1] == _holdfast ]]; then _holdfast "$@"; else compdef _holdfast holdfast; fi
`;

  function verbFunction(verb: VerbOf): string {
    const { path, verbs, args } = verb;
    const lines = [...optionsAt(root, verb).flatMap(optionSpecs), `'(-h --help)'{-h,--help}'[help]'`];
    if (verbs.length === 0)
      return `${nameOf(path)}() {\n  _arguments -s -S ${[...lines, ...args.map(argumentSpec)].join(' \\\n    ')}\n}`;
    const names = verbs.map((verb) =>
      quoted(`${verb.path.at(-1) ?? ''}:${verb.about.replaceAll(':', '\\:')}`),
    );
    const cases = verbs.map((verb) => `      ${verb.path.at(-1) ?? ''}) ${nameOf(verb.path)} ;;`);
    return `${nameOf(path)}() {
  local curcontext=$curcontext state line
  local -a verbs
  verbs=(
    ${names.join('\n    ')}
  )
  _arguments -C -S ${lines.join(' \\\n    ')} \\
    '1: :->verb' '*:: :->rest'
  case $state in
    verb) _describe -t verbs verb verbs ;;
    rest) case $words[1] in
${cases.join('\n')}
    esac ;;
  esac
}`;
  }
}

function nameOf(path: readonly string[]): string {
  return ['_holdfast', ...path].join('_').replaceAll('-', '_');
}

function optionSpecs({ names, about, value }: OptionOf): readonly string[] {
  const what = `[${about.replaceAll(/[[\]\\:]/g, '\\$&')}]`;
  const action = value && `:${value.name.replaceAll(':', '\\:')}:${actionOf(value)}`;
  return names.map((name) => `'*'${name}${quoted(`${what}${action ?? ''}`)}`);
}

function argumentSpec(argument: ArgumentOf, index: number): string {
  const place = argument.isRepeated ? '*' : String(index + 1);
  return quoted(`${place}:${argument.name.replaceAll(/[[\]:]/g, '\\$&')}:${actionOf(argument)}`);
}

function actionOf({ kind, words }: ValueOf): string {
  switch (kind) {
    case 'file':
      return '_files';
    case 'set':
      return '_holdfast_sets';
    case 'words':
      return `(${words.join(' ')})`;
    case 'other':
      return ' ';
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
