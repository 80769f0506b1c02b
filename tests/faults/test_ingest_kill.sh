#!/bin/bash
# timeout: 300
# An ingest that is killed leaves PATH.partial and nothing else; the next one is not disturbed by it.
. "$(dirname "$0")/../lib.sh"

helper=$(dirname "$einthoven")/tests/mpi/test_ingest
data=$tmp/data
"$helper" make "$data" || exit 1
for copy in $(seq 1 20); do cp -r "$data/a" "$data/more-$copy"; done

kill_when() { # RANKS CONDITION: start an ingest, kill all its processes with SIGKILL when the condition holds
    local ranks=$1 condition=$2 pid i
    setsid mpirun --oversubscribe --bind-to none --quiet -n "$ranks" "$einthoven" ingest "$data" --out "$tmp/corpus.h5" \
        --set ingest.record_id=path --set ingest.round=16 --set ingest.threads=1 >/dev/null 2>&1 &
    pid=$!
    for ((i = 0; i < 2000; i++)); do
        eval "$condition" && break
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.01
    done
    kill -KILL -- "-$pid"
    wait "$pid" 2>/dev/null
    killed=$?
    # Ranks are in process groups of their own and notice that mpirun is gone; until then the output is theirs.
    for ((i = 0; i < 2000; i++)); do
        pgrep -f -- "ingest $data --out $tmp/corpus.h5" >/dev/null || break
        sleep 0.01
    done
}

for ranks in 1 3; do
    for bytes in 1 500000 2000000; do
        rm -f "$tmp"/corpus.h5*
        kill_when $ranks "[ \"\$(stat -c %s '$tmp/corpus.h5.partial' 2>/dev/null || echo 0)\" -ge $bytes ]"
        is "$ranks ranks killed at $bytes bytes" "$killed" 137
        is 'no corpus appeared' "$(find "$tmp" -name corpus.h5 | wc -l)" 0
        is 'only the partial one is left' "$(find "$tmp" -name corpus.h5.partial | wc -l)" 1
        cp "$tmp/corpus.h5.partial" "$tmp/renamed.h5"
        exits 'which no reader takes for a corpus' 1 "$helper" check "$tmp/renamed.h5" "$data" 1
        like 'and the message says why' "$err" 'renamed.h5: (incomplete|not a corpus|not a readable HDF5 file)'
    done
done
ok 'the next ingest succeeds over the leftover' mpi 2 "$einthoven" ingest "$data" --out "$tmp/corpus.h5" --set ingest.record_id=path
is 'and removes it' "$(find "$tmp" -name '*.partial' | wc -l)" 0
ok 'its corpus is sound' "$helper" check "$tmp/corpus.h5" "$data" 50
done_testing
