# shellcheck shell=bash disable=SC2034
# What a batch script does: one cell of a study, or one command, over as many lives as it takes.
#
#     ein_main STAGE "$@"
#
# One life: site.env and modules, placement from the allocation, checks, staging, the launcher in the background; a
# signal before the limit goes on to the ranks, which write a checkpoint. How it ended is read from STATE in the run
# folder, never from the exit codes of ranks:
#
#     done                 exit 0
#     failed               exit 1, with the reason; not tried again by itself
#     stopped, on request  (STOP file, run.max_steps) exit 1; `resume` goes on
#     stopped, otherwise   (limit, preemption) back into the queue, or left to the chain's next job
#     running              the ranks were killed (node lost, memory): the same
#
# It does not go on after EIN_RESTARTS restarts, after a restart that stopped in order without a new checkpoint, or
# after three lives in a row that were killed without one.
set -u

ein_slurm=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ein_root=$(dirname "$ein_slurm")
# shellcheck source=site.sh
. "$ein_slurm/site.sh"

ein_usage() {
    cat <<TEXT
Usage: sbatch [SBATCH OPTIONS] slurm/$1.sbatch [--site FILE] ARGUMENTS OF einthoven $1
       sbatch --array=CELLS slurm/$1.sbatch --study STUDY.yaml --out FOLDER [--scale X] [--set KEY=VALUE ...]

Runs \`einthoven $1\` on all nodes of the job. A job that is told to stop before its limit, preempted or loses a node
writes a checkpoint where the command has one, puts itself back into the queue and goes on: the same command, the same
job id. Account, partition, nodes and time are options of sbatch, or SBATCH_ACCOUNT and so on in the environment; the
rest comes from slurm/site.env (slurm/site.env.example explains it).

  sbatch -N 4 --ntasks-per-node=2 --cpus-per-task=16 -t 24:00:00 slurm/pretrain.sbatch paper.yaml --run results/paper

With --study the element N of the job array is cell N of the study; slurm/study writes such lines itself.

  --site FILE         instead of slurm/site.env
  --study STUDY.yaml  run cells of this study
  --out FOLDER        the study's folder, where slurm/study has put its plan
  --submission ID     jobs with the same ID count their restarts together, and use the plan of that submission
  --offset K          element N of the array is cell N + K
  --link K/N          this is job K of a chain of N
TEXT
}

# --- what is to be run ---------------------------------------------------------------------------------------------

# Take our own arguments out of the command line; the others stay in arguments[].
ein_parse() {
    study='' out='' site='' submission='' link='' offset=0 folder='' corpus=''
    arguments=()
    while [ $# -gt 0 ]; do
        # As the program does, take --run=X for --run X.
        case $1 in
        --site=* | --study=* | --submission=* | --link=* | --offset=* | --out=* | --run=* | --corpus=* | --set=*)
            set -- "${1%%=*}" "${1#*=}" "${@:2}"
            ;;
        esac
        case $1 in
        --help | -h)
            ein_usage "$stage"
            exit 0
            ;;
        --site | --study | --submission | --link | --offset)
            [ $# -ge 2 ] || ein_wrong_use "$1 needs a value"
            printf -v "${1#--}" '%s' "$2"
            shift
            ;;
        --out | --run | --corpus)
            [ $# -ge 2 ] || ein_wrong_use "$1 needs a value"
            case $1 in --corpus) corpus=$2 ;; *) out=$2 ;; esac
            arguments+=("$1" "$2")
            shift
            ;;
        --set)
            [ $# -ge 2 ] || ein_wrong_use "$1 needs a value"
            case $2 in run.folder=* | evaluate.out=* | score.out=* | ingest.out=* | synth.out=*) out=${2#*=} ;; data.corpus=*) corpus=${2#*=} ;; esac
            arguments+=("$1" "$2")
            shift
            ;;
        *) arguments+=("$1") ;;
        esac
        shift
    done
}

# The cell's folder, from the plan of the submission: `folder` has its STATE, `run_folder` the checkpoints.
ein_cell_find() {
    [ -n "${SLURM_ARRAY_TASK_ID:-}" ] || ein_wrong_use "--study needs the cell's number: sbatch --array=N slurm/$stage.sbatch ..."
    [[ $offset =~ ^[0-9]{1,9}$ ]] || ein_wrong_use "--offset $offset is no whole number"
    cell=$((SLURM_ARRAY_TASK_ID + offset))
    [ -n "$out" ] || ein_wrong_use '--study needs --out FOLDER, the study'\''s folder'
    local plan=$out/slurm/submissions/$submission.tsv
    [ -r "$plan" ] || ein_die "$plan is not there; it is written by: slurm/study $study resume"
    IFS=$'\037' read -r cell_id folder < <(awk -F'\t' -v stage="$stage" -v cell="$cell" \
        '$1 == stage && $2 == cell { print $3 "\037" $7 }' "$plan")
    [ -n "$folder" ] || ein_die "$plan has no $stage cell $cell; slurm/study $study resume submits the study anew"
    case $stage in pretrain) run_folder=$out/pretrain ;; *) run_folder=$out/$stage/$cell_id ;; esac
    command=(study "$study" --stage "$stage" --cell "$cell" "${arguments[@]}")
    notes=$out/slurm/notes/$stage-$cell
    what="$stage/$cell ($cell_id)"
}

# The program still means by the number what the plan meant: it may have been built anew while the job waited.
ein_cell_check() {
    [ -n "$study" ] || return 0
    local id
    id=$("$EIN_PROGRAM" study "$study" --cells "$stage" "${arguments[@]}" 2>/dev/null | awk -F'\t' -v cell="$cell" '$1 == cell { print $2 }')
    [ "$id" = "$cell_id" ] ||
        ein_die "cell $cell of stage $stage is '$cell_id' in the plan of this submission and '$id' for $EIN_PROGRAM, which has changed since: slurm/study $study cancel, then resume"
}

# A command of its own. Its run folder holds STATE if the command trains.
ein_command_find() {
    command=("$stage" "${arguments[@]}")
    what=$stage
    case $stage in
    pretrain | finetune)
        [ -n "$out" ] || ein_wrong_use "no run folder: give --run FOLDER, so that the script can read how the run ended"
        folder=$out
        ;;
    score) # each job of a folder says for itself how it stands
        [ -n "$out" ] || ein_wrong_use "no folder for the scores: give --out FOLDER"
        folder=$out/jobs/${SLURM_ARRAY_TASK_ID:-one}
        mkdir -p "$folder" || ein_die "cannot make $folder"
        command+=(--set "score.state=$folder/STATE")
        ;;
    *) folder='' ;;
    esac
    run_folder=$folder
    if [ "$stage" = finetune ] && [ -n "${SLURM_ARRAY_TASK_ID:-}" ]; then
        command+=(--cell "$SLURM_ARRAY_TASK_ID")
        what="finetune cell $SLURM_ARRAY_TASK_ID"
    fi
    notes=${out:-.}/slurm-notes/$stage${SLURM_ARRAY_TASK_ID:+-$SLURM_ARRAY_TASK_ID}
}

# --- how it stands ---------------------------------------------------------------------------------------------------

# The STATE files that tell: one for a cell or a run; one for each model of a command that trains several; of a job array
# that trains one model per element, the one that names this job.
ein_states() {
    [ -n "$folder" ] && [ -d "$folder" ] || return 0
    if [ -f "$folder/STATE" ]; then
        echo "$folder/STATE"
    elif [ "$stage" = finetune ] && [ -z "$study" ]; then
        find "$folder" -maxdepth 3 -name STATE 2>/dev/null | while read -r file; do
            [ -n "${SLURM_ARRAY_TASK_ID:-}" ] && ! grep -qxF "job: ${SLURM_JOB_ID:-none}" "$file" || echo "$file"
        done
    fi
}

# As one: failed, else running, else stopped, else done; none where there is no STATE.
ein_state() {
    local file word state=none
    while read -r file; do
        word=$(head -n 1 "$file" 2>/dev/null)
        case $word:$state in
        failed:*) state=failed ;;
        running:failed) ;;
        running:*) state=running ;;
        stopped:none | stopped:done) state=stopped ;;
        'done':none) state='done' ;;
        esac
    done < <(ein_states)
    echo "$state"
}

# The reason in the first STATE file that is not done; of a stop the run itself knows it better than the study.
ein_reason() {
    local file
    if [ -n "$study" ] && [ "$(ein_state)" = stopped ]; then
        file=$(find "$run_folder" -maxdepth 3 -name STATE 2>/dev/null | head -n 1)
        [ -z "$file" ] || { sed -n 's/^reason: //p' "$file" | head -n 1 && return; }
    fi
    while read -r file; do
        [ "$(head -n 1 "$file" 2>/dev/null)" = 'done' ] || { sed -n 's/^reason: //p' "$file" | head -n 1 && return; }
    done < <(ein_states)
}

# What the STATE files say now, as one number: it changes when the program begins.
ein_states_sum() { ein_states | xargs -r -d '\n' cat 2>/dev/null | cksum; }

# What a restart would begin from: the number of the newest checkpoint, for several models their sum.
ein_mark() {
    if [ "$stage" = finetune ] && [ -z "$study" ] && [ -n "${SLURM_ARRAY_TASK_ID:-}" ]; then
        run_folder=$(ein_states | head -n 1 | xargs -r dirname) # the other elements' progress is not ours
    fi
    [ -n "$run_folder" ] && [ -d "$run_folder" ] || { echo none && return; }
    if [ "$stage" = score ]; then # blocks that are done, by whichever job
        local scored=$out
        [ -z "$study" ] || scored=$run_folder
        echo "block $(find "$scored/blocks" -type f 2>/dev/null | wc -l)"
        return
    fi
    find "$run_folder" -maxdepth 4 -path '*/ckpt/step-*.h5' 2>/dev/null |
        awk -F/ '{ n = $NF; sub(/\.h5$/, "", n); sub(/^step-/, "", n); run = $0; sub(/\/[^\/]*$/, "", run); if (n + 1 > most[run]) most[run] = n + 1 }
            END { for (run in most) sum += most[run] - 1; print sum ? "checkpoint " sum : "none" }'
}

# --- lives -----------------------------------------------------------------------------------------------------------
# NOTES.lives has one line for every life: submission, restart, the mark it began from. NOTES.verdict says in one line why
# a cell is not going on.

ein_verdict() {
    ein_warn "$what: $*"
    mkdir -p "$(dirname "$notes")" 2>/dev/null
    ein_write "$notes.verdict" <<<"$*" || ein_warn "cannot write $notes.verdict"
}

# ein_may_go_on HOW: whether another life makes sense; `verdict` says why not. HOW: stopped | killed.
ein_may_go_on() {
    local mark lives fruitless
    mark=$(ein_mark)
    lives=$(awk -F'\t' -v id="$submission" '$1 == id' "$notes.lives" 2>/dev/null | wc -l)
    fruitless=$(awk -F'\t' -v id="$submission" -v mark="$mark" '$1 == id { n = $3 == mark ? n + 1 : 0 } END { print n + 0 }' "$notes.lives" 2>/dev/null)
    if [ "$lives" -gt "$EIN_RESTARTS" ]; then
        verdict="stopped after $EIN_RESTARTS restarts (EIN_RESTARTS); resume goes on"
    elif [ "$1" = stopped ] && [ "${fruitless:-0}" -ge 1 ]; then
        verdict="stopped: this life made no progress ($mark before and after); give jobs more time than start, one update and EIN_SIGNAL_S=$EIN_SIGNAL_S take, then resume"
    elif [ "${fruitless:-0}" -ge 3 ]; then
        verdict="stopped: $fruitless lives in a row were killed without progress ($mark)${why:+; the last one: $why}; look at the end of the job's log, and raise EIN_MEM if memory ran out; then resume"
    else
        return 0
    fi
    return 1
}

ein_life_begin() {
    local before
    submission=${submission:-${SLURM_ARRAY_JOB_ID:-${SLURM_JOB_ID:-$$}}}
    restart=${SLURM_RESTART_COUNT:-0}
    before=$(ein_state)
    if [ "$restart" -gt 0 ] || [ "${link%%/*}" != "" ] && [ "${link%%/*}" != 1 ]; then
        case $before in
        'done')
            ein_warn "$what: done in an earlier job"
            exit 0
            ;;
        failed)
            ein_verdict "failed: $(ein_reason)"
            exit 1
            ;;
        esac
        # A life that was cut off did not come as far as asking.
        if ! ein_may_go_on killed; then
            ein_verdict "$verdict"
            exit 1
        fi
    fi
    rm -f "$notes.verdict"
    mkdir -p "$(dirname "$notes")" && printf '%s\t%s\t%s\n' "$submission" "$restart" "$(ein_mark)" >>"$notes.lives" ||
        ein_die "$(ein_cannot_write "$notes.lives")"
    states_before=$(ein_states_sum)
    ein_warn "$what: job ${SLURM_JOB_ID:-none}, restart $restart${link:+, job $link of the chain}, state $before, from $(ein_mark)"
}

# Back into the queue as the last act, or leave it to the chain's next job.
ein_go_on() {
    local why=$1
    if [ -n "$study" ] && grep -qxE "all|$stage|" "$out/slurm/cancelled" 2>/dev/null; then
        ein_verdict "stopped: cancelled; resume goes on"
        exit 1
    fi
    if ! ein_may_go_on "$2"; then
        ein_verdict "$verdict"
        exit 1
    fi
    if [ "$EIN_MODE" = chain ]; then
        if [ -z "$link" ] || [ "${link%/*}" = "${link#*/}" ]; then
            ein_verdict "stopped: $why, and this was the last job of the chain (EIN_LINKS=$EIN_LINKS); resume goes on"
            exit 1
        fi
        ein_warn "$what: $why; the next job of the chain goes on"
        exit 0
    fi
    ein_stage_out
    local said i job told_so=''
    job=$(ein_job)
    trap '' USR1 TERM
    # A job that Slurm is ending (scancel, its limit is over, preemption) is not ours to bring back; what is preempted comes back.
    said=$(scontrol show job "$job" 2>/dev/null | sed -n 's/^ *JobState=\([A-Z_]*\).*/\1/p' | head -n 1)
    if [ -n "$said" ] && [ "$said" != RUNNING ]; then
        ein_verdict "stopped: $why, and Slurm had ended the job (scancel, or no checkpoint within EIN_SIGNAL_S=$EIN_SIGNAL_S s); resume goes on"
        exit 1
    fi
    ein_warn "$what: $why; back into the queue"
    until said=$(scontrol requeue "$job" 2>&1); do
        # A controller that is away comes back: until the end of the job there is nothing better to do. What it says while
        # it goes is of many kinds; only its own decisions are final.
        case $said in *disabled* | *ermission* | *nvalid\ job* | *'not permitted'*) break ;; esac
        [ "$SECONDS" -lt "${job_end:-3600}" ] || break
        # Should the job end meanwhile, this is what is known of it; another life removes it.
        [ -n "$told_so" ] || ein_verdict "stopped: $why, and Slurm's controller did not answer ($(ein_first_line "$said")) until the job's end; resume goes on"
        told_so=1
        sleep 5
    done
    if [ -z "$said" ]; then
        for i in $(seq 120); do sleep 1; done # Slurm ends this script meanwhile
        said='the job goes on running'
    fi
    if [ -n "$told_so" ]; then exit 1; fi
    ein_verdict "stopped: $why, and Slurm does not requeue it ($(ein_first_line "$said")): set EIN_MODE=chain in site.env, then resume"
    exit 1
}

# --- placement -------------------------------------------------------------------------------------------------------

# The least of "4(x2),3": processors or tasks on each node of the allocation.
ein_least() { tr ',' '\n' <<<"$1" | sed 's/(.*//' | sort -n | head -n 1; }

# Ranks, threads and binding from the allocation; the launcher's command line.
ein_place() {
    nodes=${SLURM_JOB_NUM_NODES:-1}
    cores=$(ein_least "${SLURM_JOB_CPUS_PER_NODE:-$(nproc)}")
    per_node=${SLURM_NTASKS_PER_NODE:-}
    if [ -z "$per_node" ] && [ -n "${SLURM_NTASKS:-}" ]; then per_node=$(((SLURM_NTASKS + nodes - 1) / nodes)); fi
    per_node=${per_node:-$EIN_RANKS_PER_NODE}
    ranks=${SLURM_NTASKS:-$((per_node * nodes))}
    threads=${SLURM_CPUS_PER_TASK:-$((cores / per_node))}
    [ "$threads" -ge 1 ] || threads=1
    export OMP_NUM_THREADS=$threads
    ein_launch_line
    ein_warn "$what: $nodes nodes x $per_node ranks x $threads threads, binding: $EIN_BIND, by: ${launch[*]}"
    if [ $((per_node * threads)) -gt "$cores" ]; then
        ein_warn "$what: WARNING: $per_node ranks x $threads threads share $cores processors of a node (oversubscribed, slow): ask for more with --cpus-per-task, or set EIN_RANKS_PER_NODE"
    elif [ $((per_node * threads * 2)) -le "$cores" ]; then
        ein_warn "$what: $((cores - per_node * threads)) of $cores allocated processors of a node are idle: raise --cpus-per-task or EIN_CORES_PER_NODE"
    fi
}

# The place of the launcher itself in EIN_LAUNCHER: words may stand before it (env, numactl) and after it (apptainer exec).
ein_launcher_at() {
    local i
    for i in "${!EIN_LAUNCHER[@]}"; do
        case $(basename -- "${EIN_LAUNCHER[i]}") in
        srun | mpirun | mpirun.* | mpiexec | mpiexec.* | orterun | prterun) echo "$i" && return ;;
        esac
    done
}

# Whose launcher it is: slurm | openmpi | hydra (MPICH, Intel MPI, MVAPICH) | unknown.
ein_launcher_family() {
    local said
    case $(basename -- "$1") in srun) echo slurm && return ;; esac
    said=$("$1" --version 2>&1 | head -n 5)
    case $said in
    *'Open MPI'* | *OpenRTE* | *PRTE* | *prte*) echo openmpi ;;
    *HYDRA* | *Hydra* | *'Intel(R) MPI'* | *mpich*) echo hydra ;;
    *) echo unknown ;;
    esac
}

# launch[]: EIN_LAUNCHER with its {ranks}, {nodes}, {ranks_per_node} and {threads} filled in, or, if it has none, with the
# options that its family takes for them right behind the launcher's name, so that the site's own follow and win.
ein_launch_line() {
    local at options=() family i
    launch=("${EIN_LAUNCHER[@]}")
    if [[ ${EIN_LAUNCHER[*]} == *'{'*'}'* ]]; then
        for i in "${!launch[@]}"; do
            launch[i]=${launch[i]//'{ranks}'/$ranks}
            launch[i]=${launch[i]//'{nodes}'/$nodes}
            launch[i]=${launch[i]//'{ranks_per_node}'/$per_node}
            launch[i]=${launch[i]//'{threads}'/$threads}
        done
        return
    fi
    at=$(ein_launcher_at)
    [ -n "$at" ] || return 0
    family=$(ein_launcher_family "${EIN_LAUNCHER[at]}")
    case $family in
    slurm)
        options=("--nodes=$nodes" "--ntasks=$ranks" "--ntasks-per-node=$per_node" "--cpus-per-task=$threads" --kill-on-bad-exit=1)
        if [ "$EIN_BIND" = cores ]; then options+=(--cpu-bind=cores); else options+=(--cpu-bind=none); fi
        if [ $((per_node * threads)) -gt "$cores" ]; then options+=(--overcommit); fi
        ;;
    openmpi)
        options=(-n "$ranks" -x OMP_NUM_THREADS)
        if [ $((per_node * threads)) -gt "$cores" ]; then
            options+=(--oversubscribe --map-by "ppr:$per_node:node" --bind-to none)
        elif [ "$EIN_BIND" = cores ]; then
            options+=(--map-by "ppr:$per_node:node:pe=$threads" --bind-to core)
        else
            options+=(--map-by "ppr:$per_node:node" --bind-to none)
        fi
        ;;
    hydra) # hands the environment on by itself
        options=(-n "$ranks" -ppn "$per_node")
        if [ "$EIN_BIND" = cores ] && [ $((per_node * threads)) -le "$cores" ]; then
            options+=(-bind-to "core:$threads")
        else
            options+=(-bind-to none)
        fi
        ;;
    unknown)
        options=(-n "$ranks")
        ein_warn "$what: WARNING: ${EIN_LAUNCHER[at]} --version names no MPI that is known: it gets only -n $ranks; write what it needs into EIN_LAUNCHER, with {ranks}, {ranks_per_node}, {threads}"
        ;;
    esac
    launch=("${EIN_LAUNCHER[@]:0:at+1}" "${options[@]}" "${EIN_LAUNCHER[@]:at+1}")
}

# --- staging -----------------------------------------------------------------------------------------------------------

# ein_on_nodes SCRIPT ARGUMENT...: once on every node of the job, in the background; ends early when the job is told to stop.
ein_on_nodes() {
    local all=(bash -c "$1" staging "${@:2}") pid status
    if [ -n "${SLURM_JOB_ID:-}" ]; then
        all=(srun --mpi=none --nodes="${SLURM_JOB_NUM_NODES:-1}" --ntasks="${SLURM_JOB_NUM_NODES:-1}" --ntasks-per-node=1
            --cpus-per-task=1 --overlap "${all[@]}")
    fi
    "${all[@]}" &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        [ -z "${told:-}" ] || [ -n "${clearing:-}" ] || { kill -TERM "$pid" 2>/dev/null && sleep 1; }
        wait "$pid"
    done
    wait "$pid"
    status=$?
    [ -z "${told:-}" ] || [ -n "${clearing:-}" ] || status=1
    return "$status"
}

# Copy the corpus to a folder of the job on every node's own disk and use that. What does not work is no reason to fail.
ein_stage_in() {
    local name i
    staged=''
    case $stage in pretrain | finetune) ;; *) return 0 ;; esac
    [ -n "$EIN_STAGE_DIR" ] || return 0
    if [ -n "$study" ]; then
        corpus=$("$EIN_PROGRAM" study "$study" "${arguments[@]}" 2>/dev/null | sed -n "\|^$stage/$cell: | { s|.* --corpus '\([^']*\)'.*|\1|p; t; s|.* --corpus \([^ ]*\) .*|\1|p }")
    fi
    [ -n "$corpus" ] || return 0
    staged=$EIN_STAGE_DIR/einthoven-${SLURM_JOB_ID:-$$} name=$(basename "$corpus")
    # shellcheck disable=SC2016
    if ! ein_on_nodes 'd=$(eval echo "$1") && rm -rf "$d" && mkdir -p "$d" && cp "$2" "$d/$3.partial" && mv "$d/$3.partial" "$d/$3"' \
        "$staged" "$corpus" "$name"; then
        [ -n "$told" ] || ein_warn "$what: WARNING: $corpus could not be copied to $staged (room on the nodes' disks?); it is read where it is"
        ein_stage_out
        return 0
    fi
    ein_warn "$what: $corpus was copied to $staged on every node"
    local folder
    folder=$(eval echo "$staged")
    if [ -n "$study" ]; then command+=(--set "study.corpora=$folder"); fi
    for i in "${!command[@]}"; do
        if [ "${command[i]}" = "$corpus" ] && [ "${command[i - 1]}" = --corpus ]; then command[i]=$folder/$name; fi
        if [ "${command[i]}" = "data.corpus=$corpus" ]; then command[i]=data.corpus=$folder/$name; fi
    done
}

ein_stage_out() {
    local clearing=1 # which a signal does not cut short
    [ -n "${staged:-}" ] || return 0
    # shellcheck disable=SC2016
    ein_on_nodes 'rm -rf "$(eval echo "$1")"' "$staged" || ein_warn "$what: WARNING: $staged may be left on a node's disk"
    staged=''
}

# --- run -----------------------------------------------------------------------------------------------------------------

# A stop is a signal that the launcher passes on to the ranks; commands without checkpoints rather use the time that is left.
# A second one would cost them a validation that is under way. Before there is a launcher it is remembered.
ein_forward() {
    local before=$told
    told=$1
    ein_warn "${what:-$stage}: told to stop by $1"
    [ -n "$launcher" ] || return 0
    [ -z "$before" ] || [ "$1" = TERM ] || return 0
    case $stage in pretrain | finetune | score) kill -USR1 "$launcher" 2>/dev/null ;; esac
    forwarded=1
}

# Signals that came before: modules are loaded and corpora copied for minutes, and the limit does not wait.
ein_listen() {
    told=${ein_told_early:-} launcher='' forwarded=''
    trap 'ein_forward USR1' USR1
    trap 'ein_forward TERM' TERM
    trap : CONT
}

ein_stop_early() {
    [ -z "$told" ] || ein_go_on "told to stop by $told before the program began" killed
}

# What was written to the job's log in this life; nothing if that cannot be found.
ein_log() {
    local log
    log=$(readlink "/proc/$$/fd/1")
    [ -f "$log" ] || return 0
    tail -c "+$((log_begin + 1))" "$log" | tail -c 65536 | tr -d '\000'
}

# The last thing that the program said in this life.
ein_last_words() { ein_log | sed -n 's/^einthoven[a-z ]*: //p' | tail -n 1 | cut -c1-400; }

# What the launcher said: the first lines that are not ours.
ein_launcher_words() {
    ein_log | grep -vE '^(slurm/|-+$|[[:space:]]*$)' | head -n 3 | paste -sd' ' | cut -c1-400
}

# As Slurm takes it: the number of an array's last element is also that of the whole array, so name the element.
ein_job() { echo "${SLURM_ARRAY_JOB_ID:+${SLURM_ARRAY_JOB_ID}_}${SLURM_ARRAY_TASK_ID:-$SLURM_JOB_ID}"; }

# Seconds until the job's limit; nothing where there is no limit. Slurm says what is left: the clocks of two machines differ.
ein_time_left() {
    local left
    left=$(squeue --noheader --jobs="$(ein_job)" --format=%L 2>/dev/null | head -n 1 | tr -d ' ')
    ein_seconds "${left:-none}" && return
    [[ ${SLURM_JOB_END_TIME:-} =~ ^[0-9]+$ ]] || return 0
    left=$((SLURM_JOB_END_TIME - $(date +%s)))
    echo $((left > 0 ? left : 1))
}

# Slurm's signal before the limit may be lost, so the clock is watched as well. Bash runs a trap only between commands, and
# a wait ends at the first signal: hence the loop.
ein_run() {
    local clock='' left
    left=$(ein_time_left)
    if [ -n "$left" ]; then
        job_end=$((SECONDS + left))
        left=$((left - EIN_SIGNAL_S))
        [ "$left" -ge 1 ] || left=1
    fi
    log_begin=$(stat -L -c %s "/proc/$$/fd/1" 2>/dev/null || echo 0)
    "${launch[@]}" "$EIN_PROGRAM" "${command[@]}" &
    launcher=$!
    # Between the last look and this line a signal found no launcher.
    if [ -n "$told" ] && [ -z "$forwarded" ]; then kill -USR1 "$launcher" 2>/dev/null; fi
    if [ -n "$left" ]; then
        sleep "$left" &
        clock=$!
    fi
    while kill -0 "$launcher" 2>/dev/null; do
        wait -n "$launcher" ${clock:+"$clock"}
        if [ -n "$clock" ] && ! kill -0 "$clock" 2>/dev/null; then
            clock=''
            [ -n "$told" ] || ! kill -0 "$launcher" 2>/dev/null || ein_forward 'the clock'
        fi
    done
    wait "$launcher"
    rc=$?
    [ -z "$clock" ] || kill "$clock" 2>/dev/null
}

# Slurm says in the log that it has killed for memory.
ein_memory_check() {
    if ein_log | grep -qiE 'oom.kill|out.of.memory'; then
        ein_go_on "the ranks were killed for want of memory (exit code $rc): raise EIN_MEM, or lower EIN_RANKS_PER_NODE" "$1"
    fi
}

ein_end() {
    local state reason how words
    state=$(ein_state)
    reason=$(ein_reason)
    # What an earlier life has left is no answer.
    if [ "$rc" -ne 0 ] && [ "$state" != none ] && [ "$(ein_states_sum)" = "$states_before" ]; then state=unchanged; fi
    if [ -z "$folder" ]; then # a command without STATE
        [ "$rc" -eq 0 ] || ein_verdict "failed (exit code $rc${told:+, after $told}): $(ein_last_words)"
        exit $((rc != 0))
    fi
    case $state in
    'done')
        # A command of several models that is told to stop may leave between two of them.
        if [ -n "$told" ] && [ "$stage" = finetune ] && [ -z "$study${SLURM_ARRAY_TASK_ID:-}" ]; then
            ein_go_on "told to stop, perhaps before the last model" stopped
        fi
        ein_warn "$what: done" && exit 0
        ;;
    failed) ein_verdict "failed: $reason" && exit 1 ;;
    stopped)
        case $reason in
        'STOP file' | 'run.max_steps reached')
            ein_verdict "stopped on request ($reason); resume goes on"
            exit 1
            ;;
        esac
        ein_go_on "stopped (${reason:-no reason given})" stopped
        ;;
    running)
        # Told and yet not ended in time: a command without checkpoints begins anew, and would not end in time again.
        case $stage:$told in
        pretrain:* | finetune:* | score:* | *: | *:TERM) how=killed ;;
        *) how=stopped ;;
        esac
        ein_memory_check "$how"
        ein_go_on "the ranks were killed (exit code $rc${told:+, after $told})" "$how"
        ;;
    *) # It did not begin: the program says why, or else the launcher failed.
        ein_memory_check killed
        words=$(ein_last_words)
        if [ -n "$words" ]; then
            ein_verdict "did not begin (exit code $rc): $words"
            exit 1
        fi
        words=$(ein_launcher_words)
        # A mistake in its options stays one; a node that is about to be found dead does not.
        if grep -qiE "unrecogni[sz]ed|(invalid|unknown|bad) (option|argument|value|type|mpi)|not enough slots|no such file|not found|couldn't find|could not find|cannot find|permission denied|usage:|conflicting|as root" <<<"$words"; then
            ein_verdict "the launcher could not start the program (exit code $rc of ${launch[*]}): $words; correct EIN_LAUNCHER or EIN_BIND in ${ein_site:-slurm/site.env}, then resume"
            exit 1
        fi
        ein_go_on "the program did not begin (exit code $rc of ${launch[*]}${told:+, after $told})${words:+: $words}" killed
        ;;
    esac
}

ein_main() {
    stage=$1
    shift
    ein_name=slurm/$stage.sbatch
    ein_parse "$@"
    [ -n "${SLURM_JOB_ID:-}" ] || ein_wrong_use "this runs in a Slurm job: sbatch slurm/$stage.sbatch ... (--help explains; without Slurm: slurm/other-schedulers.md)"
    [ ${#arguments[@]} -gt 0 ] || [ -n "$study" ] || ein_wrong_use "nothing to do: give the arguments of einthoven $stage (--help explains)"
    ein_listen
    # With sbatch --export=NONE Slurm would start ranks without modules and without OMP_NUM_THREADS, too.
    export SLURM_EXPORT_ENV=ALL
    ein_site_load "$site"
    if [ -n "$study" ]; then ein_cell_find; else ein_command_find; fi
    mkdir -p "$(dirname "$notes")" 2>/dev/null
    # One line that says why it did not begin, for `slurm/study status` too.
    local said
    if ! ein_modules_load; then
        ein_verdict "$ein_why"
        exit 1
    fi
    if ! said=$( (ein_program_check && ein_disk_check "${folder:-${out:-.}}" && ein_corpus_check && ein_cell_check) 2>&1); then
        ein_verdict "${said#"$ein_name: "}"
        exit 1
    fi
    EIN_PROGRAM=$(readlink -f "$EIN_PROGRAM")
    ein_life_begin
    ein_stop_early
    ein_place
    trap ein_stage_out EXIT
    ein_stage_in
    ein_stop_early
    ein_run
    ein_end
}

ein_corpus_check() {
    [ -z "$corpus" ] || [ -r "$corpus" ] || ein_die "the corpus $corpus is not there, or not readable on $(hostname): make it with einthoven ingest, or correct --corpus"
}
