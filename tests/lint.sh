#!/bin/bash
# `make lint`: rules of the house that a compiler does not check. Prints every offending line; exit code 1 if any.
# `tests/lint.sh quick` leaves out the tools that take minutes (for every commit: tests/pre-commit).
set -u
quick=${1:-}
cd "$(dirname "$0")/.." || exit 1
shopt -s lastpipe # so that a count survives its pipe
faults=0

list_files() {
    git ls-files -co --exclude-standard 2>/dev/null ||
        find . -type f -not -path './build/*' -not -path './.git/*' -not -path './results/*/*' | sed 's|^\./||'
}
mapfile -t all < <(list_files | sort -u | while read -r file; do [ -f "$file" ] && echo "$file"; done)
pick() { printf '%s\n' "${all[@]}" | grep -E -e "$1"; }
mapfile -t c_files < <(pick '\.[ch]$')
mapfile -t headers < <(pick '\.h$')
mapfile -t product < <(pick '^(core|mpi|io|jobs)/.*\.[ch]$')
mapfile -t below_jobs < <(pick '^(core|mpi|io)/.*\.[ch]$')
mapfile -t text_files < <(pick '\.(c|h|sh|mk|md|yaml|yml|py|sbatch|txt)$|^Makefile$|^tests/run$|^\.ci/')
mapfile -t scripts < <(printf '%s\n' "${all[@]}" | while read -r file; do
    case $file in
    *.sh | *.sbatch) echo "$file" ;;
    *) head -c 64 "$file" | head -n 1 | tr -d '\000' | grep -qE '^#!.*\b(ba)?sh\b' && echo "$file" ;;
    esac
done)

