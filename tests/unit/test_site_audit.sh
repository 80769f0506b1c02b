#!/bin/bash
# audit: chance where members are like others, more where a model remembers, shadow models see more than one threshold;
# rates against a count by hand. SYNTHETIC scores.
. "$(dirname "$0")/../lib.sh"
cd "$tmp" || exit 1

# scores.csv: 2,000 members and 2,000 others in pairs; "good" does not know who is a member, "bad" is surer of members.
# Shadow models s1..s8 hold about half of the records each; a record's own difficulty hides what one threshold looks at.
python3 - <<'PY'
import math, random
random.seed(3)
def logistic(x): return 1 / (1 + math.exp(-x))
with open('scores.csv', 'w') as f:
    f.write('id,pid,train,y,good,bad,' + ','.join(f's{k},m{k}' for k in range(8)) + '\n')
    for i in range(4000):
        y = random.random() < 0.3; sign = 1 if y else -1; hard = random.gauss(1, 2); member = i % 2
        def score(seen): return logistic(sign * (hard + 0.9 * seen + random.gauss(0, 0.5)))
        row = [i, i // 4, member, int(y), score(0), score(member)]
        for k in range(8):
            m = int(random.random() < 0.5); row += [score(m), m]
        f.write(','.join(f'{x:.8f}' if isinstance(x, float) else str(x) for x in row) + '\n')
PY
audit() { "$einthoven" audit --scores scores.csv --member train --label y --cluster pid "$@"; }
ok 'a model that remembers nothing' audit --score good --json good.json
ok 'one that does' audit --score bad --json bad.json \
    --shadow s0,s1,s2,s3,s4,s5,s6,s7 --shadow-member m0,m1,m2,m3,m4,m5,m6,m7
like 'in words' "$out" 'attack AUROC \(0\.5 is chance\) +0\.[0-9]+ \('
ok 'attacks' python3 -c 'import csv, json, math
good, bad = json.load(open("good.json")), json.load(open("bad.json"))
assert good["loss"]["auroc"]["lower"] < 0.5 < good["loss"]["auroc"]["upper"], good["loss"]
assert 0.55 < bad["loss"]["auroc"]["lower"] and bad["loss"]["auroc"]["value"] < 0.7, bad["loss"]
assert bad["shadow"]["auroc"]["lower"] > 0.8, bad["shadow"]
assert bad["shadow"]["rates"][1]["value"] > 3 * bad["loss"]["rates"][1]["value"]
assert good["gap"]["log_probability"]["lower"] < 0 < good["gap"]["log_probability"]["upper"]
assert bad["gap"]["log_probability"]["lower"] > 0
rows = list(csv.DictReader(open("scores.csv")))
loss = [(math.log(float(r["bad"]) if r["y"] == "1" else 1 - float(r["bad"])), r["train"] == "1") for r in rows]
others = sorted((x for x, m in loss if not m), reverse=True)
for rate in bad["loss"]["rates"]:
    threshold = others[int(rate["false_positive_rate"] * len(others)) - 1]
    hits = sum(m and x >= threshold for x, m in loss)
    assert abs(rate["true_positive"] - hits) <= 1, (rate, hits)
    assert rate["false_positive"] <= rate["false_positive_rate"] * len(others)
ins = sorted(x for x, m in loss if m); n = 0
import bisect
o = sorted(others)
auc = sum(bisect.bisect_left(o, x) + bisect.bisect_right(o, x) for x in ins) / 2 / len(ins) / len(o)
assert abs(auc - bad["loss"]["auroc"]["value"]) < 1e-9'
head -n 200 scores.csv >few.csv
ok 'few records' "$einthoven" audit --scores few.csv --member train --label y --score bad
like 'rates that cannot be told' "$out" 'not estimable: needs 1000 non-members, there are [0-9]+'
exits 'scores that are no probabilities' 1 "$einthoven" audit --scores scores.csv --member train --label y --score pid
like 'are refused' "$err" 'no probability'
exits 'shadows without membership' 2 audit --score bad --shadow s0
done_testing
