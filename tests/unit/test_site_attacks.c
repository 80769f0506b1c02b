/* Attempts to learn of single patients from what a site releases, one row each: what is tried, and what refuses it. The
 * same attempts through the commands are in test_site_run.sh. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/stats/overlap_tables.h"
#include "core/stats/released_bins.h"
#include "tests/tap.h"
#include "tests/unit/stats_fixture.h"

enum { N = 400 };

static const ein_release_rules rules = EIN_RELEASE_DEFAULTS;

/* N persons with one record each: class, score, sex and age are functions of the number. */
static int label_of(int i) {
    return i % 5 == 0;
}
static double score_of(int i) {
    return ((double)(i * 37 % N) + 0.5) / N;
}
static int sex_of(int i) {
    return i % 2;
}
static int age_of(int i) {
    return 20 + i % 80;
}

typedef int32_t (*cell_of)(int i);

static ein_overlap_table table_of(int n_cells, cell_of cell, int records_each) {
    static uint64_t record[N * 8], patient[N * 8];
    static int32_t cells[N * 8];
    ein_overlap_table t;
    for (int i = 0; i < N * records_each; i++) {
        record[i] = (uint64_t)i * 7919 + 1;
        patient[i] = (uint64_t)(i / records_each) + 5;
        cells[i] = cell(i / records_each);
    }
    check_ok(ein_overlap_table_new(&t, n_cells, record, patient, cells, (int64_t)N * records_each));
    return t;
}

static ein_release beside(int n_first, cell_of first, int n_second, cell_of second, int records_each) {
    ein_overlap_table a = table_of(n_first, first, records_each),
                      b = table_of(n_second, second, records_each);
    ein_release verdict;
    double least;
    check_ok(ein_overlap_judge(&verdict, &least, &a, &b, rules));
    ein_overlap_table_free(&a);
    ein_overlap_table_free(&b);
    return verdict;
}

/* --- cells ------------------------------------------------------------------------------------------------------ */

static int32_t by_class(int i) {
    return label_of(i);
}
static int32_t by_class_without_one(int i) {
    return i == 17 ? -1 : label_of(i);
}
static int32_t by_class_without_ten(int i) {
    return i >= 100 && i < 110 ? -1 : label_of(i);
}
static int32_t by_class_without_eleven(int i) {
    return i >= 100 && i < 111 ? -1 : label_of(i);
}
static int32_t by_class_one_label_changed(int i) {
    return i == 17 ? !label_of(i) : label_of(i);
}
static int32_t by_bins(int i) {
    return label_of(i) * 4 + (int)(score_of(i) * 4);
}
static int32_t by_shifted_bins(int i) {
    const double x = score_of(i) + 0.01;
    return label_of(i) * 4 + (x >= 1 ? 3 : (int)(x * 4));
}
static int32_t by_halves(int i) {
    return label_of(i) * 2 + (int)(score_of(i) * 2);
}
static int32_t above_half(int i) {
    return score_of(i) >= 0.5 ? 0 : 1;
}
static int32_t above_next_threshold(int i) {
    return score_of(i) >= 0.51 ? 0 : 1;
}
static int32_t by_sex(int i) {
    return sex_of(i);
}
static int32_t by_sex_one_wrong(int i) {
    return i == 3 ? !sex_of(i) : sex_of(i);
}
static int32_t old(int i) {
    return age_of(i) >= 65;
}
static int32_t a_year_older(int i) {
    return age_of(i) >= 66;
}
static int32_t of_one_patient(int i) {
    return i == 17 ? 0 : -1;
}
static int32_t of_ten(int i) {
    return i < 10 ? 0 : -1;
}
static int32_t of_eleven(int i) {
    return i < 11 ? 0 : -1;
}
static int32_t of_five(int i) {
    return i < 5 ? 0 : -1;
}

static ein_release cells_of(int n_cells, cell_of cell, int records_each) {
    ein_overlap_table t = table_of(n_cells, cell, records_each);
    double *weight, sum[16] = {0};
    ein_release verdict = EIN_RELEASE_GRANTED;
    check_ok(EIN_NEW(weight, t.n + 1));
    check_ok(ein_release_weights(weight, t.patient, t.n));
    for (int64_t i = 0; i < t.n; i++) sum[t.cell[i]] += weight[i];
    for (int c = 0; c < n_cells && verdict == EIN_RELEASE_GRANTED; c++)
        verdict = ein_release_cell(sum[c], rules);
    free(weight);
    ein_overlap_table_free(&t);
    return verdict;
}

/* --- attempts --------------------------------------------------------------------------------------------------- */

