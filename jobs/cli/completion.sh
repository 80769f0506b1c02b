#!/bin/bash
# Print completion for bash, made of the program's own help: jobs/cli/completion.sh PROGRAM
set -eu
program=${1:?usage: jobs/cli/completion.sh PROGRAM}
help=$("$program" --help)
commands=$(sed -n '/^Subcommands:/,/^$/s/^  \([a-z-]*\) .*/\1/p' <<<"$help")
topics=$(sed -n '/^Manual: /,$s/^  \([^ ]*\) .*/\1/p' <<<"$help")

echo '# Completion of einthoven for bash, made of its help.'
echo '_einthoven() {'
echo '    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} options= keys='
echo '    COMPREPLY=()'
echo '    if [ "$COMP_CWORD" -eq 1 ]; then'
echo "        mapfile -t COMPREPLY < <(compgen -W '$(tr '\n' ' ' <<<"$commands")help version --help --version' -- \"\$word\")"
echo '        return'
echo '    fi'
echo '    case ${COMP_WORDS[1]} in'
echo "    help) options='$(printf '%s ' $commands $topics)' ;;"
for command in $commands; do
    text=$("$program" "$command" --help)
    options=$(sed -n '/^Options:/,/^Configuration keys/s/^  \(--[a-z][a-z-]*\).*/\1/p' <<<"$text")
    keys=$(sed -n '/^Configuration keys/,$s/^  \([a-z_0-9.]*\)\( =.*\)\{0,1\}$/\1=/p' <<<"$text")
    printf "    %s)\n        options='%s'\n        keys='%s'\n        ;;\n" "$command" "$(tr '\n' ' ' <<<"$options")" \
        "$(tr '\n' ' ' <<<"$keys")"
done
echo '    esac'
cat <<'BASH'
    if [ "$before" = --set ]; then
        mapfile -t COMPREPLY < <(compgen -W "$keys" -- "$word")
        compopt -o nospace
    elif [[ $word == -* || ${COMP_WORDS[1]} == help ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
    fi # else files, as bash does by default
}
complete -o default -F _einthoven einthoven
BASH
