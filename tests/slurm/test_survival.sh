#!/bin/bash
# timeout: 900
# Pretraining under Slurm: preempted, twice at its time limit, its nodes lost, requeued or chained; the bytes stay the same.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/slurm/fixture.sh
. "$(dirname "$0")/fixture.sh"
cd "$root" || exit 1

cat >"$tmp/small.yaml" <<'YAML'
contract: {leads: [I, II, V1, V2, V3, V4, V5, V6], fs_hz: 50, samples: 500}
model: {patch: 25, width: 24, depth: 2, heads: 3, mlp: 40, decoder_width: 12, decoder_depth: 1, decoder_heads: 2, decoder_mlp: 24}
train: {epochs: 200, batch: 16, slots: 8, warmup_epochs: 2, shuffle_run: 4, shuffle_window: 16}
data: {validation_fraction: 0.1}
run: {log_seconds: 1000, checkpoint_minutes: 0, checkpoint_steps: 0}
YAML
printf 'contract: {leads: [I, II, V1, V2, V3, V4, V5, V6], fs_hz: 50, samples: 500}\n' >"$tmp/ingest.yaml"
ok 'synthetic records' "$einthoven" synth --out "$tmp/ecg" --set synth.records=280 --set synth.seed=3
ok 'corpus' "$einthoven" ingest "$tmp/ingest.yaml" "$tmp/ecg" --out "$tmp/corpus.h5"
ok 'an undisturbed run, without Slurm' "$einthoven" pretrain "$tmp/small.yaml" --corpus "$tmp/corpus.h5" --run "$tmp/straight"
final=$(basename "$(find "$tmp/straight/ckpt" -name 'step-*.h5' | sort | tail -n 1)")

# site NAME LINES: a site's file.
site() { printf '%s\n' "EIN_PROGRAM=$einthoven" EIN_BIND=none EIN_MIN_FREE_MIB=10 EIN_SIGNAL_S=40 "${@:2}" >"$tmp/$1.env"; }
site mpirun 'EIN_LAUNCHER=(mpirun)'
site srun 'EIN_LAUNCHER=(srun --mpi=pmix)'

# A brake: every update is followed by a checkpoint, so that a life has a length and kills meet checkpoints. How often
# checkpoints are written is no part of what a run is; without the brake the job's last life is short.
brake() { sed "s/checkpoint_steps: 0/checkpoint_steps: $1/" "$tmp/small.yaml" >"$tmp/braked.yaml"; }

# pretrain NAME SITE [SBATCH OPTION...]: submit; the job's number in $job.
pretrain() {
    local name=$1 site=$2
    shift 2
    brake 1
    job=$(sbatch --parsable -N 4 -n 4 --output="$tmp/$name.log" --signal=B:USR1@60 "$@" slurm/pretrain.sbatch --site "$tmp/$site.env" \
        "$tmp/braked.yaml" --corpus "$tmp/corpus.h5" --run "$tmp/$name")
    log=$tmp/$name.log
}
step() { tail -n 1 "$tmp/$1/metrics.csv" 2>/dev/null | cut -d, -f1 | grep -xE '[0-9]+' || echo 0; }
beyond() { [ "$(step "$1")" -gt "$2" ]; }
state() { head -n 1 "$tmp/$1/STATE"; }
said() { [ "$(grep -cE -e "$2" "$1")" -ge "$3" ]; }
same() {
    ok "$1: parameters and moments are byte-equal" cmp "$tmp/straight/ckpt/$final" "$tmp/$1/ckpt/$final"
    ok "$1: metrics are byte-equal" cmp "$tmp/straight/metrics.csv" "$tmp/$1/metrics.csv"
    ok "$1: the model is byte-equal" cmp "$tmp/straight/model.safetensors" "$tmp/$1/model.safetensors"
}

# slow_to_the_limit NAME N: let the job run into its limit however fast the machine is: its ranks rest until it has been
# told to stop for the Nth time.
slow_to_the_limit() {
    wait_for 60 beyond "$1" $(($(step "$1") + 20))
    ranks_of "$job" STOP
    ok "limit $2: the signal arrives" wait_for 100 said "$log" 'told to stop by (USR1|the clock)' "$2"
    ranks_of "$job" CONT
    ok "limit $2: back in the queue" wait_for 60 said "$log" 'stopped \(SIGUSR1\); back into the queue' "$2"
}

# --- one run through everything, by mpirun ----------------------------------------------------------------------
# Slurm looks at limits every half minute: its signal comes 30 to 60 s after the start, the clock's after 80.
pretrain cut mpirun --time=2
is 'the job has a number' "$(grep -cxE '[0-9]+' <<<"$job")" 1
slow_to_the_limit cut 1
slow_to_the_limit cut 2

wait_for 60 beyond cut $(($(step cut) + 20))
urgent=$(sbatch --parsable -p urgent -N 4 --output=/dev/null --wrap true)
ok 'preempted: back in the queue' wait_for 60 said "$log" 'back into the queue' 3
like 'preempted: it stopped in order' "$(state cut)" 'stopped|running'
ok 'preempted: the urgent job ran' wait_for 60 job_gone "$urgent"

wait_for 60 said "$log" 'restart 3' 1
wait_for 60 beyond cut $(($(step cut) + 20))
slurm_node_kill n3
ok 'a node lost: the job is back in the queue' wait_for 90 said "$log" 'were killed .*; back into the queue' 1
is 'a node lost: STATE is what the killed ranks left' "$(state cut)" running
slurm_node_start n3
ok 'a node lost: going on' wait_for 90 said "$log" 'restart 4' 1

