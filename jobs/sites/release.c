/* release: a person at the site approves exactly these bytes; they are signed and entered into the ledger. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/base/durable.h"
#include "io/base/lock.h"
#include "io/base/outputs.h"
#include "io/formats/json_read.h"
#include "io/sites/tables.h"
#include "jobs/sites/site.h"

static const ein_option table_release[] = {
    {"release.key", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "", "this site's secret key"},
    {"release.by", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "who approves; stands in the ledger, which stays at the site"},
    {"release.approve", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "hash of what is approved, at least 16 digits, as the release sheet has it; unset: show the sheet"},
    {"release.budget", EIN_OPT_REAL, NULL, 0.001, 1000, NULL, "",
     "epsilon that this site will spend in all its releases with noise; needed at the first, later ones may lower it"},
    {"release.outside_budget", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "",
     "release exact counts although this site keeps a privacy budget, which they are outside of"},
    {"release.today", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "date to take for today, where a machine's clock is wrong; unset: the clock's, in UTC"},
    {0},
};

static const ein_option *const tables[] = {table_release, NULL};
static const ein_flag flags[] = {{"--key", "FILE", "release.key"},
                                 {"--by", "NAME", "release.by"},
                                 {"--approve", "HASH", "release.approve"},
                                 {"--budget", "EPSILON", "release.budget"},
                                 {0}};

enum { LEAST_DIGITS = 16, MOST_SHEET = 1 << 22 };

/* What is to be released. */
typedef struct {
    const ein_config *config;
    char private_folder[EIN_SITE_PATH_BYTES];
    char *text; /* of the candidate */
    char hash[EIN_HASH_TEXT_BYTES];
    json_t *body;
    ein_plan *plan;
    ein_site_key key;
    ein_site_tables tables;
    ein_ledger ledger;
    int64_t epsilon, budget; /* thousandths; what the entry says */
} candidate;

static void candidate_free(candidate *x) {
    free(x->text);
    json_decref(x->body);
    ein_plan_free(x->plan);
    ein_site_key_wipe(&x->key);
    ein_site_tables_free(&x->tables);
    ein_ledger_free(&x->ledger);
}

static ein_status load(candidate *x, const char *folder) {
    char path[EIN_SITE_PATH_BYTES];
    size_t bytes;
    snprintf(x->private_folder, sizeof x->private_folder, "%.4000s/site-private", folder);
    snprintf(path, sizeof path, "%.4000s/site-private/candidate.json", folder);
    EIN_TRY(ein_file_read(path, (int64_t)ein_signed_result.max_bytes, &x->text, &bytes));
    ein_hash_text(x->text, bytes, x->hash);
    EIN_TRY(ein_json_parse(path, x->text, bytes, ein_signed_result.max_bytes, &x->body));
    EIN_TRY(ein_signed_check_body(&ein_signed_result, path, x->body));
    snprintf(path, sizeof path, "%.4000s/site-private/plan.json", folder);
    return ein_plan_read(path, &x->plan);
}

static ein_status show_sheet(const char *folder) {
    char path[EIN_SITE_PATH_BYTES], *text;
    size_t bytes;
    snprintf(path, sizeof path, "%.4000s/site-private/RELEASE-SHEET.txt", folder);
    EIN_TRY(ein_file_read(path, MOST_SHEET, &text, &bytes));
    fputs(text, stdout);
    free(text);
    printf("\nNothing was released.\n");
    return EIN_OK;
}

/* --- checks
 * ---------------------------------------------------------------------------------------------------------- */

static ein_status check_approval(const candidate *x) {
    const char *approved = ein_config_string(x->config, "release.approve"),
               *by = ein_config_string(x->config, "release.by");
    if (!by || strlen(by) < 2 || strlen(by) > 200)
        return ein_error(EIN_USAGE, "who approves? --by NAME stands in this site's ledger");
    if (strlen(approved) < LEAST_DIGITS)
        return ein_error(EIN_USAGE, "--approve: at least %d digits of the hash are needed", LEAST_DIGITS);
    if (!strncmp(approved, x->hash, strlen(approved))) return EIN_OK;
    return ein_error(
        EIN_MISMATCH,
        "what was approved (%.16s) is not what is there (%.16s): the candidate was made anew or altered; read "
        "its sheet again",
        approved, x->hash);
}

