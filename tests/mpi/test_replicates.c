/* Ranks share a bootstrap: the same bits as on one, and of several errors always the same one. */
#include "jobs/metrics/replicates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"
#include "jobs/metrics/arms.h"
#include "tests/seed.h"
#include "tests/tap.h"
#include "tests/unit/stats_fixture.h"

enum { N = 60, REPLICATES = 41, GROUPS = 7, COLUMNS = 2 };

static ein_comm *comm;
static ein_bootstrap *plan;

static double draw(int stream, int i) {
    return ein_uniform(ein_philox(test_seed(11), EIN_DRAW_BOOTSTRAP, (uint64_t)stream, (uint32_t)i).v[0]);
}

/* A number that tells samples apart, and what of. */
typedef struct {
    int n_failing;
    double failing[3]; /* samples that cannot be evaluated, by that number */
} metric_context;

static ein_status metric(ein_stats_value *value, const ein_bootstrap_sample *sample, void *context) {
    const metric_context *c = context;
    double sum = 0;
    for (int64_t i = 0; i < sample->n; i++) sum += sample->count[i] * sqrt((double)(i + 2));
    for (int f = 0; f < c->n_failing; f++)
        if (c->failing[f] == sum) return ein_error(EIN_NUMERIC, "failing sample %d", f);
    value[0] = ein_stats_known(sum);
    value[1] = sample->count[3] ? ein_stats_known(sin(sum)) : ein_stats_unknown(EIN_STATS_ONE_CLASS);
    return EIN_OK;
}

/* All values as one process alone computes them. */
static ein_stats_value *alone(int64_t total, int64_t groups) {
    metric_context c = {0};
    ein_stats_value *value = NULL;
    const ein_replicates r = {NULL, plan, metric, &c, COLUMNS};
    check_ok(ein_replicates_run(&r, total, groups, &value));
    ck_assert_ptr_nonnull(value);
    return value;
}

static void check_shared(int64_t total, int64_t groups) {
    metric_context c = {0};
    ein_stats_value *expected = alone(total, groups), *value;
    const ein_replicates r = {comm, plan, metric, &c, COLUMNS};
    check_ok(ein_replicates_run(&r, total, groups, &value));
    if (ein_comm_rank(comm) != 0) ck_assert_ptr_null(value);
    for (int64_t i = 0; value && i < total * COLUMNS; i++) {
        ck_assert_int_eq(value[i].state, expected[i].state);
        ck_assert_mem_eq(&value[i].value, &expected[i].value, sizeof value[i].value);
    }
    free(value);
    free(expected);
}

START_TEST(ranks_share_replicates) {
    check_shared(REPLICATES, 0);
    check_shared(1, 0); /* fewer than ranks */
    check_shared(GROUPS, GROUPS);
}
END_TEST

/* Replicates 38, 5 and 6 cannot be evaluated: it is always 5 that is reported, whoever came first. */
START_TEST(the_lowest_replicate_that_failed_is_reported) {
    static const int number[] = {38, 5, 6};
    ein_stats_value *expected = alone(REPLICATES, 0), *value;
    metric_context c = {.n_failing = 3};
    for (int f = 0; f < 3; f++) c.failing[f] = expected[number[f] * COLUMNS].value;
    for (int turn = 0; turn < 5; turn++) {
        const ein_replicates r = {comm, plan, metric, &c, COLUMNS};
        ein_error_clear();
        ck_assert_int_eq(ein_replicates_run(&r, REPLICATES, 0, &value), EIN_NUMERIC);
        ck_assert_ptr_null(value);
        ck_assert_msg(strstr(ein_error_message(), "failing sample 1"), "%s", ein_error_message());
    }
    c = (metric_context){1, {expected[38 * COLUMNS].value}};
    const ein_replicates r = {comm, plan, metric, &c, COLUMNS};
    ck_assert_int_eq(ein_replicates_run(&r, REPLICATES, 0, &value), EIN_NUMERIC);
    ck_assert_msg(strstr(ein_error_message(), "failing sample 0"), "%s", ein_error_message());
    free(expected);
}
END_TEST

static char *arms_text(ein_comm *who, bool regression) {
    enum { MODELS = 3, TARGETS = 2 };
    static const int arm[MODELS] = {0, 0, 1};
    static const char *const arm_name[] = {"a", "b"}, *const target_name[] = {"x", "y"};
    static double label[TARGETS][N], score[MODELS * TARGETS][N];
    const double *labels[TARGETS], *scores[MODELS * TARGETS];
    uint64_t patient[N];
    for (int i = 0; i < N; i++) patient[i] = (uint64_t)i / 2;
    for (int t = 0; t < TARGETS; t++) {
        for (int i = 0; i < N; i++) label[t][i] = regression ? draw(t, i) : draw(t, i) > 0.5;
        labels[t] = label[t];
    }
    for (int k = 0; k < MODELS * TARGETS; k++) {
        for (int i = 0; i < N; i++) score[k][i] = label[k % TARGETS][i] + 2 * draw(10 + k, i);
        scores[k] = score[k];
    }
    const ein_arms_input in = {.n = N,
                               .cluster = patient,
                               .n_targets = TARGETS,
                               .regression = regression,
                               .label = labels,
                               .target_name = target_name,
                               .n_models = MODELS,
                               .score = scores,
                               .arm = arm,
                               .n_arms = 2,
                               .arm_name = arm_name,
                               .minimum = 5,
                               .replicates = 103,
                               .seed = 3,
                               .level = 0.95,
                               .adjust = EIN_ADJUST_HOLM};
    ein_arms *arms;
    json_t *json;
    check_ok(ein_arms_compare(&arms, who, &in));
    if (!arms) return NULL;
    check_ok(ein_arms_json(arms, &json));
    char *text = json_dumps(json, JSON_REAL_PRECISION(17));
    json_decref(json);
    ein_arms_destroy(arms);
    return text;
}

START_TEST(arms_have_the_same_bits_on_any_number_of_ranks) {
    for (int regression = 0; regression < 2; regression++) {
        char *expected = arms_text(NULL, regression), *text = arms_text(comm, regression);
        ck_assert_int_eq(text != NULL, ein_comm_rank(comm) == 0);
        if (text) ck_assert_str_eq(text, expected);
        if (text) ck_assert_ptr_null(strstr(text, "\"lower\": null"));
        free(text);
        free(expected);
    }
}
END_TEST

int main(int argc, char **argv) {
    uint64_t patient[N];
    if (ein_comm_start(&argc, &argv, &comm) != EIN_OK) return 1;
    for (int i = 0; i < N; i++) patient[i] = (uint64_t)(i * i % 17);
    if (ein_bootstrap_new(&plan, patient, N, 7) != EIN_OK) return 1;
    Suite *suite = suite_create("replicates");
    ein_tap_add(suite, "ranks share replicates", ranks_share_replicates);
    ein_tap_add(suite, "of errors that of the lowest replicate",
                the_lowest_replicate_that_failed_is_reported);
    ein_tap_add(suite, "arms on any number of ranks", arms_have_the_same_bits_on_any_number_of_ranks);
    const int bad = ein_tap_main_mpi(suite, ein_comm_mpi(comm));
    ein_bootstrap_destroy(plan);
    ein_comm_finish(comm);
    return bad;
}
