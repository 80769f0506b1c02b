#!/bin/bash
# timeout: 900
# What happens to jobs and to those who submit them on sites that are not as one would wish: chains to cancel, signals that
# come too early, a controller that is away, no locks, comments and --export of the site's own, launchers that do not start,
# descriptions that are edited while jobs wait, colleagues who only look.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/slurm/fixture.sh
. "$(dirname "$0")/fixture.sh"
cd "$tmp" || exit 1
# shellcheck source=tests/slurm/little.sh
. "$root/tests/slurm/little.sh"
make_shim || skip_all 'no compiler for a shim'
hold() { scontrol update PartitionName=debug State=DOWN; }  # jobs may queue but not start
release() { scontrol update PartitionName=debug State=UP; }
in_file() { grep -qE -e "$2" "$1"; }
stage_jobs() { squeue --noheader --array --format='%j' | grep -c -- "-$1\$"; }

# --- chains: cancel stops every link ------------------------------------------------------------------------------
site chain 'EIN_LAUNCHER=(mpirun)' EIN_MODE=chain EIN_LINKS=3
hold
ok 'a study of chains is submitted' "$study" little.yaml --out out/chain --site chain.env
is 'three jobs for each cell' "$(squeue --noheader --array | wc -l)" 48
ok 'one stage is cancelled' "$study" little.yaml cancel --stage evaluate --out out/chain --site chain.env
ok 'all links of it leave the queue' wait_for 30 eval '[ "$(stage_jobs evaluate)" -eq 0 ]'
is 'the links of other stages stay' "$(stage_jobs pretrain) $(stage_jobs finetune)" '3 12'
ok 'resume queues the stage again' "$study" little.yaml resume --out out/chain --site chain.env
is 'with all its links, and nothing twice' "$(stage_jobs evaluate) $(stage_jobs finetune) $(stage_jobs pretrain)" '12 12 3'
ok 'the study is cancelled' "$study" little.yaml cancel --out out/chain --site chain.env
ok 'all links leave the queue' wait_for 30 no_jobs
run "$study" little.yaml status --out out/chain --site chain.env
like 'status says what to do for jobs that are gone' "$out" 'synth/0 unlabelled: no job has it; resume queues it'

# --- a site's own comment and --export; a plugin's words; numbers of arrays ---------------------------------------
site own 'EIN_LAUNCHER=(mpirun)' 'EIN_SBATCH=(--comment=project-42 --export=NONE)' EIN_ARRAY_SIZE=2
ok 'a study with a comment of the site' "$study" little.yaml --out out/own --site own.env
like 'each rank has one thread, which is said' "$out" '^each rank has one thread.*EIN_CORES_PER_NODE is not set'
jobs=$(squeue --noheader --array | wc -l)
ok 'resume' "$study" little.yaml resume --out out/own --site own.env
like 'knows its jobs' "$out" '^nothing to submit: 0 of 16 cells are done, 16 in the queue'
is 'and queues nothing twice' "$(squeue --noheader --array | wc -l)" "$jobs"
is 'cells beyond the limit of an array are an array of their own' \
    "$(awk -F'\t' '$2 == "finetune" { print $3, $7 }' out/own/slurm/jobs.tsv | sort | tr '\n' ';')" '0 0;1 0;2 2;3 2;'
site oncology 'EIN_LAUNCHER=(mpirun)' EIN_ACCOUNT=oncology
exits 'a plugin refuses' 1 "$study" little.yaml --out out/wrong --site oncology.env
one_line 'a plugin refuses' 'oncology has no hours left this month: use cardiology'

# --- a description that is edited while its jobs wait ---------------------------------------------------------------
# With the tasks in another order every number means another cell.
cp little.yaml edited.yaml
ok 'a study is submitted' "$study" edited.yaml --out out/edited --site own.env
sed -i 's|\[study/age, study/sex\]|[study/sex, study/age]|' edited.yaml
is 'another order' "$("$einthoven" study edited.yaml --cells finetune --out out/edited | cut -f1,2 | head -n 1)" $'0\tsex/ssl-s1'
ok 'it is edited, and resumed' "$study" edited.yaml resume --out out/edited --site own.env
like 'that queued jobs have the old description is said' "$err" 'edited.yaml has changed: [0-9]+ queued jobs go by the description of their submission'
like 'no cell is queued twice' "$out" '^nothing to submit: 0 of 16 cells are done, 16 in the queue'
release
ok 'own ends' wait_for 400 eval '! squeue --noheader --format=%j | grep -q "^own-"'
ok 'edited ends' wait_for 400 no_jobs
run "$study" little.yaml status --out out/own --site own.env
is 'own: all is done' "$status" 0
run "$study" edited.yaml status --out out/edited --site own.env
is 'edited: all is done' "$status:$(grep -cE 'finetune +4 +4 ' <<<"$out")" 0:1
like 'each number was what it had been' "$(cat out/edited/slurm/logs/finetune-0-*.log)" 'finetune/0 \(age/ssl-s1\): done'
ok 'the models are those of the study that was not edited' cmp out/own/finetune/sex/ssl-s1/sex/top-1-s1/model.safetensors \
    out/edited/finetune/sex/ssl-s1/sex/top-1-s1/model.safetensors
