/* Arms beside each other: means over seeds, macro averages, paired intervals, what is left out. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/philox.h"
#include "jobs/metrics/arms.h"
#include "jobs/metrics/metrics.h"
#include "tests/seed.h"
#include "tests/tap.h"
#include "tests/unit/stats_fixture.h"

enum { N = 400, TARGETS = 3, MODELS = 3 };

/* Two targets that can be judged and one with three positives; arm 0 has two seeds, arm 1 has one. */
static double label[TARGETS][N], score[MODELS * TARGETS][N];
static uint64_t patient[N];

static double noise(int stream, int i) {
    const ein_philox_block draw = ein_philox(test_seed(5), EIN_DRAW_BOOTSTRAP, (uint64_t)stream, (uint32_t)i);
    return ein_uniform(draw.v[0]) - 0.5;
}

static ein_arms_input make(const double **labels, const double **scores) {
    static const int arm[MODELS] = {0, 0, 1};
    static const char *const arm_name[] = {"good", "poor"}, *const target_name[] = {"a", "b", "rare"};
    for (int i = 0; i < N; i++) {
        patient[i] = (uint64_t)(i / 2);
        for (int t = 0; t < TARGETS; t++) {
            label[t][i] = t == 2 ? i < 3 : noise(t, i) > 0.1;
            for (int m = 0; m < MODELS; m++)
                score[m * TARGETS + t][i] = label[t][i] + (m == 2 ? 4 : 1.6) * noise(10 + m * TARGETS + t, i);
        }
        if (i % 50 == 7) label[1][i] = NAN;
    }
    for (int t = 0; t < TARGETS; t++) labels[t] = label[t];
    for (int k = 0; k < MODELS * TARGETS; k++) scores[k] = score[k];
    return (ein_arms_input){.n = N,
                            .cluster = patient,
                            .n_targets = TARGETS,
                            .label = labels,
                            .target_name = target_name,
                            .n_models = MODELS,
                            .score = scores,
                            .arm = arm,
                            .n_arms = 2,
                            .arm_name = arm_name,
                            .minimum = 10,
                            .replicates = 400,
                            .seed = 3,
                            .level = 0.95,
                            .adjust = EIN_ADJUST_HOLM};
}

/* AUROC from its definition: pairs in the right order, ties one half. */
static double auroc(const double *s, const double *y) {
    double right = 0, pairs = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            if (!(y[i] > 0.5) || !(y[j] < 0.5)) continue;
            pairs++;
            right += s[i] > s[j] ? 1 : s[i] == s[j] ? 0.5 : 0;
        }
    return right / pairs;
}

START_TEST(figures_are_means_of_the_definition) {
    const double *labels[TARGETS], *scores[MODELS * TARGETS];
    const ein_arms_input in = make(labels, scores);
    ein_arms *a;
    double of[MODELS][2], macro[MODELS];
    check_ok(ein_arms_compare(&a, NULL, &in));
    for (int m = 0; m < MODELS; m++) {
        for (int t = 0; t < 2; t++) of[m][t] = auroc(scores[m * TARGETS + t], labels[t]);
        macro[m] = (of[m][0] + of[m][1]) / 2;
    }
    ck_assert_int_eq(a->n_counted, 2);
    ck_assert(!a->counted[2]);
    ck_assert_int_eq(a->arm[0].seeds, 2);
    ck_assert(fabs(a->arm[0].figure.value - (macro[0] + macro[1]) / 2) < 1e-12);
    ck_assert(fabs(a->arm[1].figure.value - macro[2]) < 1e-12);
    ck_assert(fabs(a->arm[0].of_target[1].value - (of[0][1] + of[1][1]) / 2) < 1e-12);
    ck_assert(fabs(a->arm[0].seed_sd - fabs(macro[0] - macro[1]) / sqrt(2)) < 1e-12);
    ck_assert(isnan(a->arm[1].seed_sd));
    ck_assert_int_eq(a->arm[0].of_target[2].state, EIN_STATS_SUPPRESSED);
    ck_assert(isnan(a->arm[0].of_target[2].value));
    ein_arms_destroy(a);
}
END_TEST

