#!/bin/bash
# What cannot be read of a study tells nothing: no cell is made again for it, and nobody sees a wrong state.
. "$(dirname "$0")/../lib.sh"
cd "$tmp" || exit 1
export OMP_NUM_THREADS=1

cat >study.yaml <<'YAML'
study: unreadable
preset: tiny
cohorts:
  clinic: {records: 32, synth: {synth.seed: 2, signal.fs_hz: 100}, split: {split.by: hash, split.valid_fraction: 0.25, split.test_fraction: 0.5}}
finetune:
  set: {model.depth: 1, model.width: 16, model.heads: 2, train.epochs: 1, train.batch: 16, train.slots: 2, run.log_seconds: 1000}
  arms: {full: {from: scratch}}
  tasks: {clinic: [study/sex]}
evaluate: {set: {evaluate.replicates: 0}, cohorts: {clinic: [study/sex]}}
YAML
study() { "$einthoven" study study.yaml --out made "$@"; }
states() { find made -type f -not -name study.yaml -exec stat -c '%n %i %Y' {} + | sort; }
make_shim || fail 'the shim is built'
ok 'a study' study --run
before=$(states)
cp made/evaluate/sex/clinic/metrics.json kept.json

# cannot NAME FILE PATTERN COMMAND...: it ends with a message that names the file, and makes nothing.
cannot() {
    local name=$1 file=$2 pattern=$3
    shift 3
    exits "$name" 1 "$@"
    like "$name: names the file and why" "$err" "$file: $pattern"
    is "$name: nothing is made" "$(states)" "$before"
}
for file in cells/ingest/clinic/STATE cells/finetune/sex/full-s1/COMMAND evaluate/sex/clinic/MADE-BY; do
    cannot "$file without permission, --run" $file 'Permission denied' shim EIN_OPEN=13 EIN_AT=$file "$einthoven" study study.yaml \
        --out made --run
    cannot "$file on a broken disk, --status" $file 'Input/output error' shim EIN_OPEN=5 EIN_AT=$file "$einthoven" study study.yaml \
        --out made --status
done
like 'the cell is named' "$err" 'evaluate sex/clinic: nobody can tell whether it is done'
cannot 'one cell by its number' cells/ingest/clinic/STATE 'Permission denied' shim EIN_OPEN=13 EIN_AT=cells/ingest/clinic/STATE \
    "$einthoven" study study.yaml --out made --stage synth --cell 0
cannot 'figures that cannot be read' evaluate/sex/clinic/metrics.json 'Permission denied' shim EIN_OPEN=13 \
    EIN_AT=clinic/metrics.json "$einthoven" study study.yaml --out made --cells evaluate

# A running cell whose lock may not be read is not taken for one whose process is gone.
cp made/cells/synth/clinic/STATE kept
sed -i '1s/.*/running/' made/cells/synth/clinic/STATE
touch made/cells/synth/clinic/LOCK
before=$(states)
cannot 'a lock without permission' cells/synth/clinic/LOCK 'Permission denied' shim EIN_OPEN=13 EIN_AT=synth/clinic/LOCK \
    "$einthoven" study study.yaml --out made --status
cat kept >made/cells/synth/clinic/STATE

# An output that may be there or not.
mv made/corpora/clinic.h5 kept.h5
ln -s clinic.h5 made/corpora/clinic.h5
before=$(states)
cannot 'an output behind links that go round' corpora/clinic.h5 'Too many levels' study --run
rm made/corpora/clinic.h5
run study --cells ingest
like 'one that is gone is missing' "$out" 'clinic.missing.*its output is gone'
mv kept.h5 made/corpora/clinic.h5
rm made/cells/ingest/clinic/COMMAND
run study --cells ingest
like 'so is one without its command' "$out" 'clinic.missing'

# A file that is no metrics.json any more, of an evaluation without a list of sums, is not read to its end.
rm made/evaluate/sex/clinic/MADE-BY
truncate -s 300M made/evaluate/sex/clinic/metrics.json
ok 'the corpus is made again' study --run --stage ingest
run study --stage table
is 'figures without end' "$status" 1
like 'are refused by their size' "$out$err" 'metrics.json: 314572800 bytes; a file of this kind has at most'

# Records of nobody are told of in the table.
sed 's/"records_of_unknown_patients": 0/"records_of_unknown_patients": 5/' kept.json >made/evaluate/sex/clinic/metrics.json
ok 'a table of records of nobody' study --stage table
like 'says so' "$(cat made/table.txt)" '^1 of 1 rows have records whose patient is not known \(up to 5\)'
done_testing
