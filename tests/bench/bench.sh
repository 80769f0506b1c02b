#!/bin/bash
# `make bench`: speed as ratios measured in one run. bench.sh BUILD_DIR [PRESET...]
#
#   make bench                                    everything, in under 25 minutes on two quiet cores
#   make bench PARTS='products inference'         some of it
#   make bench PARTS=training PRESETS='tiny small'
#
# Parts, each printed as it is measured ($BENCH_PARTS):
#   products    every product of training, beside OpenBLAS's, as a share of the arithmetic peak
#   kernels     forward and backward pass of each kernel with each set of vector instructions
#   training    an update of each preset: one rank with half the batch and with the whole one, then both cores as two ranks
#               and as two threads, each beside the arithmetic peak and the sgemm rate of the same processes; where the
#               time of an update goes
#   torch       PyTorch on the same weights and batch, where python3 ($PYTHON) has torch and safetensors: the best of
#               ranks x threads, pieces of a batch, and torch.compile; its AdamW is the fused one
#   inference   forward passes of a classifier, beside PyTorch and ONNX Runtime where they are installed
#   networks    two ranks over a link of 1 Gbit/s and of 100 Mbit/s, where network namespaces can be made, and what all
#               this predicts for many ranks (scaling.awk)
# A part is left out, and says so, if it would begin after $BENCH_MINUTES (20). Every run's JSON goes to $BENCH_OUT
# (default: a temporary file, named at the end). tests/bench/README.md says what the numbers mean.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$PWD/$1
shift
presets=("$@")
[ ${#presets[@]} -gt 0 ] || presets=(tiny small paper)
read -ra parts <<<"${BENCH_PARTS:-products kernels training torch inference networks}"
python=${PYTHON:-python3}
# An OpenBLAS that is older than the processor falls back on its slowest kernels; the comparison is with its best.
if [ -z "${OPENBLAS_CORETYPE:-}" ] && grep -qw avx512bw /proc/cpuinfo; then export OPENBLAS_CORETYPE=SkylakeX; fi
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
steps_of() { case $1 in tiny) echo 15 ;; small) echo 4 ;; paper) echo 3 ;; esac; }

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

# PyTorch in each setting worth trying; the best of them against the better of ours.
compare_with_torch() { # PRESET BATCH RECORDS_PER_S LOSSES [OPTION...]
    local preset=$1 batch=$2 rate=$3 mine=$4 setting peer theirs best=0 best_setting='' pieces=16
    shift 4
    [ "$preset" = paper ] && pieces=6
    for setting in "--threads $cores" "--ranks $cores" "--threads $cores --micro $pieces" "--ranks $cores --micro $pieces" \
        "--ranks $cores --compile"; do
        # shellcheck disable=SC2086
        peer=$("$python" tests/bench/torch_mae.py "$preset" --batch "$batch" $setting "$@" \
            --steps "$(steps_of "$preset")" --json 2>/dev/null | tail -n 1)
        if [ -z "$peer" ]; then
            echo "        PyTorch $setting: did not run"
            continue
        fi
        echo "$peer" >>"$out"
        theirs=$(losses "$peer")
        echo "        PyTorch $(value "$peer" torch) $setting: $(value "$peer" records_per_s) records/s, losses ${theirs%%, *}, ..., ${theirs##*, }"
        if awk -v a="$(value "$peer" records_per_s)" -v b="$best" 'BEGIN { exit !(a > b) }'; then
            best=$(value "$peer" records_per_s) best_setting=$setting
        fi
    done
    [ -n "$best_setting" ] || return 0
    echo "        ours: losses ${mine%%, *}, ..., ${mine##*, }"
    echo "        $preset: ours $rate records/s, the best of PyTorch $best ($best_setting); ours / PyTorch: $(ratio "$rate" "$best")"
}

