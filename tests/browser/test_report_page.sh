#!/bin/bash
# timeout: 300
# The page of einthoven report in headless Chromium: 60 evaluations of 1,700 records, with names that want to be scripts.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/evaluation.sh"

for program in chromium chromedriver python3; do
    command -v "$program" >/dev/null || skip_all "$program is not there (Debian: apt-get install chromium chromium-driver python3)"
done

study=$tmp/study
mkdir "$study"
{
    echo 'study: page'
    echo 'title: "SYNTHETIC <script>window.hacked=1</script>"'
    echo 'preset: tiny'
    echo 'cohorts:'
    for c in 1 2 3 4 5; do echo "  c$c: {records: 10, synth: {synth.seed: $c}, title: \"<img src=x onerror=window.hacked=1>\"}"; done
    echo 'pretrain: {cohort: c1}'
    echo 'finetune: {seeds: 1, arms: {ssl: {from: pretrained}, de-novo: {from: scratch}}, tasks: {c1: [x/t1, x/t2, x/t3, x/t4, x/t5, x/t6, x/t7, x/t8, x/t9, x/t10, x/t11, x/t12]}}'
    echo 'evaluate:'
    echo '  cohorts:'
    for c in 1 2 3 4 5; do echo "    c$c: [x/t1, x/t2, x/t3, x/t4, x/t5, x/t6, x/t7, x/t8, x/t9, x/t10, x/t11, x/t12]"; done
} >"$study/study.yaml"
for c in 1 2 3 4 5; do
    for t in 1 2 3 4 5 6 7 8 9 10 11 12; do
        evaluation "$study/evaluate/t$t/c$c" "t$t" "c$c" $((200 + 10 * t + c)) 1700
        # Every evaluation has figures of its own.
        sed -i "s/0\\.81234567890123/0.8$t${c}4567890123/; s/0\\.11234567890106/0.1$c${t}4567890106/" "$study/evaluate/t$t/c$c/metrics.json"
    done
done
evil='<script>window.hacked=1</script>'
sed -i "s#\"Methods\"#\"$evil\"#; s#<b>Methods</b>#$evil#; s#<i>other</i>#$evil#" "$study"/evaluate/*/*/metrics.json

ok 'the page is made' "$einthoven" report "$study" --out "$tmp/page.html"
size=$(wc -c <"$tmp/page.html")
is "below 10 MB ($size)" "$((size < 10000000))" 1
run python3 "$root/tests/browser/report.py" "$tmp/page.html" "$study"/evaluate/*/*/metrics.json
while read -r line; do
    case $line in
    'ok '*) pass "${line#* - }" ;;
    'not ok '*) fail "${line#* - }" ;;
    *) echo "# $line" ;;
    esac
done <<<"$out"
is 'the browser came to its end' "$(tail -n 1 <<<"$out" | grep -c '^1\.\.')" 1
[ -z "$err" ] || sed 's/^/# /' <<<"$err"
done_testing
