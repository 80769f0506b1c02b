#!/bin/bash
# timeout: 200
# An MPI error on one rank, as after a lost peer, ends the job on all of them with its message, wherever it comes. The
# watchdogs are far away: nothing may wait for them. SYNTHETIC records.
. "$(dirname "$0")/../lib.sh"

small_run 80 3 'checkpoint_steps: 5'

# lost NAME RANK N TEXT COMMAND...: the N-th call named TEXT fails on that rank; the job ends by itself, with the message.
lost() {
    local name=$1 rank=$2 n=$3 text=$4
    shift 4
    EINTHOVEN_INJECT_MPI_ERROR="$rank:$n:$text" run timeout -k 5 60 mpirun --oversubscribe --bind-to none --quiet -n 2 "$einthoven" "$@"
    if [ "$status" -ne 0 ] && [ "$status" -ne 124 ] && [ "$status" -ne 137 ]; then
        pass "$name: ends"
    else
        fail "$name: ends" "exit code $status" "$out" "$err"
    fi
    like "$name: with the message of the rank that noticed" "$err" "rank $rank on .*$text: .*lost peer"
}
pretrain() { # NAME RANK N TEXT
    local folder=$tmp/run$tests_run
    lost "$@" pretrain "$tmp/small.yaml" --corpus "$tmp/corpus.h5" --run "$folder"
    is "$1: STATE does not say failed" "$(head -n 1 "$folder/STATE")" running
}
pretrain 'gradients' 1 12 'exchanging gradients'
pretrain 'gradients, on rank 0' 0 12 'exchanging gradients'
pretrain 'losses' 1 7 'reducing losses and norms'
pretrain 'a checkpoint' 1 1 'sharing block digests'
pretrain 'a checkpoint, on rank 0' 0 1 'gathering owned runs'
ok 'the run goes on from where it was' mpi 2 "$einthoven" pretrain "$tmp/small.yaml" --corpus "$tmp/corpus.h5" --run "$tmp/run3"
lost 'ingest' 1 1 'gathering what was read' ingest "$tmp/ingest.yaml" "$tmp/ecg" --out "$tmp/lost.h5"
lost 'ingest, on rank 0' 0 1 'sharing what is accepted' ingest "$tmp/ingest.yaml" "$tmp/ecg" --out "$tmp/lost.h5"
ok 'ingest leaves nothing' test ! -e "$tmp/lost.h5"
awk 'BEGIN { print "id,y,p"; for (i = 1; i <= 60; i++) printf "%d,%d,%g\n", i, i % 3 == 0, (i * 7919 % 101) / 101 }' >"$tmp/scores.csv"
lost 'evaluate' 1 1 'gathering replicates' evaluate --scores "$tmp/scores.csv" --label y --score p --id id \
    --set evaluate.replicates=50 --json "$tmp/lost.json"

# Peers that hang instead: the others end by their watchdog, also where there are no checkpoints.
hung() { # NAME TEXT COMMAND...
    local name=$1 text=$2
    shift 2
    EINTHOVEN_INJECT_MPI_ERROR="1:-1:$text" run timeout -k 5 60 mpirun --oversubscribe --bind-to none --quiet -n 2 "$einthoven" \
        "$@" --set run.peer_timeout_s=2
    like "$name: a peer that hangs is noticed" "$err" 'no progress for .*: a peer or the network is lost'
}
hung 'synth' 'summing over ranks' synth --out "$tmp/hung" --set synth.records=8
hung 'ingest' 'gathering what was read' ingest "$tmp/ingest.yaml" "$tmp/ecg" --out "$tmp/hung.h5"
hung 'evaluate' 'gathering replicates' evaluate --scores "$tmp/scores.csv" --label y --score p --id id \
    --set evaluate.replicates=50 --json "$tmp/hung.json"

# --- what fails on one rank before all of them meet --------------------------------------------------------------------
# alone NAME WHAT COMMAND...: rank 1 has no memory for WHAT; all ranks end, with its message.
alone() {
    local name=$1 what=$2
    shift 2
    run timeout -k 5 60 mpirun --oversubscribe --bind-to none --quiet -n 1 "$einthoven" "$@" : \
        -n 1 env EINTHOVEN_INJECT_NOMEM="$what" "$einthoven" "$@"
    is "$name: all ranks end" "$status" 1
    like "$name: with the message of the one that failed" "$out$err" "rank 1 on .*: $what: no memory"
}
printf 'tasks:\n  - {name: old, kind: binary, group: demographic, rule: age >= 60}\n' >"$tmp/tasks.yaml"
printf 'model: {patch: 25, width: 24, depth: 1, heads: 3, mlp: 40}\ntrain: {epochs: 2, batch: 16, slots: 4, warmup_epochs: 1, threads: 1}\n' \
    >"$tmp/tune.yaml"
tune=(finetune "$tmp/tune.yaml" --corpus "$tmp/corpus.h5" --tasks "$tmp/tasks.yaml" --from scratch)
alone 'finetune, the list of models' cell "${tune[@]}" --run "$tmp/tune1"
alone 'finetune, what the outputs mean' 'm->head' "${tune[@]}" --run "$tmp/tune2"
alone 'study, a look at the cells' state study demo --run --out "$tmp/study1"
alone 'study, the command of a cell' argv study demo --stage synth --cell 0 --out "$tmp/study2"
exits 'a comma in the folder of a study is refused' 2 "$einthoven" study demo --out "$tmp/a,b"
like 'as one' "$err" 'has a comma in its name'

done_testing
