#!/bin/bash
# timeout: 300
# The score stage of a study: one cell a cohort, by the models of several tasks, from the cohort's files; the bytes of
# the command typed; out of date when a model is. SYNTHETIC records.
. "$(dirname "$0")/../lib.sh"
cd "$tmp" || exit 1

cat >study.yaml <<'YAML'
study: scoring
title: SYNTHETIC study of a test
preset: tiny
cohorts:
  clinical: {records: 120, synth: {synth.seed: 5}, split: {split.by: hash, split.test_fraction: 0.1, split.valid_fraction: 0.3}}
  archive: {records: 40, synth: {synth.seed: 7}}
finetune:
  set: {train.batch: 32, train.slots: 4, train.epochs: 1, train.warmup_epochs: 0}
  arms:
    de-novo: {from: scratch}
  tasks:
    clinical: [study/age, study/sex]
score:
  set: {score.block: 16}
  cohorts:
    archive: [study/age, study/sex]
YAML
ok 'the plan' "$einthoven" study study.yaml --out a
like 'has a cell' "$out" '^score/0: score .*/cohorts/archive --model de-novo=.*/age/.*,de-novo=.*/sex/.* --out .*/score/archive --rescore'
unlike 'and no corpus of what is only scored' "$out" '^ingest/[0-9]: .*corpora/archive'
ok 'it runs on two ranks' mpi 2 "$einthoven" study study.yaml --out a --run
ok 'its status' "$einthoven" study study.yaml --out a --status
like 'is done' "$out" '^score +1 +1 +0 +0 +0 +0$'
is 'a row for each recording' "$(wc -l <a/score/archive/scores.csv)" 41
like 'of both tasks' "$(head -n 1 a/score/archive/scores.csv)" 'value:de-novo.*probability:de-novo'
models=de-novo=$(find a/finetune/age -name model.safetensors),de-novo=$(find a/finetune/sex -name model.safetensors)
ok 'the same typed' "$einthoven" score a/cohorts/archive --model "$models" --out typed
ok 'has the same bytes' cmp typed/scores.csv a/score/archive/scores.csv
ok 'again' "$einthoven" study study.yaml --out a --run
unlike 'nothing is done twice' "$out" 'score +archive'

rm -r a/finetune
sed -i 's/train.epochs: 1/train.epochs: 2/' study.yaml
ok 'other models' "$einthoven" study study.yaml --out a --run
like 'make it anew' "$out" 'score +archive +done'
exits 'and other scores' 1 cmp typed/scores.csv a/score/archive/scores.csv
is 'the old are kept' "$(cmp typed/scores.csv a/score/archive/earlier-1/scores.csv && echo kept)" kept

sed 's/archive: \[study/elsewhere: [study/' study.yaml >wrong.yaml
exits 'an unknown cohort' 2 "$einthoven" study wrong.yaml --out b
like 'is named by line' "$err" "wrong.yaml:[0-9]+: no cohort 'elsewhere'"
sed 's/archive: \[study\/age, study\/sex\]/archive: [study\/age, study\/age]/' study.yaml >wrong.yaml
exits 'a task twice' 2 "$einthoven" study wrong.yaml --out b
like 'is named' "$err" 'age is scored twice on archive'
done_testing
