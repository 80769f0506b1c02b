#!/bin/bash
# timeout: 900
# A study on Slurm from one command: submitted, watched, failing in one place, cancelled, resumed; two side by side; and the
# mistakes that people make, each with one clear line.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/slurm/fixture.sh
. "$(dirname "$0")/fixture.sh"
cd "$tmp" || exit 1
# shellcheck source=tests/slurm/little.sh
. "$root/tests/slurm/little.sh"

# --- mistakes, before anything is queued --------------------------------------------------------------------------
site account 'EIN_LAUNCHER=(mpirun)' EIN_ACCOUNT=nephrology
exits 'wrong account' 1 "$study" little.yaml --out out/wrong --site account.env
one_line 'wrong account' "refuses account 'nephrology'.*Invalid account.*EIN_ACCOUNT"
ok 'and nothing is in the queue' no_jobs
site partition 'EIN_LAUNCHER=(mpirun)' EIN_PARTITION=huge
exits 'wrong partition' 1 "$study" little.yaml --out out/wrong --site partition.env
one_line 'wrong partition' "no partition 'huge'.*EIN_PARTITION.*sinfo"
site nodes 'EIN_LAUNCHER=(mpirun)' EIN_NODES_SYNTH=9
exits 'more nodes than there are' 1 "$study" little.yaml --out out/wrong --site nodes.env
one_line 'more nodes than there are' 'no such nodes.*EIN_NODES_'

site no_module 'EIN_MODULES=(openmpi/9.9)'
exits 'no module command' 1 "$study" little.yaml --out out/wrong --site no_module.env
one_line 'no module command' "no 'module' command.*EIN_MODULE_INIT"
# What environment modules say is told apart from what they do: theirs, if they are here, else a function with their words.
init=/etc/profile.d/modules.sh
if [ ! -r "$init" ]; then
    init=$tmp/modules.sh
    printf '%s\n' 'module() {' "    [ \"\$2\" = there ] || { echo \"ERROR: Unable to locate a modulefile for '\$2'\" >&2; return 1; }" '}' >"$init"
fi
site module "EIN_MODULE_INIT=$init" 'EIN_MODULES=(openmpi/9.9)'
exits 'missing module' 1 "$study" little.yaml --out out/wrong --site module.env
one_line 'missing module' 'module openmpi/9\.9 cannot be loaded on .*Unable to locate.*EIN_MODULES'

site program EIN_PROGRAM=/nowhere/einthoven
exits 'no program' 1 "$study" little.yaml --out out/wrong --site program.env
one_line 'no program' '/nowhere/einthoven is not there.*EIN_PROGRAM'
site short EIN_TIME_PRETRAIN=1
exits 'a limit within the signal' 1 "$study" little.yaml --out out/wrong --site short.env
one_line 'a limit within the signal' 'EIN_TIME_PRETRAIN=1 leaves no time before the signal EIN_SIGNAL_S=20'
site time EIN_TIME_TABLE=soon
exits 'no time limit' 1 "$study" little.yaml --out out/wrong --site time.env
one_line 'no time limit' "EIN_TIME_TABLE='soon'"
exits 'a site that is not there' 1 "$study" little.yaml --out out/wrong --site nowhere.env
one_line 'a site that is not there' 'cannot read nowhere.env.*site.env.example'
exits 'no such study' 2 "$study" nowhere.yaml --out out/wrong --site mpirun.env
one_line 'no such study' 'cannot read nowhere.yaml'
sed 's/seeds:/sedes:/' little.yaml >slip.yaml
exits 'a slip in the study' 1 "$study" slip.yaml --out out/wrong --site mpirun.env
one_line 'a slip in the study' 'slip.yaml:[0-9]+'
exits 'unknown option' 2 "$study" little.yaml --faster --site mpirun.env
ok 'help' "$study" --help
like 'help says how' "$out" 'submit\|status\|cancel\|resume'

