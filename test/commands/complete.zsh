# Types each LINE and a tab into a real zsh, and prints what the line has become.
# Usage: zsh -f complete.zsh SCRIPT FOLDER LINE...
zmodload zsh/zpty
script=$1 folder=$2
shift 2
zpty -b shell zsh -f -i
# One command, so that nothing is echoed in between. Ctrl-X Ctrl-M prints the line in place of running it.
zpty -w shell "PROMPT=; unsetopt zle_bracketed_paste; setopt no_beep; bindkey -e
autoload -U compinit; compinit -u -d $folder/zcompdump; source $script
accept() { print -r -- \"<<\$BUFFER>>\"; BUFFER=; zle .accept-line }; zle -N accept; bindkey '^X^M' accept
print RE''ADY"
zpty -r -m shell out '*READY*'
for line; do
  zpty -w -n shell "$line"$'\t\x18\r'
  zpty -r -m shell out '*<<*>>*'
  print -r -- "${${out##*<<}%%>>*}"
done
zpty -d shell
