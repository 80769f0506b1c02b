# shellcheck shell=bash disable=SC2034,SC2154
# Jobs of a study: submitting groups of cells, and knowing afterwards which jobs are whose.
#
# jobs.tsv in the study's folder, one line a job array: job id, stage, cells (comma list), link of a chain (K/N, empty without),
# submission, time, offset, user. Element N of the array is cell N + offset. The file is replaced as a whole after every
# sbatch; only jobs that stand in it are ever asked about or stopped.
#
# submissions/ID.yaml and ID.tsv there are the description and the plan at the time of that submission. Its jobs use
# them, so that a description that is edited while jobs wait does not change which cell a number means.

# One submitter at a time, and always with the same options: others would be another study in the same folder.
folder_take() {
    mkdir -p "$out/slurm/logs" "$out/slurm/notes" "$out/slurm/submissions" 2>/dev/null ||
        ein_die "cannot make $out/slurm: $(ein_first_line "$(mkdir -p "$out/slurm/logs" "$out/slurm/notes" "$out/slurm/submissions" 2>&1)")"
    folder_lock
    local before now
    now=$(printf '%s' "$study" && printf ' %s' "${pass[@]}")
    before=$(cat "$out/slurm/command" 2>/dev/null)
    if [ -n "$before" ] && [ "$before" != "$now" ]; then
        ein_die "$out belongs to '$before', not to '$now': give the same options, or another --out"
    fi
    [ -n "$before" ] || ein_write "$out/slurm/command" <<<"$now" || ein_die "$(ein_cannot_write "$out/slurm/command")"
}

# A lock that ends with this process; where the file system has none, a folder that names its owner.
folder_lock() {
    local said status
    { exec 9>"$out/slurm/lock"; } 2>/dev/null || ein_die "$(ein_cannot_write "$out/slurm/lock")"
    said=$(flock -n 9 2>&1)
    status=$?
    [ "$status" -ne 0 ] || return 0
    if [ "$status" -eq 1 ] && [ -z "$said" ]; then ein_die "another slurm/study is submitting to $out just now"; fi
    ein_warn "the file system of $out has no locks ($(ein_first_line "${said:-flock failed}")); $out/slurm/submitting takes their place"
    folder_claim "$out/slurm/submitting"
}

folder_claim() {
    local claim=$1 host='' pid='' since=''
    if ! mkdir "$claim" 2>/dev/null; then
        read -r host pid since 2>/dev/null <"$claim/owner"
        if [ "$host" != "$(hostname)" ] || kill -0 "$pid" 2>/dev/null; then
            [ -d "$claim" ] || ein_die "$(ein_cannot_write "$claim")"
            ein_die "another slurm/study is submitting to $out (process ${pid:-unknown} on ${host:-an unknown host} since ${since:-an unknown time}); if there is none any more: rm -r $claim"
        fi
        # Its process is gone. Of several that see this only one can move it away.
        mv "$claim" "$claim.$$" 2>/dev/null && rm -rf "$claim.$$" && mkdir "$claim" 2>/dev/null ||
            ein_die "another slurm/study is submitting to $out just now"
    fi
    trap 'rm -rf "$out/slurm/submitting"' EXIT
    echo "$(hostname) $$ $(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$claim/owner" || ein_die "$(ein_cannot_write "$claim/owner")"
}

# The comment of our jobs, for people who look at the queue; jobs are recognised by their command line (jobs_live).
job_mark() { echo "einthoven:$out"; }

# Everybody who has submitted jobs of this study: a colleague's jobs make its cells, too.
job_users() {
    local users
    users=$({ id -un && awk -F'\t' 'NF >= 8 && $8 != "" { print $8 }' "$out/slurm/jobs.tsv"; } | sort -u | paste -sd,)
    echo "$users"
}

# The cell's id by stage, element and submission: id_then[SUBMISSION/STAGE/INDEX].
plans_then() {
    local submission file stage index id
    declare -gA id_then=()
    for submission in $(cut -f5 "$out/slurm/jobs.tsv" | sort -u); do
        file=$out/slurm/submissions/$submission.tsv
        [ -r "$file" ] || continue
        while IFS=$'\037' read -r stage index id _; do id_then[$submission/$stage/$index]=$id; done < <(tr '\t' '\037' <"$file")
    done
}

