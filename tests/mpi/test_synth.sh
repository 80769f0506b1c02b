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

# --- labels of a study
column() { # FILE NAME: its values
    awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i; next } { print $c }' "$1"
}
# shellcheck disable=SC2317 # called through ok and exits
study() { # FOLDER [ARGUMENT...]
    local folder=$1
    shift
    "$einthoven" synth --out "$folder" --set synth.seed=7 --set signal.fs_hz=100 --set synth.threads=1 "$@"
}
ok 'a study' study "$tmp/study" --set synth.records=400 --set prevalence.lbbb=0.1 --set prevalence.pace=0.05 \
    --set prevalence.avb2=0.05 --set synth.table=ptbxl
table=$tmp/study/labels.csv
is 'every recording has statements' "$(column "$table" scp_statements | grep -vc .)" 0
pairs() { # COLUMN STATEMENT: recordings in which only one of the two is there
    paste -d' ' <(column "$table" "$1") <(column "$table" scp_statements) |
        awk -v s="$2" '{ there = ("|" $2 "|") ~ ("\\|" s "\\|") } ($1 == 1) != there' | wc -l
}
for pair in LBBB:CLBBB RBBB:CRBBB IIAVB:2AVB PACE:PACE AF:AFIB SB:SBRAD IMI:IMI AMI:ASMI LVH:LVH PVC:PVC ISCAL:ISCAL \
    LVOLT:LVOLT LQT:LNGQT RVH:RVH; do
    is "column ${pair%:*} and statement ${pair#*:} agree" "$(pairs "${pair%:*}" "${pair#*:}")" 0
done
is 'LBBB is there' "$(($(column "$table" LBBB | grep -c 1) > 20))" 1
is 'normal is nobody with a diagnosis' "$(column "$table" scp_statements | grep -w NORM | grep -cE 'MI|BBB|LVH|AVB|ISC|PACE|NDT')" 0
is 'normal is somebody' "$(($(column "$table" scp_statements | grep -cw NORM) > 80))" 1
for pair in mfr:0.3:8 rest_mbf:0.3:3 stress_mbf:0.2:10 lvef:7:73 tpd:0:60 bmi:14:65; do
    IFS=: read -r name low high <<<"$pair"
    is "$name lies between $low and $high" \
        "$(column "$table" "$name" | awk -v l="$low" -v h="$high" '!($1 >= l && $1 <= h)' | wc -l)" 0
done
is 'MFR is stress by rest' "$(paste <(column "$table" mfr) <(column "$table" stress_mbf) <(column "$table" rest_mbf) |
    awk '{ d = $1 - $2 / $3; if (d > 0.01 || d < -0.01) print }' | wc -l)" 0
like 'PTB-XL has it as dicts' "$(sed -n 2p "$tmp/study/ptbxl_database.csv")" "\"\{'[A-Z0-9_/()]+': (100|0)\.0"
is 'for every recording' "$(wc -l <"$tmp/study/ptbxl_database.csv")" 401

ok 'chosen columns' study "$tmp/chosen" --set synth.records=400 --set prevalence.lbbb=0.1 --set prevalence.pace=0.05 \
    --set prevalence.avb2=0.05 --set synth.columns=lvef,LBBB,scp_statements --set synth.missing_labels=0.25
is 'and no others' "$(head -1 "$tmp/chosen/labels.csv")" \
    'cohort,record,path,format,fs,n_samples,subject,unit_or_gain,LBBB,scp_statements,lvef,strat_fold,synthetic,visit,acquired'
for name in lvef LBBB scp_statements; do
    empty=$(column "$tmp/chosen/labels.csv" $name | grep -vc .)
    is "a quarter of $name is missing" "$((empty > 65 && empty < 135))" 1
    is "$name is else the same" "$(paste -d' ' <(column "$tmp/chosen/labels.csv" $name) <(column "$table" $name) |
        awk '$2 != "" && $1 != $2' | wc -l)" 0
done
exits 'a column that is not there' 2 study "$tmp/x" --set synth.columns=lvfe
like 'is named with the nearest' "$err" 'no column "lvfe".*lvef'

ok 'another cohort' study "$tmp/other" --set synth.records=20 --set synth.first_record=128 --set synth.prefix=ukb \
    --set synth.lead_order=mimic --set prevalence.lbbb=0.1 --set prevalence.pace=0.05 --set prevalence.avb2=0.05
is 'has names of its own' "$(cut -d, -f2 "$tmp/other/labels.csv" | sed -n 2p)" ukb0000128
is 'shares no patient' "$(grep -c 'ukbp00001[2-9]' "$tmp/other/labels.csv")" 20
is 'in the order of MIMIC' "$(awk 'NR > 1 && /dat/ { print $NF }' "$tmp/other/records/0000000/ukb0000130.hea" | tr '\n' ' ')" \
    'I II III aVR aVF aVL V1 V2 V3 V4 V5 V6 '
# Words of 2 bytes; leads 5 and 6 of 12 have changed places, the others have not.
words() { od -An -v -w24 -t d2 "$1" | awk -v a="$2" '{ print $a }'; }
other=$tmp/other/records/0000000/ukb0000130.dat same=$tmp/study/records/0000000/syn0000130.dat
is 'the same aVF' "$(words "$other" 5 | cksum)" "$(words "$same" 6 | cksum)"
is 'the same V3' "$(words "$other" 9 | cksum)" "$(words "$same" 9 | cksum)"
exits 'a prefix that names no file' 2 study "$tmp/x" --set synth.prefix=a/b
like 'is refused' "$err" 'synth\.prefix.*letters and digits'

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
like 'is refused, naming the difference' "$err" 'another cohort .*emg_uv: 0\.8.*emg_uv: 9'
is 'and changes nothing' "$(digest "$tmp/r1")" "$one"
mkdir "$tmp/foreign" && echo precious >"$tmp/foreign/thesis.txt"
exits 'a folder with other files' 1 make_cohort 1 "$tmp/foreign"
like 'is refused' "$err" 'foreign: holds files that are not a synthetic cohort'
is 'and left alone' "$(find "$tmp/foreign" -type f | wc -l)" 1
exec 9>"$tmp/few/.lock"
flock 9
rm "$tmp/few/MANIFEST.json"
exits 'a folder in use' 1 make_cohort 1 "$tmp/few" --set synth.records=9
like 'is refused' "$err" 'cohort .*few is in use by'
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
