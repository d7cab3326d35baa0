# What zsh shows, and types, when somebody presses the tabulator: `zsh -f complete.zsh FOLDER-OF-_holdfast LINE WORD...` waits
# until each of the words was shown, and prints all that was. zshmodules(1), THE ZSH/ZPTY MODULE: a shell on a terminal of its own.
zmodload zsh/zpty zsh/datetime
folder=$1 line=$2
shift 2
zpty -b shell "TERM=dumb zsh -f -i"
zpty -w shell "stty -echo; PROMPT=; fpath=($folder \$fpath); autoload -U compinit; compinit -u -D; LISTMAX=0; print 'REA''DY'"

until=$((EPOCHSECONDS + 90))
shown=''
read_until() {
  local piece
  while ((EPOCHSECONDS < until)); do
    zpty -r -t shell piece && shown+=$piece || sleep 0.05
    missing=0
    for word; do [[ $shown == *$word* ]] || missing=1; done
    ((missing)) || return 0
  done
  return 1
}

read_until READY
shown=''
# Nothing is typed behind it: zsh leaves out what it would show when more keys are waiting.
zpty -w -n shell "$line"$'\t'
read_until "$@"
result=$?
print -r -- "${shown//$'\r'/}"
zpty -d shell
exit $result
