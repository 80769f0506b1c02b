#!/bin/bash
# What the batch scripts make of an allocation, of time limits and of what they are given; no Slurm is needed.
. "$(dirname "$0")/../lib.sh"
unset "${!SLURM_@}"

# place VARIABLE=VALUE...: the launcher's line and what is said, for an allocation and a site. SLURM_* as Slurm sets them.
place() {
    run env "$@" bash -c '. "$1/slurm/lib.sh"
        stage=pretrain what=it study="" out=""
        [ -z "${LAUNCHER:-}" ] || read -r -a EIN_LAUNCHER <<<"$LAUNCHER"
        ein_site_defaults
        ein_place
        echo "${launch[*]}"
        echo "threads $OMP_NUM_THREADS"' - "$root"
}

place SLURM_JOB_NUM_NODES=4 'SLURM_JOB_CPUS_PER_NODE=32(x4)' SLURM_NTASKS_PER_NODE=2 SLURM_NTASKS=8 SLURM_CPUS_PER_TASK=16
like 'srun: ranks, threads, binding' "$out" \
    '^srun --mpi=pmix --nodes=4 --ntasks=8 --ntasks-per-node=2 --cpus-per-task=16 --kill-on-bad-exit=1 --cpu-bind=cores$'
like 'srun: threads' "$out" '^threads 16$'
like 'it is printed' "$err" '4 nodes x 2 ranks x 16 threads, binding: cores'
unlike 'nothing is wrong' "$err" 'WARNING|idle'

place 'LAUNCHER=mpirun' SLURM_JOB_NUM_NODES=2 'SLURM_JOB_CPUS_PER_NODE=48(x2)' SLURM_NTASKS_PER_NODE=4 SLURM_NTASKS=8 SLURM_CPUS_PER_TASK=12
like 'mpirun: mapping and binding' "$out" '^mpirun -n 8 -x OMP_NUM_THREADS --map-by ppr:4:node:pe=12 --bind-to core$'

place 'LAUNCHER=mpirun' EIN_BIND=none SLURM_JOB_NUM_NODES=2 'SLURM_JOB_CPUS_PER_NODE=8(x2)' SLURM_NTASKS=2 SLURM_CPUS_PER_TASK=8
like 'mpirun: no binding' "$out" '^mpirun -n 2 -x OMP_NUM_THREADS --map-by ppr:1:node --bind-to none$'

place 'LAUNCHER=mpirun' SLURM_JOB_NUM_NODES=1 SLURM_JOB_CPUS_PER_NODE=4 SLURM_NTASKS_PER_NODE=2 SLURM_NTASKS=2 SLURM_CPUS_PER_TASK=4
like 'oversubscription is warned about' "$err" 'WARNING: 2 ranks x 4 threads share 4 processors'
like 'oversubscription: ranks are not bound' "$out" '--oversubscribe .*--bind-to none'

place SLURM_JOB_NUM_NODES=2 'SLURM_JOB_CPUS_PER_NODE=64,16' SLURM_NTASKS_PER_NODE=1 SLURM_NTASKS=2
like 'unequal nodes: threads of the smallest' "$out" '^threads 16$'

place SLURM_JOB_NUM_NODES=1 SLURM_JOB_CPUS_PER_NODE=32 SLURM_NTASKS=1 SLURM_CPUS_PER_TASK=8
like 'idle processors are told' "$err" '24 of 32 allocated processors of a node are idle'

place SLURM_JOB_NUM_NODES=3 'SLURM_JOB_CPUS_PER_NODE=16(x3)' EIN_RANKS_PER_NODE=2
like 'without tasks in the allocation the site decides' "$out" '--ntasks=6 --ntasks-per-node=2 --cpus-per-task=8 '

place 'LAUNCHER=ibrun -v' SLURM_JOB_NUM_NODES=1 SLURM_JOB_CPUS_PER_NODE=4 SLURM_NTASKS=1
like 'a launcher of the site stays as it is' "$out" '^ibrun -v$'

# --- limits, ranges -------------------------------------------------------------------------------------------------
# shellcheck source=slurm/site.sh
ein_root=$root && . "$root/slurm/site.sh"
while read -r limit seconds; do is "limit $limit" "$(ein_seconds "$limit" || echo refused)" "$seconds"; done <<'TABLE'
90 5400
1:30 90
2:00:00 7200
08:09:09 29349
1-0 86400
1-12 129600
1-12:30 131400
2-00:00:10 172810
soon refused
1:2:3:4 refused
-5 refused
1- refused
TABLE
is 'durations' "$(ein_duration 59) $(ein_duration 7200) $(ein_duration 90061)" '0:00:59 2:00:00 1-01:01:01'
# shellcheck source=slurm/queue.sh
. "$root/slurm/queue.sh"
is 'ranges of cells' "$(ranges 0) $(ranges 0,1,2,5) $(ranges 7,3,4,9,10,11)" '0 0-2,5 3-4,7,9-11'

# A file is replaced as a whole or stays.
ein_write "$tmp/whole" <<<'first'
is 'a file is written' "$(cat "$tmp/whole")" first
if ein_write "$tmp/nowhere/whole" <<<'second' 2>/dev/null; then fail 'no folder to write to'; else pass 'no folder to write to'; fi

# --- wrong use ------------------------------------------------------------------------------------------------------
for stage in synth ingest pretrain finetune evaluate table; do
    ok "$stage.sbatch --help" bash "$root/slurm/$stage.sbatch" --help
    like "$stage.sbatch --help says how" "$out" "sbatch .*slurm/$stage\.sbatch"
done
exits 'outside of a job' 2 bash "$root/slurm/pretrain.sbatch" config.yaml --run r
like 'outside of a job: what to do' "$err" 'runs in a Slurm job: sbatch slurm/pretrain\.sbatch'
exits 'no run folder' 2 env SLURM_JOB_ID=1 bash "$root/slurm/pretrain.sbatch" --site /dev/null config.yaml
like 'no run folder: what to do' "$err" 'give --run FOLDER'
exits 'a study without its folder' 2 env SLURM_JOB_ID=1 SLURM_ARRAY_TASK_ID=0 bash "$root/slurm/finetune.sbatch" --site /dev/null --study s.yaml
exits 'a study without a plan' 1 env SLURM_JOB_ID=1 SLURM_ARRAY_TASK_ID=0 bash "$root/slurm/finetune.sbatch" --site /dev/null --study s.yaml --out "$tmp/o"
like 'a study without a plan: what to do' "$err" 'plan\.tsv is not there.*slurm/study s\.yaml submit'
ok 'the example of a site is sound' bash -n "$root/slurm/site.env.example"
is 'and sets nothing by itself' "$(grep -cvE '^#|^$' "$root/slurm/site.env.example")" 0
# What the example calls defaults are the defaults.
while IFS='=' read -r name value; do
    case $value in '' | '('*) continue ;; esac
    is "the example's $name" "$(ein_site_defaults && echo "${!name}")" "$value"
done < <(sed -n 's/^#\(EIN_[A-Z_]*=[^ ]*\).*/\1/p' "$root/slurm/site.env.example" | grep -v '=$' | grep -v PROGRAM)
done_testing
