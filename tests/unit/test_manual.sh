#!/bin/bash
# timeout: 300
# The manual: every README.md that is part of the program. Commands in fenced blocks are run, in the order of the pages, on a few
# SYNTHETIC records; what pages name (keys, options, files, links) exists; `einthoven help TOPIC` prints the pages.
#
#   ```sh           run here, made small: see `einthoven` in the box below
#   ```sh cluster   needs a cluster: subcommands and options are looked up in the help
#   ```sh long      takes minutes: looked up as well
#   ```yaml file=F  written to F, for the commands behind it
. "$(dirname "$0")/../lib.sh"

pages=()
for page in README.md ARCHITECTURE.md jobs/data/README.md jobs/train/README.md jobs/evaluate/README.md; do
    if [ -f "$root/$page" ]; then pages+=("$page"); fi
done
while read -r page; do
    case " ${pages[*]} " in *" $page "*) ;; *) pages+=("$page") ;; esac
done < <(cd "$root" && ls slurm/*.md jobs/*/README.md io/*/README.md {jobs,io,mpi,core}/README.md core/*/README.md)

# --- the box: the program made small, and launchers -------------------------------------------------------------------
box=$tmp/box
mkdir -p "$box/bin"
cat >"$box/bin/einthoven" <<SH
#!/bin/bash
# The program under test, with few records, one epoch and few replicates where a command would take long.
small=()
case " \$* " in *' --help '*) exec '$einthoven' "\$@" ;; esac
case \${1:-} in
synth) small=(--set synth.records=100 --set signal.fs_hz=100) ;;
pretrain | finetune) small=(--set train.epochs=1 --set train.batch=32 --set run.log_seconds=1000) ;;
evaluate) small=(--set evaluate.replicates=100 --set evaluate.minimum=1) ;;
esac
case " \$* " in *' split.by=hash '*) small+=(--set split.valid_fraction=0.3 --set split.test_fraction=0.3) ;; esac
exec '$einthoven' "\$@" "\${small[@]}"
SH
real_mpirun=$(command -v mpirun)
cat >"$box/bin/mpirun" <<SH
#!/bin/bash
# On 2 ranks, whatever number and binding the page has.
while [ \$# -gt 0 ]; do case \$1 in *einthoven) break ;; esac; shift; done
exec '$real_mpirun' --oversubscribe --bind-to none --quiet -n 2 env OMP_NUM_THREADS=1 "\$@"
SH
chmod +x "$box"/bin/*
ln -s bin/einthoven "$box/einthoven"
mkdir "$box/results"

# blocks PAGE: one file per fenced block of sh or yaml, $tmp/blocks/N.KIND, in order; the first line says where it begins.
blocks() {
    rm -rf "$tmp/blocks" && mkdir "$tmp/blocks"
    awk -v to="$tmp/blocks" -v page="$1" '
        /^```/ && inside { inside = 0; close(file); next }
        /^```/ {
            inside = 1; n++
            info = substr($0, 4); kind = "text"
            if (info == "sh") kind = "run"
            else if (info ~ /^sh (cluster|long)$/) kind = "look"
            else if (info ~ /^yaml file=/) kind = "file." substr(info, 11)
            else if (info ~ /^sh/) kind = "unknown"
            file = sprintf("%s/%03d.%s", to, n, kind)
            if (kind !~ /^file/) print "# " page ":" NR > file
            next
        }
        inside { print > file }' "$root/$1"
}

# The help of a subcommand, once.
declare -A helps
help_of() {
    if [ -z "${helps[$1]+set}" ]; then helps[$1]=$("$einthoven" "$1" --help 2>/dev/null); fi
}
mapfile -t subcommands < <("$einthoven" --help | sed -n '/^Subcommands:/,/^$/s/^  \([a-z]*\) .*/\1/p')

study_help=$("$root/slurm/study" --help 2>&1)

# look FILE: subcommands and options of the commands of a block that cannot be run here exist; scripts too.
look() {
    local line word subcommand faults=''
    while read -r line; do
        line=${line%%#*}
        case $line in *slurm/*.sbatch* | *slurm/study*)
            word=$(grep -oE 'slurm/[a-z.]+' <<<"$line" | head -n 1)
            [ -e "$root/$word" ] || faults+="$word is not there; "
            ;;
        esac
        if [[ $line =~ slurm/(synth|ingest|pretrain|finetune|evaluate|score)\.sbatch(.*) || $line =~ einthoven\ ([a-z]+)(.*) ]]; then
            subcommand=${BASH_REMATCH[1]} line=${BASH_REMATCH[2]}
        elif [[ $line =~ slurm/study\ [^\ ]+(.*) ]]; then
            for word in ${BASH_REMATCH[1]}; do grep -qE -- "(^|[ |])$word( |\$)" <<<"$study_help" || faults+="slurm/study has no $word; "; done
            continue
        else
            continue
        fi
        help_of "$subcommand"
        if [ -z "${helps[$subcommand]}" ]; then
            faults+="no subcommand $subcommand; "
            continue
        fi
        for word in $(grep -oE -- '--[a-z][a-z-]*' <<<"$line"); do
            grep -qE -- "^  $word( |\$)" <<<"${helps[$subcommand]}" || faults+="$subcommand has no $word; "
        done
    done < <(sed -e ':more' -e '/\\$/{N;s/\\\n//;b more' -e '}' "$1")
    echo "$faults"
}

cd "$box" || exit 1
export PATH=$box/bin:$PATH OMP_NUM_THREADS=2
ran=0
for page in "${pages[@]}"; do
    blocks "$page"
    for block in "$tmp"/blocks/*; do
        [ -e "$block" ] || continue
        where=$(head -n 1 "$block" | sed 's/^# //')
        case $block in
        *.run)
            ran=$((ran + $(grep -cE '(^|[ /])einthoven ' "$block")))
            ok "commands of $where" bash -e -c "trap 'echo \"failed: \$BASH_COMMAND\" >&2' ERR; . '$block'"
            ;;
        *.look) is "commands of $where exist" "$(look "$block")" '' ;;
        *.unknown) fail "kind of the block at $where" 'sh, sh cluster, sh long or yaml file=NAME' ;;
        *.file.*) cp "$block" "${block##*.file.}" ;;
        esac
    done
done
ok 'the pages have commands' test "$ran" -ge 30

# --- what pages name exists -----------------------------------------------------------------------------------------------
cd "$root" || exit 1
for subcommand in "${subcommands[@]}"; do help_of "$subcommand"; done
all_help=$(printf '%s\n' "${helps[@]}")
keys=$(grep -oE '^  [a-z_]+(\.[a-z_0-9]+)+' <<<"$all_help" | tr -d ' ' | sort -u)
groups=$(sed 's/\..*//' <<<"$keys" | sort -u | paste -sd'|')
for page in "${pages[@]}" tests/README.md tests/data/README.md results/README.md; do
    folder=$(dirname "$page")
    # What stands between backticks outside of blocks, one per line.
    mapfile -t named < <(awk '/^```/ { inside = !inside } !inside' "$page" | grep -oE '`[^`]+`' | tr -d '`' | sort -u)
    lacking=''
    for name in "${named[@]}"; do
        for key in $(grep -oE "(^|[ =])($groups)\.[a-z_0-9.]*[a-z_0-9]" <<<"$name" | tr -d ' ='); do
            case $key in *.h | *.c | *.sh | *.csv | *.yaml | *.md | *.txt | *.json | *.safetensors | *.sums | *.h5 | *.html | *.npy | *.sqlite) continue ;; esac
            case $name in *"$key".[*X]* | *"$key"*XX*) continue ;; esac
            grep -qxF "$key" <<<"$keys" || lacking+="key $key; "
        done
        case $page in
        jobs/*/README.md | io/*)
            for option in $(grep -oE -- '(^| )--[a-z][a-z-]*' <<<"$name"); do
                grep -qE -- "^  $option( |\$)" <<<"$all_help"$'\n  --version ' || lacking+="option $option; "
            done
            ;;
        esac
        if [[ $name =~ ^[A-Za-z0-9_/.-]+\.(h|c|sh|md|awk|sbatch|example)$ || $name =~ ^(core|io|jobs|mpi|tests|slurm)/[a-z_/.]+$ ]]; then
            [ -e "$name" ] || [ -e "$folder/$name" ] || { [ "$page" = ARCHITECTURE.md ] && [ -n "$(find core io jobs mpi -name "$name")" ]; } ||
                { [[ $name == test_* ]] && [ -n "$(find tests -name "$name")" ]; } || lacking+="file $name; "
        fi
    done
    for link in $(grep -oE '\]\([^)#]+' "$page" | sed 's/^](//'); do
        case $link in http*) continue ;; esac
        [ -e "$folder/$link" ] || lacking+="link $link; "
    done
    is "$page names what there is" "$lacking" ''
    like "$page begins with what it is" "$(head -n 1 "$page")" '^# .+'
done
mapfile -t wide < <(awk 'FNR == 1 { inside = 0 } /^```/ { inside = !inside } !inside && !/^\|/ && length > 140 { print FILENAME ":" FNR }' "${pages[@]}")
is 'no line of a page but of tables is over 140 columns' "${wide[*]}" ''

# The page of a floor lists its rooms.
for floor in core io jobs; do
    lacking=$(for room in "$floor"/*/; do
        room=$(basename "$room")
        grep -qE "^\|[^|]*\`$room\`" "$floor/README.md" || echo "$room"
    done)
    is "$floor/README.md lists its rooms" "$lacking" ''
