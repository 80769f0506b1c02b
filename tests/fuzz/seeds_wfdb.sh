#!/bin/sh
# Write starting inputs for fuzz_wfdb into a folder: seeds_wfdb.sh FOLDER
# Each is a header, the byte 0xff, and signal bytes.
set -eu
out=$1
mkdir -p "$out"
bytes='\001\002\003\004\005\006\007\010\011\012\013\014\015\016\017\020\200\201\202\203\377\376\375\374\000\200\000\200\001\200'
seed() { printf '%b\377%b%b%b' "$2" "$bytes" "$bytes" "$bytes" > "$out/$1"; }
for format in 8 16 24 32 61 80 160 212 310 311; do
    seed "format$format" "x 3 100 7\nx.dat $format 200/mV 12 0 5 77 0 I\nx.dat $format 200/mV 12 0 5 77 0 II\nx.dat $format 200/mV 12 0 5 77 0 V1\n"
done
seed mixed 'x 3 125/1000(5) 4 12:00:00 01/02/2003\nx.dat 212x4:2+3 2963.77(-12)/uV 12 0 67 -11266 0 II\nx.dat 212x4+3 12.84/mV(5) 12\ny.dat 16 200/mmHg\n# <age>: 50 <sex>: F <subject_id>: 123\n'
seed long 'x 2 500\nx.dat 80 1000.0(0)/mV 16 0 -115 13047 0 I\nx.dat 80 1000.0(0)/mV 16 0 -50 11561 0 II\n'
seed gains 'x 3 10 10\nx.dat 80 100/mV 16 0 0 0 0 I\nx.dat 80 200/mV 16 0 0 0 0 II\nx.dat 80 300/mV 16 0 0 0 0 III\n#Age: 6 months\n# 69 M x\n#Dx: 1,2,3\n'
# Three limb leads whose bytes obey II = I + III under gains that differ, and twelve leads.
{
    printf 'x 3 10\nx.dat 80 100/mV 16 0 0 0 0 I\nx.dat 80 200/mV 16 0 0 0 0 II\nx.dat 80 300/mV 16 0 0 0 0 III\n\377'
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do
        printf '%b' "\\$(printf %04o $((128 + i * 4)))\\$(printf %04o $((128 + i * 7)))\\$(printf %04o $((128 + i * 3)))"
    done
} > "$out/law"
{
    printf 'x 12 30\n'
    for lead in I II III aVR aVL aVF V1 V2 V3 V4 V5 V6; do printf 'x.dat 80 9/mV 16 0 0 0 0 %s\n' "$lead"; done
    printf '\377'
    i=0
    while [ $i -lt 12 ]; do
        printf '%b%b%b' "$bytes" "$bytes" "$bytes"
        i=$((i + 1))
    done
} > "$out/twelve"
printf 'x.mat 2 500 3 05-May-2020 14:50:55\nx.mat 16x1+24 1000/mV 16 0 0 30 0 I\nx.mat 16x1+24 4880/mV 16 0 1 36 0 II\n\377\036\000\000\000\002\000\000\000\003\000\000\000\000\000\000\000\004\000\000\000val\000abcdefghijkl' > "$out/mat"
printf 'x/2 1 500 100\ny 50\nx 50\n\377' > "$out/segments"
