/* Adjusted p values against R's p.adjust. */
#include <string.h>

#include "core/stats/multiplicity.h"
#include "tests/tap.h"
#include "tests/unit/stats_fixture.h"

enum { M = 15 };
/* The 15 p values of Benjamini & Hochberg 1995. */
static const double p[M] = {.0001, .0004, .0019, .0095, .0201, .0278, .0298, .0344,
                            .0459, .3240, .4262, .5719, .6528, .7590, 1};

typedef struct {
    ein_adjust_method method;
    double expected[M];
} row;

static const row rows[] = {
    {EIN_ADJUST_NONE,
     {.0001, .0004, .0019, .0095, .0201, .0278, .0298, .0344, .0459, .3240, .4262, .5719, .6528, .7590, 1}},
    {EIN_ADJUST_BONFERRONI, {.0015, .006, .0285, .1425, .3015, .417, .447, .516, .6885, 1, 1, 1, 1, 1, 1}},
    {EIN_ADJUST_HOLM, {.0015, .0056, .0247, .114, .2211, .278, .278, .278, .3213, 1, 1, 1, 1, 1, 1}},
    {EIN_ADJUST_HOCHBERG, {.0015, .0056, .0247, .114, .2211, .2682, .2682, .2752, .3213, 1, 1, 1, 1, 1, 1}},
    {EIN_ADJUST_HOMMEL, {.0015, .0056, .0247, .095, .1608, .1946, .2086, .2408, .3213, 1, 1, 1, 1, 1, 1}},
    {EIN_ADJUST_BH,
     {.0015, .003, .0095, .035625, .0603, .0638571428571429, .0638571428571429, .0645, .0765, .486,
      .581181818181818, .714875, .753230769230769, .813214285714286, 1}},
    {EIN_ADJUST_BY,
     {.00497734348984349, .00995468697968698, .0315231754356754, .118211907883783, .200089208291708,
      .211892622853337, .211892622853337, .21402577006327, .253844517982018, 1, 1, 1, 1, 1, 1}},
};

START_TEST(reference_values) {
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        double adjusted[M];
        check_ok(ein_adjust(adjusted, p, M, rows[r].method));
        for (int i = 0; i < M; i++) check_exact(adjusted[i], rows[r].expected[i]);
    }
}
END_TEST

START_TEST(any_order_and_in_place) {
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        double mixed[M];
        for (int i = 0; i < M; i++) mixed[(i * 7) % M] = p[i];
        check_ok(ein_adjust(mixed, mixed, M, rows[r].method));
        for (int i = 0; i < M; i++) check_exact(mixed[(i * 7) % M], rows[r].expected[i]);
    }
}
END_TEST

/* An unsorted family on which Hommel and Hochberg differ much (R 4.2). */
START_TEST(hommel_gains_over_hochberg) {
    const double q[] = {0.0282, 0.6521, 0.1482, 0.1074, 0.3625, 0.3653, 0.0155, 0.0868, 0.3336};
    const double hommel[] = {0.2256, 0.6521, 0.487066666666667, 0.456625, 0.6521,
                             0.6521, 0.1269, 0.43836,           0.6521};
    const double hochberg[] = {0.2256, 0.6521, 0.6521, 0.6444, 0.6521, 0.6521, 0.1395, 0.6076, 0.6521};
    double adjusted[9];
    check_ok(ein_adjust(adjusted, q, 9, EIN_ADJUST_HOMMEL));
    for (int i = 0; i < 9; i++) check_exact(adjusted[i], hommel[i]);
    check_ok(ein_adjust(adjusted, q, 9, EIN_ADJUST_HOCHBERG));
    for (int i = 0; i < 9; i++) check_exact(adjusted[i], hochberg[i]);
}
END_TEST

START_TEST(small_families) {
    double one[] = {0.04}, two[] = {0.02, 0.04};
    for (int m = 0; m < EIN_ADJUST_COUNT; m++) {
        check_ok(ein_adjust(one, one, 1, (ein_adjust_method)m));
        ck_assert(one[0] == 0.04);
        check_ok(ein_adjust(NULL, NULL, 0, (ein_adjust_method)m));
    }
    check_ok(ein_adjust(two, two, 2, EIN_ADJUST_HOMMEL));
    check_exact(two[0], 0.04);
    check_exact(two[1], 0.04);
    ck_assert_str_eq(ein_adjust_name(EIN_ADJUST_BY), "by");
}
END_TEST

START_TEST(nothing_but_p_values) {
    const double missing[] = {0.1, NAN}, large[] = {1.0000001};
    double out[2];
    check_fails(ein_adjust(out, missing, 2, EIN_ADJUST_HOLM), EIN_NUMERIC, "p value 1");
    check_fails(ein_adjust(out, large, 1, EIN_ADJUST_BH), EIN_NUMERIC, "p value 0");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("stats_multiplicity");
    TCase *c = tcase_create("multiplicity");
    tcase_add_test(c, reference_values);
    tcase_add_test(c, any_order_and_in_place);
    tcase_add_test(c, hommel_gains_over_hochberg);
    tcase_add_test(c, small_families);
    tcase_add_test(c, nothing_but_p_values);
    suite_add_tcase(suite, c);
    return ein_tap_main(suite);
}
