#!/bin/bash
# timeout: 300
# synth: the same bytes on any number of ranks, resuming, refusing, saying that it is synthetic.
. "$(dirname "$0")/../lib.sh"

n=45
digest() { (cd "$1" && find . -type f ! -name .lock -print0 | sort -z | xargs -0 sha256sum | sha256sum); }
# shellcheck disable=SC2317 # called through ok and exits
make_cohort() { # RANKS FOLDER [ARGUMENT...]
    local ranks=$1 folder=$2
    shift 2
    mpi "$ranks" "$einthoven" synth --out "$folder" --set synth.records="$n" --set synth.seed=7 \
        --set noise.missing_share=0.1 "$@"
}

# --- ranks and threads
ok 'one rank' make_cohort 1 "$tmp/r1" --set synth.threads=1
one=$(digest "$tmp/r1")
for ranks in 2 3 4; do
    ok "$ranks ranks" make_cohort $ranks "$tmp/r$ranks"
    is "$ranks ranks write the bytes of one" "$(digest "$tmp/r$ranks")" "$one"
done
ok 'three threads' make_cohort 1 "$tmp/t3" --set synth.threads=3
is 'threads do not show' "$(digest "$tmp/t3")" "$one"
ok 'another seed' make_cohort 1 "$tmp/seed" --set synth.seed=8
for file in records/0000000/syn0000003.dat labels.csv; do
    run cmp -s "$tmp/r1/$file" "$tmp/seed/$file"
    is "another seed, another $file" "$status" 1
done
ok 'fewer records' make_cohort 2 "$tmp/few" --set synth.records=9
is 'record i does not depend on how many there are' \
    "$(cat "$tmp"/few/records/0000000/*.dat | sha256sum)" \
    "$(cat "$tmp"/r1/records/0000000/syn000000[0-8].dat | sha256sum)"

# --- what is there
is 'recordings' "$(find "$tmp/r1" -name '*.hea' | wc -l),$(find "$tmp/r1" -name '*.dat' | wc -l)" "$n,$n"
is 'rows of labels' "$(wc -l <"$tmp/r1/labels.csv")" $((n + 1))
is 'no leftovers' "$(find "$tmp" -name '*.partial' | wc -l)" 0
like 'README says so' "$(cat "$tmp/r1/README.txt")" '^SYNTHETIC'
like 'the header says so' "$(cat "$tmp/r1/records/0000000/syn0000000.hea")" '^# SYNTHETIC'
like 'the manifest says so' "$(cat "$tmp/r1/MANIFEST.json")" '"synthetic": true, "complete": true'
is 'every row says so' "$(cut -d, -f1 "$tmp/r1/labels.csv" | sort -u | tr '\n' ' ')" 'cohort synthetic '
like 'columns of the usual tables' "$(head -1 "$tmp/r1/labels.csv")" \
    '^cohort,record,path,format,fs,n_samples,subject,age,sex,unit_or_gain,AF,AFL,SB,ST,IAVB,RBBB,IRBBB,LBBB,LAFB,LVH,PVC,PAC,MI,PACE,'
is 'patients have more than one recording' \
    "$(($(cut -d, -f7 "$tmp/r1/labels.csv" | tail -n +2 | sort -u | wc -l) < n))" 1

# --- again, further, differently
before=$(stat -c %Y%s "$tmp/r1/records/0000000/syn0000001.dat")
ok 'again' make_cohort 2 "$tmp/r1"
like 'nothing to do' "$out" 'complete already'
is 'and nothing done' "$(stat -c %Y%s "$tmp/r1/records/0000000/syn0000001.dat")" "$before"

records=$tmp/r2/records/0000000
rm "$tmp/r2/MANIFEST.json" "$records/syn0000005.hea" "$records/syn0000006.dat"
truncate -s 1000 "$records/syn0000007.dat"
truncate -s 300 "$records/syn0000008.hea"
printf 'x' | dd of="$records/syn0000009.dat" bs=1 seek=5000 conv=notrunc 2>/dev/null
: >"$records/syn0000010.hea"
touch -d '2001-01-01' "$records/syn0000011.dat"
ok 'damaged and incomplete' make_cohort 3 "$tmp/r2"
is 'is repaired' "$(digest "$tmp/r2")" "$one"
is 'whole recordings are kept' "$(stat -c %Y "$records/syn0000011.dat")" "$(date -d '2001-01-01' +%s)"

exits 'another configuration in the same folder' 1 make_cohort 2 "$tmp/r1" --set noise.emg_uv=9
like 'is refused, naming the difference' "$err" 'another cohort .*emg_uv: 1\.5.*emg_uv: 9'
is 'and changes nothing' "$(digest "$tmp/r1")" "$one"
mkdir "$tmp/foreign" && echo precious >"$tmp/foreign/thesis.txt"
exits 'a folder with other files' 1 make_cohort 1 "$tmp/foreign"
like 'is refused' "$err" 'foreign: holds files that are not a synthetic cohort'
is 'and left alone' "$(find "$tmp/foreign" -type f | wc -l)" 1
exec 9>"$tmp/few/.lock"
flock 9
rm "$tmp/few/MANIFEST.json"
exits 'a folder in use' 1 make_cohort 1 "$tmp/few" --set synth.records=9
like 'is refused' "$err" 'another synth is writing'
exec 9>&-

