#!/bin/bash
# inspect --out: a recording and a record of a corpus as a picture, by the extension of its name.
. "$(dirname "$0")/../lib.sh"

ok 'synth' "$einthoven" synth --out "$tmp/cohort" --set synth.records=4 --set synth.seed=5
ok 'ingest' "$einthoven" ingest --set model.preset=tiny --out "$tmp/c.h5" "$tmp/cohort"
recording=$(find "$tmp/cohort" -name '*.hea' | sort | head -n 1)
id=$(basename "$recording" .hea)
for kind in svg png pdf; do
    ok "a recording as $kind" "$einthoven" inspect "$recording" --out "$tmp/r.$kind"
    ok "a record as $kind" "$einthoven" inspect "$tmp/c.h5" --draw "$id" --out "$tmp/c.$kind"
done
is 'SVG' "$(head -c 5 "$tmp/r.svg")" '<?xml'
is 'PNG' "$(tail -c +2 "$tmp/c.png" | head -c 3)" PNG
is 'PDF' "$(head -c 4 "$tmp/c.pdf")" %PDF
like 'the id stands on it' "$(cat "$tmp/c.svg")" ">$id</text>"
like 'and what scale' "$(cat "$tmp/c.svg")" '25 mm/s    10 mm/mV    100 Hz    0.00 to 10.00 s'
ok 'the same on two ranks' mpi 2 "$einthoven" inspect "$tmp/c.h5" --draw "$id" --out "$tmp/two.svg"
is 'same bytes' "$(cksum <"$tmp/two.svg")" "$(cksum <"$tmp/c.svg")"
ok 'six rows' "$einthoven" inspect "$recording" --out "$tmp/6.svg" --paper 6x2 --set draw.from_s=2
like 'from 2 s' "$(cat "$tmp/6.svg")" '2.00 to 10.00 s'

model=$tmp/run/model.safetensors
ok 'pretrain' "$einthoven" pretrain --set model.preset=tiny --corpus "$tmp/c.h5" --run "$tmp/run" --set train.epochs=1 \
    --set train.batch=2 --set data.validation_fraction=0
ok 'a reconstruction' "$einthoven" inspect "$tmp/c.h5" --draw "$id" --reconstruct "$model" --paper recorded --out "$tmp/hidden.svg"
is 'of eight leads' "$(grep -c 'class="ein-predicted"' "$tmp/hidden.svg")" 8
# 24 of 40 patches of 250 ms are hidden: their widths in each lead, 6.25 mm a patch, add up to 150 mm.
is 'of 60 % of the record' "$(grep 'class="ein-hidden"' "$tmp/hidden.svg" | sed 's/.* d="M//; s/Z.*//' |
    awk '{ sum += $3 - $1 } END { print (sum > 1199.4 && sum < 1200.6) }')" 1
exits 'a reconstruction of a file' 2 "$einthoven" inspect "$recording" --reconstruct "$model" --out "$tmp/x.svg"

ok 'a model card' "$einthoven" inspect --card "$model"
like 'tells what the model reads' "$out" '^- leads = I,II,V1'
like 'tells what is missing' "$out" '^- \*\*Intended use, users and patients\*\*: MISSING$'
evil=$tmp/'<script>_x_.safetensors' && cp "$model" "$evil"
ok 'of a hostile name' "$einthoven" inspect --card "$evil"
like 'is text in Markdown too' "$out" '^# Model card: &lt;script&gt;\\_x\\_\.safetensors$'
exits 'a card of a corpus' 2 "$einthoven" inspect --card "$tmp/c.h5"

exits 'a corpus without --draw' 2 "$einthoven" inspect "$tmp/c.h5" --out "$tmp/x.svg"
like 'names a record' "$err" "\-\-draw $id"
exits 'a record that is not there' 1 "$einthoven" inspect "$tmp/c.h5" --draw nobody --out "$tmp/x.svg"
exits 'another extension' 2 "$einthoven" inspect "$recording" --out "$tmp/x.jpg"
exits 'no picture named' 2 "$einthoven" inspect "$tmp/c.h5" --draw "$id"
exits 'a time beyond its end' 1 "$einthoven" inspect "$recording" --out "$tmp/x.svg" --set draw.from_s=99
exits 'a strip that is no lead' 2 "$einthoven" inspect "$recording" --out "$tmp/x.svg" --set draw.rhythm=Q7
is 'nothing is left behind' "$(find "$tmp" -name 'x.*' | wc -l)" 0
done_testing
