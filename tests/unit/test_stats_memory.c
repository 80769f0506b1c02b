/* Every allocation of core/stats fails once: the call returns EIN_NOMEM and leaks nothing. */
#include <omp.h>
#include <string.h>

#include "core/stats/bootstrap.h"
#include "core/stats/calibration.h"
#include "core/stats/components.h"
#include "core/stats/histogram.h"
#include "core/stats/regression.h"
#include "core/stats/small_study.h"
#include "core/stats/subgroup.h"
#include "core/stats/threshold.h"
#include "tests/tap.h"
#include "tests/unit/stats_fixture.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define OWN_ALLOCATOR 0
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define OWN_ALLOCATOR 0
#endif
#ifndef OWN_ALLOCATOR
#define OWN_ALLOCATOR 1
#endif

static s1_data s;

#if OWN_ALLOCATOR
void *__libc_calloc(size_t count, size_t size);
void __libc_free(void *pointer);

enum { MOST_LIVE = 4096 };
static bool counting;
static int64_t calls, fail_at, n_live;
static void *live[MOST_LIVE];

/* ein_calloc is the only allocation of the code under test: what it gave out and got not back is a leak. */
void *calloc(size_t count, size_t size) {
    if (counting && calls++ == fail_at) return NULL;
    void *pointer = __libc_calloc(count, size);
    if (counting && pointer && n_live < MOST_LIVE) live[n_live++] = pointer;
    return pointer;
}
void free(void *pointer) {
    for (int64_t i = 0; counting && pointer && i < n_live; i++)
        if (live[i] == pointer) live[i--] = live[--n_live];
    __libc_free(pointer);
}
#endif

typedef ein_status (*call)(void);

static ein_status call_roc(void) {
    ein_roc_comparison c;
    return ein_roc_compare_paired(&c, s.a, s.b, s.label, s.patient, S1_N, EIN_ROC_DEFAULTS);
}
static ein_status call_threshold(void) {
    ein_threshold_metrics m;
    ein_threshold_choice c;
    EIN_TRY(ein_threshold_evaluate(&m, s.prob_a, s.label, s.patient, S1_N, 0.5, 0.95));
    return ein_threshold_choose(&c, s.a, s.label, S1_N, EIN_THRESHOLD_YOUDEN);
}
static ein_status call_mcnemar(void) {
    uint8_t first[S1_N], second[S1_N];
    for (int i = 0; i < S1_N; i++) first[i] = s.a[i] > 400, second[i] = s.b[i] > 400;
    ein_mcnemar m;
    return ein_mcnemar_test(&m, first, second, s.patient, S1_N);
}
static ein_status call_calibration(void) {
    ein_calibration_scores scores;
    ein_calibration_bin bin[10];
    EIN_TRY(ein_calibration_score(&scores, s.prob_a, s.label, s.patient, S1_N, 0.95));
    return ein_calibration_fill(bin, 10, EIN_BINS_MASS, s.prob_a, s.label, S1_N);
}
static ein_status call_calibration_fit(void) {
    ein_calibration_fit f;
    ein_calibration_smooth c;
    EIN_TRY(ein_calibration_logistic(&f, s.prob_a, NULL, s.label, s.patient, S1_N, 0.95));
    return ein_calibration_curve(&c, NULL, s.prob_a, s.label, S1_N);
}
static ein_status call_regression(void) {
    ein_regression_fit f;
    ein_bland_altman b;
    ein_correlations c;
    EIN_TRY(ein_regression_evaluate(&f, s.a, s.b, s.patient, S1_N, 0.95));
    EIN_TRY(ein_bland_altman_limits(&b, s.a, s.b, s.patient, S1_N, 0.95));
    return ein_correlate(&c, s.a, s.b, S1_N, false, 0.95);
}
static ein_status call_adjust(void) {
    double p[] = {0.1, 0.02, 0.3};
    return ein_adjust(p, p, 3, EIN_ADJUST_HOMMEL);
}
static ein_status call_meta(void) {
    const double y[] = {0.1, 0.5, -0.3, 0.7}, v[] = {0.1, 0.05, 0.2, 0.3};
    ein_meta_heterogeneity h;
    ein_meta_fit fit[4];
    ein_meta_egger e;
    ein_meta_begg b;
    EIN_TRY(ein_meta_q_profile(&h, y, v, 4, EIN_META_REML, 0.95));
    EIN_TRY(ein_meta_leave_one_out(fit, y, v, 4, EIN_META_DL, 0.95));
    EIN_TRY(ein_meta_egger_test(&e, y, v, 4, EIN_META_DL, 0.95));
    return ein_meta_begg_test(&b, y, v, 4);
}
static ein_status call_histogram(void) {
    int64_t p[20] = {0}, q[20] = {0};
    ein_histogram_result r;
    ein_placement_sums sums;
    int bin[S1_N];
    double placement[S1_N];
    for (int i = 0; i < S1_N; i++) (s.label[i] ? p : q)[bin[i] = (int)s.a[i] * 20 / S1_LEVELS]++;
    EIN_TRY(ein_histogram_auc(&r, p, q, 20, 0.95));
    EIN_TRY(ein_components_place(placement, p, q, 20, bin, s.label, S1_N));
    return ein_components_sum(&sums, placement, s.label, s.patient, S1_N);
}
static ein_status call_subgroup(void) {
    ein_subgroup group[4];
    ein_subgroup_pair pair[6];
    int64_t unassigned;
    return ein_subgroup_auc(group, pair, &unassigned, s.a, s.label, s.patient, s.site, S1_N, 4,
                            (ein_subgroup_options){11, EIN_ADJUST_HOLM, EIN_ROC_DEFAULTS});
}
static ein_status mean_record(ein_stats_value *value, const ein_bootstrap_sample *sample, void *context) {
    (void)context;
    double sum = 0;
    for (int64_t i = 0; i < sample->n_records; i++) sum += (double)sample->record[i];
    value[0] = ein_stats_known(sum / (double)sample->n_records);
    return EIN_OK;
}
static ein_status call_bootstrap(void) {
    uint64_t patient[50];
    for (int i = 0; i < 50; i++) patient[i] = i < 25 ? 0 : (uint64_t)i; /* samples outgrow the first buffer */
    ein_bootstrap *plan;
    ein_stats_value v[60], jack[26];
    ein_bootstrap_result r;
    EIN_TRY(ein_bootstrap_new(&plan, patient, 50, 5));
    ein_status status = ein_bootstrap_run(plan, mean_record, NULL, 1, 0, 60, v);
    if (status == EIN_OK) status = ein_bootstrap_jackknife(plan, mean_record, NULL, 1, 26, 0, 26, jack);
    ein_bootstrap_destroy(plan);
    EIN_TRY(status);
    return ein_bootstrap_summarise(&r, ein_stats_known(25), v, 1, 60, jack, 1, 26, EIN_BOOTSTRAP_DEFAULTS);
}

