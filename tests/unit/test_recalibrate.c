/* Maps from logit to probability: Platt against the published algorithm and its score equations, temperature, pooled
 * adjacent violators against hand-worked cases and the min-max formula, and what keeps maps tame. The figures of small
 * problems are those of the pseudocode of Lin, Lin & Weng (Machine Learning 2007), run in 64-digit arithmetic. */
#include "core/stats/recalibrate.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"
#include "tests/seed.h"
#include "tests/tap.h"

#define check_ok(call) ck_assert_msg((call) == EIN_OK, "%s", ein_error_message())

enum { MOST = 3000 };
static double logit[MOST];
static int8_t label[MOST];

/* Logits spread like a bell; the truth is logistic(intercept + slope z). */
static void make(int n, double intercept, double slope, uint64_t seed) {
    for (int i = 0; i < n; i++) {
        double pair[2];
        const ein_philox_block draw = ein_philox(test_seed(seed), EIN_DRAW_TEST, (uint64_t)i, 0);
        ein_normal_pair(draw.v[0], draw.v[1], pair);
        logit[i] = 2 * pair[0];
        label[i] = draw.v[2] / 4294967296.0 < 1 / (1 + exp(-intercept - slope * logit[i]));
    }
}

static ein_recalibration fit(ein_recalibrate_kind kind, int n, ein_recalibrate_outcome expected) {
    ein_recalibration map;
    ein_recalibrate_outcome outcome;
    check_ok(ein_recalibrate_fit(&map, &outcome, kind, logit, label, n));
    ck_assert_int_eq(outcome, expected);
    ck_assert(outcome == EIN_RECALIBRATE_FITTED || map.kind == EIN_RECALIBRATE_NONE);
    check_ok(ein_recalibration_check(&map));
    return map;
}

/* 40 records: logits -2.0, -1.9 ... 1.9; positive from 0.3 on, and every seventh. */
static void make_small(void) {
    for (int i = 0; i < 40; i++) {
        logit[i] = (i - 20) / 10.0;
        label[i] = i >= 23 || i % 7 == 0;
    }
}

START_TEST(platt_is_the_published_one) {
    make_small();
    ein_recalibration map = fit(EIN_RECALIBRATE_PLATT, 40, EIN_RECALIBRATE_FEW); /* 19 negatives */
    label[28] = 0;
    label[24] = 0;
    map = fit(EIN_RECALIBRATE_PLATT, 40, EIN_RECALIBRATE_FEW); /* 19 positives */
    label[28] = 1;
    map = fit(EIN_RECALIBRATE_PLATT, 40, EIN_RECALIBRATE_FITTED);
    ck_assert_msg(fabs(map.slope - 1.4356908330801652) < 1e-9, "%.17g", map.slope);
    ck_assert_msg(fabs(map.intercept - 0.07178454165400826) < 1e-9, "%.17g", map.intercept);
    map = fit(EIN_RECALIBRATE_TEMPERATURE, 40, EIN_RECALIBRATE_FITTED);
    ck_assert_msg(fabs(map.slope - 1.4328690686579607) < 1e-9, "%.17g", map.slope);
    ck_assert(map.intercept == 0);
}
END_TEST

/* At the maximum the mean probability is the mean target, and so is the mean weighted by the logit. */
START_TEST(platt_solves_its_equations) {
    make(1500, -1.5, 0.6, 4);
    ein_recalibration map = fit(EIN_RECALIBRATE_PLATT, 1500, EIN_RECALIBRATE_FITTED);
    double positives = 0, sum[2] = {0, 0};
    for (int i = 0; i < 1500; i++) positives += label[i];
    for (int i = 0; i < 1500; i++) {
        const double t = label[i] ? (positives + 1) / (positives + 2) : 1 / (1500 - positives + 2);
        const double off = t - ein_recalibrate(&map, logit[i]);
        sum[0] += off;
        sum[1] += off * logit[i];
    }
    ck_assert(fabs(sum[0]) < 1e-9 && fabs(sum[1]) < 1e-9);
    ck_assert_msg(fabs(map.slope - 0.6) < 0.1 && fabs(map.intercept + 1.5) < 0.2, "%g %g", map.slope,
                  map.intercept);
}
END_TEST

