#!/bin/bash
# timeout: 900
# evaluate on tables of scores: the figures of fixture S1 through the command, everything that is not estimable, malformed
# tables, and the same bytes on 1 to 4 ranks.
. "$(dirname "$0")/../lib.sh"
cd "$tmp" || exit 1
export OMP_NUM_THREADS=1

# S1: 100 patients x 4 ECGs, integers only; pa, pb are probabilities.
s1() {
    awk 'BEGIN {
        printf "i,pid,site,sex,y,A,B\r\n"
        for (i = 0; i < 400; i++) {
            p = i % 100; k = int(i / 100)
            x = (p * 7919 + k * 401 + 13) % 10007; t = (p * 104729 + k * 233 + 17) % 10007; z = (i * 3571 + 5) % 10007
            printf "%d,%d,%d,%d,%d,%d,%d\r\n", i, p, p % 4, int(p / 4) % 2, t < 1500 + int(x / 2), int(x / 11), \
                int((6 * x + 4 * z) / 110)
        }
    }'
}
s1 >s1.csv
is 'S1 is the fixture' "$(sha256sum <s1.csv | cut -c 1-64)" 9a298e000db6d265963f3a002a5e4518b11ea3d4b51ebbfe696eac4c6908603a
awk -F, -v OFS=, 'NR == 1 { sub(/\r/, ""); print $0, "pa", "pb", "age"; next }
    { sub(/\r/, ""); print $0, sprintf("%.17g", ($6 + 0.5) / 910), sprintf("%.17g", ($7 + 0.5) / 910), 20 + $2 % 71 }' \
    s1.csv >p.csv

# csv FILE MODEL GROUP METRIC COLUMN: a cell of the result table; columns by number (7 value, 8 lower, 9 upper, 10 se, 11 p,
# 12 n, 15 from the end of the line backwards is not needed: methods hold commas, so the state is looked up apart).
csv() { awk -F, -v m="$2" -v g="$3" -v s="$4" -v c="$5" '$4 == m && $5 == g && $6 == s { print $c }' "$1"; }
line() { awk -F, -v m="$2" -v g="$3" -v s="$4" '$4 == m && $5 == g && $6 == s' "$1"; }

# close NAME GOT EXPECTED TOLERANCE
close() {
    if awk -v a="$2" -v b="$3" -v t="$4" 'BEGIN { d = a - b; if (d < 0) d = -d; if (b < 0) b = -b;
            exit !(a != "" && d <= t * (b > 0 ? b : 1)) }'; then pass "$1"; else fail "$1" "got $2, expected $3"; fi
}

# evaluate ARGS...: without bootstrap unless told
evaluate() { "$einthoven" evaluate "$@" --set evaluate.replicates=0; }

# --- figures of S1 ---
ok 'S1 with patients' "$einthoven" evaluate --scores p.csv --label y --score pa,pb --id i --cluster pid --subgroup site,sex \
    --threshold 0.2,0.5,0.8 --set evaluate.replicates=400 --json s1.json --csv s1_out.csv
like 'says whose records' "$out" '^y: 400 records of 100 patients, 166 positive \(41\.5 %\), 234 negative; 95 % intervals'
like 'AUROC with the interval of patients' "$out" '^AUROC +0\.665 \(0\.567 to 0\.763\) +0\.634 \(0\.543 to 0\.724\)'
like 'names the variance' "$out" 'clustered by patient \(Obuchowski 1997\)'
like 'names level, replicates and seed' "$out" 'Bootstrap: 400 resamples of whole patients, seed 1'
like 'calls its own thresholds descriptive' "$out" '^Descriptive, not for use'
like 'sensitivity in percent' "$out" '^Sensitivity +63\.9 %'
close 'AUROC' "$(csv s1_out.csv pa '' auroc 7)" 0.664941818556276 1e-12
close 'its standard error' "$(csv s1_out.csv pa '' auroc 10)" 0.050130505255035 1e-10
close 'average precision' "$(csv s1_out.csv pb '' average_precision 7)" 0.537860881403383 1e-12
close 'calibration slope' "$(csv s1_out.csv pa '' calibration_slope 7)" 0.335487747903346 1e-9
close 'net benefit' "$(csv s1_out.csv pa '' net_benefit@0.2 7)" 0.253125 1e-12
close 'MCC' "$(csv s1_out.csv pa '' mcc@0.8 7)" 0.244673627938 1e-9
close 'AUROC of a site' "$(csv s1_out.csv pa site=2 auroc 7)" 0.703208556149733 1e-12
close 'Z of the comparison' "$(line s1_out.csv 'pa - pb' '' auroc_difference | awk -F, '{ print $(NF - 2) }')" 2.768796309942 1e-9
close 'McNemar, exact' "$(csv s1_out.csv 'pa - pb' '' positive_calls_mcnemar_exact_p@0.5 11)" 0.801306492504069 1e-10
like '17 digits in JSON' "$(cat s1.json)" '"value": 0\.6649418185562[0-9]{4,}'
like 'JSON names the table' "$(cat s1.json)" '"sha256": "[0-9a-f]{64}"'