like 'logs of an array with an offset say so' "$(ls out/own/slurm/logs)" 'finetune-2\+0-'

# --- a signal before the program has begun -----------------------------------------------------------------------------
corpus=$tmp/out/own/corpora/unlabelled.h5
printf '%s\n' 'module() { touch "$MARK/loading"; [ -e "$MARK/quick" ] || sleep 10; }' >slow_modules.sh
site slow "EIN_MODULE_INIT=$tmp/slow_modules.sh" 'EIN_MODULES=(openmpi)' 'EIN_LAUNCHER=(mpirun)' "export MARK=$tmp"
# pretrain NAME SITE [SBATCH OPTION...]
pretrain() {
    job=$(sbatch --parsable -N 1 -n 1 --output="$tmp/$1.log" "${@:3}" "$root/slurm/pretrain.sbatch" --site "$tmp/$2.env" \
        --set model.preset=tiny --set train.epochs=1 --set train.batch=64 --set train.slots=4 --set train.warmup_epochs=0 \
        --corpus "$corpus" --run "$tmp/out/$1")
}
pretrain early slow
ok 'modules are loading' wait_for 60 test -e loading
touch quick
scancel --signal=USR1 --batch "$job"
ok 'a signal meanwhile brings the job back into the queue' wait_for 60 in_file early.log 'told to stop by USR1 before the program began; back into the queue'
ok 'and it is done by its next life' wait_for 90 in_file early.log 'pretrain: done'
ok 'early is gone' wait_for 60 job_gone "$job"
is 'modules are loaded once in a life' "$(grep -c 'restart' early.log)" 2

site staging "EIN_STAGE_DIR='\$([ -e $tmp/staging ] || { touch $tmp/staging; sleep 60; }; echo $tmp/staged)'" 'EIN_LAUNCHER=(mpirun)'
pretrain copied staging
ok 'a corpus is being copied' wait_for 60 test -e staging
scancel --signal=USR1 --batch "$job"
ok 'a signal meanwhile brings the job back into the queue' wait_for 50 in_file copied.log 'told to stop by USR1 before the program began; back into the queue'
ok 'and it is done by its next life' wait_for 90 in_file copied.log 'pretrain: done'
ok 'copied is gone' wait_for 60 job_gone "$job"
is 'no copy is left' "$(find "$tmp/staged" -type f 2>/dev/null | wc -l)" 0

# --- the controller is away while a job goes back into the queue ------------------------------------------------------
cat >stopping.sh <<SH
#!/bin/bash
[ "\$1" = --version ] && exit 0
mkdir -p "$tmp/out/away/ckpt"
[ -e "$tmp/twice" ] && { echo done >"$tmp/out/away/STATE"; exit 0; }
printf 'running\nstep: 0\nreason: \n' >"$tmp/out/away/STATE"
until [ -e "$tmp/stop" ]; do sleep 0.2; done
touch "$tmp/twice" "$tmp/out/away/ckpt/step-1.h5"
printf 'stopped\nstep: 0\nreason: SIGUSR1\n' >"$tmp/out/away/STATE"
SH
chmod +x stopping.sh
site away "EIN_PROGRAM=$tmp/stopping.sh" 'EIN_LAUNCHER=(env)'
pretrain away away
ok 'a job runs' wait_for 60 test -e out/away/STATE
slurm_controller_kill
touch stop
ok 'the controller does not answer, which is said' wait_for 120 test -s out/away/slurm-notes/pretrain.verdict
like 'in one line' "$(cat out/away/slurm-notes/pretrain.verdict)" "^stopped: .*Slurm's controller did not answer.*resume goes on"
run "$study" little.yaml status --out out/own --site own.env
like 'status goes on without it' "$out" '^Slurm does not answer .*is not known'
like 'with what the folders say' "$out" 'finetune +4 +4 '
exits 'nothing is queued meanwhile' 1 "$study" little.yaml resume --out out/own --site own.env
one_line 'nothing is queued meanwhile' '^slurm/study: Slurm does not answer .*try again later'
slurm_controller_start
ok 'it answers again' wait_for 120 squeue
ok 'it is back, and so is the job' wait_for 120 in_file away.log 'pretrain: done'
is 'the verdict is gone' "$(cat out/away/slurm-notes/pretrain.verdict 2>/dev/null)" ''

