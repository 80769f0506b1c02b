#!/bin/bash
# `make bench`: speed as ratios measured in one run. bench.sh BUILD_DIR [PRESET...]
#
# For each preset: one rank with half the batch and with the whole one, then both cores as two ranks and as two threads, each
# beside the arithmetic peak and the sgemm rate of the same processes; where the time of an update goes; and PyTorch on the same weights and batch
# where python3 has torch and safetensors. Then two ranks over a link of 1 Gbit/s and of 100 Mbit/s, where network
# namespaces can be made, and what all this predicts for many ranks (scaling.awk). Every run's JSON goes to $BENCH_OUT
# (default: a temporary file, named at the end).
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$PWD/$1
shift
presets=("$@")
[ ${#presets[@]} -gt 0 ] || presets=(tiny small paper)
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
out=${BENCH_OUT:-$(mktemp --suffix=.jsonl)}
scratch=$(mktemp -d)
# shellcheck source=tests/faults/two_hosts.sh
. tests/faults/two_hosts.sh
trap 'two_hosts_end; rm -rf "$scratch"' EXIT
cores=$(nproc)

# Records per slot stay what they are in the full batch; `paper` gets a batch that takes seconds, not minutes.
batch_of() { case $1 in paper) echo 24 ;; *) echo 256 ;; esac; }
slots_of() { case $1 in tiny) echo 16 ;; small) echo 32 ;; paper) echo 4 ;; esac; }
steps_of() { case $1 in tiny) echo 15 ;; small) echo 5 ;; paper) echo 3 ;; esac; }