# What of jobs.tsv is in the queue: live_jobs[] all of it; live_stage[JOB]; live_job[STAGE/INDEX] is the job that will end
# last for the cell, live_state and live_why its state; live_old[STAGE/ID] a queued cell that the plan has no more.
# Fails, with the reason in queue_said, if Slurm does not answer. A number that a new Slurm gives anew to somebody else's
# job is told by the command line, which names the submission; a comment may be the site's own.
jobs_live() {
    local queue job task state reason what stage key id row=()
    declare -gA live_job=() live_state=() live_why=() live_stage=() live_old=()
    live_jobs=() queue_said=''
    [ -s "$out/slurm/jobs.tsv" ] || return 0
    if ! queue=$(squeue --noheader --array --user="$(job_users)" --format='%F|%K|%T|%r|%o' 2>&1); then
        queue_said=$(ein_first_line "$queue")
        return 1
    fi
    plans_then
    declare -A of=() sub=() shift_of=() seen=()
    while IFS=$'\037' read -r -a row; do
        of[${row[0]}]=${row[1]} sub[${row[0]}]=${row[4]} shift_of[${row[0]}]=${row[6]:-0}
    done < <(tr '\t' '\037' <"$out/slurm/jobs.tsv")
    while IFS='|' read -r job task state reason what; do
        stage=${of[${job:-none}]:-}
        [ -n "$stage" ] && [[ "$what " == *" --submission ${sub[$job]} "* ]] || continue
        [ -n "${seen[$job]:-}" ] || live_jobs+=("$job")
        seen[$job]=1 live_stage[$job]=$stage
        [[ $task =~ ^[0-9]+$ ]] || continue
        task=$((task + ${shift_of[$job]}))
        key=$stage/$task id=${id_then[${sub[$job]}/$stage/$task]:-}
        if [ -n "$id" ] && [ "${#plan[@]}" -gt 0 ]; then key=${at_id[$stage/$id]:-}; fi
        if [ -z "$key" ]; then
            live_old[$stage/$id]=$job
            continue
        fi
        if [ "${live_job[$key]:-0}" -lt "$job" ]; then live_job[$key]=$job; fi
        # Of a chain the job that runs says more than those that wait for it.
        if [ "${live_state[$key]:-PENDING}" = PENDING ]; then live_state[$key]=$state live_why[$key]=$reason; fi
    done <<<"$queue"
}

