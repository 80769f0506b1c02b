#!/bin/bash
# timeout: 300
# Where too little is left, pool says "not estimable" and why, in words and in JSON: one bin in common, models alike, a
# perfect model, one site. SYNTHETIC scores.
. "$(dirname "$0")/../lib.sh"
cd "$tmp" || exit 1
today=2026-05-01
seed_random 1

# cohort SITE SEED PATIENTS PER_CENT_ILL: A a fair model, B the same scores, C a perfect one
cohort() {
    awk -v site="$1" -v seed="$(($2 + 100 * ${EIN_TEST_SEED:-0}))" -v n="$3" -v share="$4" 'BEGIN {
        srand(seed); print "i,pid,sex,y,A,B,C"
        for (p = 0; p < n; p++) {
            y = p % 100 < share; a = int(20 * (0.3 * y + 0.7 * rand())) / 20
            printf "%s%d,%s%d,%s,%d,%.2f,%.2f,%.2f\n", site, p, site, p, p % 2 ? "f" : "m", y, a, a, y ? 0.9 : 0.1
        }
    }' >"$1.csv"
}
cohort north 1 400 40
cohort south 2 500 40
cohort tiny 3 42 30
sites='north south tiny'
for name in c $sites; do "$einthoven" keys $name.key >/dev/null; done
cat >plan.yaml <<'YAML'
name: few
expires: 2027-01-01
rounds: 2
largest_bound: 0.5
models: [{name: A}, {name: B}, {name: C}]
record: i
patient: pid
tasks: [{name: low, label: y, scores: [A, B, C], bins: 20, thresholds: [0.5]}]
subgroups: [{column: sex, values: [f, m]}]
YAML
{
    echo 'sites:'
    for site in $sites; do echo "  - {name: $site, key: $site.key.pub}"; done
} >>plan.yaml
"$einthoven" plan plan.yaml --key c.key --out plan.json --set plan.today=2026-01-01 >/dev/null
# site NAME PLAN FOLDER: run and released
site() {
    "$einthoven" evaluate --plan "$2" --coordinator c.key.pub --site "$1" --site-key "$1.key" --scores "$1.csv" --out "$3" \
        --set evaluate.replicates=0 --set evaluate.today=$today >/dev/null &&
        "$einthoven" release "$3" --key "$1.key" --by 'A. Person' --set release.today=$today \
            --approve "$(sed -n 's/.*--approve //p' "$3/site-private/RELEASE-SHEET.txt")" >/dev/null
}
for site in $sites; do ok "$site" site $site plan.json $site; done
pool() { "$einthoven" pool --plan "$1" --coordinator c.key.pub --overwrite --json pooled.json "${@:2}"; }
# json NAME EXPRESSION: true of the pooled task t and its models m
json() {
    ok "$1" python3 -c 'import json, sys
t = json.load(open("pooled.json"))["tasks"][0]; m = t["models"]
assert eval("(" + sys.argv[1] + ")"), json.dumps(t, indent=1)' "$2"
}

