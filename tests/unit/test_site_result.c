/* Results: 10,000 altered ones, signed by nobody and by the site itself; those for another plan, model, round, site. */
#include "io/sites/result.h"
#include "tests/tap.h"
#include "tests/unit/site_files.h"

static const char plan_text[] =
    "{\"format\": \"einthoven plan\", \"schema_version\": 1, \"program\": \"e\", \"name\": \"n\", \"purpose\": \"\", "
    "\"created\": \"2026-01-01\", \"expires\": \"2027-01-01\", \"round\": 1, \"rounds\": 1, \"previous\": null, "
    "\"minimum_cell\": 11, \"largest_bound\": 0.5, \"contract_hash\": null, \"models\": [{\"name\": \"A\", \"hash\": "
    "\"00000000000000000000000000000000000000000000000000000000000000aa\", \"probabilities\": true}, {\"name\": \"B\", "
    "\"hash\": \"00000000000000000000000000000000000000000000000000000000000000bb\", \"probabilities\": true}], "
    "\"cohort\": {\"text\": \"\", \"require\": []}, \"record\": \"r\", \"patient\": \"p\", \"tasks\": "
    "[{\"name\": \"t\", "
    "\"kind\": \"binary\", \"label\": \"y\", \"scores\": [\"a\", \"b\"], \"edges\": [0.25, 0.5, 0.75], \"thresholds\": "
    "[0.5]}], \"subgroups\": [], \"sites\": [], \"pooled\": null}";

#define MODEL(NAME)                                                                                            \
    "{\"name\": \"" NAME                                                                                       \
    "\", \"withheld\": null, \"first\": [0, 2], \"positive\": [20, 30], \"negative\": [40, 50], "              \
    "\"bound\": 0.2, \"auroc\": {\"value\": 0.7, \"delong\": 0.001, \"clustered\": 0.002}, \"calibration\": "  \
    "{\"p\": [15.5, 60.25], \"p2\": [6.5, 45.0], \"py\": [5.5, 25.0]}, \"thresholds\": [{\"threshold\": 0.5, " \
    "\"true_positive\": 30, \"false_positive\": 50}], \"sums\": null, \"quantity\": null}"

static const char result_text[] =
    "{\"format\": \"einthoven site result\", \"schema_version\": 1, \"program\": \"e\", \"plan\": \"\", \"round\": 1, "
    "\"site\": \"north\", \"created\": \"2026-06-01\", \"minimum_cell\": 11, \"contract_hash\": null, \"models\": ["
    "\"00000000000000000000000000000000000000000000000000000000000000aa\", "
    "\"00000000000000000000000000000000000000000000000000000000000000bb\"], \"not_eligible\": null, "
    "\"tasks\": [{\"name\": "
    "\"t\", \"withheld\": null, \"unusable\": 12, \"n_positive\": 50, \"n_negative\": 90, \"patients\": "
    "{\"positive\": 45, "
    "\"negative\": 80, \"either\": 120}, \"models\": [" MODEL("A") ", " MODEL(
        "B") "], \"pairs\": [{\"first\": \"A\", "
             "\"second\": \"B\", \"difference\": {\"value\": 0.01, \"delong\": 0.0001, \"clustered\": "
             "0.0002}, \"sums\": null}], "
             "\"subgroups\": [{\"column\": \"sex\", \"withheld\": null, \"groups\": [{\"name\": \"f\", "
             "\"n_positive\": 20, "
             "\"n_negative\": 40, \"models\": [{\"name\": \"A\", \"auroc\": null}, {\"name\": \"B\", "
             "\"auroc\": null}]}]}]}]}";

typedef struct {
    ein_site_key coordinator, site, other;
    ein_plan *plan;
} world;

static json_t *load(const char *text) {
    json_t *body = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    ck_assert(body != NULL);
    return body;
}

static void world_new(world *w) {
    char hex[65], hex_other[65], *text;
    w->coordinator = site_test_key("c");
    w->site = site_test_key("s");
    w->other = site_test_key("o");
    ein_hex(w->site.public_key, 32, hex);
    ein_hex(w->other.public_key, 32, hex_other);
    json_t *body = load(plan_text);
    json_object_set_new(body, "sites",
                        json_pack("[{s:s, s:s}, {s:s, s:s}]", "name", "north", "key", hex, "name", "south",
                                  "key", hex_other));
    ck_assert_msg(ein_signed_make(&ein_signed_plan, body, &w->coordinator, &text) == EIN_OK, "%s",
                  ein_error_message());
    ck_assert_msg(ein_plan_parse("plan", text, strlen(text), &w->plan) == EIN_OK, "%s", ein_error_message());
    free(text);
    json_decref(body);
}

static json_t *result_body(const world *w) {
    json_t *body = load(result_text);
    json_object_set_new(body, "plan", json_string(w->plan->file.hash));
    return body;
}

/* Parse; the message of a refusal is a sentence. */
static ein_status parse(const world *w, const char *text, size_t bytes) {
    ein_result r;
    ein_error_clear();
    const ein_status status = ein_result_parse("north.json", text, bytes, w->plan, &r);
    if (status == EIN_OK)
        ein_result_free(&r, w->plan);
    else
        ck_assert_msg(strlen(ein_error_message()) > 20, "\"%s\"", ein_error_message());
    return status;
}

