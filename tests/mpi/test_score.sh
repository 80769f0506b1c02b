#!/bin/bash
# timeout: 300
# Scoring of archives: the same bytes on any number of ranks and processes, in parts, in any order and after kills;
# every input accounted for; the scores of evaluate. SYNTHETIC records.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/score_model.sh"
python=$(command -v python3) || skip_all 'python3 compares the tables, and is not here'
records=90
make_score_model $records

bad=$tmp/archive/bad
mkdir -p "$tmp/archive"
cp -r "$tmp/ecg" "$tmp/archive/good"
first=$(find "$tmp/archive/good" -name '*.hea' | sort | head -n 1)
mkdir "$bad"
echo 'nothing of a header' >"$bad/malformed.hea"
sed 's/\.dat/-none.dat/; 1s/^[^ ]*/incomplete/' "$first" >"$bad/incomplete.hea"
printf '\x89HDF\r\n\x1a\n' >"$bad/other.h5"
{ echo 'short 8 500 1000'; for lead in I II V1 V2 V3 V4 V5 V6; do echo "short.dat 16 200 16 0 0 0 0 $lead"; done; } >"$bad/short.hea"
seed_random 1
random_bytes 16000 >"$bad/short.dat"
{ echo 'leads 8 500 5000'; for lead in X Y Z A B C D E; do echo "leads.dat 16 200 16 0 0 0 0 $lead"; done; } >"$bad/leads.hea"
head -c 80000 /dev/zero >"$bad/leads.dat"
ln -s /etc/hostname "$bad/outside.hea"
mkfifo "$bad/pipe.xml"

# score FOLDER [OPTION...] [INPUT...]: the archive unless inputs are named
opts=(--model "$model" --set score.block=8 --set score.threads=1 --set run.log_seconds=1000)
score() {
    local folder=$1
    shift
    "$einthoven" score "$tmp/archive" "${opts[@]}" --out "$folder" "$@"
}

# --- one process ----------------------------------------------------------------------------------------------
ok 'one process' score "$tmp/one"
like 'the table of statuses adds up' "$out" "^ *$((records + 7)) +in all\$"
is 'every input stands in the table' "$(($(wc -l <"$tmp/one/scores.csv") - 1))" $((records + 7))
like 'two are unreadable: a pipe, a link that leads out' "$(cut -d, -f4 "$tmp/one/scores.csv" | sort | uniq -c)" ' 2 unreadable$'
for status in malformed incomplete unsupported short leads; do
    like "one is $status" "$(cut -d, -f4 "$tmp/one/scores.csv" | sort | uniq -c)" " 1 $status$"
done
same() { ok "$1: the same bytes" cmp "$tmp/one/scores.csv" "$2/scores.csv"; }

# --- the scores of evaluate -----------------------------------------------------------------------------------
ok 'evaluate' "$einthoven" evaluate --model "$model" --corpus "$tmp/corpus.h5" --out "$tmp/evaluated" \
    --set evaluate.allow_seen=true --set evaluate.replicates=0
ok 'a corpus' "$einthoven" score "$tmp/corpus.h5" "${opts[@]}" --out "$tmp/of-corpus"
cat >"$tmp/compare.py" <<'PY'
import csv, sys
def table(path): return {r["record"]: r for r in csv.DictReader(open(path))}
ours, theirs = table(sys.argv[1]), table(sys.argv[2])
n = 0
for record, row in theirs.items():
    for name, value in row.items():
        if not name.startswith("score:model:"): continue
        label = name[len("score:model:"):]
        mine = ours[record].get("probability:model:" + label) or ours[record]["value:model:" + label]
        value = row.get("calibrated:model:" + label) or value
        assert mine == value, (record, name, mine, value)
        n += 1
print(n)
PY
ok 'from files: as evaluate has them' "$python" "$tmp/compare.py" "$tmp/one/scores.csv" "$tmp/evaluated/scores.csv"
is 'all of them' "$(cat "$tmp/run.out")" $((records * 5))
ok 'from a corpus: as evaluate has them' "$python" "$tmp/compare.py" "$tmp/of-corpus/scores.csv" "$tmp/evaluated/scores.csv"

# --- the tables say the same ------------------------------------------------------------------------------------
cat >"$tmp/tables.py" <<'PY'
import csv, sqlite3, sys, json
rows = list(csv.reader(open(sys.argv[1] + "/scores.csv")))
db = sqlite3.connect(sys.argv[1] + "/scores.sqlite")
cursor = db.execute("SELECT * FROM scores ORDER BY rowid")
assert [d[0] for d in cursor.description] == rows[0]
n = 0
for theirs, mine in zip(cursor.fetchall(), rows[1:], strict=True):
    for a, b in zip(theirs, mine, strict=True):
        assert (b == "") if a is None else (float(b) == a) if isinstance(a, float) else a == b, (a, b)
    n += 1
