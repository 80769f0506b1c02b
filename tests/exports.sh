#!/bin/bash
# Who calls what a module exports: tests/exports.sh BUILD_DIR [EXCEPTIONS], of what is built there.
#
# Exit code 1, with every offending name, if a function or a table is exported that no other module of the program uses, unless
# tests/exports.txt has it with the reason; and if a line of that list is no longer needed: the program calls the name now, no
# test does, or it is gone. Such a name is deleted, made static, or given the caller it was meant for.
set -u
build=${1:?usage: tests/exports.sh BUILD_DIR [EXCEPTIONS]}
root=$(cd "$(dirname "$0")/.." && pwd)
exceptions=${2:-$root/tests/exports.txt}
mapfile -t built < <(find "$build" \( -name f64 -o -name tests -o -name embedded \) -prune -o \( -name '*.a' -o -name einthoven.o \) -print | sort)
if [ ${#built[@]} -eq 0 ]; then
    echo "exports: $build holds no archive; make builds them" >&2
    exit 1
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/einthoven-exports.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

# OBJECT TYPE NAME, for what has external linkage; nm tells nothing between modules that are linked into one.
nm -A -g -P "${built[@]}" 2>/dev/null | awk '{ print $1, $3, $2 }' >"$work/names"
# Kernels over `real` have another name in the source: the program has those in float.
# What has a point in its name is the compiler's; ein_file_* are the files in the program, begin and end.
awk '$2 == "U" { used[$3] = 1 } $2 ~ /^[TDBRVWCi]$/ && $3 !~ /[.]|^ein_file_|^main$/ { exported[$3] = 1 }
    END { for (name in exported) if (!(name in used)) { sub(/_f32$/, "", name); print name } }' "$work/names" |
    sort -u >"$work/uncalled"
grep -vE '^(#|$)' "$exceptions" >"$work/lines"
awk '{ print $1 }' "$work/lines" | sort >"$work/listed"

# told RULE: the names on stdin break it.
faults=0
told() {
    local names
    mapfile -t names
    [ ${#names[@]} -eq 0 ] && return
    echo "exports: $1" >&2
    printf '    %s\n' "${names[@]}" >&2
    faults=1
}
shopt -s lastpipe
comm -23 "$work/uncalled" "$work/listed" | told "no other module of the program uses it: delete it, make it static, or give it a caller"
comm -13 "$work/uncalled" "$work/listed" | told "$(basename "$exceptions") lists what is gone or has a caller"
uniq -d "$work/listed" | told "$(basename "$exceptions") lists it twice"
awk 'NF < 3 { print $1 }' "$work/lines" | told "$(basename "$exceptions") has no reason for it"
while read -r name; do
    grep -rqwF --include='*.[ch]' -e "$name" "$root/tests" || echo "$name"
done <"$work/listed" | told "$(basename "$exceptions") lists it, and no test uses it"
[ "$faults" -eq 1 ] || echo "exports: every name has a caller; $(wc -l <"$work/listed") exceptions"
exit "$faults"
