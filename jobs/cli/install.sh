#!/bin/bash
# `make install`: jobs/cli/install.sh PROGRAM FOLDER puts the program and what belongs to it below FOLDER (DESTDIR + PREFIX).
#
#   bin/einthoven              the program; all that a node needs
#   bin/einthoven-slurm        slurm/study, which queues a study on a cluster
#   share/einthoven/slurm      the scripts that it uses; copy site.env.example from there
#   share/man/man1             einthoven.1 and a page per subcommand, made of the program's help
#   share/bash-completion      completion for bash
#   share/doc/einthoven        the manual (einthoven help prints it as well), LICENSE, CHANGELOG.md
#
# Links are relative, so the tree may be moved as a whole.
set -eu
cd "$(dirname "$0")/../.."
program=${1:?usage: jobs/cli/install.sh PROGRAM FOLDER}
to=${2:?usage: jobs/cli/install.sh PROGRAM FOLDER}
umask 022

mkdir -p "$to"/bin "$to"/share/{einthoven/slurm,man/man1,bash-completion/completions,doc/einthoven}
install -m 755 "$program" "$to/bin/einthoven"
for script in slurm/*; do
    case $script in
    */site.env | *.md) ;;
    *.sbatch | *.sh | *.example) install -m 644 "$script" "$to/share/einthoven/$script" ;;
    *) install -m 755 "$script" "$to/share/einthoven/$script" ;;
    esac
done
# The scripts look for the program beside their folder.
ln -sfn ../../bin/einthoven "$to/share/einthoven/einthoven"
ln -sfn ../share/einthoven/slurm/study "$to/bin/einthoven-slurm"

version=$("$program" --version | head -n 1)
"$program" --help | awk -v version="$version" -f jobs/cli/man.awk >"$to/share/man/man1/einthoven.1"
for command in $("$program" --help | sed -n '/^Subcommands:/,/^$/s/^  \([a-z-]*\) .*/\1/p'); do
    "$program" "$command" --help | awk -v version="$version" -f jobs/cli/man.awk >"$to/share/man/man1/einthoven-$command.1"
done
jobs/cli/completion.sh "$program" >"$to/share/bash-completion/completions/einthoven"

for page in LICENSE CHANGELOG.md ARCHITECTURE.md README.md {core,io,jobs,mpi,slurm}/*.md {core,io,jobs}/*/README.md; do
    mkdir -p "$to/share/doc/einthoven/$(dirname "$page")"
    install -m 644 "$page" "$to/share/doc/einthoven/$page"
done
chmod 644 "$to"/share/man/man1/* "$to"/share/bash-completion/completions/einthoven
echo "installed below $to"
