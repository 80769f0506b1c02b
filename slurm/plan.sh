# shellcheck shell=bash disable=SC2034,SC2154
# The study's plan as the program prints it, and what follows from it: groups of cells, the critical path.
#
# One line a cell: stage, index, id, state, needs, reason, folder. `needs` is a comma list of STAGE/INDEX, empty for none.
# Each submission keeps it as submissions/ID.tsv in the study's folder; its jobs find their cell's folder there.

# The study's folder, as the program takes it from --out or the description; `slurm/` in it is ours.
study_folder() {
    local said
    [ -z "$out" ] || pass=(--out "$(readlink -m "$out")" "${pass[@]}")
    said=$("$EIN_PROGRAM" study "$study" --status "${pass[@]}" 2>&1) || ein_die "$(said_by_program "$said")"
    out=$(sed -n 's/^folder \(.*\), preset .*/\1/p' <<<"$said" | head -n 1)
    [ -n "$out" ] || ein_die "$EIN_PROGRAM does not name the folder of $study; is it of this version?"
    if [ "${pass[0]:-}" != --out ]; then pass=(--out "$(readlink -m "$out")" "${pass[@]}"); fi
    out=$(readlink -m "$out")
}

# The program's message is one line already.
said_by_program() {
    local line
    line=$(grep -m 1 '^einthoven' <<<"$1" || ein_first_line "$1")
    echo "${line#einthoven study: }"
}

# plan_read: into plan[], lines as above.
plan_read() {
    local stage lines said
    plan=()
    said=$(mktemp) || ein_die "$(ein_cannot_write "${TMPDIR:-/tmp}/ein")"
    for stage in "${ein_stages[@]}"; do
        if ! lines=$("$EIN_PROGRAM" study "$study" --cells "$stage" "${pass[@]}" 2>"$said"); then
            lines=$(said_by_program "$(cat "$said")")
            rm -f "$said"
            ein_die "$lines"
        fi
        while IFS= read -r line; do
            [[ $line =~ ^[0-9]+$'\t' ]] && plan+=("$stage"$'\t'"$line")
        done <<<"$lines"
    done
    rm -f "$said"
    [ ${#plan[@]} -gt 0 ] || ein_die "$study has no cells"
    read_columns
}

# The columns of plan[] as arrays; at[STAGE/INDEX] is the place there, at_id[STAGE/ID] is STAGE/INDEX.
read_columns() {
    local line i=0
    declare -gA at=() at_id=()
    p_stage=() p_index=() p_id=() p_state=() p_needs=() p_reason=() p_folder=()
    for line in "${plan[@]}"; do
        # Tabs in a row are empty columns, which read would take for one separator.
        IFS=$'\037' read -r "p_stage[$i]" "p_index[$i]" "p_id[$i]" "p_state[$i]" "p_needs[$i]" "p_reason[$i]" \
            "p_folder[$i]" <<<"${line//$'\t'/$'\037'}"
        at[${p_stage[i]}/${p_index[i]}]=$i
        at_id[${p_stage[i]}/${p_id[i]}]=${p_stage[i]}/${p_index[i]}
        i=$((i + 1))
    done
}

# What a submission's jobs go by: the plan and the description as they are now.
plan_keep() {
    local file=$out/slurm/submissions/$submission
    printf '%s\n' "${plan[@]}" | ein_write "$file.tsv" || ein_die "$(ein_cannot_write "$file.tsv")"
    submitted=$study
    case $study in
    */*)
        ein_write "$file.yaml" <"$study" || ein_die "$(ein_cannot_write "$file.yaml")"
        submitted=$file.yaml
        ;;
    esac
}

plan_count() { printf '%s\n' "${p_state[@]}" | grep -cxE "$1"; }
plan_live_count() {
    local i n=0
    for i in "${!plan[@]}"; do [ -n "${live_job[${p_stage[i]}/${p_index[i]}]:-}" ] && n=$((n + 1)); done
    echo "$n"
}

# plan_missing_needs I: those needs of a cell that are not done yet, one a line.
plan_missing_needs() {
    local need
    for need in ${p_needs[$1]//,/ }; do
        [ -n "${at[$need]:-}" ] || ein_die "the plan's $need, which ${p_stage[$1]}/${p_index[$1]} needs, is no cell"
        [ "${p_state[${at[$need]}]}" = 'done' ] || echo "$need"
    done
}

# plan_slack[STAGE/INDEX]: seconds by which a cell that is not done may wait without making the study longer, if every
# cell takes its stage's time limit. Needs stand before what needs them.
plan_slacks() {
    local i need key name seconds longest=0
    declare -gA plan_slack=()
    declare -A earliest=() tail=()
    for i in "${!plan[@]}"; do
        [ "${p_state[i]}" != 'done' ] || continue
        key=${p_stage[i]}/${p_index[i]} earliest[$key]=0
        for need in $(plan_missing_needs "$i"); do
            name=EIN_TIME_${need%%/*} name=${name^^}
            seconds=$((${earliest[$need]:-0} + $(ein_seconds "${!name}")))
            if [ "$seconds" -gt "${earliest[$key]}" ]; then earliest[$key]=$seconds; fi
        done
    done
    for ((i = ${#plan[@]} - 1; i >= 0; i--)); do
        [ "${p_state[i]}" != 'done' ] || continue
        key=${p_stage[i]}/${p_index[i]} name=EIN_TIME_${p_stage[i]^^}
        tail[$key]=$((${tail[$key]:-0} + $(ein_seconds "${!name}")))
        if [ $((earliest[$key] + tail[$key])) -gt "$longest" ]; then longest=$((earliest[$key] + tail[$key])); fi
        for need in $(plan_missing_needs "$i"); do
            if [ "${tail[$key]}" -gt "${tail[$need]:-0}" ]; then tail[$need]=${tail[$key]}; fi
        done
    done
    for key in "${!tail[@]}"; do plan_slack[$key]=$((longest - earliest[$key] - tail[$key])); done
}

# The longest way through what is not done: a cell takes its stage's time limit, those of one array wait for each other.
plan_critical_path() {
    local i need name seconds best
    declare -A finish=() from=() place=()
    local beyond="${ein_stages[*]} "
    beyond=${beyond#*"$last_stage "}
    best=''
    for i in "${!plan[@]}"; do
        local key=${p_stage[i]}/${p_index[i]} begin=0 before=''
        [ "${p_state[i]}" = 'done' ] && continue
        [[ " $beyond " == *" ${p_stage[i]} "* ]] && continue
        name=EIN_TIME_${p_stage[i]^^}
        seconds=$(ein_seconds "${!name}")
        for need in $(plan_missing_needs "$i"); do
            if [ "${finish[$need]:-0}" -gt "$begin" ]; then begin=${finish[$need]} before=$need; fi
        done
        local group=${p_stage[i]}:${p_needs[i]} waves
        place[$group]=$((${place[$group]:-0} + 1))
        waves=$(((place[$group] + EIN_ARRAY_LIMIT - 1) / EIN_ARRAY_LIMIT))
        finish[$key]=$((begin + waves * seconds))
        from[$key]=$before
        if [ -z "$best" ] || [ "${finish[$key]}" -gt "${finish[$best]}" ]; then best=$key; fi
    done
    [ -n "$best" ] || return
    local way='' key=$best
    while [ -n "$key" ]; do
        way="$key (until $(ein_duration "${finish[$key]}"))${way:+ -> $way}"
        key=${from[$key]}
    done
    echo "critical path, if every cell takes its time limit and no job waits: $(ein_duration "${finish[$best]}")"
    echo "  $way"
}
