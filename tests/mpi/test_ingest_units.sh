#!/bin/bash
# ingest and units that no ECG can have: recordings 1,000 times too small or too large, a single lead.
. "$(dirname "$0")/../lib.sh"
helper=$(dirname "$einthoven")/tests/mpi/test_ingest

ok 'records are made' "$einthoven" synth --out "$tmp/made" --set synth.records=5 --set synth.seed=6
made=$tmp/made/records/0000000
copy() { # RECORD SED-EXPRESSION
    mkdir -p "$tmp/data"
    cp "$made/$1.dat" "$tmp/data"
    sed -E "$2" "$made/$1.hea" >"$tmp/data/$1.hea"
}
copy syn0000000 ''
copy syn0000001 's#1000\(0\)/mV#1000(0)/uV#'
copy syn0000002 's#1000\(0\)/mV#1000(0)/V#'
copy syn0000003 '/ V2$/s#1000\(0\)/mV#1000(0)/V#'
copy syn0000004 '/ aVL$/s#1000\(0\)/mV#1000(0)/uV#'
ingest() { run "$einthoven" ingest "$tmp/data" --out "$tmp/corpus.h5" --overwrite --set model.preset=tiny "$@"; }

ingest
like 'too small and too large are rejected' "$out" '^  2 amplitude$'
like 'the others are not' "$out" '^accepted: 3 records$'
like 'a lead that does not fit is flagged' "$out" '^  2 lead scale$'
like 'and taken as missing, if it cannot be derived' "$out" '^  1 missing$'
ok 'the reasons' "$helper" rejected "$tmp/corpus.h5"
like 'name units and policy: too small' "$out" 'syn0000001.hea.*no ECG.s: gain or units are wrong \(V read as mV, .*\(ingest.units\)'
like 'too large' "$out" 'syn0000002.hea.*\(uV read as mV, .*\(ingest.units\)'
ingest --set ingest.units=repair
like 'or repaired' "$out" '^accepted: 5 records$'
like 'which is flagged' "$out" '^  4 gain fixed$'
unlike 'and nothing is missing' "$out" ' missing$'
ingest --set ingest.units=keep --set ingest.max_mv=1e9
like 'or kept' "$out" '^accepted: 5 records$'
like 'and flagged' "$out" '^  2 gain suspect$'
exits 'another policy is wrong use' 2 "$einthoven" ingest "$tmp/data" --out "$tmp/x.h5" --set ingest.units=guess
done_testing