small=$tmp/small_disk
mkdir "$small"
if mount -t tmpfs -o size=4m tmpfs "$small" 2>/dev/null; then
    trap 'umount "$small"; slurm_stop; slurm_clean' EXIT
    exits 'full disk' 1 "$study" little.yaml --out "$small/out" --site mpirun.env
    one_line 'full disk' 'the disk is full: .* MiB left'
    site tiny_disk 'EIN_LAUNCHER=(mpirun)' EIN_MIN_FREE_MIB=0
    head -c 8M /dev/zero >"$small/fill" 2>/dev/null
    exits 'full to the last byte' 1 "$study" little.yaml --out "$small/out" --site tiny_disk.env
    one_line 'full to the last byte' 'cannot .*(is the disk full|No space left)'
    is 'full to the last byte: nothing torn is left' "$(find "$small" -name '*.partial' | wc -l)" 0
else
    skip 'full disk' 'a tmpfs cannot be mounted here'
fi

# --- what would be done -------------------------------------------------------------------------------------------
ok 'dry run' "$study" little.yaml --out out/a --site mpirun.env --dry-run
is 'dry run: a line for every job' "$(grep -c '^sbatch ' <<<"$out")" 12
like 'dry run: an evaluation waits for the models of its task alone' "$out" 'dependency=afterok:JOB6_0:JOB7_1:JOB3 .*evaluate.sbatch'
like 'dry run: the limit on concurrency' "$out" '^sbatch .*--array=0,2%2 .*finetune.sbatch'
like 'dry run: the critical path' "$out" 'synth/0 .*-> ingest/0 .*-> pretrain/0 .*-> finetune/0 .*-> evaluate/0 .*-> table/0 \(until 1:00:00\)'
ok 'dry run: nothing is queued' no_jobs
ok 'dry run: nothing is written' test ! -e out/a
site chain 'EIN_LAUNCHER=(mpirun)' EIN_MODE=chain EIN_LINKS=2
ok 'dry run of chains' "$study" little.yaml --out out/a --site chain.env --dry-run
is 'chains: two jobs for one' "$(grep -c '^sbatch ' <<<"$out")" 24
like 'chains: the second after the first, however that ends' "$out" 'dependency=afterany:JOB9 .*pretrain.sbatch .*--link 2/2'
like 'chains: models after the last of pretraining' "$out" 'dependency=afterok:JOB6:JOB10 .*finetune.sbatch .*--link 1/2'

# --- two studies at the same time, one failing in one place, one cancelled -----------------------------------------
scontrol update PartitionName=debug State=DOWN # jobs may queue but not start: what follows does not depend on their speed
mkdir -p out/a/finetune/sex && : >out/a/finetune/sex/ssl-s1 # where a model's folder should be
ok 'study a is submitted' "$study" little.yaml --out out/a --site mpirun.env
like 'the job table' "$out" '^[0-9]+ +pretrain +1 +4 x 1 x 1 '
ok 'study b is submitted' "$study" little.yaml --out out/b --site srun.env
exits 'a second submission' 1 "$study" little.yaml --out out/a --site mpirun.env
one_line 'a second submission' 'has jobs in the queue.*status.*resume'
exits 'another study in the same folder' 1 "$study" little.yaml resume --out out/a --site mpirun.env --scale 2
one_line 'another study in the same folder' 'out/a belongs to'
ok 'b is cancelled' "$study" little.yaml cancel --out out/b --site srun.env --now
ok 'b leaves the queue' wait_for 60 no_jobs_of out/b
is 'a is still there, cell by cell' "$(jobs_of out/a)" 16
run "$study" little.yaml status --out out/a --site mpirun.env
like 'status: what is in the queue' "$out" ' 4 cells +finetune PENDING Dependency'
scontrol update PartitionName=debug State=UP
ok 'a ends' wait_for 300 no_jobs_of out/a

run "$study" little.yaml status --out out/a --site mpirun.env
is 'status tells by its exit code that something failed' "$status" 1
like 'status names the failed cell and its reason' "$out" '^FAILED +finetune/2 sex/ssl-s1: .*(ssl-s1|directory)'
like 'status names what it blocks' "$out" '^blocked +evaluate/1 sex/clinical: needs finetune/2'
is 'the others finished: models' "$(cells_done finetune out/a)" 3
is 'the others finished: evaluations' "$(cells_done evaluate out/a)" 2
ok 'and a table of what there is' test -s out/a/table.txt

