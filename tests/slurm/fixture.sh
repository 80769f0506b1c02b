# shellcheck shell=bash disable=SC2034,SC2154
# shellcheck source=tests/lib.sh
# A private Slurm of four fake nodes for tests: munged, slurmctld and one slurmd per node, all ours, all in $tmp.
#
#     . "$(dirname "$0")/../lib.sh"
#     . "$(dirname "$0")/fixture.sh"       # starts it, or skips the test with the reason; it ends with the test
#
# It differs from a cluster where a test would wait: a requeued job waits 6 s instead of 121 (cred_expire), a dead node
# is noticed after 10 s instead of 300 (SlurmdTimeout). Every node has its own TmpFS, without which the PMIx plugins of
# several slurmd on one host would share a folder. Jobs in partition `urgent` preempt those in `debug`.
# job_submit/lua refuses every account but `cardiology`, with the error that a site's accounting gives; `oncology` with
# words of its own.

slurm=$tmp/slurm
slurm_daemons=() # process ids, and nothing else is ever killed

for tool in munged slurmctld slurmd sbatch srun scontrol squeue setpriv; do
    PATH=$PATH:/usr/sbin
    command -v "$tool" >/dev/null || skip_all "$tool is not here (Debian: slurm-wlm, munge, util-linux)"
done

# A block of five ports that nobody listens on.
slurm_ports() {
    local base i
    for base in $(shuf -i 200-600 -n 20); do
        for i in 0 1 2 3 4; do
            (: </dev/tcp/127.0.0.1/$((base * 50 + i))) 2>/dev/null && continue 2
        done
        echo $((base * 50)) && return
    done
}

slurm_configure() {
    local port me host
    port=$(slurm_ports) me=$(id -un) host=$(hostname -s)
    [ -n "$port" ] || skip_all 'no five free ports in a row on 127.0.0.1'
    mkdir -p "$slurm"/{state,spool,munge,tmp/n{1,2,3,4},spool/n{1,2,3,4}}
    chmod 711 "$tmp" "$slurm" && chmod 755 "$slurm/munge"
    head -c 1024 /dev/urandom >"$slurm/munge/key" && chmod 400 "$slurm/munge/key"
    cat >"$slurm/slurm.conf" <<CONF
ClusterName=fixture
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
AuthType=auth/munge
AuthInfo=socket=$slurm/munge/socket,cred_expire=5
SlurmUser=$me
SlurmdUser=$me
StateSaveLocation=$slurm/state
SlurmdSpoolDir=$slurm/spool/%n
TmpFS=$slurm/tmp/%n
SlurmctldPidFile=$slurm/slurmctld.pid
SlurmdPidFile=$slurm/slurmd-%n.pid
SlurmctldLogFile=$slurm/slurmctld.log
SlurmdLogFile=$slurm/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1,sched_min_interval=0,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
EnforcePartLimits=ALL
JobSubmitPlugins=lua
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
SlurmdTimeout=10
KillWait=5
JobRequeue=1
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
JobAcctGatherType=jobacct_gather/none
NodeName=n[1-4] NodeHostname=$host NodeAddr=127.0.0.1 Port=[$((port + 1))-$((port + 4))] CPUs=1 State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1 GraceTime=20
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
CONF
    cat >"$slurm/job_submit.lua" <<'LUA'
function slurm_job_submit(job, partitions, uid)
    if job.account == "oncology" then
        slurm.log_user("oncology has no hours left this month: use cardiology")
        return slurm.ERROR
    end
    if job.account ~= nil and job.account ~= "cardiology" then return slurm.ESLURM_INVALID_ACCOUNT end
    return slurm.SUCCESS
end
function slurm_job_modify(job, record, partitions, uid) return slurm.SUCCESS end
return slurm.SUCCESS
LUA
}

# slurm_daemon COMMAND...: in the foreground, as a child that dies with this shell.
slurm_daemon() {
    setpriv --pdeathsig TERM "$@" >>"$slurm/daemons.log" 2>&1 </dev/null &
    slurm_daemons+=($!)
}

# As after a reboot, nothing of earlier jobs lies in its temporary folders.
slurm_node_start() {
    rm -rf "$slurm/tmp/$1" "$slurm/spool/$1" && mkdir "$slurm/tmp/$1" "$slurm/spool/$1"
    slurm_daemon slurmd -D -N "$1"
}

