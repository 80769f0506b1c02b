# shellcheck shell=bash disable=SC2034,SC2154
# Jobs of a study: submitting groups of cells, and knowing afterwards which jobs are whose.
#
# jobs.tsv in the study's folder, one line a job array: job id, stage, cells (comma list), link of a chain (K/N, empty without),
# submission, time. It is replaced as a whole after every sbatch; only jobs that stand in it are ever asked about or stopped.

# One submitter at a time, and always with the same options: others would be another study in the same folder.
folder_take() {
    mkdir -p "$out/slurm/logs" "$out/slurm/notes" 2>/dev/null || ein_die "cannot make $out/slurm: $(mkdir -p "$out/slurm/logs" 2>&1 | head -n 1)"
    exec 9>"$out/slurm/lock" || ein_die "cannot write $out/slurm/lock (is the disk full? df $out)"
    flock -n 9 || ein_die "another slurm/study is submitting to $out just now"
    local before now
    now=$(printf '%s' "$study" && printf ' %s' "${pass[@]}")
    before=$(cat "$out/slurm/command" 2>/dev/null)
    if [ -n "$before" ] && [ "$before" != "$now" ]; then
        ein_die "$out belongs to '$before', not to '$now': give the same options, or another --out"
    fi
    [ -n "$before" ] || ein_write "$out/slurm/command" <<<"$now" || ein_die "cannot write $out/slurm/command (is the disk full? df $out)"
}

# The comment of our jobs. With it, numbers that a new Slurm gives anew to other people's jobs are not taken for ours.
job_mark() { echo "einthoven:$out"; }

# What of jobs.tsv is in the queue: live_job[STAGE/INDEX] is the job that will end last for the cell, live_state its state.
jobs_live() {
    local queue job task state mark reason stage cells link key
    declare -gA live_job=() live_state=() live_why=()
    [ -s "$out/slurm/jobs.tsv" ] || return 0
    queue=$(squeue --noheader --array --user="$(id -un)" --format='%F|%K|%T|%k|%r' 2>&1) ||
        ein_die "Slurm does not answer ($(ein_first_line "$queue")); try again later"
    declare -A of=()
    while IFS=$'\037' read -r job stage cells link _; do of[$job]=$stage; done < <(tr '\t' '\037' <"$out/slurm/jobs.tsv")
    while IFS='|' read -r job task state mark reason; do
        [ "$mark" = "$(job_mark)" ] && stage=${of[$job]:-} && [ -n "$stage" ] || continue
        key=$stage/$task
        if [ "${live_job[$key]:-0}" -lt "$job" ]; then live_job[$key]=$job; fi
        # Of a chain the job that runs says more than those that wait for it.
        if [ "${live_state[$key]:-PENDING}" = PENDING ]; then live_state[$key]=$state live_why[$key]=$reason; fi
    done <<<"$queue"
}

# As it can be typed.
put_line() {
    local word
    for word in "$@"; do
        if [[ $word =~ ^[A-Za-z0-9_./:=%,@+-]+$ ]]; then printf '%s ' "$word"; else printf '%q ' "$word"; fi
    done
}

# queue_do COMMAND...: do it, or print it.
queue_do() {
    if [ -n "$dry" ]; then
        put_line "$@"
        echo
    else
        "$@"
    fi
}

# --- submitting ------------------------------------------------------------------------------------------------------

