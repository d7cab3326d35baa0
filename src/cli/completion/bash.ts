/** Completion in bash (bash(1), Programmable Completion). */
import { allVerbs, optionsAt } from '../verb-tree.ts';
import type { ArgumentOf, OptionOf, VerbOf } from '../verb-tree.ts';

/** A script for `~/.bashrc`, or for `/usr/share/bash-completion/completions/holdfast`. */
export function bashCompletion(root: VerbOf): string {
  return `# bash completion of holdfast, made by \`holdfast completion bash\`

# Sets for the verb at $1: verbs, options (= behind those that take a value), what its arguments are.
_holdfast_verb() {
  case "$1" in
${allVerbs(root).map(verbCase).join('\n')}
    *) return 1 ;;
  esac
}

# Prints what may follow the option $2 of the verb at $1.
_holdfast_value() {
  case "$1 $2" in
${valueCases(root).join('\n')}
  esac
}

_holdfast_sets() { "\${COMP_WORDS[0]}" completion sets 2>/dev/null; }

_holdfast() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  local path='' verbs options args word kind i
  COMPREPLY=()
  _holdfast_verb ''
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case "$word" in
      -*) [[ " $options " == *" $word= "* ]] && ((i++)) ;;
      *) [[ " $verbs " == *" $word "* ]] && path=\${path:+$path }$word && _holdfast_verb "$path" ;;
    esac
  done
  if [[ $prev == -* && " $options " == *" $prev= "* ]]; then
    kind=$(_holdfast_value "$path" "$prev")
  elif [[ $cur == -* ]]; then
    kind="words \${options//=/}"
  elif [[ -n $verbs ]]; then
    kind="words $verbs"
  else
    kind=$args
  fi
  case "$kind" in
    words*) COMPREPLY=($(compgen -W "\${kind#words}" -- "$cur")) ;;
    set) COMPREPLY=($(compgen -W "$(_holdfast_sets)" -- "$cur")) ;;
    file) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
  esac
}

complete -F _holdfast holdfast
`;

  function verbCase(verb: VerbOf): string {
    const { path, verbs, args } = verb;
    const names = optionsAt(root, verb).flatMap(optionNames);
    const parts = [
      `verbs='${verbs.map((verb) => verb.path.at(-1) ?? '').join(' ')}'`,
      `options='${[...names, '--help'].join(' ')}'`,
      `args='${kindOf(args[0])}'`,
    ];
    return `    '${path.join(' ')}') ${parts.join(' ')} ;;`;
  }
}

function optionNames({ names, value }: OptionOf): readonly string[] {
  return names.map((name) => (value === undefined ? name : `${name}=`));
}

function kindOf(argument: ArgumentOf | undefined): string {
  if (argument === undefined) return 'none';
  return argument.kind === 'words' ? `words ${argument.words.join(' ')}` : argument.kind;
}

function valueCases(root: VerbOf): readonly string[] {
  return allVerbs(root).flatMap((verb) =>
    optionsAt(root, verb).flatMap(({ names, value }) => {
      if (value === undefined || value.kind === 'other') return [];
      const patterns = names.map((name) => `'${verb.path.join(' ')} ${name}'`).join(' | ');
      return [`    ${patterns}) echo '${[value.kind, ...value.words].join(' ')}' ;;`];
    }),
  );
}