START_TEST(differences_are_paired) {
    const double *labels[TARGETS], *scores[MODELS * TARGETS];
    const ein_arms_input in = make(labels, scores);
    ein_arms *a;
    check_ok(ein_arms_compare(&a, NULL, &in));
    const ein_arm_pair *p = &a->pair[0];
    ck_assert_int_eq(a->n_pairs, 1);
    ck_assert(fabs(p->difference.value - (a->arm[0].figure.value - a->arm[1].figure.value)) < 1e-12);
    ck_assert(p->difference.lower > 0 && p->difference.lower < p->difference.value);
    ck_assert(p->difference.value < p->difference.upper);
    ck_assert(p->test.statistic > 3 && p->adjusted_p.value == p->test.p); /* a family of one */
    ein_arms_destroy(a);
}
END_TEST

/* Two arms of one model: no difference, and no test of it. */
START_TEST(identical_arms_are_not_tested) {
    const double *labels[TARGETS], *scores[MODELS * TARGETS];
    ein_arms_input in = make(labels, scores);
    static const int arm[2] = {0, 1};
    ein_arms *a;
    for (int t = 0; t < TARGETS; t++) scores[TARGETS + t] = scores[t];
    in.n_models = 2;
    in.arm = arm;
    check_ok(ein_arms_compare(&a, NULL, &in));
    ck_assert(a->pair[0].difference.value == 0);
    ck_assert(a->pair[0].test.state != EIN_STATS_ESTIMABLE && isnan(a->pair[0].test.p));
    ein_arms_destroy(a);
}
END_TEST

START_TEST(nothing_to_judge_by_is_said) {
    const double *labels[TARGETS], *scores[MODELS * TARGETS];
    ein_arms_input in = make(labels, scores);
    ein_arms *a;
    json_t *json;
    in.minimum = 1000;
    check_ok(ein_arms_compare(&a, NULL, &in));
    ck_assert_int_eq(a->n_counted, 0);
    check_ok(ein_arms_json(a, &json));
    ck_assert_int_eq((int)json_array_size(json_object_get(json, "left_out")), TARGETS);
    ck_assert_int_eq((int)json_array_size(json_object_get(json, "arms")), 0);
    json_decref(json);
    ein_arms_destroy(a);
}
END_TEST

/* The rows of the table, read again; NULL where there is none. */
static const char *cell(ein_csv *csv, const char *model, const char *metric, const char *column) {
    for (int64_t i = 0; i < ein_csv_rows(csv); i++)
        if (!strcmp(ein_csv_cell(csv, i, ein_csv_column(csv, "model")), model) &&
            !strcmp(ein_csv_cell(csv, i, ein_csv_column(csv, "metric")), metric))
            return ein_csv_cell(csv, i, ein_csv_column(csv, column));
    return NULL;
}

static ein_csv *table_of(const ein_arms *a) {
    ein_csv_writer *writer;
    ein_csv *csv;
    check_ok(ein_csv_create("arms.csv", ein_metrics_columns, EIN_METRICS_COLUMNS, &writer));
    ein_arms_csv(a, "task", "cohort", writer);
    check_ok(ein_csv_finish(writer, true));
    check_ok(ein_csv_open("arms.csv", &csv));
    unlink("arms.csv");
    return csv;
}