slurm_controller_start() {
    slurm_daemon slurmctld -D
    slurm_controller=$!
}
# It dies without a word, as does its machine; what it knew is in its state folder.
slurm_controller_kill() { kill -KILL "$slurm_controller" && wait "$slurm_controller" 2>/dev/null; }

# A lost node: its slurmd, step managers and processes, all at once. Those are the processes whose environment names the
# node and this Slurm, and the parents that started them.
slurm_node_kill() {
    local node=$1 environ pid doomed=("$(cat "$slurm/slurmd-$1.pid")")
    for environ in /proc/[0-9]*/environ; do
        if tr '\0' '\n' 2>/dev/null <"$environ" | grep -qxE "SLURMD_NODENAME=$node" &&
            tr '\0' '\n' 2>/dev/null <"$environ" | grep -qxF "SLURM_CONF=$SLURM_CONF"; then
            pid=${environ#/proc/} pid=${pid%/environ}
            doomed+=("$pid")
            pid=$(awk '{ print $4 }' "/proc/$pid/stat" 2>/dev/null)
            case $(cat "/proc/${pid:-0}/comm" 2>/dev/null) in slurmstepd) doomed+=("$pid") ;; esac
        fi
    done
    kill -KILL "${doomed[@]}" 2>/dev/null
}

# ranks_of JOB SIGNAL: to the program's processes of a job, by its number (of an array's element: scontrol's JobId).
ranks_of() {
    local environ pid
    for environ in /proc/[0-9]*/environ; do
        pid=${environ#/proc/} pid=${pid%/environ}
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = einthoven ] || continue
        tr '\0' '\n' 2>/dev/null <"$environ" | grep -qxF "SLURM_JOB_ID=$1" &&
            tr '\0' '\n' 2>/dev/null <"$environ" | grep -qxF "SLURM_CONF=$SLURM_CONF" && kill "-$2" "$pid"
    done
}

slurm_stop() {
    scancel --user="$(id -un)" 2>/dev/null
    local pid i
    for i in $(seq 75); do
        [ -n "$(squeue --noheader 2>/dev/null)" ] || break
        sleep 0.2
        [ $((i % 25)) -ne 0 ] || scancel --user="$(id -un)" 2>/dev/null
    done
    for pid in "${slurm_daemons[@]}"; do kill "$pid" 2>/dev/null; done
    for pid in "${slurm_daemons[@]}"; do wait "$pid" 2>/dev/null; done
}

# A job that was killed may write its last line while the folder goes.
slurm_clean() { rm -rf "$tmp" 2>/dev/null || { sleep 2 && rm -rf "$tmp"; }; }

# wait_for SECONDS COMMAND...: until it succeeds; the time is a bound for failures, not something that is measured.
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.2
    done
}

slurm_idle_nodes() { [ "$(sinfo --noheader --Node --partition=debug --format=%T | grep -c '^idle$')" -eq "$1" ]; }
job_gone() { ! squeue --noheader --jobs="$1" 2>/dev/null | grep -q .; }
no_jobs() { [ -z "$(squeue --noheader)" ]; }

slurm_start() {
    local node
    slurm_configure
    export SLURM_CONF=$slurm/slurm.conf
    trap 'slurm_stop; slurm_clean' EXIT
    trap 'exit 143' TERM INT HUP
    slurm_daemon munged -F --socket="$slurm/munge/socket" --key-file="$slurm/munge/key" --pid-file="$slurm/munge/pid" \
        --log-file="$slurm/munge/log" --seed-file="$slurm/munge/seed"
    wait_for 10 test -S "$slurm/munge/socket" || skip_all "munged does not start here: $(tail -n 1 "$slurm/daemons.log")"
    slurm_controller_start
    for node in n1 n2 n3 n4; do slurm_node_start "$node"; done
    wait_for 30 slurm_idle_nodes 4 ||
        skip_all "Slurm does not start here: $(grep -h -m 1 -iE 'fatal|error' "$slurm/daemons.log" "$slurm"/slurm*.log | cut -c1-200)"
}
# Jobs inherit nothing of a Slurm or launcher that the tests may run in themselves.
unset "${!SLURM_@}" "${!SBATCH_@}" "${!SRUN_@}" "${!EIN_SITE@}"
slurm_start