# --- launchers that do not start the program, and memory ---------------------------------------------------------------
site nonsense 'EIN_LAUNCHER=(srun --mpi=nonsense)'
pretrain nonsense nonsense
ok 'a launcher with a wrong option: the job ends' wait_for 60 job_gone "$job"
like 'at once, with its words' "$(cat out/nonsense/slurm-notes/pretrain.verdict)" 'the launcher could not start the program .*nonsense.*EIN_LAUNCHER'
is 'after one life' "$(grep -c ' restart [0-9]*, state' nonsense.log)" 1
cat >hungry.sh <<SH
#!/bin/bash
[ "\$1" = --version ] && exit 0
mkdir -p "$tmp/out/hungry" && printf 'running\nstep: 0\nreason: \n' >"$tmp/out/hungry/STATE"
echo 'slurmstepd: error: Detected 1 oom-kill event(s) in StepId=1.0. Some of your processes may have been killed by the cgroup out-of-memory handler.'
kill -KILL \$\$
SH
chmod +x hungry.sh
site hungry "EIN_PROGRAM=$tmp/hungry.sh" 'EIN_LAUNCHER=(env)'
pretrain hungry hungry
ok 'ranks that are killed for memory: the job ends' wait_for 120 job_gone "$job"
like 'and EIN_MEM is named' "$(cat out/hungry/slurm-notes/pretrain.verdict)" '3 lives in a row .*for want of memory.*raise EIN_MEM'

# --- what reaches the ranks with --export=NONE ------------------------------------------------------------------------
printf '%s\n' '#!/bin/bash' '[ "$1" = --version ] && exit 0' "mkdir -p $tmp/out/export" \
    "echo \"threads \${OMP_NUM_THREADS:-none}, module \${FROM_MODULE:-none}\" >$tmp/ranks" "echo done >$tmp/out/export/STATE" >ranks.sh
chmod +x ranks.sh
printf '%s\n' 'module() { export FROM_MODULE=loaded; }' >modules.sh
for launcher in 'srun --mpi=none' mpirun; do
    rm -rf ranks out/export
    site export "EIN_MODULE_INIT=$tmp/modules.sh" 'EIN_MODULES=(openmpi)' "EIN_LAUNCHER=($launcher)" "EIN_PROGRAM=$tmp/ranks.sh"
    pretrain export export --export=NONE
    ok "$launcher, --export=NONE: the job ends" wait_for 60 job_gone "$job"
    is "$launcher, --export=NONE: ranks have threads and modules" "$(cat ranks)" 'threads 1, module loaded'
done

# --- no locks; colleagues --------------------------------------------------------------------------------------------
hold
ok 'without locks a study is submitted' shim EIN_FLOCK=37 "$study" little.yaml --out out/nolock --site own.env
like 'which is said' "$err" 'has no locks .*No locks available.*submitting takes their place'
ok 'nothing of it is left' test ! -e out/nolock/slurm/submitting
mkdir out/nolock/slurm/submitting && echo "elsewhere 1 2026-01-01T00:00:00Z" >out/nolock/slurm/submitting/owner
exits 'another host is submitting' 1 shim EIN_FLOCK=37 "$study" little.yaml resume --out out/nolock --site own.env
like 'its owner is named, and what to do' "$err" 'process 1 on elsewhere since 2026.*rm -r .*submitting'
bash -c : & gone=$!
wait "$gone"
echo "$(hostname) $gone 2026-01-01T00:00:00Z" >out/nolock/slurm/submitting/owner
ok 'of a process that is gone it is taken over' shim EIN_FLOCK=37 "$study" little.yaml resume --out out/nolock --site own.env
like 'and what is in the queue is seen' "$out" '^nothing to submit: 0 of 16 cells are done, 16 in the queue'
# With a copy of the program and the scripts, as the checkout may lie where only its owner looks.
cp "$einthoven" program && cp -r "$root/slurm" kit && site colleague "EIN_PROGRAM=$tmp/program" && chmod -R a+rX program kit ./*.env ./*.yaml out
if [ "$(id -u)" -eq 0 ] && setpriv --reuid 65534 --clear-groups test -r "$tmp/program" -a -r "$tmp/little.yaml"; then
    run setpriv --reuid 65534 --clear-groups env HOME=/nonexistent kit/study little.yaml status --out out/nolock --site colleague.env
    like 'a colleague sees the jobs' "$out" ' 4 cells +finetune PENDING'
    exits 'but submits nothing' 1 setpriv --reuid 65534 --clear-groups env HOME=/nonexistent kit/study little.yaml resume --out out/nolock --site colleague.env
    like 'and is told why' "$err" 'cannot write .*slurm/lock.*Permission denied'
else
    skip 'a colleague' 'only root can become somebody else, and the program must be readable for all'
fi
ok 'cancelled' "$study" little.yaml cancel --out out/nolock --site own.env
ok 'the queue is empty' wait_for 120 no_jobs
release

# --- a checkout whose path has a blank ---------------------------------------------------------------------------------
mkdir 'a checkout' && cp -r "$root/slurm" 'a checkout/slurm'
ok 'a path with a blank' "$tmp/a checkout/slurm/study" little.yaml --out 'out/a blank' --site own.env --stage ingest
ok 'its jobs end' wait_for 300 no_jobs
run "$study" little.yaml status --out 'out/a blank' --site own.env
like 'its cells are done' "$out" 'ingest +3 +3 '
done_testing
