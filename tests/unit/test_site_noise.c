/* Noise on counts: the distribution by chi-square from fixed words, its tails, the bound of a pooled AUROC under noise,
 * and the ledger of what it spends. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/philox.h"
#include "core/stats/noise.h"
#include "core/stats/site_histograms.h"
#include "core/stats/special.h"
#include "io/sites/tables.h"
#include "tests/tap.h"
#include "tests/unit/stats_fixture.h"

/* Words that are the same in every run. */
typedef struct {
    uint64_t seed, drawn;
} words;
static uint64_t next_word(void *state) {
    words *w = state;
    const ein_philox_block b = ein_philox(w->seed, EIN_DRAW_TEST, w->drawn++, 0);
    return (uint64_t)b.v[0] << 32 | b.v[1];
}

/* --- distribution ---------- */

static void check_distribution(int64_t numerator, int64_t denominator, int most, int draws) {
    words w = {17, 0};
    const ein_noise_source source = {next_word, &w};
    const double rate = (double)numerator / (double)denominator, a = exp(-rate);
    int64_t *count;
    double chi2 = 0, variance = 0;
    ck_assert((count = calloc((size_t)(2 * most + 1), sizeof *count)) != NULL); /* the ends hold the tails */
    for (int i = 0; i < draws; i++) {
        const int64_t x = ein_noise_draw(numerator, denominator, &source);
        count[most + (x > most ? most : x < -most ? -most : x)]++;
        variance += (double)(x * x);
    }
    for (int x = -most; x <= most; x++) {
        const double one = abs(x) < most ? (1 - a) / (1 + a) * pow(a, abs(x)) : pow(a, most) / (1 + a);
        const double expected = one * draws, apart = (double)count[most + x] - expected;
        ck_assert_msg(expected > 5, "a cell of %g", expected);
        chi2 += apart * apart / expected;
    }
    /* 99.9 % of chi-square with 2 most degrees: Wilson and Hilferty */
    const double df = 2 * most, z = 3.09, t = 1 - 2 / (9 * df) + z * sqrt(2 / (9 * df)),
                 limit = df * t * t * t;
    ck_assert_msg(chi2 < limit, "rate %g: chi-square %g, limit %g", rate, chi2, limit);
    ck_assert_msg(fabs(variance / draws / ein_noise_variance(rate) - 1) < 0.05,
                  "rate %g: variance %g, not %g", rate, variance / draws, ein_noise_variance(rate));
    free(count);
}

START_TEST(test_distribution) {
    check_distribution(1, 1, 6, 20000);
    check_distribution(2, 1, 3, 20000);
    check_distribution(3, 7, 14, 20000);
    check_distribution(1000, 16000, 60, 20000);
}
END_TEST

START_TEST(test_below) {
    words w = {5, 0};
    const ein_noise_source source = {next_word, &w};
    int count[7] = {0};
    for (int i = 0; i < 7000; i++) count[ein_noise_below(7, &source)]++;
    for (int i = 0; i < 7; i++) ck_assert_msg(abs(count[i] - 1000) < 100, "%d: %d", i, count[i]);
    ck_assert(ein_noise_below(1, &source) == 0);
}
END_TEST

/* --- tails ---------- */

START_TEST(test_tails) {
    enum { CELLS = 24, ROUNDS = 2000 };
    words w = {23, 0};
    const ein_noise_source source = {next_word, &w};
    double weight[CELLS], rate[CELLS];
    int beyond = 0, beyond_total = 0;
    for (int k = 0; k < CELLS; k++) {
        weight[k] = (k % 5 - 2) * 0.7;
        rate[k] = k % 3 ? 0.25 : INFINITY;
    }
    const double limit = ein_noise_tail(weight, rate, CELLS, 0.05),
                 total = ein_noise_total(rate, CELLS, 0.05);
    for (int r = 0; r < ROUNDS; r++) {
        double sum = 0, size = 0;
        for (int k = 0; k < CELLS; k++) {
            const double x = k % 3 ? (double)ein_noise_draw(1, 4, &source) : 0;
            sum += weight[k] * x;
            size += fabs(x);
        }
        beyond += fabs(sum) > limit;
        beyond_total += size > total;
    }
    ck_assert_msg(beyond <= ROUNDS / 20 && beyond > 0, "%d of %d beyond %g", beyond, ROUNDS, limit);
    ck_assert_msg(beyond_total <= ROUNDS / 20, "%d of %d beyond %g", beyond_total, ROUNDS, total);
    ck_assert_msg(total < 16 * 4 * 3, "%g is no bound to use", total);
    for (int k = 0; k < CELLS; k++) rate[k] = INFINITY;
    ck_assert(ein_noise_tail(weight, rate, CELLS, 0.05) == 0 && ein_noise_total(rate, CELLS, 0.05) == 0);
}
END_TEST

/* --- pooled AUROC under noise ---------- */

enum { SITES = 3, BINS = 12 };
static int first_of[SITES][BINS];

