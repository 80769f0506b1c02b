#!/bin/bash
# timeout: 600
# ingest of a folder that holds WFDB, MUSE XML and CardioSoft XML side by side, and XML that is no ECG: the same corpus on any
# number of ranks, every file in it or rejected with its reason, labels joined.
. "$(dirname "$0")/../lib.sh"

helper=$(dirname "$einthoven")/tests/mpi/test_ingest
data=$tmp/data
n=9
for format in wfdb muse cardiosoft; do
    ok "$format recordings are made" "$einthoven" synth --out "$data/$format" --set synth.records=$n --set synth.seed=5 \
        --set synth.format=$format
done

# One folder of mixed files, with names in capitals; and a name that only a root can be.
muse=$data/muse/records/0000000
mkdir "$data/mixed"
cp "$data"/wfdb/records/0000000/syn000000[01].* "$data/mixed"
cp "$muse/syn0000002.xml" "$data/mixed/M2.XML"
cp "$data/cardiosoft/records/0000000/syn0000003.xml" "$data/mixed/C3.Xml"
cp "$muse/syn0000004.xml" "$tmp/cart"

# What is no recording, and what is damaged.
printf '<?xml version="1.0"?>\n<readme>about the data</readme>\n' >"$data/mixed/README.xml"
printf '<restingecgdata xmlns="http://www3.medical.philips.com"/>' >"$data/mixed/philips.xml"
printf '<AnnotatedECG xmlns="urn:hl7-org:v3"/>' >"$data/mixed/hl7.xml"
printf '<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><RestingECG>&b;</RestingECG>' >"$data/mixed/laughs.xml"
head -c 40000 "$muse/syn0000005.xml" >"$data/mixed/cut.xml"
sed 's/<WaveformType>Rhythm/<WaveformType>Median/' "$muse/syn0000006.xml" >"$data/mixed/median.xml"
sed '0,/<LeadDataCRC32>/s/<LeadDataCRC32>[0-9]*/<LeadDataCRC32>12345/' "$muse/syn0000007.xml" >"$data/mixed/crc.xml"
: >"$data/mixed/empty.xml"
echo 'Dear colleague,' >"$data/mixed/letter.xml"
echo 'no recording' >"$data/mixed/notes.txt"

# shellcheck disable=SC2317 # called through ok
ingest() { # RANKS FOLDER [OPTION...]
    local ranks=$1 folder=$2
    shift 2
    mkdir -p "$folder"
    (cd "$folder" && mpi "$ranks" "$einthoven" ingest "$data" --out corpus.h5 --overwrite --set contract.fs_hz=500 \
        --set contract.samples=5000 --set ingest.record_id=path --set ingest.round=7 \
        --labels "$data/wfdb/labels.csv,$data/muse/labels.csv,$data/cardiosoft/labels.csv" --label-key path \
        --patient-column subject --age-column age --sex-column sex "$@")
}

for ranks in 1 2 3 4; do
    ok "$ranks ranks" ingest $ranks "$tmp/$ranks"
    is 'the bytes of one rank' "$(sha256sum <"$tmp/$ranks/corpus.h5")" "$(sha256sum <"$tmp/1/corpus.h5")"
done
ok 'two threads' ingest 2 "$tmp/threads" --set ingest.threads=2
ok 'give the data of one' "$helper" same "$tmp/1/corpus.h5" "$tmp/threads/corpus.h5"

run ingest 1 "$tmp/1"
like 'accepted: three cohorts and five of the mixed folder' "$out" '^accepted: 32 records$'
like 'rejected: every other XML file' "$out" '^rejected: 8$'
like 'those of other kinds' "$out" '^  4 of a kind that is not read$'
like 'and those that are damaged' "$out" '^  4 damaged or malformed$'
like 'what is no recording is counted by kind' "$out" '^  3 tables \(first: '
like 'a wrong CRC is flagged' "$out" '^  1 checksum$'
like 'the same recordings in three formats, and copies, are flagged' "$out" '^  23 duplicate$'
like 'labels join by path, with .xml and without' "$out" '; 27 of 32 records have a row'
like 'and all are used' "$(grep -c 'fit no accepted record' <<<"$out")" '^0$'

ok 'what was rejected' "$helper" rejected "$tmp/1/corpus.h5"
rejected=$out
for reason in 'README.xml: XML of another kind \(its first element is <readme>\)' 'philips.xml:1: Philips Sierra XML of document type ""' \
    'hl7.xml:1: HL7 aECG without a <series>' 'laughs.xml:1: it declares an entity' \
    'median.xml:[0-9]+: MUSE XML without a waveform of type Rhythm \(there is: Median\)' 'cut.xml:[0-9]+: not well-formed XML' \
    'empty.xml: .*empty' 'letter.xml:1: '; do
    like "with its reason: ${reason%%:*}" "$rejected" "^mixed/${reason%%:*}	$reason"
done
unlike 'and no folder of this machine' "$rejected" "$tmp"
ok 'every record is its source, prepared anew' "$helper" check "$tmp/1/corpus.h5" "$data" 1
like 'to the count, with its hash' "$out" '^compared 32, exact 32, hashed 32, '

ok 'a dry run' ingest 1 "$tmp/dry" --dry-run
like 'counts them' "$out" '^recordings: 40 found'
is 'and writes nothing' "$(ls "$tmp/dry")" ''
ok 'a file of any name, if it is named' "$einthoven" ingest "$tmp/cart" --out "$tmp/cart.h5"
like 'is recognised by its content' "$out" '^accepted: 1 records$'
mkdir "$tmp/none"
exits 'an empty folder' 1 "$einthoven" ingest "$tmp/none" --out "$tmp/x.h5"
like 'is told what is looked for' "$err" 'WFDB headers \(\.hea\), GE MUSE XML, .* and .* are looked for'
exits 'the same name as WFDB and XML' 0 "$einthoven" ingest "$data/wfdb/records" "$data/muse/records" --out "$tmp/twice.h5"
like 'is one record unless paths tell them apart' "$out" "^  $n record id used before$"
done_testing
