#!/bin/bash
# ingest and text that is not UTF-8: XML that says it is, headers in Latin-1: converted, counted, and UTF-8 in the corpus.
. "$(dirname "$0")/../lib.sh"
helper=$(dirname "$einthoven")/tests/mpi/test_ingest

for format in wfdb muse; do
    ok "$format records are made" "$einthoven" synth --out "$tmp/$format" --set synth.records=2 --set synth.seed=8 \
        --set synth.format=$format
done
data=$tmp/data
mkdir "$data"
cp "$tmp"/wfdb/records/0000000/syn0000000.* "$data"
printf '#Device: K\366ln 3\n#Model: \377\303\266\n' >>"$data/syn0000000.hea"
one=$tmp/muse/records/0000000
sed -e '1s/encoding="[^"]*"/encoding="UTF-8"/' -e "s/<Gender>/<PatientLastName>M$(printf '\374')ller<\/PatientLastName><Gender>/" \
    "$one/syn0000000.xml" >"$data/lie.xml"
sed -e '1s/ encoding="[^"]*"//' -e "s/<Gender>/<PatientLastName>M$(printf '\374')ller<\/PatientLastName><Gender>/" \
    "$one/syn0000001.xml" >"$data/silent.xml"

ok 'ingest' "$einthoven" ingest "$data" --out "$tmp/corpus.h5" --set model.preset=tiny --set ingest.record_id=path
like 'reads all' "$out" '^accepted: 3 records$'
like 'and says what it did' "$out" \
    '^text that is not UTF-8 in 3 files \(first: lie.xml\): 3 characters converted from Latin-1 or Windows-1252, 1 replaced$'
ok 'the devices' "$helper" texts "$tmp/corpus.h5" text/device
like 'are UTF-8' "$out" $'^syn0000000\tK\xc3\xb6ln 3 \xef\xbf\xbd\xc3\xb6$'
ok 'and whole' "$einthoven" inspect --verify "$tmp/corpus.h5"
done_testing
