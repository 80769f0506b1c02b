#!/bin/bash
# `make install` into a folder that is moved afterwards: the program, manual pages, completion, Slurm scripts, the manual.
. "$(dirname "$0")/../lib.sh"
cd "$root" || exit 1

stage="$tmp/a stage" prefix=/opt/ein
ok 'install' jobs/cli/install.sh "$einthoven" "$stage$prefix"
ok 'install again' jobs/cli/install.sh "$einthoven" "$stage$prefix"
mkdir "$tmp/elsewhere" && mv "$stage$prefix" "$tmp/elsewhere/e"
here=$tmp/elsewhere/e
is 'nothing is left in the old place' "$(find "$stage" -type f -o -type l)" ''
is 'no text names the old place' "$(grep -rIl -e "$stage" -e "$root" "$here" | head -n 3)" ''
is 'no link is absolute or leads nowhere' "$(find "$here" -type l \( -lname '/*' -o -xtype l \))" ''
is 'make install says where from its variables' \
    "$(make -n install PREFIX=/p DESTDIR='/d d' 2>/dev/null | grep -o "install.sh .* '/d d/p'" | sed 's/ .* / X /')" "install.sh X d/p'"

cd / || exit 1
exits 'the program runs where it is now' 0 env PATH="$here/bin:$PATH" einthoven version
like 'and says its version' "$out" '^einthoven [0-9]'
exits 'and has its manual' 0 "$here/bin/einthoven" help data
is 'which is the page that is installed' "$out" "$(cat "$here/share/doc/einthoven/jobs/data/README.md")"
exits 'and its studies' 0 "$here/bin/einthoven" study demo --out "$tmp/study"
exits 'and tries HDF5 files in a process of its own' 1 "$here/bin/einthoven" inspect "$here/share/doc/einthoven/README.md"
exits 'the Slurm scripts run' 0 "$here/bin/einthoven-slurm" --help
is 'and find the program' "$(readlink -f "$here/share/einthoven/einthoven")" "$(readlink -f "$here/bin/einthoven")"
ok 'what batch jobs read is there' test -r "$here/share/einthoven/slurm/lib.sh" -a -r "$here/share/einthoven/slurm/pretrain.sbatch"
is 'links of the manual lead somewhere' "$(cd "$here/share/doc/einthoven" && grep -rhoE '\]\([^)#:]+\)' README.md | sed 's/](\(.*\))/\1/' |
    sort -u | while read -r page; do [ -e "$page" ] || echo "$page"; done | grep -v '^tests/\|^results/')" ''

# --- manual pages ---------------------------------------------------------------------------------------------------------
mapfile -t subcommands < <("$einthoven" --help | sed -n '/^Subcommands:/,/^$/s/^  \([a-z-]*\) .*/\1/p')
man=$here/share/man/man1
is 'a manual page for each subcommand and one for all' "$(find "$man" -name '*.1' | wc -l)" $((${#subcommands[@]} + 1))
for subcommand in '' "${subcommands[@]}"; do
    page=$man/einthoven${subcommand:+-$subcommand}.1
    lacking=$("$einthoven" ${subcommand:+"$subcommand"} --help | grep -oE '^  (--[a-z][a-z-]*|[a-z_]+\.[a-z_.0-9]+)' | tr -d ' ' |
        grep -vxF -f <(sed -n 's/^\.B //p' "$page" | sed 's/\\-/-/g; s/ .*//'))
    is "$(basename "$page") has every option and key" "$lacking" ''
done
if command -v groff >/dev/null; then
    is 'groff has nothing to say about them' "$(for page in "$man"/*; do groff -man -ww -z -Tutf8 "$page" 2>&1; done | head -n 3)" ''
else
    skip 'groff has nothing to say about them' 'no groff'
fi
if command -v man >/dev/null && command -v groff >/dev/null; then
    # Some systems are without pages on purpose; man then is a message.
    run env MANWIDTH=100 LC_ALL=C man -l "$man/einthoven-pretrain.1"
    if grep -q '^NAME' <<<"$out"; then
        like 'man shows the name' "$out" 'einthoven-pretrain - learn'
        like 'and an example as it is typed' "$out" '^ +mpirun -n 2 einthoven pretrain --set model\.preset=tiny --corpus corpus\.h5'
        like 'and an option' "$out" '^ +--corpus FILE'
    else
        skip 'man shows the pages' 'this man shows none'
    fi
else
    skip 'man shows the pages' 'no man'
fi

# --- completion -----------------------------------------------------------------------------------------------------------
# complete_line WORD...: what is offered for the last word.
complete_line() {
    bash -c '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { :; }; _einthoven; echo "${COMPREPLY[*]}"' \
        "$here/share/bash-completion/completions/einthoven" "$@"
}
ok 'completion is a script' bash -n "$here/share/bash-completion/completions/einthoven"
is 'a subcommand' "$(complete_line einthoven pretr)" pretrain
is 'subcommands' "$(complete_line einthoven '' | tr ' ' '\n' | grep -cxF -f <(printf '%s\n' "${subcommands[@]}"))" "${#subcommands[@]}"
is 'an option' "$(complete_line einthoven pretrain --max)" --max-walltime
is 'a key' "$(complete_line einthoven pretrain --set train.ep)" 'train.epochs= train.eps='
is 'a topic' "$(complete_line einthoven help slurm/o)" slurm/other-schedulers
is 'files else' "$(complete_line einthoven ingest fol)" ''
done_testing
