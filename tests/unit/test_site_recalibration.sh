#!/bin/bash
# timeout: 120
# Recalibration over sites, a Newton step a round: as all rows together. SYNTHETIC scores.
. "$(dirname "$0")/../lib.sh"
cd "$tmp" || exit 1
today=2026-05-01
for name in c north south; do "$einthoven" keys $name.key >/dev/null; done
cat >plan.yaml <<'YAML'
name: calibration
expires: 2027-01-01
largest_bound: 0.5
models: [{name: A}, {name: B}]
record: i
patient: pid
tasks: [{name: low, label: y, scores: [A, B], bins: 10, thresholds: [0.5]}]
sites: [{name: north, key: north.key.pub}, {name: south, key: south.key.pub}]
YAML
# Miscalibrated: the outcome follows a flatter and shifted logit.
seed_random 1
awk -v seed="$((7 + 100 * ${EIN_TEST_SEED:-0}))" 'BEGIN {
    srand(seed); print "i,pid,y,A,B" >"north.csv"; print "i,pid,y,A,B" >"south.csv"
    for (i = 0; i < 1400; i++) {
        x = 4 * (rand() + rand() + rand() - 1.5); z = x + 2 * (rand() - 0.5)
        y = rand() < 1 / (1 + exp(0.7 - 0.6 * x)) ? 1 : 0
        printf "r%d,p%d,%d,%.6f,%.6f\n", i, i / 2, y, 1 / (1 + exp(-x)), 1 / (1 + exp(-z - 0.3)) >(i < 800 ? "north.csv" : "south.csv")
    }
}'
{ cat north.csv; tail -n +2 south.csv; } >all.csv
# round PLAN: both sites run and release it into PLAN-SITE
round() {
    local site
    for site in north south; do
        "$einthoven" evaluate --plan "$1.json" --coordinator c.key.pub --site $site --site-key $site.key --scores $site.csv \
            --out "$1-$site" --set evaluate.replicates=0 --set evaluate.today=$today >"$1-$site.out" || return 1
        "$einthoven" release "$1-$site" --key $site.key --by 'A. Person' --set release.today=$today \
            --approve "$(sed -n 's/.*--approve //p' "$1-$site/site-private/RELEASE-SHEET.txt")" || return 1
    done
}
next() { # next FROM TO OPTION...
    "$einthoven" plan --from "$1.json" "$1"-*/*.result.json --key c.key --out "$2.json" --set plan.today=2026-01-01 "${@:3}"
}
pool() { "$einthoven" pool --plan "$1.json" --coordinator c.key.pub "$1"-*/*.result.json --json "$1.pooled.json"; }
"$einthoven" plan plan.yaml --key c.key --out r1.json --set plan.today=2026-01-01 >/dev/null
ok 'round 1' round r1
ok 'a round of recalibration' next r1 r2 --recalibrate
like 'in words' "$out" 'Recalibration of A, task low: five sums at intercept'
rounds=2
while [ $rounds -lt 9 ]; do
    round r$rounds >round.out 2>&1 || { fail "round $rounds" "$(cat round.out)"; break; }
    pool r$rounds >pool.out 2>&1 || { fail "pooling round $rounds" "$(cat pool.out)"; break; }
    grep -q 'NOT converged' pool.out || break
    next r$rounds r$((rounds + 1)) >/dev/null
    rounds=$((rounds + 1))
done
ok "converges in few rounds ($rounds)" test $rounds -le 5
like 'and says so' "$(cat pool.out)" '^  converged \(largest step'
run next r$rounds x
like 'then nothing is left' "$err" 'nothing is left to recalibrate'
ok 'intercept and slope are those of all rows together, to 1e-10' python3 - $rounds <<'PY'
import csv, json, math, sys
# Newton's method over all rows, in the arithmetic of this file.
rows = list(csv.DictReader(open('all.csv')))
for m in 'AB':
    x = [math.log(float(r[m]) / (1 - float(r[m]))) for r in rows]; y = [int(r['y']) for r in rows]
    a, b = 0.0, 1.0
    for _ in range(30):
        p = [1 / (1 + math.exp(-a - b * v)) for v in x]; w = [q * (1 - q) for q in p]
        g0 = math.fsum(k - q for k, q in zip(y, p)); g1 = math.fsum((k - q) * v for k, q, v in zip(y, p, x))
        h0 = math.fsum(w); h1 = math.fsum(k * v for k, v in zip(w, x)); h2 = math.fsum(k * v * v for k, v in zip(w, x))
        d = h0 * h2 - h1 * h1
        a += (h2 * g0 - h1 * g1) / d; b += (h0 * g1 - h1 * g0) / d
    done = None
    for k in range(2, int(sys.argv[1]) + 1):
        for one in json.load(open(f'r{k}.pooled.json'))['tasks'][0]['models']:
            if one['model'] == m and one.get('recalibration', {}).get('converged'): done = one['recalibration']
    assert abs(done['intercept'] - a) <= 1e-10 and abs(done['slope'] - b) <= 1e-10, (m, done, a, b)
    assert abs(done['slope_se'] / math.sqrt(h0 / d) - 1) < 1e-6 and done['sites'] == 2
PY
# --- what a coordinator may try -----------------------------------------------------------------------------------
run "$einthoven" evaluate --plan r2.json --coordinator c.key.pub --site north --site-key south.key --scores north.csv --out x
like 'the key of another site' "$err" 'another key of site north'
awk -F, -v OFS=, 'NR > 1 { $4 = NR == 2 ? 0.999999 : 0.5 + (NR % 7) / 100 } 1' north.csv >crafted.csv
run "$einthoven" evaluate --plan r2.json --coordinator c.key.pub --site north --site-key north.key --scores crafted.csv \
    --out crafted --set evaluate.replicates=0 --set evaluate.today=$today
like 'scores other than in round 1 that single out one patient' "$(cat crafted/site-private/RELEASE-SHEET.txt)" 'Model A: NOT sent'
awk -F, -v OFS=, 'NR == 3 { $3 = 1 - $3 } 1' north.csv >flipped.csv
run "$einthoven" evaluate --plan r2.json --coordinator c.key.pub --site north --site-key north.key --scores flipped.csv \
    --out flipped --set evaluate.replicates=0 --set evaluate.today=$today
like 'a label changed since round 1' "$(cat flipped/site-private/RELEASE-SHEET.txt)" 'NOTHING of it is sent: beside an earlier release'
done_testing
