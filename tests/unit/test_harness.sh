#!/bin/bash
# The test runner itself: what fails must be counted, whatever way it fails.
. "$(dirname "$0")/../lib.sh"

# sandbox SCRIPT_TEXT: a tree with one shell test of that text; runs tests/run on it.
sandbox() {
    rm -rf "$tmp/tree" "$tmp/build"
    mkdir -p "$tmp/tree/unit" "$tmp/build"
    printf '%s\n' "$1" >"$tmp/tree/unit/test_it.sh"
    EIN_TESTS="$tmp/tree" run "$root/tests/run" "$tmp/build"
    last=$(tail -n 1 <<<"$out")
}

# counts NAME EXIT_CODE LAST_LINE SCRIPT_TEXT
counts() {
    sandbox "$4"
    is "$1: exit code" "$status" "$2"
    is "$1: count" "$last" "$3"
}

counts 'two passes' 0 '2 passed, 0 failed, 0 skipped' 'echo ok 1 - a; echo ok 2 - b; echo 1..2'
counts 'plan first' 0 '2 passed, 0 failed, 0 skipped' 'echo 1..2; echo ok 1 - a; echo ok 2 - b'
counts 'a failure' 1 '1 passed, 1 failed, 0 skipped' 'echo ok 1 - a; echo not ok 2 - b; echo 1..2; exit 1'
counts 'a failure with exit code 0' 1 '1 passed, 2 failed, 0 skipped' 'echo ok 1 - a; echo not ok 2 - b; echo 1..2'
counts 'a skip' 0 '1 passed, 0 failed, 1 skipped' 'echo ok 1 - a; echo "ok 2 - b # SKIP no data"; echo 1..2'
counts 'all skipped' 0 '0 passed, 0 failed, 1 skipped' 'echo "1..0 # SKIP no data"'
counts 'no test at all' 1 '0 passed, 1 failed, 0 skipped' 'echo 1..0'
counts 'no output' 1 '0 passed, 1 failed, 0 skipped' 'true'
counts 'no plan' 1 '1 passed, 1 failed, 0 skipped' 'echo ok 1 - a'
counts 'too few' 1 '1 passed, 1 failed, 0 skipped' 'echo ok 1 - a; echo 1..2'
counts 'too many' 1 '2 passed, 1 failed, 0 skipped' 'echo ok 1 - a; echo ok 2 - b; echo 1..1'
counts 'dies before the plan' 1 '1 passed, 1 failed, 0 skipped' 'echo ok 1 - a; kill -SEGV $$'
counts 'dies behind the plan' 1 '1 passed, 1 failed, 0 skipped' 'echo ok 1 - a; echo 1..1; kill -ABRT $$'
counts 'exit code without a failed test' 1 '1 passed, 1 failed, 0 skipped' 'echo ok 1 - a; echo 1..1; exit 3'
counts 'never ends' 1 '1 passed, 1 failed, 0 skipped' '# timeout: 1
echo ok 1 - a; echo 1..1; sleep 60'

sandbox 'echo noise; echo not ok 1 - broken thing; echo 1..1; echo why >&2; exit 1'
like 'the output of a failure is shown' "$out" 'not ok 1 - broken thing'
like 'and its stderr' "$out" '! why'
like 'and the test is named' "$out" '^FAIL .*unit/test_it\.sh'
sandbox 'echo ok 1 - a; echo 1..1'
unlike 'the output of a success is not' "$out" 'ok 1 - a'

# A program that was not built is a failure, and so is an empty tree.
mkdir -p "$tmp/tree/gradient" "$tmp/tree/mpi"
: >"$tmp/tree/gradient/test_unbuilt.c"
EIN_TESTS="$tmp/tree" run "$root/tests/run" "$tmp/build"
is 'a program that was not built: exit code' "$status" 1
is 'a program that was not built: count' "$(tail -n 1 <<<"$out")" '1 passed, 1 failed, 0 skipped'
EIN_TESTS="$tmp/nothing" run "$root/tests/run" "$tmp/build"
is 'no tests: exit code' "$status" 1
is 'no tests: count' "$(tail -n 1 <<<"$out")" '0 passed, 0 failed, 0 skipped'
EIN_TESTS="$tmp/tree" run "$root/tests/run" "$tmp/build" unit/
is 'words choose tests' "$(tail -n 1 <<<"$out")" '1 passed, 0 failed, 0 skipped'

# On several ranks: a crash of any rank counts, also behind a perfect report of rank 0.
rm -r "$tmp/tree/gradient" "$tmp/tree/unit"
mkdir -p "$tmp/build/${tmp#/}"
: >"$tmp/tree/mpi/test_ranks.c"
program=$tmp/build/$tmp/tree/mpi/test_ranks
mkdir -p "$(dirname "$program")"
# shellcheck disable=SC2016 # for the program to expand
printf '#!/bin/sh\nif [ "$OMPI_COMM_WORLD_RANK" = 0 ]; then echo ok 1 - a; echo 1..1; fi\n' >"$program"
chmod +x "$program"
EIN_TESTS="$tmp/tree" run "$root/tests/run" "$tmp/build"
is 'a program at 1, 2, 3 and 4 ranks' "$(tail -n 1 <<<"$out")" '4 passed, 0 failed, 0 skipped'
# shellcheck disable=SC2016
printf 'if [ "$OMPI_COMM_WORLD_RANK" = 2 ]; then kill -SEGV $$; fi\n' >>"$program"
EIN_TESTS="$tmp/tree" run "$root/tests/run" "$tmp/build"
is 'a crash of rank 2: exit code' "$status" 1
like 'a crash of rank 2 fails at 3 and 4 ranks' "$(tail -n 1 <<<"$out")" ' 2 failed, 0 skipped'