/* Exact and noisy counts of three sites whose bins differ; the third is exact and tells its own AUROC. */
static void draw_sites(ein_site_histogram *exact, ein_site_histogram *noisy,
                       int64_t counts[2][2][SITES][BINS], const ein_noise_source *source,
                       int64_t denominator) {
    for (int s = 0; s < SITES; s++) {
        for (int b = 0; b < BINS; b++) {
            first_of[s][b] = b == 0 ? 0 : 4 * b + s;
            for (int y = 0; y < 2; y++) {
                const int64_t n = 12 + (int64_t)ein_noise_below(40, source) + (y ? 3 * b : 60 - 4 * b);
                const int64_t x = n + (s < 2 ? ein_noise_draw(1, denominator, source) : 0);
                counts[0][y][s][b] = n;
                counts[1][y][s][b] = x > 0 ? x : 0;
            }
        }
        exact[s] =
            (ein_site_histogram){BINS, first_of[s], counts[0][1][s], counts[0][0][s], s < 2 ? NAN : 0.7, 0};
        noisy[s] = exact[s];
        noisy[s].positive = counts[1][1][s];
        noisy[s].negative = counts[1][0][s];
        noisy[s].noise = s < 2 ? 1.0 / (double)denominator : 0;
    }
}

START_TEST(test_noisy_bound) {
    words w = {31, 0};
    const ein_noise_source source = {next_word, &w};
    static int64_t counts[2][2][SITES][BINS];
    int beyond = 0;
    double widest = 0;
    for (int r = 0; r < 60; r++) {
        ein_site_histogram exact[SITES], noisy[SITES];
        ein_stats_value truth, truth_bound, seen, plain, bound;
        draw_sites(exact, noisy, counts, &source, 1 + r % 8);
        ein_site_histograms_auc(&truth, &truth_bound, exact, SITES);
        ein_site_histograms_auc(&seen, &plain, noisy, SITES);
        check_ok(ein_site_histograms_noisy_bound(&bound, noisy, SITES, 0.95));
        /* Every value that the exact counts allow must lie within. */
        beyond += fabs(seen.value - truth.value) + truth_bound.value > bound.value;
        widest = fmax(widest, bound.value - plain.value);
        ck_assert(bound.value > plain.value);
        for (int s = 0; s < SITES; s++) exact[s].noise = 0;
        check_ok(ein_site_histograms_noisy_bound(&bound, exact, SITES, 0.95));
        check_close(bound.value, truth_bound.value, 1e-9);
    }
    ck_assert_msg(beyond <= 3 && widest < 0.25, "%d of 60 beyond, widened by up to %g", beyond, widest);
}
END_TEST

/* --- the ledger of what is spent ---------- */

static void enter(const char *folder, int64_t epsilon, int64_t budget) {
    ein_ledger ledger;
    ein_site_tables none = {0};
    check_ok(ein_ledger_read(folder, &ledger));
    json_t *about = json_pack("{s:s}", "plan", "0123456789abcdef0123");
    if (epsilon) json_object_set_new(about, "epsilon_thousandths", json_integer(epsilon));
    if (budget) json_object_set_new(about, "budget_thousandths", json_integer(budget));
    check_ok(ein_ledger_add(folder, &ledger, about, &none));
    json_decref(about);
    ein_ledger_free(&ledger);
}

static bool budget_of(const char *folder, int64_t *spent, int64_t *budget) {
    ein_ledger ledger;
    check_ok(ein_ledger_read(folder, &ledger));
    const bool kept = ein_ledger_budget(&ledger, spent, budget);
    ein_ledger_free(&ledger);
    return kept;
}

START_TEST(test_ledger) {
    char folder[] = "/tmp/ein-ledger-XXXXXX", name[200];
    int64_t spent, budget;
    ck_assert(mkdtemp(folder) != NULL);
    ck_assert(!budget_of(folder, &spent, &budget) && spent == 0);
    enter(folder, 0, 0); /* exact counts spend nothing and set nothing */
    ck_assert(!budget_of(folder, &spent, &budget) && spent == 0);
    enter(folder, 500, 3000);
    ck_assert(budget_of(folder, &spent, &budget) && spent == 500 && budget == 3000);
    enter(folder, 1250, 2000); /* plans add up; a budget is lowered */
    ck_assert(budget_of(folder, &spent, &budget) && spent == 1750 && budget == 2000);
    enter(folder, 1, 9000); /* and never raised */
    ck_assert(budget_of(folder, &spent, &budget) && spent == 1751 && budget == 2000);
    for (int i = 1; i <= 4; i++)
        for (int k = 0; k < 2; k++) {
            snprintf(name, sizeof name, "%s/%04d-0123456789abcdef.%s", folder, i, k ? "csv" : "json");
            ck_assert(unlink(name) == 0);
        }
    ck_assert(rmdir(folder) == 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("noise on counts");
    ein_tap_add(suite, "distribution", test_distribution);
    ein_tap_add(suite, "below", test_below);
    ein_tap_add(suite, "tails", test_tails);
    ein_tap_add(suite, "noisy bound", test_noisy_bound);
    ein_tap_add(suite, "ledger", test_ledger);
    return ein_tap_main(suite);
}