rm out/a/finetune/sex/ssl-s1
ok 'resume, dry' "$study" little.yaml resume --out out/a --site mpirun.env --dry-run
is 'resume submits the failed cell and what needed it' \
    "$(sed -n 's/^sbatch .*--array=\([0-9,-]*\)%.*\/\([a-z]*\)\.sbatch.*/\2 \1/p' <<<"$out" | tr '\n' ' ')" \
    'finetune 2 evaluate 1,3 table 0 '
ok 'resume' "$study" little.yaml resume --out out/a --site mpirun.env
ok 'resume b' "$study" little.yaml resume --out out/b --site srun.env
ok 'a ends again' wait_for 200 no_jobs_of out/a
ok 'b ends' wait_for 300 no_jobs_of out/b
for name in a b; do
    run "$study" little.yaml status --out "out/$name" --site mpirun.env
    is "$name: status is in order" "$status" 0
    is "$name: all cells are done" "$(for s in synth ingest pretrain finetune evaluate table; do cells_done "$s" "out/$name"; done | tr '\n' ' ')" \
        '3 3 1 4 4 1 '
done
ok 'resume of what is done' "$study" little.yaml resume --out out/a --site mpirun.env
like 'submits nothing' "$out" '^nothing to submit: 16 of 16 cells are done'

# --- one element of an array requeued; cancelled in order --------------------------------------------------------
sed 's/train.epochs: 1,/train.epochs: 100000, finetune.patience: 0,/' little.yaml >long.yaml
rows() { [ "$(cat out/c/finetune/"$1"/de-novo-s1/*/scratch-s1/metrics.csv | wc -l)" -ge "$2" ]; }
array_log() { cat out/c/slurm/logs/finetune-"$1"-*.log; }
in_log() { array_log "$1" | grep -qE -e "$2"; }
site staging 'EIN_LAUNCHER=(srun --mpi=pmix)' "EIN_STAGE_DIR='$slurm/tmp/\$SLURMD_NODENAME'"
ok 'a long study is submitted as far as models' "$study" long.yaml --out out/c --site staging.env --stage finetune
ok 'models train' wait_for 120 rows age 3
ok 'two at once' wait_for 120 rows sex 3
array=$(awk -F'\t' '$2 == "finetune" && $3 == "1,3" { print $1 }' out/c/slurm/jobs.tsv)
scancel --signal=USR1 --batch "${array}_3"
ok 'an element stops and is requeued' wait_for 90 in_log 3 'restart 1, state stopped'
ok 'the other is not' eval '! in_log 1 "restart 1|told to stop"'
like 'the corpus is on the node' "$(cat out/c/finetune/age/de-novo-s1/config.resolved.yaml out/c/finetune/age/de-novo-s1/*/*/config.resolved.yaml 2>/dev/null)" \
    'corpus: .*/slurm/tmp/n[1-4]/einthoven-[0-9]+/clinical\.h5'
touch out/c/finetune/age/de-novo-s1/age/scratch-s1/STOP
ok 'a STOP file ends an element' wait_for 60 in_log 1 'stopped on request \(STOP file\)'
ok 'it is cancelled' "$study" long.yaml cancel --out out/c --site staging.env
ok 'it leaves the queue' wait_for 60 no_jobs_of out/c
run "$study" long.yaml status --out out/c --site staging.env
like 'status knows what was cancelled' "$out" '^ENDED +finetune/3 .*: stopped: cancelled; resume goes on'
like 'and what was stopped' "$out" '^ENDED +finetune/1 .*: stopped on request \(STOP file\); resume goes on'
is 'staging: nothing is left behind' "$(find "$slurm"/tmp -name 'einthoven-*' | wc -l)" 0
ok 'resume, dry' "$study" long.yaml resume --out out/c --site staging.env --stage finetune --dry-run
like 'resume would go on with models' "$out" '^sbatch .*--array=0-3%2 .*finetune.sbatch'
unlike 'and with nothing after them' "$out" 'evaluate'

# --- the same without Slurm -----------------------------------------------------------------------------------------
ok 'the same study in one process' "$einthoven" study little.yaml --out out/plain --run
for file in pretrain/model.safetensors finetune/sex/ssl-s1/sex/top-1-s1/model.safetensors evaluate/age/abroad/scores.csv table.csv; do
    ok "$file of a is that of one process" cmp "out/plain/$file" "out/a/$file"
    ok "$file of b is that of one process" cmp "out/plain/$file" "out/b/$file"
done