ok 'S1 without patients' evaluate --scores p.csv --label y --score pa,pb --id i --csv naive.csv
like 'warns that patients are not named' "$out" 'patients not named: each counts as one'
like 'and says what follows' "$out" 'intervals are too narrow'
close 'DeLong, lower' "$(csv naive.csv pa '' auroc 8)" 0.610720497939011 1e-10
close 'DeLong, upper' "$(csv naive.csv pa '' auroc 9)" 0.719163139173542 1e-10
close 'p of the paired test' "$(csv naive.csv 'pa - pb' '' auroc_difference 11)" 0.0523992807314459 1e-10
ok 'DeLong by name although patients repeat' evaluate --scores p.csv --label y --score pa --id i --cluster pid --csv asked.csv \
    --set evaluate.variance=delong
like 'says that it is too narrow' "$(tr -s '\n ' ' ' <<<"$out")" 'as asked for, although patients repeat: intervals are too narrow'
close 'is DeLong' "$(csv asked.csv pa '' auroc 8)" 0.610720497939011 1e-10
ok 'scores that are no probabilities' evaluate --scores s1.csv --label y --score A --cluster pid
like 'have no calibration, and it is said' "$out" 'Calibration: none for A, whose scores do not all lie in 0\.\.1'
unlike 'no Brier score' "$out" 'Brier'
exits 'unless they are said to be some' 1 evaluate --scores s1.csv --label y --score A --set evaluate.probabilities=yes
like 'with the value' "$err" 'y: A: [0-9]+ is no probability'

# --- several labels, patterns, thresholds of their own ---
awk -F, -v OFS=, 'NR == 1 { print "id,af,lvh,p_af,p_lvh"; next } { print $1, $5, 1 - $5, $8, 1 - $8 }' p.csv >two.csv
ok 'two labels with their own scores' evaluate --scores two.csv --label af,lvh --score 'p_{label}' --id id --csv two_out.csv
close 'the first' "$(awk -F, '$2 == "af" && $6 == "auroc" { print $7 }' two_out.csv)" 0.664941818556276 1e-12
close 'the second: the mirror image' "$(awk -F, '$2 == "lvh" && $6 == "auroc" { print $7 }' two_out.csv)" 0.664941818556276 1e-12
ok 'thresholds of their own' evaluate --scores p.csv --label y --score pa,pb --id i --threshold pa:0.5,pb:0.2 --csv own.csv
is 'each model at its own' "$(csv own.csv pa '' true_positive@own 7) $(csv own.csv pb '' true_positive@own 7)" '106 157'

# --- subgroups ---
exits 'an age is no subgroup' 2 evaluate --scores p.csv --label y --score pa --subgroup age
like 'says how to cut it' "$err" 'column "age" has 71 different values; at most 20.*evaluate\.bands="age:50,65,80"'
ok 'bands' evaluate --scores p.csv --label y --score pa --cluster pid --set 'evaluate.bands=age:50,65,80' --csv bands.csv
like 'are named by their limits' "$out" '^  50 to <65 +0\.[0-9]+ \('
is 'and hold whom they should' "$(csv bands.csv pa 'age=<50' auroc 12)" "$(awk -F, 'NR > 1 && $10 < 50' p.csv | wc -l)"
exits 'cuts must ascend' 2 evaluate --scores p.csv --label y --score pa --set 'evaluate.bands=age:65,50'
like 'and it is said' "$err" 'the cuts of age must ascend, 50 follows 65'
exits 'cuts must be numbers' 2 evaluate --scores p.csv --label y --score pa --set 'evaluate.bands=age:old'
ok 'small groups' evaluate --scores p.csv --label y --score pa --subgroup site --set evaluate.minimum=43 --csv small.csv
like 'are suppressed' "$out" '^  2 +suppressed'
is 'in the table, too' "$(csv small.csv pa site=2 auroc 7)$(csv small.csv pa site=2 auroc 12)" ''
like 'with their state' "$(line small.csv pa site=2 auroc)" ',suppressed,'
awk -F, -v OFS=, 'NR > 1 && NR % 10 == 0 { $4 = "NA" } 1' p.csv >unknown.csv
ok 'groups that are not known' evaluate --scores unknown.csv --label y --score pa --subgroup sex
like 'are counted' "$out" 'AUROC by sex, pa \(40 records of no known group\)'

