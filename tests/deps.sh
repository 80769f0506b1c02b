#!/bin/bash
# `make deps`: see to it that compiler, libraries and test tools are there. Missing ones are installed with apt-get
# when that is possible (Debian, root), else named. What is present from elsewhere (modules, Spack) is accepted.
set -u

# What proves that it is there, and the Debian package that brings it.
needs="
command ${CC:-gcc}       ${CC:-gcc}
command make             make
command pkg-config       pkg-config
header  stdio.h          libc6-dev
pc      ompi-c           libopenmpi-dev
command mpirun           openmpi-bin
pc      hdf5-openmpi     libhdf5-openmpi-dev
blas    openblas-pthread libopenblas-pthread-dev
pc      yaml-0.1         libyaml-dev
pc      jansson          libjansson-dev
pc      libsodium        libsodium-dev
pc      libxml-2.0       libxml2-dev
pc      flac             libflac-dev
pc      libarchive       libarchive-dev
pc      sqlite3          libsqlite3-dev
pc      cairo-pdf        libcairo2-dev
pc      zlib             zlib1g-dev
pc      check            check
command pgrep            procps
"
if [ "${1:-}" = slurm ]; then
    PATH=$PATH:/usr/sbin
    needs+="
command slurmctld        slurm-wlm
command munged           munge
command setpriv          util-linux
"
fi

present() {
    case $1 in
    command) command -v "$2" >/dev/null 2>&1 ;;
    header) [ -e "/usr/include/$2" ] || ! command -v dpkg >/dev/null 2>&1 ;;
    pc) pkg-config --exists "$2" 2>/dev/null ;;
    # The serial build of Debian may not be called by several threads at once; elsewhere any build is taken.
    blas) compgen -G "/usr/lib/*/$2/libopenblas.so" >/dev/null ||
        { ! command -v dpkg >/dev/null 2>&1 && pkg-config --exists openblas; } ;;
    esac
}

missing_packages() {
    local kind what package
    while read -r kind what package; do
        [ -n "$kind" ] || continue
        present "$kind" "$what" || echo "$package"
    done <<<"$needs"
}

mapfile -t missing < <(missing_packages)
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "Missing, by their Debian names: ${missing[*]}" >&2
    echo 'This is not a Debian system: install their equivalents, so that pkg-config finds them.' >&2
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "Missing packages; install them as root, then run again:" >&2
    echo "    apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
fi

echo "Installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "apt-get failed; packages wanted: ${missing[*]}" >&2
    exit 1
fi
mapfile -t missing < <(missing_packages)
if [ ${#missing[@]} -gt 0 ]; then
    echo "Still missing after the installation: ${missing[*]}" >&2
    exit 1
fi
