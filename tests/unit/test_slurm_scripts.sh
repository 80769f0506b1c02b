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
    '^srun --nodes=4 --ntasks=8 --ntasks-per-node=2 --cpus-per-task=16 --kill-on-bad-exit=1 --cpu-bind=cores --mpi=pmix$'
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

# Launchers say by --version whose they are; words around the launcher stay where they are.
launcher() { printf '%s\n' '#!/bin/sh' "echo '$2'" >"$tmp/$1" && chmod +x "$tmp/$1"; }
launcher mpiexec.hydra 'HYDRA build details:'
launcher mpirun.strange 'mpirun of tomorrow'
allocation=(SLURM_JOB_NUM_NODES=2 'SLURM_JOB_CPUS_PER_NODE=16(x2)' SLURM_NTASKS_PER_NODE=2 SLURM_NTASKS=4 SLURM_CPUS_PER_TASK=8)
place "LAUNCHER=$tmp/mpiexec.hydra" "${allocation[@]}"
like 'MPICH: ranks of a node, binding' "$out" '/mpiexec\.hydra -n 4 -ppn 2 -bind-to core:8$'
place "LAUNCHER=$tmp/mpiexec.hydra" EIN_BIND=none "${allocation[@]}"
like 'MPICH: no binding' "$out" '/mpiexec\.hydra -n 4 -ppn 2 -bind-to none$'
place "LAUNCHER=$tmp/mpirun.strange" "${allocation[@]}"
like 'an unknown launcher gets what all take' "$out" '/mpirun\.strange -n 4$'
like 'and that is said' "$err" 'WARNING: .*names no MPI that is known'
place 'LAUNCHER=env A=1 mpirun --mca btl self apptainer exec ein.sif' EIN_BIND=none "${allocation[@]}"
like 'words around the launcher stay in place' "$out" \
    '^env A=1 mpirun -n 4 -x OMP_NUM_THREADS --map-by ppr:2:node --bind-to none --mca btl self apptainer exec ein\.sif$'
place 'LAUNCHER=aprun -n {ranks} -N {ranks_per_node} -d {threads} --nodes={nodes}' "${allocation[@]}"
like 'a template is filled in, and nothing is added' "$out" '^aprun -n 4 -N 2 -d 8 --nodes=2$'

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

# What Slurm says when it refuses; a plugin of the site's own says first what it wants.
refused() { refusal "$(printf 'sbatch: error: %s\n' "$@")"; }
like 'a limit of jobs is no wrong account' \
    "$(refused 'Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user'"'"'s size and/or time limits)')" \
    "^Slurm refuses this by a limit of your account or QOS .*MaxSubmitJobs.*--stage"
like 'a plugin is heard out' "$(refused 'Please name a project with --account' 'Batch job submission failed: Unspecified error')" \
    'Please name a project with --account; Unspecified error'
like 'numbers of arrays' "$(refused 'Batch job submission failed: Invalid job array specification')" 'MaxArraySize.*EIN_ARRAY_SIZE'

# Cells by how long they may wait: what the longest way does not go through is queued with a lower priority.
# shellcheck source=slurm/plan.sh
. "$root/slurm/plan.sh"
ein_site_defaults
plan=($'ingest\t0\tall\tmissing\t\t\tf' $'pretrain\t0\tpretrain\tmissing\tingest/0\t\tf'
    $'finetune\t0\tage/ssl-s1\tmissing\tingest/0,pretrain/0\t\tf' $'finetune\t1\tage/de-novo-s1\tmissing\tingest/0\t\tf'
    $'evaluate\t0\tage/all\tmissing\tfinetune/0,finetune/1\t\tf')
read_columns
plan_slacks
is 'what everything waits for is first' "${plan_slack[pretrain/0]} ${plan_slack[finetune/0]} ${plan_slack[evaluate/0]}" '0 0 0'
is 'a model from scratch can wait as long as pretraining takes' "${plan_slack[finetune/1]} $(nice_of finetune 1)" '86400 1440'

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
like 'a study without a plan: what to do' "$err" 'submissions/.*\.tsv is not there.*slurm/study s\.yaml resume'
ok 'the example of a site is sound' bash -n "$root/slurm/site.env.example"
is 'and sets nothing by itself' "$(grep -cvE '^#|^$' "$root/slurm/site.env.example")" 0
# What the example calls defaults are the defaults.
while IFS='=' read -r name value; do
    case $value in '' | '('*) continue ;; esac
    is "the example's $name" "$(ein_site_defaults && echo "${!name}")" "$value"
