/* What is evaluated: models, and linear probes on features. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/config/table.h"
#include "jobs/evaluate/evaluate_probe.h"
#include "jobs/evaluate/evaluation.h"
#include "jobs/options/split_options.h"
#include "jobs/options/task_library.h"

/* --- models ---------------------------------------------------------------------------------------------- */

static ein_status name_model(ein_evaluation *e, const char *key, const char *spec) {
    ein_evaluation_model *m = &e->model[e->n_models];
    int of_arm = 1, arm = 0;
    char arm_text[EIN_ARM_NAME_BYTES];
    EIN_TRY(ein_model_arm_parse(key, spec, arm_text, &m->path));
    memcpy(m->arm, arm_text, sizeof arm_text);
    for (int i = 0; i < e->n_models; i++) of_arm += strcmp(e->model[i].arm, arm_text) == 0;
    if (of_arm > 1)
        snprintf(m->name, sizeof m->name, "%.63s.%d", arm_text, of_arm);
    else
        snprintf(m->name, sizeof m->name, "%.63s", arm_text);
    while (arm < e->n_arms && strcmp(e->arm_name[arm], arm_text) != 0) arm++;
    if (arm == e->n_arms) memcpy(e->arm_name[e->n_arms++], arm_text, sizeof arm_text);
    e->arm[e->n_models++] = arm;
    return EIN_OK;
}

/* One model twice would count as two seeds, or as two arms without a difference; two names alike would be one
 * column. */
static ein_status check_distinct(const ein_evaluation *e) {
    for (int i = 0; i < e->n_models; i++)
        for (int j = 0; j < i; j++) {
            if (strcmp(e->model[i].name, e->model[j].name) == 0)
                return ein_error(EIN_USAGE, "evaluate.models: two models would be called %s; rename an arm",
                                 e->model[i].name);
            if (strcmp(e->model[i].hash, e->model[j].hash) == 0)
                return ein_error(EIN_USAGE, "evaluate.models: %s and %s are the same model; name each once",
                                 e->model[j].path, e->model[i].path);
        }
    return EIN_OK;
}

static ein_status load_model(ein_evaluation_model *m) {
    EIN_TRY(ein_model_describe(m->path, NULL, &m->info));
    if (m->info.parts != EIN_PART_CLASSIFY || !m->info.tasks)
        return ein_error(EIN_MISMATCH, "%s: %s; finetune makes models that can be evaluated", m->path,
                         m->info.parts == EIN_PART_CLASSIFY ? "does not say what its outputs mean"
                                                            : "has no head");
    EIN_TRY(ein_model_tasks_parse(m->path, m->info.tasks, &m->meaning));
    if (m->meaning->n_outputs != m->info.shape.classes)
        return ein_error(EIN_FORMAT, "%s: its tasks have %d outputs, its head %d", m->path,
                         m->meaning->n_outputs, m->info.shape.classes);
    for (int j = 0; j < m->meaning->n_targets; j++)
        m->calibrated = m->calibrated || ein_calibrated(&m->meaning->calibration[j]);
    EIN_TRY(ein_contract_parse(m->info.contract_text, &m->contract));
    EIN_TRY(ein_layout_new(&m->info.shape, EIN_PART_CLASSIFY, &m->layout));
    EIN_TRY(EIN_NEW(m->param, m->layout->arena));
    EIN_TRY(ein_model_load(m->path, m->layout, m->param, 1, NULL, 0));
    return ein_model_hash(m->path, m->hash);
}

static ein_status same_tasks(const ein_evaluation_model *a, const ein_evaluation_model *b) {
    char *first = NULL, *second = NULL;
    ein_status status = ein_tasks_to_yaml(&a->meaning->tasks, &first);
    if (status == EIN_OK) status = ein_tasks_to_yaml(&b->meaning->tasks, &second);
    if (status == EIN_OK && strcmp(first, second) != 0)
        status =
            ein_error(EIN_MISMATCH, "%s and %s were trained for different tasks; evaluate them one by one",
                      a->path, b->path);
    free(first);
    free(second);
    return status;
}

ein_status ein_evaluation_load_models(ein_evaluation *e) {
    const int n = ein_config_list_count(e->job->config, "evaluate.models");
    if (n > EIN_METRICS_MOST_MODELS)
        return ein_error(EIN_USAGE, "evaluate.models: %d, at most %d are compared", n,
                         EIN_METRICS_MOST_MODELS);
    for (int i = 0; i < n; i++)
        EIN_TRY(name_model(e, "evaluate.models", ein_config_list_item(e->job->config, "evaluate.models", i)));
    for (int i = 0; i < n; i++) EIN_TRY(load_model(&e->model[i]));
    for (int i = 1; i < n; i++) EIN_TRY(same_tasks(&e->model[0], &e->model[i]));
    return check_distinct(e);
}

/* --- linear probes on features --------------------------------------------------------------------------- */

