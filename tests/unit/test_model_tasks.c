/* What a model's outputs mean, in its metadata: round trip, thresholds, hostile texts. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/options/model_tasks.h"
#include "tests/tap.h"

#define check_ok(call) ck_assert_msg((call) == EIN_OK, "%s", ein_error_message())

static const char yaml[] =
    "tasks:\n"
    "  - {name: low, kind: binary, group: clinical, rule: lvef < 35}\n"
    "  - {name: signs, kind: multilabel, group: ecg, columns: [AF, MI]}\n"
    "  - {name: age, kind: regression, group: demographic, columns: [age], unit: years}\n";

static ein_model_tasks *make(void) {
    ein_tasks tasks;
    ein_model_tasks *m;
    check_ok(ein_tasks_parse("test", yaml, strlen(yaml), NULL, &tasks));
    check_ok(ein_model_tasks_new(&tasks, &m));
    ein_tasks_free(&tasks);
    return m;
}

START_TEST(columns_follow_the_tasks) {
    ein_model_tasks *m = make();
    char label[100];
    ck_assert(m->n_tasks == 3 && m->n_targets == 4 && m->n_outputs == 5);
    ck_assert(m->head[1].first_target == 1 && m->head[1].first_output == 2 && m->head[1].n_outputs == 2);
    ck_assert(m->head[2].first_output == 4 && m->head[2].kind == EIN_HEAD_REGRESSION);
    ck_assert_str_eq(ein_model_tasks_label(m, 0, label, sizeof label), "low");
    ck_assert_str_eq(ein_model_tasks_label(m, 2, label, sizeof label), "signs/MI");
    check_ok(ein_head_check(m->head, m->n_tasks, m->n_targets, m->n_outputs));
    ein_model_tasks_destroy(m);
}
END_TEST

START_TEST(thresholds_are_chosen_between_scores) {
    ein_model_tasks *m = make();
    const double score[] = {0.1, 0.2, 0.4, 0.7, 0.9, 0.95}, known[] = {0, 0, 0, 1, NAN, 1};
    check_ok(ein_model_tasks_choose(m, 1, score, known, 6));
    const ein_model_threshold *t = &m->threshold[1];
    ck_assert(t->positive == 2 && t->negative == 3 && t->auroc == 1);
    ck_assert(fabs(t->youden - 0.55) < 1e-12 && fabs(t->closest - 0.55) < 1e-12);
    check_ok(ein_model_tasks_choose(m, 2, score, (double[]){0, 0, 0, 0, 0, NAN}, 6));
    ck_assert(m->threshold[2].negative == 5 && isnan(m->threshold[2].youden) && isnan(m->threshold[2].auroc));
    ein_model_tasks_destroy(m);
}
END_TEST

START_TEST(text_reads_back) {
    ein_model_tasks *m = make(), *back;
    char *text, *again;
    const double mean[] = {0, 0, 0, 58.25}, sd[] = {1, 1, 1, 1.0 / 3}, weight[] = {1, 2.5, 1, 1};
    ein_model_tasks_fit(m, mean, sd, weight);
    m->threshold[0] = (ein_model_threshold){7, 9, 0.75, 0.1, 1.0 / 7};
    check_ok(ein_model_tasks_to_json(m, &text));
    check_ok(ein_model_tasks_parse("file", text, &back));
    ck_assert(back->mean[3] == 58.25 && back->sd[3] == 1.0 / 3 && back->positive_weight[1] == 2.5);
    ck_assert(back->threshold[0].positive == 7 && back->threshold[0].closest == 1.0 / 7 &&
              isnan(back->threshold[2].auroc));
    check_ok(ein_model_tasks_to_json(back, &again));
    ck_assert_str_eq(text, again);
    free(text);
    free(again);
    ein_model_tasks_destroy(m);
    ein_model_tasks_destroy(back);
}
END_TEST

/* Any cut, and any one byte changed, is read or refused, never more. */
START_TEST(damaged_texts_are_refused) {
    ein_model_tasks *m = make(), *back;
    char *text;
    check_ok(ein_model_tasks_to_json(m, &text));
    const size_t n = strlen(text);
    char *copy = malloc(n + 1);
    for (size_t cut = 0; cut < n; cut++) {
        memcpy(copy, text, cut);
        copy[cut] = '\0';
        ck_assert(ein_model_tasks_parse("file", copy, &back) != EIN_OK && back == NULL);
    }
    for (size_t i = 0; i < n; i++) {
        memcpy(copy, text, n + 1);
        copy[i] = (char)(copy[i] ^ 0x15);
        if (ein_model_tasks_parse("file", copy, &back) == EIN_OK)
            ck_assert(ein_head_check(back->head, back->n_tasks, back->n_targets, back->n_outputs) == EIN_OK);
        ein_model_tasks_destroy(back);
    }
    free(copy);
    free(text);
    ein_model_tasks_destroy(m);
}
END_TEST

START_TEST(wrong_texts_are_refused) {
    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "{\"version\":1}",
        "{\"version\":1,\"tasks\":\"tasks: []\",\"targets\":[]}",
        "{\"version\":1,\"tasks\":\"tasks:\\n  - {name: a, kind: binary, group: ecg, rule: x > 1}\\n\",\"targets\":[]}",
        "{\"version\":1,\"tasks\":\"tasks:\\n  - {name: a, kind: binary, group: ecg, rule: x > 1}\\n\",\"targets\":"
        "[{\"name\":\"a\",\"mean\":0,\"sd\":0,\"positive_weight\":1}]}",
        "{\"version\":1,\"tasks\":\"tasks:\\n  - {name: a, kind: binary, group: ecg, rule: x > 1}\\n\",\"targets\":"
        "[{\"name\":\"b\",\"mean\":0,\"sd\":1,\"positive_weight\":1}]}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ein_model_tasks *back;
        ck_assert_msg(ein_model_tasks_parse("file", texts[i], &back) != EIN_OK, "text %zu was taken", i);
        ck_assert_ptr_null(back);
        ck_assert(strstr(ein_error_message(), "file") != NULL);
    }
    ein_model_tasks *back;
    ck_assert_int_eq(ein_model_tasks_parse("file", "{\"version\":2,\"tasks\":\"x\",\"targets\":[]}", &back),
                     EIN_MISMATCH);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("model tasks");
    ein_tap_add(suite, "columns follow the tasks", columns_follow_the_tasks);
    ein_tap_add(suite, "thresholds are chosen between scores", thresholds_are_chosen_between_scores);
    ein_tap_add(suite, "text reads back", text_reads_back);
    ein_tap_add(suite, "damaged texts are refused", damaged_texts_are_refused);
    ein_tap_add(suite, "wrong texts are refused", wrong_texts_are_refused);
    return ein_tap_main(suite);
}
