#!/bin/bash
# timeout: 400
# A small SYNTHETIC study from one description: planned, run, stopped, broken, mended, run cell by cell; the same bytes.
. "$(dirname "$0")/../lib.sh"

cp "$root/tests/data/study_short.yaml" "$tmp/study.yaml"
study() { # FOLDER OPTION...
    local folder=$1
    shift
    "$einthoven" study "$tmp/study.yaml" --out "$folder" "$@"
}

run study "$tmp/a"
is 'the plan' "$status" 0
like 'names the data synthetic' "$out" 'SYNTHETIC data: people who do not exist'
like 'lists cells' "$out" '^finetune +4 +0 +0 +0 +0 +4$'
like 'lists commands' "$out" '^evaluate/2: evaluate --model ssl=.*/finetune/sex/ssl-s1/sex/linear-s1/model\.safetensors,de-novo='
is 'a plan makes nothing' "$([ -e "$tmp/a" ] && echo there)" ''

run mpi 2 "$einthoven" study "$tmp/study.yaml" --out "$tmp/a" --run
is 'all of it on 2 ranks' "$status" 0
like 'counts its cells' "$out" '^\[ ?14/14\]|^\[14/15\]'
like 'ends with the table' "$out" '^sex +other +80  AUROC'
like 'and a summary' "$out" '^ssl is above de-novo in [0-9] of 3 rows; after Holm'
# Of two cohorts: errors of independent rows add as roots of sums of squares.
mean=$(awk -F, '$6 ~ /R2/ { m += $13; l += ($13 - $14) ^ 2; u += ($15 - $13) ^ 2; n++ }
    END { printf "over %d rows of R2: %+.3f (%+.3f, %+.3f)", n, m / n, m / n - sqrt(l) / n, m / n + sqrt(u) / n }' "$tmp/a/table.csv")
is 'and mean differences' "$(grep '^mean of .* R2' <<<"$out")" "mean of ssl - de-novo $mean"
like 'a figure each' "$out" '^mean of ssl - de-novo over 1 rows of AUROC: [-+]'
is 'the last line is the page' "$(tail -n 1 <<<"$out")" "$tmp/a/report.html"
like 'which shows the results' "$(cat "$tmp/a/report.html")" '<td[^>]*>other</td>'
is 'the table as CSV' "$(wc -l <"$tmp/a/table.csv")" 4
like 'says what a row was trained on' "$(sed -n 2p "$tmp/a/table.csv")" '^age,clinic,clinic,test part,'
run study "$tmp/a" --status
like 'then everything is done' "$out" '^evaluate +3 +3 +0 +0 +0 +0$'
run study "$tmp/a" --cells evaluate
cat >"$tmp/cells" <<'TEXT'
0 age/clinic done finetune/0,finetune/1,ingest/1
1 age/other done finetune/0,finetune/1,ingest/2
2 sex/other done finetune/2,finetune/3,ingest/2
TEXT
is 'cells for programs' "$(cut -f 1-4 <<<"$out" | tr '\t' ' ')" "$(cat "$tmp/cells")"
cp "$tmp/a/pretrain/model.safetensors" "$tmp/kept"
run study "$tmp/a" --run
is 'again' "$status" 0
is 'names the page' "$(tail -n 1 <<<"$out")" "$tmp/a/report.html"
is 'and leaves it as it is' "$([ "$tmp/a/report.html" -nt "$tmp/kept" ] && echo made again)" ''
unlike 'nothing is done twice' "$out" 'synth|ingest|pretrain|finetune|evaluate [a-z]+/'
ok 'no model changes' cmp "$tmp/kept" "$tmp/a/pretrain/model.safetensors"

# Cell by cell, on other numbers of ranks, as a job array would.
for stage in synth ingest pretrain finetune evaluate; do
    n=$(study "$tmp/b" --cells $stage | wc -l)
    for ((i = 0; i < n; i++)); do
        run mpi $((1 + i % 3)) "$einthoven" study "$tmp/study.yaml" --out "$tmp/b" --stage $stage --cell $i
        [ "$status" = 0 ] || fail "$stage/$i" "$err"
    done
done
run study "$tmp/b" --stage table
is 'the table' "$status" 0
ok 'cell by cell on 1 to 3 ranks: the same model' cmp "$tmp/kept" "$tmp/b/pretrain/model.safetensors"
ok 'and the same table' cmp "$tmp/a/table.csv" "$tmp/b/table.csv"
run study "$tmp/b" --stage finetune --cell 1
like 'a cell that is done' "$out" 'finetune age/de-novo-s1 +done already'
exits 'a cell that does not exist' 2 study "$tmp/b" --stage finetune --cell 4
exits 'a cell without a stage' 2 study "$tmp/b" --cell 1

# One cell fails: what needs it waits, the rest goes on, and the reason is told.
cp -r "$tmp/b" "$tmp/c"
rm -r "$tmp/c/cells/finetune" "$tmp/c/cells/evaluate" "$tmp/c/finetune" "$tmp/c/evaluate"
mkdir -p "$tmp/c/finetune/age"
echo blocked >"$tmp/c/finetune/age/ssl-s1"
run study "$tmp/c" --run
is 'a study with a broken cell fails' "$status" 1
like 'it says how much' "$err" '1 cell failed, 2 could not begin'
like 'others went on' "$out" 'evaluate sex/other +done'
like 'the table says what is missing' "$out" '^age +other +missing: needs finetune age/ssl-s1'
run study "$tmp/c" --status
like 'status gives the reason' "$out" '^finetune age/ssl-s1: failed, .*/finetune/age/ssl-s1'
run study "$tmp/c" --stage evaluate --cell 0
is 'a cell whose needs are not done' "$status" 1
like 'names what it needs' "$err" 'needs finetune age/ssl-s1, which is not done'
rm "$tmp/c/finetune/age/ssl-s1"
run study "$tmp/c" --run
is 'mended' "$status" 0
unlike 'only what was missing is run' "$out" 'finetune sex/'
ok 'to the same table' cmp "$tmp/a/table.csv" "$tmp/c/table.csv"
rm "$tmp"/c/evaluate/*/*/MADE-BY "$tmp/c/table.csv"
run study "$tmp/c" --run
like 'the table says for how many of its rows nothing vouches' "$out" 'rows are NOT VERIFIED: their evaluations have no MADE-BY'

# A stop between cells, and a description that changes.
touch "$tmp/d-made" && mkdir "$tmp/d" && touch "$tmp/d/STOP"
run study "$tmp/d" --run
is 'a stop is no failure' "$status" 0
like 'it stops after a cell' "$out" 'stopped before clinic'
rm -rf "$tmp/d"
sed -i 's/epochs: 2, batch: 32/epochs: 3, batch: 32/' "$tmp/study.yaml"
run study "$tmp/a" --status
like 'what a changed description makes stale' "$out" '^finetune age/ssl-s1: missing, made by another command'
unlike 'and what not' "$out" 'finetune age/de-novo-s1: missing'
run study "$tmp/a" --stage pretrain
is 'a run folder of another description is not written over' "$status" 1
like 'and says why' "$out$err" 'train.epochs|epochs'

sed 's|study/sex|study/sx|' "$tmp/study.yaml" >"$tmp/wrong.yaml"
exits 'an unknown task' 2 "$einthoven" study "$tmp/wrong.yaml" --out "$tmp/e"
exits 'no such study' 2 "$einthoven" study nothing --out "$tmp/e"
like 'which ones are built in' "$err" 'demo or synthetic'
done_testing