wait_for 60 beyond cut $(($(step cut) + 20))
brake 0
slurm_node_kill n1
ok 'the first node lost: Slurm requeues' wait_for 90 bash -c "scontrol show job $job | grep -q 'Restarts=5'"
slurm_node_start n1
scontrol update "JobId=$job" TimeLimit=10
ok 'the job ends' wait_for 200 job_gone "$job"
is 'STATE' "$(state cut)" 'done'
is 'lives: two limits, a preemption, two lost nodes' "$(grep -c ' restart [0-9]*, state' "$log")" 6
same cut

# --- the same by srun ------------------------------------------------------------------------------------------
ok 'all nodes are back' wait_for 60 slurm_idle_nodes 4
pretrain srun srun --time=10
wait_for 60 beyond srun 50
scancel --signal=USR1 --batch "$job"
ok 'srun: the signal goes on to the ranks' wait_for 60 said "$log" 'stopped \(SIGUSR1\); back into the queue' 1
wait_for 60 said "$log" 'restart 1' 1
wait_for 60 beyond srun $(($(step srun) + 20))
ranks_of "$job" KILL
ok 'srun: killed ranks are noticed by STATE' wait_for 60 said "$log" 'were killed .*; back into the queue' 1
wait_for 60 said "$log" 'restart 2' 1
wait_for 60 beyond srun $(($(step srun) + 20))
brake 0
slurm_node_kill n4
ok 'srun: a lost node: requeued' wait_for 90 bash -c "scontrol show job $job | grep -q 'Restarts=3'"
slurm_node_start n4
ok 'srun: the job ends' wait_for 200 job_gone "$job"
is 'srun: STATE' "$(state srun)" 'done'
same srun

# --- a restart without progress ends it, as do too many -----------------------------------------------------------
cat >"$tmp/killed.sh" <<SH
#!/bin/bash
[ "\$1" = --version ] && exit 0
mkdir -p "$tmp/dying" && printf 'running\nstep: 0\nreason: \n' >"$tmp/dying/STATE"
kill -KILL \$\$
SH
chmod +x "$tmp/killed.sh"
site dying 'EIN_LAUNCHER=(mpirun)' "EIN_PROGRAM=$tmp/killed.sh"
pretrain dying dying --time=10
ok 'killed three times at the same place: the job ends' wait_for 120 job_gone "$job"
is 'after three lives' "$(grep -c ' restart [0-9]*, state' "$log")" 3
like 'with its reason' "$(cat "$tmp/dying/slurm-notes/pretrain.verdict")" '^stopped: 3 lives in a row were killed without progress'

site once 'EIN_LAUNCHER=(mpirun)' EIN_RESTARTS=1
pretrain capped once --time=10
for life in 1 2; do
    wait_for 60 said "$log" " restart $((life - 1))," 1
    wait_for 60 beyond capped $(($(step capped) + 5))
    scancel --signal=USR1 --batch "$job"
    wait_for 60 said "$log" 'told to stop by USR1' "$life"
    [ "$life" = 2 ] || wait_for 60 said "$log" 'back into the queue' 1
done
ok 'the cap on restarts holds' wait_for 60 job_gone "$job"
like 'and says so' "$(cat "$tmp/capped/slurm-notes/pretrain.verdict")" '^stopped after 1 restarts'

# --- on request ----------------------------------------------------------------------------------------------------
pretrain asked mpirun --time=10
wait_for 60 beyond asked 10
touch "$tmp/asked/STOP"
ok 'a STOP file ends the job' wait_for 60 job_gone "$job"
like 'which does not requeue itself' "$(cat "$tmp/asked/slurm-notes/pretrain.verdict")" '^stopped on request \(STOP file\)'

# --- a limit that Slurm does not announce (SIGCONT says nothing) ----------------------------------------------------
pretrain clock mpirun --time=1 --signal=B:CONT@1
ok 'the clock tells a job to stop' wait_for 60 said "$log" 'told to stop by the clock' 1
ok 'and it goes back into the queue' wait_for 60 said "$log" 'stopped \(SIGUSR1\); back into the queue' 1
scancel "$job"
ok 'where scancel ends it' wait_for 60 job_gone "$job"

# --- a chain, where requeueing is not allowed -----------------------------------------------------------------------
site chain 'EIN_LAUNCHER=(mpirun)' EIN_MODE=chain
chain() {
    sbatch --parsable -N 4 -n 4 --no-requeue --time=10 --output="$tmp/chain.log" "${@:2}" slurm/pretrain.sbatch --site "$tmp/chain.env" \
        --submission one --link "$1" "$tmp/braked.yaml" --corpus "$tmp/corpus.h5" --run "$tmp/chain"
}
log=$tmp/chain.log
brake 1
first=$(chain 1/4)
second=$(chain 2/4 --dependency="afterany:$first")
third=$(chain 3/4 --dependency="afterany:$second")
fourth=$(chain 4/4 --dependency="afterany:$third")
wait_for 60 beyond chain 20
scancel --signal=USR1 --batch "$first"
ok 'chain: stopped, the next goes on' wait_for 60 said "$log" 'the next job of the chain goes on' 1
wait_for 60 said "$log" 'job 2/4 of the chain' 1
wait_for 60 beyond chain $(($(step chain) + 20))
brake 0
slurm_node_kill n2
ok 'chain: a lost node' wait_for 90 said "$log" 'were killed .*; the next job of the chain goes on' 1
slurm_node_start n2
ok 'chain: the next goes on' wait_for 90 said "$log" 'job 3/4 of the chain' 1
ok 'chain: the last ends' wait_for 200 job_gone "$fourth"
is 'chain: STATE' "$(state chain)" 'done'
like 'chain: what is done is passed over' "$(cat "$log")" 'done in an earlier job'
same chain
done_testing
