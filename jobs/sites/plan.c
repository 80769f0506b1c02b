/* plan: the coordinator's description becomes a signed plan. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/durable.h"
#include "io/base/outputs.h"
#include "io/model/model.h"
#include "io/sites/plan.h"
#include "jobs/cli/command.h"
#include "jobs/sites/expect.h"
#include "jobs/sites/mock.h"
#include "jobs/sites/recalibration.h"
#include "jobs/sites/second.h"
#include "jobs/sites/site.h"

static const ein_option table_plan[] = {
    {"plan.key", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "the coordinator's secret key (einthoven keys)"},
    {"plan.out", EIN_OPT_STRING, "plan.json", EIN_UNBOUNDED, NULL, "", "file of the plan"},
    {"plan.overwrite", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "",
     "replace an earlier plan of that name"},
    {"plan.today", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "date to take for today, where a machine's clock is wrong; unset: the clock's, in UTC"},
    {"plan.mock", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "also write a SYNTHETIC table with the columns that the plan asks for, on which sites can rehearse"},
    {"plan.mock_records", EIN_OPT_INT, "2000", 10, 1000000, NULL, "records", "of that table"},
    {"plan.from", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "plan of the round before; the operands are its sites' results, and what is made is the plan of the next round"},
    {"plan.recalibrate", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "",
     "with --from a plan of round 1: the next round fits intercept and slope of each model's logit over all sites"},
    {"plan.expect", EIN_OPT_LIST, NULL, EIN_UNBOUNDED, NULL, "",
     "TASK=POSITIVES/NEGATIVES, a site each: says beforehand how many bins such sites could send and share"},
    {"plan.schema", EIN_OPT_CHOICE, NULL, EIN_UNBOUNDED, "plan|result", "",
     "print the published JSON Schema of plans or of results, and nothing else"},
    {0},
};

static const ein_option *const tables[] = {table_plan, NULL};
static const ein_flag flags[] = {{"--key", "FILE", "plan.key"},
                                 {"--out", "FILE", "plan.out"},
                                 {"--overwrite", NULL, "plan.overwrite"},
                                 {"--mock", "TABLE.csv", "plan.mock"},
                                 {"--from", "PLAN.json", "plan.from"},
                                 {"--recalibrate", NULL, "plan.recalibrate"},
                                 {"--expect", "TASK=P/N,...", "plan.expect"},
                                 {"--schema", "plan|result", "plan.schema"},
                                 {0}};

/* What sites would leave, as text of the caller's; judged before anything is written. */
static ein_status expected_text(char **text, const ein_plan *plan, const ein_config *c) {
    size_t bytes;
    FILE *out = open_memstream(text, &bytes);
    if (!out) return ein_error(EIN_NOMEM, "no memory for what sites would leave");
    const ein_status status = ein_site_tell_expected(out, plan, c, "plan.expect");
    return fclose(out) == 0 || status != EIN_OK
               ? status
               : ein_error(EIN_NOMEM, "no memory for what sites would leave");
}

static ein_status write_all(const ein_config *c, const char *path, const char *text, const ein_plan *plan) {
    ein_outputs *output;
    const char *mock = ein_config_string(c, "plan.mock");
    const char *const paths[] = {path, mock};
    EIN_TRY(ein_outputs_begin(paths, 2, NULL, ein_config_bool(c, "plan.overwrite"), &output));
    ein_status status = ein_durable_write(path, text, strlen(text));
    if (status == EIN_OK && mock)
        status = ein_site_mock(mock, plan, (int)ein_config_int(c, "plan.mock_records"));
    if (status == EIN_OK) status = ein_outputs_publish(output);
    ein_outputs_end(output);
    return status;
}

/* Write the plan, and the table to rehearse on, and say what it is. */
static ein_status publish(const ein_config *c, const char *path, const char *text) {
    ein_plan *plan = NULL;
    char *expected = NULL;
    ein_status status = ein_plan_parse(path, text, strlen(text), &plan);
    if (status == EIN_OK) status = expected_text(&expected, plan, c);
    if (status == EIN_OK) status = write_all(c, path, text, plan);
    if (status == EIN_OK) {
        printf("%s, BLAKE2b-256 %s\n\n", path, plan->file.hash);
        ein_plan_words(plan, stdout);
        fputs(expected, stdout);
    }
    free(expected);
    ein_plan_free(plan);
    return status;
}