START_TEST(bounds_hold_the_slope) {
    for (int i = 0; i < 100; i++) { /* separated, and close together: the likelihood wants 1000s */
        logit[i] = 5 + 0.001 * i;
        label[i] = i >= 50;
    }
    ein_recalibration map = fit(EIN_RECALIBRATE_PLATT, 100, EIN_RECALIBRATE_FITTED);
    ck_assert(map.slope == EIN_RECALIBRATE_SLOPE_MOST);
    ck_assert(fabs(ein_recalibrate(&map, logit[49] / 2 + logit[50] / 2) - 0.5) < 1e-3);
    make(2000, 0, 0.1, 5);
    for (int i = 0; i < 2000; i++) logit[i] *= 100;
    map = fit(EIN_RECALIBRATE_PLATT, 2000, EIN_RECALIBRATE_FITTED);
    ck_assert(map.slope == EIN_RECALIBRATE_SLOPE_LEAST);
    for (int i = 0; i < 100; i++) logit[i] = -logit[i], label[i] = i % 2;
    for (int i = 0; i < 100; i++) logit[i] = i % 2 ? -1 - i : 1 + i;
    fit(EIN_RECALIBRATE_PLATT, 100, EIN_RECALIBRATE_FLAT);
    fit(EIN_RECALIBRATE_TEMPERATURE, 100, EIN_RECALIBRATE_FLAT);
    fit(EIN_RECALIBRATE_ISOTONIC, 100, EIN_RECALIBRATE_FLAT);
    for (int i = 0; i < 100; i++) logit[i] = 3;
    fit(EIN_RECALIBRATE_PLATT, 100, EIN_RECALIBRATE_FLAT);
    fit(EIN_RECALIBRATE_ISOTONIC, 100, EIN_RECALIBRATE_FLAT);
    for (int i = 0; i < 100; i++) logit[i] = label[i] ? 700 : -700; /* saturated scores */
    map = fit(EIN_RECALIBRATE_PLATT, 100, EIN_RECALIBRATE_FITTED);
    ck_assert(map.slope == EIN_RECALIBRATE_SLOPE_LEAST);
}
END_TEST

START_TEST(violators_are_pooled) {
    double w[8] = {1, 1, 1, 1, 1, 1, 1, 1}, out[8];
    const double y[] = {1, 3, 2, 4, 3, 5}, expected[] = {1, 2.5, 2.5, 3.5, 3.5, 5};
    check_ok(ein_isotonic(out, y, w, 6));
    for (int i = 0; i < 6; i++) ck_assert(out[i] == expected[i]);
    const double falling[] = {4, 3, 2, 1};
    check_ok(ein_isotonic(out, falling, w, 4));
    for (int i = 0; i < 4; i++) ck_assert(out[i] == 2.5);
    const double two[] = {2, 1}, heavy[] = {1, 3};
    check_ok(ein_isotonic(out, two, heavy, 2));
    ck_assert(out[0] == 1.25 && out[1] == 1.25);
    check_ok(ein_isotonic(out, y, w, 0));
}
END_TEST

/* fit_i = max over a <= i of min over b >= i of the weighted mean of y[a..b] (Barlow et al. 1972). */
START_TEST(violators_by_the_formula) {
    enum { N = 40 };
    double y[N], w[N], out[N];
    for (uint64_t round = 0; round < 50; round++) {
        for (int i = 0; i < N; i++) {
            const ein_philox_block draw = ein_philox(test_seed(round), EIN_DRAW_TEST, (uint64_t)i, 1);
            y[i] = (draw.v[0] % 9) / 8.0 + 0.01 * i;
            w[i] = 1 + draw.v[1] % 5;
        }
        check_ok(ein_isotonic(out, y, w, N));
        for (int i = 0; i < N; i++) {
            double most = -INFINITY;
            for (int a = 0; a <= i; a++) {
                double least = INFINITY, sum = 0, weight = 0;
                for (int b = a; b < N; b++) {
                    sum += w[b] * y[b];
                    weight += w[b];
                    if (b >= i) least = fmin(least, sum / weight);
                }
                most = fmax(most, least);
            }
            ck_assert_msg(fabs(out[i] - most) < 1e-12, "%d: %.17g, %.17g", i, out[i], most);
            ck_assert(i == 0 || out[i] >= out[i - 1]);
        }
    }
}
END_TEST

