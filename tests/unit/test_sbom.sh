#!/bin/bash
# `make sbom`: the list of what is linked is JSON, complete, and has a version and a licence for everything.
. "$(dirname "$0")/../lib.sh"

SOURCE_DATE_EPOCH=0 run "$root/tests/sbom.sh" "$einthoven"
is 'made' "$status" 0
printf '%s\n' "$out" >"$tmp/sbom.json"
like 'CycloneDX' "$out" '"bomFormat": "CycloneDX"'
like 'its time can be fixed' "$out" '"timestamp": "1970-01-01T00:00:00Z"'
like 'the program with its version' "$out" "\"name\": \"einthoven\", \"version\": \"$("$einthoven" --version | awk 'NR == 1 { print $2 }')\""
missing=''
for name in $(readelf -dW "$einthoven" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
    grep -q "\"bom-ref\": \"$name\"" <<<"$out" || missing+=" $name"
done
is 'every library that is linked is in it' "$missing" ''
is 'nothing twice' "$(grep -o '"bom-ref": "[^"]*"' <<<"$out" | sort | uniq -d)" ''
unlike 'nothing without a version' "$out" '"version": ""'
unlike 'nothing without a licence' "$out" '"licenses": \[\]'
is 'as many hashes as components and the program' "$(grep -cE '"alg": "SHA-256", "content": "[0-9a-f]{64}"' <<<"$out")" \
    "$(grep -c '"bom-ref": ' <<<"$out")"
if command -v python3 >/dev/null 2>&1; then
    ok 'JSON' python3 -m json.tool "$tmp/sbom.json"
fi
run "$root/tests/sbom.sh" "$tmp/no-such-program"
is 'no program: refused' "$status" 1
done_testing
