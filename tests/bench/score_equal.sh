#!/bin/bash
# score_equal.sh MODEL CORPUS RECORDS [ALONE]: real records scored in every way there is, and their scores compared to the
# last bit: from the folder RECORDS on 1 thread and 2, on 1, 2 and 4 ranks, in blocks of 1, 7, 64 and 256; from a tar.gz and a
# zip of it; from CORPUS (ingested from the same records); by evaluate; and ALONE (40) records each in a process of its
# own (batches of 1), and as many lists of 7 (batches of 7). Numbers in scores.csv have all digits of a double, so equal
# text is equal bits. Counts what was compared. $PYTHON is the interpreter.
. "$(dirname "$0")/../lib.sh"
[ $# -ge 3 ] || skip_all 'MODEL CORPUS RECORDS [ALONE]'
model=$1 corpus=$2 records=$(realpath "$3") alone=${4:-40}
python=${PYTHON:-python3}
score() { "$einthoven" score --model "$model" --set score.formats=csv --set run.log_seconds=1000 "$@"; }

# compare.py A B KEY: every record of B is in A and has the same numbers; evaluate has no logits, and other names.
cat >"$tmp/compare.py" <<'PY'
import csv, os, sys
def key(row):
    if sys.argv[3] == "record":
        return row["record"]
    name = row["source"]
    return name.partition("!/")[2].partition("/")[2] if "!/" in name else os.path.relpath(name, sys.argv[4])
tables = []
for path in sys.argv[1:3]:
    rows = list(csv.DictReader(open(path, newline="")))
    tables.append({key(row): row for row in rows})
    assert len(tables[-1]) == len(rows), f"{path}: names are not unique"
ours, theirs = tables
kinds = ("status", "sha256", "logit", "probability", "value", "distance", "percentile", "positive")
n = 0
for name, row in theirs.items():
    for column, value in row.items():
        kind, _, of = column.partition(":")
        if kind == "score":  # evaluate: the calibrated probability where there is one, or the value of a regression
            value = row.get("calibrated" + column[5:]) or value
            same = ours[name].get("probability:" + of) or ours[name]["value:" + of]
        elif column in kinds or kind in kinds:
            same = ours[name][column]
        elif column == "quality":  # that there is a second one like it is known of a corpus alone
            same, value = ours[name][column], "|".join(flag for flag in value.split("|") if flag != "duplicate")
        else:
            continue
        assert same == value, f"{name} {column}: {same} and {value}"
        n += kind in ("score", "logit", "value")
print(len(theirs), n)
PY
total=0
# compared NAME TABLE KEY
compared() {
    ok "$1" "$python" "$tmp/compare.py" "$tmp/first/scores.csv" "$2" "$3" "$records"
    echo "#   $out: records, and numbers compared"
    [ "$status" = 0 ] && total=$((total + ${out##* }))
}

ok '1 thread' score "$records" --out "$tmp/first" --set score.threads=1 --set score.readers=1
sed -n '/inputs  status/,$p' <<<"$out" | sed 's/^/# /'
grep -o 'in batches of [0-9.]*' <<<"$out" | sed 's/^/# /'
for way in threads=2:block=256 threads=2:block=1 threads=1:block=7 threads=2:block=64 threads=5:readers=3; do
    # shellcheck disable=SC2046
    ok "$way" score "$records" --out "$tmp/$way" $(sed 's/[^:]*/--set score.&/g; s/:/ /g' <<<"$way")
    ok "$way: the same bytes" cmp "$tmp/first/scores.csv" "$tmp/$way/scores.csv"
    compared "$way: the same numbers" "$tmp/$way/scores.csv" path
done
for ranks in 2 4; do
    ok "$ranks ranks" mpi "$ranks" "$einthoven" score "$records" --model "$model" --out "$tmp/ranks-$ranks" \
        --set score.formats=csv --set score.threads=1 --set score.block=32
    ok "$ranks ranks: the same bytes" cmp "$tmp/first/scores.csv" "$tmp/ranks-$ranks/scores.csv"
    compared "$ranks ranks: the same numbers" "$tmp/ranks-$ranks/scores.csv" path
done
mkdir "$tmp/packed" "$tmp/zipped"
ok 'packed' tar --sort=name -C "$(dirname "$records")" -chzf "$tmp/packed/all.tar.gz" "$(basename "$records")"
ok 'scored in tar.gz' score "$tmp/packed" --out "$tmp/of-tar"
compared 'tar.gz: the same numbers' "$tmp/of-tar/scores.csv" path
ok 'zipped' "$python" -c 'import shutil, sys; shutil.make_archive(sys.argv[1], "zip", *sys.argv[2:])' "$tmp/zipped/all" \
    "$(dirname "$records")" "$(basename "$records")"
ok 'scored in zip' score "$tmp/zipped" --out "$tmp/of-zip"
compared 'zip: the same numbers' "$tmp/of-zip/scores.csv" path
ok 'scored in a corpus' score "$corpus" --out "$tmp/of-corpus"
compared 'corpus: the same numbers' "$tmp/of-corpus/scores.csv" record
ok 'evaluate' "$einthoven" evaluate --model "$model" --corpus "$corpus" --out "$tmp/evaluated" --set evaluate.allow_seen=true \
    --set evaluate.replicates=0
compared 'evaluate: the same probabilities and values' "$tmp/evaluated/scores.csv" record
find -L "$records" -name '*.hea' | shuf --random-source="$0" | head -n $((alone * 7)) >"$tmp/drawn"
# some SIZE: ALONE lists of SIZE, each in a process of its own, as one table
some() {
    local i
    for ((i = 0; i < alone; i++)); do
        sed -n "$((i * $1 + 1)),$(((i + 1) * $1))p" "$tmp/drawn" >"$tmp/list"
        score --list "$tmp/list" --out "$tmp/some-$1-$i" --set score.threads=1 >"$tmp/some.out" || return 1
        grep -q "in batches of $1\\.0" "$tmp/some.out" || { cat "$tmp/some.out"; return 1; }
    done
    awk 'FNR > 1 || NR == 1' "$tmp/some-$1"-*/scores.csv >"$tmp/some-$1.csv"
}
for size in 1 7; do
    ok "$alone processes, each a batch of $size" some $size
    compared "batches of $size: the same numbers" "$tmp/some-$size.csv" path
done
echo "# $total numbers (logits and values; of evaluate probabilities and values) were equal to the last bit"
done_testing