static ein_release one_patient_site(void) {
    return cells_of(1, of_one_patient, 1);
}
static ein_release ten_patients(void) {
    return cells_of(1, of_ten, 1);
}
static ein_release eleven_patients(void) {
    return cells_of(1, of_eleven, 1);
}
static ein_release repeated_ecgs(void) {
    return cells_of(1, of_five, 8); /* 40 records of 5 patients */
}
static ein_release n_against_n_minus_1(void) {
    return beside(2, by_class, 2, by_class_without_one, 1);
}
static ein_release ten_patients_more(void) {
    return beside(2, by_class, 2, by_class_without_ten, 1);
}
static ein_release eleven_patients_more(void) {
    return beside(2, by_class, 2, by_class_without_eleven, 1);
}
static ein_release the_same_again(void) {
    return beside(8, by_bins, 8, by_bins, 1);
}
static ein_release coarser_again(void) {
    return beside(8, by_bins, 4, by_halves, 1);
}
static ein_release label_changed(void) {
    return beside(2, by_class, 2, by_class_one_label_changed, 1);
}
static ein_release shifted_bins(void) {
    return beside(8, by_bins, 8, by_shifted_bins, 1);
}
static ein_release close_thresholds(void) {
    return beside(2, above_half, 2, above_next_threshold, 1);
}
static ein_release nested_age_bands(void) {
    return beside(2, old, 2, a_year_older, 1);
}
static ein_release one_in_the_other_group(void) {
    return beside(2, by_sex, 2, by_sex_one_wrong, 1);
}
static ein_release honest_groups(void) {
    return beside(2, by_class, 2, by_sex, 1);
}
static ein_release n_minus_1_with_repeats(void) {
    return beside(2, by_class, 2, by_class_without_one, 8);
}
static ein_release zero_cell(void) {
    return ein_release_cell(0, rules);
}
static ein_release one_hot_mean(void) {
    static double x[N];
    memset(x, 0, sizeof x);
    x[17] = 1;
    return ein_release_sum(x, N, rules);
}
static ein_release two_hot_mean(void) {
    static double x[N];
    for (int i = 0; i < N; i++) x[i] = 1e-4;
    x[17] = 1;
    x[18] = -3;
    return ein_release_sum(x, N, rules);
}
static ein_release plain_mean(void) {
    static double x[N];
    for (int i = 0; i < N; i++) x[i] = 40 + i % 30;
    return ein_release_sum(x, N, rules);
}
static ein_release one_hot_auroc(void) {
    static double d[N];
    for (int i = 0; i < N; i++) d[i] = i == 17 ? 0.5 : 1e-15;
    return ein_release_spread(d, N, rules);
}
static ein_release ten_hot_auroc(void) {
    static double d[N];
    for (int i = 0; i < N; i++) d[i] = i % 40 == 0 ? 0.5 : -1e-4;
    return ein_release_spread(d, N, rules);
}
static ein_release plain_auroc(void) {
    static double d[N];
    for (int i = 0; i < N; i++) d[i] = score_of(i) - 0.5;
    return ein_release_spread(d, N, rules);
}
static ein_release eleven_moments_of_eleven(void) {
    return ein_release_degrees(11, 11, rules);
}
static ein_release mean_of_eleven(void) {
    return ein_release_degrees(11, 1, rules);
}
static ein_release rounded_first(void) {
    return ein_release_cell(10.4,
                            rules); /* 10 would be rounded up to 11 by whoever rounds to odd numbers first */
}

/* Rounds of recalibration whose coefficients are the coordinator's to choose: p (1 - p) at a steep slope is about 0 for
 * everybody but those whose score lies at the turning point. */
static void weights_at(double x[N], double turning, double slope) {
    for (int i = 0; i < N; i++) {
        const double z = slope * (log(score_of(i) / (1 - score_of(i))) - turning), p = 1 / (1 + exp(-z));
        x[i] = p * (1 - p);
    }
}
static ein_release hostile_coefficients(void) {
    static double x[N];
    weights_at(x, log(score_of(17) / (1 - score_of(17))), 2000);
    return ein_release_sum(x, N, rules);
}
static ein_release less_hostile_coefficients(void) {
    static double x[N];
    weights_at(x, log(score_of(17) / (1 - score_of(17))), 250);
    return ein_release_spread(x, N, rules);
}
static ein_release honest_coefficients(void) {
    static double x[N];
    weights_at(x, 0.1, 0.9);
    return ein_release_sum(x, N, rules) == EIN_RELEASE_GRANTED ? ein_release_spread(x, N, rules)
                                                               : EIN_RELEASE_DOMINATED;
}