# Cells with the same unfinished needs are one array: what one of them waits for, all wait for.
groups_submit() {
    local i stage key needs
    declare -gA job_of=() # STAGE/INDEX -> the job, of this submission or in the queue, after which the cell is done
    declare -gA cells_of=() # job -> its cells, as STAGE/INDEX words
    for key in "${!live_job[@]}"; do
        job_of[$key]=${live_job[$key]}
        cells_of[${live_job[$key]}]+=" $key"
    done
    for stage in "${ein_stages[@]}"; do
        local -A group=()
        local order=()
        for i in "${!plan[@]}"; do
            key=$stage/${p_index[i]}
            [ "${p_stage[i]}" = "$stage" ] && [ -z "${live_job[$key]:-}" ] || continue
            # The table is made anew whenever something is that goes into it.
            [ "${p_state[i]}" != 'done' ] || { [ "$stage" = table ] && [ ${#table[@]} -gt 0 ]; } || continue
            needs=$(plan_missing_needs "$i" | tr '\n' ' ')
            [ -n "${group[x$needs]:-}" ] || order+=("x$needs")
            group[x$needs]+=${group[x$needs]:+,}${p_index[i]}
        done
        for needs in "${order[@]}"; do group_submit "$stage" "${group[$needs]}" "${needs#x}"; done
        [ "$stage" != "$last_stage" ] || break
    done
}

# dependency KIND NEEDS: afterok of every element, or of a whole array where all of it is needed. The table is made of
# what there is: afterany.
dependency() {
    local need job cell whole text='' kind=$1
    shift
    declare -A wanted=() said=()
    for need in $1; do wanted[$need]=1; done
    for need in $1; do
        job=${job_of[$need]:-}
        [ -n "$job" ] || ein_die "$need is neither done nor in the queue (--stage leaves it out?)"
        [ -z "${said[$job]:-}" ] || continue
        whole=1
        for cell in ${cells_of[$job]}; do [ -n "${wanted[$cell]:-}" ] || whole=''; done
        if [ -n "$whole" ]; then
            said[$job]=1
            text+=:$job
        else
            text+=:${job}_${need#*/}
        fi
    done
    [ -z "$text" ] || echo "$kind$text"
}

# group_submit STAGE CELLS NEEDS: one array, or a chain of arrays.
group_submit() {
    local stage=$1 cells=$2 needs=$3 link links=1 job='' after dependency cell
    if [ "$EIN_MODE" = chain ]; then links=$EIN_LINKS; fi
    after=$(dependency "$([ "$stage" = table ] && echo afterany || echo afterok)" "$needs") || exit 1
    for link in $(seq "$links"); do
        dependency=$after
        [ "$link" = 1 ] || dependency=afterany:$job
        sbatch_line "$stage" "$cells" "$dependency" "$([ "$links" = 1 ] || echo "$link/$links")"
        job_submit || exit 1
        table+=("$job"$'\t'"$stage"$'\t'"$cells"$'\t'"${dependency:--}"$'\t'"$([ "$links" = 1 ] || echo "$link/$links")")
        [ -n "$dry" ] || job_keep "$job" "$stage" "$cells" "$([ "$links" = 1 ] || echo "$link/$links")"
    done
    for cell in ${cells//,/ }; do
        job_of[$stage/$cell]=$job
        cells_of[$job]+=" $stage/$cell"
    done
}

threads_per_rank() {
    local n=1
    [ -z "$EIN_CORES_PER_NODE" ] || n=$((EIN_CORES_PER_NODE / EIN_RANKS_PER_NODE))
    echo $((n < 1 ? 1 : n))
}

# sbatch_line STAGE CELLS DEPENDENCY LINK: the command in line[].
sbatch_line() {
    local nodes=EIN_NODES_${1^^} limit=EIN_TIME_${1^^}
    line=(sbatch --parsable "--job-name=$(basename "$out")-$1" "--comment=$(job_mark)" "--chdir=$PWD" "--array=$(ranges "$2")%$EIN_ARRAY_LIMIT" "--nodes=${!nodes}"
        "--ntasks-per-node=$EIN_RANKS_PER_NODE" "--cpus-per-task=$(threads_per_rank)" "--time=${!limit}" "--signal=B:USR1@$EIN_SIGNAL_S"
        --open-mode=append "--output=$out/slurm/logs/$1-%a-%A.log")
    [ -z "$EIN_ACCOUNT" ] || line+=("--account=$EIN_ACCOUNT")
    [ -z "$EIN_PARTITION" ] || line+=("--partition=$EIN_PARTITION")
    [ -z "$EIN_QOS" ] || line+=("--qos=$EIN_QOS")
    [ -z "$EIN_MEM" ] || line+=("--mem=$EIN_MEM")
    if [ "$EIN_MODE" = chain ]; then line+=(--no-requeue); else line+=(--requeue); fi
    [ -z "$3" ] || line+=("--dependency=$3" --kill-on-invalid-dep=yes)
    line+=("${EIN_SBATCH[@]}" "$ein_slurm/$1.sbatch")
    [ -z "$ein_site" ] || line+=(--site "$ein_site")
    [ -z "$4" ] || line+=(--link "$4")
    line+=(--submission "$submission" --study "$study" "${pass[@]}")
}

# ranges 0,1,2,5: as "0-2,5".
ranges() {
    tr ',' '\n' <<<"$1" | sort -n | awk '
        function put() { text = text (text == "" ? "" : ",") (first == last ? first : first "-" last) }
        NR > 1 && $1 == last + 1 { last = $1; next }
        { if (NR > 1) put(); first = last = $1 }
        END { put(); print text }'
}

# Submit line[]; the id in job.
job_submit() {
    local said
    if [ -n "$dry" ]; then
        dry_jobs=$((${dry_jobs:-0} + 1))
        job=JOB$dry_jobs
        put_line "${line[@]}"
        printf ' # %s\n' "$job"
        return
    fi
    if ! said=$("${line[@]}" 2>&1); then
        ein_warn "$(refusal "$said")$([ ${#table[@]} -eq 0 ] || echo "; ${#table[@]} jobs are queued already: correct it, then resume (or cancel)")"
        return 1
    fi
    job=$(tail -n 1 <<<"$said" | cut -d';' -f1)
    [[ $job =~ ^[0-9]+$ ]] || ein_die "sbatch did not name a job: $(ein_first_line "$said")"
}

# refusal TEXT: what sbatch says, in one line with what to do.
refusal() {
    local text
    text=$(sed -n 's/^sbatch: error: *//p' <<<"$1" | sed 's/^Batch job submission failed: //' | tail -n 1)
    text=${text:-$(ein_first_line "$1")}
    case $text in
    *account*) echo "Slurm refuses account '${EIN_ACCOUNT:-(default)}' in partition '${EIN_PARTITION:-(default)}' ($text): set EIN_ACCOUNT and EIN_PARTITION in ${ein_site:-slurm/site.env}; yours: sacctmgr show associations user=\$USER" ;;
    *partition*) echo "Slurm has no partition '${EIN_PARTITION:-(default)}' for this ($text): set EIN_PARTITION in ${ein_site:-slurm/site.env}; sinfo lists them" ;;
    *[qQ][oO][sS]*) echo "Slurm refuses QOS '${EIN_QOS:-(default)}' ($text): set EIN_QOS in ${ein_site:-slurm/site.env}" ;;
    *[tT]ime*limit*) echo "Slurm refuses a time limit ($text): lower EIN_TIME_* in ${ein_site:-slurm/site.env}; long stages go on over several jobs" ;;
    *processors* | *'node configuration'* | *'Node count'* | *memory*) echo "Slurm has no such nodes ($text): EIN_NODES_*, EIN_RANKS_PER_NODE, EIN_CORES_PER_NODE and EIN_MEM in ${ein_site:-slurm/site.env}; sinfo -N -l shows what there is" ;;
    *) echo "sbatch failed ($text)" ;;
    esac
}

