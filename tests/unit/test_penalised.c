/* Logistic and ridge regression: the gradient vanishes where they end, ridge against its normal equations, the
 * intercept free, equal bits, and what must be refused. The figures of a small problem are those of scikit-learn 1.2
 * (LogisticRegression and Ridge, tol 1e-12) on the same numbers. */
#include "core/stats/penalised.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"
#include "tests/seed.h"
#include "tests/tap.h"

enum { N = 301, D = 21 };

static float x[N * D];
static int64_t row[N];
static double label[N], number[N];

/* Features that hang together, on other scales; a rule with noise. Every third row is not used. */
static int64_t make(void) {
    int64_t n = 0;
    for (int i = 0; i < N; i++) {
        double sum = 0.4, shared = 0;
        for (int j = 0; j < D; j++) {
            double pair[2];
            const ein_philox_block draw = ein_philox(test_seed(11), EIN_DRAW_TEST, (uint64_t)i, (uint32_t)j);
            ein_normal_pair(draw.v[0], draw.v[1], pair);
            if (j == 0) shared = pair[1];
            x[i * D + j] = (float)((1 + j % 3) * (pair[0] + 0.7 * shared));
            sum += x[i * D + j] * (j % 5 - 2) * 0.15;
            if (j == D - 1) sum += pair[1];
        }
        if (i % 3 == 2) continue;
        row[n] = i;
        label[n] = sum > 0;
        number[n++] = sum;
    }
    return n;
}

/* The gradient by its definition, another way round than core does it: column by column, in long double. */
static long double gradient_at(const double *w, const double *y, int64_t n, int logistic, double penalty) {
    long double most = 0;
    for (int j = 0; j <= D; j++) {
        long double sum = 0;
        for (int64_t i = 0; i < n; i++) {
            long double z = w[D];
            for (int k = 0; k < D; k++) z += (long double)x[row[i] * D + k] * w[k];
            const long double p = logistic ? 1 / (1 + expl(-z)) : z;
            sum += (p - y[i]) * (j < D ? (long double)x[row[i] * D + j] : 1);
        }
        sum = sum / n + (j < D ? penalty * w[j] : 0);
        if (!(fabsl(sum) <= most)) most = fabsl(sum);
    }
    return most;
}

START_TEST(gradients_vanish) {
    static const double penalties[] = {1e-3, 1e-2, 1};
    const int64_t n = make();
    double w[D + 1];
    ein_penalised_fit fit;
    for (int k = 0; k < 3; k++)
        for (int logistic = 0; logistic < 2; logistic++) {
            const double *y = logistic ? label : number;
            ck_assert_int_eq(EIN_OK,
                             ein_penalised_fit_rows(w, &fit, x, row, y, n, D,
                                                    logistic ? EIN_PENALISED_LOGISTIC : EIN_PENALISED_SQUARED,
                                                    penalties[k]));
            ck_assert(fit.settled);
            ck_assert_int_gt(fit.iterations, 0);
            const long double g = gradient_at(w, y, n, logistic, penalties[k]);
            ck_assert_msg(g <= 1.01L * EIN_PENALISED_TOLERANCE, "penalty %g: gradient %Lg", penalties[k], g);
        }
}
END_TEST

/* x = 1..8 and its square, scikit-learn's weights. */
START_TEST(small_problem) {
    static const double y[8] = {0, 0, 1, 0, 1, 1, 0, 1}, v[8] = {1.5, 2, 4.5, 3, 6, 7.5, 5, 9};
    float f[16];
    int64_t all[8];
    double w[3];
    for (int i = 0; i < 8; i++) {
        all[i] = i;
        f[2 * i] = (float)(0.5 * i);
        f[2 * i + 1] = (float)(0.1 * i * i);
    }
    ck_assert_int_eq(EIN_OK, ein_penalised_fit_rows(w, NULL, f, all, y, 8, 2, EIN_PENALISED_LOGISTIC, 0.125));
    ck_assert_double_eq_tol(w[0], 0.43195875, 1e-5);
    ck_assert_double_eq_tol(w[1], 0.15195297, 1e-5);
    ck_assert_double_eq_tol(w[2], -1.01421497, 1e-5);
    ck_assert_int_eq(EIN_OK, ein_penalised_fit_rows(w, NULL, f, all, v, 8, 2, EIN_PENALISED_SQUARED, 0.125));
    ck_assert_double_eq_tol(w[0], 1.050583572, 1e-5);
    ck_assert_double_eq_tol(w[1], 0.530155707, 1e-5);
    ck_assert_double_eq_tol(w[2], 2.046206261, 1e-5);
    ck_assert_double_eq_tol(ein_penalised_score(w, f + 6, 2), 4.09922174, 1e-5);
}
END_TEST

