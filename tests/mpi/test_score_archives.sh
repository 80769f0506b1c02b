#!/bin/bash
# timeout: 300
# Scoring what lies in archives: the rows of the unpacked folder, on any number of ranks and processes, after kills and
# changes; what is not read in an archive stands in the table. SYNTHETIC records.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/score_model.sh"
python=$(command -v python3) || skip_all 'python3 packs archives, and is not here'
records=60
make_score_model $records

# Four folders and a file; each becomes an archive of another kind. Not all are recordings, nor whole.
plain=$tmp/plain
packed=$tmp/packed
mkdir -p "$plain" "$packed"
cat >"$tmp/deal.py" <<'PY'
import glob, os, shutil, sys
headers = sorted(glob.glob(sys.argv[1] + "/**/*.hea", recursive=True))
for i, header in enumerate(headers):
    folder = os.path.join(sys.argv[2], "abcd"[i * 4 // len(headers)], str(i % 3))
    os.makedirs(folder, exist_ok=True)
    for file in (header, header[:-4] + ".dat"):
        shutil.copy(file, folder)
PY
"$python" "$tmp/deal.py" "$tmp/ecg" "$plain"
first=$(find "$plain/a" -name '*.hea' | sort | head -n 1)
echo 'nothing of a header' >"$plain/a/malformed.hea"
sed 's/\.dat/-none.dat/; 1s/^[^ ]*/incomplete/' "$first" >"$plain/b/incomplete.hea"
ok 'one XML file' "$einthoven" synth --out "$tmp/xml" --set synth.records=1 --set synth.seed=9 --set synth.format=muse
cp "$(find "$tmp/xml" -name '*.xml' | head -n 1)" "$plain/e.xml"
cat >"$tmp/pack.py" <<'PY'
import gzip, lzma, os, shutil, sys, tarfile, zipfile
plain, packed = sys.argv[1:]
for name, kind in (("a", "w:gz"), ("b", "w:xz"), ("c", "w")):
    end = {"w:gz": ".tar.gz", "w:xz": ".tar.xz", "w": ".tar"}[kind]
    with tarfile.open(os.path.join(packed, name + end), kind) as archive:
        for folder, _, files in sorted(os.walk(os.path.join(plain, name)), reverse=name == "b"):
            for file in sorted(files, reverse=name == "b"):  # b: against the order of names
                path = os.path.join(folder, file)
                archive.add(path, os.path.relpath(path, plain))
with zipfile.ZipFile(os.path.join(packed, "d.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
    for folder, _, files in sorted(os.walk(os.path.join(plain, "d"))):
        for file in sorted(files):
            path = os.path.join(folder, file)
            archive.write(path, os.path.relpath(path, plain))
with open(os.path.join(plain, "e.xml"), "rb") as f, gzip.open(os.path.join(packed, "e.xml.gz"), "wb") as g:
    shutil.copyfileobj(f, g)
PY
ok 'packed' "$python" "$tmp/pack.py" "$plain" "$packed"

# score FROM FOLDER [OPTION...]
opts=(--model "$model" --set score.block=8 --set score.threads=1 --set run.log_seconds=1000)
score() {
    local from=$1 folder=$2
    shift 2
    "$einthoven" score "$from" "${opts[@]}" --out "$folder" "$@"
}
# The rows of a folder as they are over $plain, sorted.
rows() {
    sed -E "s#$packed/[a-d]\.[a-z.]+!/#$plain/#g; s#$packed/e.xml.gz!/#$plain/#g" "$1/scores.csv" | sort
}

# --- the rows of the unpacked folder ----------------------------------------------------------------------------
ok 'the unpacked folder' score "$plain" "$tmp/of-plain"
ok 'the archives' score "$packed" "$tmp/one"
is 'every recording and every reject has a row' "$(wc -l <"$tmp/one/scores.csv")" $((records + 4))
is 'a member is called by its path in the archive' "$(grep -c "$packed/a.tar.gz!/a/" "$tmp/one/scores.csv")" 16
rows "$tmp/of-plain" >"$tmp/wanted"
is 'the same rows' "$(rows "$tmp/one" | diff - "$tmp/wanted")" ''
same() { ok "$1: the same bytes" cmp "$tmp/one/scores.csv" "$2/scores.csv"; }

# --- ranks, processes, parts, operands, kills ---------------------------------------------------------------------
ok '2 ranks' mpi 2 "$einthoven" score "$packed" "${opts[@]}" --out "$tmp/ranks"
same '2 ranks' "$tmp/ranks"
pids=()
for i in 1 2 3; do
    score "$packed" "$tmp/three" >"$tmp/three-$i" 2>&1 &
    pids+=($!)
done
failed=0
for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
is 'three processes end well' "$failed" 0
same 'three processes' "$tmp/three"
for part in 2/2 1/2; do ok "part $part" score "$packed" "$tmp/parts" --part "$part"; done
same 'two parts' "$tmp/parts"
ok 'archives by name, other blocks, two threads' "$einthoven" score "$packed"/d.zip "$packed"/[abce]* "${opts[@]}" \
    --set score.block=5 --set score.threads=2 --out "$tmp/named"
same 'archives by name' "$tmp/named"
if make_shim; then
    for at in 4 11 19; do
        shim EIN_KILL_IN="$tmp/killed" EIN_KILL_AT=$at "$einthoven" score "$packed" "${opts[@]}" --out "$tmp/killed" \
            >"$tmp/log" 2>&1
        [ $? -ge 128 ] || fail "killed at change $at of a name" "$(cat "$tmp/log")"
    done
    ok 'the same command goes on after three kills' score "$packed" "$tmp/killed"
    same 'after kills' "$tmp/killed"
else
    skip 'kills' 'no shared object can be built here'
fi
ok '--verify' score "$packed" "$tmp/one" --verify 1000
like 'reads them again from the archives' "$out" "$((records + 3)) inputs scored again, 0 differ"
ok '--dry-run' score "$packed" "$tmp/none" --dry-run
like 'counts them' "$out" "inputs: $((records + 3))\$"

# --- changes ------------------------------------------------------------------------------------------------------
"$python" "$tmp/pack.py" "$plain" "$packed"
touch -d '2031-01-01' "$packed"/*
ok 'packed again' score "$packed" "$tmp/one"
like 'is no change' "$out" 'made before'
echo '# a comment' >>"$first"
cp "$first" "$plain/c/new.hea" && sed -i '1s/^[^ ]*/new/' "$plain/c/new.hea"
cp "${first%.hea}.dat" "$plain/c/"
"$python" "$tmp/pack.py" "$plain" "$packed"
touch -d '2032-01-01' "$packed"/*
exits 'a changed member is refused' 1 score "$packed" "$tmp/one"
like 'by name' "$err" "1 of the files .*a.tar.gz!/a/.*$(basename "$first").*--rescore"
ok '--rescore' score "$packed" "$tmp/one" --rescore
like 'takes it and the new one' "$out" ' 2 new'
ok 'the unpacked folder again' score "$plain" "$tmp/of-plain-2"
rows "$tmp/of-plain-2" >"$tmp/wanted"
is 'the rows of the unpacked folder' "$(rows "$tmp/one" | diff - "$tmp/wanted")" ''

# --- what is not read ---------------------------------------------------------------------------------------------
head -c $(($(stat -c %s "$packed/a.tar.gz") * 2 / 3)) "$packed/a.tar.gz" >"$packed/broken.tar.gz"
ok 'an archive cut short' score "$packed" "$tmp/one"
like 'has a row of its own' "$(grep 'broken.tar.gz,' "$tmp/one/scores.csv")" ',unreadable,'
like 'before those of what could be read' "$(grep -c 'broken.tar.gz!/' "$tmp/one/scores.csv")" '^[1-9]'
exits 'inspect says so' 1 "$einthoven" inspect "$packed/broken.tar.gz"
ok 'inspect of an archive' "$einthoven" inspect --json "$packed/d.zip"
like 'counts its recordings' "$out" '"recordings": 15,'
rm "$packed/broken.tar.gz" "$packed/e.xml.gz"
ok 'archives that are gone' score "$packed" "$tmp/one"
is 'keep the rows of what was scored' "$(grep -c 'e.xml.gz!/e.xml' "$tmp/one/scores.csv")" 1
done_testing
