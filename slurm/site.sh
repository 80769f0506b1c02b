# shellcheck shell=bash disable=SC2034
# What slurm/study and the batch scripts share: messages, site.env with its defaults, modules, the program, time limits.
#
# Messages are one line: what failed, with which value, what to do next.

ein_stages=(synth ingest pretrain finetune evaluate score table)
ein_name=${ein_name:-einthoven}
ein_why='' # of what failed and leaves it to its caller to say so

ein_warn() { printf '%s: %s\n' "$ein_name" "$*" >&2; }
ein_die() {
    ein_warn "$@"
    exit 1
}
ein_wrong_use() {
    ein_warn "$@"
    exit 2
}

# ein_first_line TEXT: the first line that says something.
ein_first_line() { awk 'NF { print; exit }' <<<"$1"; }

# --- site.env ------------------------------------------------------------------------------------------------------

ein_site_defaults() {
    EIN_ACCOUNT=${EIN_ACCOUNT:-} EIN_PARTITION=${EIN_PARTITION:-} EIN_QOS=${EIN_QOS:-}
    EIN_MODULE_INIT=${EIN_MODULE_INIT:-} EIN_PROGRAM=${EIN_PROGRAM:-$ein_root/einthoven}
    EIN_CORES_PER_NODE=${EIN_CORES_PER_NODE:-} EIN_RANKS_PER_NODE=${EIN_RANKS_PER_NODE:-1}
    EIN_BIND=${EIN_BIND:-cores} EIN_MEM=${EIN_MEM:-} EIN_ARRAY_LIMIT=${EIN_ARRAY_LIMIT:-16}
    EIN_MODE=${EIN_MODE:-requeue} EIN_LINKS=${EIN_LINKS:-4} EIN_RESTARTS=${EIN_RESTARTS:-50}
    EIN_SIGNAL_S=${EIN_SIGNAL_S:-300} EIN_STAGE_DIR=${EIN_STAGE_DIR:-} EIN_ARRAY_SIZE=${EIN_ARRAY_SIZE:-} EIN_MIN_FREE_MIB=${EIN_MIN_FREE_MIB:-1024}
    [ -n "${EIN_SBATCH+set}" ] || EIN_SBATCH=()
    [ -n "${EIN_MODULES+set}" ] || EIN_MODULES=()
    [ -n "${EIN_LAUNCHER+set}" ] || EIN_LAUNCHER=(srun --mpi=pmix)
    local stage
    for stage in SYNTH:1:1:00:00 INGEST:1:4:00:00 PRETRAIN:4:24:00:00 FINETUNE:1:12:00:00 EVALUATE:1:4:00:00 SCORE:1:12:00:00 TABLE:1:0:30:00; do
        local name=${stage%%:*} rest=${stage#*:}
        local nodes="EIN_NODES_$name" limit="EIN_TIME_$name"
        [ -n "${!nodes:-}" ] || printf -v "$nodes" '%s' "${rest%%:*}"
        [ -n "${!limit:-}" ] || printf -v "$limit" '%s' "${rest#*:}"
    done
}

# ein_count NAME LEAST: the variable holds a whole number of at least that.
ein_count() {
    local value=${!1}
    if ! [[ $value =~ ^[0-9]{1,9}$ ]] || [ "$value" -lt "$2" ]; then
        ein_die "$1='$value' in ${ein_site:-the environment} is not a whole number of at least $2"
    fi
}

ein_site_keys='EIN_ACCOUNT EIN_PARTITION EIN_QOS EIN_SBATCH EIN_MODULE_INIT EIN_MODULES EIN_PROGRAM EIN_LAUNCHER
EIN_CORES_PER_NODE EIN_RANKS_PER_NODE EIN_BIND EIN_MEM EIN_NODES_SYNTH EIN_NODES_INGEST EIN_NODES_PRETRAIN
EIN_NODES_FINETUNE EIN_NODES_EVALUATE EIN_NODES_SCORE EIN_NODES_TABLE EIN_TIME_SYNTH EIN_TIME_INGEST EIN_TIME_PRETRAIN
EIN_TIME_FINETUNE EIN_TIME_EVALUATE EIN_TIME_SCORE EIN_TIME_TABLE EIN_ARRAY_LIMIT EIN_ARRAY_SIZE EIN_MODE EIN_LINKS
EIN_RESTARTS EIN_SIGNAL_S EIN_STAGE_DIR EIN_MIN_FREE_MIB'

# ein_nearest WORD: the key of site.env that takes the fewest edits.
ein_nearest() {
    awk -v word="$1" '
        function least(a, b) { return a < b ? a : b }
        function edits(a, b, i, j, d) {
            for (i = 0; i <= length(a); i++) d[i, 0] = i
            for (j = 0; j <= length(b); j++) d[0, j] = j
            for (i = 1; i <= length(a); i++)
                for (j = 1; j <= length(b); j++)
                    d[i, j] = least(least(d[i - 1, j], d[i, j - 1]) + 1, d[i - 1, j - 1] + (substr(a, i, 1) != substr(b, j, 1)))
            return d[length(a), length(b)]
        }
        { for (k = 1; k <= NF; k++) { n = edits(toupper(word), $k); if (best == "" || n < fewest) { best = $k; fewest = n } } }
        END { print best }' <<<"$ein_site_keys"
}

# Mistakes that bash would pass over in silence: Windows line ends, and keys that nobody reads.
ein_site_check() {
    local number line key
    if grep -q $'\r' "$ein_site"; then
        ein_die "$ein_site has Windows line ends, which would become part of every value; remove them: sed -i 's/\\r//' $ein_site"
    fi
    number=0
    while IFS= read -r line || [ -n "$line" ]; do
        number=$((number + 1))
        [[ $line =~ ^[[:space:]]*(export[[:space:]]+)?([Ee][Ii][Nn]_[A-Za-z0-9_]*)\+?= ]] || continue
        key=${BASH_REMATCH[2]}
        [[ " ${ein_site_keys//$'\n'/ } " == *" $key "* ]] ||
            ein_die "$ein_site:$number: there is no $key; did you mean $(ein_nearest "$key")? (slurm/site.env.example has them all)"
    done <"$ein_site"
}

# ein_site_load [FILE]: read the site's file (default: EIN_SITE, else slurm/site.env if there is one), fill in, check.
ein_site_load() {
    ein_site=${1:-${EIN_SITE:-}}
    if [ -z "$ein_site" ] && [ -r "$ein_root/slurm/site.env" ]; then ein_site=$ein_root/slurm/site.env; fi
    if [ -n "$ein_site" ]; then
        [ -r "$ein_site" ] || ein_die "cannot read $ein_site: copy slurm/site.env.example to slurm/site.env and edit it"
        ein_site=$(readlink -f "$ein_site")
        [ ! -f "$ein_site" ] || ein_site_check
        # shellcheck disable=SC1090
        . "$ein_site" || ein_die "$ein_site is not sound bash (bash -n $ein_site)"
    fi
    ein_site_defaults
    local stage name
    for stage in "${ein_stages[@]}"; do
        ein_count "EIN_NODES_${stage^^}" 1
        name="EIN_TIME_${stage^^}"
        ein_seconds "${!name}" >/dev/null || ein_die "$name='${!name}' is no time limit: minutes, h:mm:ss or d-hh:mm:ss"
    done
    [ -z "$EIN_CORES_PER_NODE" ] || ein_count EIN_CORES_PER_NODE 1
    ein_count EIN_RANKS_PER_NODE 1
    ein_count EIN_ARRAY_LIMIT 1
    [ -z "$EIN_ARRAY_SIZE" ] || ein_count EIN_ARRAY_SIZE 1
    ein_count EIN_LINKS 1
    ein_count EIN_RESTARTS 0
    ein_count EIN_SIGNAL_S 1
    ein_count EIN_MIN_FREE_MIB 0
    case $EIN_MODE in requeue | chain) ;; *) ein_die "EIN_MODE='$EIN_MODE' is neither requeue nor chain" ;; esac
    case $EIN_BIND in cores | none) ;; *) ein_die "EIN_BIND='$EIN_BIND' is neither cores nor none" ;; esac
}

