#!/bin/bash
# ingest of a folder with files of every kind: recordings of kinds that are not read are rejected by name, what is no recording is
# counted by kind, reasons are told apart, names in capitals are read, and inspect says how much of the list it shows.
. "$(dirname "$0")/../lib.sh"
helper=$(dirname "$einthoven")/tests/mpi/test_ingest

ok 'records are made' "$einthoven" synth --out "$tmp/made" --set synth.records=4 --set synth.seed=4
made=$tmp/made/records/0000000
data=$tmp/data
mkdir -p "$data/sub"
cp "$made"/syn0000000.* "$data"
cp "$made/syn0000001.hea" "$data/SYN0000001.HEA" # from a system without small letters; its .dat as well
cp "$made/syn0000001.dat" "$data/SYN0000001.DAT"
sed 's/syn0000002\.dat/signal.bin/' "$made/syn0000002.hea" >"$data/sub/renamed.hea"
cp "$made/syn0000002.dat" "$data/sub/signal.bin"
cp "$made/syn0000003.hea" "$data/lost.hea"
echo 'nonsense' >"$data/sub/damaged.hea"

printf 'MSH|^~\\&|' >"$data/holter"
printf 'not this' >"$data/a.scp"
printf 'Rar!' >"$data/b.rec"
printf '<AnnotatedECG xmlns="urn:hl7-org:v3"/>' >"$data/sub/c.aecg"
printf '<restingecgdata/>' >"$data/sub/d.XML"
printf 'MATLAB 5.0 MAT-file' >"$data/e.mat"
printf '\001\000\002\000' >"$data/sub/f.dat"
printf '\211HDF\r\n\032\n' >"$data/g.hdf5"
printf '\211PNG' >"$data/plot.png"
printf 'id,age\n' >"$data/labels.csv"
printf 'id,age\n' >"$data/sub/more.csv"
echo 'Hello' >"$data/README"
echo 'd41d8cd98f00b204e9800998ecf8427e  x' >"$data/all.md5"

ok 'ingest' "$einthoven" ingest "$data" --out "$tmp/corpus.h5" --set model.preset=tiny
like 'recordings of all spellings of .hea and .dat' "$out" '^accepted: 3 records$'
like 'ECGs of other kinds and what may hold some' "$out" '^  8 of a kind that is not read$'
like 'a signal file that is not there' "$out" '^  1 without signal file$'
like 'a header that is none' "$out" '^  1 damaged or malformed$'
for kind in '2 tables' '1 texts' '1 images' '1 checksums'; do
    like "no recordings: $kind" "$out" "^  $kind \\(first: $data/"
done
ok 'what was rejected' "$helper" rejected "$tmp/corpus.h5"
for reason in 'holter.*an HL7 version 2 message' 'a.scp.*a file with an ECG format.s name' 'b.rec.*a RAR archive' \
    'e.mat.*a MATLAB file' 'f.dat.*a signal file without its WFDB header' 'g.hdf5.*an HDF5 file'; do
    like "$reason" "$out" "$reason.*, which is not read"
done
like 'HL7 aECG of any name, by its reader' "$out" 'c.aecg:1: HL7 aECG without a <series>'
like 'Philips XML as well' "$out" 'd.XML:1: Philips Sierra XML of document type ""'
is 'and nothing else' "$(wc -l <<<"$out")" 10
ok 'one of three' "$helper" texts "$tmp/corpus.h5" source_file
like 'is named without its extension' "$out" '^SYN0000001.SYN0000001\.HEA$'

ok 'inspect' "$einthoven" inspect "$tmp/corpus.h5"
like 'says how many it does not list' "$out" 'rejected_not_shown: 5'
like 'and how to see them' "$out" '--rejected all'
ok 'inspect --rejected all' "$einthoven" inspect --json --rejected all "$tmp/corpus.h5"
is 'lists all' "$(grep -c '"reason"' <<<"$out")" 10
unlike 'and says of none that it is not' "$out" 'rejected_not_shown'
ok 'inspect --rejected 2' "$einthoven" inspect --json --rejected 2 "$tmp/corpus.h5"
like 'lists two, in JSON as well' "$out" '"rejected_not_shown": 8'
exits 'neither a number nor all' 2 "$einthoven" inspect --rejected some "$tmp/corpus.h5"

mkdir "$tmp/other"
cp "$data/holter" "$tmp/other"
exits 'a folder of other kinds alone' 1 "$einthoven" ingest "$tmp/other" --out "$tmp/x.h5"
like 'is told which' "$err" 'none of 1 recordings was accepted: 1 of a kind that is not read \(first: holter: holter: an HL7 version 2 message'
mkdir "$tmp/own"
cp "$made"/syn0000000.* "$tmp/own"
ok 'a corpus in the folder itself' "$einthoven" ingest "$tmp/own" --out "$tmp/own/corpus.h5" --set model.preset=tiny
ok 'is no recording the next time' "$einthoven" ingest "$tmp/own" --out "$tmp/own/corpus.h5" --set model.preset=tiny --overwrite
like 'but one of our files' "$out" '^  1 files of einthoven'

# Archives: the recordings of the folder, in the archive's order; the same bytes on any number of ranks.
tar -C "$data" -czf "$tmp/all.tar.gz" .
for ranks in 1 2; do
    ok "an archive on $ranks ranks" mpi "$ranks" "$einthoven" ingest "$tmp/all.tar.gz" --out "$tmp/archive.h5" --overwrite \
        --set model.preset=tiny --set ingest.round=3
    like 'the same recordings are accepted' "$out" '^accepted: 3 records$'
    like 'and the same of other kinds' "$out" '^  8 of a kind that is not read$'
    mv "$tmp/archive.h5" "$tmp/archive$ranks.h5"
done
ok 'the same bytes' cmp "$tmp/archive1.h5" "$tmp/archive2.h5"
ok 'sources' "$helper" texts "$tmp/archive1.h5" source_file
like 'are called by their path in the archive' "$out" 'all\.tar\.gz!/sub/renamed\.hea$'
done_testing
