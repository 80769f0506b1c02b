#!/usr/bin/env bash
# Break core/stats/*.c in one place at a time and see that a test of tests/unit/test_stats_*.c fails.
# Development only: `make stats-mutations`. Exits 1 if a mutant survives or a line to change is not found.
set -u
cd "$(dirname "$0")/../.." || exit 1
CC=${CC:-gcc}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
flags=(-std=c11 -D_GNU_SOURCE -O1 -fopenmp -ffp-contract=off -I.)
read -ra check_flags <<< "$(pkg-config --cflags check)"
read -ra check_libs <<< "$(pkg-config --libs check)"

names=()
for source in core/stats/*.c core/base/*.c; do
    name=$(basename "$source" .c)
    names+=("$name")
    "$CC" "${flags[@]}" -c "$source" -o "$work/$name.o" || exit 1
done
tests=()
for source in tests/unit/test_stats_*.c; do
    name=$(basename "$source" .c)
    tests+=("$name")
    "$CC" "${flags[@]}" "${check_flags[@]}" -c "$source" -o "$work/$name.t" || exit 1
done

# Run the tests on the objects with $1 in place of module $2; print the first that fails.
first_failure() {
    local objects=() name
    for name in "${names[@]}"; do
        if [ "$name" = "$2" ]; then objects+=("$1"); else objects+=("$work/$name.o"); fi
    done
    # The module's own test first: it is the likeliest to fail.
    for name in "test_stats_$2" "${tests[@]}"; do
        [ -f "$work/$name.t" ] || continue
        "$CC" -fopenmp -o "$work/program" -x none "$work/$name.t.o" "${objects[@]}" "${check_libs[@]}" -lm 2> "$work/link" ||
            { echo "does not link: $(head -1 "$work/link")"; return; }
        if ! timeout 120 "$work/program" > "$work/out" 2>&1; then
            echo "$name: $(grep -m1 '^not ok' "$work/out" | cut -d: -f3 | cut -c1-60)"
            return
        fi
    done
}
for name in "${tests[@]}"; do ln -s "$work/$name.t" "$work/$name.t.o"; done

failure=$(first_failure "$work/${names[0]}.o" "${names[0]}")
[ -z "$failure" ] || { echo "the tests fail without a mutation: $failure"; exit 1; }

killed=0 survived=0
while IFS='~' read -r module from to; do
    [ -n "$module" ] || continue
    if ! FROM=$from TO=$to perl -0pe 'BEGIN { ($f, $t) = ($ENV{FROM}, $ENV{TO}); } $n = s/\Q$f\E/$t/; END { exit(1) unless $n }' \
        "core/stats/$module.c" > "$work/mutant.c"; then
        echo "NOT FOUND $module: $from"
        survived=$((survived + 1))
        continue
    fi
    if ! "$CC" "${flags[@]}" -w -c "$work/mutant.c" -o "$work/mutant.o" 2> "$work/compile"; then
        echo "DOES NOT COMPILE $module: $from -> $to"
        survived=$((survived + 1))
        continue
    fi
    failure=$(first_failure "$work/mutant.o" "$module")
    if [ -n "$failure" ]; then
        killed=$((killed + 1))
        echo "killed    $module: $from -> $to    by $failure"
    else
        survived=$((survived + 1))
        echo "SURVIVED  $module: $from -> $to"
    fi
done << 'MUTANTS'
common~if (reason[i] & (EIN_SCREEN_MISSING_LABEL | EIN_SCREEN_NAN_SCORE)) continue;~if (reason[i] & EIN_SCREEN_MISSING_LABEL) continue;
common~(double)(first + 1 + next)~(double)(first + next)
common~clusters / (clusters - 1) * squares~squares
common~p >= -tolerance && p <= 1 + tolerance~p >= 0 && p <= 1 + tolerance
common~(double)(n - 1) * p~(double)n * p
common~0.5 * (1 - level), df~(1 - level), df
common~2 * ein_t_cdf~ein_t_cdf
common~if (out.upper > ceiling) out.upper = ceiling;~
special~1.0 / 1260~1.0 / 1261
special~w * (3 + s) / b~w * (2 + s) / b
special~x < (a + 1) / (a + b + 2)~x < 1.0
special~sqrt(a / n * b)~sqrt(a / n)
roc~2 * below + negative~2 * below
roc~above -= positive;~
roc~0.5 * (double)negative~(double)negative
roc~(p - 1) * p~p * p
roc~c->largest > 1~c->largest > 4
roc~i10 / ((i10 - 1) * p * p)~1 / (p * p)
roc~all / ((all - 1) * p * q)~1 / (p * q)
roc~xa * yb + xb * ya~xa * yb
roc~INT64_C(1) << 61~INT64_C(1) << 31
roc~static int64_t place_groups~static int place_groups
roc~state = EIN_STATS_BOUNDARY;~state = EIN_STATS_ESTIMABLE;
roc~state = EIN_STATS_IDENTICAL;~state = EIN_STATS_ESTIMABLE;
roc~const double auc = auc_from(twice_u, c);~double auc = auc_from(twice_u, c); if (auc < 0.5) auc = 1 - auc;
roc~units(first) - 1~units(first)
roc~(a - b) / sqrt(variance)~(b - a) / sqrt(variance)
roc~double precision_before = 1;~double precision_before = 0;
roc~EIN_TRY(ein_stats_check_nan(score, c->n));~
roc~return EIN_STATS_FEW_IN_CLASS;~return EIN_STATS_ESTIMABLE;
roc~c->n_clusters_positive < least~c->n_clusters_positive < 0
threshold~score[i] >= threshold~score[i] > threshold
threshold~0.25 * extra / n~0.5 * extra / n
threshold~ein_beta_quantile(tail, x, rest + 1)~ein_beta_quantile(tail, x, rest)
threshold~threshold / (1 - threshold)~threshold
threshold~sqrt(tp + fp) * sqrt(tp + fn) * sqrt(tn + fp) * sqrt(tn + fn)~sqrt((double)((m.true_positive + m.false_positive) * (m.true_positive + m.false_negative) * (m.true_negative + m.false_positive) * (m.true_negative + m.false_negative)))
threshold~now <= best~now < best
threshold~-(missed * missed + false_alarms * false_alarms)~-(missed + false_alarms)
threshold~difference > 0 ? difference - 1 : 0~difference
threshold~fmin(1, 2 * ein_binomial_cdf~(2 * ein_binomial_cdf
threshold~if (n == 0) return EIN_OK;~
threshold~n / out->design_effect~n
calibration~if (b < n_bins - 1 && p > (double)(b + 1) / n_bins) b++;~
calibration~if (b > 0 && p <= (double)b / n_bins) b--;~
calibration~(wide)(first + last) * n_bins~(wide)(first + first) * n_bins
calibration~bin[b].sum_p2 - 2 * bin[b].sum_py~bin[b].sum_p2 - bin[b].sum_py
calibration~(chi2 - 2) / n~chi2 / n
calibration~(lr - 1) / n~lr / n
calibration~if (moved <= 1e-13) return true;~if (moved <= 1e-2) return true;
calibration~(double)clusters / (double)(clusters - 1)~1.0
calibration~greatest[0] <= least[1]~greatest[0] < least[1]
calibration~saturated = saturated || !isfinite(own[i]);~
calibration~const double tilt = 1 - 2 * p[i];~const double tilt = 1;
calibration~fmax(of_outcome, DBL_EPSILON)~fmax(of_outcome, 1e-15)
lowess~0.999 * reach~0.9 * reach
lowess~last + 1 > i - 1 ? last + 1 : i - 1~last + 1
lowess~3 * (scratch[middle]~2 * (scratch[middle]
regression~count - 2, level~count - 1, level
regression~z * z / (2 * (count - 1))~z * z / (2 * count)
regression~inversions += middle - i;~inversions += 1;
regression~+ both - 2 * discordant~- 2 * discordant
regression~- x.five - y.five~
regression~fmin(1, 2 * tail)~2 * tail
regression~sqrt((1 + 0.5 * rho * rho)~sqrt((1 + rho * rho)
multiplicity~(double)(m - j) * p[j]);~(double)m * p[j]);
multiplicity~harmonic * (double)m~(double)m
multiplicity~fmin((double)k * p[j], tail)~(double)k * p[j]
multiplicity~adjusted[order[j]] = work[j]~adjusted[j] = work[j]
meta_model~(f.rss - df) / ein_meta_trace_p~(f.rss - df - 1) / ein_meta_trace_p
meta_model~quadratic_pp(s) - ein_meta_trace_p(&f, s)~quadratic_pp(s) - ein_meta_sum_weights(s, 1)
meta_model~(restricted ? f.log_determinant : 0)~0
meta_model~if (here > highest)~if (i == 3)
meta_model~(f.rss - (double)s->k)~(f.rss - df)
meta_model~(double)s->k;~(double)(s->k - 1);
meta~out->z[j].variance * q, df~out->z[j].variance, df
meta~tau2 + kh->variance, k - 1~tau2 + kh->variance, k - 2
meta~sqrt(2 / ein_meta_trace_pp(&f, s))~sqrt(2 / ein_meta_sum_weights(s, 2))
meta~typical = df / ein_meta_trace_p(fixed, s)~typical = df / ein_meta_sum_weights(s, 1)
small_study~out->test.p = p.value;~
small_study~sqrt(v[i] - 1 / ein_sum_value(weight))~sqrt(v[i])
meta~if (i == left) continue;~if (i == left + 1) continue;
meta~f.rss < least ? EIN_STATS_EMPTY_INTERVAL~f.rss < 0 ? EIN_STATS_EMPTY_INTERVAL
meta~out->moderators.statistic / m / q~out->moderators.statistic / m
histogram~*tied += positive[b] * negative[b];~*tied += positive[b];
components~2 * all / (all - 1) * xy~all / (all - 1) * xy
bootstrap~times[scale_word(w.v[0], w.v[1], plan->n_clusters)]++;~times[scale_word(w.v[0], w.v[1], plan->n_clusters - 1)]++;
bootstrap~(uint64_t)replicate, (uint32_t)(d / 2)~(uint64_t)(replicate - omp_get_thread_num()), (uint32_t)(d / 2)
bootstrap~i % n_groups != group~i % n_groups == group
bootstrap~r->first + at, r->n_groups~at, r->n_groups
bootstrap~draw_patients(b->times, r->plan, r->first + at);~draw_patients(b->times, r->plan, at);
bootstrap~out->n_undefined++ == 0~false
bootstrap~0.5 * (double)equal~(double)equal
bootstrap~const double shrink = 1 - out->acceleration * z;~const double shrink = 1;
bootstrap~alpha * (double)(n + 1)~alpha * (double)n
bootstrap~b->count[i] = b->times[plan->index[i]];~b->count[i] = b->times[i % plan->n_clusters];
bootstrap~ein_error_keep_lowest(&failure, at, run_one(r, at, &b))~(void)run_one(r, at, &b)
subgroup~count - positives < t->options.minimum~false
subgroup~t->options.minimum ||~0 ||
subgroup~p[family++] = pair[i].test.p~p[family++] = 0.5 * pair[i].test.p
subgroup~c.difference.variance - 2 * covariance~c.difference.variance - covariance
subgroup~a[i] * d[i] + b[i] * c[i]~a[i] * d[i]
components~s->xx - 2 * a * s->xm + a * a * s->mm~s->xx - a * s->xm + a * a * s->mm
MUTANTS
echo "$killed mutants killed, $survived survived"
[ "$survived" -eq 0 ]