done

is 'every room has a page' "$(for room in {core,io,jobs}/*/; do
    compgen -G "$room*.c" >/dev/null && [ ! -f "$room/README.md" ] && echo "$room"
done)" ''

# --- einthoven help TOPIC -------------------------------------------------------------------------------------------------
run "$einthoven" help
topics=$(sed -n '/^Manual: /,$s/^  \([^ ]*\) .*/\1/p' <<<"$out")
is 'help lists a topic for each page' "$(wc -l <<<"$topics")" "${#pages[@]}"
for page in "${pages[@]}"; do
    topic=$(sed -e 's,^README\.md$,einthoven,; s,^jobs/\(.*/\),\1,; s,/README\.md$,,; s,\.md$,,' <<<"$page" | tr A-Z a-z)
    like "help lists $topic" "$topics" "^$topic\$"
    run "$einthoven" help "$topic"
    if grep -qxF "$topic" <<<"$(printf '%s\n' "${subcommands[@]}")"; then
        like "help $topic has the section of the page" "$out" "^## einthoven $topic"
        run "$einthoven" help "$page"
    fi
    is "help $topic prints $page" "$out" "$(cat "$page")"
done
for subcommand in "${subcommands[@]}"; do
    run "$einthoven" help "$subcommand"
    like "help $subcommand has a section of the manual" "$out" "^(## einthoven $subcommand|# jobs/$subcommand:)"
    like "README.md lists $subcommand" "$(cat README.md)" "^\\|.*\`$subcommand\`"
    is "help $subcommand ends with its options" "$(tail -n 5 <<<"$out")" "$(tail -n 5 <<<"${helps[$subcommand]}")"
done
exits 'an unknown topic' 2 "$einthoven" help slrum
is 'gets a suggestion' "$err" "einthoven: no topic 'slrum'; did you mean slurm?"
done_testing
