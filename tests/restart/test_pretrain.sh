#!/bin/bash
# timeout: 900
# Pretraining gives the same bytes however it is cut: over ranks, threads, memory, stops and kills.
. "$(dirname "$0")/../lib.sh"

# A model so small that a life of thousands of updates fits a test. SYNTHETIC records.
cat >"$tmp/small.yaml" <<'YAML'
contract: {leads: [I, II, V1, V2, V3, V4, V5, V6], fs_hz: 50, samples: 500}
model: {patch: 25, width: 24, depth: 2, heads: 3, mlp: 40, decoder_width: 12, decoder_depth: 1, decoder_heads: 2, decoder_mlp: 24, positions: sincos}
train: {epochs: EPOCHS, batch: 16, slots: 8, warmup_epochs: 2, shuffle_run: 4, shuffle_window: 16}
data: {validation_fraction: 0.1}
run: {log_seconds: 1000, checkpoint_minutes: 0}
YAML
ok 'synthetic records' "$einthoven" synth --out "$tmp/ecg" --set synth.records=280 --set synth.seed=3
sed -i "s/EPOCHS/${EIN_RESTART_EPOCHS:-40}/" "$tmp/small.yaml"
printf 'contract: {leads: [I, II, V1, V2, V3, V4, V5, V6], fs_hz: 50, samples: 500}\n' >"$tmp/ingest.yaml"
ok 'corpus' "$einthoven" ingest "$tmp/ingest.yaml" "$tmp/ecg" --out "$tmp/corpus.h5"

# pretrain RANKS THREADS FOLDER [OPTION...]
pretrain() {
    local ranks=$1 threads=$2 folder=$3
    shift 3
    mpi "$ranks" "$einthoven" pretrain "$tmp/small.yaml" --corpus "$tmp/corpus.h5" --run "$folder" \
        --set train.threads="$threads" "$@"
}
last_checkpoint() { find "$1/ckpt" -name 'step-*.h5' | sort | tail -n 1; }
state() { head -n 1 "$1/STATE"; }

ok 'straight through on one rank' pretrain 1 1 "$tmp/straight"
is 'its STATE' "$(state "$tmp/straight")" 'done'
like 'the model says what its positions started as' "$("$einthoven" inspect --json "$tmp/straight/model.safetensors")" '"positions": ?"sincos"'
like 'and so does the checkpoint' "$(head -c 512 "$(last_checkpoint "$tmp/straight")")" '^shape: 8 500 25 24 2 3 40 12 1 2 24 0 0 0 1$'
exits 'with others it does not go on' 1 pretrain 1 1 "$tmp/straight" --set model.positions=learned
like 'and says so' "$err" 'made with "positions: sincos", this run asks for "positions: learned"'
final=$(basename "$(last_checkpoint "$tmp/straight")")

# same NAME FOLDER: final parameters, moments and metrics equal the straight run's.
same() {
    ok "$1: parameters and moments are byte-equal" cmp "$tmp/straight/ckpt/$final" "$2/ckpt/$final"
    ok "$1: metrics are byte-equal" cmp "$tmp/straight/metrics.csv" "$2/metrics.csv"
    ok "$1: the model is byte-equal" cmp "$tmp/straight/model.safetensors" "$2/model.safetensors"
}

for shape in '2 1' '3 1' '4 1' '8 1' '1 2' '2 2' '1 3'; do
    read -r ranks threads <<<"$shape"
    ok "$ranks ranks, $threads threads" pretrain "$ranks" "$threads" "$tmp/r$ranks-t$threads"
    same "$ranks ranks, $threads threads" "$tmp/r$ranks-t$threads"
done
ok 'streamed' pretrain 1 1 "$tmp/streamed" --set data.memory_mib=1
same 'streamed' "$tmp/streamed"
like 'the log says that it streamed' "$(cat "$tmp/streamed/log.txt")" 'records of rank 0 are streamed from the corpus'
like 'and the first run that it did not' "$(cat "$tmp/straight/log.txt")" 'records of rank 0 are kept in memory'

# until_step FOLDER STEP: wait until the run has done that many updates (or its launcher is gone).
until_step() {
    local row
    while kill -0 "$launcher" 2>/dev/null; do
        row=$(tail -n 1 "$1/metrics.csv" 2>/dev/null)
        row=${row%%,*}
        [[ $row =~ ^[0-9]+$ ]] && [ "$row" -ge "$2" ] && return
        sleep 0.01
    done
}

