#!/bin/bash
# Label tables as hospitals write them: nothing vanishes, nothing is misread, nobody is one patient per record in silence.
. "$(dirname "$0")/../lib.sh"

helper=$(dirname "$einthoven")/tests/mpi/test_ingest
ok 'recordings' "$einthoven" synth --out "$tmp/ecg" --set synth.records=6 --set synth.seed=3
mkdir "$tmp/bare"
cp "$tmp"/ecg/records/*/* "$tmp/bare/"
sed -i '/^#/d' "$tmp"/bare/*.hea # nobody says who they are

# into NAME TABLE [OPTION...]: ingest the bare recordings with a table (- : none).
# shellcheck disable=SC2317 # called through ok
into() {
    local name=$1 table=$2
    shift 2
    [ "$table" = - ] || set -- --labels "$table" "$@"
    "$einthoven" ingest --set model.preset=tiny --out "$tmp/$name.h5" "$tmp/bare" "$@"
}
texts() { "$helper" texts "$tmp/$1.h5" "$2" | cut -f2 | tr '\n' ' '; }
person() { "$einthoven" inspect --json "$tmp/$1.h5" | sed -n "s/^ *\"$2\": \([0-9.]*\),*$/\1/p"; }

# --- sexes

printf 'id,sex\nsyn0000000,1.0\nsyn0000001,2.0\nsyn0000002,1.0\nsyn0000003,\n' >"$tmp/iso.csv"
ok 'sexes by ISO 5218, written as reals' into iso "$tmp/iso.csv" --sex-column sex
like 'how they are read is said' "$out" '^    sex: 1 male, 2 female \(ISO 5218\)$'
like 'and of how many records' "$out" '^sex: of 3 records from the tables, of 0 from the files, of 3 not known$'
is 'men are men' "$(person iso male) $(person iso female) $(person iso sex_not_known)" '2 1 3'
printf 'id,sex\nsyn0000000,1\nsyn0000001,0\n' >"$tmp/bits.csv"
exits '0 and 1 are refused' 1 into bits "$tmp/bits.csv" --sex-column sex
like 'by file, line and column, with the option that says what they mean' "$err" 'bits.csv:2: sex is 1 in column sex: .*--sex-codes'
ok 'and read as declared' into bits "$tmp/bits.csv" --sex-column sex --sex-codes male=1,female=0
is 'which is the declaration' "$(person bits male) $(person bits female)" '1 1'
exits 'a declaration that says nothing' 2 into wrong "$tmp/bits.csv" --sex-column sex --sex-codes man
like 'is refused' "$err" 'male=CODE'
{
    echo id,sex
    awk -F, 'NR > 1 { print $2 "," ($9 == "M" ? 2 : 1) }' "$tmp/ecg/labels.csv"
} >"$tmp/swapped.csv"
ok 'a table that denies the files' "$einthoven" ingest --set model.preset=tiny --out "$tmp/swapped.h5" "$tmp/ecg" \
    --labels "$tmp/swapped.csv" --sex-column sex
like 'is counted' "$out" '^sex: of 6 records from the tables, .*; tables and files differ in 6 of 6 \(first: syn0000000\)'
like 'and doubted aloud' "$out" 'WARNING: .*--sex-codes'

# --- columns and cells

printf 'id;lvef;af;mfr;mrn;text;age\nsyn0000000;35;Yes;1,8;9;a;063Y\nsyn0000001;#N/A;No;2,1;8;b;45 years\nsyn0000002;-;yes;3;7;c;old\n' >"$tmp/all.csv"
ok 'a table of a hospital' into all "$tmp/all.csv" --age-column age
like 'its columns' "$out" '^labels: 3 number and 0 text columns; 3 of 6 records have a row$'
like 'are named' "$out" '^  all.csv: 3 rows; key id; age age; numbers lvef, af, mfr$'
like 'with how they are read' "$out" '^    mfr: decimal comma$'
like 'identifiers stay' "$out" '^    left out: mrn: its name is that of an identifier$'
like 'and texts' "$out" "^    left out: text: not numbers \(line 2: 'a'\)$"
like 'ages that cannot be read are counted' "$out" "^    age: 1 of 3 cells could not be read and are not known \(first: line 4: 'old'\)$"
ok 'a dry run' into dry "$tmp/all.csv" --dry-run
like 'says it too' "$out" '^    left out: mrn: '
ok 'what is named is taken' into named "$tmp/all.csv" --label-columns auto,mrn
like 'beside the others' "$out" '; numbers lvef, af, mfr, mrn'
printf 'id,lvef\n' >"$tmp/header.csv"
exits 'a header without rows' 1 into header "$tmp/header.csv"
like 'is refused' "$err" 'header.csv: a header and no rows'
printf 'id,lvef\nsyn0000000,35\nsyn0000000,35\nsyn0000001,1\n' >"$tmp/twice.csv"
ok 'rows that stand there twice' into twice "$tmp/twice.csv"
like 'count once' "$out" '^  1 rows repeat another row word for word and count once$'
unlike 'and fit their record' "$out" 'fit no accepted record'
printf 'id,lvef\nsyn0000000,35\nsyn0000000,36\n' >"$tmp/both.csv"
exits 'two rows that differ' 2 into both "$tmp/both.csv"
like 'are named' "$err" "share their key with another row that differs \(first: 'syn0000000', lines 2 and 3\)"

printf 'id,af\nsyn0000000,1\n' >"$tmp/af.csv"
ok 'a list option that is repeated' into several "$tmp/all.csv" --labels "$tmp/af.csv" --label-columns lvef --label-columns af
like 'adds to the list' "$out" '^  all.csv: .* numbers lvef, af$'
like 'each time' "$out" '^  af.csv: 1 rows; key id; numbers af$'
exits 'a setting that would drop it' 2 into lost "$tmp/all.csv" --set "ingest.labels=$tmp/af.csv"
like 'is refused' "$err" '--set ingest.labels: --labels .*all.csv stands before it and would be lost'

# --- text that is not UTF-8

printf 'id,site\nsyn0000000,K\xf6ln\n' >"$tmp/latin.csv"
ok 'a table in Latin-1' into latin "$tmp/latin.csv" --site-column site --text-columns site
like 'is converted, and that is said' "$out" 'not UTF-8: read as WINDOWS-1252'
is 'the corpus holds UTF-8' "$(texts latin site)$(texts latin text/site)" $'K\xc3\xb6ln      K\xc3\xb6ln      '
mkdir "$tmp/"$'M\xfcnchen'
cp "$tmp/bare/syn0000000".* "$tmp/"$'M\xfcnchen/'
echo nothing >"$tmp/"$'M\xfcnchen/b\xe4d.hea'
ok 'a folder and files in Latin-1' "$einthoven" ingest --set model.preset=tiny --out "$tmp/folder.h5" "$tmp/"$'M\xfcnchen'
like 'are counted' "$out" '^1 records have a folder or file name that is not UTF-8'
is 'the cohort' "$(texts folder cohort)" $'M\xc3\xbcnchen '
is 'and the file that was rejected are UTF-8' "$("$helper" rejected "$tmp/folder.h5" | cut -f1)" $'b\xc3\xa4d.hea'
exits 'no byte of theirs is left' 1 env LC_ALL=C grep -qaF $'M\xfcn' "$tmp/folder.h5"

# --- whose they are

rm "$tmp"/*.csv
ok 'no patients at all' into bare -
like 'is said aloud' "$out" '^WARNING: the patient of 6 of 6 records is not known\.'
unlike 'where nothing is found there is no offer' "$out" '^Tables that say'
awk -F, -v OFS=, 'NR == 1 { print "path", "Subject_ID", "Age" } NR > 1 { print "bare/" $2, $7, $8 }' "$tmp/ecg/labels.csv" >"$tmp/whose.csv"
ok 'a table beside the folder says it' into beside - --overwrite
like 'and is offered with its options' "$out" "^  --labels $tmp/whose.csv --label-key path --patient-column Subject_ID --age-column Age\$"
ok 'in a dry run too' into dry - --dry-run
like 'with a warning' "$out" '^WARNING: 6 of 6 recordings that were looked at do not say whose they are'
like 'and the offer' "$out" '^  --labels .*whose.csv --label-key path'
# shellcheck disable=SC2046 # the words of the offer
ok 'the offer is taken' "$einthoven" ingest --set model.preset=tiny --out "$tmp/taken.h5" "$tmp/bare" \
    $(sed -n 's/^  \(--labels .*\)/\1/p' <<<"$out")
unlike 'and nobody is unknown' "$out" WARNING
sed -i 's/^\(bare.syn0000000\),[^,]*/\1,/' "$tmp/whose.csv"
ok 'a table that does not know everybody' into partly "$tmp/whose.csv" --patient-column Subject_ID
like 'leaves some unknown' "$out" '^WARNING: the patient of 1 of 6 records'
unlike 'and is not offered again' "$out" '^Tables that say'
mkdir "$tmp/with blank"
cp -r "$tmp/bare" "$tmp/with blank/bare"
sed $'1s/path/the\033[7m path/' "$tmp/whose.csv" >"$tmp/with blank/it's.csv"
ok 'a folder with a blank, a table with a quote, a column with what a terminal acts upon' "$einthoven" ingest \
    --set model.preset=tiny --out "$tmp/blank.h5" "$tmp/with blank/bare"