/* Never falling, inside (0, 1), whatever the records and the logit. */
START_TEST(every_map_is_monotone_and_open) {
    static const double far[] = {-INFINITY, -1e300, -800, 800, 1e300, INFINITY};
    for (int n = 100; n <= 2000; n = n * 3 / 2 + 1)
        for (int ties = 0; ties < 3; ties++)
            for (int kind = EIN_RECALIBRATE_NONE; kind < EIN_RECALIBRATE_KINDS; kind++) {
                make(n, 0.2, 0.7, (uint64_t)n);
                for (int i = 0; i < n && ties; i++)
                    logit[i] = ties == 1 ? floor(4 * logit[i]) / 4 : floor(logit[i] / 3);
                ein_recalibration map;
                ein_recalibrate_outcome outcome;
                check_ok(ein_recalibrate_fit(&map, &outcome, (ein_recalibrate_kind)kind, logit, label, n));
                check_ok(ein_recalibration_check(&map));
                ck_assert(map.n_knots <= EIN_RECALIBRATE_RUNS);
                double before = 0;
                for (int i = -4000; i <= 4000; i++) {
                    const double p = ein_recalibrate(&map, i / 400.0);
                    ck_assert(p >= before && p > 0 && p < 1);
                    before = p;
                }
                for (int k = 0; k < 6; k++) {
                    const double p = ein_recalibrate(&map, far[k]);
                    ck_assert(p > 0 && p < 1 && (k < 3 ? p < 0.4 : p > 0.5));
                }
                ck_assert(isnan(ein_recalibrate(&map, NAN)));
                ein_recalibration_free(&map);
            }
}
END_TEST

/* With what is truly so the maps come close to it, isotonic also where the truth is no logistic curve. */
START_TEST(maps_mend_what_is_off) {
    make(MOST, 1, 0.5, 8);
    double brier[EIN_RECALIBRATE_KINDS] = {0};
    for (int kind = 0; kind < EIN_RECALIBRATE_KINDS; kind++) {
        ein_recalibration map = fit((ein_recalibrate_kind)kind, MOST / 2, EIN_RECALIBRATE_FITTED);
        for (int i = MOST / 2; i < MOST; i++) {
            const double off = ein_recalibrate(&map, logit[i]) - label[i];
            brier[kind] += off * off;
        }
        ein_recalibration_free(&map);
    }
    ck_assert(brier[EIN_RECALIBRATE_PLATT] < brier[EIN_RECALIBRATE_TEMPERATURE]);
    ck_assert(brier[EIN_RECALIBRATE_TEMPERATURE] < brier[EIN_RECALIBRATE_NONE]);
    ck_assert(brier[EIN_RECALIBRATE_ISOTONIC] < 0.97 * brier[EIN_RECALIBRATE_NONE]);
}
END_TEST

