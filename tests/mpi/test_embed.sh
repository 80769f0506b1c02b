#!/bin/bash
# timeout: 300
# Embeddings of a corpus: the same bytes on any number of ranks and threads, whole or in part, from pretrained and adapted
# models, as HDF5 and for NumPy; and refusals. SYNTHETIC records.
. "$(dirname "$0")/../lib.sh"
cd "$tmp" || exit 1
export OMP_NUM_THREADS=1

echo 'contract: {leads: [I, II, V1], fs_hz: 50, samples: 500}' >ingest.yaml
echo 'contract: {leads: [I, II, V2], fs_hz: 50, samples: 500}' >other.yaml
cat >pretrain.yaml <<'YAML'
contract: {leads: [I, II, V1], fs_hz: 50, samples: 500}
model: {patch: 25, width: 24, depth: 1, heads: 2, mlp: 16, decoder_width: 12, decoder_depth: 1, decoder_heads: 2, decoder_mlp: 24}
train: {epochs: 3, batch: 16, slots: 4, warmup_epochs: 1, threads: 1}
split: {by: hash, valid_fraction: 0.15, test_fraction: 0.3}
run: {log_seconds: 1000, checkpoint_minutes: 0}
YAML
cat >tasks.yaml <<'YAML'
tasks:
  - {name: low, kind: binary, group: ecg, rule: lvef < 61}
  - {name: age, kind: regression, group: demographic, columns: [age], unit: years}
YAML
split=(--set split.by=hash --set split.valid_fraction=0.15 --set split.test_fraction=0.3)
ok 'synthetic records' "$einthoven" synth --out ecg --set synth.records=200 --set synth.seed=3
labels=(--labels ecg/labels.csv --label-key path --age-column age --sex-column sex)
ok 'corpus' "$einthoven" ingest ingest.yaml ecg --out corpus.h5 "${labels[@]}"
ok 'another' "$einthoven" ingest other.yaml ecg --out other.h5 "${labels[@]}"
ok 'pretraining' "$einthoven" pretrain pretrain.yaml --corpus corpus.h5 --run pre
model=pre/model.safetensors
embed() { mpi "$1" "$einthoven" embed --corpus corpus.h5 --model "$2" --out "$3" --set embed.threads=1 "${@:4}"; }

ok 'pretrained model' embed 1 $model one.h5
ok 'for NumPy' embed 1 $model one.npy
for ranks in 2 3 4; do
    ok "$ranks ranks" embed $ranks $model "r$ranks.h5"
    ok "$ranks ranks: the same file" cmp one.h5 "r$ranks.h5"
done
ok '4 ranks, for NumPy' embed 4 $model r4.npy
ok 'the same array' cmp one.npy r4.npy
ok 'and the same beside it' cmp one.npy.json r4.npy.json
ok '3 threads' embed 1 $model t3.npy --set embed.threads=3
ok '3 threads: the same array' cmp one.npy t3.npy
is 'an array of NumPy' "$(head -c 80 one.npy | tr -d '\000' | tail -c +7 | tr -d '\001' | head -c 70)" \
    "v{'descr': '<f4', 'fortran_order': False, 'shape': (200, 24), }       "