# --- what is left out ---
awk -F, -v OFS=, 'NR == 3 { $8 = "NaN" } NR == 12 { $5 = "" } NR == 22 { $5 = "#N/A"; $8 = "-" } 1' p.csv >holes.csv
ok 'missing labels and NaN scores' evaluate --scores holes.csv --label y --score pa,pb --id i --excluded out.csv --json holes.json
like 'are counted' "$out" '^Left out: 3 of 400 records \(2 without a label, 2 without a score from every model\)'
is 'and listed' "$(tr '\n' ';' <out.csv)" 'label,cohort,record,reason;y,,1,no score;y,,10,no label;y,,20,no label and no score;'
like 'in JSON, too' "$(cat holes.json)" '"reason": "no label and no score"'
ok 'ids can be kept out of JSON' evaluate --scores holes.csv --label y --score pa --id i --json none.json --set evaluate.listed=0
unlike 'then none is there' "$(cat none.json)" '"record":'
like 'but their number' "$(cat none.json)" '"left_out_not_named": 3'
ok 'patients that are not known' bash -c "sed '5,6s/^\([^,]*\),[^,]*,/\1,,/' p.csv >nopid.csv && '$einthoven' evaluate \
    --scores nopid.csv --label y --score pa --cluster pid --set evaluate.replicates=0"
like 'are patients of their own, and counted' "$out" '2 without a patient count as patients of their own'
like 'beside the others' "$out" '400 records of 102 patients'

# --- not estimable ---
printf 'y,s,t\n0,0.1,0.1\n0,0.4,0.4\n0,0.8,0.8\n' >one.csv
ok 'one class' evaluate --scores one.csv --label y --score s --json one.json
like 'is said' "$out" '^AUROC +- \(one class\)'
like 'and explained' "$out" 'one class: not estimable: only one class is present'
like 'in JSON with state and reason' "$(tr -d '\n' <one.json)" \
    '"auroc": \{ +"value": null, +"state": "one_class", +"reason": "not estimable: only one class is present"'
printf 'y,s,t,h\n0,0.1,0.1,0\n0,0.4,0.4,1\n1,0.35,0.35,1\n1,0.8,0.8,1\n' >few.csv
ok 'identical models' evaluate --scores few.csv --label y --score s,t
like 'have no test' "$out" '^  AUROC +0\.000 \(identical\) +no test \(identical\)'
printf 'y,s,t\n0,0.1,0.2\n0,0.4,0.5\n1,0.35,0.45\n1,0.8,0.9\n' >ranks.csv
ok 'models that rank alike but differ in every record' evaluate --scores ranks.csv --label y --score s,t
like 'have no test of ranks' "$out" '^  AUROC +0\.000 \(identical\) +no test \(identical\)'
like 'and it is said what is alike' "$out" 'identical: not estimable: the two models are alike in all that is compared here \(ranks'
unlike 'not that no record differs' "$out" 'in any record'
ok 'hard decisions' evaluate --scores few.csv --label y --score h
like 'have an AUROC' "$out" '^AUROC +0\.750 \('
like 'and no slope' "$out" '^Slope .* - \(saturated\)'
printf 'y,s\n0,0.1\n0,0.2\n1,0.7\n1,0.8\n' >perfect.csv
ok 'a perfect model' evaluate --scores perfect.csv --label y --score s
like 'has no interval' "$out" '^AUROC +1\.000 \(boundary\)'
printf 'y,s\n1,0.1\n1,0.2\n0,0.7\n0,0.8\n' >inverse.csv
ok 'an inverted model' evaluate --scores inverse.csv --label y --score s
like 'is not flipped' "$out" '^AUROC +0\.000 \(boundary\)'