# How many numbers an array's elements can have: Slurm's MaxArraySize, or its default where that cannot be asked.
ein_array_size() {
    local size=$EIN_ARRAY_SIZE
    [ -n "$size" ] || size=$(scontrol show config 2>/dev/null | sed -n 's/^MaxArraySize *= *//p')
    [[ $size =~ ^[1-9][0-9]{0,8}$ ]] || size=1001
    echo "$size"
}

# ein_seconds LIMIT: a time limit as Slurm writes it (m, m:s, h:m:s, d-h, d-h:m, d-h:m:s) in seconds; fails if it is none.
ein_seconds() {
    local days=0 rest=$1 part
    [[ $1 =~ ^([0-9]{1,5}-)?[0-9]{1,6}(:[0-9]{1,2}){0,2}$ ]] || return 1
    if [[ $1 == *-* ]]; then days=${1%%-*} rest=${1#*-}; fi
    IFS=: read -r -a part <<<"$rest"
    local a=$((10#${part[0]})) b=$((10#${part[1]:-0})) c=$((10#${part[2]:-0}))
    if [[ $1 == *-* ]] || [ ${#part[@]} -eq 3 ]; then
        echo $((10#$days * 86400 + a * 3600 + b * 60 + c))
    else
        echo $((a * 60 + b))
    fi
}

# ein_duration SECONDS: d-hh:mm:ss or h:mm:ss.
ein_duration() {
    local s=$1
    if [ "$s" -ge 86400 ]; then printf '%d-%02d:' $((s / 86400)) $((s % 86400 / 3600)); else printf '%d:' $((s / 3600)); fi
    printf '%02d:%02d\n' $((s % 3600 / 60)) $((s % 60))
}

# --- software ------------------------------------------------------------------------------------------------------

# Load the site's modules into this shell, once; otherwise fail with the reason in ein_why. Their scripts are not written
# for `set -u`.
ein_modules_load() {
    ein_why=''
    [ ${#EIN_MODULES[@]} -gt 0 ] || return 0
    if [ -n "$EIN_MODULE_INIT" ]; then
        if [ ! -r "$EIN_MODULE_INIT" ]; then
            ein_why="EIN_MODULE_INIT=$EIN_MODULE_INIT cannot be read on $(hostname); see $ein_site"
            return 1
        fi
        set +u
        # shellcheck disable=SC1090
        . "$EIN_MODULE_INIT"
        set -u
    fi
    if ! command -v module >/dev/null 2>&1; then
        ein_why="there is no 'module' command on $(hostname), which EIN_MODULES=(${EIN_MODULES[*]}) needs: set EIN_MODULE_INIT in $ein_site to the file that defines it"
        return 1
    fi
    local name said words status
    said=$(mktemp) || ein_die "$(ein_cannot_write "${TMPDIR:-/tmp}/ein")"
    for name in "${EIN_MODULES[@]}"; do
        set +u
        module load "$name" >"$said" 2>&1
        status=$?
        set -u
        # Some implementations return 0 on failure.
        if [ "$status" -ne 0 ] || grep -qE '^ERROR|detected the following error|Unable to locate' "$said"; then
            words=$(awk 'NF { print; exit }' "$said" | cut -c1-160)
            ein_why="module $name cannot be loaded on $(hostname) ($words): correct EIN_MODULES in $ein_site; 'module avail' lists what there is"
            break
        fi
    done
    rm -f "$said"
    [ -z "$ein_why" ]
}

ein_program_check() {
    [ -x "$EIN_PROGRAM" ] || ein_die "$EIN_PROGRAM is not there or cannot be run on $(hostname): build it with make, or set EIN_PROGRAM in site.env"
    EIN_PROGRAM=$(readlink -f "$EIN_PROGRAM")
    local said
    if ! said=$("$EIN_PROGRAM" --version 2>&1); then
        ein_die "$EIN_PROGRAM does not run on $(hostname) ($(ein_first_line "$said" | cut -c1-160)): a missing library is a missing module (EIN_MODULES in site.env)"
    fi
}

# --- files ---------------------------------------------------------------------------------------------------------

# ein_free_mib FOLDER: what its file system has left for us; of the nearest folder above that exists.
ein_free_mib() {
    local folder=$1
    while [ ! -d "$folder" ] && [ "$folder" != / ] && [ "$folder" != . ]; do folder=$(dirname "$folder"); done
    df -Pk "$folder" 2>/dev/null | awk 'NR == 2 { print int($4 / 1024) }'
}

# ein_disk_check FOLDER
ein_disk_check() {
    local free
    free=$(ein_free_mib "$1")
    if [ -n "$free" ] && [ "$free" -lt "$EIN_MIN_FREE_MIB" ]; then
        ein_die "the disk is full: $1 has $free MiB left, below EIN_MIN_FREE_MIB=$EIN_MIN_FREE_MIB; make room, then: slurm/study STUDY.yaml resume"
    fi
}

# ein_cannot_write FILE: that, and why.
ein_cannot_write() {
    local why
    why=$({ : >>"$1.$$.partial"; } 2>&1) && why=$(df -Pk "$(dirname "$1")" 2>/dev/null | awk 'NR == 2 && $4 == 0 { print "No space left on device" }')
    rm -f "$1.$$.partial"
    echo "cannot write $1 ($(sed 's/.*: //' <<<"${why:-is the disk full or the quota used up? df $(dirname "$1")}" | head -n 1))"
}

# ein_write FILE: stdin into FILE, whole or not at all.
ein_write() {
    local file=$1
    if ! cat >"$file.$$.partial" 2>/dev/null || ! sync "$file.$$.partial" || ! mv -f "$file.$$.partial" "$file"; then
        rm -f "$file.$$.partial"
        return 1
    fi
}