static ein_status check_plan(const candidate *x) {
    char today[11];
    const char *plan = json_string_value(json_object_get(x->body, "plan"));
    EIN_TRY(ein_site_today(x->config, "release.today", today));
    if (strcmp(plan, x->plan->file.hash) != 0)
        return ein_error(EIN_MISMATCH, "the candidate was made under another plan than the one beside it");
    if (strcmp(today, x->plan->expires) > 0)
        return ein_error(EIN_USAGE, "the plan expired on %s, and today is %s", x->plan->expires, today);
    return EIN_OK;
}

static ein_status check_key(candidate *x) {
    char own[2 * EIN_PUBLIC_KEY_BYTES + 1];
    const char *site = json_string_value(json_object_get(x->body, "site"));
    const char *key = ein_plan_site_key(x->plan, site);
    ein_hex(x->key.public_key, sizeof x->key.public_key, own);
    if (key && !strcmp(key, own)) return EIN_OK;
    return ein_error(EIN_MISMATCH, "the key is not that of site %s in the plan", site);
}

/* The ledger may have grown since the candidate was made. */
static ein_status check_ledger(const candidate *x) {
    ein_release_rules rules = EIN_RELEASE_DEFAULTS;
    rules.minimum = (double)json_integer_value(json_object_get(x->body, "minimum_cell"));
    for (int i = 0; i < x->ledger.tables.n; i++)
        for (int k = 0; k < x->tables.n; k++) {
            ein_release verdict;
            double least;
            if (ein_site_table_is_ranks(&x->ledger.tables.item[i]) ||
                ein_site_table_is_ranks(&x->tables.item[k]))
                continue;
            EIN_TRY(ein_overlap_judge(&verdict, &least, &x->ledger.tables.item[i].table,
                                      &x->tables.item[k].table, rules));
            if (verdict != EIN_RELEASE_GRANTED)
                return ein_error(
                    EIN_MISMATCH,
                    "%.200s, beside %.200s of the ledger, would tell of %.1f patients by their difference; run "
                    "evaluate --plan again",
                    x->tables.item[k].name, x->ledger.tables.item[i].name, least);
        }
    return EIN_OK;
}

/* What is spent with this release, and of what: *budget becomes the budget that the entry sets, -1: none. */
static ein_status check_budget(const candidate *x, int64_t *epsilon, int64_t *budget) {
    ein_plan_noise noise;
    int64_t spent, limit;
    const bool kept = ein_ledger_budget(&x->ledger, &spent, &limit);
    const bool given = ein_config_is_set(x->config, "release.budget");
    EIN_TRY(ein_plan_noise_of(&noise, "the candidate", x->body));
    *epsilon = noise.thousandths;
    *budget = given ? llround(1000 * ein_config_real(x->config, "release.budget")) : -1;
    if (*epsilon == 0) {
        if (!kept || ein_config_bool(x->config, "release.outside_budget")) return EIN_OK;
        return ein_error(
            EIN_USAGE, "this site keeps a privacy budget, and exact counts are outside of any; evaluate with "
                       "--epsilon, or --set release.outside_budget=true");
    }
    if (!kept && !given)
        return ein_error(
            EIN_USAGE,
            "the first release with noise: --budget EPSILON says how much this site will spend in all");
    if (kept && given && *budget > limit)
        return ein_error(EIN_USAGE, "--budget %.9g: the ledger says %.9g, which can only be lowered",
                         (double)*budget / 1000, (double)limit / 1000);
    if (kept && !given) *budget = limit;
    if (spent + *epsilon <= *budget) return EIN_OK;
    return ein_error(
        EIN_USAGE,
        "the privacy budget is exhausted: %.9g of %.9g are spent, and this release would spend %.9g",
        (double)spent / 1000, (double)*budget / 1000, (double)*epsilon / 1000);
}

/* --- release
 * --------------------------------------------------------------------------------------------------------- */