# Where a wrong answer would queue cells twice or stop nothing.
jobs_live_surely() {
    jobs_live || ein_die "Slurm does not answer ($queue_said); try again later"
    local hidden
    hidden=$(scontrol show config 2>/dev/null | sed -n 's/^PrivateData *= *//p')
    if [ "$verb" != cancel ] && [[ ",$hidden," == *,jobs,* ]] && [ "$(job_users)" != "$(id -un)" ]; then
        ein_die "jobs of this study were also submitted by others ($(job_users)), and this Slurm shows nobody's jobs but one's own (PrivateData=jobs): let one of them resume"
    fi
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
    local i stage key needs chunk row=()
    declare -gA job_of=() # STAGE/INDEX -> the job, of this submission or in the queue, after which the cell is done
    declare -gA cells_of=() # job -> its cells, as STAGE/INDEX words
    declare -gA offset_of=() # job -> what is added to an element's number
    [ ! -s "$out/slurm/jobs.tsv" ] || while IFS=$'\037' read -r -a row; do offset_of[${row[0]}]=${row[6]:-0}; done \
        < <(tr '\t' '\037' <"$out/slurm/jobs.tsv")
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
            # Slurm takes no element's number beyond its limit: cells beyond it are arrays of their own.
            chunk=$((p_index[i] / array_size)):$needs
            [ -n "${group[$chunk]:-}" ] || order+=("$chunk")
            group[$chunk]+=${group[$chunk]:+,}${p_index[i]}
        done
        for chunk in "${order[@]}"; do group_submit "$stage" "${group[$chunk]}" "${chunk#*:}" $((${chunk%%:*} * array_size)); done
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
            text+=:${job}_$((${need#*/} - ${offset_of[$job]:-0}))
        fi
    done
    [ -z "$text" ] || echo "$kind$text"
}

# group_submit STAGE CELLS NEEDS OFFSET: one array, or a chain of arrays.
group_submit() {
    local stage=$1 cells=$2 needs=$3 offset=$4 link links=1 job='' after dependency cell
    if [ "$EIN_MODE" = chain ]; then links=$EIN_LINKS; fi
    after=$(dependency "$([ "$stage" = table ] && echo afterany || echo afterok)" "$needs") || exit 1
    for link in $(seq "$links"); do
        dependency=$after
        [ "$link" = 1 ] || dependency=afterany:$job
        sbatch_line "$stage" "$cells" "$dependency" "$([ "$links" = 1 ] || echo "$link/$links")" "$offset"
        job_submit || exit 1
        table+=("$job"$'\t'"$stage"$'\t'"$cells"$'\t'"${dependency:--}"$'\t'"$([ "$links" = 1 ] || echo "$link/$links")")
        [ -n "$dry" ] || job_keep "$job" "$stage" "$cells" "$([ "$links" = 1 ] || echo "$link/$links")" "$offset"
    done
    offset_of[$job]=$offset
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

# The lowest priority of jobs (sbatch --nice) that the longest way through the study does not wait for.
nice_of() {
    local cell least=''
    for cell in ${2//,/ }; do
        local slack=${plan_slack[$1/$cell]:-0}
        if [ -z "$least" ] || [ "$slack" -lt "$least" ]; then least=$slack; fi
    done
    least=$((${least:-0} / 60))
    echo $((least > 10000 ? 10000 : least))
}

# sbatch_line STAGE CELLS DEPENDENCY LINK OFFSET: the command in line[].
sbatch_line() {
    local nodes=EIN_NODES_${1^^} limit=EIN_TIME_${1^^} cells=$2 number='%a' nice
    if [ "$5" -gt 0 ]; then
        cells=$(tr ',' '\n' <<<"$2" | awk -v offset="$5" '{ print $1 - offset }' | paste -sd,)
        number="$5+%a"
    fi
    line=(sbatch --parsable "--job-name=$(basename "$out")-$1" "--comment=$(job_mark)" "--chdir=$PWD" "--array=$(ranges "$cells")%$EIN_ARRAY_LIMIT" "--nodes=${!nodes}"
        "--ntasks-per-node=$EIN_RANKS_PER_NODE" "--cpus-per-task=$(threads_per_rank)" "--time=${!limit}" "--signal=B:USR1@$EIN_SIGNAL_S"
        --open-mode=append "--output=$out/slurm/logs/$1-$number-%A.log")
    [ -z "$EIN_ACCOUNT" ] || line+=("--account=$EIN_ACCOUNT")
    [ -z "$EIN_PARTITION" ] || line+=("--partition=$EIN_PARTITION")
    [ -z "$EIN_QOS" ] || line+=("--qos=$EIN_QOS")
    [ -z "$EIN_MEM" ] || line+=("--mem=$EIN_MEM")
    nice=$(nice_of "$1" "$2")
    [ "$nice" -eq 0 ] || line+=("--nice=$nice")
    if [ "$EIN_MODE" = chain ]; then line+=(--no-requeue); else line+=(--requeue); fi
    [ -z "$3" ] || line+=("--dependency=$3" --kill-on-invalid-dep=yes)
    line+=("${EIN_SBATCH[@]}" "$ein_slurm/$1.sbatch")
    [ -z "$ein_site" ] || line+=(--site "$ein_site")
    [ -z "$4" ] || line+=(--link "$4")
    [ "$5" -eq 0 ] || line+=(--offset "$5")
    line+=(--submission "$submission" --study "$submitted" "${pass[@]}")
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

# refusal TEXT: what sbatch says, all of it, in one line with what to do. The words of a site's own plugin come first.
refusal() {
    local text file=${ein_site:-slurm/site.env}
    text=$(sed -n 's/^sbatch: error: *//p' <<<"$1" | sed 's/^Batch job submission failed: //' | awk 'NF && !seen[$0]++' | paste -sd';' | sed 's/;/; /g' | cut -c1-600)
    text=${text:-$(ein_first_line "$1")}
    case $text in
    *'violates accounting/QOS policy'* | *QOSMax* | *AssocMax* | *AssocGrp* | *QOSGrp*)
        echo "Slurm refuses this by a limit of your account or QOS ($text): the number of jobs (MaxSubmitJobs), nodes or time; sacctmgr show assoc,qos shows them. Lower EIN_NODES_* or EIN_TIME_* in $file, or submit less at a time: --stage" ;;
    *'array specification'* | *'array index'*) echo "Slurm refuses the numbers of a job array ($text): scontrol show config | grep MaxArraySize; set EIN_ARRAY_SIZE in $file to that" ;;
    *'unavailable: too many'* | *'temporarily'* | *'max job'* | *MaxJobCount*) echo "Slurm takes no more jobs now ($text): try again later; resume adds what is missing" ;;
    *account*) echo "Slurm refuses account '${EIN_ACCOUNT:-(default)}' in partition '${EIN_PARTITION:-(default)}' ($text): set EIN_ACCOUNT and EIN_PARTITION in $file; yours: sacctmgr show associations user=\$USER" ;;
    *partition*) echo "Slurm has no partition '${EIN_PARTITION:-(default)}' for this ($text): set EIN_PARTITION in $file; sinfo lists them" ;;
    *[qQ][oO][sS]*) echo "Slurm refuses QOS '${EIN_QOS:-(default)}' ($text): set EIN_QOS in $file" ;;
    *[tT]ime*limit*) echo "Slurm refuses a time limit ($text): lower EIN_TIME_* in $file; long stages go on over several jobs" ;;
    *processors* | *'node configuration'* | *'Node count'* | *memory*) echo "Slurm has no such nodes ($text): EIN_NODES_*, EIN_RANKS_PER_NODE, EIN_CORES_PER_NODE and EIN_MEM in $file; sinfo -N -l shows what there is" ;;
    *) echo "sbatch failed ($text)" ;;
    esac
}