static ein_status sign(const ein_config *c, const json_t *body) {
    const char *key_path = ein_config_string(c, "plan.key"), *path = ein_config_string(c, "plan.out");
    ein_site_key key;
    char *text = NULL;
    if (!key_path)
        return ein_error(EIN_USAGE,
                         "--key FILE names the coordinator's secret key; einthoven keys makes one");
    EIN_TRY(ein_site_key_read(key_path, &key));
    ein_status status = ein_signed_make(&ein_signed_plan, body, &key, &text);
    ein_site_key_wipe(&key);
    if (status == EIN_OK) status = publish(c, path, text);
    free(text);
    return status;
}

static ein_status make(const ein_config *c, const char *description) {
    char today[11], program[64];
    json_t *body = NULL;
    snprintf(program, sizeof program, "einthoven %s", ein_version());
    EIN_TRY(ein_site_today(c, "plan.today", today));
    EIN_TRY(ein_plan_from_yaml(description, program, today, ein_model_hash, &body));
    ein_status status = EIN_OK;
    const char *expires = json_string_value(json_object_get(body, "expires"));
    if (strcmp(expires, today) < 0)
        status = ein_error(EIN_USAGE, "%s: expires on %s, and today is %s", description, expires, today);
    if (status == EIN_OK) status = sign(c, body);
    json_decref(body);
    return status;
}

/* A further round, whose plan the same coordinator signs. */
static ein_status make_second(const ein_job *job, const char *from) {
    char today[11];
    ein_plan *first = NULL;
    ein_result *results = NULL;
    json_t *body = NULL;
    const char *key = ein_config_string(job->config, "plan.key");
    if (job->n_operands == 0) return ein_error(EIN_USAGE, "--from: the results of round 1 are the operands");
    EIN_TRY(ein_site_today(job->config, "plan.today", today));
    EIN_TRY(ein_plan_read(from, &first));
    ein_status status = ein_site_check_plan(first, key, today);
    if (status == EIN_OK) status = ein_results_read(job->operands, job->n_operands, first, &results);
    if (status == EIN_OK)
        status = first->recalibration || ein_config_bool(job->config, "plan.recalibrate")
                     ? ein_plan_recalibration(&body, first, results, job->n_operands, today)
                     : ein_plan_second(&body, first, results, job->n_operands, today, stderr);
    if (status == EIN_OK) status = sign(job->config, body);
    json_decref(body);
    ein_results_free(results, job->n_operands, first);
    ein_plan_free(first);
    return status;
}

static ein_status plan(const ein_job *job) {
    const char *schema = ein_config_string(job->config, "plan.schema");
    if (schema) {
        fputs(!strcmp(schema, "plan") ? ein_signed_plan.schema : ein_signed_result.schema, stdout);
        return EIN_OK;
    }
    const char *from = ein_config_string(job->config, "plan.from");
    if (from) return make_second(job, from);
    if (job->n_operands != 1)
        return ein_error(EIN_USAGE, "one description is needed: einthoven plan plan.yaml --key FILE");
    return make(job->config, job->operands[0]);
}

static ein_status run(ein_job *job) {
    return ein_comm_share(job->comm, ein_comm_rank(job->comm) == 0 ? plan(job) : EIN_OK);
}

const ein_command ein_command_plan = {
    .name = "plan",
    .summary = "turn a coordinator's description into a signed plan for sites",
    .operands = "DESCRIPTION.yaml | RESULT.json...",
    .description =
        "The description says which models are evaluated, on whom, for which tasks, in which bins and "
        "subgroups, which\n"
        "sites take part, and until when. The plan is checked, signed and told in words; sites read it with\n"
        "einthoven inspect plan.json and run it with einthoven evaluate --plan.\n\n"
        "    einthoven keys coordinator.key\n"
        "    einthoven plan plan.yaml --key coordinator.key --out plan.json\n"
        "    einthoven plan --from plan.json *.result.json --key coordinator.key --out plan2.json\n"
        "    einthoven plan --from plan.json --recalibrate *.result.json --key coordinator.key --out plan2.json\n"
        "    einthoven plan --schema plan",
    .tables = tables,
    .flags = flags,
    .min_operands = 0,
    .max_operands = -1,
    .yaml_is_operand = true,
    .run = run,
};
