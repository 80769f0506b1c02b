#!/bin/bash
# timeout: 900
# ingest from outside: the same file on any number of ranks and threads, exit codes, dry run, real data.
. "$(dirname "$0")/../lib.sh"

helper=$(dirname "$einthoven")/tests/mpi/test_ingest
data=$tmp/data
ok 'recordings are made' "$helper" make "$data"

# ingest RANKS FOLDER [OPTION...]: into FOLDER/corpus.h5, a name that is the same in every configuration.
# shellcheck disable=SC2317 # called through ok
ingest() {
    local ranks=$1 folder=$2
    shift 2
    mkdir -p "$folder"
    (cd "$folder" && mpi "$ranks" "$einthoven" ingest "$data" --out corpus.h5 --labels "$data/labels.csv" \
        --label-key path --patient-column subject --set ingest.round=7 "$@")
}

for compress in 0 4; do
    for ranks in 1 2 3 4; do
        ok "$ranks ranks, compress $compress" ingest "$ranks" "$tmp/$compress-$ranks" --set ingest.compress=$compress
        ok 'the bytes of one rank' cmp "$tmp/$compress-1/corpus.h5" "$tmp/$compress-$ranks/corpus.h5"
    done
done
run ingest 1 "$tmp/summary"
like 'summary: accepted' "$out" '^accepted: 30 records$'
like 'summary: rejected' "$out" '^rejected: 6$'
like 'summary: flags' "$out" '^  1 duplicate$'
ok 'compression changes no data' "$helper" same "$tmp/0-1/corpus.h5" "$tmp/4-1/corpus.h5"
ok 'two threads' ingest 2 "$tmp/threads" --set ingest.threads=2
ok 'give the data of one' "$helper" same "$tmp/0-1/corpus.h5" "$tmp/threads/corpus.h5"
ok 'rounds of another size' ingest 3 "$tmp/rounds" --set ingest.round=1000
ok 'give the same data' "$helper" same "$tmp/0-1/corpus.h5" "$tmp/rounds/corpus.h5"
exits 'which "same" would notice' 1 "$helper" same "$tmp/0-1/corpus.h5" "$tmp/missing.h5"
ok 'a preset' ingest 1 "$tmp/preset" --set model.preset=small
exits 'other data differ' 1 "$helper" same "$tmp/0-1/corpus.h5" "$tmp/preset/corpus.h5"

printf 'contract: {fs_hz: 100, samples: 1000}\ningest: {out: corpus.h5, folders: ["%s"]}\n' "$data" >"$tmp/study.yaml"
mkdir "$tmp/yaml"
ok 'a configuration file names folders and corpus' bash -c "cd '$tmp/yaml' && '$einthoven' ingest ../study.yaml"

ok 'a dry run ends well' "$einthoven" ingest "$data" --out "$tmp/dry.h5" --labels "$data/labels.csv" --dry-run
like 'it counts the recordings' "$out" '^recordings: 36 found'
like 'it shows a header' "$out" '12 leads \(I II III aVR aVL aVF V1 V2 V3 V4 V5 V6\), 500 Hz, 10 s'
like 'it estimates size, memory and time' "$out" '^corpus: .* MB|^memory: |^time: about'
like 'it tries the label tables' "$out" 'recordings have a row'
is 'it writes nothing' "$(find "$tmp" -name "dry*" | wc -l)" 0

exits 'an existing corpus is kept' 1 ingest 1 "$tmp/0-1"
like 'and the message says how to replace it' "$err" 'corpus.h5 exists; --overwrite'
ok '--overwrite replaces it' ingest 1 "$tmp/0-1" --overwrite
exits 'no corpus named' 2 "$einthoven" ingest "$data"
like 'the message says so' "$err" 'give --out FILE.h5'
exits 'no folder named' 2 "$einthoven" ingest --out "$tmp/x.h5"
exits 'a folder that is not there' 1 "$einthoven" ingest "$tmp/absent" --out "$tmp/x.h5"
like 'the message names it' "$err" 'absent'
ok 'one of two folders is not there' "$einthoven" ingest "$tmp/absent" "$data" --out "$tmp/two.h5"
like 'that is said' "$err" "warning: $tmp/absent: No such file"
like 'and counted' "$out" '^  1 folder cannot be read$'
exits 'nothing accepted' 1 "$einthoven" ingest "$data" --out "$tmp/x.h5" --set ingest.min_seconds=60
is 'in one line' "$(grep -c 'none of 36 recordings was accepted: 34 too short (first: ' <<<"$err")" 1
exits 'a folder for the corpus that is not there' 1 "$einthoven" ingest "$data" --out "$tmp/no/x.h5"
like 'is named' "$err" 'no/x.h5'
exits 'a key column that is not there' 2 "$einthoven" ingest "$data" --out "$tmp/x.h5" --labels "$data/labels.csv" --label-key pth
like 'is named' "$err" "labels.csv: no column 'pth' to join by \(label_key\); its columns are [^,]+, [^,]+"
exits 'a corpus that is not there' 1 "$einthoven" pretrain --corpus "$tmp/absent.h5" --dry-run
is 'is named once' "$(grep -o 'absent\.h5' <<<"$err" | wc -l)" 1
exits 'a key that fits nothing' 2 "$einthoven" ingest "$data" --out "$tmp/x.h5" --labels "$data/labels.csv" --label-key centre
like 'shows a key and a recording' "$err" "the first key is 'centre 0', the first recording $data/a/big.hea"
exits 'a label column that is not there' 2 "$einthoven" ingest "$data" --out "$tmp/x.h5" --labels "$data/labels.csv" --label-columns LVHH
like 'names the nearest' "$err" "the nearest is 'LVH'"
is 'no corpus is left of all these' "$(find "$tmp" -maxdepth 1 -name "x*" | wc -l)" 0

