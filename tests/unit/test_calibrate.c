/* A target's calibration in a model file: which kind is chosen and why, the way through JSON, what must be refused, and
 * files that have none. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/nn/head.h"
#include "jobs/options/model_tasks.h"
#include "tests/tap.h"

#define check_ok(call) ck_assert_msg((call) == EIN_OK, "%s", ein_error_message())

enum { N = 400 };
static double logit[N], label[N];

/* Every fifth is not known; positives are those that a hash of their number says, more with greater logits. */
static void make(int n) {
    for (int i = 0; i < n; i++) {
        logit[i] = (i * 37 % n) * 6.0 / n - 3;
        label[i] = i % 5 == 4 ? NAN : logit[i] + (i * 2654435761u >> 8) % 1000 / 250.0 - 2 > 0;
    }
}

START_TEST(auto_is_platt_or_nothing) {
    ein_calibration c;
    char text[400];
    make(N);
    check_ok(ein_calibration_choose(&c, "auto", logit, label, N));
    ck_assert(c.map.kind == EIN_RECALIBRATE_PLATT && ein_calibrated(&c));
    ck_assert_msg(strstr(c.reason, "fitted on ") && strstr(c.reason, " positives and "), "%s", c.reason);
    ck_assert(strstr(ein_calibration_text(&c, text, sizeof text), "platt: logistic("));
    make(40); /* 16 of each, or so */
    check_ok(ein_calibration_choose(&c, "auto", logit, label, 40));
    ck_assert(!ein_calibrated(&c) && strstr(c.reason, "platt takes at least 20 of each"));
    ck_assert(ein_calibrate(&c, 0) == 0.5 && fabs(ein_calibrate(&c, 1) - 1 / (1 + exp(-1))) < 1e-15);
    check_ok(ein_calibration_choose(&c, "temperature", logit, label, 40));
    ck_assert(c.map.kind == EIN_RECALIBRATE_TEMPERATURE);
    check_ok(ein_calibration_choose(&c, "isotonic", logit, label, 40));
    ck_assert(!ein_calibrated(&c) && strstr(c.reason, "isotonic takes at least 50"));
    make(N);
    check_ok(ein_calibration_choose(&c, "none", logit, label, N));
    ck_assert(!ein_calibrated(&c) && strcmp(c.reason, "not asked for") == 0);
    for (int i = 0; i < N; i++) logit[i] = -logit[i];
    check_ok(ein_calibration_choose(&c, "platt", logit, label, N));
    ck_assert(!ein_calibrated(&c) && strstr(c.reason, "do not rise"));
    ck_assert_int_eq(ein_calibration_choose(&c, "plat", logit, label, N), EIN_USAGE);
}
END_TEST

START_TEST(maps_read_back) {
    static const char *const kinds[] = {"none", "temperature", "platt", "isotonic"};
    make(N);
    for (int k = 0; k < 4; k++) {
        ein_calibration c, back;
        check_ok(ein_calibration_choose(&c, kinds[k], logit, label, N));
        json_t *object = ein_calibration_json(&c);
        char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(17));
        json_t *again = json_loads(text, 0, NULL);
        check_ok(ein_calibration_parse(again, &back));
        ck_assert(back.map.kind == (ein_recalibrate_kind)k && strcmp(back.reason, c.reason) == 0);
        for (double z = -5; z < 5; z += 0.01) ck_assert(ein_calibrate(&c, z) == ein_calibrate(&back, z));
        json_decref(object);
        json_decref(again);
        free(text);
        ein_calibration_free(&c);
        ein_calibration_free(&back);
    }
}
END_TEST

START_TEST(wrong_maps_are_refused) {
    static const char *const bad[] = {
        "{}",
        "[]",
        "{\"kind\": 3}",
        "{\"kind\": \"magic\"}",
        "{\"kind\": \"platt\"}",
        "{\"kind\": \"platt\", \"slope\": -1, \"intercept\": 0}",
        "{\"kind\": \"platt\", \"slope\": 0, \"intercept\": 0}",
        "{\"kind\": \"platt\", \"slope\": 1e9, \"intercept\": 0}",
        "{\"kind\": \"platt\", \"slope\": \"1\", \"intercept\": 0}",
        "{\"kind\": \"platt\", \"slope\": 1}",
        "{\"kind\": \"temperature\", \"slope\": 1, \"intercept\": 2}",
        "{\"kind\": \"isotonic\"}",
        "{\"kind\": \"isotonic\", \"logit\": [0, 1], \"probability\": [0.1]}",
        "{\"kind\": \"isotonic\", \"logit\": [0], \"probability\": [0.1]}",
        "{\"kind\": \"isotonic\", \"logit\": [0, 1], \"probability\": [0.1, 1]}",
        "{\"kind\": \"isotonic\", \"logit\": [0, 1], \"probability\": [0.2, 0.1]}",
        "{\"kind\": \"isotonic\", \"logit\": [1, 1], \"probability\": [0.1, 0.2]}",
        "{\"kind\": \"isotonic\", \"logit\": [0, null], \"probability\": [0.1, 0.2]}",
    };
    for (size_t b = 0; b < sizeof bad / sizeof *bad; b++) {
        ein_calibration c;
        json_t *object = json_loads(bad[b], 0, NULL);
        ck_assert_msg(ein_calibration_parse(object, &c) == EIN_FORMAT, "%s", bad[b]);
        ck_assert(!ein_calibrated(&c) && !c.map.logit);
        json_decref(object);
    }
    char long_reason[400];
    memset(long_reason, 'x', sizeof long_reason - 1);
    long_reason[sizeof long_reason - 1] = '\0';
    json_t *object = json_pack("{s:s, s:s}", "kind", "none", "reason", long_reason);
    ein_calibration c;
    ck_assert_int_eq(ein_calibration_parse(object, &c), EIN_FORMAT);
    json_decref(object);
}
END_TEST

