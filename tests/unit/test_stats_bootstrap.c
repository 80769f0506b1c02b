/* Patient bootstrap: intervals against R's boot, repeatability, fixture S1's standard errors, undefined replicates. */
#include <omp.h>
#include <string.h>

#include "core/stats/bootstrap.h"
#include "core/stats/roc.h"
#include "core/stats/special.h"
#include "tests/tap.h"
#include "tests/unit/stats_fixture.h"

enum { R = 4000, GROUPS = 100 };
static s1_data s;
static int64_t order_a[S1_N], order_b[S1_N];
static const double *const scores[] = {s.a, s.b};
static const int64_t *const orders[] = {order_a, order_b};

/* AUROC and average precision of each of K scores: value (2K). */
typedef struct {
    int n_models;
    const double *const *score;  /* (K)(n) */
    const int64_t *const *order; /* (K)(n), ein_stats_order of each */
    const int8_t *label;         /* (n) */
} ranked;
static ranked roc = {2, scores, orders, s.label};
static ein_status auroc_and_precision(ein_stats_value *value, const ein_bootstrap_sample *sample,
                                      void *context) {
    const ranked *c = context;
    for (int m = 0; m < c->n_models; m++) {
        value[2 * m] = ein_roc_weighted_auc(c->order[m], c->score[m], c->label, sample->count, sample->n);
        value[2 * m + 1] = ein_roc_weighted_pr(c->order[m], c->score[m], c->label, sample->count, sample->n)
                               .average_precision;
    }
    return EIN_OK;
}

/* R 4.2, boot 1.3: boot.ci on the same 999 replicates and 40 leave-out values. */
START_TEST(intervals_of_boot_ci) {
    enum { B = 999, J = 40 };
    ein_stats_value t[B], jack[J];
    for (int i = 1; i <= B; i++) {
        const double u = (double)((i * 7919) % 10007) / 10007;
        t[i - 1] = ein_stats_known(pow(u, 1.5) + 0.2 * u);
    }
    for (int j = 1; j <= J; j++)
        jack[j - 1] = ein_stats_known(0.55 + 0.02 * pow((double)((j * 37) % 41) / 41, 3));
    ein_bootstrap_result r;
    ein_bootstrap_options o = EIN_BOOTSTRAP_DEFAULTS;
    check_ok(ein_bootstrap_summarise(&r, ein_stats_known(0.55), t, 1, B, jack, 1, J, o));
    check_exact(r.percentile.lower, 0.00894520266278242);
    check_exact(r.percentile.upper, 1.15927703907443);
    check_exact(r.bca.lower, 0.0193665872277125);
    check_exact(r.bca.upper, 1.17789499538619);
    check_exact(r.mean, 0.500993517213292);
    check_exact(r.percentile.se, 0.357374600928004);
    check_exact(r.acceleration, -0.0274114564958979);
    check_exact(r.z0, 0.185479633965277);
    o.level = 0.9;
    check_ok(ein_bootstrap_summarise(&r, ein_stats_known(0.55), t, 1, B, jack, 1, J, o));
    check_exact(r.percentile.lower, 0.0211616156907446);
    check_exact(r.percentile.upper, 1.11749869945863);
    check_exact(r.bca.lower, 0.0458616395228666);
    check_exact(r.bca.upper, 1.15622726010503);
    check_ok(ein_bootstrap_summarise(&r, ein_stats_known(0.55), t, 1, B, NULL, 1, 0, o));
    check_no_interval(r.bca, EIN_STATS_FEW_CLUSTERS);
}
END_TEST

