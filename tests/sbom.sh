#!/bin/bash
# sbom.sh PROGRAM: what a built program is made of, as CycloneDX 1.5 JSON on stdout: itself, and every library that the
# loader gives it on this machine, with version, licence and SHA-256. Versions are those of Debian's packages where dpkg
# knows the file, else of pkg-config, else of the file's name. SOURCE_DATE_EPOCH fixes the time, as for builds.
set -u
program=${1:?usage: tests/sbom.sh PROGRAM}
[ -x "$program" ] || { echo "sbom: $program: no such program; make einthoven first" >&2; exit 1; }

text() {
    local quoted=${1//\\/\\\\}
    quoted=${quoted//\"/\\\"}
    printf '%s' "${quoted//[[:cntrl:]]/}"
}
sha256() { sha256sum "$1" | cut -d' ' -f1; }

# What the project links itself: file name, pkg-config module, licence (an SPDX id, or a name in quotes).
direct='
libmpi           ompi-c          BSD-3-Clause
libhdf5_openmpi  hdf5-openmpi    "HDF5 (BSD style)"
libhdf5          hdf5            "HDF5 (BSD style)"
libopenblas      openblas        BSD-3-Clause
libyaml-0        yaml-0.1        MIT
libjansson       jansson         MIT
libsodium        libsodium       ISC
libxml2          libxml-2.0      MIT
libsqlite3       sqlite3         blessing
libz             zlib            Zlib
libFLAC          flac            BSD-3-Clause
libarchive       libarchive      BSD-2-Clause
libgomp          -               GPL-3.0-or-later WITH GCC-exception-3.1
libomp           -               Apache-2.0 WITH LLVM-exception
libm             -               LGPL-2.1-or-later
libc             -               LGPL-2.1-or-later
'
row_of() { awk -v name="${1%%.so*}" '$1 == name { sub(/^[^ ]+ +/, ""); print; exit }' <<<"$direct"; }

# package[FILE] and version[PACKAGE], from dpkg in two calls. Debian's lists say /lib where /lib is a link to /usr/lib.
declare -A package version_of
ask_dpkg() {
    local file owner name number
    command -v dpkg-query >/dev/null 2>&1 || return
    while IFS= read -r line; do
        owner=${line%%: *}
        package[${line#*: }]=${owner%%,*}
    done < <(for file in "$@"; do printf '%s\0%s\0%s\0' "$file" "/usr$file" "${file#/usr}"; done |
        xargs -0 dpkg-query -S 2>/dev/null)
    while read -r name number; do
        version_of[$name]=$number
        version_of[${name%%:*}]=$number
    done < <(printf '%s\n' "${package[@]}" | sort -u | xargs -r dpkg-query -W -f '${binary:Package} ${Version}\n' 2>/dev/null)
}
package_of() { echo "${package[$1]:-${package[/usr$1]:-${package[${1#/usr}]:-}}}"; }

# Short names of the licences in a package's copyright file (DEP 5), those of "Files: *" if it says so.
licence_of_package() {
    local file=/usr/share/doc/${1%%:*}/copyright all
    [ -r "$file" ] || return
    all=$(awk '/^Files: *\*/ { here = 1 } here && /^License:/ { sub(/^License: */, ""); print; exit }' "$file")
    [ -n "$all" ] || all=$(sed -n 's/^License: *\(..*\)$/\1/p' "$file" | sort -u | head -n 5 | paste -sd, | sed 's/,/, /g')
    [ -n "$all" ] && echo "$all" || echo "see $file"
}

licence_json() {
    case $1 in
    '') echo '[]' ;;
    *' WITH '* | *' AND '* | *' OR '*) printf '[{"expression": "%s"}]' "$(text "$1")" ;;
    \"*\") printf '[{"license": {"name": "%s"}}]' "$(text "${1//\"/}")" ;;
    *[' ,']*) printf '[{"license": {"name": "%s"}}]' "$(text "$1")" ;;
    BSD-3-Clause | MIT | ISC | LGPL-2.1-or-later | Apache-2.0) printf '[{"license": {"id": "%s"}}]' "$1" ;;
    *) printf '[{"license": {"name": "%s"}}]' "$(text "$1")" ;;
    esac
}

# component FILE: one library as an object.
component() {
    local file=$1 name row module='' licence='' owner version='' purl='' real
    name=$(basename "$file")
    real=$(readlink -f "$file")
    row=$(row_of "$name")
    read -r module licence <<<"$row"
    owner=$(package_of "$file")
    [ -n "$owner" ] || owner=$(package_of "$real")
    if [ -n "$owner" ]; then
        version=${version_of[$owner]:-}
        purl=$(printf '"purl": "pkg:deb/debian/%s@%s?arch=%s", ' "${owner%%:*}" "${version//+/%2B}" "$architecture")
        [ -n "$licence" ] || licence=$(licence_of_package "$owner")
    elif [ -n "$module" ] && [ "$module" != - ]; then
        version=$(pkg-config --modversion "$module" 2>/dev/null)
    fi
    [ -n "$version" ] || version=$(sed -n 's/.*\.so\.//p' <<<"$(basename "$real")")
    printf '    {"type": "library", "bom-ref": "%s", "name": "%s", "version": "%s", %s"licenses": %s, ' \
        "$(text "$name")" "$(text "$name")" "$(text "$version")" "$purl" "$(licence_json "$licence")"
    printf '"hashes": [{"alg": "SHA-256", "content": "%s"}]}' "$(sha256 "$real")"
}

mapfile -t files < <(ldd "$program" | sed -n 's/.*=> \(\/[^ ]*\) (.*/\1/p; s/^[ \t]*\(\/[^ ]*\) (.*/\1/p' | sort -u)
[ ${#files[@]} -gt 0 ] || { echo "sbom: $program: the loader names no library" >&2; exit 1; }
architecture=$(dpkg --print-architecture 2>/dev/null)
mapfile -t real_files < <(readlink -f "${files[@]}")
ask_dpkg "${files[@]}" "${real_files[@]}"
mapfile -t needed < <(readelf -dW "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u)
version=$("$program" --version 2>/dev/null | awk 'NR == 1 { print $2 }')
when=$(date -u ${SOURCE_DATE_EPOCH:+-d "@$SOURCE_DATE_EPOCH"} +%Y-%m-%dT%H:%M:%SZ)

printf '{\n  "bomFormat": "CycloneDX",\n  "specVersion": "1.5",\n  "version": 1,\n'
printf '  "metadata": {"timestamp": "%s", "component": {"type": "application", "bom-ref": "einthoven", "name": "einthoven", ' "$when"
printf '"version": "%s", "licenses": [{"license": {"id": "Apache-2.0"}}], ' "$(text "$version")"
printf '"hashes": [{"alg": "SHA-256", "content": "%s"}]}},\n  "components": [\n' "$(sha256 "$program")"
separator=''
for file in "${files[@]}"; do
    printf '%s' "$separator"
    component "$file"
    separator=$',\n'
done
printf '\n  ],\n  "dependencies": [{"ref": "einthoven", "dependsOn": ['
separator=''
for name in "${needed[@]}"; do
    printf '%s"%s"' "$separator" "$(text "$name")"
    separator=', '
done
printf ']}]\n}\n'