header = json.load(open(sys.argv[1] + "/scores.json"))
assert header["inputs"] == n == sum(header["status"].values())
assert header["models"][0]["blake2b"] in db.execute("SELECT value FROM header WHERE key = 'models'").fetchone()[0]
print(n)
PY
ok 'SQLite holds what the CSV holds' "$python" "$tmp/tables.py" "$tmp/one"
is 'every row' "$(cat "$tmp/run.out")" $((records + 7))

# --- ranks, processes, parts, order -----------------------------------------------------------------------------
for ranks in 2 4; do
    ok "$ranks ranks" mpi "$ranks" "$einthoven" score "$tmp/archive" "${opts[@]}" --out "$tmp/ranks-$ranks"
    same "$ranks ranks" "$tmp/ranks-$ranks"
done
pids=()
for i in 1 2 3; do
    score "$tmp/three" >"$tmp/three-$i" 2>&1 &
    pids+=($!)
done
failed=0
for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
is 'three processes end well' "$failed" 0
same 'three processes' "$tmp/three"
for part in 2/2 1/2; do ok "part $part" score "$tmp/parts" --part "$part"; done
same 'two parts' "$tmp/parts"
find "$tmp/archive" -name '*.hea' ! -type l | shuf --random-source=<(random_bytes 4096) >"$tmp/list"
"$einthoven" score - "$bad" "${opts[@]}" --set score.block=5 --set score.threads=2 --out "$tmp/shuffled" <"$tmp/list" >"$tmp/log" 2>&1
is 'a shuffled list on standard input' $? 0
same 'a shuffled list, other blocks, two threads' "$tmp/shuffled"
(cd "$tmp/archive/good" && "$einthoven" score ../bad . "${opts[@]}" --out "$tmp/relative" >"$tmp/log" 2>&1)
same 'relative names' "$tmp/relative"

# --- kills ------------------------------------------------------------------------------------------------------
if make_shim; then
    for at in 3 7 12 18 25; do # names: claims, blocks, tables
        shim EIN_KILL_IN="$tmp/killed" EIN_KILL_AT=$at "$einthoven" score "$tmp/archive" "${opts[@]}" --out "$tmp/killed" \
            >"$tmp/log" 2>&1
        [ $? -ge 128 ] || fail "killed at change $at of a name" "$(cat "$tmp/log")"
    done
    ok 'the same command goes on after five kills' score "$tmp/killed"
    same 'after kills of claim holders' "$tmp/killed"
    is 'nothing of the dead is left' "$(find "$tmp/killed/claims" "$tmp/killed/workers" -type f | wc -l)" 0
else
    skip 'kills' 'no shared object can be built here'
fi

# --- restart ----------------------------------------------------------------------------------------------------
ok 'inspect knows the tables' "$einthoven" inspect "$tmp/one/scores.h5" "$tmp/one/scores.csv"
like 'their columns' "$out" 'probability:model:fast'
ok 'again: nothing is left to do' score "$tmp/one"
like 'it says so' "$out" 'made before'
cp "$first" "$bad/new.hea" && sed -i '1s/^[^ ]*/new/' "$bad/new.hea"
cp "$(dirname "$first")/$(basename "$first" .hea).dat" "$bad/" 2>/dev/null
ok 'new files are picked up' score "$tmp/one"
like 'one is new' "$out" ' 1 new'
ok 'and from the beginning' score "$tmp/fresh"
same 'as if they had been there' "$tmp/fresh"
touch "$first"
ok 'a new time alone changes nothing' score "$tmp/one"
like 'and nothing is made' "$out" 'made before'
echo '# a comment' >>"$first"
exits 'a changed file is refused' 1 score "$tmp/one"
like 'by name' "$err" "1 of the files .*$(basename "$first").*--rescore"
ok '--rescore scores it again' score "$tmp/one" --rescore
ok 'fresh' score "$tmp/fresh-2"
same 'a file that changed' "$tmp/fresh-2"
ok 'and is content then' score "$tmp/one"
exits 'another model is refused' 1 "$einthoven" score "$tmp/archive" --model "$other_model" --out "$tmp/one"
like 'by its hash' "$err" 'model: [0-9a-f]{64} against [0-9a-f]{64}'
exits 'another rule is refused' 1 score "$tmp/one" --set ingest.min_seconds=1
like 'by name' "$err" 'ingest.min_seconds: 5 against 1'
ok '--rescore scores everything again' score "$tmp/one" --set ingest.min_seconds=1 --rescore
ok 'and keeps the old' test -s "$tmp/one/earlier-1/scores.csv"
exits 'a folder that is not there' 1 "$einthoven" score "$tmp/none" "${opts[@]}" --out "$tmp/nowhere"