/* 4,000 patient resamples reproduce the clustered standard errors, not the naive ones (0.0277, 0.0284). */
START_TEST(s1_standard_errors) {
    ein_bootstrap *plan;
    ein_stats_value(*v)[4], (*jack)[4];
    check_ok(ein_bootstrap_new(&plan, s.patient, S1_N, 20240229));
    ck_assert_int_eq(ein_bootstrap_clusters(plan), 100);
    check_ok(EIN_NEW(v, R));
    check_ok(EIN_NEW(jack, GROUPS));
    check_ok(ein_bootstrap_run(plan, auroc_and_precision, &roc, 4, 0, R, v[0]));
    check_ok(ein_bootstrap_jackknife(plan, auroc_and_precision, &roc, 4, GROUPS, 0, GROUPS, jack[0]));
    ein_bootstrap_result a, b, d;
    check_ok(ein_bootstrap_summarise(&a, ein_stats_known(0.664941818556276), v[0], 4, R, jack[0], 4, GROUPS,
                                     EIN_BOOTSTRAP_DEFAULTS));
    check_ok(ein_bootstrap_summarise(&b, ein_stats_known(0.633946040572547), v[0] + 2, 4, R, jack[0] + 2, 4,
                                     GROUPS, EIN_BOOTSTRAP_DEFAULTS));
    check_close(a.percentile.se, 0.0506, 0.03);
    check_close(b.percentile.se, 0.0463, 0.03);
    ck_assert(a.n_undefined == 0 && a.n_replicates == R);
    ck_assert(a.percentile.lower < 0.6649 && a.percentile.upper > 0.6650 && a.bca.lower < a.bca.upper);
    check_close(a.percentile.lower, 0.664941818556276 - 1.96 * 0.0505, 0.03);
    /* The jackknife over patients is another estimate of the clustered variance. */
    double mean = 0, squares = 0;
    for (int g = 0; g < GROUPS; g++) mean += jack[g][0].value / GROUPS;
    for (int g = 0; g < GROUPS; g++) squares += (jack[g][0].value - mean) * (jack[g][0].value - mean);
    check_close(sqrt(squares * (GROUPS - 1) / GROUPS), 0.05013, 0.05);
    /* Paired differences, replicate by replicate. */
    ein_stats_value *difference;
    check_ok(EIN_NEW(difference, R));
    for (int i = 0; i < R; i++) difference[i] = ein_stats_difference(v[i][0], v[i][2]);
    check_ok(ein_bootstrap_summarise(&d, ein_stats_known(0.664941818556276 - 0.633946040572547), difference,
                                     1, R, NULL, 0, 0, EIN_BOOTSTRAP_DEFAULTS));
    check_close(d.percentile.se, (0.664941818556276 - 0.633946040572547) / 2.768796309942, 0.1);
    free(v);
    free(jack);
    free(difference);
    ein_bootstrap_destroy(plan);
}
END_TEST

/* Trap: the same replicates for 1..N threads and for any split over ranks. */
START_TEST(same_for_any_threads_and_ranks) {
    enum { FEW = 120 };
    ein_bootstrap *plan;
    ein_stats_value one[FEW][4], split[FEW][4];
    check_ok(ein_bootstrap_new(&plan, s.patient, S1_N, 7));
    omp_set_num_threads(1);
    check_ok(ein_bootstrap_run(plan, auroc_and_precision, &roc, 4, 0, FEW, one[0]));
    omp_set_num_threads(4);
    const int cut[] = {0, 50, 51, FEW};
    for (int part = 2; part >= 0; part--)
        check_ok(ein_bootstrap_run(plan, auroc_and_precision, &roc, 4, cut[part], cut[part + 1] - cut[part],
                                   split[cut[part]]));
    for (int i = 0; i < FEW; i++)
        for (int m = 0; m < 4; m++) ck_assert(one[i][m].value == split[i][m].value && one[i][m].state == 0);
    /* Another seed is another sample; the same replicate of a copy of the plan is the same. */
    ein_bootstrap_destroy(plan);
    check_ok(ein_bootstrap_new(&plan, s.patient, S1_N, 8));
    check_ok(ein_bootstrap_run(plan, auroc_and_precision, &roc, 4, 0, 1, split[0]));
    ck_assert(one[0][0].value != split[0][0].value);
    ein_bootstrap_destroy(plan);
}
END_TEST

/* The counts of records in a sample: patients are drawn whole, as many as there are. */
static ein_status whole_patients(ein_stats_value *value, const ein_bootstrap_sample *sample, void *context) {
    const uint64_t *patient = context;
    int64_t total = 0, at = 0;
    double mixed = 0, patients = 0;
    for (int64_t i = 0; i < sample->n; i++) {
        for (int64_t j = 0; j < i; j++) {
            if (patient[j] != patient[i]) continue;
            mixed += sample->count[j] != sample->count[i];
            break;
        }
        int64_t size = 0;
        for (int64_t j = 0; j < sample->n; j++) size += patient[j] == patient[i];
        patients += sample->count[i] / (double)size;
        total += sample->count[i];
        for (int32_t c = 0; c < sample->count[i]; c++) mixed += sample->record[at++] != i;
    }
    mixed += total != sample->n_records;
    value[0] = ein_stats_known(mixed);
    value[1] = ein_stats_known(patients);
    value[2] = ein_stats_known((double)total);
    return EIN_OK;
}