/* What stands on the terminal and in JSON stands in the table too, to the last digit. */
START_TEST(the_headline_is_in_the_table) {
    const double *labels[TARGETS], *scores[MODELS * TARGETS];
    ein_arms_input in = make(labels, scores);
    ein_arms *a;
    check_ok(ein_arms_compare(&a, NULL, &in));
    ein_csv *csv = table_of(a);
    ck_assert_int_eq((int)ein_csv_rows(csv), 4); /* two arms, one spread over seeds, one pair */
    const ein_arm_pair *pair = &a->pair[0];
    const struct {
        const char *model, *metric, *column;
        double expected;
    } rows[] = {{"good", "macro_auroc", "value", a->arm[0].figure.value},
                {"good", "macro_auroc", "lower", a->arm[0].figure.lower},
                {"good", "macro_auroc_sd_over_seeds", "value", a->arm[0].seed_sd},
                {"poor", "macro_auroc", "upper", a->arm[1].figure.upper},
                {"poor", "macro_auroc", "n", N},
                {"good - poor", "macro_auroc_difference", "value", pair->difference.value},
                {"good - poor", "macro_auroc_difference", "se", pair->difference.se},
                {"good - poor", "macro_auroc_difference", "p", pair->test.p},
                {"good - poor", "macro_auroc_difference", "p_adjusted", pair->adjusted_p.value}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *text = cell(csv, rows[i].model, rows[i].metric, rows[i].column);
        ck_assert_ptr_nonnull(text);
        ck_assert(isfinite(rows[i].expected) && strtod(text, NULL) == rows[i].expected);
    }
    ck_assert_str_eq(cell(csv, "good", "macro_auroc", "state"), "estimable");
    ck_assert_str_eq(cell(csv, "good", "macro_auroc", "task"), "task");
    ck_assert_str_eq(cell(csv, "good", "macro_auroc", "method"),
                     "mean over 2 seeds of the average over 2 of 3 targets; patient bootstrap, percentile");
    ck_assert_ptr_null(cell(csv, "poor", "macro_auroc_sd_over_seeds", "value"));
    ein_csv_close(csv);
    ein_arms_destroy(a);

    in.minimum = 1000;
    check_ok(ein_arms_compare(&a, NULL, &in));
    csv = table_of(a);
    ck_assert_str_eq(cell(csv, "good", "macro_auroc", "value"), "");
    ck_assert_str_eq(cell(csv, "good", "macro_auroc", "state"), "suppressed");
    ck_assert_str_eq(cell(csv, "good - poor", "macro_auroc_difference", "p"), "");
    ein_csv_close(csv);
    ein_arms_destroy(a);
}
END_TEST

START_TEST(a_p_value_is_never_printed_as_0) {
    const double *labels[TARGETS], *scores[MODELS * TARGETS];
    ein_arms_input in = make(labels, scores);
    ein_arms *a;
    char *text = NULL;
    size_t bytes;
    check_ok(ein_arms_compare(&a, NULL, &in));
    a->pair[0].test.p = 0;
    a->pair[0].adjusted_p.value = 3e-200;
    FILE *stream = open_memstream(&text, &bytes);
    ein_arms_print(a, stream);
    fclose(stream);
    ck_assert_ptr_nonnull(strstr(text, ", p <1e-12, holm <1e-12\n"));
    free(text);
    ein_arms_destroy(a);
}
END_TEST

START_TEST(regressions_are_judged_by_r2) {
    const double *labels[TARGETS], *scores[MODELS * TARGETS];
    ein_arms_input in = make(labels, scores);
    ein_arms *a;
    double mean = 0, residual = 0, spread = 0;
    for (int i = 0; i < N; i++) label[0][i] = noise(99, i);
    for (int i = 0; i < N; i++) score[2 * TARGETS][i] = label[0][i] + 0.3 * noise(77, i);
    in.regression = true;
    in.n_targets = 1;
    in.n_models = 1;
    in.n_arms = 1;
    scores[0] = score[2 * TARGETS];
    for (int i = 0; i < N; i++) mean += label[0][i] / N;
    for (int i = 0; i < N; i++) {
        residual += (label[0][i] - scores[0][i]) * (label[0][i] - scores[0][i]);
        spread += (label[0][i] - mean) * (label[0][i] - mean);
    }
    check_ok(ein_arms_compare(&a, NULL, &in));
    ck_assert(fabs(a->arm[0].figure.value - (1 - residual / spread)) < 1e-12);
    ein_arms_destroy(a);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("arms");
    ein_tap_add(suite, "figures are means over seeds of macro averages", figures_are_means_of_the_definition);
    ein_tap_add(suite, "differences are paired", differences_are_paired);
    ein_tap_add(suite, "identical arms are not tested", identical_arms_are_not_tested);
    ein_tap_add(suite, "nothing to judge by is said", nothing_to_judge_by_is_said);
    ein_tap_add(suite, "the headline is in the table", the_headline_is_in_the_table);
    ein_tap_add(suite, "a p value is never printed as 0", a_p_value_is_never_printed_as_0);
    ein_tap_add(suite, "regressions are judged by R2", regressions_are_judged_by_r2);
    return ein_tap_main(suite);
}
