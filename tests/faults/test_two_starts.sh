#!/bin/bash
# timeout: 3000
# Two starts at once of every subcommand that writes: one does the work, the other waits, finds it done, or is refused by
# name; what is published is whole. A few pairs of each; EIN_PAIRS=30 makes more.
. "$(dirname "$0")/../lib.sh"
cd "$tmp" || exit 1
export OMP_NUM_THREADS=1
pairs=${EIN_PAIRS:-2}

cat >c.yaml <<'YAML'
contract: {leads: [I, II, V1], fs_hz: 50, samples: 500}
YAML
cat >tasks.yaml <<'YAML'
tasks:
  - {name: fast, kind: binary, group: ecg, rule: heart_rate_bpm > 75}
YAML
cat >train.yaml <<'YAML'
model: {patch: 25, width: 12, depth: 1, heads: 2, mlp: 16, decoder_width: 12, decoder_depth: 1, decoder_heads: 2, decoder_mlp: 16}
contract: {leads: [I, II, V1], fs_hz: 50, samples: 500}
train: {epochs: 1, batch: 16, slots: 2, threads: 1}
split: {by: hash, valid_fraction: 0.2, test_fraction: 0.4}
run: {log_seconds: 1000}
YAML
cat >tune.yaml <<'YAML'
model: {patch: 25, width: 12, depth: 1, heads: 2, mlp: 16}
train: {epochs: 1, batch: 16, slots: 2, threads: 1}
split: {by: hash, valid_fraction: 0.2, test_fraction: 0.4}
finetune: {tasks: [tasks.yaml], mode: "full"}
run: {log_seconds: 1000}
YAML
cat >study.yaml <<'YAML'
study: pair
preset: tiny
cohorts:
  clinic: {records: 128, synth: {synth.seed: 2, signal.fs_hz: 100}, split: {split.by: hash, split.valid_fraction: 0.25, split.test_fraction: 0.5}}
finetune:
  set: {model.depth: 1, model.width: 16, model.heads: 2, train.epochs: 1, train.batch: 16, train.slots: 2, run.log_seconds: 1000}
  arms:
    full: {from: scratch}
    frozen: {from: random-frozen}
  tasks: {clinic: [study/sex]}
evaluate: {set: {evaluate.replicates: 20}, cohorts: {clinic: [study/sex]}}
YAML
printf 'study,auroc,se\na,0.8,0.02\nb,0.7,0.03\nc,0.75,0.02\n' >sites.csv
printf 'y,p\n' >scores.csv
for i in $(seq 1 40); do echo "$((i % 2)),0.$((10 + i))" >>scores.csv; done
echo ',0.5' >>scores.csv # one that is excluded

synth() { "$einthoven" synth --out "$1" --set synth.records=60 --set synth.seed=3 --set signal.fs_hz=100; }
ingest() { "$einthoven" ingest c.yaml --set ingest.threads=1 ecg --out "$1" --labels ecg/labels.csv --label-key path; }
pretrain() { "$einthoven" pretrain train.yaml --corpus c.h5 --run "$1"; }
finetune() { "$einthoven" finetune tune.yaml --corpus c.h5 --from scratch --run "$1"; }
cell() { "$einthoven" finetune tune.yaml --corpus c.h5 --from scratch --run "$1" --set finetune.seeds=2 --cell 1; }
study() { "$einthoven" study study.yaml --out "$1" --run; }
evaluate() {
    "$einthoven" evaluate --model "$model" --corpus c.h5 --out "$1" --set evaluate.replicates=0 --set evaluate.threads=1 \
        --set evaluate.allow_seen=true
}
table() { "$einthoven" evaluate --scores scores.csv --label y --score p --set evaluate.replicates=50 --json "$1" --csv "$1.csv" --excluded "$1.none"; }
pool() { "$einthoven" pool --studies sites.csv --json "$1"; }
model() { "$einthoven" convert "$model" "$1"; }
checkpoint() { "$einthoven" convert "$model" "$1"; }