/* Bins in which one class alone would stand: joined until both are there. */
static ein_release bins_of_one_class(void) {
    double weight[2][20];
    uint8_t keep[19];
    int n;
    for (int b = 0; b < 20; b++) {
        weight[0][b] = b < 10 ? 50 : 0;
        weight[1][b] = b < 10 ? 0 : 50;
    }
    check_ok(ein_released_bins_join(keep, &n, &weight[0][0], 2, 20, NULL, rules));
    return n == 1 ? EIN_RELEASE_ZERO : EIN_RELEASE_GRANTED; /* nothing but both totals is left */
}

/* Many plans in a row: thresholds that walk through the scores in steps. Only steps of a whole cell are granted. */
static double walked;
static int32_t above_walked(int i) {
    return score_of(i) >= walked;
}
static ein_release many_plans(void) {
    ein_overlap_table released[64];
    int n = 0;
    ein_release verdict = EIN_RELEASE_GRANTED;
    for (walked = 0.1; walked < 0.9; walked += 0.0125) {
        ein_overlap_table next = table_of(2, above_walked, 1);
        bool good = true;
        double least = INFINITY;
        for (int k = 0; k < n && good; k++) {
            check_ok(ein_overlap_judge(&verdict, &least, &released[k], &next, rules));
            good = verdict == EIN_RELEASE_GRANTED;
        }
        if (good)
            released[n++] = next;
        else
            ein_overlap_table_free(&next);
    }
    /* What was granted parts the persons into groups: none is smaller than the minimum. */
    double count[64], previous = N, smallest = N;
    for (int k = 0; k < n; k++) {
        count[k] = 0;
        for (int64_t i = 0; i < released[k].n; i++) count[k] += released[k].cell[i];
        smallest = fmin(smallest, previous - count[k]);
        previous = count[k];
        ein_overlap_table_free(&released[k]);
    }
    ck_assert_msg(n > 5 && smallest >= 11, "%d plans, smallest group %g", n, smallest);
    return EIN_RELEASE_DIFFERENCE;
}

static const struct {
    const char *attempt;
    ein_release (*play)(void);
    ein_release expected;
} attacks[] = {
    {"a site of one patient", one_patient_site, EIN_RELEASE_SMALL},
    {"a site of ten patients", ten_patients, EIN_RELEASE_SMALL},
    {"(eleven are enough)", eleven_patients, EIN_RELEASE_GRANTED},
    {"forty ECGs of five patients", repeated_ecgs, EIN_RELEASE_SMALL},
    {"n against n - 1", n_against_n_minus_1, EIN_RELEASE_DIFFERENCE},
    {"n against n - 1, eight ECGs of each", n_minus_1_with_repeats, EIN_RELEASE_DIFFERENCE},
    {"two releases, ten patients apart", ten_patients_more, EIN_RELEASE_DIFFERENCE},
    {"(eleven apart, but three of them in one class)", eleven_patients_more, EIN_RELEASE_DIFFERENCE},
    {"(the same release again)", the_same_again, EIN_RELEASE_GRANTED},
    {"(the same, coarser)", coarser_again, EIN_RELEASE_GRANTED},
    {"one patient's label changed between releases", label_changed, EIN_RELEASE_DIFFERENCE},
    {"bins shifted by a hundredth", shifted_bins, EIN_RELEASE_DIFFERENCE},
    {"two thresholds close together", close_thresholds, EIN_RELEASE_DIFFERENCE},
    {"subgroups from 65 and from 66 years", nested_age_bands, EIN_RELEASE_DIFFERENCE},
    {"two codings of sex that differ in one", one_in_the_other_group, EIN_RELEASE_DIFFERENCE},
    {"(classes and sexes)", honest_groups, EIN_RELEASE_GRANTED},
    {"an empty cell", zero_cell, EIN_RELEASE_ZERO},
    {"a mean over a one-hot weight", one_hot_mean, EIN_RELEASE_DOMINATED},
    {"a sum of two, hidden in small change", two_hot_mean, EIN_RELEASE_DOMINATED},
    {"(a mean)", plain_mean, EIN_RELEASE_GRANTED},
    {"the AUROC of a score that singles out one patient", one_hot_auroc, EIN_RELEASE_CONCENTRATED},
    {"the same with ten patients", ten_hot_auroc, EIN_RELEASE_CONCENTRATED},
    {"(the AUROC of a score)", plain_auroc, EIN_RELEASE_GRANTED},
    {"recalibration at a slope that looks at one patient", hostile_coefficients, EIN_RELEASE_DOMINATED},
    {"the same, that looks at a few", less_hostile_coefficients, EIN_RELEASE_CONCENTRATED},
    {"(recalibration at honest coefficients)", honest_coefficients, EIN_RELEASE_GRANTED},
    {"eleven moments of eleven patients", eleven_moments_of_eleven, EIN_RELEASE_DEGREES},
    {"(one moment of eleven)", mean_of_eleven, EIN_RELEASE_GRANTED},
    {"a cell judged after rounding", rounded_first, EIN_RELEASE_SMALL},
    {"bins of one class", bins_of_one_class, EIN_RELEASE_ZERO},
    {"many plans in a row", many_plans, EIN_RELEASE_DIFFERENCE},
};

