#!/bin/bash
# inspect of what evaluate writes: whole, edited, or of a time without sums.
. "$(dirname "$0")/../lib.sh"

cd "$tmp" || exit 1
mkdir results
printf 'record_id,status,score\na,ok,0.5\nb,ok,0.25\n' >results/scores.csv
printf '{"macro": -0.974}\n' >results/metrics.json
run "$einthoven" inspect results
like 'a folder without sums is shown with a word' "$out" 'no MADE-BY'
{
    printf '# einthoven evaluate 0.1.0\n# run 6b1f0c\n'
    (cd results && b2sum -l 256 scores.csv metrics.json)
} >made && mv made results/MADE-BY
ok 'a folder as it was written' "$einthoven" inspect results
like 'with the run that made it' "$out" '6b1f0c'
ok 'one of its tables' "$einthoven" inspect results/scores.csv
like 'with its rows' "$out" 'rows: +2'
sed -i 's/-0.974/0.974/' results/metrics.json
exits 'an edited file is noticed' 1 "$einthoven" inspect results
like 'by its name' "$err" 'results/metrics.json is not as it was written'
exits 'also if it is asked for alone' 1 "$einthoven" inspect results/metrics.json
ok 'the others are whole' "$einthoven" inspect results/scores.csv
rm results/scores.csv
exits 'a file that is gone is missed' 1 "$einthoven" inspect results
like 'by its name' "$err" 'results/scores.csv is gone'

done_testing