# --- mistakes that show in the job --------------------------------------------------------------------------------
# verdict NAME ARGUMENT...: run the script as a job; what it says why it did not run, in $out.
verdict() {
    local name=$1
    shift
    sbatch --wait -N 1 -n 1 --output="$tmp/$name.log" "$root/slurm/pretrain.sbatch" "$@" --run "$tmp/out/$name" >/dev/null 2>&1
    status=$?
    out=$(cat "$tmp/out/$name/slurm-notes/pretrain.verdict")
}
verdict no_corpus --site "$tmp/mpirun.env" --corpus "$tmp/nowhere.h5"
is 'missing corpus: the job fails' "$status" 1
like 'missing corpus: why' "$out" '^the corpus .*/nowhere\.h5 is not there, or not readable on .*einthoven ingest'
is 'missing corpus: one line' "$(wc -l <no_corpus.log)" 1
verdict job_module --site "$tmp/module.env" --corpus out/plain/corpora/abroad.h5
like 'missing module in the job: why' "$out" '^module openmpi/9\.9 cannot be loaded'
if mountpoint -q "$small"; then
    site little_room 'EIN_LAUNCHER=(mpirun)' EIN_MIN_FREE_MIB=10
    sbatch --wait -N 1 -n 1 --output="$tmp/room.log" "$root/slurm/pretrain.sbatch" --site "$tmp/little_room.env" --run "$small/run" >/dev/null 2>&1
    like 'full disk in the job: why' "$(head -n 1 room.log)" 'the disk is full: .* MiB left'
fi

# --- an array of models without a study -----------------------------------------------------------------------------
array=$(sbatch --parsable --array=0-1 -N 1 -n 1 --output="$tmp/array-%a.log" "$root/slurm/finetune.sbatch" --site "$tmp/mpirun.env" \
    --corpus "$tmp/out/plain/corpora/clinical.h5" --tasks study/age --from scratch --seeds 2 --set finetune.patience=0 --set split.by=hash \
    --set model.preset=tiny --set train.batch=64 --set train.slots=4 --set train.epochs=100000 --run "$tmp/out/array")
trains() { [ "$(wc -l <"out/array/age/scratch-s$1/metrics.csv")" -ge "$2" ]; }
ok 'array: both models train' eval 'wait_for 60 trains 1 3 && wait_for 60 trains 2 3'
element=$(squeue --noheader --jobs="${array}_1" --format=%A)
ranks_of "$element" KILL
ok 'array: killed ranks put their element back into the queue' wait_for 60 grep -q 'were killed .*; back into the queue' array-1.log
ok 'array: which goes on' wait_for 60 grep -qE 'restart 1, state running, from (none|checkpoint [0-9]+)$' array-1.log
is 'array: the other one went on undisturbed' "$(grep -cE 'restart [0-9]+, state|back into' array-0.log)" 1
scancel "$array"
ok 'array: it leaves the queue' wait_for 60 no_jobs

# --- a corpus on the nodes' own disks --------------------------------------------------------------------------------
# Every fake node has a disk of its own; the ranks read the first one's, as they can only because all nodes are one machine.
site staging 'EIN_LAUNCHER=(mpirun)' "EIN_STAGE_DIR='$slurm/tmp/\$SLURMD_NODENAME'"
sbatch --wait -N 2 -n 2 --output="$tmp/staging.log" "$root/slurm/pretrain.sbatch" --site "$tmp/staging.env" --set model.preset=tiny \
    --set train.epochs=2 --set train.batch=64 --set train.slots=4 --set train.warmup_epochs=0 \
    --corpus "$tmp/out/plain/corpora/unlabelled.h5" --run "$tmp/out/staged" >/dev/null 2>&1
is 'staging: the job ends' "$?" 0
like 'staging: it says so' "$(cat staging.log)" 'unlabelled.h5 was copied to'
like 'staging: the copy is read' "$(cat out/staged/config.resolved.yaml)" 'corpus: .*/slurm/tmp/n[1-4]/einthoven-[0-9]+/unlabelled\.h5'
ok 'staging: the same model' cmp out/plain/pretrain/model.safetensors out/staged/model.safetensors
is 'staging: nothing is left behind' "$(find "$slurm"/tmp -name 'einthoven-*' | wc -l)" 0
done_testing