# job_keep JOB STAGE CELLS LINK
job_keep() {
    {
        cat "$out/slurm/jobs.tsv" 2>/dev/null
        printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" "$submission" "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
    } | ein_write "$out/slurm/jobs.tsv" && return
    scancel "$1"
    ein_die "cannot write $out/slurm/jobs.tsv (is the disk full? df $out); job $1 was cancelled again"
}

# --- tables ----------------------------------------------------------------------------------------------------------

jobs_print() {
    local row job stage cells after link nodes limit
    printf '%-9s %-9s %-5s %-22s %-9s %-12s %s\n' job stage cells 'nodes x ranks x threads' 'at once' 'time limit' after
    for row in "${table[@]}"; do
        IFS=$'\037' read -r job stage cells after link <<<"${row//$'\t'/$'\037'}"
        nodes=EIN_NODES_${stage^^} limit=EIN_TIME_${stage^^}
        printf '%-9s %-9s %-5s %-23s %-9s %-12s %s\n' "$job" "$stage" "$(tr ',' '\n' <<<"$cells" | wc -l)" \
            "${!nodes} x $EIN_RANKS_PER_NODE x $(threads_per_rank)" "$EIN_ARRAY_LIMIT" "${!limit}" "$after${link:+ (chain $link)}"
    done
}

# Jobs in the queue by stage and state.
jobs_status() {
    local key
    if [ ${#live_job[@]} -eq 0 ]; then
        echo 'no job of this study is in the queue'
        return
    fi
    echo 'in the queue, by stage, state and what is waited for:'
    for key in "${!live_job[@]}"; do
        printf '%s %s %s\n' "${key%/*}" "${live_state[$key]}" "${live_why[$key]}"
    done | sort | uniq -c | awk '{ n = $1; $1 = ""; printf "  %4d cells %s\n", n, $0 }'
}

# Every cell that needs somebody's attention, with its reason.
cells_status() {
    local i key verdict missing need word bad=0
    for i in "${!plan[@]}"; do
        key=${p_stage[i]}/${p_index[i]}
        [ "${p_state[i]}" != 'done' ] && [ -z "${live_job[$key]:-}" ] || continue
        verdict=$(cat "$out/slurm/notes/${p_stage[i]}-${p_index[i]}.verdict" 2>/dev/null)
        missing=$(plan_missing_needs "$i" | tr '\n' ' ')
        word=waits
        for need in $missing; do [ -n "${live_job[$need]:-}" ] || word=blocked; done
        case ${p_state[i]} in
        failed)
            bad=1
            echo "FAILED  $key ${p_id[i]}: ${p_reason[i]:-${verdict#failed: }}"
            ;;
        *)
            if [ -n "$verdict" ]; then
                bad=1
                echo "ENDED   $key ${p_id[i]}: $verdict"
            elif [ -n "$missing" ] && [ "${p_stage[i]}" != table ]; then
                printf '%-7s %s %s: %s %s\n' "$word" "$key" "${p_id[i]}" needs "${missing% }"
            elif [ -s "$out/slurm/jobs.tsv" ]; then
                printf '%-7s %s %s: no job has it\n' "${p_state[i]}" "$key" "${p_id[i]}"
            fi
            ;;
        esac
    done
    if [ $(($(ein_free_mib "$out"))) -lt "$EIN_MIN_FREE_MIB" ]; then
        bad=1
        echo "the disk is full: $out has $(ein_free_mib "$out") MiB left"
    fi
    if [ "$bad" = 1 ]; then
        echo 'correct what is named, then: slurm/study STUDY.yaml resume'
        return 1
    fi
}
