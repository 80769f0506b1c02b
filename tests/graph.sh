#!/bin/bash
# Who includes whom: tests/graph.sh [TREE] prints an arrow "folder -> folders" per room of ROOMS (Makefile).
#
# Exit code 1, with every offending line, if a folder is no room, an arrow points against the order of ROOMS, a file in
# quotes is not there, or modules go round in a circle. A module is a .h and the .c of the same name.
# `sh tests/graph.sh` is as good as its name.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -u
cd "${1:-$(dirname "$0")/..}" || exit 1
mapfile -t rooms < <(sed -n '/^ROOMS *:=/,/[^\\]$/p' Makefile | tr -d '\\' | sed 's/^ROOMS *:=//' | tr -s ' \t' '\n' | grep .)
if [ ${#rooms[@]} -eq 0 ]; then
    echo 'graph: the Makefile has no line ROOMS := ...' >&2
    exit 1
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/einthoven-graph.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

printf '%s\n' "${rooms[@]}" >"$work/rooms"
mapfile -t tops < <(printf '%s\n' "${rooms[@]%%/*}" | sort -u)
find "${tops[@]}" -name '*.[ch]' | sort >"$work/files"
# FILE:LINE INCLUDED, for every name in quotes
xargs grep -nHE '^ *# *include *"' <"$work/files" | sed -E 's/^([^:]*:[0-9]+):[^"]*"([^"]*)".*/\1 \2/' >"$work/includes"

awk -v work="$work" '
    function folder(path) { sub(/\/[^\/]*$/, "", path); return path }
    function module(path) { sub(/\.[ch]$/, "", path); return path }
    function fault(rule, line) { print "    " line > (work "/" rule) }
    FILENAME ~ /rooms$/ { place[$1] = ++n; room[n] = $1; next }
    FILENAME ~ /files$/ {
        there[$1] = 1
        if (!(folder($1) in place)) fault("no_room", $1)
        next
    }
    {
        file = $1
        sub(/:[0-9]+$/, "", file)
        from = folder(file)
        to = folder($2)
        if (!($2 in there)) { fault("not_there", $1 " includes \"" $2 "\""); next }
        if (module(file) != module($2)) print module(file), module($2), $1, $2 > (work "/modules")
        if (from == to) next
        if (place[to] < place[from]) fault("upwards", $1 " includes " $2)
        arrow[from, to] = 1
    }
    END {
        for (i = 1; i <= n; i++) {
            line = room[i] " ->"
            for (j = 1; j <= n; j++) if ((room[i], room[j]) in arrow) line = line " " room[j]
            print line
        }
    }' "$work/rooms" "$work/files" "$work/includes"

touch "$work/modules"
cut -d ' ' -f 1-2 "$work/modules" | tsort 2>&1 >/dev/null | sed -n 's/^tsort: //p' |
    awk -v modules="$work/modules" '
        function tell(  line, part) {
            if (size < 2) return
            while ((getline line < modules) > 0) {
                split(line, part, " ")
                if (part[1] in member && part[2] in member) print "    " part[3] " includes " part[4]
            }
            close(modules)
            print ""
        }
        /input contains a loop/ { tell(); delete member; size = 0; next }
        { member[$1] = 1; size++ }
        END { tell() }' >"$work/circles"

faults=0
complain() {
    [ -s "$work/$1" ] || return
    echo "graph: $2" >&2
    cat "$work/$1" >&2
    faults=1
}
complain no_room 'in no room of ROOMS (Makefile), so linked into nothing'
complain not_there 'no such file; names in quotes begin at the top of the tree'
complain upwards 'an arrow against the order of ROOMS (Makefile)'
complain circles 'modules that include each other; what both need belongs into a module below'
exit $faults