static const struct {
    call run;
    int64_t least_allocations;
} calls_under_test[] = {{call_roc, 10},        {call_threshold, 20},      {call_mcnemar, 3},
                        {call_calibration, 6}, {call_calibration_fit, 6}, {call_regression, 12},
                        {call_adjust, 3},      {call_meta, 10},           {call_histogram, 5},
                        {call_subgroup, 20},   {call_bootstrap, 10}};

START_TEST(each_allocation_fails_once) {
#if OWN_ALLOCATOR
    const call run = calls_under_test[_i].run;
    ein_error_clear();
    check_ok(run()); /* threads and stdio have their memory now */
    ein_status status = EIN_NOMEM;
    for (fail_at = 0; status != EIN_OK; fail_at++) {
        ck_assert(fail_at < 1000);
        calls = n_live = 0;
        counting = true;
        status = run();
        counting = false;
        ck_assert_msg(n_live == 0, "allocation %d failed: %d blocks were not freed", (int)fail_at,
                      (int)n_live);
        if (status != EIN_OK) ck_assert_int_eq(status, EIN_NOMEM);
    }
    ck_assert_msg(fail_at > calls_under_test[_i].least_allocations, "only %d allocations", (int)fail_at - 1);
#else
    check_ok(calls_under_test[_i].run());
#endif
}
END_TEST

int main(void) {
    s1_make(&s);
    omp_set_num_threads(1); /* one thread, so that the allocations have numbers */
    Suite *suite = suite_create("stats_memory");
    TCase *c = tcase_create("memory");
    tcase_add_loop_test(c, each_allocation_fails_once, 0, sizeof calls_under_test / sizeof *calls_under_test);
    suite_add_tcase(suite, c);
    return ein_tap_main(suite);
}
