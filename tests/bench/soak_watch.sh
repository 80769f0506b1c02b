#!/bin/bash
# soak_watch.sh [SECONDS] [ARRIVALS]: `score --watch` while files arrive, most good, some twice, half-written, replaced,
# hostile or gone at once; it is killed once and started again. Every file has to have its line, and none two for one
# state of it; memory and descriptors are printed as they go. SYNTHETIC records. Run by `make soak-watch`.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../mpi/score_model.sh"
python=$(command -v python3) || skip_all 'python3 makes the files, and is not here'
make_score_model 60
ok "$((${2:-50000})) arrivals in ${1:-1200} s: every one accounted for" env PYTHONUNBUFFERED=1 \
    "$python" "$root/tests/bench/soak_watch.py" "$einthoven" "$model" "$tmp/soak" "${1:-1200}" "${2:-50000}"
echo "$out" | sed 's/^/# /'
done_testing