START_TEST(tasks_carry_their_maps) {
    static const char yaml[] =
        "tasks:\n"
        "  - {name: signs, kind: multilabel, group: ecg, columns: [AF, MI]}\n"
        "  - {name: age, kind: regression, group: demographic, columns: [age], unit: years}\n";
    ein_tasks tasks;
    ein_model_tasks *m, *back;
    char *before, *text, *again;
    make(N);
    check_ok(ein_tasks_parse("test", yaml, strlen(yaml), NULL, &tasks));
    check_ok(ein_model_tasks_new(&tasks, &m));
    check_ok(ein_model_tasks_to_json(m, &before));
    ck_assert(!strstr(before, "calibration")); /* as earlier programs wrote it */
    check_ok(ein_model_tasks_parse("file", before, &back));
    ck_assert(!ein_calibrated(&back->calibration[0]) && !back->calibration[0].reason[0]);
    ein_model_tasks_destroy(back);
    check_ok(ein_model_tasks_calibrate(m, 0, "auto", logit, label, N));
    check_ok(ein_model_tasks_calibrate(m, 1, "isotonic", logit, label, N));
    check_ok(ein_model_tasks_calibrate(m, 2, "auto", logit, label, N));
    ck_assert(m->calibration[0].map.kind == EIN_RECALIBRATE_PLATT);
    ck_assert(m->calibration[1].map.kind == EIN_RECALIBRATE_ISOTONIC);
    ck_assert(!ein_calibrated(&m->calibration[2]) && !m->calibration[2].reason[0]); /* a number has none */
    check_ok(ein_model_tasks_to_json(m, &text));
    check_ok(ein_model_tasks_parse("file", text, &back));
    check_ok(ein_model_tasks_to_json(back, &again));
    ck_assert_str_eq(text, again);
    char *damaged = strstr(text, "\"kind\":\"isotonic\"");
    memcpy(damaged, "\"kind\":\"isotanic\"", strlen("\"kind\":\"isotonic\""));
    ein_model_tasks_destroy(back);
    ck_assert_int_eq(ein_model_tasks_parse("some.file", text, &back), EIN_FORMAT);
    ck_assert(strstr(ein_error_message(), "some.file: einthoven.tasks: target MI"));
    free(before);
    free(text);
    free(again);
    ein_model_tasks_destroy(m);
    ein_tasks_free(&tasks);
}
END_TEST

/* Scores are the logistic of logits, to the last bit. */
START_TEST(scores_are_those_of_logits) {
    const double mean = 50, sd = 7;
    const ein_head_task head[] = {{.kind = EIN_HEAD_BINARY, .n_targets = 1, .n_outputs = 2, .weight = 1},
                                  {.kind = EIN_HEAD_MULTILABEL,
                                   .first_target = 2,
                                   .n_targets = 2,
                                   .first_output = 2,
                                   .n_outputs = 2,
                                   .weight = 1},
                                  {.kind = EIN_HEAD_REGRESSION,
                                   .first_target = 1,
                                   .n_targets = 1,
                                   .first_output = 4,
                                   .n_outputs = 1,
                                   .weight = 1,
                                   .mean = &mean,
                                   .sd = &sd}};
    const float x[] = {0.3f, -1.7f, 40, -3.5f, 0.25f, 9, 9.5f, -200, 0, -1};
    double z[10], score[10], again[10];
    head_logit(z, x, head, 3, 2, 5, 5);
    head_score(score, x, head, 3, 2, 5, 5);
    ein_head_score_of_logit(again, z, head, 3, 2, 5);
    for (int i = 0; i < 10; i++)
        ck_assert(i % 5 == 4 ? isnan(again[i]) && isnan(score[i]) : score[i] == again[i]);
    ck_assert(z[0] == (double)-1.7f - (double)0.3f && z[2] == 40 && z[1] == 0.25 * 7 + 50 &&
              score[1] == z[1]);
    ck_assert(score[2] == 1 / (1 + exp(-40)) && z[7] == -200);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("calibrate");
    ein_tap_add(suite, "auto is Platt's map, or none with its reason", auto_is_platt_or_nothing);
    ein_tap_add(suite, "maps read back from JSON", maps_read_back);
    ein_tap_add(suite, "wrong maps are refused", wrong_maps_are_refused);
    ein_tap_add(suite, "a model's tasks carry their maps", tasks_carry_their_maps);
    ein_tap_add(suite, "scores are those of logits", scores_are_those_of_logits);
    return ein_tap_main(suite);
}