bench_preset() {
    local preset=$1 batch slots half one two threads wait window losses_two
    batch=$(batch_of "$preset") slots=$(slots_of "$preset")
    local give=()
    if [ "$torch" = yes ] && "$python" tests/bench/torch_mae.py "$preset" --batch "$batch" \
        --write-input "$scratch/$preset.safetensors" >/dev/null; then
        give=(--input "$scratch/$preset.safetensors")
    fi
    if has training; then
        ours '1 rank x 1 thread, half the batch' 'mpi 1' "$preset" 1 $((batch / 2)) $((slots / 2)) "${give[@]}"
        half=$(value "$last" records_per_s)
        ours '1 rank x 1 thread' 'mpi 1' "$preset" 1 "$batch" "$slots" "${give[@]}"
        one=$(value "$last" records_per_s)
    fi
    ours '2 ranks x 1 thread' 'mpi 2' "$preset" 1 "$batch" "$slots" "${give[@]}"
    two=$(value "$last" records_per_s) wait=$(value "$last" wait_s) window=$(value "$last" window_s)
    losses_two=$(losses "$last")
    ours "1 rank x $cores threads" 'mpi 1' "$preset" "$cores" "$batch" "$slots" "${give[@]}"
    threads=$(value "$last" records_per_s)
    print_phases
    has training && echo "        1 -> 2 ranks: weak scaling $(awk -v h="$half" -v t="$two" 'BEGIN { printf "%.3f", t / (2 * h) }')," \
        "strong scaling $(awk -v o="$one" -v t="$two" 'BEGIN { printf "%.3f", t / (2 * o) }');" \
        "exchange hidden: $(awk -v e="$wait" -v w="$window" 'BEGIN { printf "%.0f %%", (w > 0 ? 100 * (1 - e / w) : 100) }');" \
        "threads / ranks: $(ratio "$threads" "$two")"
    awk -v a="$threads" -v b="$two" 'BEGIN { exit !(a > b) }' && two=$threads
    [ "$torch" = yes ] && begins torch && compare_with_torch "$preset" "$batch" "$two" "$losses_two" "${give[@]}"
}

bench_inference() {
    local preset threads peer mine=0 batch
    for preset in "${presets[@]}"; do
        mine=0
        for threads in 1 "$cores"; do
            for batch in 1 0; do # alone, and as many as `evaluate` takes at once
                last=$("$build/tests/bench/bench_score" "$preset" "$threads" "$batch")
                echo "$last" >>"$out"
                printf '%-7s forward, %s thread(s), batches of %-3s %9s records/s %6s of peak\n' "$preset" "$threads" \
                    "$(value "$last" batch)" "$(value "$last" records_per_s)" "$(value "$last" share_of_peak)"
            done
        done
        mine=$(value "$last" records_per_s)
        "$python" -c 'import torch' 2>/dev/null || continue
        peer=$("$python" tests/bench/torch_score.py "$preset" --threads "$cores" 2>>"$out.peers" | tail -n 1)
        [ -n "$peer" ] || continue
        echo "$peer" >>"$out"
        echo "        $preset: the best peer is $(value "$peer" program), batches of $(value "$peer" batch):" \
            "$(value "$peer" records_per_s) records/s; ours / peer: $(ratio "$mine" "$(value "$peer" records_per_s)")"
    done
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

has() { [[ " ${parts[*]} " == *" $1 "* ]]; }
# begins PART: whether it is wanted and there is time for it.
begins() {
    has "$1" || return 1
    [ "$SECONDS" -lt $((60 * ${BENCH_MINUTES:-20})) ] && return 0
    echo "no time for $1: $((SECONDS / 60)) minutes have passed (BENCH_MINUTES=${BENCH_MINUTES:-20})"
    return 1
}
head_line() { printf '\n== %s (minute %d)\n' "$1" $((SECONDS / 60)); }

torch=no
if has torch && "$python" -c 'import torch, safetensors' 2>/dev/null; then torch=yes; fi
if begins products; then
    head_line 'products of training, shares of the arithmetic peak'
    for preset in "${presets[@]}"; do
        "$build/tests/bench/bench_products" 11 "$preset"
        "$build/tests/bench/bench_slot" "$preset" 9
    done
fi
if begins kernels; then
    head_line 'kernels by sets of vector instructions (plain C calls a function for each fused multiply-add)'
    for preset in "${presets[@]}"; do "$build/tests/unit/test_kernels" speed "$preset"; done
fi
if has training || [ "$torch" = yes ]; then
    head_line 'updates of pretraining'
    for preset in "${presets[@]}"; do bench_preset "$preset"; done
fi
if begins inference; then
    head_line 'forward passes of a classifier'
    bench_inference
fi
if begins networks; then
    head_line 'links'
    bench_fit 'shared memory' 'mpi 2'
    if two_hosts_new "$scratch"; then
        bench_networks
    else
        # shellcheck disable=SC2154 # set by two_hosts_new
        echo "no runs over a slow link: $two_hosts_missing"
    fi
    print_phases
    has training && awk -f tests/bench/scaling.awk "$out"
fi
head_line 'done'
echo "every run: $out"
