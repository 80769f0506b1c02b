# shellcheck shell=bash disable=SC2154
# From files of ECGs to scores with the smallest of models, for tests that the bits depend on no processor.

# whole_way NAME COMMAND...: what COMMAND (the program, behind an emulator perhaps) makes of SYNTHETIC records, in $tmp/NAME:
# corpus, 51 updates of pretraining, an adapted model, metrics, scores. $tmp/from/ecg and $tmp/from/corpus.h5 are taken if they
# are there. The last lines of what it said are in $tmp/NAME.log.
whole_way() {
    local name=$1
    shift
    mkdir "$tmp/way" # one folder for all: scores tell where recordings lie
    [ ! -e "$tmp/from" ] || cp -r "$tmp/from/ecg" "$tmp/from/corpus.h5" "$tmp/way"
    walk "$@" >"$tmp/$name.log" 2>&1
    local status=$?
    mv "$tmp/way" "$tmp/$name"
    [ $status -eq 0 ] || { tail -n 5 "$tmp/$name.log" >&2; return 1; }
}
walk() {
    (
        cd "$tmp/way" || exit 1
        printf 'contract: {leads: [I, II, V1], fs_hz: 50, samples: 500, notch_hz: 50}\n' >ingest.yaml
        cat >tasks.yaml <<'YAML'
tasks:
  - {name: fast, kind: binary, group: ecg, rule: heart_rate_bpm > 75}
  - {name: age, kind: regression, group: demographic, columns: [age], unit: years}
YAML
        cat >small.yaml <<'YAML'
contract: {leads: [I, II, V1], fs_hz: 50, samples: 500, notch_hz: 50}
model: {patch: 25, width: 26, depth: 2, heads: 2, mlp: 37, decoder_width: 12, decoder_depth: 1, decoder_heads: 2, decoder_mlp: 24}
train: {epochs: 17, batch: 16, slots: 2, warmup_epochs: 1, threads: 1}
split: {by: hash, valid_fraction: 0.1, test_fraction: 0.4}
data: {validation_fraction: 0.1}
run: {log_seconds: 1000, checkpoint_minutes: 0}
YAML
        cat >tune.yaml <<'YAML'
train: {epochs: 2, batch: 16, slots: 2, warmup_epochs: 0, lr: 2e-3, threads: 1}
split: {by: hash, valid_fraction: 0.1, test_fraction: 0.4}
finetune: {tasks: [tasks.yaml], shared: true, mode: "full"}
run: {log_seconds: 1000, checkpoint_minutes: 0}
YAML
        if [ ! -e corpus.h5 ]; then
            "$@" synth --out ecg --set synth.records=110 --set synth.seed=5 || exit
            "$@" ingest ingest.yaml ecg --out corpus.h5 --labels ecg/labels.csv --label-key path --age-column age \
                --sex-column sex || exit
        fi
        "$@" pretrain small.yaml --corpus corpus.h5 --run pre || exit
        "$@" finetune tune.yaml --corpus corpus.h5 --from pre/model.safetensors --run tuned || exit
        tuned=$(echo tuned/*/*/model.safetensors)
        "$@" evaluate --model "$tuned" --corpus corpus.h5 --out tested --part test --set split.by=hash \
            --set evaluate.replicates=60 --set evaluate.minimum=5 --set evaluate.threads=1 \
            --set split.valid_fraction=0.1 --set split.test_fraction=0.4 || exit
        "$@" score ecg --model "$tuned" --out scored
    )
}

# same_way NAME OTHER: every file that two of them left is the same to the last byte, but for what tells of the clock.
same_way() {
    local file differ=()
    while IFS= read -r file; do
        cmp -s "$tmp/$1/$file" "$tmp/$2/$file" || differ+=("$file")
    done < <(cd "$tmp/$1" && find . -type f ! -name log.txt ! -name STATE ! -name LOCK ! -path '*/blocks/*' | sort)
    [ ${#differ[@]} -eq 0 ] || { printf 'differs: %s\n' "${differ[@]:0:12}" >&2; return 1; }
    [ "$(cd "$tmp/$1" && find . | sort)" = "$(cd "$tmp/$2" && find . | sort)" ]
}
