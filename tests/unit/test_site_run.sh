#!/bin/bash
# timeout: 300
# A consortium on one machine: plan, five sites, release, pooling, the second round; and attempts to learn of single
# patients or to send what is not to be sent, each refused by name. SYNTHETIC scores.
. "$(dirname "$0")/../lib.sh"
cd "$tmp" || exit 1
today=2026-05-01
seed_random 1

# cohort SITE SEED PATIENTS: patients with one or two ECGs, whose scores have a resolution of 1/20
cohort() {
    awk -v site="$1" -v seed="$(($2 + 100 * ${EIN_TEST_SEED:-0}))" -v n="$3" 'BEGIN {
        srand(seed); print "i,pid,age,sex,y,A,B,ef"
        for (p = 0; p < n; p++) {
            ill = rand() < 0.35; sex = rand() < 0.5 ? "f" : "m"; age = 20 + int(70 * rand()); k = rand() < 0.5 ? 1 : 2
            for (e = 0; e < k; e++) {
                y = rand() < 0.9 ? ill : !ill; z = rand() + rand()
                a = int(20 * (0.35 * y + z) / 2.36) / 20; b = int(20 * (0.25 * y + 0.7 * z + 0.3 * rand()) / 2) / 20
                printf "%s%d,%s%d,%d,%s,%d,%.2f,%.2f,%.1f\n", site, ++r, site, p, age, sex, y, a, b, 60 - 25 * y + 10 * rand()
            }
        }
    }' >"$1.csv"
}
sites='north south east west mid'
seed=0
for site in $sites; do
    seed=$((seed + 1))
    cohort $site $seed $((300 + 40 * seed))
    "$einthoven" keys $site.key >/dev/null
done
"$einthoven" keys c.key >/dev/null
"$einthoven" keys other.key >/dev/null
cat >plan.yaml <<'YAML'
name: lvef
expires: 2027-01-01
rounds: 2
largest_bound: 0.5
models: [{name: A}, {name: B}]
cohort: {text: adults, require: [{column: age, at_least: 18}]}
record: i
patient: pid
tasks:
  - {name: low, label: y, scores: [A, B], bins: 20, thresholds: [0.5]}
  - {name: ef, kind: quantity, label: ef, scores: [A, B]}
subgroups: [{column: sex, values: [f, m]}, {column: age, cuts: [50, 89]}]
YAML
{
    echo 'sites:'
    for site in $sites; do echo "  - {name: $site, key: $site.key.pub}"; done
} >>plan.yaml
plan() { "$einthoven" plan "$1" --key c.key --out "$2" --overwrite --set plan.today=2026-01-01; }
ok 'a plan for five sites' plan plan.yaml plan.json

# site NAME PLAN TABLE FOLDER: a site's run
site() {
    "$einthoven" evaluate --plan "$2" --coordinator c.key.pub --site "$1" --site-key "$1.key" --scores "$3" --out "$4" \
        --set evaluate.replicates=0 --set evaluate.today=$today --overwrite "${@:5}"
}
# release NAME FOLDER: as the sheet says
release() {
    local hash
    hash=$(sed -n 's/.*--approve //p' "$2/site-private/RELEASE-SHEET.txt")
    "$einthoven" release "$2" --key "$1.key" --by 'A. Person' --approve "${3:-$hash}" --set release.today=$today
}
for site in $sites; do
    ok "$site runs it" site $site plan.json $site.csv $site
    ok "$site approves" release $site $site
