#!/bin/bash
# timeout: 900
# convert and inspect: the program on checkpoints, models, others' files, run folders and everything broken.
. "$(dirname "$0")/../lib.sh"

tests=$(dirname "$einthoven")/tests
python=${EINTHOVEN_PYTHON:-python3}
cd "$tmp" || exit 1

# value FILE KEY: a value of the JSON that inspect --verify prints, as printed.
value() {
    "$einthoven" inspect --json --verify "$1" 2>/dev/null | sed -n "s/^ *\"$2\": \(.*[^,]\),*$/\1/p" | head -n 1
}

ok 'a checkpoint to start from' "$tests/mpi/test_checkpoint" write a.h5 0
ok 'a classifier to start from' "$tests/unit/test_model" write little.safetensors

# --- inspect ---
ok 'inspect a checkpoint' "$einthoven" inspect a.h5
like 'says what it is' "$out" 'kind: checkpoint'
like 'at which step' "$out" 'step: 2031'
like 'and that its bytes were not looked at' "$out" 'verified: no'
is 'verified as JSON' "$(value a.h5 whole) $(value a.h5 verified) $(value a.h5 epoch) $(value a.h5 best_value)" 'true true 3 0.75'
is 'a seed keeps its 64 bits' "$(value a.h5 seed)" '"18364758544493064720"'
ok 'texts on demand' "$einthoven" inspect --verify --texts a.h5
like 'texts on demand, in full' "$out" '^ *width: 96'
exits 'a missing file' 1 "$einthoven" inspect none.h5
like 'a missing file is named' "$err" 'none.h5: No such file'
printf 'hello\033[2J' >text
exits 'a foreign file' 1 "$einthoven" inspect text
like 'a foreign file is quoted without control characters' "$err" 'not a file of ours: it starts with "hello.x1b\[2J"'
: >empty
exits 'an empty file' 1 "$einthoven" inspect empty
like 'an empty file is called so' "$err" 'empty file'
head -c 4096 /dev/zero >zeros
exits 'an unfinished file' 1 "$einthoven" inspect zeros
like 'an unfinished file is called so' "$err" 'unfinished'
exits 'a folder that is no run' 1 "$einthoven" inspect .
mkfifo pipe
exits 'a pipe is not waited for' 1 timeout 20 "$einthoven" inspect pipe
exits 'one broken of two' 1 "$einthoven" inspect a.h5 text
like 'both are shown' "$out" 'step: 2031'
like 'and counted' "$err" '1 of 2 are not whole'
run "$einthoven" inspect --json a.h5 text
like 'several paths are one JSON list' "$out" '^\['

# --- damage ---
cp a.h5 broken.h5
printf '\001' | dd of=broken.h5 bs=1 seek=3000000 conv=notrunc status=none
ok 'damage inside is not seen at a glance' "$einthoven" inspect broken.h5
exits 'but by --verify' 1 "$einthoven" inspect --verify broken.h5
like 'which says so' "$err" 'do not match their checksum'
exits 'and by convert' 1 "$einthoven" convert broken.h5 x.safetensors
ok 'without a result' test ! -e x.safetensors
head -c 1000000 a.h5 >cut.h5
exits 'a cut checkpoint is seen at a glance' 1 "$einthoven" inspect cut.h5
like 'with both lengths' "$err" '1000000 bytes long, its head says'

# --- convert ---
ok 'checkpoint to model' "$einthoven" convert a.h5 m.safetensors
is 'a whole model with the parameters' "$(value m.safetensors whole) $(value m.safetensors parts) $(value m.safetensors parameters)" \
    'true "pretrain" 719166'