like 'contract beside it' "$(tr -d '\n' <one.npy.json)" '"contract": "[^"]*leads = I,II,V1'
like 'the model, too' "$(cat one.npy.json)" '"model_blake2b": "[0-9a-f]{64}"'
is 'and every record' "$(grep -cE '^ *"[^"]*"(,)?$' one.npy.json)" 200

ok 'inspect' mpi 2 "$einthoven" inspect one.h5 one.npy
like 'knows it' "$out" 'kind: embeddings'
is 'both forms, of the same records' "$(grep -c 'records: 200' <<<"$out")" 2
cp one.npy bad.npy && cp one.npy.json bad.npy.json && printf 'x' | dd of=bad.npy bs=1 seek=300 conv=notrunc 2>/dev/null
exits 'and damage' 1 "$einthoven" inspect bad.npy
like 'by its hash' "$err$out" 'do not match the hash beside it'

# Less than the vectors need: HDF5 is refused its space before anything is computed; neither form leaves anything. The limit
# on files holds for the ranks, not for the launcher, and MPI keeps no messages in files then.
# shellcheck disable=SC2317 # called through exits
limited() { # RANKS FILE
    mpirun --oversubscribe --bind-to none --quiet --mca btl self,tcp -n "$1" \
        bash -c "trap '' XFSZ; ulimit -f 8; exec \"\$@\"" - "$einthoven" embed --corpus corpus.h5 --model $model --out "$2"
}
for ranks in 1 2; do
    for file in full.h5 full.npy; do
        exits "$file by $ranks ranks on a disk that is full" 1 limited $ranks $file
        like 'is told' "$err" "$file.*(too large|No space|full disk)"
        unlike 'without a crash' "$err" 'signal|Segmentation'
        is 'and nothing is left' "$(find . -name 'full*')" ''
    done
done

# A record's vector does not depend on the others.
ok 'the test part' embed 2 $model test.npy --part test "${split[@]}"
rows() { # FILE.npy: id and vector, in order of ids
    local n
    n=$(grep -cE '^ *"[^"]*"(,)?$' "$1.json")
    paste <(grep -oE '^ *"[^"]*"(,)?$' "$1.json" | tr -d ' ",') <(tail -c $((n * 96)) "$1" | od -An -v -tx1 -w96) | sort
}
rows one.npy >all.rows
rows test.npy >test.rows
ok 'is a part' test "$(wc -l <test.rows)" -gt 20 -a "$(wc -l <test.rows)" -lt 150
is 'with the same vectors' "$(comm -13 all.rows test.rows)" ''
ok 'CLS' embed 1 $model cls.npy --embedding cls
unlike 'is another vector' "$(cmp one.npy cls.npy && echo same)" same

# --- adapted models ---
tune() { "$einthoven" finetune --corpus corpus.h5 --from $model --run "$1" --tasks tasks.yaml "${split[@]}" --set train.epochs=2 \
    --set train.batch=32 --set train.slots=2 --set train.threads=1 --set finetune.shared=true --set run.log_seconds=1000 "${@:2}"; }
ok 'a linear probe' tune lin --set finetune.mode=linear
ok 'converted' "$einthoven" convert "$(echo lin/*/*/model.safetensors)" copy.safetensors --training-records none
domain() { "$einthoven" inspect "$1" | grep '^ *domain:'; }
like 'it has a domain' "$(domain "$(echo lin/*/*/model.safetensors)")" 'records [0-9]+, held_out [0-9]+'
is 'which stays when it is converted' "$(domain copy.safetensors)" "$(domain "$(echo lin/*/*/model.safetensors)")"
is 'and the maps, too' "$("$einthoven" inspect copy.safetensors | grep '^ *target')" "$("$einthoven" inspect "$(echo lin/*/*/model.safetensors)" | grep '^ *target')"
ok 'of it' embed 1 "$(echo lin/*/*/model.safetensors)" lin.npy
ok 'its encoder is the pretrained one' cmp one.npy lin.npy
ok 'an attentive probe' tune att --set finetune.mode=attentive
attentive=$(echo att/*/*/model.safetensors)
ok 'its own vector' embed 2 "$attentive" att.npy --embedding attentive
unlike 'is another' "$(cmp one.npy att.npy && echo same)" same
ok 'mean, where the head sees another' embed 1 "$attentive" mean.npy
ok 'is the same mean' cmp one.npy mean.npy

# --- a linear probe on given features -------------------------------------------------------------------------
judge() { # RANKS OUT OPTION...
    mpi "$1" "$einthoven" evaluate --corpus corpus.h5 --out "$2" --part test "${split[@]}" --set evaluate.replicates=0 \
        --set evaluate.minimum=5 "${@:3}"
}
ok 'cls as HDF5' embed 1 $model cls.h5 --embedding cls
ok 'two probes' judge 1 probes --features mean=one.h5,cls=cls.h5 --tasks tasks.yaml
for ranks in 2 3; do
    ok "$ranks ranks" judge $ranks "probes$ranks" --features mean=one.h5,cls=cls.h5 --tasks tasks.yaml --set evaluate.threads=2
    for file in scores.csv scores.h5 metrics.csv; do
        ok "$ranks ranks: $file" cmp probes/$file "probes$ranks/$file"
    done
done
ok 'from the arrays' judge 1 arrays --features mean=one.npy,cls=cls.npy --tasks tasks.yaml
ok 'the same scores' cmp probes/scores.csv arrays/scores.csv
ok 'beside a model, whose tasks are taken' judge 1 beside --model "tuned=$(echo lin/*/*/model.safetensors)" --features mean=one.h5
like 'as arms' "$(cat beside/metrics.txt)" '^  tuned - mean: '
cut -d, -f1,5-6 probes/scores.csv >a.csv
# shellcheck disable=SC2046
cut -d, -f1,$(head -n 1 beside/scores.csv | tr ',' '\n' | grep -n 'score:mean' | cut -d: -f1 | paste -sd,) beside/scores.csv >b.csv
ok 'with the same scores' cmp a.csv b.csv

# Features that hold the answer: the reciprocal of what is asked for, among noise; and the same of other records.
"${EINTHOVEN_PYTHON:-python3}" - one.npy.json ecg/labels.csv <<'PYTHON'
import csv, json, random, struct, sys
head = json.load(open(sys.argv[1]))
truth = {row["path"]: row for row in csv.DictReader(open(sys.argv[2]))}
known = {row["record"]: row for row in truth.values()}
random.seed(4)
def write(name, ids, rows):
    text = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }" % (len(rows), len(rows[0]))
    text += " " * (118 - len(text) - 1) + "\n"
    with open(name, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode())
        for row in rows:
            f.write(struct.pack("<%df" % len(row), *row))
    json.dump({"format": "einthoven embeddings", "version": 1, "embedding": "made", "records": ids}, open(name + ".json", "w"))