done
is 'the private folder is private' "$(stat -c %a north/site-private)" 700
is 'one file to send' "$(find north -maxdepth 1 -type f)" north/north.result.json
sheet=$(cat north/site-private/RELEASE-SHEET.txt)
like 'the sheet tells of bins' "$sheet" 'Model A: counts in [0-9]+ bins \(of 20; the AUROC that follows from them errs by at most 0\.[0-9]+'
like 'the oldest are too few and joined' "$sheet" '50 to <89 or >=89: [0-9]+ positive'
ok 'all figures for the site itself' test -s north/site-private/task-1.json
# ACRO 1.0.2 compares the version, takes the first of each output's files, and reads its tables (acro/record.py).
ok 'for output checkers, in the form of ACRO 1.0.2' python3 -c 'import hashlib, json, os
root = json.load(open("north/site-private/acro/results.json")); r = root["results"]
assert root["version"] == "1.0.2" and root["tool"]["name"] == "einthoven"
assert {o["status"] for o in r.values()} == {"pass"} and len(r) >= 9, {k: o["status"] for k, o in r.items()}
for key, o in r.items():
    assert o["uid"] == key and o["summary"] and len(o["files"]) == 1 and o["fair"]["analysis_name"] and o["outcome"] == {}
    for k in "type properties command exception timestamp comments".split(): assert k in o, (key, k)
    f = o["files"][0]; path = "north/site-private/acro/" + f["name"]; digest = hashlib.sha256(open(path, "rb").read()).hexdigest()
    assert digest == f["checksum"] == open("north/site-private/acro/checksums/" + f["name"] + ".txt").read()
    assert f["sdc"]["summary"]["MinimumThresholdCheck"] == 0 and "cells" in f["sdc"]
kinds = {o["properties"]["method"].split(",")[0] for o in r.values()}
assert kinds >= {"counts of scores", "AUROC with variances", "difference of AUROCs with variances", "sums over a measured quantity"}, kinds'
if python3 -c 'import acro' 2>/dev/null; then
    ok 'as ACRO reads it' python3 -c 'from acro.record import load_records
r = load_records("north/site-private/acro"); assert len(r.results) >= 9
assert all(len(o.output) == 1 and len(o.output[0]) > 0 for o in r.results.values())'
else
    skip 'as ACRO reads it' 'the Python package acro is not there'
fi
unlike 'no record or patient leaves' "$(cat north/north.result.json)" 'north[0-9]'
ok 'pooled' "$einthoven" pool --plan plan.json --coordinator c.key.pub ./*/*.result.json --json pooled.json
like 'who ran what' "$out" '^west +2026-05-01 einthoven .* 11 '
like 'with its bound' "$out" '^AUROC of all records of 5 sites together, from their bins: 0\.[0-9]+, off by at most 0\.[0-9]+'
like 'each site left out' "$out" '  without mid: 0\.'
like 'quantities' "$out" 'records of 5 sites: bias'
like 'sensitivity at the threshold' "$out" '^At 0\.5 \([1-5] sites\): sensitivity'
# All rows together.
{ head -n 1 north.csv; for site in $sites; do tail -n +2 $site.csv; done; } >all.csv
"$einthoven" evaluate --scores all.csv --label y --score A,B --id i --cluster pid --csv all.metrics.csv --set evaluate.replicates=0 >/dev/null
whole=$(awk -F, '$4 == "A" && $5 == "" && $6 == "auroc" { print $7 }' all.metrics.csv)
ok 'the AUROC of all rows lies within the bound' python3 -c 'import json, sys
h = json.load(open("pooled.json"))["tasks"][0]["models"][0]["histograms"]
assert abs(h["auroc"] - float(sys.argv[1])) <= h["bound"] < 0.2, (h, sys.argv[1])' "$whole"

# --- the second round is exact --------------------------------------------------------------------------------------
ok 'a plan for round 2' "$einthoven" plan --from plan.json ./*/*.result.json --key c.key --out plan2.json --set plan.today=2026-02-01
for site in $sites; do
    ok "$site runs round 2" site $site plan2.json $site.csv $site-2
    ok "$site approves round 2" release $site $site-2
