# shellcheck shell=bash
# Results of evaluate made by hand, for tests of what reads them.

# evaluation FOLDER TASK COHORT POSITIVE [RECORDS]: what evaluate writes, of 200 or so many records and two arms.
evaluation() {
    mkdir -p "$1"
    local task=$2 cohort=$3 positive=$4 n=${5:-200}
    cat >"$1/metrics.json" <<JSON
{"format": "einthoven metrics", "program": "0.1.0", "run": "abc", "cohort": "$cohort", "part": "all", "records": $n,
 "records_seen_in_training": 0, "records_of_unknown_patients": 0,
 "models": [{"name": "ssl", "arm": "ssl", "hash": "h1"}, {"name": "de-novo", "arm": "de-novo", "hash": "h2"}],
 "targets": [{"kind": "binary", "task": "$task", "label": "$task", "cohort": "$cohort",
   "records": {"total": $n, "analysed": $n, "positive": $positive, "negative": $((n - positive)), "patients": 190,
     "missing_label": 3, "missing_score": 0},
   "methods": {"subgroup_minimum": 10, "text": ["<b>Methods</b>"]},
   "models": {
     "ssl": {"probability": true, "statistics": {"auroc": {"value": 0.81234567890123, "lower": 0.75, "upper": 0.86}},
       "calibration_bins_mass": [{"n": 100, "n_positive": 20, "sum_probability": 25.0}, {"n": 100, "n_positive": 50, "sum_probability": 60.0}],
       "calibration_bins_width": [{"n": 120}, {"n": 80}]},
     "de-novo": {"probability": true, "statistics": {"auroc": {"value": 0.7, "lower": 0.6, "upper": 0.8}}}},
   "subgroups": [{"variable": "sex", "model": "ssl", "groups": [
     {"group": "female", "statistics": {"auroc": {"value": 0.8, "lower": 0.7, "upper": 0.9, "n": 95}}},
     {"group": "<i>other</i>", "statistics": {"auroc": {"value": null, "n": 4}}},
     {"group": "male", "statistics": {"auroc": {"value": null, "state": "suppressed", "n": null}}}]}]}],
 "arms": [{"task": "$task", "figure": "macro AUROC", "replicates": 50,
   "arms": [{"arm": "ssl", "macro": {"value": 0.81234567890123, "lower": 0.75111, "upper": 0.86222}, "targets": {"a": {}}},
            {"arm": "de-novo", "macro": {"value": 0.70000000000017, "lower": 0.6, "upper": 0.8}, "targets": {"a": {}}}],
   "pairs": [{"first": "ssl", "second": "de-novo", "difference": {"value": 0.11234567890106, "lower": 0.02, "upper": 0.2},
     "p": 0.0123456789, "p_adjusted": 0.04}]}]}
JSON
    awk -v task="${task//\\/}" -v positive="$positive" -v n="$n" 'BEGIN {
        gsub(/"/, "\"\"", task)
        printf "record,status,\"label:%s\",\"score:ssl:%s\",\"score:de-novo:%s\",patient\n", task, task, task
        for (i = 0; i < n; i++) { y = i < positive; printf "r%d,ok,%d,%.3f,%.3f,p%d\n", i, y, (i * 37 % 100) / 150 + y / 4, (i * 53 % 100) / 100, i % 190 }
    }' >"$1/scores.csv"
}
