#!/bin/bash
# timeout: 300
# No room for the corpus: one clear line, exit code 1, nothing left; on any number of ranks, wherever it happens.
. "$(dirname "$0")/../lib.sh"

helper=$(dirname "$einthoven")/tests/mpi/test_ingest
data=$tmp/data
"$helper" make "$data" || exit 1

# A limit on the size of files stands for the disk: the writes fail in the same places. It holds for the ranks, not
# for the launcher, and MPI keeps no messages in files then.
# shellcheck disable=SC2317 # called through ok and run
limited() { # KBYTES RANKS [OPTION...]
    local kbytes=$1 ranks=$2
    shift 2
    mpirun --oversubscribe --bind-to none --quiet --mca btl self,tcp -n "$ranks" \
        bash -c "trap '' XFSZ; ulimit -f $kbytes; exec \"\$@\"" - \
        "$einthoven" ingest "$data" --out "$tmp/corpus.h5" --set ingest.round=8 "$@"
}

ok 'with room it succeeds' limited 4000 2
size=$(($(stat -c %s "$tmp/corpus.h5") / 1024))
rm -f "$tmp/corpus.h5"
for ranks in 1 2 3; do
    for kbytes in 200 1500 $((size - 60)) $((size - 8)); do
        for compress in 0 1; do
            [ "$compress" = 1 ] && [ "$kbytes" -gt 200 ] && continue
            run limited "$kbytes" "$ranks" --set ingest.compress=$compress
            is "$kbytes kB, $ranks ranks, compress $compress: exit code" "$status" 1
            is 'one line of error' "$(grep -c '^einthoven ingest: [^w]' <<<"$err")" 1
            like 'that names the file and the cause' "$err" 'corpus\.h5\.partial.*(full disk|too large|No space)'
            unlike 'no crash' "$err" 'signal|Segmentation'
            is 'nothing is left' "$(find "$tmp" -name 'corpus*' | wc -l)" 0
        done
    done
done

if mkdir "$tmp/small" && mount -t tmpfs -o size=300k none "$tmp/small" 2>/dev/null; then
    run mpi 2 "$einthoven" ingest "$data" --out "$tmp/small/corpus.h5"
    is 'a full file system: exit code' "$status" 1
    like 'named' "$err" 'corpus\.h5\.partial.*(full disk|No space)'
    is 'nothing is left there' "$(find "$tmp/small" -type f | wc -l)" 0
    like 'and it was foreseen' "$err" 'warning: .*small/: 0 MB are free, 1 MB may be needed'
    umount "$tmp/small"
else
    skip 'a full file system' 'mounting one needs root'
fi
done_testing
