#!/bin/bash
# What whoever joins uses: make help, compile_commands.json, the hook before a commit.
. "$(dirname "$0")/../lib.sh"
cd "$root" || exit 1

# --- make help: every target that is told exists, in a group ------------------------------------------------------------
ok 'make help' make -s help
help=$out
for group in Build Try Test Change; do like "make help has the group $group" "$help" "^$group\$"; done
told=$(sed -n 's/^  \([a-z_.-]*\) .*/\1/p' <<<"$help")
lacking=$(for target in $(grep -hoE '^[a-z_.-]+:.*## ' Makefile tests/targets.mk | sed 's/:.*//'); do grep -qxF "$target" <<<"$told" || echo "$target"; done)
is 'every target with a text is told' "$lacking" ''
unlike 'make help fits 130 columns' "$help" '^.{131}'

# --- compile_commands.json: valid enough that its first command compiles the file that it names ---------------------
cp -r Makefile core mpi io jobs tests "$tmp/" 2>/dev/null
# The configuration under test is not touched: the copy has a build folder of its own.
(cd "$tmp" && make -s compile_commands.json) >"$tmp/make.out" 2>&1
is 'make compile_commands.json' $? 0
json=$tmp/compile_commands.json
is 'it begins and ends as a list' "$(head -c 1 "$json")$(tail -n 1 "$json")" '[]'
is 'every product file is in it' "$(grep -cE '"file": "(core|mpi|io|jobs)/' "$json")" "$(find core mpi io jobs -name '*.c' | wc -l)"
command=$(sed -n 's/.*"file": "core\/base\/status\.c", "command": "\(.*\)"},*$/\1/p' "$json")
ok 'a command of it compiles' sh -c "cd $tmp && $command -fsyntax-only"

# --- the hook -------------------------------------------------------------------------------------------------------------
if ! command -v git >/dev/null || ! clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
    skip 'the hook before a commit' 'no git, or no clang-format 14'
    done_testing
fi
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
mkdir -p "$tmp/repo/tests" "$tmp/repo/core/base"
cp .clang-format "$tmp/repo/" && cp tests/{hooks.sh,pre-commit,lint.sh,graph.sh,cppcheck.txt,run} "$tmp/repo/tests/"
cd "$tmp/repo" || exit 1
echo 'ROOMS := core/base' >Makefile
printf '/* Another header. */\nint g(void);\n' >core/base/g.h
git init -q .
mkdir -p .git/hooks && echo 'true' >.git/hooks/pre-commit
exits 'somebody else'\''s hook stays' 1 tests/hooks.sh
is 'as it was' "$(cat .git/hooks/pre-commit)" true
rm .git/hooks/pre-commit
ok 'make hooks' tests/hooks.sh
ok 'make hooks again' tests/hooks.sh
git add -A
ok 'a sound commit passes' git commit -q -m first
printf '/* A header. */\nint   f(void);\n' >core/base/f.h
git add -A
exits 'a file that is not formatted stops a commit' 1 git commit -q -m second
like 'and is named' "$out$err" 'core/base/f\.h is not as clang-format writes it'
clang-format -i core/base/f.h
exits 'formatted only in the folder, not in the index, it still does' 1 git commit -q -m second
git add -A
ok 'formatted and added it passes' git commit -q -m second
printf '/* A header. */\nint f(void); /* TO%s */\n' DO >core/base/f.h
git add -A
exits 'a rule of lint stops a commit' 1 git commit -q -m third
like 'and is told' "$out$err" 'lint: a word that marks unfinished work'
done_testing