def find(i):
    return known.get(i) or truth.get(i) or next(r for k, r in truth.items() if i in k)
def made(i):
    r = find(i)
    return [random.gauss(0, 1), 3 - 2 * float(r["lvef"]), 10 * float(r["age"]) + random.gauss(0, 5), random.gauss(5, 100), 7.0]
ids = head["records"]
rows = [made(i) for i in ids]
write("told.npy", ids[::-1], rows[::-1])
write("shuffled.npy", ids, random.sample(rows, len(rows)))
write("some.npy", ids[:-40], rows[:-40])
PYTHON
figure() { awk -F, -v l="$3" -v m="$4" '$2 == l && $4 == m && $5 == "" && $6 == "'"$2"'" { print $7 }' "$1/metrics.csv"; }
ok 'features that tell' judge 1 told --features told=told.npy,lies=shuffled.npy --tasks tasks.yaml
ok 'AUROC' awk -v x="$(figure told auroc low told)" 'BEGIN { exit !(x > 0.98) }'
ok 'R2' awk -v x="$(figure told r2 age told)" 'BEGIN { exit !(x > 0.99) }'
ok 'of other records they tell nothing' awk -v x="$(figure told auroc low lies)" -v y="$(figure told r2 age lies)" 'BEGIN { exit !(x < 0.75 && y < 0.2) }'
ok 'features of some records' judge 1 some --features some=some.npy --tasks tasks.yaml
like 'which is said' "$out" 'some.npy: [0-9]+ records of the test part have no features there and are left out'
ok 'and those are judged' test "$(wc -l <some/scores.csv)" -lt "$(wc -l <told/scores.csv)"

exits 'training records are no test' 2 judge 1 x --features one.h5 --tasks tasks.yaml --part all
like 'says what to do' "$err" 'evaluated on the test part: give --part test'
exits 'without tasks' 2 judge 1 x --features one.h5
exits 'of the test part alone' 2 judge 1 x --features test.npy --tasks tasks.yaml
like 'there is nothing to fit' "$err" '0 records of the train part'
exits 'one twice' 2 judge 1 x --features a=one.h5,b=one.npy --tasks tasks.yaml
exits 'with other leads' 2 judge 1 x --features one.h5 --tasks tasks.yaml --leads I
exits 'another corpus' 1 mpi 1 "$einthoven" evaluate --corpus other.h5 --out x --part test "${split[@]}" --features one.h5 --tasks tasks.yaml
like 'names its contract' "$err" 'another contract than other.h5'
ok 'embeddings of the whole corpus, learned from the test part' "$einthoven" pretrain pretrain.yaml --corpus corpus.h5 --run leak --set split.by=hash --set split.test_fraction=0.02
ok 'embedded' embed 1 leak/model.safetensors leak.h5
exits 'are refused' 1 judge 1 x --features leak.h5 --tasks tasks.yaml
like 'by name' "$err" 'leak.h5'

# --- refusals ---
exits 'no learned query' 2 embed 1 $model x.npy --embedding attentive
like 'says what to do' "$err" 'needs a model with attentive pooling.*take mean or cls'
exits 'another contract' 1 mpi 2 "$einthoven" embed --corpus other.h5 --model $model --out x.h5
like 'names the difference' "$err" 'another contract than other.h5: .*V1'
exits 'another ending' 2 embed 1 $model x.csv
exits 'what is there stays' 1 embed 1 $model one.h5
ok 'unless told' embed 1 $model one.h5 --overwrite
ok 'then it is whole' cmp one.h5 r2.h5
exits 'no model' 2 "$einthoven" embed --corpus corpus.h5 --out x.h5
exits 'nor file' 1 embed 1 none.safetensors x.h5
ok 'nothing is left of what failed' test -z "$(find . -name 'x.*')"
done_testing