START_TEST(test_whole) {
    world w;
    char *text;
    world_new(&w);
    json_t *body = result_body(&w);
    ck_assert_msg(ein_signed_make(&ein_signed_result, body, &w.site, &text) == EIN_OK, "%s",
                  ein_error_message());
    ck_assert_msg(parse(&w, text, strlen(text)) == EIN_OK, "%s", ein_error_message());
    free(text);
    json_decref(body);
    ein_plan_free(w.plan);
}
END_TEST

START_TEST(test_altered_bytes) {
    world w;
    char *text, *copy;
    site_draws draws = {11, 0};
    int refused = 0;
    world_new(&w);
    json_t *body = result_body(&w);
    ck_assert(ein_signed_make(&ein_signed_result, body, &w.site, &text) == EIN_OK);
    const size_t bytes = strlen(text);
    ck_assert((copy = malloc(bytes + 1)) != NULL);
    for (int i = 0; i < SITE_TRIES; i++) {
        memcpy(copy, text, bytes + 1);
        const size_t n = site_mutate_text(copy, bytes, &draws);
        const bool same = n == bytes && memcmp(copy, text, n) == 0;
        ein_error_clear();
        ck_assert_msg((parse(&w, copy, n) == EIN_OK) == same, "taken although altered (%d)", i);
        ck_assert(same || strlen(ein_error_message()) > 20);
        refused += !same;
    }
    site_tell_refused("results altered after they were signed", refused);
    free(copy);
    free(text);
    json_decref(body);
    ein_plan_free(w.plan);
}
END_TEST

/* The site itself signs nonsense. What is taken has to agree with itself; most is refused. */
START_TEST(test_signed_nonsense) {
    world w;
    site_draws draws = {12, 0};
    int refused = 0;
    world_new(&w);
    for (int i = 0; i < SITE_TRIES; i++) {
        json_t *body = result_body(&w);
        for (uint32_t k = 0; k <= site_draw(&draws, 3); k++) site_mutate(body, &draws);
        char *text = site_sign_anything(&ein_signed_result, body, &w.site);
        ein_error_clear();
        if (parse(&w, text, strlen(text)) != EIN_OK) {
            refused++;
            ck_assert(strlen(ein_error_message()) > 20);
        }
        free(text);
        json_decref(body);
    }
    site_tell_refused("results of nonsense, signed", refused);
    ck_assert_msg(refused > SITE_TRIES * 4 / 5, "%d of %d refused", refused, SITE_TRIES);
    ein_plan_free(w.plan);
}
END_TEST

/* change PATH... to a value, sign as the site, and expect a refusal with these words. */
static void change(const world *w, json_t *at, json_t *body, const char *key, json_t *value,
                   ein_status status, const char *words) {
    json_object_set_new(at ? at : body, key, value);
    char *text = site_sign_anything(&ein_signed_result, body, &w->site);
    const ein_status got = parse(w, text, strlen(text));
    ck_assert_msg(got == status && strstr(ein_error_message(), words) != NULL,
                  "%s, not %s: \"%s\" lacks \"%s\"", ein_status_name(got), ein_status_name(status),
                  ein_error_message(), words);
    free(text);
    json_decref(body);
}

START_TEST(test_named_refusals) {
    world w;
    world_new(&w);
    json_t *b;
    static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
    change(&w, NULL, result_body(&w), "plan", json_string(zeros), EIN_MISMATCH, "for another plan");
    change(&w, NULL, result_body(&w), "round", json_integer(2), EIN_MISMATCH,
           "of round 2, the plan is round 1");
    change(&w, NULL, result_body(&w), "site", json_string("east"), EIN_MISMATCH, "not in the plan");
    change(&w, NULL, result_body(&w), "site", json_string("south"), EIN_MISMATCH,
           "not signed by that site's key");
    change(&w, NULL, result_body(&w), "created", json_string("2027-06-01"), EIN_MISMATCH,
           "when the plan had expired");
    change(&w, NULL, result_body(&w), "created", json_string("2025-06-01"), EIN_MISMATCH, "before the plan");
    change(&w, NULL, result_body(&w), "minimum_cell", json_integer(10), EIN_MISMATCH,
           "the plan's minimum is 11");
    change(&w, NULL, result_body(&w), "schema_version", json_integer(0), EIN_MISMATCH, "older");
    change(&w, NULL, result_body(&w), "models", json_pack("[s, s]", zeros, zeros), EIN_MISMATCH,
           "of another model A");
    change(&w, NULL, result_body(&w), "minimum_cell", json_integer(21), EIN_FORMAT,
           "below the minimum of 21");
    b = result_body(&w);
    change(&w, json_array_get(json_object_get(b, "tasks"), 0), b, "n_positive", json_integer(51), EIN_FORMAT,
           "other totals");
    b = result_body(&w);
    change(&w, json_array_get(json_object_get(json_array_get(json_object_get(b, "tasks"), 0), "models"), 0),
           b, "first", json_pack("[i, i]", 0, 9), EIN_FORMAT, "none of the plan's");
    b = result_body(&w);
    json_t *model =
        json_array_get(json_object_get(json_array_get(json_object_get(b, "tasks"), 0), "models"), 0);
    change(&w, json_object_get(model, "calibration"), b, "p", json_pack("[f, f]", 70.0, 60.25), EIN_FORMAT,
           "a sum of probabilities of 70 over 60 records");
    ein_plan_free(w.plan);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("site result");
    ein_tap_add(suite, "whole", test_whole);
    ein_tap_add(suite, "altered bytes", test_altered_bytes);
    ein_tap_add(suite, "signed nonsense", test_signed_nonsense);
    ein_tap_add(suite, "named refusals", test_named_refusals);
    return ein_tap_main(suite);
}