like 'that remembers its training' "$(value m.safetensors training)" '2031'
exits 'an existing file is not replaced' 1 "$einthoven" convert a.h5 m.safetensors
like 'unless asked' "$err" 'overwrite'
ok 'when asked it is, to the same bytes' "$einthoven" convert a.h5 m.safetensors --overwrite
before=$(sha256sum <m.safetensors)
ok 'model to checkpoint' "$einthoven" convert m.safetensors start.h5
is 'without updates' "$(value start.h5 step) $(value start.h5 best_value)" '0 null'
ok 'model to checkpoint on 3 ranks' mpi 3 "$einthoven" convert m.safetensors start3.h5
ok 'gives the same bytes' cmp start.h5 start3.h5
ok 'and back' "$einthoven" convert start.h5 back.safetensors
ok 'the encoder alone' "$einthoven" convert m.safetensors e.safetensors --encoder
is 'has no decoder' "$(value e.safetensors parts) $(value e.safetensors decoder_width)" '"encoder" '
ok 'a fresh head' "$einthoven" convert m.safetensors h.safetensors --classes 7
is 'has its classes' "$(value h.safetensors parts) $(value h.safetensors classes)" '"classify" 7'
ok 'another head on a classifier' "$einthoven" convert little.safetensors h2.safetensors --classes 2 --licence CC-BY-4.0
is 'states the licence' "$(value h2.safetensors licence)" '"CC-BY-4.0"'
exits 'an encoder cannot be cut out of a classifier' 2 "$einthoven" convert little.safetensors x.safetensors --encoder
exits 'encoder and head at once' 2 "$einthoven" convert m.safetensors x.safetensors --encoder --classes 2
exits 'an unknown ending' 2 "$einthoven" convert m.safetensors x.bin
exits 'checkpoint to checkpoint' 2 "$einthoven" convert a.h5 b.h5
exits 'a source of another kind' 1 "$einthoven" convert text x.safetensors
exits 'a missing folder' 1 "$einthoven" convert a.h5 none/x.safetensors
ok 'kinds go by content: a model named .h5' cp m.safetensors disguised.h5
ok 'is converted as a model' "$einthoven" convert disguised.h5 d.safetensors
ok 'to the same bytes' cmp <(echo "$before") <(sha256sum <d.safetensors)
ok 'nothing unfinished is left' test -z "$(find . -name '*.partial')"

# --- a run folder ---
mkdir -p run/ckpt
cp a.h5 run/ckpt/step-000002031.h5
cp m.safetensors run/model.safetensors
printf 'stopped\nstep: 2031\nreason: asked to\n' >run/STATE
printf 'step,loss,validation_loss\n2030,0.5,\n2031,0.25,\n' >run/metrics.csv
ok 'inspect a run folder' "$einthoven" inspect run
like 'its state' "$out" 'state: stopped'
like 'its last metrics' "$out" 'step 2031, loss 0.25'
like 'its checkpoint' "$out" 'step-000002031.h5, whole yes'
cp cut.h5 run/ckpt/step-000002032.h5
exits 'with a broken checkpoint' 1 "$einthoven" inspect run
like 'says which' "$out" 'step-000002032.h5, whole no'
like 'and still shows the others' "$out" 'step-000002031.h5, whole yes'
rm run/ckpt/step-000002032.h5
echo dancing >run/STATE
exits 'with a wild STATE' 1 "$einthoven" inspect run

# --- the reference implementation ---
if "$python" -c 'import safetensors, numpy' 2>/dev/null; then
    ok 'the safetensors package reads what we wrote' "$python" "$root/tests/data/check_safetensors.py" m.safetensors
    ok 'and finds equal tensors after model, checkpoint, model' "$python" "$root/tests/data/check_safetensors.py" --equal m.safetensors back.safetensors
    cat >others.py <<'PY'
import numpy as np
from safetensors.numpy import load_file, save_file
tensors = load_file("m.safetensors")
save_file({"module." + k: v for k, v in tensors.items()}, "others.safetensors")
save_file({k: v.astype(np.float64) for k, v in tensors.items()}, "double.safetensors")
save_file({**tensors, "epoch": np.array([3])}, "more.safetensors")
PY
    ok 'a file written by it' "$python" others.py
    ok 'converts' "$einthoven" convert others.safetensors o.safetensors --heads 3 --decoder-heads 2
    ok 'to equal tensors' "$python" "$root/tests/data/check_safetensors.py" --equal m.safetensors o.safetensors
    ok 'so does one in double precision' "$einthoven" convert double.safetensors o2.safetensors --heads 3 --decoder-heads 2
    ok 'to equal tensors as well' "$python" "$root/tests/data/check_safetensors.py" --equal m.safetensors o2.safetensors
    ok 'and one with more tensors' "$einthoven" convert more.safetensors o3.safetensors --heads 3 --decoder-heads 2
    like 'which are named as left out' "$err" 'tensor epoch is not part of this model'
else
    skip 'the safetensors package reads what we wrote' "$python has no safetensors (set EINTHOVEN_PYTHON)"
fi
done_testing
