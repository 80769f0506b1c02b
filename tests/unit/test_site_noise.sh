#!/bin/bash
# timeout: 120
# Counts with noise: what is sent, what is spent, and when a release is refused. SYNTHETIC scores.
. "$(dirname "$0")/../lib.sh"
cd "$tmp" || exit 1
today=2026-05-01
for name in c north south; do "$einthoven" keys $name.key >/dev/null; done
cat >plan.yaml <<'YAML'
name: noisy
expires: 2027-01-01
largest_bound: 0.5
models: [{name: A}]
record: i
patient: pid
tasks: [{name: low, label: y, scores: [A], bins: 8, thresholds: [0.5]}]
subgroups: [{column: sex, values: [f, m]}]
noise: {epsilon: 2}
sites: [{name: north, key: north.key.pub}, {name: south, key: south.key.pub}]
YAML
plan() { "$einthoven" plan "$1" --key c.key --out "$2" --overwrite --set plan.today=2026-01-01 "${@:3}"; }
ok 'a plan with noise' plan plan.yaml plan.json --mock north.csv
like 'in words' "$out" 'Counts bear noise, and nothing but counts is sent: epsilon 2 for the whole result, of which each of 2 tables'
sed 's/SYNTHETIC-/SOUTH-/' north.csv | awk -F, 'NR % 3 != 2' >south.csv
# site NAME PLAN FOLDER OPTION...
site() {
    "$einthoven" evaluate --plan "$2" --coordinator c.key.pub --site "$1" --site-key "$1.key" --scores "$1.csv" \
        --out "$3" --set evaluate.replicates=0 --set evaluate.today=$today --overwrite "${@:4}"
}
# release NAME FOLDER OPTION...
release() {
    "$einthoven" release "$2" --key "$1.key" --by 'A. Person' --set release.today=$today \
        --approve "$(sed -n 's/.*--approve //p' "$2/site-private/RELEASE-SHEET.txt")" "${@:3}"
}
# refuse NAME REGEX COMMAND...
refuse() {
    run "${@:3}"
    if [ "$status" -ne 0 ] && grep -Eq -e "$2" <<<"$err"; then pass "$1"; else fail "$1" "exit code $status" "$err"; fi
}
ok 'north runs it' site north plan.json north
like 'the sheet tells of the noise' "$(cat north/site-private/RELEASE-SHEET.txt)" \
    'each of 2 tables gets an equal part, so a count is off by'
ok 'south adds more noise' site south plan.json south --epsilon 0.5
refuse 'less noise than the plan wants' 'less noise than the plan wants' site south plan.json x --epsilon 3
refuse 'a first release without a budget' '--budget EPSILON says how much' release north north
ok 'north releases' release north north --budget 5
ok 'south releases' release south south --budget 0.75
ok 'nothing but counts is sent' python3 -c 'import json
for s, e in ("north", 2), ("south", 0.5):
    b = json.load(open(f"{s}/{s}.result.json"))["body"]; t = b["tasks"][0]; m = t["models"][0]
    assert b["noise"] == {"epsilon": e, "records": 1} and b["not_eligible"] is None, b
    assert t["unusable"] is None and t["patients"] is None and t["pairs"] == [] and len(m["positive"]) > 1
    assert m["auroc"] is None and m["calibration"] is None and m["sums"] is None
    assert t["n_positive"] == sum(m["positive"]) and t["n_negative"] == sum(m["negative"])
    assert all(g["models"][0]["auroc"] is None for c in t["subgroups"] for g in c["groups"])'
ok 'one record of a patient is counted' python3 -c 'import csv
rows = list(csv.DictReader(open("north/site-private/tables.csv")))
assert len(rows) == len({r["patient"] for r in rows}) > 1000'
ok 'noise is drawn anew' bash -c "
    grep -A9 '\"positive\"' north/site-private/candidate.json >first
    '$einthoven' evaluate --plan plan.json --coordinator c.key.pub --site north --site-key north.key --scores north.csv \
        --out again --set evaluate.replicates=0 --set evaluate.today=$today
    ! grep -A9 '\"positive\"' again/site-private/candidate.json | cmp -s first"
pool() { "$einthoven" pool --plan plan.json --coordinator c.key.pub "$@"; }
ok 'pooled' pool north/north.result.json south/south.result.json --json pooled.json
like 'with a bound that holds by chance' "$out" 'counts bear noise: the first bound holds with a probability of at least 0.95'
like 'who sent noise' "$out" 'counts with noise, epsilon 0.5'
# Exact counts of the same people; a patient has one record of those in the cohort here.
ok 'the AUROC of the records lies within it' python3 -c 'import csv, json
h = json.load(open("pooled.json"))["tasks"][0]["models"][0]["histograms"]
sent = {r["record"] for s in ("north", "south") for r in csv.DictReader(open(s + "/site-private/tables.csv"))}
pos, neg = [], []
for s in "north", "south":
    rows = {r["i"]: r for r in csv.DictReader(open(s + ".csv"))}
    for r in rows.values():
        if r["y"]: (pos if r["y"] == "1" else neg).append(float(r["A"]))
auc = sum((p > q) + 0.5 * (p == q) for p in pos for q in neg) / (len(pos) * len(neg))
assert h["noisy"] and abs(auc - h["auroc"]) <= h["bound"] < 0.5, (auc, h)'

# --- the budget -----------------------------------------------------------------------------------------------------
refuse 'an exhausted budget, before anything runs' 'privacy budget of 0.75, 0.5 are spent' site south plan.json x --epsilon 0.3
ok 'what is left may be spent' site south plan.json x --epsilon 0.25
refuse 'a budget that is raised' 'can only be lowered' release south x --budget 2
ok 'as its last' release south x
refuse 'and no more' 'privacy budget of 0.75, 0.75 are spent' site south plan.json x --epsilon 0.001
sed -e '/^noise/d; s/name: noisy/name: exact/' plan.yaml >exact.yaml
plan exact.yaml exact.json >/dev/null
ok 'another plan, with the noise of the site' site north exact.json own --epsilon 2.5
ok 'adds up over plans' release north own
site north plan.json over --epsilon 0.5 >/dev/null
sed -i 's/"budget_thousandths": 5000/"budget_thousandths": 4600/' north.key.ledger/0002-*.json
refuse 'a ledger that has become fuller meanwhile' 'exhausted: 4.5 of 4.6 are spent, and this release would spend 0.5' \
    release north over
ok 'exact counts can be evaluated' site north exact.json exact
like 'the sheet warns' "$(cat exact/site-private/RELEASE-SHEET.txt)" 'NO NOISE: this site keeps a privacy budget \(4.5 of 4.6 spent\)'
refuse 'and are not released by mistake' 'exact counts are outside of any' release north exact

# --- refused when pooled, or made ------------------------------------------------------------------------------------
refuse 'a result without the noise of the plan' 'for another plan|less noise' pool own/north.result.json
sed -e 's/name: noisy/name: two/; s/^noise/rounds: 2\nnoise/' plan.yaml >two.yaml
refuse 'noise and two rounds' 'further rounds need exact counts' plan two.yaml two.json
sed -e 's/epsilon: 2/epsilon: 0.0015/' plan.yaml >fine.yaml
refuse 'an epsilon of half thousandths' 'not of whole thousandths' plan fine.yaml fine.json
done_testing