# --- regression ---
ok 'a measured quantity' "$einthoven" evaluate --scores p.csv --target A --score B --id i --cluster pid --csv reg.csv \
    --set evaluate.replicates=200
like 'mean absolute error of patients' "$out" '^Mean absolute error +121\.4 \(113\.3 to 129\.6\)'
close 'Spearman' "$(csv reg.csv B '' spearman 7)" 0.837480679640 1e-10
close "Kendall's tau-b" "$(csv reg.csv B '' kendall 7)" 0.627468672526 1e-10
like 'interval by bootstrap, as patients repeat' "$(line reg.csv B '' kendall)" 'patient bootstrap, percentile'

awk -F, -v OFS=, 'NR == 5 { $6 = "" } 1' p.csv >unmeasured.csv
ok 'a value that was not measured' evaluate --scores unmeasured.csv --target A --score B --id i --excluded unmeasured.out
is 'is called so' "$(tail -n 1 unmeasured.out)" 'A,,3,no measured value'
printf 'y,s\n,0.1\n,0.2\n' >unlabelled.csv
ok 'no label at all' evaluate --scores unlabelled.csv --label y --score s
like 'says why there is no calibration' "$(tr -s '\n ' ' ' <<<"$out")" 'Calibration: none for s, whose scores were all left out'

# --- wrong use, bad tables ---
exits 'nothing to evaluate' 2 "$einthoven" evaluate
exits 'no label' 2 evaluate --scores p.csv --score pa
like 'is asked for' "$err" '--label \(or --target\)'
exits 'no score' 2 evaluate --scores p.csv --label y
exits 'a column that is not there' 2 evaluate --scores p.csv --label y --score pb_
like 'with the nearest' "$err" 'p\.csv: no column "pb_" for --score; did you mean "pb"\?'
exits 'a column like none' 2 evaluate --scores p.csv --label outcome --score pa
like 'with all there are' "$err" 'there are i, pid, site, sex, y, A, B, pa, pb, age'
exits 'a score twice' 2 evaluate --scores p.csv --label y --score pa,pa
exits 'a threshold that is none' 2 evaluate --scores p.csv --label y --score pa --threshold high
exits 'a threshold of no score' 2 evaluate --scores p.csv --label y --score pa --threshold pc:0.5
exits 'a threshold twice' 2 evaluate --scores p.csv --label y --score pa --threshold 0.5,0.5
sed '100s/^[^,]*/7/' p.csv >twice.csv
exits 'an id twice' 1 evaluate --scores twice.csv --label y --score pa --id i
like 'with both lines' "$err" 'twice\.csv: record id "7" stands in lines 9 and 100'
awk -F, -v OFS=, 'NR == 50 { $5 = 2 } 1' p.csv >label2.csv
exits 'a label of 2' 1 evaluate --scores label2.csv --label y --score pa
like 'with its line' "$err" 'label2\.csv:50: label "2" in column "y" is neither 1 nor 0 nor empty'
awk -F, -v OFS=, 'NR == 60 { $8 = "0,5" ; $8 = "error" } 1' p.csv >text.csv
exits 'a score that is text' 1 evaluate --scores text.csv --label y --score pa
like 'with line and text' "$err" 'text\.csv:60: "error" in column "pa" is not a number'
sed '70s/,[^,]*$//' p.csv >short.csv
ok 'a row that is too short' evaluate --scores short.csv --label y --score pa --json short.json
like 'is left out aloud' "$err" 'short\.csv:70: .*row left out'
like 'on the page' "$out" '1 more could not be read and are LEFT OUT'
like 'and in JSON' "$(cat short.json)" '"rows_not_read": 1'
printf 'y,s\n' >empty.csv
exits 'a table without rows' 1 evaluate --scores empty.csv --label y --score s
like 'is called so' "$err" 'no rows below the header'
exits 'no table' 1 evaluate --scores none.csv --label y --score s
printf 'y,s\n0,"0.1\n1,0.2\n' >quote.csv
exits 'an open quote' 1 evaluate --scores quote.csv --label y --score s
mkdir folder
exits 'a result that cannot be written' 1 evaluate --scores p.csv --label y --score pa --json nowhere/x.json
exits 'a result over a folder' 1 evaluate --scores p.csv --label y --score pa --csv folder
printf 'y,s\n0,0.1\n1,0x1p3\n' >hex.csv
exits 'a hexadecimal number' 1 evaluate --scores hex.csv --label y --score s

