#!/bin/bash
# The check of arrows between folders: what goes up or round in a circle is found, whatever way it is written.
. "$(dirname "$0")/../lib.sh"

graph=$root/tests/graph.sh
tree=$tmp/tree

# file NAME LINE...: a source file of the small tree.
file() {
    mkdir -p "$(dirname "$tree/$1")"
    printf '%s\n' "${@:2}" >"$tree/$1"
}

# small: jobs/cli -> io/base -> core, without a fault.
small() {
    rm -rf "$tree"
    file Makefile 'ROOMS := jobs/cli \' '         io/base core' 'OTHER := elsewhere'
    file jobs/cli/show.c '#include "io/base/text.h"' '#include <stdio.h>'
    file io/base/text.h '#include "core/real.h"'
    file io/base/text.c '#include "io/base/text.h"' '#include "io/base/line.h"'
    file io/base/line.h '/* nothing */'
    file core/real.h '/* nothing */'
}

# broken NAME PATTERN...: the tree as it stands is refused, with these words.
broken() {
    local name=$1 pattern
    shift
    run "$graph" "$tree"
    is "$name: exit code" "$status" 1
    for pattern in "$@"; do like "$name: message" "$err" "$pattern"; done
}

small
run "$graph" "$tree"
is 'a tree without a fault: exit code' "$status" 0
is 'its arrows, in the order of ROOMS' "$out" 'jobs/cli -> io/base
io/base -> core
core ->'
is 'nothing else is said' "$err" ''

file core/real.c '' '#  include  "io/base/line.h"'
broken 'an arrow upwards, with blanks' 'against the order of ROOMS' 'core/real\.c:2 includes io/base/line\.h'

small
file io/base/text.c '#include "jobs/cli/show.h" /* up */'
file jobs/cli/show.h '/* nothing */'
broken 'an arrow from io to jobs' 'io/base/text\.c:1 includes jobs/cli/show\.h'

small
file io/base/line.h '#include "io/base/text.h"'
broken 'two modules, by .c and by .h' 'include each other' 'line\.h:1 includes io/base/text\.h' \
    'text\.c:2 includes io/base/line\.h'

small
file io/base/line.c '#include "io/base/word.h"'
file io/base/word.c '#include "io/base/text.h"'
file io/base/word.h '/* nothing */'
broken 'a circle of three' 'line\.c:1 includes io/base/word\.h' 'word\.c:1 includes io/base/text\.h'

small
file io/base/text.c '#include "text.h"'
broken 'a name that does not begin at the top' 'no such file' 'text\.c:1 includes "text\.h"'

small
file io/other/new.c '/* in no room */'
broken 'a folder that is no room' 'in no room' 'io/other/new\.c'

rm "$tree/Makefile"
echo 'all:' >"$tree/Makefile"
broken 'a Makefile without rooms' 'no line ROOMS'

run "$graph"
is 'the tree of this program: exit code' "$status" 0
is 'and no fault in it' "$err" ''
done_testing
