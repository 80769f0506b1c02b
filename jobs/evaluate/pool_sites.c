/* pool of sites' results: what is said of whom, in which order, and where it is written. */
#include "jobs/evaluate/pool_sites.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/outputs.h"
#include "io/formats/json.h"
#include "jobs/cli/command.h"
#include "jobs/sites/site.h"

/* --- who ran what ---------------------------------------------------------------------------------------------------
 * */

static void tell_sites(const ein_pool_sites *s, json_t *root) {
    json_t *sites = json_array();
    fprintf(s->out, "Plan \"%s\" (%s), round %d of %d: results of %d of %d sites\n\n", s->plan->name,
            s->plan->file.hash, s->plan->round, s->plan->rounds, s->n, s->plan->n_sites);
    fprintf(s->out, "%-20s %-10s %-18s %8s  %s\n", "site", "made on", "program", "minimum", "file");
    for (int i = 0; i < s->n; i++) {
        const ein_result *r = &s->result[i];
        fprintf(s->out, "%-20s %-10s %-18s %8lld  %s\n", r->site, r->created, r->program,
                (long long)r->minimum, r->path);
        if (r->noise.thousandths)
            fprintf(s->out, "%-20s counts with noise, epsilon %.9g\n", "",
                    (double)r->noise.thousandths / 1000);
        json_array_append_new(
            sites,
            json_pack("{s:s, s:s, s:s, s:I, s:o, s:s}", "site", r->site, "created", r->created, "program",
                      r->program, "minimum_cell", (json_int_t)r->minimum, "epsilon",
                      r->noise.thousandths ? json_real((double)r->noise.thousandths / 1000) : json_null(),
                      "hash", r->file.hash));
    }
    const json_t *planned = json_object_get(s->plan->file.body, "sites"), *one;
    size_t i;
    json_array_foreach(planned, i, one) {
        const char *name = json_string_value(json_object_get(one, "name"));
        bool found = false;
        for (int k = 0; k < s->n; k++) found |= !strcmp(s->result[k].site, name);
        if (!found) fprintf(s->out, "%-20s has sent nothing\n", name);
    }
    json_object_set_new(root, "sites", sites);
}

/* --- tasks ----------------------------------------------------------------------------------------------------------
 * */

static ein_status pool_task(const ein_pool_sites *s, int task, json_t *tasks) {
    const ein_plan_task *t = &s->plan->task[task];
    json_t *one = json_object(), *models = json_array();
    ein_status status = EIN_OK;
    json_array_append_new(tasks, one);
    json_object_set_new(one, "task", json_string(t->name));
    json_object_set_new(one, "models", models);
    fprintf(s->out, "\n=== Task %s\n", t->name);
    for (int i = 0; i < s->n; i++) {
        const ein_result_task *r = &s->result[i].task[task];
        if (r->withheld)
            fprintf(s->out, "%s: nothing: %s\n", s->result[i].site, r->withheld);
        else if (!t->quantity)
            fprintf(s->out, "%s: %lld positive, %lld negative\n", s->result[i].site, (long long)r->n_positive,
                    (long long)r->n_negative);
    }
    for (int m = 0; status == EIN_OK && m < s->plan->n_models; m++) {
        json_t *model = json_object();
        json_array_append_new(models, model);
        json_object_set_new(model, "model", json_string(s->plan->model[m].name));
        status = t->quantity ? ein_pool_sites_quantity(s, task, m, model)
                             : ein_pool_sites_model(s, task, m, model);
    }
    if (status == EIN_OK && !t->quantity && !s->plan->recalibration)
        status = ein_pool_sites_pairs(s, task, one);
    if (status == EIN_OK && !t->quantity && s->plan->round == 1)
        status = ein_pool_sites_subgroups(s, task, one);
    return status;
}

static ein_status pool_all(const ein_pool_sites *s, json_t **out) {
    char program[64];
    json_t *root = json_object(), *tasks = json_array();
    snprintf(program, sizeof program, "einthoven %s", ein_version());
    json_object_set_new(root, "format", json_string("einthoven pooled sites"));
    json_object_set_new(root, "version", json_integer(1));
    json_object_set_new(root, "complete", json_true());
    json_object_set_new(root, "program", json_string(program));
    json_object_set_new(root, "plan", json_string(s->plan->file.hash));
    json_object_set_new(root, "round", json_integer(s->plan->round));
    json_object_set_new(root, "level", json_real(s->level));
    tell_sites(s, root);
    json_object_set_new(root, "tasks", tasks);
    ein_status status = EIN_OK;
    for (int t = 0; status == EIN_OK && t < s->plan->n_tasks; t++)
        if (s->plan->round == 1 || !s->plan->task[t].quantity) status = pool_task(s, t, tasks);
    *out = root;
    return status;
}

/* --- files ----------------------------------------------------------------------------------------------------------
 * */

/* A plan that has expired may still be pooled: its results were made before. */
static ein_status read_plan(const ein_config *c, ein_plan **out) {
    EIN_TRY(ein_plan_read(ein_config_string(c, "pool.plan"), out));
    const ein_status status =
        ein_site_check_plan(*out, ein_config_string(c, "pool.coordinator"), "0000-00-00");
    if (status != EIN_OK) {
        ein_plan_free(*out);
        *out = NULL;
    }
    return status;
}

ein_status ein_pool_results(const ein_config *c, const char *const *path, int n) {
    const char *const json = ein_config_string(c, "pool.json");
    ein_plan *plan = NULL;
    ein_result *results = NULL;
    ein_outputs *output = NULL;
    json_t *root = NULL;
    if (n == 0) return ein_error(EIN_USAGE, "--plan: the sites' results are the operands");
    EIN_TRY(read_plan(c, &plan));
    ein_status status = ein_outputs_begin(&json, 1, NULL, ein_config_bool(c, "pool.overwrite"), &output);
    if (status == EIN_OK) status = ein_results_read(path, n, plan, &results);
    const ein_pool_sites s = {c, plan, results, n, ein_config_real(c, "pool.level"), stdout};
    if (status == EIN_OK) status = pool_all(&s, &root);
    if (status == EIN_OK && json) status = ein_json_write(json, root);
    if (status == EIN_OK) status = ein_outputs_publish(output);
    ein_outputs_end(output);
    json_decref(root);
    ein_results_free(results, n, plan);
    ein_plan_free(plan);
    return status;
}