ok 'a cohort' synth ecg
ok 'a corpus' ingest c.h5
ok 'a model' finetune tuned
model=$(echo tuned/*/*/model.safetensors)

# What a whole output is, by command.
whole() {
    case $1 in
    synth) (cd "$2" && find . -type f ! -name '.*' -print0 | sort -z | xargs -0 cat | cksum) ;;
    ingest | model | checkpoint) "$einthoven" inspect --verify "$2" >/dev/null 2>&1 && cksum <"$2" ;;
    pretrain | finetune | cell) find "$2" -name model.safetensors -exec cat {} + | cksum ;;
    evaluate) (cd "$2" && b2sum -l 256 --check --quiet MADE-BY && cksum <MADE-BY) ;;
    study)
        (cd "$2" && b2sum -l 256 --check --quiet table.made-by && find . -name model.safetensors | LC_ALL=C sort |
            xargs cat table.csv | cksum) &&
            "$einthoven" study study.yaml --out "$2" --status | grep -E '^table +1 +1 +0 +0 +0 +0$'
        ;;
    table) cat "$2" "$2.csv" "$2.none" | cksum ;;
    *) cksum <"$2" ;;
    esac
}

# judge FILE: whether the message of the one that was refused says so.
judge() {
    if grep -qE "$refused" "$1"; then one=$((one + 1)); else wrong=$((wrong + 1)) && sed 's/^/# /' "$1"; fi
}
refused='in use by process [0-9]+ on |exists; --overwrite|in use by another process'
for command in synth ingest pretrain finetune cell study evaluate table pool model checkpoint; do
    ending=''
    case $command in
    ingest | checkpoint) ending=.h5 ;;
    model) ending=.safetensors ;;
    table | pool) ending=.json ;;
    esac
    mkdir only && (cd only && ln -s ../ecg ../c.h5 ../*.yaml ../*.csv ../tuned . && $command out$ending) >/dev/null 2>&1
    expected=$(whole $command only/out$ending)
    both=0 one=0 wrong=0
    for ((i = 0; i < pairs; i++)); do
        mkdir pair && (cd pair && ln -s ../ecg ../c.h5 ../*.yaml ../*.csv ../tuned .)
        (cd pair && $command out$ending >../first.out 2>../first.err) &
        first=$!
        # A study is a row of cells: the second start meets the first in another one each time.
        [ $command != study ] || sleep "$((i * 3 / (2 * pairs))).$((i * 15 / pairs % 10))"
        (cd pair && $command out$ending >../second.out 2>../second.err) &
        second=$!
        wait $first
        a=$?
        wait $second
        b=$?
        case $a$b in
        00) both=$((both + 1)) ;;
        01) judge second.err ;;
        10) judge first.err ;;
        *) wrong=$((wrong + 1)) && sed 's/^/# /' first.err second.err ;;
        esac
        [ "$(whole $command pair/out$ending)" = "$expected" ] || { wrong=$((wrong + 1)) && echo "# $command: another output"; }
        [ -z "$(find pair -name '*.partial' -o -name '*.being-replaced' -o -name '*.lock')" ] || wrong=$((wrong + 1))
        rm -rf pair
    done
    echo "# $command: $pairs pairs, $one refused by name, $both where the second came after the first and found it done"
    is "$command: one works, the other is refused by name or finds it done" "$wrong" 0
    rm -rf only
done

# A second start that has looked for what is missing, and takes the lock when the first has long made it.
make_shim || fail 'the shim is built'
touch hold
shim EIN_HOLD_FLOCK="$tmp/hold" "$einthoven" study study.yaml --out late --run >late.out 2>late.err &
second=$!
for ((i = 0; i < 500; i++)); do [ -d late/cells/synth/clinic ] && break || sleep 0.02; done
ok 'a study, while another start of it waits before its first cell' study late
rm hold
wait $second
is 'the second ends well' "$?" 0
unlike 'and makes nothing anew' "$(cat late.out)" '(synth|ingest|finetune|evaluate) .*done in'
is 'which is whole' "$(whole study late >/dev/null && echo whole)" whole
done_testing