# fault RULE: read offending lines from stdin; none is good.
fault() {
    local lines
    mapfile -t lines
    [ ${#lines[@]} -eq 0 ] && return
    echo "lint: $1"
    printf '    %s\n' "${lines[@]}"
    faults=$((faults + 1))
}

# in_files REGEX FILE...: grep -n that is content with no files.
in_files() {
    local regex=$1
    shift
    [ $# -eq 0 ] || grep -nHE -e "$regex" "$@" /dev/null
}

without() { grep -vE -e "$1"; }

# --- layers: jobs -> mpi, io, core; io -> mpi, core; mpi -> core; core -> libc, libm, CBLAS, OpenMP ----------------
layer() {
    local folder=$1 forbidden=$2
    mapfile -t files < <(pick "^$folder/.*\\.[ch]$")
    in_files "^ *# *include *[<\"]($forbidden)" "${files[@]}" | fault "$folder/ includes what lies above it"
}
layer core 'mpi|io|jobs|tests|hdf5|H5|yaml|jansson|sodium|check|libxml|FLAC|edf'
layer mpi '(io|jobs|tests)/|hdf5|H5|yaml|jansson|sodium'
layer io '(jobs|tests)/'
layer jobs 'tests/'
in_files '^ *# *include *<libxml' "${c_files[@]}" | without '^io/formats/xml_(parse|node|inside)\.[ch]:' | fault 'only io/formats/xml_*.c know libxml2'
mapfile -t core_files < <(pick '^core/.*\.[ch]$')
known='ctype|errno|fenv|float|inttypes|limits|math|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|string|threads'
in_files '^ *# *include *<' "${core_files[@]}" | without "<($known|strings|time|cblas|omp|immintrin|arm_neon)\.h>" |
    fault 'core/ includes a header that is neither libc, libm, CBLAS nor OpenMP'
in_files '\b(fopen|open|fread|fwrite)\(' "${core_files[@]}" | fault 'core/ touches files'

# --- rooms: folders as ROOMS orders them, and no modules that go round in a circle --------------------------------
tests/graph.sh 2>&1 >/dev/null | fault 'who includes whom (make graph)'

# --- nothing below jobs/ prints, exits or aborts on input; the exceptions do it by contract ------------------------
in_files '(^|[^a-z_])(printf|puts|putchar|perror|exit|_exit|abort|MPI_Abort)\(|fprintf\(std(err|out)|fputs\(.*std(err|out)' \
    "${below_jobs[@]}" |
    without '^core/base/status\.c:|^io/run/log\.c:|^io/run/progress\.c:|^mpi/(comm|watchdog)\.c:' |
    without '^[^:]*:[0-9]+: *(/?\*|//)' | fault 'only jobs/ prints or exits'
in_files '\bassert\(|<assert\.h>' "${product[@]}" | fault 'assert() is not for input; return an ein_status'
in_files '\b(gets|sprintf|vsprintf|alloca|tmpnam|strtok)\(' "${product[@]}" | fault 'unbounded or unsafe call'

# --- comparisons that let NaN pass: write !(error <= bound) -------------------------------------------------------
in_files 'if \(+[^!)]*\b[a-z_]*(err|error|diff|difference|deviation|drift)(_[a-z0-9]+)?(\[[^]]*\])? >=? ' "${c_files[@]}" |
    without '\berror > ?0|count|MPI_ERR|errno|n_err' | fault 'NaN passes "error > bound"; write !(error <= bound)'

# --- a team may be smaller than asked: what is done per worker is a loop over workers ------------------------------
in_files '#pragma omp parallel num_threads|omp_get_num_threads' "${product[@]}" |
    fault 'work that waits for a thread of a team; write "omp parallel for schedule(static, 1)" over the workers'

# --- a void ** may not alias a pointer of another type: the address of any pointer is a void *, moved with memcpy ----
in_files '\bvoid \*\*[a-z_]+ *[,)]|posix_memalign\(\(void' "${product[@]}" |
    fault 'a pointer of another type written through void **; take void * and use memcpy, as ein_calloc does'

# --- words and flags ----------------------------------------------------------------------------------------------
words='TODO|FIXME|XXX|HACK|stub|stubs|placeholder|not implemented|unimplemented|for now'
in_files "(^|[^A-Za-z_])($words)([^A-Za-z_]|\$)" "${text_files[@]}" | without '^tests/lint\.sh:' |
    fault 'a word that marks unfinished work'
mapfile -t build_files < <(pick '^Makefile$|\.mk$|^\.ci/|\.sbatch$')
in_files '-(Ofast|ffast-math|ffinite-math-only|funsafe-math-optimizations)' "${build_files[@]}" |
    fault 'a flag that breaks NaN'
in_files '(^|[^A-Za-z0-9_.])/(work|root|home/[a-z]+)/' "${text_files[@]}" | without '^tests/lint\.sh:' |
    fault 'a path of one machine'
LC_ALL=C grep -nHP '[^\x00-\x7F]' "${c_files[@]}" "${scripts[@]}" /dev/null | fault 'source is US-ASCII'
in_files '[ 	]+$' "${c_files[@]}" "${scripts[@]}" | fault 'blanks at the end of a line'

awk 'length > 120 { print FILENAME ":" FNR ": " length " columns" }' "${c_files[@]}" | fault 'a line over 120 columns'

# core/nn's kernels have names of their own.
mapfile -t exporting < <(pick '^(mpi|io|jobs)/.*\.h$')
in_files '^[a-z][A-Za-z0-9_ ]*[ *][a-z][a-z0-9_]*\(|^\} *[a-z]' "${exporting[@]}" |
    without ':(static|typedef) |[ *]ein_[a-z0-9_]*[(;]' | fault 'an exported name that does not begin with ein_'

for header in "${headers[@]}"; do
    head -n 1 "$header" | grep -qE '^/\* [A-Za-z].+' || echo "$header"
done | fault 'the first line of a header is a comment that says what it is'

# --- chance in tests: repeatable, and another on request (tests/seed.h, tests/lib.sh) ------------------------------------
mapfile -t test_files < <(pick '^tests/(unit|gradient|mpi|restart|faults)/.*\.(c|h|sh)$|^tests/noise\.h$')
# Published values of Philox are what these two test.
in_files '\bein_philox\((0x)?[0-9a-z]+,|\b(srand|rand|drand48|getrandom|randombytes_buf)\(|/dev/u?random|\bshuf |\btime\(NULL\)' "${test_files[@]}" |
    without '^tests/unit/test_(numerics|synth)\.c:|--random-source|\.sh:[0-9]+:.*\b(srand\(seed\)|rand\(\))' | fault 'chance that EIN_TEST_SEED does not lead: test_seed(N), or seed_random N'
for script in "${test_files[@]}"; do
    case $script in *.sh) grep -qE '\bRANDOM\b|\bsrand\(' "$script" && ! grep -q '\bseed_random ' "$script" && echo "$script" ;; esac
done | fault '$RANDOM, or srand of awk, without seed_random'

# --- pages and banners ----------------------------------------------------------------------------------------------
# References that nobody who has only this tree can follow; names of files in it are checked by tests/unit/test_manual.sh.
in_files '\bDESIGN\b|\breference/|\bSTYLE\.md' "${text_files[@]}" | without '^tests/lint\.sh:' |
    fault 'a page that is not in the tree: say what it says'
awk 'FNR == 1 { banner = 0 } banner && /^ *\*\/$/ { print FILENAME ":" FNR ": " $0 } { banner = /^ *\/\* --- / && !/\*\// }' \
    "${c_files[@]}" | fault 'a banner of two lines'

# --- names of files in product comments: a module that moved or went away ------------------------------------------------
grep -noHE '\b((core|io|mpi|jobs|tests)/[a-z0-9_/]+\.[ch]|[a-z0-9_]+_[a-z0-9_]+\.c)\b' "${product[@]}" /dev/null |
    awk -F: -v files="$(printf '%s\n' "${all[@]}")" '
        BEGIN { n = split(files, list, "\n"); for (i = 1; i <= n; i++) { there[list[i]] = 1; sub(/.*\//, "", list[i]); there[list[i]] = 1 } }
        !($3 in there)' | fault 'names a file that is not there'

# --- tools --------------------------------------------------------------------------------------------------------
if [ "$quick" = quick ]; then
    [ "$faults" -eq 0 ] || echo "lint: $faults rules are broken"
    exit $((faults > 0))
fi
missing=()
for tool in shellcheck cppcheck clang-format; do command -v "$tool" >/dev/null || missing+=("$tool"); done
if [ ${#missing[@]} -gt 0 ]; then
    echo "lint: missing tools, by their Debian names: ${missing[*]}" >&2
    exit 1
fi
tests/exports.sh "${EIN_BUILD:-build/gcc}" 2>&1 >/dev/null | fault 'exports without a caller (tests/exports.sh), as built in '"${EIN_BUILD:-build/gcc}"
shellcheck -x -P SCRIPTDIR -S warning -f gcc "${scripts[@]}" | fault 'shellcheck'

if clang-format --version | grep -qE 'version 14\.'; then
    clang-format --dry-run "${c_files[@]}" 2>&1 | grep 'warning:' | cut -d: -f1 | sort | uniq -c |
        fault 'not as clang-format 14 writes it (make format)'
else
    echo "lint: clang-format is not version 14; formatting is not checked" >&2
fi

mapfile -t sources < <(pick '^(core|mpi|io|jobs)/.*\.c$')
cppcheck --quiet --enable=warning,performance,portability --std=c11 --inline-suppr --suppressions-list=tests/cppcheck.txt \
    -j 2 -I. -D_GNU_SOURCE -D__GNUC__ -D__BYTE_ORDER__=1234 -D__ORDER_LITTLE_ENDIAN__=1234 '-DEIN_VERSION="0"' '-DEIN_BUILD_FLAGS=""' \
    --template='{file}:{line}: {id}: {message}' "${sources[@]}" 2>&1 | fault 'cppcheck'

if [ "$faults" -gt 0 ]; then
    echo "lint: $faults rules are broken"
    exit 1
fi
echo 'lint: clean'
