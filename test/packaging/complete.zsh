# What zsh shows, and types, when somebody presses the tabulator: `zsh -f complete.zsh FOLDER-OF-_holdfast LINE`.
# zshmodules(1), THE ZSH/ZPTY MODULE: a shell on a terminal of its own.
zmodload zsh/zpty
zpty shell "TERM=dumb zsh -f -i"
zpty -w shell "stty -echo; PROMPT=; fpath=($1 \$fpath); autoload -U compinit; compinit -u -D; LISTMAX=0; print READY"
while zpty -r shell line; do [[ $line == *READY$'\r'* ]] && break; done
# The last key ends the line, and `print` says that everything was shown before.
zpty -w -n shell "$2"$'\t'
zpty -w -n shell $'\x15'"print 'DO''NE'"$'\n'
while zpty -r shell line; do
  print -r -- "${line//$'\r'/}"
  [[ $line == *DONE* && $line != *print* ]] && break
done
zpty -d shell