# --- one bin in common -----------------------------------------------------------------------------------------------
ok 'pooled' pool plan.json ./*/*.result.json
text=$out
like 'one bin is told' "$text" '^  in the 1 bin that all have: not estimable: all scores fall into one bin'
like 'without the small site there are bins' "$text" '^  without tiny: 0\.[0-9]+, off by at most 0\.[0-9]+; ([2-9]|1[0-9]) bins in common'
unlike 'and never a number for it' "$text" '0\.5000 \(0\.5000'
like 'a threshold where some have no edge' "$text" '^At 0\.5 \([12] sites\): sensitivity'
json 'null with the reason' 'm[0]["histograms"]["binned_auroc"] is None and m[0]["histograms"]["binned_auroc_state"] == "one_bin"
    and m[0]["histograms"]["binned_auroc_reason"].startswith("not estimable") and m[0]["histograms"]["binned_variance"] is None
    and m[0]["histograms"]["auroc"] > 0.6'
json 'bins in common without each site' '{w["site"]: w["common_bins"] > 1 for w in m[0]["histograms"]["without"]} == {"north": False, "south": False, "tiny": True}'
like 'the perfect model has no variance' "$text" '^  without north: its estimate has no variance'
like 'nor a meta-analysis' "$text" 'not estimable: fewer than two sites, no meta-analysis'
json 'each site left out by name' 'm[2]["random_effects"]["value"] is None and m[2]["random_effects"]["sites"] == 0
    and [x["site"] for x in m[2]["random_effects"]["not_used"]] == ["north", "south", "tiny"] and "meta_analysis" not in m[2]'
json 'models that are alike' '[p["random_effects"]["value"] for p in t["pairs"]][0] is None and
    len(t["pairs"][0]["random_effects"]["not_used"]) == 3'
json 'no NaN in the file, null instead' '"NaN" not in open("pooled.json").read()'
unlike 'none in words either' "$text" '(^|[^a-z])-?nan'

run "$einthoven" plan --from plan.json ./*/*.result.json --key c.key --out plan2.json --set plan.today=2026-02-01
is 'round 2 of one bin is refused' "$status" 2
like 'with the reason' "$err" 'task low, model A: not in round 2, as the bins of the 3 sites that sent any have no edge in common'
like 'and with what would help' "$err" '  Without tiny they would have [0-9]+ bins in common: leave its result out'
ok 'nothing was written' test ! -e plan2.json

# --- one site --------------------------------------------------------------------------------------------------------
ok 'one site alone' pool plan.json north/north.result.json
like 'no error of calibration in one bin' "$out" 'Brier score 0\.[0-9]+, ECE in 1 bin not estimable: all scores'
like 'has no meta-analysis' "$out" 'not estimable: fewer than two sites, no meta-analysis'
json 'null with the reason' 'm[0]["random_effects"]["value"] is None and m[0]["random_effects"]["value_reason"] == "fewer than two sites"
    and m[0]["histograms"]["without"] == [] and m[2]["calibration"]["ece"] is None and m[2]["calibration"]["ece_state"] == "one_bin"'

# --- round 2 of the two that have bins in common ---------------------------------------------------------------------
ok 'round 2 without the small site' "$einthoven" plan --from plan.json north/north.result.json south/south.result.json \
    --key c.key --out plan2.json --set plan.today=2026-02-01
for site in north south; do ok "$site, round 2" site $site plan2.json $site-2; done
ok 'pooled exactly' pool plan2.json north-2/north.result.json south-2/south.result.json
like 'exactly' "$out" '^Exact in the plan.s [0-9]+ joined bins, over 2 sites: AUROC 0\.[0-9]{6} \(0\.[0-9]+ to 0\.[0-9]+, clustered by patient\)'
like 'models that are alike send no sums' "$out" '^Exact difference: not estimable: no site sent sums'
like 'a perfect model has one bin' "$out" '^Exact AUROC: not estimable: the plan has no pooled counts of it: in round 1 the sites had fewer than two'
like 'nor a difference' "$out" '^Exact difference: not estimable: C: the plan has no pooled counts'
json 'null with the reason' 't["pairs"][0]["exact"]["difference"] is None and t["pairs"][0]["exact"]["difference_reason"] == "no site sent sums"
    and m[2]["exact"]["auroc"] is None and m[2]["exact"]["auroc_reason"].startswith("the plan has no pooled counts")
    and 0.6 < m[0]["exact"]["auroc"] < 1 and m[0]["exact"]["bins"] > 1'
ok 'a site is missing' pool plan2.json north-2/north.result.json
like 'and nothing exact is said' "$out" '^Exact AUROC: not estimable: the plan.s counts are of [0-9]+ positives .*: a site is missing'
json 'in JSON too' 'm[0]["exact"]["auroc"] is None and m[0]["exact"]["auroc_reason"].endswith("a site is missing")'
done_testing
