#!/bin/bash
# From WFDB files to a table of scores: `einthoven score` and its peers, in turn.
#
#   score_speed.sh EINTHOVEN MODEL RECORDS N WORK [ROUNDS]      N WFDB records below RECORDS, the first by path; 3 rounds
#
# Each round runs score (defaults: all tables, as many threads as processors), then PyTorch and ONNX Runtime
# (score_speed.py) with each number of threads in $THREADS (1 and the number of processors). Prints for each the records a
# second and the processor time a record, then their medians, what score says of its phases, and the largest difference of
# a logit from a peer's, which shows that they did the same work. The time of score is the whole process, start to end;
# that of the peers leaves out their start. The files are read once before, so that nobody pays for the disk. $PYTHON is
# the interpreter. Records a second want a quiet machine; processor times bear company.
set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
einthoven=$1 model=$2 records=$3 n=$4 work=$5 rounds=${6:-3}
python=${PYTHON:-python3}
mkdir -p "$work"
find -L "$records" -name '*.hea' | LC_ALL=C sort >"$work/all"
head -n "$n" "$work/all" >"$work/list"
while read -r header; do cat "$header" "${header%.hea}.dat"; done <"$work/list" >/dev/null
rm -f "$work/runs.jsonl"
TIMEFORMAT='%R %U %S'
for ((round = 1; round <= rounds; round++)); do
    rm -rf "$work/scored"
    { time "$einthoven" score --list "$work/list" --model "$model" --out "$work/scored" --set run.log_seconds=1e4 \
        >"$work/score.out" 2>"$work/score.err"; } 2>"$work/score.time" || { cat "$work/score.err"; exit 1; }
    awk -v n="$n" '{ printf "{\"engine\": \"score\", \"threads\": 0, \"records\": %d, \"records_per_s\": %.2f, \"cpu_ms_per_record\": %.3f}\n",
        n, n / $1, ($2 + $3) / n * 1000 }' "$work/score.time" | tee -a "$work/runs.jsonl"
    grep -E '^phases|^models busy' "$work/score.out"
    for engine in torch onnx; do
        for threads in ${THREADS:-1 $(nproc)}; do
            "$python" "$here/score_speed.py" $engine "$threads" "$model" "$work/list" "$work/$engine.csv" 2>"$work/$engine.err" |
                tee -a "$work/runs.jsonl" || { tail -n 5 "$work/$engine.err"; exit 1; }
        done
    done
done
"$python" - "$work" <<'PY'
import csv
import json
import statistics
import sys

work = sys.argv[1]
runs = {}
for line in open(f"{work}/runs.jsonl"):
    run = json.loads(line)
    runs.setdefault((run["engine"], run["threads"]), []).append(run)
rate = {way: statistics.median(run["records_per_s"] for run in of) for way, of in runs.items()}
cost = {way: statistics.median(run["cpu_ms_per_record"] for run in of) for way, of in runs.items()}
rows = {row["source"]: row for row in csv.DictReader(open(f"{work}/scored/scores.csv", newline=""))}
names = [name for name in next(iter(rows.values())) if name.startswith(("logit:", "value:"))]
for engine in ("torch", "onnx"):
    worst, compared, missing = 0.0, 0, 0
    for header, *theirs in csv.reader(open(f"{work}/{engine}.csv", newline="")):
        for name, value in zip(names, theirs, strict=True):
            if name.startswith("logit:"):  # the model's output of a regression is not in the task's unit
                missing += rows[header][name] == ""
                worst, compared = max(worst, abs(float(rows[header][name] or "0") - float(value))), compared + 1
    print(f"{engine}: {compared} logits compared, {missing} of them missing in ours, largest difference {worst:.2g}")
for (engine, threads), value in rate.items():
    print(f"{engine:6s} {threads or 'default'} threads: {value:8.1f} records a second, {cost[engine, threads]:8.2f} ms of processor time each")
ours = ("score", 0)
print(f"{len(rows)} records; score by the better peer: {rate[ours] / max(v for k, v in rate.items() if k != ours):.2f} in records a "
      f"second, {min(v for k, v in cost.items() if k != ours) / cost[ours]:.2f} in processor time")
PY