# --- folders that somebody else filled --------------------------------------------------------------------

wild=$tmp/wild
mkdir "$wild" "$tmp/elsewhere"
printf 'secret of somebody else\n' >"$tmp/elsewhere/passwords"
cp "$data"/a/r00.* "$wild"
cp "$wild"/r00.* "$tmp/elsewhere/"
mkfifo "$wild/pipe.hea"
ln -s "$tmp/elsewhere/passwords" "$wild/leak.hea"
ln -s nowhere "$wild/$(printf 'tab\tlink.hea')"
cp "$wild/r00.hea" "$wild/$(printf 'e\033[2Jx.hea')"
cp "$wild/r00.hea" "$wild/=cmd|calc.hea"
ln -s ../elsewhere "$wild/away"
ok 'a folder with links, pipes and strange names' "$einthoven" ingest "$wild" --out "$tmp/wild.h5" --set model.preset=tiny
unlike 'nothing of what lies outside is said' "$out$err" 'secret'
like 'nor taken' "$out" '^accepted: 3 records$'
like 'links and pipes are counted' "$out" '^  4 folder cannot be read$'
like 'names that tables would obey are changed and counted' "$out" '^renamed: 2 records'
unlike 'no escape reaches the terminal' "$out$err" "$(printf '\033')"
run "$einthoven" inspect --json "$tmp/wild.h5"
for name in leak.hea 'tab\?link.hea' pipe.hea away; do like "$name is listed" "$out" "\"path\": \"$name\""; done
unlike 'and nothing of the file it leads to' "$out" 'secret'
ok 'links are followed on request' "$einthoven" ingest "$wild" --out "$tmp/wild2.h5" --set model.preset=tiny --follow-links \
    --set ingest.record_id=path
like 'into the other folder' "$out" '^accepted: 4 records$'
exits 'a pipe that is named' 1 "$einthoven" ingest "$wild/pipe.hea" --out "$tmp/pipe.h5"
like 'is said to be one' "$err" 'pipe.hea: a pipe, socket or device'

# --- real recordings, where they are --------------------------------------------------------------------

real=${EINTHOVEN_DATA:-${XDG_CACHE_HOME:-$HOME/.cache}/einthoven}
if [ -f "$real/labels.csv" ]; then
    options=(--labels "$real/labels.csv" --label-key path --patient-column subject --age-column age --sex-column sex
        --cohort-column cohort --text-columns 'superclass,scp_statements')
    ok 'PTB-XL at 500 Hz' mpi 2 "$einthoven" ingest "$real/ptbxl" --out "$tmp/paper.h5" --set model.preset=paper "${options[@]}"
    like 'all 2,037 records' "$out" '^accepted: 2037 records$'
    like 'none rejected' "$out" '^rejected: 0$'
    like 'all with labels' "$out" '2037 of 2037 records have a row'
    ok 'every 19th is its source' "$helper" check "$tmp/paper.h5" "$real/ptbxl" 19
    like 'to the count' "$out" '^compared 108, exact 108, hashed 108, '
    ok 'all cohorts at 100 Hz' mpi 3 "$einthoven" ingest "$real" --out "$tmp/tiny.h5" --set model.preset=tiny "${options[@]}"
    like 'every labelled record has its row' "$out" '; 2244 of 2251 records have a row'
    like 'all of the table is used' "$out" '^rejected: 28$'
    ok 'every 23rd is its source' "$helper" check "$tmp/tiny.h5" "$real" 23
else
    skip 'real recordings' "no $real/labels.csv"
fi
done_testing