# Several at once, and each is told when it has ended, whatever began before it: the first waits until the runner has told
# of the second.
sandbox 'echo ok 1 - a; echo 1..1'
told=$tmp/told
cat >"$tmp/tree/unit/test_it.sh" <<SH
# timeout: 60
until grep -q test_later '$told'; do sleep 0.05; done; echo ok 1 - a; echo 1..1
SH
echo 'echo ok 1 - a; echo 1..1' >"$tmp/tree/unit/test_later.sh"
EIN_JOBS=2 EIN_TESTS="$tmp/tree" "$root/tests/run" "$tmp/build" >"$told"
is 'a test that waits for one that starts later' "$(tail -n 1 "$told")" '2 passed, 0 failed, 0 skipped'
like 'with its times' "$(cat "$told")" 'test_it\.sh .* [0-9]+s, [0-9]+\.[0-9]s of processor time$'
echo 'echo ok 1 - a; echo 1..1' >"$tmp/tree/unit/test_it.sh"
is 'all are reported' "$(EIN_JOBS=3 EIN_TESTS="$tmp/tree" "$root/tests/run" "$tmp/build" | tail -n 1)" \
    '2 passed, 0 failed, 0 skipped'
rm "$tmp/tree/unit/test_later.sh"
# shellcheck disable=SC2016
printf '%s\n' '# on a disk' 'case ${TMPDIR:-/tmp} in /dev/shm*) echo "not ok 1 - in memory"; echo 1..1; exit 1 ;; esac' \
    'echo ok 1 - a; echo 1..1' >"$tmp/tree/unit/test_it.sh"
TMPDIR='' EIN_TESTS="$tmp/tree" run "$root/tests/run" "$tmp/build"
is 'a test that asks for a disk has one' "$(tail -n 1 <<<"$out")" '1 passed, 0 failed, 0 skipped'
# A launcher takes back what is for processes without one.
counts 'lib: processes without a launcher and with one' 0 '3 passed, 0 failed, 0 skipped' ". '$root/tests/lib.sh'
is alone \"\$(sh -c 'echo \$OMPI_MCA_ess_singleton_isolated')\" 1
is launched \"\$(mpi 1 sh -c 'echo \${OMPI_MCA_ess_singleton_isolated-none}')\" none
is installed \"\$(ompi_as_installed sh -c 'echo \${OMPI_MCA_pml-none}')\" none; done_testing"

# The helpers of this file.
helper=". '$root/tests/lib.sh'"
counts 'lib: passing helpers' 0 '6 passed, 0 failed, 1 skipped' "$helper
ok a true; is b x x; like c abc 'b'; unlike d abc x; exits e 3 sh -c 'exit 3'; pass f; skip g reason; done_testing"
counts 'lib: failing helpers' 1 '0 passed, 6 failed, 0 skipped' "$helper
ok a false; is b x y; like c abc x; unlike d abc b; exits e 3 true; fail f why; done_testing"
counts 'lib: skip_all' 0 '0 passed, 0 failed, 1 skipped' "$helper
skip_all 'no data'"
counts 'lib: a script that forgets done_testing' 1 '1 passed, 1 failed, 0 skipped' "$helper
pass a"
counts 'lib: an unset variable ends the script' 1 '1 passed, 1 failed, 0 skipped' "$helper
pass a; echo \"\$no_such_variable\"; pass b; done_testing"
# Chance follows from EIN_TEST_SEED, which is printed.
drawn() { EIN_TEST_SEED=$1 bash -c "$helper; seed_random 4; random_bytes 300 | cksum; echo \$((RANDOM))"; }
is 'the same seed draws the same' "$(drawn 5)" "$(drawn 5)"
like 'and is printed' "$(drawn 5)" '^# EIN_TEST_SEED=5$'
unlike 'another draws others' "$(drawn 6 | tail -n 2)" "^($(drawn 5 | tail -n 2 | paste -sd'|'))\$"
is '300 bytes are asked for' "$(drawn 5 | sed -n 2p | cut -d' ' -f2)" 300
cat >"$tmp/seed.c" <<'C'
#include "tests/seed.h"
int main(void) { printf("%llu\n", (unsigned long long)test_seed(3)); return (int)(test_seed(3) - test_seed(2) - 1); }
C
ok 'C: a program that draws' ${CC:-cc} -I"$root" "$tmp/seed.c" -o "$tmp/seed"
is 'C: without a seed it is the number in the source' "$("$tmp/seed" | paste -sd' ')" '# EIN_TEST_SEED=0 3'
like 'C: with one another' "$(EIN_TEST_SEED=2 "$tmp/seed" | paste -sd' ')" '^# EIN_TEST_SEED=2 [0-9]{9,}$'
done_testing