START_TEST(test_attacks) {
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        const ein_release got = attacks[i].play();
        ck_assert_msg(got == attacks[i].expected, "%s: verdict %d, not %d", attacks[i].attempt, (int)got,
                      (int)attacks[i].expected);
    }
}
END_TEST

/* --- the least cut is what all unions of cells can tell ---------- */

static double by_hand(const double *w, int n, int m) {
    double least = INFINITY;
    for (int s = 0; s < 1 << n; s++)
        for (int t = 0; t < 1 << m; t++) {
            double apart = 0;
            for (int a = 0; a <= n; a++)
                for (int b = 0; b <= m; b++) {
                    const int in_s = s << 1 >> a & 1, in_t = t << 1 >> b & 1;
                    if (in_s != in_t) apart += w[a * (m + 1) + b];
                }
            if (apart > 0 && apart < least) least = apart;
        }
    return least;
}

START_TEST(test_least_cut) {
    uint64_t x = 12345;
    for (int round = 0; round < 400; round++) {
        double w[36], least;
        uint8_t side[10];
        int n, m;
        x = x * 6364136223846793005u + 1442695040888963407u;
        n = 1 + (int)(x >> 33) % 4;
        m = 1 + (int)(x >> 40) % 4;
        for (int i = 0; i < (n + 1) * (m + 1); i++) {
            x = x * 6364136223846793005u + 1442695040888963407u;
            w[i] = (x >> 33) % 3 ? (double)((x >> 40) % 20) : 0;
        }
        w[0] = 0;
        check_ok(ein_overlap_least_cut(&least, side, w, n, m));
        const double expected = by_hand(w, n, m);
        ck_assert_msg(least == expected || (isinf(least) && isinf(expected)), "round %d: %g, not %g", round,
                      least, expected);
    }
}
END_TEST

/* Joining for another table leaves no small difference, and bins that agree stay. */
START_TEST(test_join) {
    double w[5 * 9] = {0};
    uint8_t keep[7] = {1, 1, 1, 1, 1, 1, 1};
    ein_release verdict;
    /* One class; four cells of 40 against eight bins of 20 that are shifted by 5. */
    for (int person = 0; person < 160; person++)
        w[(1 + person / 40) * 9 + 1 + (person + 5 >= 160 ? 7 : (person + 5) / 20)] += 1;
    check_ok(ein_overlap_join(&verdict, keep, w, 4, 1, 8, rules));
    double joined[5 * 9] = {0}, least;
    int n = 0;
    for (int b = 0; b < 8; b++) {
        if (b > 0) n += keep[b - 1];
        for (int a = 0; a <= 4; a++) joined[a * 9 + 1 + n] += w[a * 9 + 1 + b];
    }
    if (verdict == EIN_RELEASE_GRANTED) {
        double tight[5 * 9] = {0};
        for (int a = 0; a <= 4; a++)
            for (int b = 0; b <= n + 1; b++) tight[a * (n + 2) + b] = joined[a * 9 + b];
        check_ok(ein_overlap_least_cut(&least, NULL, tight, 4, n + 1));
        ck_assert(least >= 11);
    }
    memset(w, 0, sizeof w);
    memset(keep, 1, sizeof keep);
    for (int person = 0; person < 160; person++) w[(1 + person / 40) * 9 + 1 + person / 20] += 1;
    check_ok(ein_overlap_join(&verdict, keep, w, 4, 1, 8, rules));
    ck_assert(verdict == EIN_RELEASE_GRANTED);
    for (int e = 0; e < 7; e++) ck_assert(keep[e] == 1);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("site attacks");
    ein_tap_add(suite, "attacks", test_attacks);
    ein_tap_add(suite, "least cut", test_least_cut);
    ein_tap_add(suite, "join", test_join);
    return ein_tap_main(suite);
}