START_TEST(few_records_give_no_map) {
    static const struct {
        ein_recalibrate_kind kind;
        int least;
    } c[] = {{EIN_RECALIBRATE_TEMPERATURE, 10}, {EIN_RECALIBRATE_PLATT, 20}, {EIN_RECALIBRATE_ISOTONIC, 50}};
    for (int k = 0; k < 3; k++)
        for (int positives = 0; positives <= c[k].least; positives += c[k].least / 2) {
            for (int i = 0; i < 400; i++) {
                label[i] = i % 4 == 0 && i / 4 < positives;
                logit[i] = (label[i] ? 0.5 : -0.7) + 0.01 * (i % 37);
            }
            ein_recalibration map =
                fit(c[k].kind, 400, positives == c[k].least ? EIN_RECALIBRATE_FITTED : EIN_RECALIBRATE_FEW);
            ein_recalibration_free(&map);
            for (int i = 0; i < 400; i++) label[i] = !label[i], logit[i] = -logit[i];
            map = fit(c[k].kind, 400, positives == c[k].least ? EIN_RECALIBRATE_FITTED : EIN_RECALIBRATE_FEW);
            ein_recalibration_free(&map);
        }
    ein_recalibration map;
    ein_recalibrate_outcome outcome;
    check_ok(ein_recalibrate_fit(&map, &outcome, EIN_RECALIBRATE_PLATT, logit, label, 0));
    ck_assert(outcome == EIN_RECALIBRATE_FEW);
    logit[7] = NAN;
    ck_assert_int_eq(ein_recalibrate_fit(&map, &outcome, EIN_RECALIBRATE_PLATT, logit, label, 400),
                     EIN_NUMERIC);
}
END_TEST

START_TEST(bad_maps_are_refused) {
    double z[] = {-1, 0, 1}, p[] = {0.1, 0.4, 0.9};
    ein_recalibration map = {.kind = EIN_RECALIBRATE_ISOTONIC, .n_knots = 3, .logit = z, .probability = p};
    check_ok(ein_recalibration_check(&map));
    ck_assert(fabs(ein_recalibrate(&map, -0.5) - 0.25) < 1e-15 && ein_recalibrate(&map, 0) == 0.4);
    static const double bad[] = {NAN, INFINITY, -INFINITY, 0, 1, 1.5, -2, 0.95};
    for (size_t b = 0; b < sizeof bad / sizeof *bad; b++) {
        p[1] = bad[b];
        ck_assert_int_eq(ein_recalibration_check(&map), EIN_RANGE);
        p[1] = 0.4;
    }
    z[1] = -1;
    ck_assert_int_eq(ein_recalibration_check(&map), EIN_RANGE);
    z[1] = NAN;
    ck_assert_int_eq(ein_recalibration_check(&map), EIN_RANGE);
    map.n_knots = 1;
    ck_assert_int_eq(ein_recalibration_check(&map), EIN_RANGE);
    for (size_t b = 0; b < sizeof bad / sizeof *bad; b++) {
        map = (ein_recalibration){.kind = EIN_RECALIBRATE_PLATT,
                                  .slope = bad[b] == 1 || bad[b] > 0.9 ? NAN : bad[b] - 10};
        ck_assert_int_eq(ein_recalibration_check(&map), EIN_RANGE);
    }
    map = (ein_recalibration){.kind = EIN_RECALIBRATE_TEMPERATURE, .slope = 1, .intercept = 0.1};
    ck_assert_int_eq(ein_recalibration_check(&map), EIN_RANGE);
    ein_recalibrate_kind kind;
    for (int k = 0; k < EIN_RECALIBRATE_KINDS; k++) {
        check_ok(ein_recalibrate_parse(ein_recalibrate_name((ein_recalibrate_kind)k), &kind));
        ck_assert_int_eq(kind, k);
    }
    ck_assert_int_eq(ein_recalibrate_parse("plat", &kind), EIN_USAGE);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("recalibrate");
    ein_tap_add(suite, "Platt's map is that of the published algorithm", platt_is_the_published_one);
    ein_tap_add(suite, "Platt's map solves its equations", platt_solves_its_equations);
    ein_tap_add(suite, "slopes stay within bounds", bounds_hold_the_slope);
    ein_tap_add(suite, "violators are pooled as by hand", violators_are_pooled);
    ein_tap_add(suite, "violators are pooled as by the min-max formula", violators_by_the_formula);
    ein_tap_add(suite, "every map is monotone and inside (0, 1)", every_map_is_monotone_and_open);
    ein_tap_add(suite, "maps mend what is off", maps_mend_what_is_off);
    ein_tap_add(suite, "few records give no map", few_records_give_no_map);
    ein_tap_add(suite, "bad maps are refused", bad_maps_are_refused);
    return ein_tap_main(suite);
}
