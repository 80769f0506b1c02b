#!/bin/bash
# `make bench`: speed as ratios measured in one run. bench.sh BUILD_DIR [PRESET...]
#
# For each preset: one rank, then both cores as two ranks and as two threads with the same batch (strong scaling) and with
# twice the batch (weak scaling), each beside the sgemm rate of the same processes; and PyTorch on the same weights and
# batch where python3 has torch and safetensors. Prints a table; every run's JSON goes to $BENCH_OUT (default: a
# temporary file, named at the end).
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$1
shift
presets=("$@")
[ ${#presets[@]} -gt 0 ] || presets=(tiny small paper)
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
out=${BENCH_OUT:-$(mktemp --suffix=.jsonl)}
input=$(mktemp -d)
trap 'rm -rf "$input"' EXIT
cores=$(nproc)

# Records per slot stay what they are in the full batch; `paper` gets a batch that takes seconds, not minutes.
batch_of() { case $1 in paper) echo 24 ;; *) echo 256 ;; esac; }
steps_of() { case $1 in tiny) echo 15 ;; small) echo 5 ;; paper) echo 3 ;; esac; }

value() { sed -nE 's/.*"'"$2"'": "?([^",}]*).*/\1/p' <<<"$1"; }
losses() { sed -nE 's/.*"losses": \[([^]]*)\].*/\1/p' <<<"$1"; }

# ours NAME PRESET RANKS THREADS BATCH SLOTS [OPTION...]
ours() {
    local name=$1 preset=$2 ranks=$3 threads=$4 batch=$5 slots=$6
    shift 6
    last=$(mpirun --oversubscribe --bind-to none --quiet -n "$ranks" "$build/tests/bench/bench_mae" "$preset" \
        --threads "$threads" --batch "$batch" --slots "$slots" --steps "$(steps_of "$preset")" "$@")
    echo "$last" >>"$out"
    printf '%-7s %-34s %9s records/s %8s GFLOP/s %6s of sgemm %9s s/step\n' "$preset" "$name" "$(value "$last" records_per_s)" \
        "$(value "$last" gflops)" "$(value "$last" share_of_sgemm)" "$(value "$last" step_s)"
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", a / b }'; }

torch=no
if python3 -c 'import torch, safetensors' 2>/dev/null; then torch=yes; fi

for preset in "${presets[@]}"; do
    batch=$(batch_of "$preset")
    case $preset in tiny) slots=16 ;; small) slots=32 ;; paper) slots=4 ;; esac
    give=()
    if [ "$torch" = yes ] && python3 tests/bench/torch_mae.py "$preset" --batch "$batch" --write-input "$input/$preset.safetensors" \
        >/dev/null; then
        give=(--input "$input/$preset.safetensors")
    fi
    ours '1 rank x 1 thread, half the batch' "$preset" 1 1 $((batch / 2)) $((slots / 2)) "${give[@]}"
    half=$(value "$last" records_per_s)
    ours "2 ranks x 1 thread" "$preset" 2 1 "$batch" "$slots" "${give[@]}"
    two=$(value "$last" records_per_s)
    exposed=$(value "$last" exchange_exposed_s) window=$(value "$last" exchange_window_s)
    loss_ours=$(losses "$last")
    ours "1 rank x $cores threads" "$preset" 1 "$cores" "$batch" "$slots" "${give[@]}"
    threads=$(value "$last" records_per_s)
    echo "        weak scaling 1 -> 2 ranks: $(ratio "$two" "$(awk -v h="$half" 'BEGIN { print 2 * h }')")" \
        "  exchange hidden: $(awk -v e="$exposed" -v w="$window" 'BEGIN { printf "%.0f %%", (w > 0 ? 100 * (1 - e / w) : 100) }')" \
        "  threads / ranks: $(ratio "$threads" "$two")"
    if [ "$torch" = yes ]; then
        for setting in "--threads $cores" '--ranks 2'; do
            # shellcheck disable=SC2086
            peer=$(python3 tests/bench/torch_mae.py "$preset" --batch "$batch" $setting --input "$input/$preset.safetensors" \
                --steps "$(steps_of "$preset")" --json 2>/dev/null | tail -n 1)
            [ -n "$peer" ] || continue
            echo "$peer" >>"$out"
            echo "        PyTorch $setting: $(value "$peer" records_per_s) records/s; ours / PyTorch:" \
                "$(ratio "$two" "$(value "$peer" records_per_s)")"
            echo "        losses, ours:    ${loss_ours%%, *}, ..., ${loss_ours##*, }"
            peer_losses=$(losses "$peer")
            echo "        losses, PyTorch: ${peer_losses%%, *}, ..., ${peer_losses##*, }"
        done
    fi
done
awk -f tests/bench/scaling.awk "$out"
echo "every run: $out"