done < <(sed -n 's/^#\(EIN_[A-Z_]*=[^ ]*\).*/\1/p' "$root/slurm/site.env.example" | grep -v '=$' | grep -v PROGRAM)
# --- site.env: mistakes that bash passes over -------------------------------------------------------------------------
# site TEXT: load it.
site() {
    printf "$1" >"$tmp/its.env"
    run env EIN_SITE="$tmp/its.env" bash -c 'ein_root=$1; . "$1/slurm/site.sh"; ein_site_load; echo "account $EIN_ACCOUNT"' - "$root"
}
site 'EIN_ACCOUNT=abc\r\nEIN_PARTITION=cpu\r\n'
is 'Windows line ends are refused' "$status" 1
like 'by name, with what helps' "$err" 'its\.env has Windows line ends.*sed -i'
site 'EIN_ACCOUNT=abc\n# last\r'
is 'also in a comment' "$status" 1
while read -r line meant; do
    site "EIN_PARTITION=cpu\n$line\n"
    is "$line is refused" "$status" 1
    like "$line: the nearest key is named" "$err" "its\.env:2: there is no ${line%%=*}; did you mean $meant\?"
done <<'TABLE'
EIN_ACCONT=abc EIN_ACCOUNT
EIN_PARTITON=abc EIN_PARTITION
EIN_NODES_PRETAIN=4 EIN_NODES_PRETRAIN
EIN_TIME_FINTUNE=4 EIN_TIME_FINETUNE
EIN_MODULE=(gcc) EIN_MODULES
ein_account=abc EIN_ACCOUNT
TABLE
site 'export EIN_ACCOUNT=abc\n  EIN_SBATCH=(--constraint=x)\nOTHER=1\n#EIN_ACCONT=x\n'
is 'what is right is taken' "$out" 'account abc'
sed 's/^#EIN_/EIN_/; s/^\(EIN_[A-Z_]*=\)[[:space:]].*/\1/' "$root/slurm/site.env.example" >"$tmp/all.env"
run env EIN_SITE="$tmp/all.env" bash -c 'ein_root=$1; . "$1/slurm/site.sh"; ein_site=$EIN_SITE; ein_site_check' - "$root"
is 'every key of the example is known' "$status:$err" 0:

# --- both ways to write an option ----------------------------------------------------------------------------------------
parse() {
    run bash -c '. "$1/slurm/lib.sh"; shift; stage=pretrain; ein_parse "$@"; echo "$out|$corpus|$study|$link|${arguments[*]}"' - "$root" "$@"
}
parse a.yaml --run r1 --corpus c1 --set train.lr=1
is 'two words' "$out" 'r1|c1|||a.yaml --run r1 --corpus c1 --set train.lr=1'
parse a.yaml --run=r1 --corpus=c=1 --set=train.lr=1 --link=2/3
is 'one word' "$out" 'r1|c=1||2/3|a.yaml --run r1 --corpus c=1 --set train.lr=1'
parse --set=run.folder=r2 --set=data.corpus=c2 --study=s.yaml
is 'settings in one word' "$out" 'r2|c2|s.yaml||--set run.folder=r2 --set data.corpus=c2'
exits 'a run folder in one word will do' 1 env SLURM_JOB_ID=1 EIN_PROGRAM=/nowhere bash "$root/slurm/pretrain.sbatch" --site /dev/null --run="$tmp/r"
unlike 'and is found' "$err" 'no run folder'

# --- a checkout whose path has blanks --------------------------------------------------------------------------------------
mkdir -p "$tmp/my own/check out" "$tmp/bin" "$tmp/spool"
cp -r "$root/slurm" "$tmp/my own/check out/slurm"
for stage in synth ingest pretrain finetune evaluate table; do
    printf '#!/bin/sh\necho "   Command=%s a b.yaml --run x y"\n' "$tmp/my own/check out/slurm/$stage.sbatch" >"$tmp/bin/scontrol"
    chmod +x "$tmp/bin/scontrol"
    cp "$root/slurm/$stage.sbatch" "$tmp/spool/slurm_script" # as Slurm does
    ok "$stage.sbatch finds its folder" env -C "$tmp/spool" SLURM_JOB_ID=7 SLURM_SUBMIT_DIR=/nowhere PATH="$tmp/bin:$PATH" \
        bash "$tmp/spool/slurm_script" --help
done

done_testing