static ein_status enter(const candidate *x, const char *ledger, const char *result_hash) {
    char today[11];
    EIN_TRY(ein_site_today(x->config, "release.today", today));
    json_t *about =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:O, s:O}", "format", "einthoven ledger entry", "plan",
                  x->plan->file.hash, "plan_name", x->plan->name, "result", result_hash, "approved_by",
                  ein_config_string(x->config, "release.by"), "date", today, "round",
                  json_object_get(x->body, "round"), "site", json_object_get(x->body, "site"));
    if (!about) return ein_error(EIN_NOMEM, "no memory for an entry of the ledger (is the name UTF-8?)");
    if (x->plan->recalibration)
        json_object_set(about, "recalibration", json_object_get(x->plan->file.body, "recalibration"));
    if (x->epsilon > 0) json_object_set_new(about, "epsilon_thousandths", json_integer(x->epsilon));
    if (x->budget >= 0) json_object_set_new(about, "budget_thousandths", json_integer(x->budget));
    const ein_status status = ein_ledger_add(ledger, &x->ledger, about, &x->tables);
    json_decref(about);
    return status;
}

/* The ledger first: what may have left is in it, whatever happens in between. */
static ein_status publish(const candidate *x, const char *folder, const char *ledger) {
    char path[EIN_SITE_PATH_BYTES], hash[EIN_HASH_TEXT_BYTES], *text = NULL;
    const char *file = path;
    ein_outputs *output;
    snprintf(path, sizeof path, "%.4000s/%s.result.json", folder,
             json_string_value(json_object_get(x->body, "site")));
    EIN_TRY(ein_outputs_begin(&file, 1, NULL, true, &output));
    ein_status status = ein_signed_make(&ein_signed_result, x->body, &x->key, &text);
    if (status == EIN_OK) ein_hash_text(text, strlen(text), hash);
    if (status == EIN_OK) status = enter(x, ledger, hash);
    if (status == EIN_OK) status = ein_durable_write(path, text, strlen(text));
    if (status == EIN_OK) status = ein_outputs_publish(output);
    ein_outputs_end(output);
    free(text);
    if (status == EIN_OK) printf("%s: signed; send this file and nothing else\nBLAKE2b-256 %s\n", path, hash);
    return status;
}

static ein_status release_locked(candidate *x, const char *folder, const char *ledger) {
    char path[EIN_SITE_PATH_BYTES];
    EIN_TRY(ein_ledger_read(ledger, &x->ledger));
    snprintf(path, sizeof path, "%.4100s/tables.csv", x->private_folder);
    EIN_TRY(ein_site_tables_read(path, "", &x->tables));
    EIN_TRY(check_ledger(x));
    EIN_TRY(check_budget(x, &x->epsilon, &x->budget));
    return publish(x, folder, ledger);
}

static ein_status release(candidate *x, const char *folder) {
    const char *key = ein_config_string(x->config, "release.key");
    char ledger[EIN_SITE_PATH_BYTES], lock_path[EIN_SITE_PATH_BYTES + 8];
    ein_lock *lock;
    if (!ein_config_is_set(x->config, "release.approve")) return show_sheet(folder);
    if (!key) return ein_error(EIN_USAGE, "--key FILE names this site's secret key");
    EIN_TRY(load(x, folder));
    EIN_TRY(check_approval(x));
    EIN_TRY(check_plan(x));
    EIN_TRY(ein_site_key_read(key, &x->key));
    EIN_TRY(check_key(x));
    ein_site_ledger_path(ledger, key);
    snprintf(lock_path, sizeof lock_path, "%s.lock", ledger);
    EIN_TRY(ein_lock_take(lock_path, "the ledger of releases", &lock, NULL));
    const ein_status status = release_locked(x, folder, ledger);
    ein_lock_release(lock, true);
    return status;
}

static ein_status run(ein_job *job) {
    candidate x = {.config = job->config};
    ein_status status = EIN_OK;
    if (ein_comm_rank(job->comm) == 0) status = release(&x, job->operands[0]);
    candidate_free(&x);
    return ein_comm_share(job->comm, status);
}

const ein_command ein_command_release = {
    .name = "release",
    .summary = "approve what a site's run of a plan would send, sign it, and enter it into the site's ledger",
    .operands = "FOLDER",
    .description =
        "FOLDER is that of evaluate --plan. Without --approve the release sheet is shown: in words, what "
        "would leave and\n"
        "what not. --approve takes the hash that the sheet ends with: it binds the approval to exactly these bytes.\n"
        "The ledger (KEY.ledger) keeps, under keyed hashes, who was counted in which cell, so that no later release\n"
        "tells of single patients by its difference from this one.\n\n"
        "    einthoven release results/plan\n"
        "    einthoven release results/plan --key north.key --by \"A. Person\" --approve 0123456789abcdef",
    .tables = tables,
    .flags = flags,
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