unlike 'do not reach the terminal' "$out" $'\033'
words=()
eval "words=($(sed -n 's/^  \(--labels .*\)/\1/p' <<<"$out"))"
ok 'and are offered as a shell takes them' "$einthoven" ingest --set model.preset=tiny --out "$tmp/taken2.h5" \
    "$tmp/with blank/bare" "${words[@]}"
like 'so that they join' "$out" '^patient: of 5 records from the tables, of 0 from the files, of 1 not known'
rm "$tmp/whose.csv"
mkdir -p "$tmp/ptbxl/records500/00000"
{
    echo ecg_id,patient_id,age,sex,nurse,site,scp_codes,strat_fold,filename_lr,filename_hr
    for i in 0 1 2 3; do
        cp "$tmp/bare/syn000000$i.dat" "$tmp/ptbxl/records500/00000/0000${i}_hr.dat"
        sed "s/syn000000$i/0000${i}_hr/" "$tmp/bare/syn000000$i.hea" >"$tmp/ptbxl/records500/00000/0000${i}_hr.hea"
        echo "$i,$((i / 2)).0,6$i.0,$((i % 2)),1.0,0.0,\"{'NORM': 100.0, 'SR': 0.0}\",$((i + 1)),records100/00000/0000${i}_lr,records500/00000/0000${i}_hr"
    done
} >"$tmp/ptbxl/ptbxl_database.csv"
ok 'a folder as PTB-XL has it, without options' "$einthoven" ingest --set model.preset=tiny --out "$tmp/ptbxl.h5" "$tmp/ptbxl"
like 'has its table' "$out" '^  ptbxl_database.csv: a table of PTB-XL; 4 rows; key .*; patient patient_id; .* numbers strat_fold; texts scp_codes'
is 'its patients, men and women' "$(person ptbxl patients) $(person ptbxl male) $(person ptbxl female)" '2 2 2'
unlike 'nobody is unknown' "$out" WARNING
ok 'the search may be switched off' "$einthoven" ingest --set model.preset=tiny --out "$tmp/off.h5" "$tmp/ptbxl" --set ingest.find_tables=false
unlike 'then there is no table' "$out" '^labels:'
mkdir -p "$tmp/mimic/files/p1000/p10000032"
{
    echo subject_id,study_id,file_name,ecg_time,path
    for i in 0 1 2; do
        s=4000000$i
        mkdir -p "$tmp/mimic/files/p1000/p10000032/s$s"
        cp "$tmp/bare/syn000000$i.dat" "$tmp/mimic/files/p1000/p10000032/s$s/$s.dat"
        sed "s/syn000000$i/$s/" "$tmp/bare/syn000000$i.hea" >"$tmp/mimic/files/p1000/p10000032/s$s/$s.hea"
        echo "10000032,$s,$s,2180-07-23 08:44:00,files/p1000/p10000032/s$s/$s"
    done
} >"$tmp/mimic/record_list.csv"
{
    echo subject_id,study_id,cart_id,ecg_time,report_0,rr_interval,qrs_onset
    for i in 0 1 2; do echo "10000032,4000000$i,6848296,2180-07-23 08:44:00,Sinus rhythm,$((659 + i * 29340)),40"; done
} >"$tmp/mimic/machine_measurements.csv"
ok 'a folder as MIMIC-IV-ECG has it' "$einthoven" ingest --set model.preset=tiny --out "$tmp/mimic.h5" "$tmp/mimic"
like 'has its list' "$out" '^  record_list.csv: a table of MIMIC-IV-ECG; 3 rows; key .*; patient subject_id$'
like 'and its measurements' "$out" '^  machine_measurements.csv: a table of MIMIC-IV-ECG; .* numbers rr_interval, qrs_onset$'
like 'of which the machine made none are not known' "$out" '^    rr_interval: 2 cells of 29999 and more are taken for not measured$'
is 'one patient' "$(person mimic patients)" 1
done_testing
