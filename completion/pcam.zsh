#compdef pcam
# Completion for zsh. In ~/.zshrc, after compinit: eval "$(pcam completion zsh)"
_pcam() {
  local context state state_descr line
  typeset -A opt_args
  _arguments -C -S \
    '(-V --version)'{-V,--version}'[print the version]' \
    '(-d --dir)'{-d,--dir=}'[the data set folder (or PCAM_DIR)]:folder:_files -/' \
    '--manifest=[a manifest in place of the built-in one (or PCAM_MANIFEST)]:file:_files' \
    '(-h --help)'{-h,--help}'[display help for command]' \
    '1:command:->command' \
    '*::argument:->argument'
  case $state in
    command)
      local -a commands
      commands=(
        'download:fetch, verify and decompress the data set'
        'verify:check the files in the data set folder'
        'export:turn the data set into what training jobs read'
        'stats:count and measure: classes, slides, duplicates, channels'
        'subset:write selected patches as a small data set of their own'
        'preview:show a contact sheet of patches, on the terminal or as a PNG file'
        'report:write one HTML page about the data set'
        'score:measure a model'\''s predictions, with intervals that take slides into account'
        'browse:walk through the patches in a web browser'
        'info:show the files, their digests and sources, and their state in the folder'
        'cache-key:print a key for a CI cache'
        'fixture:make a small synthetic data set, for tests and trials'
        'completion:print a completion script for bash, zsh or fish'
        'help:show the help of a command'
      )
      _describe -t commands command commands
      ;;
    argument)
      case $line[1] in
        download)
          _arguments -S \
            '*--split=[train, valid, test, all (default\: all)]:names:_values -s , value train valid test' \
            '*--kind=[images (or x), labels (or y), meta (slides and positions; default\: all)]:names:_values -s , value images labels meta' \
            '--source=[use only these sources of the manifest, in this order (default\: all)]:ids: ' \
            '--mirror=[servers or folders with the same files, to try first (write %2C for a comma in one)]:places:_files' \
            '--from=[folders, files and zip archives with files that are already here]:places:_files' \
            '--connections=[maximum concurrent requests per source]:n: ' \
            '--jobs=[maximum files in progress at the same time]:n: ' \
            '--limit-rate=[bytes per second over all connections, such as 500k or 2M]:speed: ' \
            '--keep-archives[keep the .gz archives beside the decompressed files]' \
            '--no-extract[fetch and verify the archives, without decompressing them]' \
            '--stream[keep no archive while it is fetched\: needs less room, but an interrupted file starts over]' \
            '--force[fetch everything again, even what is present]' \
            '--dry-run[print what would be done, and do nothing]' \
            '--json[print one JSON document on stdout]' \
            '--progress=[auto, bar, lines, json, none\: how progress is shown on stderr (default\: auto)]:how:(auto bar lines json none)' \
            '--quiet[no progress and no messages, only errors]' \
            '(-d --dir)'{-d,--dir=}'[the data set folder (or PCAM_DIR)]:folder:_files -/' \
            '--manifest=[a manifest in place of the built-in one (or PCAM_MANIFEST)]:file:_files' \
            '(-h --help)'{-h,--help}'[display help for command]'
          ;;
        verify)
          _arguments -S \
            '*--split=[train, valid, test, all (default\: all)]:names:_values -s , value train valid test' \
            '*--kind=[images (or x), labels (or y), meta (slides and positions; default\: all)]:names:_values -s , value images labels meta' \
            '--quick[do not read again what was checked and has not changed since\: size, time, samples of the content]' \
            '--deep[open the HDF5 and CSV files\: shapes, types, labels, rows, slides]' \
            '--fix[rename swapped files back]' \
            '--json[print one JSON document on stdout]' \
            '--progress=[auto, bar, lines, json, none\: how progress is shown on stderr (default\: auto)]:how:(auto bar lines json none)' \
            '--quiet[no progress and no messages, only errors]' \
            '(-d --dir)'{-d,--dir=}'[the data set folder (or PCAM_DIR)]:folder:_files -/' \
            '--manifest=[a manifest in place of the built-in one (or PCAM_MANIFEST)]:file:_files' \
            '(-h --help)'{-h,--help}'[display help for command]'
          ;;
        export)
          _arguments -S \
            '*--split=[train, valid, test, all (default\: those in the folder)]:names:_values -s , value train valid test' \
            '--format=[png, raw, parquet, tfrecord, clip-benchmark, vtab-1k]:name:(png raw parquet tfrecord clip-benchmark vtab-1k)' \
            '--layout=[shards or folder (default\: shards)]:name:(shards folder)' \
            '(-o --out)'{-o,--out=}'[the output folder (default\: pcam-<format> and what else was asked for)]:folder:_files -/' \
            '--shard-size=[patches per shard (default\: 2048, parquet 16384, tfrecord 4096, clip-benchmark 10000)]:n: ' \
            '--part=[only the shards of job i of n]:i/n: ' \
            '--workers=[threads (default\: the machine'\''s cores, at most 8, for parquet 4)]:n: ' \
            '--crop=[center32\: only the 32 x 32 px that decide the label]:name:(center32)' \
            '--index=[dali\: an index file for NVIDIA DALI (.idx) beside each tar shard]:name:(dali)' \
            '--sha1[write the SHA-1 of each patch (its id in Kaggle'\''s version) beside it (png, parquet)]' \
            '--order=[of tfrecord\: tfds, TFDS'\''s own (default), or file]:name:(tfds file)' \
            '--force[replace an export with other options or of other data]' \
            '--unique[only the first of pixel-identical patches of a split]' \
            '--label=[only patches with this label\: 1 has tumor in its centre]:0|1:(0 1)' \
            '--slides=[only patches of these slides, such as '\''*tumor_0?3*'\'', quoted (needs the meta CSV)]:globs: ' \
            '--per-class=[n random patches of each class of each split]:n: ' \
            '--per-slide=[at most n random patches per slide (needs the meta CSV)]:n: ' \
            '--sample=[n random patches per split]:n: ' \
            '--indices=[only the patches in this file\: one index, or split,index, per line]:file:_files' \
            '--shuffle[in a random order (default\: in the order of the file)]' \
            '--seed=[the same seed gives the same patches and order (default\: 0)]:n: ' \
            '--json[print one JSON document on stdout]' \
            '--progress=[auto, bar, lines, json, none\: how progress is shown on stderr (default\: auto)]:how:(auto bar lines json none)' \
            '--quiet[no progress and no messages, only errors]' \
            '(-d --dir)'{-d,--dir=}'[the data set folder (or PCAM_DIR)]:folder:_files -/' \
            '--manifest=[a manifest in place of the built-in one (or PCAM_MANIFEST)]:file:_files' \
            '(-h --help)'{-h,--help}'[display help for command]'
          ;;
        stats)
          _arguments -S \
            '*--split=[train, valid, test, all (default\: those in the folder)]:names:_values -s , value train valid test' \
            '--table=[also write one row per patch to a .csv or .parquet file]:file:_files' \
            '--workers=[threads (default\: the machine'\''s cores)]:n: ' \
            '--json[print one JSON document on stdout]' \
            '--progress=[auto, bar, lines, json, none\: how progress is shown on stderr (default\: auto)]:how:(auto bar lines json none)' \
            '--quiet[no progress and no messages, only errors]' \
            '(-d --dir)'{-d,--dir=}'[the data set folder (or PCAM_DIR)]:folder:_files -/' \
            '--manifest=[a manifest in place of the built-in one (or PCAM_MANIFEST)]:file:_files' \
            '(-h --help)'{-h,--help}'[display help for command]'
          ;;
        subset)
          _arguments -S \
            '*--split=[train, valid, test, all (default\: those in the folder)]:names:_values -s , value train valid test' \
            '(-o --out)'{-o,--out=}'[where to put it]:folder:_files -/' \
            '--unique[only the first of pixel-identical patches of a split]' \
            '--label=[only patches with this label\: 1 has tumor in its centre]:0|1:(0 1)' \
            '--slides=[only patches of these slides, such as '\''*tumor_0?3*'\'', quoted (needs the meta CSV)]:globs: ' \
            '--per-class=[n random patches of each class of each split]:n: ' \
            '--per-slide=[at most n random patches per slide (needs the meta CSV)]:n: ' \
            '--sample=[n random patches per split]:n: ' \
            '--indices=[only the patches in this file\: one index, or split,index, per line]:file:_files' \
            '--shuffle[in a random order (default\: in the order of the file)]' \
            '--seed=[the same seed gives the same patches and order (default\: 0)]:n: ' \
            '--archives[also write the .gz archives, so that the folder can be served as a mirror]' \
            '--force[replace a subset with other options or of other data]' \
            '--json[print one JSON document on stdout]' \
            '--progress=[auto, bar, lines, json, none\: how progress is shown on stderr (default\: auto)]:how:(auto bar lines json none)' \
            '--quiet[no progress and no messages, only errors]' \
            '(-d --dir)'{-d,--dir=}'[the data set folder (or PCAM_DIR)]:folder:_files -/' \
            '--manifest=[a manifest in place of the built-in one (or PCAM_MANIFEST)]:file:_files' \
            '(-h --help)'{-h,--help}'[display help for command]'
          ;;
        preview)
          _arguments -S \
            '*--split=[train, valid, test, all (default\: those in the folder)]:names:_values -s , value train valid test' \
            '--unique[only the first of pixel-identical patches of a split]' \
            '--label=[only patches with this label\: 1 has tumor in its centre]:0|1:(0 1)' \
            '--slides=[only patches of these slides, such as '\''*tumor_0?3*'\'', quoted (needs the meta CSV)]:globs: ' \
            '--per-class=[n random patches of each class of each split]:n: ' \
            '--per-slide=[at most n random patches per slide (needs the meta CSV)]:n: ' \
            '--sample=[n random patches per split]:n: ' \
            '--indices=[only the patches in this file\: one index, or split,index, per line]:file:_files' \
            '--shuffle[in a random order (default\: in the order of the file)]' \
            '--seed=[the same seed gives the same patches and order (default\: 0)]:n: ' \
            '--rows=[rows of patches (default\: 4; all of a sample; what fits a terminal)]:n: ' \
            '--cols=[patches per row (default\: 8; what fits a terminal)]:n: ' \
            '--scale=[pixels of the picture per pixel of a patch (default\: 2)]:n: ' \
            '(-o --out)'{-o,--out=}'[write a PNG file (default\: draw on the terminal)]:file:_files' \
            '--json[print one JSON document on stdout]' \
            '--progress=[auto, bar, lines, json, none\: how progress is shown on stderr (default\: auto)]:how:(auto bar lines json none)' \
            '--quiet[no progress and no messages, only errors]' \
            '(-d --dir)'{-d,--dir=}'[the data set folder (or PCAM_DIR)]:folder:_files -/' \
            '--manifest=[a manifest in place of the built-in one (or PCAM_MANIFEST)]:file:_files' \
            '(-h --help)'{-h,--help}'[display help for command]'
          ;;
        report)
          _arguments -S \
            '*--split=[train, valid, test, all (default\: those in the folder)]:names:_values -s , value train valid test' \
            '(-o --out)'{-o,--out=}'[the file to write]:file:_files' \
            '--json[print one JSON document on stdout]' \
            '--progress=[auto, bar, lines, json, none\: how progress is shown on stderr (default\: auto)]:how:(auto bar lines json none)' \
            '--quiet[no progress and no messages, only errors]' \
            '(-d --dir)'{-d,--dir=}'[the data set folder (or PCAM_DIR)]:folder:_files -/' \
            '--manifest=[a manifest in place of the built-in one (or PCAM_MANIFEST)]:file:_files' \
            '(-h --help)'{-h,--help}'[display help for command]'
          ;;
        score)
          _arguments -S \
            '--split=[train, valid, test (default\: the one that the rows name, else test)]:name:(train valid test)' \
            '--valid=[scores of valid\: choose the threshold of the best accuracy there]:file:_files' \
            '--compare=[scores of another model\: differences on the same slides, and tests]:file:_files' \
            '--compare-valid=[its scores of valid]:file:_files' \
            '--threshold=[a patch is called positive from here on (default\: 0.5, none for bare scores)]:t: ' \
            '--as=[probability, logit, decision or score (default\: by name and values)]:kind:(probability logit decision score)' \
            '--column=[the column that has the scores]:name: ' \
            '--errors=[write the wrong patches, most confident first, for --indices]:file:_files' \
            '--bootstrap=[resamples of each interval (default\: 1,000)]:n: ' \
            '--seed=[the same seed gives the same intervals (default\: 0)]:n: ' \
            '(-o --out)'{-o,--out=}'[write an HTML page with curves and pictures]:file:_files' \
            '--json[print one JSON document on stdout]' \
            '--progress=[auto, bar, lines, json, none\: how progress is shown on stderr (default\: auto)]:how:(auto bar lines json none)' \
            '--quiet[no progress and no messages, only errors]' \
            '(-d --dir)'{-d,--dir=}'[the data set folder (or PCAM_DIR)]:folder:_files -/' \
            '--manifest=[a manifest in place of the built-in one (or PCAM_MANIFEST)]:file:_files' \
            '(-h --help)'{-h,--help}'[display help for command]' \
            '1:file:_files'
          ;;
        browse)
          _arguments -S \
            '*--split=[train, valid, test, all (default\: those in the folder)]:names:_values -s , value train valid test' \
            '--unique[only the first of pixel-identical patches of a split]' \
            '--label=[only patches with this label\: 1 has tumor in its centre]:0|1:(0 1)' \
            '--slides=[only patches of these slides, such as '\''*tumor_0?3*'\'', quoted (needs the meta CSV)]:globs: ' \
            '--per-class=[n random patches of each class of each split]:n: ' \
            '--per-slide=[at most n random patches per slide (needs the meta CSV)]:n: ' \
            '--sample=[n random patches per split]:n: ' \
            '--indices=[only the patches in this file\: one index, or split,index, per line]:file:_files' \
            '--shuffle[in a random order (default\: in the order of the file)]' \
            '--seed=[the same seed gives the same patches and order (default\: 0)]:n: ' \
            '--scores=[lay predictions over the patches\: a file as `score` takes it]:file:_files' \
            '--port=[the port to listen on (default\: a free one)]:n: ' \
            '--no-open[do not open a web browser]' \
            '--json[print one JSON document on stdout]' \
            '--progress=[auto, bar, lines, json, none\: how progress is shown on stderr (default\: auto)]:how:(auto bar lines json none)' \
            '--quiet[no progress and no messages, only errors]' \
            '(-d --dir)'{-d,--dir=}'[the data set folder (or PCAM_DIR)]:folder:_files -/' \
            '--manifest=[a manifest in place of the built-in one (or PCAM_MANIFEST)]:file:_files' \
            '(-h --help)'{-h,--help}'[display help for command]'
          ;;
        info)
          _arguments -S \
            '--probe[ask each source for one small range\: does it answer, how fast, through which proxy]' \
            '--cite[print how to cite the data set, as BibTeX]' \
            '--json[print one JSON document on stdout]' \
            '(-d --dir)'{-d,--dir=}'[the data set folder (or PCAM_DIR)]:folder:_files -/' \
            '--manifest=[a manifest in place of the built-in one (or PCAM_MANIFEST)]:file:_files' \
            '(-h --help)'{-h,--help}'[display help for command]' \
            '1:file:_files'
          ;;
        cache-key)
          _arguments -S \
            '*--split=[train, valid, test, all (default\: all)]:names:_values -s , value train valid test' \
            '*--kind=[images (or x), labels (or y), meta (slides and positions; default\: all)]:names:_values -s , value images labels meta' \
            '(-d --dir)'{-d,--dir=}'[the data set folder (or PCAM_DIR)]:folder:_files -/' \
            '--manifest=[a manifest in place of the built-in one (or PCAM_MANIFEST)]:file:_files' \
            '(-h --help)'{-h,--help}'[display help for command]'
          ;;
        fixture)
          _arguments -S \
            '--train=[patches of the train split]:n: ' \
            '--valid=[patches of the valid split]:n: ' \
            '--test=[patches of the test split]:n: ' \
            '--seed=[a whole number]:n: ' \
            '--force[replace a fixture with other numbers or another seed]' \
            '--json[print one JSON document on stdout]' \
            '--progress=[auto, bar, lines, json, none\: how progress is shown on stderr (default\: auto)]:how:(auto bar lines json none)' \
            '--quiet[no progress and no messages, only errors]' \
            '(-d --dir)'{-d,--dir=}'[the data set folder (or PCAM_DIR)]:folder:_files -/' \
            '--manifest=[a manifest in place of the built-in one (or PCAM_MANIFEST)]:file:_files' \
            '(-h --help)'{-h,--help}'[display help for command]' \
            '1:folder:_files -/'
          ;;
        completion)
          _arguments -S \
            '(-h --help)'{-h,--help}'[display help for command]' \
            '1:shell:(bash zsh fish)'
          ;;
        help) _arguments '1:command:(download verify export stats subset preview report score browse info cache-key fixture completion)' ;;
      esac
      ;;
  esac
}
if [ "$funcstack[1]" = _pcam ]; then
  _pcam "$@"
else
  compdef _pcam pcam
fi