# job_keep JOB STAGE CELLS LINK OFFSET
job_keep() {
    {
        cat "$out/slurm/jobs.tsv" 2>/dev/null
        printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" "$submission" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$5" "$(id -un)"
    } | ein_write "$out/slurm/jobs.tsv" && return
    scancel "$1"
    ein_die "$(ein_cannot_write "$out/slurm/jobs.tsv"); job $1 was cancelled again"
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
    if [ -n "$queue_said" ]; then
        echo "Slurm does not answer ($queue_said): what is in the queue is not known; the table is what the cells' folders say"
        return
    fi
    if [ ${#live_job[@]} -eq 0 ] && [ ${#live_old[@]} -eq 0 ]; then
        echo 'no job of this study is in the queue'
        return
    fi
    echo 'in the queue, by stage, state and what is waited for:'
    for key in "${!live_job[@]}"; do
        printf '%s %s %s\n' "${key%/*}" "${live_state[$key]}" "${live_why[$key]}"
    done | sort | uniq -c | awk '{ n = $1; $1 = ""; printf "  %4d cells %s\n", n, $0 }'
    if [ ${#live_old[@]} -gt 0 ]; then
        echo "  of an earlier description, and no part of the study now: ${!live_old[*]} (cancel stops them with the others)"
    fi
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
            elif [ "${p_state[i]}" = running ] && [ -z "$queue_said" ]; then
                echo "running $key ${p_id[i]}: by no job of this study"
            elif [ -s "$out/slurm/jobs.tsv" ] && [ -z "$queue_said" ]; then
                printf '%-7s %s %s: no job has it; resume queues it\n' "${p_state[i]}" "$key" "${p_id[i]}"
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