# signal_ranks NAME: to every rank of the launcher, which is mpirun or the shell that runs it.
signal_ranks() { pkill "-$1" -x einthoven -P "$launcher,$(pgrep -d, -P "$launcher" || echo "$launcher")"; }

# --- stopped in order ---------------------------------------------------------------------------------------
cut=$tmp/cut
ok 'stopped after 100 updates' pretrain 2 1 "$cut" --set run.max_steps=100
is 'its STATE' "$(state "$cut")" stopped

# From here on every update is followed by a checkpoint, so that a life lasts, and kills meet checkpoint writes.
slow=(--set run.checkpoint_steps=1)
pretrain 4 1 "$cut" "${slow[@]}" >"$tmp/term.out" 2>&1 &
launcher=$!
until_step "$cut" 130
signal_ranks TERM
wait "$launcher"
is 'SIGTERM: exit code' $? 0
is 'SIGTERM: STATE' "$(state "$cut")" stopped

pretrain 1 2 "$cut" "${slow[@]}" >"$tmp/stop.out" 2>&1 &
launcher=$!
until_step "$cut" 180
touch "$cut/STOP"
wait "$launcher"
is 'STOP file: exit code' $? 0
is 'STOP file: STATE' "$(state "$cut")" stopped
ok 'STOP file is taken away' test ! -e "$cut/STOP"

ok 'time limit' pretrain 2 1 "$cut" "${slow[@]}" --max-walltime 0.005
is 'time limit: STATE' "$(state "$cut")" stopped

# --- killed -------------------------------------------------------------------------------------------------
kills=0
seed_random 1
for round in $(seq 1 60); do
    [ "$(state "$cut")" = 'done' ] && break
    case $((round % 4)) in 0) ranks=1 ;; 1) ranks=2 ;; 2) ranks=4 ;; 3) ranks=8 ;; esac
    options=("${slow[@]}")
    [ $((round % 3)) -eq 0 ] && options+=(--set data.memory_mib=1)
    pretrain "$ranks" $((1 + round % 2)) "$cut" "${options[@]}" >"$tmp/kill.out" 2>&1 &
    launcher=$!
    # Some while starting up, most some updates later, at any moment within an update or checkpoint.
    if [ $((round % 7)) -eq 0 ]; then
        sleep "0.$((RANDOM % 6 + 1))"
    else
        last=$(tail -n 1 "$cut/metrics.csv")
        until_step "$cut" "$((${last%%,*} + RANDOM % 9 + 2))"
        sleep "0.0$((RANDOM % 10))"
    fi
    # Ranks that start while others are killed are killed too; a launcher that waits for ever for a rank which it never
    # saw start (Open MPI 4.1 does so now and then) is killed as well.
    hit=0
    for try in $(seq 1 400); do
        kill -0 "$launcher" || break
        if signal_ranks KILL; then hit=1; fi
        [ "$hit" -eq 1 ] && [ "$try" -ge 300 ] && pkill -KILL -P "$launcher"
        sleep 0.01
    done
    kills=$((kills + hit))
    wait "$launcher"
    [ "$kills" -ge 20 ] && break
done 2>/dev/null
ok "killed at random $kills times" test "$kills" -ge 20
ok 'the last life ends it' pretrain 2 1 "$cut"
same 'in pieces' "$cut"
is 'STATE' "$(state "$cut")" 'done'

# --- guards -------------------------------------------------------------------------------------------------
exits 'resume=must without a checkpoint fails' 1 pretrain 1 1 "$tmp/empty" --resume must
exits 'resume=none refuses a finished run' 1 pretrain 1 1 "$tmp/straight" --resume none
like 'and says so' "$err" 'finished run'
exits 'another configuration on the same folder is refused' 1 pretrain 1 1 "$tmp/straight" --set train.lr=0.002
like 'and names what differs' "$err" 'lr'
is 'and leaves it done' "$(state "$tmp/straight")" 'done'
before=$(stat -c '%Y %n' "$tmp/straight"/ckpt/* "$tmp/straight/model.safetensors")
ok 'a finished run is left alone' pretrain 1 1 "$tmp/straight"
is 'its files are not written again' "$(stat -c '%Y %n' "$tmp/straight"/ckpt/* "$tmp/straight/model.safetensors")" "$before"
exits 'more ranks than slots' 2 pretrain 9 1 "$tmp/nine"
like 'and says how many' "$err" 'at most 8 ranks'

done_testing
