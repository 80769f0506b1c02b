#!/bin/bash
# The program as it was linked: what makes a bug in a reader harder to use must be in it, and nothing whose last bit
# depends on processor or C library.
. "$(dirname "$0")/../lib.sh"

dynamic=$(readelf -dW "$einthoven")
segments=$(readelf -lW "$einthoven")
imports=$(nm -D --undefined-only "$einthoven" | awk '{ print $NF }' | sed 's/@.*//' | grep -E '_chk|printf$|gets$')
version=$("$einthoven" --version 2>&1)

like 'position-independent' "$(readelf -hW "$einthoven")" 'Type: +DYN'
like 'and said to be a program, not a library' "$dynamic" 'FLAGS_1.*PIE'
like 'its tables of addresses become read-only' "$segments" 'GNU_RELRO'
like 'all of them, before main' "$dynamic" 'BIND_NOW|FLAGS_1.*NOW'
like 'the stack holds no code' "$segments" 'GNU_STACK .* RW '
unlike 'nor is code written to' "$segments" 'LOAD .* RWE '
unlike 'no relocation in the code' "$dynamic" 'TEXTREL'
like 'stacks have guards' "$imports" '^__stack_chk_(fail|guard)$'
unlike 'no library is looked for in a relative folder' "$(grep -E 'R(UN)?PATH' <<<"$dynamic")" '\[([^/]|[^]]*:[^/]|\])'
if grep -q -e '-O2' <<<"$version"; then
    for call in snprintf vsnprintf memcpy; do
        like "$call is checked where the size is known" "$imports" "^__${call}_chk$"
    done
    unlike 'no printf whose format goes unchecked' "$imports" '^(sprintf|vsprintf|gets)$'
fi
# core/base/elementary.h has them. libm's sqrt, fma, floor and the like are exact by definition.
inexact='a?(sin|cos|tan)h?(pi)?|atan2|sincos|exp(2|10|m1)?|log(2|10|1p|b)?|pow|erfc?|[lt]?gamma(_r)?|hypot|cbrt|j[01n]|y[01n]'
all=$(nm -D --undefined-only "$einthoven" | awk '{ print $NF }' | sed 's/@.*//')
unlike 'no function of libm is called whose last bit is left to it' "$all" "^(__)?($inexact)[fl]?(_finite)?\$"
done_testing