static ein_status check_probes(const ein_evaluation *e, int n) {
    const ein_config *c = e->job->config;
    if (e->n_models + n > EIN_METRICS_MOST_MODELS)
        return ein_error(EIN_USAGE, "evaluate.features: %d models and files, at most %d are compared",
                         e->n_models + n, EIN_METRICS_MOST_MODELS);
    if (strcmp(ein_config_string(c, "evaluate.part"), "test") != 0)
        return ein_error(
            EIN_USAGE,
            "a probe on features is fitted on the train and valid part of the same corpus, so it is "
            "evaluated on the test part: give --part test and split.*");
    if (ein_config_list_count(c, "evaluate.leads") > 0)
        return ein_error(EIN_USAGE,
                         "evaluate.leads is for models; features were made with the leads that they were");
    if (e->n_models > 0 && ein_config_list_count(c, "evaluate.tasks") > 0)
        return ein_error(EIN_USAGE, "evaluate.tasks: the tasks of the models are taken; leave it out");
    return EIN_OK;
}

/* The tasks of the models, or those that are named. Collective. */
static ein_status probe_tasks(const ein_evaluation *e, ein_tasks *named, const ein_tasks **out) {
    const ein_config *c = e->job->config;
    const int n = ein_config_list_count(c, "evaluate.tasks");
    const char **name;
    *out = e->n_models > 0 ? &e->model[0].meaning->tasks : named;
    if (e->n_models > 0) return EIN_OK;
    if (n == 0)
        return ein_error(
            EIN_USAGE, "no task for the probes: give --tasks NAME,... (ptbxl/superclass, findings, ... or a "
                       "YAML file)");
    EIN_TRY(EIN_NEW(name, n));
    for (int i = 0; i < n; i++) name[i] = ein_config_list_item(c, "evaluate.tasks", i);
    const ein_status status = ein_tasks_load(e->comm, ein_task_library(), name, n, named);
    free(name);
    return ein_error_context(status == EIN_NOTFOUND ? EIN_USAGE : status, "evaluate.tasks");
}

static ein_status fit_probe(ein_evaluation *e, ein_evaluation_model *m, const ein_targets *targets,
                            const uint8_t *part) {
    ein_evaluate_probe probe;
    EIN_TRY(ein_evaluate_probe_fit(&probe, m->path, e->corpus, targets, part, e->threads));
    if (probe.missing > 0 && ein_evaluation_is_root(e))
        printf("%s: %" PRId64 " records of the test part have no features there and are left out\n", m->path,
               probe.missing);
    m->contract = *ein_corpus_contract(e->corpus);
    memcpy(m->hash, probe.hash, sizeof m->hash);
    m->meaning = probe.meaning;
    m->all_logits = probe.logit;
    m->info.training_records = probe.features.training_records;
    for (int j = 0; j < m->meaning->n_targets; j++)
        m->calibrated = m->calibrated || ein_calibrated(&m->meaning->calibration[j]);
    ein_status status = EIN_OK;
    if (probe.features.contract_text[0])
        status = ein_contract_parse(probe.features.contract_text, &m->contract);
    probe.meaning = NULL;
    probe.logit = NULL;
    probe.features.training_records = NULL;
    ein_evaluate_probe_free(&probe);
    return status;
}

static ein_status fit_probes(ein_evaluation *e, int first, const ein_tasks *tasks, const uint8_t *part) {
    ein_targets targets = {0};
    ein_targets_tables tables;
    EIN_TRY(ein_label_tables(e->job->config, &tables));
    ein_status status = ein_targets_build(e->comm, tasks, e->corpus, part, &tables, &targets);
    ein_label_tables_free(&tables);
    for (int m = first; status == EIN_OK && m < e->n_models; m++)
        status = fit_probe(e, &e->model[m], &targets, part);
    ein_targets_free(&targets);
    for (int m = first; status == EIN_OK && m < e->n_models; m++)
        if (m > 0) status = same_tasks(&e->model[0], &e->model[m]);
    return status;
}

/* Collective. */
ein_status ein_evaluation_load_probes(ein_evaluation *e) {
    const ein_config *c = e->job->config;
    const int n = ein_config_list_count(c, "evaluate.features"), first = e->n_models;
    ein_tasks named = {0};
    const ein_tasks *tasks;
    uint8_t *part = NULL;
    if (n == 0) return EIN_OK;
    EIN_TRY(check_probes(e, n));
    EIN_TRY(probe_tasks(e, &named, &tasks));
    ein_status status = ein_split_from_config(c, e->corpus, &part);
    for (int i = 0; i < n && status == EIN_OK; i++)
        status = name_model(e, "evaluate.features", ein_config_list_item(c, "evaluate.features", i));
    status = ein_comm_agree(e->comm, status);
    if (status == EIN_OK) status = ein_comm_agree(e->comm, fit_probes(e, first, tasks, part));
    free(part);
    ein_tasks_free(&named);
    return status == EIN_OK ? check_distinct(e) : status;
}

/* --- contract -------------------------------------------------------------------------------------------- */

ein_status ein_evaluation_check_contract(const ein_evaluation *e, const ein_evaluation_model *m) {
    char difference[1024];
    if (ein_contract_compare(&m->contract, ein_corpus_contract(e->corpus), 1, difference,
                             sizeof difference) == 0)
        return EIN_OK;
    return ein_error(
        EIN_MISMATCH,
        "%s was made under another contract than %s: %s; ingest again under the model's contract",
        e->model[0].path == m->path ? "the model" : m->path, ein_corpus_path(e->corpus), difference);
}
