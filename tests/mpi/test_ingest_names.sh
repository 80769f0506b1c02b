#!/bin/bash
# ingest and the names of leads, statements and devices: synonyms are read, names that mean nothing are said and kept, a small
# contract accepts no half of it, and what files say of a recording becomes columns.
. "$(dirname "$0")/../lib.sh"
helper=$(dirname "$einthoven")/tests/mpi/test_ingest

ok 'records are made' "$einthoven" synth --out "$tmp/made" --set synth.records=4 --set synth.seed=2
made=$tmp/made/records/0000000

# copy RECORD FOLDER SED-EXPRESSION...: a record with another header.
copy() {
    local record=$1 folder=$2
    shift 2
    mkdir -p "$folder"
    cp "$made/$record.dat" "$folder"
    sed -E "$@" "$made/$record.hea" >"$folder/$record.hea"
}
ingest() { # FOLDER [OPTION...]
    local folder=$1
    shift
    run "$einthoven" ingest "$folder" --out "$tmp/corpus.h5" --overwrite --set contract.leads=I,II,V1,V2,V3,V4,V5,V6 \
        --set contract.fs_hz=100 --set contract.samples=1000 "$@"
}

eight='s/ (III|aVR|aVL|aVF)$/ pulse/'
copy syn0000000 "$tmp/known" -e "$eight" -e 's/ I$/ DI/; s/ II$/ DII/'
copy syn0000001 "$tmp/known" -e "$eight" -e 's/ I$/ Lead 1/; s/ II$/ Lead 2/'
copy syn0000002 "$tmp/known" -e "$eight" -e 's/ I$/ L1/; s/ II$/ L2/'
copy syn0000003 "$tmp/known" -e "$eight" -e 's/ I$/ MLI/; s/ II$/ MLII/'
ingest "$tmp/known"
like 'DI, Lead 1, L1, MLI are leads' "$out" '^accepted: 4 records$'
unlike 'none is missing' "$out" ' missing$'
like 'the names that are no leads are counted' "$out" '^  4 pulse \(first: syn0000000\.hea\)$'
like 'and kept' "$out" '^text/unknown_leads: 4 of 4 records$'

copy syn0000000 "$tmp/own" -e "$eight" -e 's/ I$/ ECG A/; s/ II$/ ECG B/'
ingest "$tmp/own"
like 'unknown names within the limit are said' "$out" '^  1 ECG B \(first: '
like 'and the leads missing' "$out" '^  1 missing$'
ingest "$tmp/own" --set ingest.max_missing_leads=1
is 'beyond the limit it is rejected' "$status" 1
like 'with the names that it has' "$err" 'I,II \(ingest.max_missing_leads is 1\); names that are not known: ECG A, ECG B'
ingest "$tmp/own" --lead-names 'ECG A=I,ecg_b=II'
unlike 'with --lead-names they are read' "$out" ' missing$| ECG '
ingest "$tmp/own" --lead-names 'ECG A=VI'
is 'a lead that is none is wrong use' "$status" 2
like 'and named' "$err" "ingest.lead_names: 'ECG A=VI': no lead is called 'VI'"

copy syn0000001 "$tmp/two" -e 's/ V5$/ Resp/'
ingest "$tmp/two" --set contract.leads=II,V5
is 'half of two leads is not enough' "$status" 1
like 'the limit follows the contract' "$err" '1 of 2 wanted leads have no sample: V5 \(ingest.max_missing_leads is 0\)'
ingest "$tmp/two" --set contract.leads=II,V5 --set ingest.max_missing_leads=1
like 'unless it is said to be' "$out" '^accepted: 1 records$'
copy syn0000002 "$tmp/twice" -e 's/ III$/ MLII/'
ingest "$tmp/twice"
like 'a lead that is there twice is flagged' "$out" '^  1 lead twice$'

copy syn0000000 "$tmp/said" -e '/Dx/d' -e '$a #Dx: 270492004,39732003\n# Manufacturer: Acme\n# Model: Cart 3'
copy syn0000001 "$tmp/said" -e '/Dx/d' -e '$a #Dx: Unknown'
printf 'id,dx,sr\nsyn0000000,my own,1\nsyn0000001,,0\n' >"$tmp/labels.csv"
ingest "$tmp/said"
like 'statements become a column' "$out" '^text/dx: 1 of 2 records$'
like 'and so do devices' "$out" '^text/device: 1 of 2 records$'
run "$einthoven" inspect "$tmp/corpus.h5"
like 'inspect counts them' "$out" 'records_with_text'
ok 'the column' "$helper" texts "$tmp/corpus.h5" text/dx
is 'is as tasks want statements' "$out" $'syn0000000\t270492004|39732003\nsyn0000001\t'
ok 'the device' "$helper" texts "$tmp/corpus.h5" text/device
like 'is manufacturer and model' "$out" '^syn0000000.Acme Cart 3$'
ingest "$tmp/said" --labels "$tmp/labels.csv" --label-key id --text-columns dx
like "a table's column of that name stands instead, and that is said" "$out" \
    '^text/dx: the label tables. column; what the files say is not kept$'
ok 'it' "$helper" texts "$tmp/corpus.h5" text/dx
is 'has the text of the table alone' "$out" $'syn0000000\tmy own\nsyn0000001\t'
ok 'MUSE files are made' "$einthoven" synth --out "$tmp/made_muse" --set synth.records=1 --set synth.format=muse
ok 'and read' "$einthoven" ingest "$tmp/made_muse" --out "$tmp/muse.h5" --set model.preset=tiny
like 'with their statements' "$out" '^text/dx: 1 of 1 records$'

ok 'a cohort' "$einthoven" synth --out "$tmp/cohort" --set synth.records=60 --set synth.seed=3
ok 'in a corpus' "$einthoven" ingest "$tmp/cohort" --out "$tmp/cohort.h5" --set model.preset=tiny
printf 'tasks:\n  - {name: rhythm, kind: multilabel, group: ecg, text: dx, statements: ["426783006"]}\n' >"$tmp/tasks.yaml"
ok 'a task' "$einthoven" finetune --corpus "$tmp/cohort.h5" --tasks "$tmp/tasks.yaml" --from scratch --set model.preset=tiny \
    --set split.by=hash --run "$tmp/run" --dry-run
like 'can use the statements of the files' "$out" 'rhythm/scratch'
done_testing
