# shellcheck shell=bash disable=SC2034
# TAP for bash tests. A script sources this file, tests, and ends with done_testing:
#
#     . "$(dirname "$0")/../lib.sh"
#     run "$einthoven" inspect nothing.h5      # sets $status, $out, $err; never ends the script
#     is 'exit code of a missing file' "$status" 1
#     like 'message names the file' "$err" 'nothing\.h5'
#     done_testing
#
# $tmp is a fresh folder, removed at the end; $root the checkout; $einthoven the program under test.
# A line "# timeout: SECONDS" near the top of a script raises its limit.
set -u

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
EIN_BUILD=${EIN_BUILD:-$(dirname "$(readlink -f "$root/einthoven" || echo "$root/build/gcc/einthoven")")}
einthoven=$(cd "$root" && cd "$EIN_BUILD" && pwd)/einthoven
tmp=$(mktemp -d "${TMPDIR:-/tmp}/einthoven-test.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_mpi_yield_when_idle=1 OMP_WAIT_POLICY=passive # tests oversubscribe the processors
export OMPI_MCA_btl_vader_single_copy_mechanism=none  # containers often forbid it, with a warning per rank
# Tests start thousands of processes. What is not looked for starts in half the time: no fabrics, and, without a launcher,
# no daemon beside the process. ompi_as_installed is for tests of what users have.
export OMPI_MCA_pml=ob1 OMPI_MCA_btl=self,vader,tcp
export OMPI_MCA_ess_singleton_isolated=1 OMPI_MCA_orte_create_session_dirs=0
case :$PATH: in *":$root/tests/bin:"*) ;; *) PATH=$root/tests/bin:$PATH ;; esac # mpirun takes back what is for processes without it
ompi_as_installed() {
    env -u OMPI_MCA_pml -u OMPI_MCA_btl -u OMPI_MCA_ess_singleton_isolated -u OMPI_MCA_orte_create_session_dirs "$@"
}

tests_run=0
tests_failed=0
status=0
out=''
err=''

# run COMMAND...: run it, keep its exit code, stdout and stderr.
run() {
    "$@" >"$tmp/run.out" 2>"$tmp/run.err" </dev/null
    status=$?
    out=$(tr -d '\000' <"$tmp/run.out")
    err=$(tr -d '\000' <"$tmp/run.err")
}

# small_run RECORDS EPOCHS [KEY: VALUE]: what a run of seconds needs, in $tmp: SYNTHETIC records (ecg), how to ingest
# them (ingest.yaml), their corpus (corpus.h5), and pretraining of a few thousand parameters (small.yaml).
small_run() {
    cat >"$tmp/small.yaml" <<YAML
contract: {leads: [I, II, V1, V2], fs_hz: 50, samples: 500}
model: {patch: 25, width: 24, depth: 1, heads: 3, mlp: 40, decoder_width: 12, decoder_depth: 1, decoder_heads: 2, decoder_mlp: 24}
train: {epochs: $2, batch: 16, slots: 4, warmup_epochs: 1, threads: 1}
data: {validation_fraction: 0.1}
run: {log_seconds: 1000, checkpoint_minutes: 0${3:+, $3}}
YAML
    printf 'contract: {leads: [I, II, V1, V2], fs_hz: 50, samples: 500}\n' >"$tmp/ingest.yaml"
    ok 'synthetic records' "$einthoven" synth --out "$tmp/ecg" --set synth.records="$1" --set synth.seed=4
    ok 'corpus' "$einthoven" ingest "$tmp/ingest.yaml" "$tmp/ecg" --out "$tmp/corpus.h5"
}

# mpi N COMMAND...: the command on N ranks.
mpi() {
    local ranks=$1
    shift
    mpirun --oversubscribe --bind-to none --quiet -n "$ranks" "$@"
}

pass() {
    tests_run=$((tests_run + 1))
    echo "ok $tests_run - $1"
}

# fail NAME [DETAIL...]: a failed test; details become comments.
fail() {
    tests_run=$((tests_run + 1))
    tests_failed=$((tests_failed + 1))
    echo "not ok $tests_run - $1"
    shift
    if [ $# -gt 0 ]; then printf '%s\n' "$@" | sed 's/^/#   /'; fi
}

# ok NAME COMMAND...: passes when the command succeeds.
ok() {
    local name=$1
    shift
    run "$@"
    if [ "$status" -eq 0 ]; then
        pass "$name"
    else
        fail "$name" "exit code $status: $*" "$out" "$err"
    fi
}

# is NAME GOT EXPECTED
is() {
    if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "got:      $2" "expected: $3"; fi
}

# like NAME TEXT REGEX: extended regular expression, per line.
like() {
    if grep -Eq -e "$3" <<<"$2"; then pass "$1"; else fail "$1" "text:        $2" "lacks match: $3"; fi
}

# unlike NAME TEXT REGEX
unlike() {
    if grep -Eq -e "$3" <<<"$2"; then fail "$1" "text:    $2" "matches: $3"; else pass "$1"; fi
}

# exits NAME CODE COMMAND...: passes when the command ends with that exit code; $out and $err are kept.
exits() {
    local name=$1 code=$2
    shift 2
    run "$@"
    if [ "$status" -eq "$code" ]; then
        pass "$name"
    else
        fail "$name" "exit code $status instead of $code: $*" "$out" "$err"
    fi
}

# Chance in a script follows from a number of its own and EIN_TEST_SEED (0 if it is not set), which is printed
# (C programs: tests/seed.h). seed_random NUMBER: what $RANDOM gives from now on, but not in subshells, where bash seeds
# it anew; random_bytes N: N bytes, others the next time, and in subshells too.
random_state=1
seed_random() {
    echo "# EIN_TEST_SEED=${EIN_TEST_SEED:-0}"
    random_state=$((($1 + 7919 * ${EIN_TEST_SEED:-0}) % 32768 + 1))
    RANDOM=$random_state
}
random_bytes() {
    random_state=$((random_state * 16807 % 2147483647))
    printf %b "$(awk -v n="$1" -v x="$random_state" \
        'BEGIN { for (; n > 0; n--) { x = x * 16807 % 2147483647; printf "\\0%03o", int(x / 65536) % 256 } }')"
}

# make_shim: build tests/faults/shim.c, which says what it can feign; then: shim [exec] [VARIABLE=VALUE...] COMMAND...
make_shim() {
    ${CC:-cc} -shared -fPIC -D_GNU_SOURCE -o "$tmp/shim.so" "$root/tests/faults/shim.c" -ldl 2>/dev/null
}
shim() {
    local how=''
    [ "$1" != exec ] || { how=$1 && shift; }
    $how env ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0" LD_PRELOAD="$tmp/shim.so" "$@"
}

# skip NAME REASON
skip() {
    tests_run=$((tests_run + 1))
    echo "ok $tests_run - $1 # SKIP $2"
}

# skip_all REASON: end the script; it counts as one skipped test.
skip_all() {
    echo "1..0 # SKIP $1"
    exit 0
}

done_testing() {
    echo "1..$tests_run"
    if [ "$tests_failed" -gt 0 ] || [ "$tests_run" -eq 0 ]; then exit 1; fi
    exit 0
}