done
ok 'pooled exactly' "$einthoven" pool --plan plan2.json --coordinator c.key.pub ./*-2/*.result.json --json exact.json
python3 - <<'PY'
import bisect, csv, json
body = json.load(open('plan2.json'))['body']
edges = body['tasks'][0]['edges']
first = {p['model']: p['first'] for p in body['pooled']}
rows = list(csv.DictReader(open('all.csv')))
with open('quantised.csv', 'w') as f:
    f.write('i,pid,y,A,B\n')
    for r in rows:
        q = [bisect.bisect_right(first[m], bisect.bisect_right(edges, float(r[m]))) for m in 'AB']
        f.write(f"{r['i']},{r['pid']},{r['y']},{q[0]},{q[1]}\n")
PY
for how in delong clustered; do
    "$einthoven" evaluate --scores quantised.csv --label y --score A,B --id i --cluster pid --csv $how.csv \
        --set evaluate.replicates=0 --set evaluate.variance=$how >/dev/null
done
ok 'AUROC, DeLong and clustered variance, paired test: as all rows together, to 1e-12' python3 -c 'import csv, json
t = json.load(open("exact.json"))["tasks"][0]
def row(how, model, metric):
    return [r for r in csv.DictReader(open(how + ".csv")) if r["model"] == model and r["group"] == "" and r["metric"] == metric][0]
def near(a, b): assert abs(a - b) <= 1e-12 * abs(b), (a, b)
for m in t["models"]:
    for how in ("delong", "clustered"):
        r = row(how, m["model"], "auroc")
        near(m["exact"]["auroc"], float(r["value"])); near(m["exact"][how + "_variance"] ** 0.5, float(r["se"]))
for how in ("delong", "clustered"):
    r = row(how, "A - B", "auroc_difference"); e = t["pairs"][0]["exact"]
    near(e["difference"], float(r["value"])); near(e[how + "_variance"] ** 0.5, float(r["se"]))
near(t["pairs"][0]["exact"]["z"], float(row("clustered", "A - B", "auroc_difference")["statistic"]))'

# --- refused before anything runs ------------------------------------------------------------------------------------
# refuse NAME REGEX COMMAND...
refuse() {
    run "${@:3}"
    if [ "$status" -ne 0 ] && grep -Eq -e "$2" <<<"$err"; then pass "$1"; else fail "$1" "exit code $status" "$err"; fi
}
cp -p north.key elsewhere.key # a ledger of its own, without round 1
late() { today=2027-01-02 site "$@"; }
refuse 'an expired plan' 'expired on 2027-01-01' late north plan.json north.csv x
refuse 'another coordinator' 'not this coordinator' "$einthoven" evaluate --plan plan.json --coordinator other.key.pub \
    --site north --site-key north.key --scores north.csv --out x
refuse 'a site that is not in it' 'no site "nowhere"' "$einthoven" evaluate --plan plan.json --coordinator c.key.pub \
    --site nowhere --site-key north.key --scores north.csv --out x
refuse 'the key of another site' 'another key of site north' "$einthoven" evaluate --plan plan.json \
    --coordinator c.key.pub --site north --site-key south.key --scores north.csv --out x
refuse 'round 2 without round 1' 'has not released' "$einthoven" evaluate --plan plan2.json --coordinator c.key.pub \
    --site north --site-key elsewhere.key --scores north.csv --out x
ok 'nothing of these was made' test ! -e x/site-private/candidate.json

# --- refused when pooled ---------------------------------------------------------------------------------------------
pool() { "$einthoven" pool --plan plan.json --coordinator c.key.pub "$@"; }
sed 's/"n_positive": \([0-9]\)/"n_positive": 1\1/' north/north.result.json >altered.json
refuse 'an altered result' 'altered.json.*altered after it was signed' pool altered.json south/south.result.json
cp north/north.result.json again.json
refuse 'a result sent twice' 'site north has sent a result already' pool north/north.result.json again.json
refuse 'a result of round 2 for round 1' 'for another plan' pool north-2/north.result.json
refuse 'a result of round 1 for round 2' 'of round 1, sent again for round 2' "$einthoven" pool --plan plan2.json \
    --coordinator c.key.pub north/north.result.json
sed -e 's/name: lvef/name: other/' plan.yaml >other.yaml
plan other.yaml other.json >/dev/null
refuse 'a result for another plan' 'for another plan' "$einthoven" pool --plan other.json --coordinator c.key.pub \
    north/north.result.json

# --- attempts on single patients -------------------------------------------------------------------------------------
# tried NAME REGEX PLAN TABLE: north runs it again; nothing may be told of task low
tried() {
    rm -rf x
    site north "$3" "$4" x >x.out 2>&1
    if grep -Eq -e "$2" x/site-private/RELEASE-SHEET.txt; then pass "$1"; else
        fail "$1" "$(cat x.out x/site-private/RELEASE-SHEET.txt)"
    fi
}
beside='beside an earlier release'
sed 2d north.csv >fewer.csv
tried 'n against n - 1' "NOTHING of it is sent: $beside" other.json fewer.csv
awk -F, -v OFS=, 'NR == 2 { $5 = 1 - $5 } 1' north.csv >flipped.csv
tried 'one label changed' "NOTHING of it is sent: $beside" other.json flipped.csv
awk -F, -v OFS=, 'NR == 1 || $4 == "f" || NR < 8' north.csv >women.csv
tried 'a subgroup and six more' "NOTHING of it is sent: $beside" other.json women.csv
sed -e 's/bins: 20/bins: [0.26, 0.31, 0.36, 0.51, 0.56]/; s/name: lvef/name: shifted/' plan.yaml >shifted.yaml
plan shifted.yaml shifted.json >/dev/null
rm -rf x
site north shifted.json north.csv x >/dev/null 2>&1
cat >differences.py <<'PY'
# Every union of cells of two releases, per class: no difference below 11 but 0.
import json, sys
from itertools import product
def cumulative(path, plan):
    r = json.load(open(path)); r = r.get('body', r)
    edges = json.load(open(plan))['body']['tasks'][0]['edges']
    out = []
    for m in r['tasks'][0]['models']:
        for y in ('positive', 'negative'):
            total = 0
            for f, n in zip(m['first'], m[y]):
                out.append((m['name'], y, -1 if f == 0 else edges[f - 1], total)); total += n
    return out
a = cumulative(sys.argv[1], sys.argv[2]); b = cumulative(sys.argv[3], sys.argv[4])
for (m, y, e, n), (m2, y2, e2, n2) in product(a, b):
    if (m, y) == (m2, y2) and n and n2 and 0 < abs(n - n2) < 11: sys.exit(f'{m} {y} {e} {e2}: {n} and {n2}')
PY
ok 'bins shifted by a hundredth: nothing below the minimum' python3 differences.py north/north.result.json plan.json \
    x/site-private/candidate.json shifted.json
head -n 12 north.csv >tiny.csv
tried 'a small site' 'NOTHING of it is sent: a cell is of fewer than 11' other.json tiny.csv
awk -F, -v OFS=, 'NR > 1 { $2 = "north" NR % 9 } 1' north.csv >nine.csv
ok 'withheld: a file with the reason' python3 -c 'import json
r = json.load(open("x/site-private/acro/results.json"))["results"]; o = r["output_0"]
assert o["status"] == "fail" and o["files"][0]["name"] == "output_0.txt" and o["files"][0]["sdc"]["summary"]["suppressed"] is True
assert "not sent: a cell is of fewer than 11" in open("x/site-private/acro/output_0.txt").read()'
tried 'many ECGs of nine patients' 'NOTHING of it is sent: a cell is of fewer than 11' other.json nine.csv
awk -F, -v OFS=, 'NR > 1 { $8 = NR == 2 ? 1e9 : 0 } 1' north.csv >onehot.csv
tried 'a mean over a one-hot weight' 'NOT sent: too few patients, a few dominate' other.json onehot.csv
# A score that singles out one patient: the exact AUROC would tell that patient's label.
for crafted in 'NR == 2 ? 1 : 0' 'NR == 2 ? 0.55 : NR % 2'; do
    awk -F, -v OFS=, "NR > 1 { \$6 = $crafted } 1" north.csv >crafted.csv
    rm -rf x
    site north other.json crafted.csv x >/dev/null 2>&1
    ok "AUROC of a score like $crafted" python3 -c 'import json
m = json.load(open("x/site-private/candidate.json"))["tasks"][0]
assert m["models"][0]["auroc"] is None and m["models"][0]["calibration"] is None, m["models"][0]
assert m["models"][1]["auroc"] is not None'
done
# Two scores that differ for one patient: two AUROCs, or two sums, would tell by their difference.
awk -F, -v OFS=, 'NR > 1 { $7 = NR == 2 ? 1 - $6 : $6 } 1' north.csv >twin.csv
rm -rf x
site north other.json twin.csv x >/dev/null 2>&1
ok 'two models that differ for one patient' python3 -c 'import json
t = json.load(open("x/site-private/candidate.json"))["tasks"]
a, b = t[0]["models"]
assert a["auroc"] and b["auroc"] is None and b["calibration"] is None, b
assert t[0]["pairs"][0]["difference"] is None
assert all(g["models"][1]["auroc"] is None for s in t[0]["subgroups"] for g in s["groups"])
assert t[1]["models"][1]["quantity"] is None'
awk -F, -v OFS=, 'NR == 2 { $6 = 1 - $6 } 1' north.csv >moved.csv
rm -rf x
site north other.json moved.csv x >/dev/null 2>&1
ok 'a score that differs for one patient from that of an earlier release' python3 -c 'import json
t = json.load(open("x/site-private/candidate.json"))["tasks"]
assert t[0]["models"][0]["auroc"] is None and t[0]["models"][1]["auroc"] is not None
assert t[1]["models"][0]["quantity"] is None and t[1]["models"][1]["quantity"] is not None'
rm -rf y
site north other.json north.csv y --set evaluate.minimum_cell=25 >/dev/null 2>&1
ok 'a site may raise the minimum' python3 -c 'import json
r = json.load(open("y/site-private/candidate.json"))
assert r["minimum_cell"] == 25 and all(n >= 25 for m in r["tasks"][0]["models"] for n in m["positive"] + m["negative"])'

# --- a rehearsal -----------------------------------------------------------------------------------------------------
ok 'a plan with a table to rehearse on' "$einthoven" plan plan.yaml --key c.key --out rehearsal.json --mock mock.csv \
    --set plan.today=2026-01-01
like 'nobody in it exists' "$(sed -n 2p mock.csv)" '^SYNTHETIC-R000001,SYNTHETIC-P'
ok 'a rehearsal' site mid rehearsal.json mock.csv rehearsed
like 'gives a sheet' "$(cat rehearsed/site-private/RELEASE-SHEET.txt)" 'Model A: counts in [0-9]+ bins'

ok 'as a batch job' env EIN_PROGRAM="$einthoven" bash "$root/slurm/consortium.sbatch" rehearsal.json c.key.pub west west.key \
    batch --scores mock.csv --set evaluate.replicates=0 --set evaluate.today=$today
like 'nothing is sent by it' "$out" '^Nothing was sent\. Read batch/site-private/RELEASE-SHEET\.txt'

# --- approval is of these bytes --------------------------------------------------------------------------------------
refuse 'a hash of something else' 'not what is there' release north y 0000000000000000
sed -i 's/"n_positive": /"n_positive":  /' y/site-private/candidate.json
refuse 'bytes altered after the sheet' 'not what is there' release north y
ok 'the sheet alone releases nothing' "$einthoven" release x
like 'and says so' "$out" 'Nothing was released'

# --- offline, alone, as an ordinary user -----------------------------------------------------------------------------
if unshare -n true 2>/dev/null && id nobody >/dev/null 2>&1 && command -v setpriv >/dev/null; then
    mkdir away && cp "$einthoven" plan.json c.key.pub north.csv north.key away && chmod -R a+rX . && chown -R nobody away && chmod 600 away/north.key
    run unshare -n setpriv --reuid=nobody --clear-groups env HOME="$tmp/away" away/einthoven evaluate --plan away/plan.json \
        --coordinator away/c.key.pub --site north --site-key away/north.key --scores away/north.csv --out away/out \
        --set evaluate.replicates=0 --set evaluate.today=$today
    is 'in an empty network namespace, as nobody, without a launcher' "$status" 0
    [ "$status" = 0 ] || printf '%s\n' "$err" | tail -n 12 | sed 's|^|# |'
else
    skip 'in an empty network namespace' 'unshare needs rights here'
fi
done_testing
