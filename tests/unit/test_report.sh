#!/bin/bash
# einthoven report: numbers are those of metrics.json, hostile names stay texts, few people are not counted, all is in one file.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/evaluation.sh"

evaluation "$tmp/in/one" sex ukb 90
ok 'one evaluation' "$einthoven" report "$tmp/in/one" --out "$tmp/one.html"
is 'tells the path' "$out" "$tmp/one.html"
page=$(cat "$tmp/one.html")
for number in 0.81234567890123 0.70000000000017 0.11234567890106 0.0123456789; do
    shown=$(grep -oE "data-v=\"${number}[0-9]*\"" <<<"$page" | head -n 1)
    is "$number is there with all its digits" "$(awk -v a="${shown#data-v=}" -v b="$number" 'BEGIN { gsub(/"/, "", a); print (a != "" && a + 0 == b + 0) }')" 1
done
like 'and rounded for reading' "$page" '0\.812 <span class="ci">\(0\.751 to 0\.862\)'
like 'the sentence that matters' "$page" '<strong>1 of 1</strong> comparisons'
for kind in roc pr decision calibration scores subgroups; do
    is "figure $kind" "$(find "$tmp/one" -name "*$kind.svg" | wc -l)" 1
done
like 'a figure has a title and a description' "$(cat "$tmp"/one/*roc.svg)" 'role="img" aria-labelledby="ein-t0 ein-d0"'
like 'a table as CSV, all digits' "$(cat "$tmp/one/results.csv")" '^sex,ukb,AUROC,200,190,90,0\.81234567890123,'
like 'few of a subgroup are not counted' "$page" 'sex: &lt;i&gt;other&lt;/i&gt; \(&lt;10\)'
like 'what evaluate withholds is withheld' "$page" '>not shown: few people<'
like 'TRIPOD+AI names what is missing' "$page" 'missing</span>: funding'
like 'tells that nothing vouches for the files' "$page" 'Not as evaluate wrote it, or it cannot be told'

# --- one file, and nothing from elsewhere -------------------------------------------------------------------------------
like 'the policy forbids everything' "$page" "content=\"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]+'; script-src 'sha256-[A-Za-z0-9+/=]+'; base-uri 'none'; form-action 'none'\""
unlike 'nothing is loaded' "$page" '( src=|@import|url\()'
unlike 'no style or script in attributes' "$page" '<[^>]* (style|on[a-z]+)='
if command -v openssl >/dev/null; then
    script=$root/jobs/report/script.js
    is 'the script is the one of the policy' "$(openssl dgst -sha256 -binary "$script" | base64)" \
        "$(grep -oE "script-src 'sha256-[^']*" <<<"$page" | sed 's/.*sha256-//')"
fi

# --- names of others -----------------------------------------------------------------------------------------------------
evil='<script>alert(1)</script>\"><img src=x onerror=alert(2)>'
evaluation "$tmp/in/evil" "$evil" "$evil" 90
ok 'hostile names' "$einthoven" report "$tmp/in/evil" --out "$tmp/evil.html"
is 'one script, ours' "$(grep -c '<script' "$tmp/evil.html")" 1
is 'no image' "$(grep -c '<img' "$tmp/evil.html")" 0
like 'they are there as texts' "$(cat "$tmp/evil.html")" '&lt;script&gt;alert\(1\)&lt;/script&gt;&quot;&gt;&lt;img'
is 'files stay in their folder, with names of ours' "$(find "$tmp" -newer "$tmp/in/evil" -name '*script*' | grep -v "^$tmp/evil/[-A-Za-z0-9]*\\.[a-z]*\$")" ''
is 'SVG files too' "$(cat "$tmp"/evil/*.svg | grep -c '<script\|<img')" 0

evaluation "$tmp/in/few" sex ukb 7
ok 'few positives' "$einthoven" report "$tmp/in/few" --out "$tmp/few.html"
like 'are not counted' "$(cat "$tmp/few/results.csv")" '^sex,ukb,AUROC,200,190,<10,'
is 'and have no curves' "$(find "$tmp/few" -name '*roc*' | wc -l)" 0
evaluation "$tmp/in/most" sex ukb 195
ok 'few negatives' "$einthoven" report "$tmp/in/most" --out "$tmp/most.html"
like 'cannot be found by subtraction' "$(cat "$tmp/most/results.csv")" '^sex,ukb,AUROC,200,190,,'

# --- a study -------------------------------------------------------------------------------------------------------------
mkdir "$tmp/study"
sed 's/^title:.*/title: "SYNTHETIC <script>alert(3)<\/script>"/' "$root/tests/data/study_short.yaml" >"$tmp/study/study.yaml"
evaluation "$tmp/study/evaluate/age/clinic" age clinic 90
evaluation "$tmp/study/evaluate/sex/other" sex other 90
cat >"$tmp/study/table.csv" <<CSV
task,cohort,trained_on,part,records,figure,ssl,difference,p,p_holm,note
age,clinic,clinic,test part,200,macro AUROC,0.81,0.11,0.01,0.0321,
sex,other,clinic,all,200,macro AUROC,0.81,0.11,0.01,0.9,
age,other,clinic,all,,,,,,,failed: <b>why</b>
CSV
ok 'a study' "$einthoven" report "$tmp/study" --out "$tmp/s/report.html"
page=$(cat "$tmp/s/report.html")
like 'synthetic data are called so' "$page" 'Synthetic data\.'
like 'p over all rows is that of the table' "$page" 'data-v="0\.0321'
like 'what failed says why' "$page" 'failed: &lt;b&gt;why&lt;/b&gt;'
like 'better in one' "$page" 'better in <strong>1</strong> and worse in <strong>0</strong>'
like 'corpora that are gone are named' "$page" 'corpora/mimic\.h5'
is 'one script' "$(grep -c '<script' "$tmp/s/report.html")" 1
cp "$tmp/s/report.html" "$tmp/first.html"
ok 'again, on two ranks' mpi 2 "$einthoven" report "$tmp/study" --out "$tmp/s/report.html"
is 'the same bytes' "$(diff "$tmp/first.html" "$tmp/s/report.html")" ''

mkdir "$tmp/mine" && echo mine >"$tmp/mine/results.csv"
exits 'a folder of others beside the page' 1 "$einthoven" report "$tmp/study" --out "$tmp/mine.html"
like 'is named' "$err" 'mine holds other files \(results\.csv\)'
is 'and left alone' "$(cat "$tmp/mine/results.csv")" mine
exits 'nor the folder of the study' 1 "$einthoven" report "$tmp/study" --out "$tmp/study.html"
touch "$tmp/s/report/old.svg"
ok 'once more' "$einthoven" report "$tmp/study" --out "$tmp/s/report.html"
is 'no figure is older than the page' "$(find "$tmp/s/report" -name old.svg | wc -l)" 0
mkdir "$tmp/empty"
exits 'another folder' 2 "$einthoven" report "$tmp/empty" --out "$tmp/x.html"
like 'says what it wants' "$err" 'neither the folder of a study'
exits 'another name' 2 "$einthoven" report "$tmp/in/one" --out "$tmp/x.pdf"
echo '{' >"$tmp/in/one/metrics.json"
exits 'damaged metrics' 1 "$einthoven" report "$tmp/in/one" --out "$tmp/x.html"
is 'no page then' "$(find "$tmp" -maxdepth 1 -name 'x.*ml*' | wc -l)" 0
done_testing