value() { sed -nE 's/.*"'"$2"'": "?([^",}]*).*/\1/p' <<<"$1"; }
losses() { sed -nE 's/.*"losses": \[([^]]*)\].*/\1/p' <<<"$1"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", a / b }'; }

mpi() { # RANKS COMMAND...
    local ranks=$1
    shift
    mpirun --oversubscribe --bind-to none --quiet -n "$ranks" "$@"
}

# ours NAME LAUNCHER PRESET THREADS BATCH SLOTS [OPTION...]: $last is the run's JSON, its phases are kept for the table.
phases=''
ours() {
    local name=$1 launcher=$2 preset=$3 threads=$4 batch=$5 slots=$6
    shift 6
    # shellcheck disable=SC2086 # a launcher is words
    last=$($launcher "$build/tests/bench/bench_mae" "$preset" --threads "$threads" --batch "$batch" --slots "$slots" \
        --steps "$(steps_of "$preset")" "$@")
    echo "$last" >>"$out"
    printf '%-7s %-34s %9s records/s %8s GFLOP/s %6s of peak %6s of sgemm %9s s/update\n' "$preset" "$name" \
        "$(value "$last" records_per_s)" "$(value "$last" gflops)" "$(value "$last" share_of_peak)" \
        "$(value "$last" share_of_sgemm)" "$(value "$last" step_s)"
    phases+="$name"
    for phase in mean input forward backward imbalance wait add norm reduce adamw share rest; do
        phases+=$'\t'$(value "$last" "${phase}_s")
    done
    phases+=$'\n'
}

print_phases() {
    printf '        %-34s' 'where an update goes, ms'
    printf ' %9s' update input forward backward imbalance waiting adding norm reduction AdamW sharing rest
    printf '\n'
    printf '%s' "$phases" | awk -F '\t' '{ printf "        %-34s", $1; for (i = 2; i <= NF; i++) printf " %9.2f", 1e3 * $i; printf "\n" }'
    phases=''
}

compare_with_torch() { # PRESET BATCH RECORDS_PER_S LOSSES [OPTION...]
    local preset=$1 batch=$2 rate=$3 mine=$4 setting peer theirs
    shift 4
    for setting in "--threads $cores" '--ranks 2'; do
        # shellcheck disable=SC2086
        peer=$(python3 tests/bench/torch_mae.py "$preset" --batch "$batch" $setting "$@" \
            --steps "$(steps_of "$preset")" --json 2>/dev/null | tail -n 1)
        [ -n "$peer" ] || continue
        echo "$peer" >>"$out"
        echo "        PyTorch $setting: $(value "$peer" records_per_s) records/s; ours / PyTorch:" \
            "$(ratio "$rate" "$(value "$peer" records_per_s)")"
        theirs=$(losses "$peer")
        echo "        losses, ours:    ${mine%%, *}, ..., ${mine##*, }"
        echo "        losses, PyTorch: ${theirs%%, *}, ..., ${theirs##*, }"
    done
}

bench_preset() {
    local preset=$1 batch slots half one two threads wait window losses_two
    batch=$(batch_of "$preset") slots=$(slots_of "$preset")
    local give=()
    if [ "$torch" = yes ] && python3 tests/bench/torch_mae.py "$preset" --batch "$batch" \
        --write-input "$scratch/$preset.safetensors" >/dev/null; then
        give=(--input "$scratch/$preset.safetensors")
    fi
    ours '1 rank x 1 thread, half the batch' 'mpi 1' "$preset" 1 $((batch / 2)) $((slots / 2)) "${give[@]}"
    half=$(value "$last" records_per_s)
    ours '1 rank x 1 thread' 'mpi 1' "$preset" 1 "$batch" "$slots" "${give[@]}"
    one=$(value "$last" records_per_s)
    ours '2 ranks x 1 thread' 'mpi 2' "$preset" 1 "$batch" "$slots" "${give[@]}"
    two=$(value "$last" records_per_s) wait=$(value "$last" wait_s) window=$(value "$last" window_s)
    losses_two=$(losses "$last")
    ours "1 rank x $cores threads" 'mpi 1' "$preset" "$cores" "$batch" "$slots" "${give[@]}"
    threads=$(value "$last" records_per_s)
    print_phases
    echo "        1 -> 2 ranks: weak scaling $(awk -v h="$half" -v t="$two" 'BEGIN { printf "%.3f", t / (2 * h) }')," \
        "strong scaling $(awk -v o="$one" -v t="$two" 'BEGIN { printf "%.3f", t / (2 * o) }');" \
        "exchange hidden: $(awk -v e="$wait" -v w="$window" 'BEGIN { printf "%.0f %%", (w > 0 ? 100 * (1 - e / w) : 100) }');" \
        "threads / ranks: $(ratio "$threads" "$two")"
    [ "$torch" = yes ] && compare_with_torch "$preset" "$batch" "$two" "$losses_two" "${give[@]}"
}

# Points to which the model of a network is fitted: many messages, and little to compute that could hide them.
bench_fit() { # NAME LAUNCHER
    ours "2 ranks, $1, small buckets" "$2" tiny 1 256 16 --network "$1" --bucket 1
    ours "2 ranks, $1, one slot each" "$2" tiny 1 32 2 --network "$1"
}

# Links that are slow enough to be seen.
bench_networks() {
    local rate name preset
    for rate in 1gbit 100mbit; do
        case $rate in 1gbit) name='1 Gbit/s' ;; 100mbit) name='100 Mbit/s' ;; esac
        two_hosts_rate "$rate"
        for preset in "${presets[@]}"; do
            [ "$preset" = paper ] && [ "$rate" = 100mbit ] && continue # half a minute an update
            ours "2 ranks, $name" two_hosts_run "$preset" 1 "$(batch_of "$preset")" "$(slots_of "$preset")" --network "$name"
        done
        bench_fit "$name" two_hosts_run
    done
}

torch=no
if python3 -c 'import torch, safetensors' 2>/dev/null; then torch=yes; fi
for preset in "${presets[@]}"; do bench_preset "$preset"; done
bench_fit 'shared memory' 'mpi 2'
if two_hosts_new "$scratch"; then
    bench_networks
else
    # shellcheck disable=SC2154 # set by two_hosts_new
    echo "no runs over a slow link: $two_hosts_missing"
fi
print_phases
awk -f tests/bench/scaling.awk "$out"
echo "every run: $out"