START_TEST(patients_are_drawn_whole) {
    uint64_t patient[60];
    for (int i = 0; i < 60; i++)
        patient[i] = i < 30 ? 3 : (uint64_t)(100 - i); /* one patient with half of all */
    ein_bootstrap *plan;
    ein_stats_value v[50][3];
    check_ok(ein_bootstrap_new(&plan, patient, 60, 1));
    ck_assert_int_eq(ein_bootstrap_clusters(plan), 31);
    check_ok(ein_bootstrap_run(plan, whole_patients, patient, 3, 0, 50, v[0]));
    bool sizes_vary = false;
    for (int i = 0; i < 50; i++) {
        ck_assert(v[i][0].value == 0);
        check_close(v[i][1].value, 31, 1e-12);
        sizes_vary = sizes_vary || v[i][2].value != v[0][2].value;
    }
    ck_assert(sizes_vary);
    check_ok(ein_bootstrap_jackknife(plan, whole_patients, patient, 3, 31, 0, 31, v[0]));
    double left = 0;
    for (int i = 0; i < 31; i++) left += v[i][2].value;
    check_close(left, 30.0 * 60, 1e-12);
    ein_stats_value part[5][3]; /* leave-out samples 10..14 alone are the same */
    check_ok(ein_bootstrap_jackknife(plan, whole_patients, patient, 3, 31, 0, 31, v[0]));
    check_ok(ein_bootstrap_jackknife(plan, whole_patients, patient, 3, 31, 0, 1, part[0]));
    ck_assert(part[0][2].value == 30); /* patient 3 has the smallest key */
    check_ok(ein_bootstrap_jackknife(plan, whole_patients, patient, 3, 31, 10, 5, part[0]));
    for (int i = 0; i < 5; i++) ck_assert(part[i][2].value == 59 && v[10 + i][2].value == 59);
    check_fails(ein_bootstrap_jackknife(plan, whole_patients, patient, 3, 32, 0, 32, v[0]), EIN_RANGE,
                "32 groups");
    ein_bootstrap_destroy(plan);
}
END_TEST

/* Trap: replicates without a positive are counted with their reason; too many of them leave no interval. */
START_TEST(undefined_replicates_are_reported) {
    enum { N = 12, B = 1000 };
    double score[N];
    int8_t label[N] = {0};
    label[N - 1] = label[N - 2] = 1;
    for (int i = 0; i < N; i++) score[i] = (i * 5) % 7;
    int64_t order[N];
    check_ok(ein_stats_order(order, score, N));
    const double *const one_score[] = {score};
    const int64_t *const one_order[] = {order};
    ranked context = {1, one_score, one_order, label};
    ein_bootstrap *plan;
    ein_stats_value v[B][2];
    check_ok(ein_bootstrap_new(&plan, NULL, N, 3));
    check_ok(ein_bootstrap_run(plan, auroc_and_precision, &context, 2, 0, B, v[0]));
    ein_roc_result truth;
    check_ok(ein_roc_auc(&truth, score, label, NULL, N, EIN_ROC_DEFAULTS));
    ein_bootstrap_result r;
    const ein_stats_value estimate = ein_stats_known(truth.auc.value);
    check_ok(ein_bootstrap_summarise(&r, estimate, v[0], 2, B, NULL, 0, 0, EIN_BOOTSTRAP_DEFAULTS));
    /* (10/12)^12 = 11.2 % of the samples have no positive. */
    ck_assert(r.n_undefined > 80 && r.n_undefined < 145);
    check_state(r.undefined_state, EIN_STATS_ONE_CLASS);
    check_no_interval(r.percentile, EIN_STATS_UNDEFINED_PARTS);
    ein_bootstrap_options lenient = EIN_BOOTSTRAP_DEFAULTS;
    lenient.max_undefined = 0.5;
    check_ok(ein_bootstrap_summarise(&r, estimate, v[0], 2, B, NULL, 0, 0, lenient));
    check_state(r.percentile.interval_state, EIN_STATS_ESTIMABLE);
    ck_assert(r.n_undefined > 80);
    ein_bootstrap_destroy(plan);
}
END_TEST

