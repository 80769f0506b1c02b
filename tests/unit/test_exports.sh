#!/bin/bash
# The check of exports: a name without a caller in another module is found, a name that has one is not, and so are reasons that
# no longer hold.
. "$(dirname "$0")/../lib.sh"

exports=$root/tests/exports.sh
tree=$tmp/tree
list=$tmp/list

# module NAME CODE: a module of the small program, as the archive of a room.
module() {
    mkdir -p "$tree/core"
    printf '%s\n' "$2" >"$tmp/$1.c"
    ${CC:-gcc} -c "$tmp/$1.c" -o "$tmp/$1.o" && ar rcs "$tree/core/$1.a" "$tmp/$1.o"
}

# broken NAME PATTERN...: refused, with these words.
broken() {
    local name=$1 pattern
    shift
    run "$exports" "$tree" "$list"
    is "$name: exit code" "$status" 1
    for pattern in "$@"; do like "$name: message" "$err" "$pattern"; done
}

run "$exports" "$tmp/none" "$list"
is 'nothing is built' "$status" 1

# ein_csv_parse is a name that tests use.
echo '# nothing' >"$list"
module ground 'int ein_inner(int x) { return x + 1; } int ein_csv_parse(int x) { return ein_inner(x); } static int own(void) { return 1; } int ein_sum_f32(void) { return own(); }'
module roof 'int ein_csv_parse(int); int ein_sum_f32(void); int main(void) { return ein_csv_parse(ein_sum_f32()); }'
broken 'a name that its own module alone calls' 'delete it, make it static' '^    ein_inner$'
unlike 'main, what is static and what is called are not named' "$err" 'main|own|ein_csv_parse|ein_sum'

printf 'ein_inner  a reason for it\n' >"$list"
broken 'an exception that no test uses' 'no test uses it' '^    ein_inner$'

module ground 'int ein_csv_parse(int x) { return x; } int ein_sum_f32(void) { return 1; } int ein_table[3] = {1};'
: >"$list"
broken 'a table' '^    ein_table$'
module ground 'int ein_csv_parse(int x) { return x; } int ein_sum_f32(void) { return 1; }'
run "$exports" "$tree" "$list"
is 'no fault: exit code' "$status" 0
is 'no fault: nothing is said' "$err" ''

printf 'ein_csv_parse  cases of tests\n' >"$list"
broken 'an exception that has a caller' 'gone or has a caller' '^    ein_csv_parse$'
module roof 'int ein_sum_f32(void); int main(void) { return ein_sum_f32(); }'
run "$exports" "$tree" "$list"
is 'an exception with a reason' "$status" 0
printf 'ein_csv_parse\n' >"$list"
broken 'one without a reason' 'no reason' '^    ein_csv_parse$'
printf 'ein_csv_parse  cases of tests\nein_csv_parse  cases of tests\n' >"$list"
broken 'one that stands twice' 'twice'
module roof 'int main(void) { return 0; }'
printf 'ein_csv_parse  cases of tests\n' >"$list"
broken 'a kernel, by its name in the source' '^    ein_sum$'

run "$exports" "$(dirname "$einthoven")"
is 'the program as it is built: exit code' "$status" 0
is 'and no fault in it' "$err" ''
done_testing
