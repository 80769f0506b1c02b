#!/bin/bash
# keys, plan, inspect of a plan: what a coordinator types, and what is refused by name.
. "$(dirname "$0")/../lib.sh"
cd "$tmp" || exit 1

ok 'a key' "$einthoven" keys c.key
is 'nobody else may read the secret' "$(stat -c %a c.key)" 600
like 'fingerprint' "$out" '^fingerprint: ([0-9a-f]{4} ){7}[0-9a-f]{4}$'
print=$(grep fingerprint <<<"$out")
ok 'shown again from the public half' "$einthoven" keys --show c.key.pub
is 'the same fingerprint' "$out" "$print"
exits 'a key is never replaced' 1 "$einthoven" keys c.key
like 'and says so' "$err" 'c\.key.* exists; a key is never replaced'
ok 'a site' "$einthoven" keys north.key

cat >plan.yaml <<'YAML'
name: lvef
expires: 2099-06-30
models: [{name: A}]
cohort: {text: adults, require: [{column: age, at_least: 18}]}
tasks: [{name: lvef, label: y, scores: [p], bins: 20, thresholds: [0.33, 0.5]}]
subgroups: [{column: sex, values: [0, 1]}, {column: age, cuts: [50, 65]}]
sites: [{name: north, key: north.key.pub}]
YAML
ok 'a plan' "$einthoven" plan plan.yaml --key c.key --set plan.today=2026-01-01
for text in 'void after 2099-06-30' 'at least 11 patients' 'thresholds 0\.33, 0\.5' 'in 21 bins' 'column age at least 18' \
    'by sex: 0, 1'; do like "in words: $text" "$out" "$text"; done
cp plan.json first.json
ok 'what sites would leave' "$einthoven" plan plan.yaml --key c.key --set plan.today=2026-01-01 --out expected.json \
    --expect lvef=400/2000,lvef=300/900,lvef=12/300,lvef=9/500
like 'a large site' "$out" '^Expected, task lvef: a site with 400 positives and 2000 negatives could be counted in about 1[0-9] bins of 21, and its AUROC be off by up to 0\.0[0-9]'
like 'a small one' "$out" '12 positives and 300 negatives could be counted in about 1 bin of 21, and its AUROC be off by up to 0\.50: more than the plan allows'
like 'one that is too small' "$out" '9 positives and 500 negatives could send nothing: fewer than 11 of a class'
like 'all of them' "$out" 'These 4 sites would have about 1 bin in common: no exact second round'
ok 'two large ones' "$einthoven" plan plan.yaml --key c.key --set plan.today=2026-01-01 --out expected2.json \
    --expect lvef=400/2000,lvef=300/900
like 'have bins in common' "$out" 'These 2 sites would have about ([2-9]|1[0-9]) bins in common$'
for wrong in lvef lvef=3 lvef=3/ lvef=-1/3 lvef=1/nan lvef=1/3x other=1/3; do
    exits "--expect $wrong" 2 "$einthoven" plan plan.yaml --key c.key --set plan.today=2026-01-01 --out wrong.json --expect $wrong
done
like 'is told' "$err" 'such as lvef=40/300'
ok 'and no plan is written' test ! -e wrong.json
ok 'again' "$einthoven" plan plan.yaml --key c.key --set plan.today=2026-01-01 --overwrite
ok 'the same bytes' cmp plan.json first.json
ok 'inspect' "$einthoven" inspect plan.json
like 'whole' "$out" 'whole: yes'
like 'who signed' "$out" "signed_by: ${print#fingerprint: }"
if python3 -c 'import jsonschema' 2>/dev/null; then
    "$einthoven" plan --schema plan >schema.json
    ok 'the published schema is a schema, and the plan follows it' python3 -c 'import json, jsonschema
s = json.load(open("schema.json")); jsonschema.Draft202012Validator.check_schema(s)
jsonschema.validate(json.load(open("plan.json"))["body"], s)'
else
    skip 'the published schema' 'no python3-jsonschema'
fi

# refuse NAME REGEX [SED...]: a description that is no plan
refuse() {
    sed "${@:3}" plan.yaml >bad.yaml
    "$einthoven" plan bad.yaml --key c.key --out bad.json --set plan.today=2026-01-01 >bad.out 2>bad.err
    if [ $? -ne 0 ] && grep -Eq -e "$2" bad.err && [ ! -e bad.json ]; then pass "$1"; else fail "$1" "$(cat bad.err)"; fi
}
refuse 'over already' 'expires on 2025-06-30' -e s/2099/2025/
refuse 'no minimum' 'minimum_cell: must be at least 5' -e '1i minimum_cell: 2'
refuse 'one bin' 'bins: a number from 2' -e 's/bins: 20/bins: 1/'
refuse 'a stranger key' 'is_no_key' -e 's/north.key.pub/is_no_key/'
refuse 'a missing model file' 'none.safetensors' -e 's/name: A/name: A, file: none.safetensors/'
refuse 'a key twice' 'twice|given' -e '1i name: again'
refuse 'something unknown' '"surprise" is not part of it' -e '1i surprise: 1'
refuse 'cuts and values' 'either values or cuts' -e 's/values: \[0, 1\]/values: [0, 1], cuts: [1]/'
chmod 644 c.key
refuse 'a key that others read' 'chmod 600' -e ''
chmod 600 c.key
sed -i 's/"minimum_cell": 11/"minimum_cell": 5/' plan.json
exits 'an altered plan' 1 "$einthoven" inspect plan.json
like 'is called so' "$out" 'altered after it was signed'
sed 's/$/\r/' first.json >crlf.json
exits 'line ends of another system' 1 "$einthoven" inspect crlf.json
like 'are told' "$out" 'line ends or blanks changed'
done_testing
