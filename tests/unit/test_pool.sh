#!/bin/bash
# timeout: 600
# pool: the BCG trials and the four sites of S1 against metafor's figures, meta-regression, what cannot be pooled, ranks.
. "$(dirname "$0")/../lib.sh"
cd "$tmp" || exit 1

# close NAME GOT EXPECTED TOLERANCE
close() {
    if awk -v a="$2" -v b="$3" -v t="$4" 'BEGIN { d = a - b; if (d < 0) d = -d; if (b < 0) b = -b;
            exit !(a != "" && d <= t * (b > 0 ? b : 1)) }'; then pass "$1"; else fail "$1" "got $2, expected $3"; fi
}

# at FILE KEY...: the number behind the keys, one after the other, in a JSON file of ours (one key per line).
at() {
    local file=$1 text
    shift
    text=$(cat "$file")
    while [ $# -gt 1 ]; do
        text=${text#*\"$1\": }
        shift
    done
    sed -n "s/^ *\"$1\": \([-0-9.e+]*\),*$/\1/p" <<<"$text" | head -n 1
}

# The 13 trials of BCG vaccination (Colditz 1994): log risk ratios.
awk 'BEGIN {
    n = split("4,119,11,128;6,300,29,274;3,228,11,209;62,13536,248,12619;33,5036,47,5761;180,1361,372,1079;8,2537,10,619;" \
        "505,87886,499,87892;29,7470,45,7232;17,1699,65,1600;186,50448,141,27197;5,2493,3,2338;27,16886,29,17825", row, ";")
    split("random random random random alternate alternate random random random systematic systematic systematic systematic",
        alloc, " ")
    print "study,estimate,variance,se,alloc,number"
    for (i = 1; i <= n; i++) {
        split(row[i], c, ",")
        a = c[1]; b = c[1] + c[2]; d = c[3]; e = c[3] + c[4]; v = 1 / a - 1 / b + 1 / d - 1 / e
        printf "trial %d,%.17g,%.17g,%.17g,%s,%d\n", i, log((a / b) / (d / e)), v, sqrt(v), alloc[i], i
    }
}' >bcg.csv

while read -r method tau2 mu se lower upper kh i2; do
    ok "BCG by $method" "$einthoven" pool --studies bcg.csv --variance variance --method "$method" --json "$method.json"
    # The published PM estimate stopped early: metafor's own EB is the same root to more digits.
    [ "$method" = PM ] && near=1e-3 || near=1e-8
    [ "$method" = PM ] && close_to=1e-4 || close_to=1e-8
    close "$method: tau2" "$(at "$method.json" heterogeneity tau2 value)" "$tau2" $near
    close "$method: effect" "$(at "$method.json" pooled z value)" "$mu" $close_to
    close "$method: standard error" "$(at "$method.json" pooled z se)" "$se" $close_to
    close "$method: Knapp-Hartung" "$(at "$method.json" pooled knapp_hartung se)" "$kh" $close_to
    close "$method: I2" "$(at "$method.json" heterogeneity i2_percent value)" "$i2" $close_to
    [ "$lower" = - ] && continue
    close "$method: lower" "$(at "$method.json" pooled z lower)" "$lower" $close_to
    close "$method: upper" "$(at "$method.json" pooled z upper)" "$upper" $close_to
done <<'TABLE'
DL 0.3087602629 -0.7141172221 .1787420895 -1.0644452801 -0.3637891641 .1806966283 92.11734685
REML 0.3132432581 -0.7145323422 .1797815161 -1.0668976388 -0.3621670455 .1807917441 92.22138452
ML 0.2800281373 -0.7111991355 .1718968088 -1.0481106897 -0.3742875812 .1800422221 91.37828379
PM 0.3180937119 -0.7149704056 .1808979841 -1.0695239394 -0.3604168719 .1808927122 92.33090029
EB 0.3180684522 -0.7149681535 .1808921915 -1.0695103340 -0.3604259730 .1808921915 92.33033795
SJ 0.3455157016 -0.7172485926 .1870594584 -1.0838783940 -0.3506187911 .1814284515 92.89632410
HE 0.3285638580 -0.7158785888 .1832799860 - - .1811040692 92.55709741
HS 0.2283628637 -0.7045353739 .1586520931 - - .1786233077 89.62996666
TABLE
j=REML.json
close 'Q' "$(at $j heterogeneity q statistic)" 152.2330080824 1e-11
close 'its p' "$(at $j heterogeneity q p)" 1.99676e-26 1e-5
close 'standard error of tau2' "$(at $j heterogeneity tau2_se value)" .16642575 1e-7
# metafor with its root finder's tolerance at 1e-14; its default gives 0.119695 to 1.111486.
close 'Q-profile, lower' "$(at $j heterogeneity tau2 lower)" 0.11971836114126 1e-10
close 'Q-profile, upper' "$(at $j heterogeneity tau2 upper)" 1.11147908406093 1e-10
close 'I2, lower' "$(at $j heterogeneity i2_percent lower)" 81.92057455859654 1e-10
close 'I2, upper' "$(at $j heterogeneity i2_percent upper)" 97.67807495788742 1e-10
close 'Knapp-Hartung, lower' "$(at $j pooled knapp_hartung lower)" -1.1084437136 1e-9
close 'prediction, normal' "$(at $j prediction interval lower)" -1.8666922179 1e-9
close 'prediction, normal, upper' "$(at $j prediction interval upper)" 0.4376275336 1e-9
close 'prediction, Knapp-Hartung' "$(at $j prediction interval interval lower)" -1.9960168342 1e-9
close 'prediction, t(k-2)' "$(at $j prediction interval interval interval lower)" -2.00837591 1e-8
close 'Egger' "$(at $j small_study_effects egger_mixed statistic)" -0.8033 1e-4
close 'Begg' "$(at $j small_study_effects begg_tau value)" 0.0256 2e-3
close 'weight of trial 8' "$(sed -n '/"study": "trial 8"/,/weight_percent/s/^ *"weight_percent": \(.*\),/\1/p' $j)" 10.189439 1e-7
close 'without trial 4' "$(sed -n '/"study": "trial 4"/,$p' $j >rest && at rest left_out z value)" -0.62841 1e-5
close 'tau2 without trial 4' "$(at rest left_out tau2 value)" 0.26276 2e-5
like '17 digits' "$(cat $j)" '"value": -0\.7145323421[0-9]{7}'

ok 'as ratios, from standard errors' "$einthoven" pool --studies bcg.csv --se se --set pool.scale=exp --json exp.json
like 'shown as ratios' "$out" '^Pooled, z +0\.489 \(0\.344 to 0\.696\)'
close 'the same analysis' "$(at exp.json pooled z value)" -0.7145323422 1e-9
close 'transformed back' "$(at exp.json pooled z shown value)" .489421 2e-6
like 'prediction names its rule' "$out" '0\.155 to 1\.549\) +normal quantile'
like 'all rules' "$out" 't\(k-2\)'
is 'a line of the forest per study' "$(grep -cE '^trial [0-9]+ .*o' <<<"$out")" 13

ok 'a fixed effect' "$einthoven" pool --studies bcg.csv --method FE --json fe.json
close 'has no variance between studies' "$(at fe.json heterogeneity tau2 value)" 0 1e-300

# --- meta-regression ---
ok 'words as moderators' "$einthoven" pool --studies bcg.csv --moderator alloc --json alloc.json
close 'QM' "$(at alloc.json moderators statistic)" 1.767513 1e-6
close 'its p' "$(at alloc.json moderators p)" .413228 2e-6
close 'residual tau2' "$(at alloc.json residual_heterogeneity tau2 value)" .361503 2e-6
like 'names the levels' "$out" '^alloc=systematic '
ok 'a number as moderator' "$einthoven" pool --studies bcg.csv --moderator number
like 'is one coefficient' "$out" 'chi2\(1\) = '
exits 'collinear moderators' 1 "$einthoven" pool --studies bcg.csv --moderator alloc,alloc

# --- AUROCs of sites ---
cat >sites.csv <<'TABLE'
study,auroc,variance
site 0,0.568144499178982,3.493668132121084e-03
site 1,0.657061688311688,2.934502657994514e-03
site 2,0.703208556149733,3.409840361140084e-03
site 3,0.740740740740741,2.837698297702575e-03
TABLE
ok 'AUROCs of four sites' "$einthoven" pool --studies sites.csv --json sites.json
like 'says on which scale' "$out" 'logit scale, variances by the delta method'
close 'tau2 of logits' "$(at sites.json heterogeneity tau2 value)" .0463391519 1e-8
close 'Q of logits' "$(at sites.json heterogeneity q statistic)" 5.0530160565 1e-9
close 'pooled AUROC' "$(at sites.json pooled z shown value)" .6655826601 1e-9
close 'lower' "$(at sites.json pooled z shown lower)" .5886728864 1e-9
close 'upper' "$(at sites.json pooled z shown upper)" .7345953858 1e-9
close 'Knapp-Hartung, lower' "$(at sites.json pooled knapp_hartung shown lower)" .5390073754 1e-9
close 'Knapp-Hartung, upper' "$(at sites.json pooled knapp_hartung shown upper)" .7720985675 1e-9
close 'prediction by Knapp-Hartung' "$(at sites.json prediction interval interval shown lower)" .4553542630 1e-9
ok 'by DerSimonian and Laird' "$einthoven" pool --studies sites.csv --method DL --json dl.json
close 'as metafor' "$(at dl.json pooled z shown value)" .6655569404 1e-9
ok 'from standard errors' bash -c "awk -F, -v OFS=, 'NR == 1 { print \"site,auc,error\"; next }
    { print \$1, \$2, sprintf(\"%.17g\", sqrt(\$3)) }' sites.csv >se.csv &&
    '$einthoven' pool --studies se.csv --name site --auroc auc --se error --json se.json"
close 'the same' "$(at se.json pooled z shown value)" .6655826601 1e-9

# --- what cannot be pooled ---
printf 'study,auroc,se\na,1.0,0.01\nb,0.7,0.05\nb,0.8,\nc,,0.1\nd,0.75,0\ne,0.72,0.04\n' >holes.csv
ok 'studies that cannot be pooled' "$einthoven" pool --studies holes.csv --json holes.json
like 'the rest is' "$out" '^Meta-analysis of 2 studies'
like 'AUROC 1' "$out" 'Not used, line 2: a .*AUROC is 0 or 1'
like 'no standard error' "$out" 'Not used, line 4: b .*no variance or standard error'
like 'no AUROC' "$out" 'Not used, line 5: c .*no AUROC'
like 'standard error 0' "$out" 'Not used, line 6: d .*infinite'
is 'all in JSON' "$(grep -c '"reason": ".*\(AUROC\|standard error\)' holes.json)" 4
printf 'study,estimate,se\na,1.0,0.1\n' >single.csv
ok 'a single study' "$einthoven" pool --studies single.csv
like 'has no pooled effect' "$out" '^Pooled, z +- \(few records\)'
printf 'study,estimate,se\na,1.0,0.1\na,1.1,0.1\n' >same.csv
ok 'two studies of one name' "$einthoven" pool --studies same.csv
like 'are warned about' "$err" '1 studies have the name of an earlier one'
printf 'study,auroc,se\na,71,2\n' >percent.csv
exits 'percent' 1 "$einthoven" pool --studies percent.csv
like 'are refused' "$err" 'percent\.csv:2: AUROC 71; it must lie in 0\.\.1 \(is it in percent\?\)'
printf 'study,auroc,se\na,.71,-.02\n' >negative.csv
exits 'a negative standard error' 1 "$einthoven" pool --studies negative.csv
printf 'study,auroc,se\na,.71,wide\n' >words.csv
exits 'a standard error in words' 1 "$einthoven" pool --studies words.csv
like 'with its line' "$err" 'words\.csv:2: "wide" in column "se" is not a number'
exits 'no table' 2 "$einthoven" pool
exits 'no estimate' 2 "$einthoven" pool --studies se.csv
like 'says what is looked for' "$err" 'no column "estimate" or "auroc"'
exits 'another name' 2 "$einthoven" pool --studies sites.csv --auroc aurok
like 'with the nearest' "$err" 'no column "aurok" for --auroc; did you mean "auroc"'
exits 'both kinds' 2 "$einthoven" pool --studies sites.csv --auroc auroc --estimate auroc

# --- ranks ---
mkdir one three
ok 'one rank' bash -c "cd one && '$einthoven' pool --studies ../sites.csv --json x.json >x.txt"
(cd three && mpi 3 "$einthoven" pool --studies ../sites.csv --json x.json >x.txt 2>x.err)
ok 'three ranks: the same JSON' cmp one/x.json three/x.json
ok 'three ranks: the same page, once' cmp one/x.txt three/x.txt


# --- few studies that agree: Knapp-Hartung below the normal interval ---
printf 'study,auroc,se\na,0.80,0.02\nb,0.801,0.02\nc,0.799,0.02\n' >agree.csv
ok 'studies that nearly agree' "$einthoven" pool --studies agree.csv --json agree.json
like 'it is said that the interval is narrow' "$(tr -s '\n ' ' ' <<<"$out")" 'Knapp-Hartung is narrower than the normal interval here'
like 'with the way out' "$(tr -s '\n ' ' ' <<<"$out")" 'pool\.knapp_hartung=truncated'
like 'not truncated' "$(tr -s '\n ' ' ' <<<"$out")" 'not truncated, q = 0\.0025'
ok 'truncated' "$einthoven" pool --studies agree.csv --json cut.json --set pool.knapp_hartung=truncated
like 'is said' "$(tr -s '\n ' ' ' <<<"$out")" 'factor truncated to max\(1, q\), q = 0\.0025'
unlike 'and needs no note' "$out" 'narrower'
like 'in JSON, too' "$(tr -d '\n' <cut.json)" '"knapp_hartung_factor": "max\(1, q\)"'
ok 'it is as wide as t makes the normal one' awk -v z="$(at cut.json pooled z se)" -v k="$(at cut.json pooled knapp_hartung se)" \
    'BEGIN { exit !(z == k) }'
printf 'study,auroc,se\na,0.8,0.02\nb,0.8,0.03\n' >equal.csv
ok 'studies that agree exactly' "$einthoven" pool --studies equal.csv
like 'have no interval of no width' "$out" '^Pooled, Knapp-Hartung +0\.800 \(zero variance\)'

done_testing
