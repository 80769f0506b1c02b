/* Plans: 10,000 altered ones, signed by nobody and by somebody with a key; versions, dates, keys, schemas. */
#include "tests/unit/site_files.h"

#include "io/formats/json_read.h"
#include "tests/tap.h"

static const char plan_text[] =
    "{\"format\": \"einthoven plan\", \"schema_version\": 1, \"program\": \"einthoven 1\", \"name\": \"n\", "
    "\"purpose\": \"p\","
    "\"created\": \"2026-01-01\", \"expires\": \"2027-01-01\", \"round\": 2, \"rounds\": 2, \"previous\": "
    "\"0000000000000000000000000000000000000000000000000000000000000000\", \"minimum_cell\": 11, "
    "\"largest_bound\": 0.02,"
    "\"contract_hash\": null, \"models\": [{\"name\": \"A\", \"hash\": null, \"probabilities\": true}, "
    "{\"name\": \"B\", "
    "\"hash\": null, \"probabilities\": true}], \"cohort\": {\"text\": \"t\", \"require\": [{\"column\": \"age\", "
    "\"at_least\": 18}, {\"column\": \"c\", \"values\": [\"x\"]}]}, \"record\": \"r\", \"patient\": \"p\", \"tasks\": "
    "[{\"name\": \"t\", \"kind\": \"binary\", \"label\": \"y\", \"scores\": [\"a\", \"b\"], \"edges\": "
    "[0.25, 0.5, 0.75], "
    "\"thresholds\": [0.5]}, {\"name\": \"q\", \"kind\": \"quantity\", \"label\": \"ef\", \"scores\": [\"c\", \"d\"], "
    "\"edges\": [], \"thresholds\": []}], \"subgroups\": [{\"column\": \"sex\", \"values\": [\"f\", \"m\"]}, "
    "{\"column\": \"age\", \"cuts\": [50, 65]}], \"sites\": [{\"name\": \"s\", \"key\": "
    "\"1111111111111111111111111111111111111111111111111111111111111111\"}], \"pooled\": [{\"task\": \"t\", \"model\": "
    "\"A\", \"first\": [0, 2], \"positive\": [20, 30], \"negative\": [40, 50]}]}";

static json_t *plan_body(void) {
    json_t *body = json_loads(plan_text, JSON_REJECT_DUPLICATES, NULL);
    ck_assert(body != NULL);
    return body;
}

static void refuses(const char *text, size_t bytes, ein_status status, const char *words) {
    ein_plan *plan;
    const ein_status got = ein_plan_parse("plan.json", text, bytes, &plan);
    ck_assert_msg(got == status, "%s instead of %s: %s", ein_status_name(got), ein_status_name(status),
                  ein_error_message());
    ck_assert_msg(strstr(ein_error_message(), words) != NULL, "\"%s\" lacks \"%s\"", ein_error_message(),
                  words);
}

START_TEST(test_whole) {
    const ein_site_key key = site_test_key("k");
    json_t *body = plan_body();
    char *text;
    ein_plan *plan;
    ck_assert_msg(ein_signed_make(&ein_signed_plan, body, &key, &text) == EIN_OK, "%s", ein_error_message());
    ck_assert_msg(ein_plan_parse("plan.json", text, strlen(text), &plan) == EIN_OK, "%s",
                  ein_error_message());
    ck_assert_int_eq(plan->n_tasks, 2);
    ck_assert_int_eq(plan->task[0].threshold[0], 1);
    ck_assert_int_eq(plan->pooled[0].first[1], 2);
    ck_assert(memcmp(plan->file.public_key, key.public_key, 32) == 0);
    ein_plan_free(plan);
    free(text);
    json_decref(body);
}
END_TEST

/* Every other text is refused, whatever was changed. */
START_TEST(test_altered_bytes) {
    const ein_site_key key = site_test_key("k");
    json_t *body = plan_body();
    char *text, *copy;
    site_draws draws = {1, 0};
    int refused = 0;
    ck_assert(ein_signed_make(&ein_signed_plan, body, &key, &text) == EIN_OK);
    const size_t bytes = strlen(text);
    ck_assert((copy = malloc(bytes + 1)) != NULL);
    for (int i = 0; i < SITE_TRIES; i++) {
        memcpy(copy, text, bytes + 1);
        const size_t n = site_mutate_text(copy, bytes, &draws);
        ein_plan *plan = NULL;
        ein_error_clear();
        const ein_status status = ein_plan_parse("plan.json", copy, n, &plan);
        if (n == bytes && memcmp(copy, text, n) == 0) {
            ck_assert(status == EIN_OK);
        } else {
            ck_assert_msg(status != EIN_OK, "taken although altered (%d)", i);
            ck_assert(strlen(ein_error_message()) > 20);
            refused++;
        }
        ein_plan_free(plan);
    }
    site_tell_refused("plans altered after they were signed", refused);
    free(copy);
    free(text);
    json_decref(body);
}
END_TEST

/* Somebody with a key signs nonsense: it is refused with a reason, or is a plan that can be told in words. */
START_TEST(test_signed_nonsense) {
    const ein_site_key key = site_test_key("k");
    site_draws draws = {2, 0};
    FILE *nowhere = fopen("/dev/null", "w");
    int refused = 0;
    ck_assert(nowhere != NULL);
    for (int i = 0; i < SITE_TRIES; i++) {
        json_t *body = plan_body();
        for (uint32_t k = 0; k <= site_draw(&draws, 3); k++) site_mutate(body, &draws);
        char *text = site_sign_anything(&ein_signed_plan, body, &key);
        ein_plan *plan = NULL;
        ein_error_clear();
        if (ein_plan_parse("plan.json", text, strlen(text), &plan) == EIN_OK) {
            ein_plan_words(plan, nowhere);
            ck_assert(plan->minimum_cell >= 11 && plan->n_tasks > 0 &&
                      plan->n_models > 0); /* nothing lowers it */
        } else {
            refused++;
            ck_assert(strlen(ein_error_message()) > 20);
        }
        ein_plan_free(plan);
        free(text);
        json_decref(body);
    }
    fclose(nowhere);
    site_tell_refused("plans of nonsense, signed", refused);
    ck_assert_msg(refused > SITE_TRIES * 4 / 5, "%d of %d refused", refused, SITE_TRIES);
}
END_TEST