START_TEST(states_of_the_intervals) {
    ein_stats_value v[100], jack[10];
    ein_bootstrap_result r;
    for (int i = 0; i < 100; i++) v[i] = ein_stats_known(i);
    for (int i = 0; i < 10; i++) jack[i] = ein_stats_known(i * i);
    const ein_bootstrap_options o = EIN_BOOTSTRAP_DEFAULTS;
    check_ok(ein_bootstrap_summarise(&r, ein_stats_known(200), v, 1, 100, jack, 1, 10, o));
    check_no_interval(r.bca, EIN_STATS_DEGENERATE);
    check_state(r.percentile.interval_state, EIN_STATS_ESTIMABLE);
    check_ok(ein_bootstrap_summarise(&r, ein_stats_known(10), v, 1, 20, jack, 1, 10, o)); /* 21 * 0.025 < 1 */
    check_no_interval(r.percentile, EIN_STATS_UNDEFINED_PARTS);
    check_ok(ein_bootstrap_summarise(&r, ein_stats_unknown(EIN_STATS_ONE_CLASS), v, 1, 100, jack, 1, 10, o));
    check_none(r.percentile, EIN_STATS_ONE_CLASS);
    for (int i = 0; i < 100; i++) v[i].value = i / 25; /* 25 below, 25 equal, 50 above */
    check_ok(ein_bootstrap_summarise(&r, ein_stats_known(1), v, 1, 100, jack, 1, 10, o));
    check_exact(r.z0, ein_normal_quantile(0.375));
    for (int i = 0; i < 10; i++) jack[i].value = 5;
    check_ok(ein_bootstrap_summarise(&r, ein_stats_known(50), v, 1, 100, jack, 1, 10, o));
    check_no_interval(r.bca, EIN_STATS_ZERO_VARIANCE);
    jack[3] = ein_stats_unknown(EIN_STATS_ONE_CLASS);
    check_ok(ein_bootstrap_summarise(&r, ein_stats_known(50), v, 1, 100, jack, 1, 10, o));
    check_no_interval(r.bca, EIN_STATS_UNDEFINED_PARTS);
    for (int i = 0; i < 100; i++) v[i].value = 1;
    check_ok(ein_bootstrap_summarise(&r, ein_stats_known(1), v, 1, 100, jack, 1, 10, o));
    check_no_interval(r.percentile, EIN_STATS_ZERO_VARIANCE);
    v[7].value = NAN;
    check_fails(ein_bootstrap_summarise(&r, ein_stats_known(1), v, 1, 100, jack, 1, 10, o), EIN_NUMERIC,
                "replicate 7");
    ein_bootstrap *plan;
    check_fails(ein_bootstrap_new(&plan, NULL, 0, 1), EIN_RANGE, "0 records");
    ck_assert_ptr_null(plan);
}
END_TEST

static ein_status fails_sometimes(ein_stats_value *value, const ein_bootstrap_sample *sample, void *context) {
    (void)context;
    value[0] = ein_stats_known(0);
    if (sample->count[0] == 0) return ein_error(EIN_NUMERIC, "no record 0 in this sample");
    return EIN_OK;
}

/* An error in another thread arrives with its message. */
START_TEST(errors_of_the_metric) {
    ein_bootstrap *plan;
    ein_stats_value v[64];
    omp_set_num_threads(4);
    check_ok(ein_bootstrap_new(&plan, NULL, 10, 1));
    check_fails(ein_bootstrap_run(plan, fails_sometimes, NULL, 1, 0, 64, v), EIN_NUMERIC, "no record 0");
    check_fails(ein_bootstrap_run(plan, fails_sometimes, NULL, 0, 0, 64, v), EIN_RANGE, "0 metrics");
    ein_bootstrap_destroy(plan);
    ein_bootstrap_destroy(NULL);
}
END_TEST

int main(void) {
    s1_make(&s);
    if (ein_stats_order(order_a, s.a, S1_N) != EIN_OK || ein_stats_order(order_b, s.b, S1_N) != EIN_OK)
        return 1;
    Suite *suite = suite_create("stats_bootstrap");
    TCase *c = tcase_create("bootstrap");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, intervals_of_boot_ci);
    tcase_add_test(c, s1_standard_errors);
    tcase_add_test(c, same_for_any_threads_and_ranks);
    tcase_add_test(c, patients_are_drawn_whole);
    tcase_add_test(c, undefined_replicates_are_reported);
    tcase_add_test(c, states_of_the_intervals);
    tcase_add_test(c, errors_of_the_metric);
    suite_add_tcase(suite, c);
    return ein_tap_main(suite);
}