# --- other file formats
for format in muse cardiosoft; do
    ok "$format" make_cohort 1 "$tmp/$format" --set synth.format=$format
    whole=$(digest "$tmp/$format")
    ok "$format on three ranks" make_cohort 3 "$tmp/$format-3" --set synth.format=$format
    is 'the bytes of one' "$(digest "$tmp/$format-3")" "$whole"
    is 'one file per recording' "$(find "$tmp/$format/records" -type f | wc -l),$(find "$tmp/$format" -name '*.xml' | wc -l)" "$n,$n"
    is 'that all say so' "$(grep -l '^<!-- SYNTHETIC' "$tmp/$format"/records/0000000/*.xml | wc -l)" "$n"
    is 'labels name the files' \
        "$(tail -n +2 "$tmp/$format/labels.csv" | cut -d, -f3 | while read -r path; do [ -f "$tmp/$format/$path" ] && echo; done | wc -l)" "$n"
    is 'and the format' "$(tail -n +2 "$tmp/$format/labels.csv" | cut -d, -f4 | sort -u)" "$format"
    is 'the truth is that of WFDB' "$(cut -d, -f1,2,5-9,11- "$tmp/$format/labels.csv")" "$(cut -d, -f1,2,5-9,11- "$tmp/r1/labels.csv")"
    records=$tmp/$format-3/records/0000000
    rm "$tmp/$format-3/MANIFEST.json" "$records/syn0000005.xml"
    truncate -s 30000 "$records/syn0000006.xml"
    printf '7' | dd of="$records/syn0000007.xml" bs=1 seek=9000 conv=notrunc 2>/dev/null
    : >"$records/syn0000008.xml"
    touch -d '2001-01-01' "$records/syn0000009.xml"
    ok 'damaged and incomplete' make_cohort 2 "$tmp/$format-3" --set synth.format=$format
    is 'is repaired' "$(digest "$tmp/$format-3")" "$whole"
    is 'whole recordings are kept' "$(stat -c %Y "$records/syn0000009.xml")" "$(date -d '2001-01-01' +%s)"
    exits 'another format in the same folder' 1 make_cohort 1 "$tmp/$format"
    like 'is refused, naming it' "$err" "another cohort .*format: $format.*format: wfdb"
    is 'and changes nothing' "$(digest "$tmp/$format")" "$whole"
    ok 'the plan' "$einthoven" synth --dry-run --out "$tmp/dry" --set synth.records=1000 --set synth.format=$format
    plan=$(sed -nE 's/^ *files .* ([0-9.]+) GB$/\1/p' <<<"$out")
    real=$(cat "$tmp/$format"/records/0000000/*.xml | wc -c)
    is "tells the size ($plan GB for 1000, $real bytes for $n)" \
        "$(awk -v p="$plan" -v r="$real" -v n="$n" 'BEGIN { q = p * 1e9 / (r / n * 1000); print (q > 0.85 && q < 1.2) }')" 1
done
ok 'another gain' make_cohort 1 "$tmp/gain" --set synth.format=muse --set synth.counts_per_mv=1000
like 'is the unit of the file' "$(cat "$tmp/gain/records/0000000/syn0000000.xml")" 'UnitsPerBit>1<'
like "unless said, it is MUSE's own" "$(cat "$tmp/muse/records/0000000/syn0000000.xml")" 'UnitsPerBit>4.88<'
like 'or that of UK Biobank' "$(cat "$tmp/cardiosoft/records/0000000/syn0000000.xml")" '"uVperLsb">5<'
like 'and 1000 per mV for WFDB' "$(cat "$tmp/r1/records/0000000/syn0000000.hea")" ' 16 1000\(0\)/mV '

# --- wrong use
exits 'no folder' 2 "$einthoven" synth
like 'is named' "$err" 'synth\.out.*--out FOLDER'
exits 'a share above 1' 2 "$einthoven" synth --out "$tmp/x" --set prevalence.af=1.5
exits 'an unknown finding' 2 "$einthoven" synth --out "$tmp/x" --set prevalence.rbb=0.5
like 'with the nearest known' "$err" 'prevalence\.(i?rbbb|lbbb)'
exits 'ages in contradiction' 2 "$einthoven" synth --out "$tmp/x" --set cohort.age_min=90 --set cohort.age_max=50
ok 'a dry run' mpi 2 "$einthoven" synth --dry-run --out "$tmp/dry" --set synth.records=800035
like 'tells the size' "$out" '800035 of 12 leads x 5000 samples.*patients'
is 'and writes nothing' "$(ls "$tmp/dry" 2>/dev/null)" ''
ok 'a configuration file' bash -c "printf 'synth: {records: 3}\nsignal: {fs_hz: 100}\n' >'$tmp/c.yaml' &&
    '$einthoven' synth '$tmp/c.yaml' --out '$tmp/yaml'"
like 'is obeyed' "$(head -1 "$tmp/yaml/records/0000000/syn0000002.hea")" '^syn0000002 12 100 1000 '

done_testing