static void change(const char *pointer, json_t *value, ein_status status, const char *words) {
    const ein_site_key key = site_test_key("k");
    json_t *body = plan_body();
    json_object_set_new(body, pointer, value);
    char *text = site_sign_anything(&ein_signed_plan, body, &key);
    refuses(text, strlen(text), status, words);
    free(text);
    json_decref(body);
}

START_TEST(test_named_refusals) {
    change("schema_version", json_integer(0), EIN_MISMATCH, "older than 1");
    change("schema_version", json_integer(2), EIN_MISMATCH, "take a newer one");
    change("schema_version", json_string("1"), EIN_MISMATCH, "older than 1, or none");
    change("format", json_string("einthoven site result"), EIN_MISMATCH, "where an \"einthoven plan\"");
    change("minimum_cell", json_integer(3), EIN_FORMAT, "minimum_cell: must be at least 5");
    change("minimum_cell", json_real(11.0), EIN_FORMAT, "must be of type integer");
    change("expires", json_string("2027-02-30"), EIN_FORMAT, "no date of the calendar");
    change("expires", json_string("2025-01-01"), EIN_FORMAT, "before it was made");
    change("rounds", json_integer(1), EIN_FORMAT, "round 2 of 1");
    change("pooled", json_null(), EIN_FORMAT, "round 2 of 2, without pooled counts");
    change("largest_bound", json_integer(0), EIN_FORMAT, "must be more than 0");
    change("surprise", json_integer(0), EIN_FORMAT, "\"surprise\" is not part of it");
    change("name", json_string("a\x1b[2J"), EIN_FORMAT, "control characters");
}
END_TEST

/* Two sets that nearly agree would tell by their difference who is in one alone. */
START_TEST(test_overlapping_requests) {
    json_t *body = plan_body();
    json_t *task = json_deep_copy(json_array_get(json_object_get(body, "tasks"), 0));
    json_object_set_new(task, "name", json_string("again"));
    json_object_set_new(task, "edges", json_pack("[f, f, f]", 0.26, 0.5, 0.76));
    json_t *tasks = json_deep_copy(json_object_get(body, "tasks"));
    json_array_append_new(tasks, task);
    change("tasks", tasks, EIN_FORMAT, "one column of labels");
    json_t *groups = json_deep_copy(json_object_get(body, "subgroups"));
    json_array_append_new(groups, json_pack("{s:s, s:[i, i]}", "column", "age", "cuts", 51, 65));
    change("subgroups", groups, EIN_FORMAT, "two sets of subgroups");
    json_decref(body);
}
END_TEST

START_TEST(test_bounds) {
    char deep[64] = "", *wide;
    json_t *out;
    for (int i = 0; i < 20; i++) strcat(deep, "[");
    ck_assert(ein_json_parse("x", deep, strlen(deep), 1000, &out) == EIN_FORMAT);
    ck_assert(strstr(ein_error_message(), "levels deep") != NULL);
    ck_assert(ein_json_parse("x", "{}", 2, 1, &out) == EIN_FORMAT);
    ck_assert(ein_json_parse("x", "[]", 2, 9, &out) == EIN_FORMAT);
    ck_assert(ein_json_parse("x", "{\"a\":1,\"a\":1}", 13, 99, &out) == EIN_FORMAT);
    ck_assert(strstr(ein_error_message(), "duplicate") != NULL);
    ck_assert(ein_json_parse("x", "{\"a\":1e999}", 11, 99, &out) == EIN_FORMAT);
    ck_assert((wide = malloc(2100000)) != NULL);
    memset(wide, ',', 2100000);
    ck_assert(ein_json_parse("x", wide, 2100000, 4000000, &out) == EIN_FORMAT);
    ck_assert(strstr(ein_error_message(), "more than 1000000 values") != NULL);
    free(wide);
}
END_TEST

/* A signature of one kind of file, or by another key, is none. */
START_TEST(test_signatures) {
    const ein_site_key key = site_test_key("k"), other = site_test_key("k");
    uint8_t signature[EIN_SIGNATURE_BYTES];
    ein_sign(signature, "einthoven plan 1", "text", 4, &key);
    ck_assert(ein_sign_verify(signature, "einthoven plan 1", "text", 4, key.public_key));
    ck_assert(!ein_sign_verify(signature, "einthoven plan 1", "texs", 4, key.public_key));
    ck_assert(!ein_sign_verify(signature, "einthoven plan 2", "text", 4, key.public_key));
    ck_assert(!ein_sign_verify(signature, "einthoven site result 1", "text", 4, key.public_key));
    ck_assert(!ein_sign_verify(signature, "einthoven plan 1", "text", 4, other.public_key));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("site plan");
    ein_tap_add(suite, "whole", test_whole);
    ein_tap_add(suite, "altered bytes", test_altered_bytes);
    ein_tap_add(suite, "signed nonsense", test_signed_nonsense);
    ein_tap_add(suite, "named refusals", test_named_refusals);
    ein_tap_add(suite, "overlapping requests", test_overlapping_requests);
    ein_tap_add(suite, "bounds", test_bounds);
    ein_tap_add(suite, "signatures", test_signatures);
    return ein_tap_main(suite);
}
