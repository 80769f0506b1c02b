/* Shrunk covariance and distances: the figures of a small problem (Ledoit and Wolf's definition term by term in another
 * program), what distances of the fitted law are, more features than rows, features that never vary, any number of
 * threads, and what must be refused. */
#include "core/stats/covariance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"
#include "tests/seed.h"
#include "tests/tap.h"

#define check_ok(call) ck_assert_msg((call) == EIN_OK, "%s", ein_error_message())

enum { ROWS = 2000, D = 24 };
static float x[ROWS * D], fresh[ROWS * D];
static double mean[D], whitener[D * (D + 1) / 2];
static float mean_f[D], whitener_f[D * (D + 1) / 2];

/* Features that hang together, on scales from 1 to 1000, around 5. */
static void make(float *out, int n, uint64_t seed) {
    for (int i = 0; i < n; i++) {
        double shared = 0, scale = 1;
        for (int j = 0; j < D; j++, scale = scale < 500 ? scale * 2 : 1) {
            double pair[2];
            const ein_philox_block draw =
                ein_philox(test_seed(seed), EIN_DRAW_TEST, (uint64_t)i, (uint32_t)j);
            ein_normal_pair(draw.v[0], draw.v[1], pair);
            if (j % 6 == 0) shared = pair[1];
            out[i * D + j] = (float)(5 + scale * (pair[0] + shared));
        }
    }
}

static double fit(const float *rows, int n, int d, int threads) {
    double rho;
    check_ok(ein_whitener_fit(mean, whitener, &rho, rows, n, d, threads));
    for (int j = 0; j < d; j++) mean_f[j] = (float)mean[j];
    for (int k = 0; k < ein_triangle(d); k++) whitener_f[k] = (float)whitener[k];
    return rho;
}

START_TEST(figures_of_a_small_problem) {
    for (int i = 0; i < 12; i++)
        for (int j = 0; j < 3; j++)
            x[i * 3 + j] =
                (float)(((i * 7) % 5 - 2) * 0.5 + (j + 1) * ((i * 3) % 7 - 3) * (j == 2 ? -0.25 : 0.25) +
                        ((i * i + j) % 4) * 0.125);
    const double rho = fit(x, 12, 3, 1);
    ck_assert_msg(fabs(rho - 0.23069144312744846) < 1e-12, "%.17g", rho);
    ck_assert(fabs(mean[1] - 0.14583333333333334) < 1e-15 && fabs(mean[2] - 1.0 / 6) < 1e-15);
    const float at[3][3] = {{0, 0, 0}, {1, -2, 0.5f}, {-3, 4, 8}};
    const double expected[] = {0.24507895185577916, 3.401974895534519, 11.188946594840573};
    for (int k = 0; k < 3; k++) {
        const double d = ein_whitened_distance(mean_f, whitener_f, at[k], 3);
        ck_assert_msg(fabs(d / expected[k] - 1) < 1e-6, "%.17g", d); /* the file's floats */
    }
}
END_TEST

/* Squared distances of fresh rows of the same law have mean D and variance 2 D; nearly, with shrinkage. */
START_TEST(distances_of_the_same_law) {
    make(x, ROWS, 1);
    make(fresh, ROWS, 2);
    const double rho = fit(x, ROWS, D, 2);
    ck_assert_msg(rho >= EIN_SHRINKAGE_LEAST && rho < 0.02, "%g", rho);
    double sum = 0, square = 0;
    for (int i = 0; i < ROWS; i++) {
        const double d = ein_whitened_distance(mean_f, whitener_f, fresh + i * D, D);
        sum += d * d / ROWS;
        square += d * d * d * d / ROWS;
    }
    ck_assert_msg(fabs(sum - D) < 1.5 && fabs(square - sum * sum - 2 * D) < 10, "%g %g", sum,
                  square - sum * sum);
}
END_TEST

START_TEST(scales_do_not_count) {
    make(x, 200, 3);
    const double rho = fit(x, 200, D, 1);
    double before[200];
    for (int i = 0; i < 200; i++) before[i] = ein_whitened_distance(mean_f, whitener_f, x + i * D, D);
    for (int i = 0; i < 200; i++)
        for (int j = 0; j < D; j++) x[i * D + j] *= (float)(1 << (j % 11));
    ck_assert(fabs(fit(x, 200, D, 1) - rho) < 1e-9);
    for (int i = 0; i < 200; i++)
        ck_assert(fabs(ein_whitened_distance(mean_f, whitener_f, x + i * D, D) / before[i] - 1) < 1e-4);
}
END_TEST

START_TEST(few_rows_and_dead_features) {
    make(x, 10, 4);
    const double rho = fit(x, 10, D, 1);
    ck_assert_msg(rho > 0.05 && rho <= 1, "%g", rho);
    make(fresh, 10, 5);
    for (int i = 0; i < 10; i++) {
        const double d = ein_whitened_distance(mean_f, whitener_f, fresh + i * D, D);
        ck_assert(isfinite(d) && d > 0);
    }
    make(x, 500, 6);
    for (int i = 0; i < 500; i++) x[i * D + 7] = 3;
    fit(x, 500, D, 1);
    memcpy(fresh, x, D * sizeof *x);
    const double same = ein_whitened_distance(mean_f, whitener_f, fresh, D);
    fresh[7] = 4;
    ck_assert(ein_whitened_distance(mean_f, whitener_f, fresh, D) == same && same > 0);
    fresh[7] = NAN;
    ck_assert(isnan(ein_whitened_distance(mean_f, whitener_f, fresh, D)));
}
END_TEST

START_TEST(threads_change_nothing) {
    static double again[D * (D + 1) / 2];
    double rho;
    make(x, 777, 8);
    fit(x, 777, D, 1);
    for (int threads = 2; threads <= 5; threads++) {
        memcpy(again, whitener, sizeof again);
        check_ok(ein_whitener_fit(mean, whitener, &rho, x, 777, D, threads));
        ck_assert(memcmp(again, whitener, sizeof again) == 0);
    }
}
END_TEST

START_TEST(wrong_input_is_refused) {
    double rho;
    make(x, 20, 9);
    ck_assert_int_eq(ein_whitener_fit(mean, whitener, &rho, x, 1, D, 1), EIN_RANGE);
    ck_assert_int_eq(ein_whitener_fit(mean, whitener, &rho, x, 20, 0, 1), EIN_RANGE);
    x[5 * D + 3] = INFINITY;
    ck_assert_int_eq(ein_whitener_fit(mean, whitener, &rho, x, 20, D, 1), EIN_NUMERIC);
    ck_assert(strstr(ein_error_message(), "row 5: value 3"));
    for (int i = 0; i < 20 * D; i++) x[i] = 2;
    ck_assert_int_eq(ein_whitener_fit(mean, whitener, &rho, x, 20, D, 1), EIN_RANGE);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("covariance");
    ein_tap_add(suite, "a small problem", figures_of_a_small_problem);
    ein_tap_add(suite, "distances of the same law", distances_of_the_same_law);
    ein_tap_add(suite, "scales of features do not count", scales_do_not_count);
    ein_tap_add(suite, "few rows, features that never vary", few_rows_and_dead_features);
    ein_tap_add(suite, "any number of threads", threads_change_nothing);
    ein_tap_add(suite, "wrong input is refused", wrong_input_is_refused);
    return ein_tap_main(suite);
}