/* Without features that say anything the intercept is the log odds, however strong the penalty. */
START_TEST(intercept_is_free) {
    const int64_t n = make();
    static float nothing[N * D];
    double w[D + 1], positive = 0;
    for (int64_t i = 0; i < n; i++) positive += label[i];
    ck_assert_int_eq(EIN_OK,
                     ein_penalised_fit_rows(w, NULL, nothing, row, label, n, D, EIN_PENALISED_LOGISTIC, 100));
    ck_assert_double_eq_tol(w[D], log(positive / ((double)n - positive)), 1e-5);
}
END_TEST

/* Labels that a plane divides: weights stay finite. */
START_TEST(separable) {
    float f[6] = {-3, -2, -1, 1, 2, 3};
    const int64_t all[6] = {0, 1, 2, 3, 4, 5};
    const double y[6] = {0, 0, 0, 1, 1, 1};
    double w[2];
    ein_penalised_fit fit;
    ck_assert_int_eq(EIN_OK, ein_penalised_fit_rows(w, &fit, f, all, y, 6, 1, EIN_PENALISED_LOGISTIC, 1e-6));
    ck_assert(fit.settled && isfinite(w[0]) && w[0] > 1);
}
END_TEST

START_TEST(equal_bits) {
    const int64_t n = make();
    double a[D + 1], b[D + 1];
    ck_assert_int_eq(EIN_OK,
                     ein_penalised_fit_rows(a, NULL, x, row, label, n, D, EIN_PENALISED_LOGISTIC, 1e-3));
    memset(b, 0x7f, sizeof b); /* what stood there does not matter */
    ck_assert_int_eq(EIN_OK,
                     ein_penalised_fit_rows(b, NULL, x, row, label, n, D, EIN_PENALISED_LOGISTIC, 1e-3));
    ck_assert_mem_eq(a, b, sizeof a);
}
END_TEST

START_TEST(standardise) {
    const int64_t n = make();
    static float z[N * D];
    memcpy(z, x, sizeof z);
    for (int i = 0; i < N; i++) z[i * D + 4] = 0.1f; /* a feature that does not vary */
    ein_standardise(z, N, D, row, n);
    for (int j = 0; j < D; j++) {
        double sum = 0, square = 0;
        for (int64_t i = 0; i < n; i++) sum += z[row[i] * D + j];
        for (int64_t i = 0; i < n; i++) square += z[row[i] * D + j] * z[row[i] * D + j];
        ck_assert_double_eq_tol(sum / (double)n, 0, 1e-6);
        ck_assert_double_eq_tol(square / (double)n, j == 4 ? 0 : 1, 1e-6);
    }
    /* A row that was not counted is moved like the others. */
    const double ratio = (double)(z[2 * D + 1] - z[0 * D + 1]) / (double)(x[2 * D + 1] - x[0 * D + 1]);
    ck_assert_double_eq_tol((double)(z[5 * D + 1] - z[0 * D + 1]) / (double)(x[5 * D + 1] - x[0 * D + 1]),
                            ratio, 1e-5);
}
END_TEST

START_TEST(refusals) {
    const int64_t n = make();
    double w[D + 1];
    ck_assert_int_eq(ein_penalised_fit_rows(w, NULL, x, row, label, 0, D, EIN_PENALISED_LOGISTIC, 1),
                     EIN_RANGE);
    ck_assert_int_eq(ein_penalised_fit_rows(w, NULL, x, row, label, n, D, EIN_PENALISED_LOGISTIC, 0),
                     EIN_RANGE);
    ck_assert_int_eq(ein_penalised_fit_rows(w, NULL, x, row, label, n, D, EIN_PENALISED_LOGISTIC, NAN),
                     EIN_RANGE);
    x[row[3] * D] = NAN;
    ck_assert_int_eq(ein_penalised_fit_rows(w, NULL, x, row, label, n, D, EIN_PENALISED_LOGISTIC, 1),
                     EIN_NUMERIC);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("penalised");
    TCase *c = tcase_create("linear models");
    tcase_add_test(c, gradients_vanish);
    tcase_add_test(c, small_problem);
    tcase_add_test(c, intercept_is_free);
    tcase_add_test(c, separable);
    tcase_add_test(c, equal_bits);
    tcase_add_test(c, standardise);
    tcase_add_test(c, refusals);
    suite_add_tcase(suite, c);
    return ein_tap_main(suite);
}
