#!/bin/bash
# The made-up corpus of test_corpus.c has the same bytes whatever number of ranks wrote it.
. "$(dirname "$0")/../lib.sh"

writer=$root/$EIN_BUILD/tests/mpi/test_corpus
[ -x "$writer" ] || writer=$EIN_BUILD/tests/mpi/test_corpus
for compress in 0 6; do
    for ranks in 1 2 3 4; do
        ok "$ranks ranks write, compress $compress" mpi "$ranks" "$writer" write "$tmp/$compress-$ranks.h5" "$compress"
        ok "equal to what one rank wrote" cmp "$tmp/$compress-1.h5" "$tmp/$compress-$ranks.h5"
    done
done
run cmp "$tmp/0-1.h5" "$tmp/6-1.h5"
is 'compression changes the file' "$status" 1
done_testing