ok 'the scores are verified' score "$tmp/fresh-2" --verify 1000
like 'all of them' "$out" "verified: $((records + 6)) inputs scored again, 0 differ"
"$python" - "$tmp/fresh-2/blocks/000000" <<'PY'
import hashlib, sys
data = bytearray(open(sys.argv[1], "rb").read())
data[-1] ^= 1
data[24:56] = hashlib.blake2b(data[56:], digest_size=32).digest()
open(sys.argv[1], "wb").write(data)
PY
exits 'a score that is not what it was' 1 score "$tmp/fresh-2" --verify 1000
like 'is named' "$err" "1 of $((records + 6)) inputs have other scores"

ok 'a dry run' "$einthoven" score "$tmp/archive" "${opts[@]}" --out "$tmp/dry" --dry-run
like 'counts' "$out" "^inputs: $((records + 8))\$"
like 'expects' "$out" 'about 1 malformed'
is 'and writes nothing' "$(ls -d "$tmp/dry" 2>/dev/null)" ''

# --- several models ---------------------------------------------------------------------------------------------
ok 'an ensemble' "$einthoven" score "$tmp/corpus.h5" --model "e=$model,e=$other_model" --set score.threads=1 --out "$tmp/ensemble"
cat >"$tmp/ensemble.py" <<'PY'
import csv, statistics, sys
alone = {r["record"]: r for r in csv.DictReader(open(sys.argv[2] + "/scores.csv"))}
for r in csv.DictReader(open(sys.argv[1] + "/scores.csv")):
    for label in ("fast", "signs/MI"):
        p = [float(r[f"probability:{m}:{label}"]) for m in ("e", "e.2")]
        assert abs(float(r["mean:e:" + label]) - statistics.mean(p)) < 1e-12
        assert abs(float(r["sd:e:" + label]) - statistics.stdev(p)) < 1e-12
        assert r["logit:e:" + label] == alone[r["record"]]["logit:model:" + label]
PY
ok 'mean and spread of its seeds; each as alone' "$python" "$tmp/ensemble.py" "$tmp/ensemble" "$tmp/of-corpus"

ok 'their encoder' "$einthoven" score "$tmp/corpus.h5" --model "e=$model,e=$other_model" --out "$tmp/no" --dry-run
like 'is one' "$out" 'models: 2, with 1 encoders'

# --- embeddings, and how far from the training records ----------------------------------------------------------------
ok 'embeddings beside the scores' "$einthoven" score "$tmp/corpus.h5" "${opts[@]}" --embedding cls --out "$tmp/vectors"
ok 'the scores stay' cmp "$tmp/vectors/scores.csv" "$tmp/of-corpus/scores.csv"
ok 'embed' "$einthoven" embed --model "$model" --corpus "$tmp/corpus.h5" --embedding cls --out "$tmp/embed.h5"
ok 'the embeddings of embed' cmp "$tmp/embed.h5" "$tmp/vectors/embeddings.h5"
ok 'of a pretrained model, from files, for NumPy' "$einthoven" score "$tmp/archive/good" --model "$tmp/pre/model.safetensors" \
    --embedding mean --set score.embedding_format=npy --out "$tmp/vectors-pre"
ok 'embed' "$einthoven" embed --model "$tmp/pre/model.safetensors" --corpus "$tmp/corpus.h5" --out "$tmp/embed.npy"
is 'the same vectors, but for the two files that were changed' \
    "$("$python" -c 'import sys; a, b = (open(f, "rb").read() for f in sys.argv[1:]); print(len(a) == len(b), a[-400:] == b[-400:])' \
        "$tmp/embed.npy" "$tmp/vectors-pre/embeddings.npy")" 'True True'
exits 'a model without a head and no embedding' 1 "$einthoven" score "$tmp/corpus.h5" --model "$tmp/pre/model.safetensors" --out "$tmp/no"
like 'is refused' "$err" 'has no head'
cat >"$tmp/domain.py" <<'PY'
import csv, sys
near = [float(r["percentile:model"]) for r in csv.DictReader(open(sys.argv[1])) if r["status"] == "ok"]
far = [float(r["percentile:model"]) for r in csv.DictReader(open(sys.argv[2])) if r["status"] == "ok"]
assert all(0 <= p <= 100 for p in near + far)
print(20 < sorted(near)[len(near) // 2] < 80, min(far) == 100)
PY
mkdir "$tmp/noise"
{ echo 'noise 8 500 5000'; for lead in I II V1 V2 V3 V4 V5 V6; do echo "noise.dat 16 200 16 0 0 0 0 $lead"; done; } >"$tmp/noise/noise.hea"
"$python" -c 'import random, struct, sys; random.seed(1); sys.stdout.buffer.write(b"".join(struct.pack("<h", random.randint(-900, 900)) for _ in range(40000)))' >"$tmp/noise/noise.dat"
ok 'noise' "$einthoven" score "$tmp/noise" "${opts[@]}" --out "$tmp/scored-noise"
is 'noise is far from the training records, they are not' \
    "$("$python" "$tmp/domain.py" "$tmp/of-corpus/scores.csv" "$tmp/scored-noise/scores.csv")" 'True True'
done_testing