# --- any order, any number of ranks ---
many() { # RANKS OUT TABLE
    mkdir -p "r$1$2" && cp "$3" "r$1$2/p.csv" && (cd "r$1$2" && mpi "$1" "$einthoven" evaluate --scores p.csv --label y --target A \
        --score pa,pb --id i --cluster pid --subgroup sex --threshold 0.5 --set evaluate.replicates=60 --json x.json \
        --csv x.csv --excluded e.csv >x.txt 2>x.err)
}
ok 'one rank' many 1 '' holes.csv
for ranks in 2 3 4; do
    ok "$ranks ranks" many "$ranks" '' holes.csv
    ok "$ranks ranks: the same JSON" cmp r1/x.json "r$ranks/x.json"
    ok "$ranks ranks: the same table" cmp r1/x.csv "r$ranks/x.csv"
    ok "$ranks ranks: the same page, once" cmp r1/x.txt "r$ranks/x.txt"
    is "$ranks ranks: nothing else said" "$(cat "r$ranks/x.err")" ''
done
{ head -n 1 holes.csv && tail -n +2 holes.csv | sort -t, -k8,8; } >shuffled.csv
ok 'rows in another order' many 2 shuffled shuffled.csv
ok 'the same statistics' cmp r1/x.csv r2shuffled/x.csv

# --- names, places and ties say nothing ---
# 100 records with four scores; the same rows under other ids.
awk 'BEGIN { print "id,af,p"; for (i = 0; i < 100; i++) printf "r%03d,%d,%.1f\n", i, i < 50, 0.3 + 0.1 * (i % 4) }' >ties.csv
awk -F, -v OFS=, 'NR > 1 { $1 = sprintf("r%03d", (NR * 37) % 100) } 1' ties.csv >renamed.csv
for table in ties renamed; do
    ok "equal scores: $table" evaluate --scores $table.csv --label af --score p --id id --csv "$table.out"
    for bins in width_10 mass_10 mass_15; do
        close "ECE, $bins" "$(csv "$table.out" p '' "ece_$bins" 7)" 0.12 1e-12
    done
done
# Without ids rows in any order are the same data: every digit, also of bootstrap intervals, also of records without patient.
awk -F, -v OFS=, 'NR % 7 == 3 { $2 = "" } { print $2, $3, $4, $5, sprintf("%.2f", $8), $9 }' p.csv | sed '1s/.*/pid,site,sex,y,pa,pb/' >noid.csv
{ head -n 1 noid.csv && tail -n +2 noid.csv | tac; } >noid_back.csv
{ head -n 1 noid.csv && tail -n +2 noid.csv | sort -t, -k5,5 -k1,1; } >noid_sorted.csv
for table in noid noid_back noid_sorted; do
    ok "no ids: $table" "$einthoven" evaluate --scores $table.csv --label y --score pa,pb --subgroup site --threshold 0.5 \
        --set evaluate.replicates=40 --csv "$table.out"
    ok "with patients: $table" "$einthoven" evaluate --scores $table.csv --label y --score pa,pb --cluster pid \
        --set evaluate.replicates=40 --csv "$table.patients"
done
for table in noid_back noid_sorted; do
    ok "$table: the same statistics" cmp noid.out $table.out
    ok "$table: the same with patients" cmp noid.patients $table.patients
done
sed '3s/,0\.[0-9]*,/,,/' noid.csv >noid_hole.csv
ok 'what is left out is found by its line' evaluate --scores noid_hole.csv --label y --score pa --excluded noid_hole.out
is 'and named so' "$(tail -n 1 noid_hole.out)" 'y,,line 3,no score'

exits 'an error on three ranks' 1 mpi 3 "$einthoven" evaluate --scores twice.csv --label y --score pa --id i
is 'is said once' "$(grep -c 'stands in lines' <<<"$err")" 1

done_testing
