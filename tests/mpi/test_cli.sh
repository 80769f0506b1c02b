#!/bin/bash
# The program from outside: help, version, exit codes, suggestions, one message under mpirun.
. "$(dirname "$0")/../lib.sh"

# --- help and version ---------------------------------------------------------------------------------------------
exits 'help' 0 "$einthoven" --help
help=$out
is 'help says nothing on stderr' "$err" ''
mapfile -t commands < <(sed -n '/^Subcommands:/,/^$/s/^  \([a-z]*\) .*/\1/p' <<<"$help")
ok 'help lists subcommands' test ${#commands[@]} -ge 5
for command in synth ingest pretrain convert inspect; do like "help lists $command" "$help" "^  $command +[A-Za-z]"; done

for command in "${commands[@]}"; do
    exits "help of $command" 0 "$einthoven" "$command" --help
    like "help of $command has its usage" "$out" "^Usage: einthoven $command "
    like "help of $command has --set" "$out" '^  --set KEY=VALUE'
    short=$out
    run "$einthoven" help "$command"
    is "einthoven help $command ends with the same" "$(tail -n "$(wc -l <<<"$short")" <<<"$out")" "$short"
    unlike "help of $command fits 120 columns" "$short" '^.{121}'
    exits "unknown option of $command" 2 "$einthoven" "$command" --no-such-option
    like "unknown option of $command is named" "$err" "^einthoven $command: no option --no-such-option"
    exits "unknown key of $command" 2 "$einthoven" "$command" --set no.such.key=1
    like "unknown key of $command is named" "$err" "^einthoven $command: .*no\.such\.key: no such key"
done

exits 'version' 0 "$einthoven" version
short=$out
exits 'version' 0 "$einthoven" --version
is 'einthoven version is the same' "$out" "$short"
like 'version: program' "$out" '^einthoven [0-9]+\.[0-9]+\.[0-9]+$'
for what in 'compiler +(gcc|clang)' 'flags +-' 'kernels +[a-z]' 'BLAS +[A-Za-z]' 'MPI +[A-Z]' 'HDF5 +1\.'; do
    like "version: $what" "$out" "^$what"
done

# Help and version do not start MPI: they work where it cannot start, which a job proves to be the case.
export OMPI_MCA_pml=no_such_layer
exits 'a job fails when MPI cannot start' 1 "$einthoven" synth --dry-run
exits 'help works when MPI cannot start' 0 "$einthoven" --help
exits 'version works when MPI cannot start' 0 "$einthoven" --version
exits 'a wrong option is told when MPI cannot start' 2 "$einthoven" pretrain --no-such-option
export OMPI_MCA_pml=ob1
# Tests have Open MPI leave out what they do not need; users have all of it.
ok 'a process with all of Open MPI' ompi_as_installed "$einthoven" synth --out "$tmp/alone" --set synth.records=2
ok 'ranks with all of Open MPI' ompi_as_installed mpirun --oversubscribe --bind-to none --quiet -n 2 "$einthoven" synth \
    --out "$tmp/ranks" --set synth.records=2
ok 'write what they write without' mpi 2 "$einthoven" synth --out "$tmp/without" --set synth.records=2
is 'byte by byte' "$(cd "$tmp/ranks" && sha256sum labels.csv records/*/*)" "$(cd "$tmp/without" && sha256sum labels.csv records/*/*)"
is 'alone too' "$(cd "$tmp/alone" && sha256sum labels.csv records/*/*)" "$(cd "$tmp/without" && sha256sum labels.csv records/*/*)"

# --- wrong use ----------------------------------------------------------------------------------------------------
exits 'no subcommand' 2 "$einthoven"
like 'no subcommand is told' "$err" '^einthoven: a subcommand is missing'
exits 'unknown subcommand' 2 "$einthoven" pretran
is 'unknown subcommand gets a suggestion' "$err" "einthoven: no subcommand 'pretran'; did you mean pretrain?"
is 'and nothing on stdout' "$out" ''
exits 'option before the subcommand' 2 "$einthoven" --dry-run pretrain
exits 'a misspelled key' 2 "$einthoven" pretrain --set model.widht=3
like 'gets a suggestion' "$err" 'did you mean model\.width\?'
exits 'a value out of range' 2 "$einthoven" pretrain --set model.width=-1
like 'is told with its range' "$err" 'model\.width: -1 is out of range: '

cat >"$tmp/bad.yaml" <<'YAML'
model:
  width: 128
  dept: 4
YAML
exits 'a bad configuration file' 2 "$einthoven" pretrain "$tmp/bad.yaml"
is 'is told with file, line, key and suggestion' "$err" \
    "einthoven pretrain: $tmp/bad.yaml:3: model.dept: no such key; did you mean model.depth?"
exits 'a missing configuration file' 2 "$einthoven" pretrain "$tmp/none.yaml"
like 'is named' "$err" "^einthoven pretrain: configuration file $tmp/none\.yaml: No such file"
mkdir "$tmp/folder.yaml"
exits 'a folder as configuration' 2 "$einthoven" pretrain "$tmp/folder.yaml"
head -c 2000000 /dev/zero | tr '\0' '#' >"$tmp/big.yaml"
exits 'a configuration of 2 MB' 2 "$einthoven" pretrain "$tmp/big.yaml"
like 'is told with the bound' "$err" '1048576'

# --- results that cannot be written are a failure -----------------------------------------------------------------
"$einthoven" --help >/dev/full 2>"$tmp/full.err"
is 'full stdout: exit code' $? 1
like 'full stdout is told' "$(cat "$tmp/full.err")" 'standard output: No space left'

# --- under mpirun: once, and the exit code arrives ------------------------------------------------------------------
exits 'help on 3 ranks' 0 mpi 3 "$einthoven" --help
is 'help is printed once' "$out" "$help"
exits 'unknown subcommand on 3 ranks' 2 mpi 3 "$einthoven" pretran
is 'is told once' "$(grep -c 'did you mean pretrain' <<<"$err")" 1
for ranks in 1 2 3 4; do
    exits "a bad configuration file on $ranks ranks" 2 mpi "$ranks" "$einthoven" pretrain "$tmp/bad.yaml"
    is "is told once on $ranks ranks, in the same words" "$(grep '^einthoven' <<<"$err")" \
        "einthoven pretrain: $tmp/bad.yaml:3: model.dept: no such key; did you mean model.depth?"
done
exits 'a missing configuration file on 2 ranks' 2 mpi 2 "$einthoven" pretrain "$tmp/none.yaml"
is 'is told once on 2 ranks' "$(grep -c 'No such file' <<<"$err")" 1
done_testing
