#!/bin/bash
# timeout: 120
# Memory, descriptors and file systems in trouble end an ingest by name: no recording is rejected for what is not its fault,
# so the corpus does not depend on the machine. What passes by itself is tried again.
. "$(dirname "$0")/../lib.sh"

make_shim || skip_all 'no compiler for a shim'
"$(dirname "$einthoven")/tests/mpi/test_ingest" make "$tmp/data" || exit 1
cd "$tmp" || exit 1
synth() { "$einthoven" synth --out "$1" --set synth.records=6 --set synth.seed=5 --set synth.threads=1 --set synth.format="$1"; }
ok 'WFDB' synth wfdb
ok 'MUSE' synth muse
ok 'CardioSoft' synth cardiosoft
ingest=("$einthoven" ingest --set model.preset=tiny --set ingest.record_id=path --set ingest.threads=1 wfdb muse cardiosoft)
ok 'a corpus of all' "${ingest[@]}" --out whole.h5
like 'accepted' "$out" '^accepted: 18 records'

hea=$(find wfdb -name '*.hea' | sort | sed -n 3p) dat=${hea%.hea}.dat
muse=$(find muse -name '*.xml' | sort | sed -n 2p) cardio=$(find cardiosoft -name '*.xml' | sort | sed -n 2p)

# ends NAME PATTERN VARIABLE...: an ingest that ends with a reason, and without a corpus.
ends() {
    local name=$1 pattern=$2
    shift 2
    exits "$name: ends" 1 shim "$@" "${ingest[@]}" --out no.h5
    like "$name: with the reason" "$err" "$pattern"
    is "$name: and no corpus" "$(find . -name 'no.h5*' | wc -l)" 0
}
for file in "$hea" "$dat" "$muse" "$cardio"; do
    name=$(basename "$file")
    ends "$name, EMFILE" "$name.*Too many open files.*no fault of the recording" EIN_OPEN=24 EIN_AT="$file"
    ends "$name, EIO" "$name.*Input/output error.*no fault of the recording.*take it out of the folder" EIN_READ=5 EIN_AT="$file"
done
ends 'ENFILE' 'Too many open files in system' EIN_OPEN=23 EIN_AT="$dat"
ends 'ESTALE' 'Stale file handle' EIN_OPEN=116 EIN_AT="$dat"
ends 'ESTALE while it is read' 'Stale file handle' EIN_READ=116 EIN_AT="$dat"
ends 'ENOMEM' 'Cannot allocate memory' EIN_OPEN=12 EIN_AT="$muse"
ends 'an error that nobody foresaw' 'no fault of the recording' EIN_OPEN=71 EIN_AT="$muse"
ends 'memory for samples' 'no memory|cannot allocate' EIN_CALLOC=240000
ends 'a folder, EMFILE' 'muse/records.*Too many open files' EIN_WALK=24 EIN_AT=muse/records
ends 'a folder, EIO' 'wfdb.*Input/output error' EIN_WALK=5 EIN_AT=wfdb
ok 'what passes is tried again' shim EIN_OPEN=116 EIN_AT="$dat" EIN_TIMES=3 "${ingest[@]}" --out no.h5
ok 'also too many files' shim EIN_OPEN=24 EIN_AT="$muse" EIN_TIMES=2 "${ingest[@]}" --out no.h5 --overwrite
like 'and nothing is lost' "$out" '^accepted: 18 records'
ok 'an interrupted read goes on' shim EIN_READ=4 EIN_AT="$dat" EIN_TIMES=3 "${ingest[@]}" --out no.h5 --overwrite
like 'and nothing is lost' "$out" '^accepted: 18 records'

# What is the file's own is listed as before.
ok 'permission is the file'"'"'s own' shim EIN_OPEN=13 EIN_AT="$dat" "${ingest[@]}" --out denied.h5
like 'one is missing' "$out" '^accepted: 17 records'
like 'with its reason' "$("$einthoven" inspect denied.h5)" 'Permission denied'
ok 'so it is of a folder' shim EIN_WALK=13 EIN_AT=muse/records "${ingest[@]}" --out denied.h5 --overwrite
like 'which is missing' "$out" '^accepted: 12 records'
done_testing
