# Completion for bash. In ~/.bashrc: eval "$(pcam completion bash)"
_pcam_words() {
  # shellcheck disable=SC2207
  COMPREPLY=($(compgen -W "$1" -- "$cur"))
}
_pcam_list() {
  local prefix='' word
  [[ $cur == *,* ]] && prefix=${cur%,*},
  COMPREPLY=()
  for word in $1; do
    [[ $word == "${cur##*,}"* && ,$prefix != *,"$word",* ]] && COMPREPLY+=("$prefix$word")
  done
  compopt -o nospace 2>/dev/null
}
_pcam_folder() {
  compopt +o default -o dirnames 2>/dev/null
}
_pcam_nothing() {
  compopt +o default 2>/dev/null
}
_pcam() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      -d|--dir|--manifest) ((i++)) ;;
      -*) ;;
      *) command=${COMP_WORDS[i]}; break ;;
    esac
  done
  # Bash takes --option=value for three words.
  if [[ $cur == = ]]; then cur=''
  elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}
  fi
  case "$command:$prev" in
    :-d|:--dir) _pcam_folder; return ;;
    :--manifest) :; return ;;
    download:--split) _pcam_list 'train valid test'; return ;;
    download:--kind) _pcam_list 'images labels meta'; return ;;
    download:--source) _pcam_nothing; return ;;
    download:--mirror) :; return ;;
    download:--from) :; return ;;
    download:--connections) _pcam_nothing; return ;;
    download:--jobs) _pcam_nothing; return ;;
    download:--limit-rate) _pcam_nothing; return ;;
    download:--progress) _pcam_words 'auto bar lines json none'; return ;;
    download:-d|download:--dir) _pcam_folder; return ;;
    download:--manifest) :; return ;;
    verify:--split) _pcam_list 'train valid test'; return ;;
    verify:--kind) _pcam_list 'images labels meta'; return ;;
    verify:--progress) _pcam_words 'auto bar lines json none'; return ;;
    verify:-d|verify:--dir) _pcam_folder; return ;;
    verify:--manifest) :; return ;;
    export:--split) _pcam_list 'train valid test'; return ;;
    export:--format) _pcam_words 'png raw parquet tfrecord clip-benchmark vtab-1k'; return ;;
    export:--layout) _pcam_words 'shards folder'; return ;;
    export:-o|export:--out) _pcam_folder; return ;;
    export:--shard-size) _pcam_nothing; return ;;
    export:--part) _pcam_nothing; return ;;
    export:--workers) _pcam_nothing; return ;;
    export:--crop) _pcam_words 'center32'; return ;;
    export:--index) _pcam_words 'dali'; return ;;
    export:--order) _pcam_words 'tfds file'; return ;;
    export:--label) _pcam_words '0 1'; return ;;
    export:--slides) _pcam_nothing; return ;;
    export:--per-class) _pcam_nothing; return ;;
    export:--per-slide) _pcam_nothing; return ;;
    export:--sample) _pcam_nothing; return ;;
    export:--indices) :; return ;;
    export:--seed) _pcam_nothing; return ;;
    export:--progress) _pcam_words 'auto bar lines json none'; return ;;
    export:-d|export:--dir) _pcam_folder; return ;;
    export:--manifest) :; return ;;
    stats:--split) _pcam_list 'train valid test'; return ;;
    stats:--table) :; return ;;
    stats:--workers) _pcam_nothing; return ;;
    stats:--progress) _pcam_words 'auto bar lines json none'; return ;;
    stats:-d|stats:--dir) _pcam_folder; return ;;
    stats:--manifest) :; return ;;
    subset:--split) _pcam_list 'train valid test'; return ;;
    subset:-o|subset:--out) _pcam_folder; return ;;
    subset:--label) _pcam_words '0 1'; return ;;
    subset:--slides) _pcam_nothing; return ;;
    subset:--per-class) _pcam_nothing; return ;;
    subset:--per-slide) _pcam_nothing; return ;;
    subset:--sample) _pcam_nothing; return ;;
    subset:--indices) :; return ;;
    subset:--seed) _pcam_nothing; return ;;
    subset:--progress) _pcam_words 'auto bar lines json none'; return ;;
    subset:-d|subset:--dir) _pcam_folder; return ;;
    subset:--manifest) :; return ;;
    preview:--split) _pcam_list 'train valid test'; return ;;
    preview:--label) _pcam_words '0 1'; return ;;
    preview:--slides) _pcam_nothing; return ;;
    preview:--per-class) _pcam_nothing; return ;;
    preview:--per-slide) _pcam_nothing; return ;;
    preview:--sample) _pcam_nothing; return ;;
    preview:--indices) :; return ;;
    preview:--seed) _pcam_nothing; return ;;
    preview:--rows) _pcam_nothing; return ;;
    preview:--cols) _pcam_nothing; return ;;
    preview:--scale) _pcam_nothing; return ;;
    preview:-o|preview:--out) :; return ;;
    preview:--progress) _pcam_words 'auto bar lines json none'; return ;;
    preview:-d|preview:--dir) _pcam_folder; return ;;
    preview:--manifest) :; return ;;
    report:--split) _pcam_list 'train valid test'; return ;;
    report:-o|report:--out) :; return ;;
    report:--progress) _pcam_words 'auto bar lines json none'; return ;;
    report:-d|report:--dir) _pcam_folder; return ;;
    report:--manifest) :; return ;;
    score:--split) _pcam_words 'train valid test'; return ;;
    score:--valid) :; return ;;
    score:--compare) :; return ;;
    score:--compare-valid) :; return ;;
    score:--threshold) _pcam_nothing; return ;;
    score:--as) _pcam_words 'probability logit decision score'; return ;;
    score:--column) _pcam_nothing; return ;;
    score:--errors) :; return ;;
    score:--bootstrap) _pcam_nothing; return ;;
    score:--seed) _pcam_nothing; return ;;
    score:-o|score:--out) :; return ;;
    score:--progress) _pcam_words 'auto bar lines json none'; return ;;
    score:-d|score:--dir) _pcam_folder; return ;;
    score:--manifest) :; return ;;
    browse:--split) _pcam_list 'train valid test'; return ;;
    browse:--label) _pcam_words '0 1'; return ;;
    browse:--slides) _pcam_nothing; return ;;
    browse:--per-class) _pcam_nothing; return ;;
    browse:--per-slide) _pcam_nothing; return ;;
    browse:--sample) _pcam_nothing; return ;;
    browse:--indices) :; return ;;
    browse:--seed) _pcam_nothing; return ;;
    browse:--scores) :; return ;;
    browse:--port) _pcam_nothing; return ;;
    browse:--progress) _pcam_words 'auto bar lines json none'; return ;;
    browse:-d|browse:--dir) _pcam_folder; return ;;
    browse:--manifest) :; return ;;
    info:-d|info:--dir) _pcam_folder; return ;;
    info:--manifest) :; return ;;
    cache-key:--split) _pcam_list 'train valid test'; return ;;
    cache-key:--kind) _pcam_list 'images labels meta'; return ;;
    cache-key:-d|cache-key:--dir) _pcam_folder; return ;;
    cache-key:--manifest) :; return ;;
    fixture:--train) _pcam_nothing; return ;;
    fixture:--valid) _pcam_nothing; return ;;
    fixture:--test) _pcam_nothing; return ;;
    fixture:--seed) _pcam_nothing; return ;;
    fixture:--progress) _pcam_words 'auto bar lines json none'; return ;;
    fixture:-d|fixture:--dir) _pcam_folder; return ;;
    fixture:--manifest) :; return ;;
  esac
  if [[ $cur == -* ]]; then
    case $command in
      '') _pcam_words '-V --version -d --dir --manifest -h --help' ;;
      download) _pcam_words '--split --kind --source --mirror --from --connections --jobs --limit-rate --keep-archives --no-extract --stream --force --dry-run --json --progress --quiet -d --dir --manifest -h --help' ;;
      verify) _pcam_words '--split --kind --quick --deep --fix --json --progress --quiet -d --dir --manifest -h --help' ;;
      export) _pcam_words '--split --format --layout -o --out --shard-size --part --workers --crop --index --sha1 --order --force --unique --label --slides --per-class --per-slide --sample --indices --shuffle --seed --json --progress --quiet -d --dir --manifest -h --help' ;;
      stats) _pcam_words '--split --table --workers --json --progress --quiet -d --dir --manifest -h --help' ;;
      subset) _pcam_words '--split -o --out --unique --label --slides --per-class --per-slide --sample --indices --shuffle --seed --archives --force --json --progress --quiet -d --dir --manifest -h --help' ;;
      preview) _pcam_words '--split --unique --label --slides --per-class --per-slide --sample --indices --shuffle --seed --rows --cols --scale -o --out --json --progress --quiet -d --dir --manifest -h --help' ;;
      report) _pcam_words '--split -o --out --json --progress --quiet -d --dir --manifest -h --help' ;;
      score) _pcam_words '--split --valid --compare --compare-valid --threshold --as --column --errors --bootstrap --seed -o --out --json --progress --quiet -d --dir --manifest -h --help' ;;
      browse) _pcam_words '--split --unique --label --slides --per-class --per-slide --sample --indices --shuffle --seed --scores --port --no-open --json --progress --quiet -d --dir --manifest -h --help' ;;
      info) _pcam_words '--probe --cite --json -d --dir --manifest -h --help' ;;
      cache-key) _pcam_words '--split --kind -d --dir --manifest -h --help' ;;
      fixture) _pcam_words '--train --valid --test --seed --force --json --progress --quiet -d --dir --manifest -h --help' ;;
      completion) _pcam_words '-h --help' ;;
    esac
    return
  fi
  case $command in
    ''|help) _pcam_words 'download verify export stats subset preview report score browse info cache-key fixture completion help' ;;
    download) _pcam_nothing ;;
    verify) _pcam_nothing ;;
    export) _pcam_nothing ;;
    stats) _pcam_nothing ;;
    subset) _pcam_nothing ;;
    preview) _pcam_nothing ;;
    report) _pcam_nothing ;;
    score) : ;;
    browse) _pcam_nothing ;;
    info) : ;;
    cache-key) _pcam_nothing ;;
    fixture) _pcam_folder ;;
    completion) _pcam_words 'bash zsh fish' ;;
  esac
}
complete -o bashdefault -o default -F _pcam pcam
