#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/base/durable.h"
#include "io/base/hash.h"
#include "io/base/utf8.h"
#include "io/config/table.h"
#include "io/corpus/seen.h"
#include "io/formats/json.h"
#include "io/hdf5/h5.h"
#include "io/model/model.h"
#include "io/tasks/targets.h"
#include "jobs/evaluate/evaluate.h"
#include "jobs/evaluate/evaluate_folder.h"
#include "jobs/evaluate/evaluate_probe.h"
#include "jobs/metrics/arms.h"
#include "jobs/options/model_arms.h"
#include "jobs/options/model_options.h"
#include "jobs/options/model_tasks.h"
#include "jobs/options/scoring.h"
#include "jobs/options/seen_options.h"
#include "jobs/options/split_options.h"
#include "jobs/options/task_library.h"
#include "mpi/threads.h"

const ein_option ein_table_evaluate_model[] = {
    {"data.corpus", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "corpus whose records are scored (made by ingest)"},
    {"evaluate.models", EIN_OPT_LIST, "", EIN_UNBOUNDED, NULL, "",
     "adapted models (.safetensors) of the same tasks, as FILE or ARM=FILE; models of one arm are its seeds"},
    {"evaluate.features", EIN_OPT_LIST, "", EIN_UNBOUNDED, NULL, "",
     "files of embeddings (embed makes them), as FILE or ARM=FILE: a linear probe of each, fitted on the train part, "
     "is evaluated on the test part"},
    {"evaluate.tasks", EIN_OPT_LIST, "", EIN_UNBOUNDED, NULL, "",
     "tasks of such probes, by name or YAML files; with models, theirs are taken"},
    {"evaluate.out", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "", "folder for scores and metrics"},
    {"evaluate.part", EIN_OPT_CHOICE, "all", EIN_UNBOUNDED, "all|train|valid|test", "",
     "records of which part of the split (split.*); all: every record"},
    {"evaluate.leads", EIN_OPT_LIST, "", EIN_UNBOUNDED, NULL, "",
     "leads that the model gets, the others as unknown; empty: all"},
    {"evaluate.allow_seen", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "",
     "evaluate although records were used to train or select a model; outputs say so"},
    {"evaluate.patient_keys", EIN_OPT_BOOL, "true", EIN_UNBOUNDED, NULL, "",
     "write the corpus's pseudonymous patient keys beside scores, which clustered intervals need; they tell which "
     "records are of one person, also across tables of one corpus"},
    {"evaluate.threads", EIN_OPT_INT, "0", 0, 4096, NULL, "threads",
     "of one rank; 0: the processors it may use"},
    {0},
};

enum { MOST_MODELS = EIN_METRICS_MOST_MODELS, MOST_VARIABLES = 16 };

typedef struct {
    char arm[EIN_ARM_NAME_BYTES];
    char name[80]; /* unique: the arm, or "arm.2" for its second model */
    const char *path;
    ein_model_info info;
    char hash[EIN_HASH_TEXT_BYTES];
    ein_layout *layout;
    float *param;
    ein_contract contract;
    ein_model_tasks *meaning;
    double *logit, *score; /* (n, targets) */
    bool calibrated;       /* a target has a map */
    double *
        all_logits; /* (N, targets) of all records: of a probe on features; NULL: of a model, to be computed */
} eval_model;

/* A variable that divides records into groups. */
typedef struct {
    ein_metrics_variable variable;
    int32_t *group; /* (n) */
    char **name;    /* (n_groups) */
} eval_variable;

typedef struct {
    ein_job *job;
    ein_comm *comm;
    const char *out;
    int n_models, n_arms;
    eval_model model[MOST_MODELS];
    char arm_name[MOST_MODELS][EIN_ARM_NAME_BYTES];
    int arm[MOST_MODELS];
    ein_corpus *corpus;
    uint8_t *part;
    bool allow_seen;
    int64_t seen, alike, unknown_patients; /* of the records evaluated; rank 0 */
    ein_targets targets;
    int64_t n;
    int64_t *record; /* (n) in the corpus's order */
    int64_t *by_id;  /* (n) indices into `record` in the order of record ids, as statistics take them */
    bool lead_present[EIN_MAX_LEADS];
    bool all_leads;
    int threads;
    int n_variables;
    eval_variable variable[MOST_VARIABLES];
    char *cohort;
    ein_evaluate_folder *folder; /* rank 0 */
    char run[33];
} evaluation;

static bool is_root(const evaluation *e) {
    return ein_comm_rank(e->comm) == 0;
}

/* --- models ---------------------------------------------------------------------------------------------- */

static ein_status name_model(evaluation *e, const char *key, const char *spec) {
    eval_model *m = &e->model[e->n_models];
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
static ein_status check_distinct(const evaluation *e) {
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

static ein_status load_model(eval_model *m) {
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

static ein_status same_tasks(const eval_model *a, const eval_model *b) {
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

static ein_status load_models(evaluation *e) {
    const int n = ein_config_list_count(e->job->config, "evaluate.models");
    if (n > MOST_MODELS)
        return ein_error(EIN_USAGE, "evaluate.models: %d, at most %d are compared", n, MOST_MODELS);
    for (int i = 0; i < n; i++)
        EIN_TRY(name_model(e, "evaluate.models", ein_config_list_item(e->job->config, "evaluate.models", i)));
    for (int i = 0; i < n; i++) EIN_TRY(load_model(&e->model[i]));
    for (int i = 1; i < n; i++) EIN_TRY(same_tasks(&e->model[0], &e->model[i]));
    return check_distinct(e);
}

/* --- linear probes on features --------------------------------------------------------------------------- */

static ein_status check_probes(const evaluation *e, int n) {
    const ein_config *c = e->job->config;
    if (e->n_models + n > MOST_MODELS)
        return ein_error(EIN_USAGE, "evaluate.features: %d models and files, at most %d are compared",
                         e->n_models + n, MOST_MODELS);
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
static ein_status probe_tasks(const evaluation *e, ein_tasks *named, const ein_tasks **out) {
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

static ein_status fit_probe(evaluation *e, eval_model *m, const ein_targets *targets, const uint8_t *part) {
    ein_evaluate_probe probe;
    EIN_TRY(ein_evaluate_probe_fit(&probe, m->path, e->corpus, targets, part, e->threads));
    if (probe.missing > 0 && is_root(e))
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

static ein_status fit_probes(evaluation *e, int first, const ein_tasks *tasks, const uint8_t *part) {
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
static ein_status load_probes(evaluation *e) {
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

static ein_status check_contract(const evaluation *e, const eval_model *m) {
    char difference[1024];
    if (ein_contract_compare(&m->contract, ein_corpus_contract(e->corpus), 1, difference,
                             sizeof difference) == 0)
        return EIN_OK;
    return ein_error(
        EIN_MISMATCH,
        "%s was made under another contract than %s: %s; ingest again under the model's contract",
        e->model[0].path == m->path ? "the model" : m->path, ein_corpus_path(e->corpus), difference);
}

/* --- records --------------------------------------------------------------------------------------------- */

static ein_status choose_part(evaluation *e) {
    static const char *const names[] = {"train", "valid", "test"};
    static const ein_split_part parts[] = {EIN_SPLIT_TRAIN, EIN_SPLIT_VALID, EIN_SPLIT_TEST};
    const char *wanted = ein_config_string(e->job->config, "evaluate.part");
    const int64_t N = ein_corpus_records(e->corpus);
    if (strcmp(wanted, "all") == 0) {
        EIN_TRY(EIN_NEW(e->part, N));
        memset(e->part, EIN_SPLIT_TEST, (size_t)N);
        char warning[400] = "";
        if (is_root(e)) EIN_TRY(ein_patients_warning(e->corpus, warning, sizeof warning));
        if (warning[0]) puts(warning);
        return EIN_OK;
    }
    EIN_TRY(ein_split_from_config(e->job->config, e->corpus, &e->part));
    /* The split that finetune printed must stand here again: nothing else tells that its keys were given again. */
    if (is_root(e)) EIN_TRY(ein_split_print(stdout, e->job->config, e->corpus, e->part));
    for (int i = 0; i < 3; i++) {
        if (strcmp(wanted, names[i]) != 0) continue;
        /* From here on "test" means: what is evaluated. */
        for (int64_t r = 0; r < N; r++) e->part[r] = e->part[r] == parts[i] ? EIN_SPLIT_TEST : EIN_SPLIT_NONE;
    }
    return EIN_OK;
}

/* The same recording twice among those that are scored, as of two cohorts, counts twice in every figure. */
static ein_status warn_of_copies(evaluation *e) {
    char *same;
    int64_t stride, n = 0, first = -1;
    if (ein_corpus_version(e->corpus) < 2) return EIN_OK;
    EIN_TRY(ein_corpus_texts(e->corpus, "same_as", &same, &stride));
    for (int64_t r = 0; r < ein_corpus_records(e->corpus); r++) {
        if (e->part[r] != EIN_SPLIT_TEST || !same[r * stride]) continue;
        if (n++ == 0) first = r;
    }
    if (n > 0)
        fprintf(
            stderr,
            "einthoven evaluate: warning: %" PRId64
            " of the records are the same recording as another of the corpus (first: %s is %s), so they are no "
            "evidence of their own\n",
            n, ein_corpus_record_id(e->corpus, first), same + first * stride);
    free(same);
    return EIN_OK;
}

static ein_status check_seen(evaluation *e) {
    ein_seen_secret secret;
    EIN_TRY(ein_seen_secret_from_config(e->job->config, &secret));
    if (is_root(e)) EIN_TRY(warn_of_copies(e));
    for (int m = 0; m < e->n_models; m++) {
        ein_seen_match match;
        const char *text = e->model[m].info.training_records;
        if (is_root(e)) ein_seen_warn("evaluate", e->model[m].path, text, &secret);
        const ein_status status = ein_seen_check(text, e->model[m].path, e->corpus, e->part, &secret, &match);
        if (match.found > e->seen) e->seen = match.found;
        if (match.alike > e->alike) e->alike = match.alike;
        if (is_root(e)) ein_seen_warn_alike("evaluate", e->model[m].path, &match);
        if (status == EIN_OK || (status == EIN_MISMATCH && e->allow_seen)) continue;
        return status;
    }
    return EIN_OK;
}

static ein_status choose_leads(evaluation *e) {
    const ein_config *c = e->job->config;
    const ein_contract *contract = ein_corpus_contract(e->corpus);
    const int n = ein_config_list_count(c, "evaluate.leads");
    e->all_leads = n == 0;
    for (int l = 0; l < contract->n_leads; l++) e->lead_present[l] = n == 0;
    for (int i = 0; i < n; i++) {
        const char *name = ein_config_list_item(c, "evaluate.leads", i);
        int found = 0;
        for (int l = 0; l < contract->n_leads; l++)
            if (strcasecmp(ein_lead_name(contract->lead[l]), name) == 0) {
                e->lead_present[l] = true;
                found = 1;
            }
        if (!found) return ein_error(EIN_USAGE, "evaluate.leads: the corpus has no lead %s", name);
    }
    return EIN_OK;
}

static int compare_ids(const void *left, const void *right, void *context) {
    const evaluation *e = context;
    const int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    const int order = strverscmp(ein_corpus_record_id(e->corpus, e->record[a]),
                                 ein_corpus_record_id(e->corpus, e->record[b]));
    return order ? order : (a > b) - (a < b);
}

/* All models and probes are judged by the same records. */
static void drop_without_features(evaluation *e) {
    int64_t kept = 0;
    for (int64_t i = 0; i < e->n; i++) {
        bool has = true;
        for (int m = 0; m < e->n_models; m++) {
            const double *logit = e->model[m].all_logits;
            if (logit) has = has && !isnan(logit[e->record[i] * e->model[m].meaning->n_targets]);
        }
        if (has)
            e->record[kept++] = e->record[i];
        else
            e->part[e->record[i]] = EIN_SPLIT_NONE;
    }
    e->n = kept;
}

static ein_status choose_records(evaluation *e) {
    const int64_t N = ein_corpus_records(e->corpus);
    EIN_TRY(EIN_NEW(e->record, N));
    e->n = ein_split_list(e->part, N, EIN_SPLIT_TEST, e->record);
    drop_without_features(e);
    if (e->n == 0)
        return ein_error(EIN_USAGE, "evaluate.part %s: no record of %s is in it",
                         ein_config_string(e->job->config, "evaluate.part"), ein_corpus_path(e->corpus));
    EIN_TRY(EIN_NEW(e->by_id, e->n));
    for (int64_t i = 0; i < e->n; i++) e->by_id[i] = i;
    qsort_r(e->by_id, (size_t)e->n, sizeof *e->by_id, compare_ids, e);
    return EIN_OK;
}

static ein_status build_targets(evaluation *e) {
    ein_targets_tables tables;
    EIN_TRY(ein_label_tables(e->job->config, &tables));
    tables.absent_ok = true;
    const ein_status status =
        ein_targets_build(e->comm, &e->model[0].meaning->tasks, e->corpus, e->part, &tables, &e->targets);
    ein_label_tables_free(&tables);
    return status;
}

/* --- subgroups ------------------------------------------------------------------------------------------- */

static ein_status new_variable(evaluation *e, const char *name, int n_groups, eval_variable **out) {
    if (e->n_variables == MOST_VARIABLES)
        return ein_error(EIN_USAGE, "evaluate.subgroup: at most %d variables are taken", MOST_VARIABLES);
    eval_variable *v = &e->variable[e->n_variables++];
    EIN_TRY(EIN_NEW(v->group, e->n));
    EIN_TRY(EIN_NEW(v->name, n_groups));
    v->variable = (ein_metrics_variable){name, n_groups, (const char *const *)v->name, v->group};
    *out = v;
    return EIN_OK;
}

static ein_status name_group(eval_variable *v, int group, const char *name) {
    v->name[group] = strdup(name);
    return v->name[group] ? EIN_OK : ein_error(EIN_NOMEM, "no memory for names of subgroups");
}

static ein_status group_by_sex(evaluation *e) {
    eval_variable *v;
    const int8_t *sex = ein_corpus_sex(e->corpus);
    EIN_TRY(new_variable(e, "sex", 2, &v));
    EIN_TRY(name_group(v, 0, "male"));
    EIN_TRY(name_group(v, 1, "female"));
    for (int64_t i = 0; i < e->n; i++) v->group[i] = sex[e->record[i]];
    return EIN_OK;
}

static ein_status group_by_age(evaluation *e) {
    static const double bound[] = {50, 65, 80};
    static const char *const name[] = {"under 50", "50 to 64", "65 to 79", "80 and over"};
    eval_variable *v;
    const float *age = ein_corpus_age(e->corpus);
    EIN_TRY(new_variable(e, "age", 4, &v));
    for (int g = 0; g < 4; g++) EIN_TRY(name_group(v, g, name[g]));
    for (int64_t i = 0; i < e->n; i++) {
        const float a = age[e->record[i]];
        v->group[i] = isnan(a) ? -1 : (a >= bound[0]) + (a >= bound[1]) + (a >= bound[2]);
    }
    return EIN_OK;
}

static int compare_names(const void *left, const void *right) {
    return strverscmp(*(char *const *)left, *(char *const *)right);
}

static ein_status find_group_names(evaluation *e, eval_variable *v, const char *name, const char *text,
                                   int64_t stride) {
    int n = 0;
    for (int64_t i = 0; i < e->n; i++) {
        const char *value = text + e->record[i] * stride;
        int g = 0;
        while (g < n && strcmp(v->name[g], value) != 0) g++;
        if (!*value || g < n) continue;
        if (n == EIN_METRICS_MOST_GROUPS)
            return ein_error(EIN_USAGE, "evaluate.subgroup %s: more than %d values; too many for subgroups",
                             name, EIN_METRICS_MOST_GROUPS);
        EIN_TRY(name_group(v, n, value));
        v->variable.n_groups = ++n;
    }
    qsort(v->name, (size_t)n, sizeof *v->name, compare_names);
    return EIN_OK;
}

/* Groups of a text column in the order of their names; "" is not known. */
static ein_status group_by_text(evaluation *e, const char *name) {
    char *text, path[300];
    int64_t stride;
    eval_variable *v = NULL;
    const bool builtin = strcmp(name, "site") == 0 || strcmp(name, "cohort") == 0;
    snprintf(path, sizeof path, "%s%.250s", builtin ? "" : "text/", name);
    EIN_TRY(ein_corpus_texts(e->corpus, path, &text, &stride));
    ein_status status = new_variable(e, name, EIN_METRICS_MOST_GROUPS, &v);
    if (status == EIN_OK) {
        v->variable.n_groups = 0;
        status = find_group_names(e, v, name, text, stride);
    }
    for (int64_t i = 0; status == EIN_OK && i < e->n; i++) {
        v->group[i] = v->variable.n_groups - 1;
        while (v->group[i] >= 0 && strcmp(v->name[v->group[i]], text + e->record[i] * stride) != 0)
            v->group[i]--;
    }
    free(text);
    return status;
}

static ein_status make_variables(evaluation *e) {
    const ein_config *c = e->job->config;
    const int n = ein_config_list_count(c, "evaluate.subgroup");
    for (int i = 0; i < n; i++) {
        const char *name = ein_config_list_item(c, "evaluate.subgroup", i);
        if (strcmp(name, "sex") == 0)
            EIN_TRY(group_by_sex(e));
        else if (strcmp(name, "age") == 0)
            EIN_TRY(group_by_age(e));
        else
            EIN_TRY(group_by_text(e, name));
    }
    return EIN_OK;
}

/* --- scores ---------------------------------------------------------------------------------------------- */

/* What a probe made of the records that are evaluated. */
static ein_status take_logits(evaluation *e, eval_model *m) {
    const int T = m->meaning->n_targets;
    ein_status status = EIN_NEW(m->score, e->n * T);
    if (status == EIN_OK) status = EIN_NEW(m->logit, e->n * T);
    EIN_TRY(ein_comm_agree(e->comm, status));
    for (int64_t i = 0; i < e->n; i++)
        memcpy(m->logit + i * T, m->all_logits + e->record[i] * T, (size_t)T * sizeof *m->logit);
    ein_head_score_of_logit(m->score, m->logit, m->meaning->head, m->meaning->n_tasks, e->n, T);
    return EIN_OK;
}

static ein_status score_model(evaluation *e, eval_model *m) {
    if (m->all_logits) return take_logits(e, m);
    const ein_scorer scorer = {.layout = m->layout,
                               .param = m->param,
                               .mean_mv = m->contract.mean_mv,
                               .sd_mv = m->contract.sd_mv,
                               .tasks = m->meaning->head,
                               .n_tasks = m->meaning->n_tasks,
                               .n_targets = m->meaning->n_targets,
                               .lead_present = e->all_leads ? NULL : e->lead_present,
                               .logits = true};
    char what[128];
    snprintf(what, sizeof what, "scores of %s", m->name);
    ein_progress *progress = is_root(e) ? ein_progress_new(NULL, what, "records", e->n, 30) : NULL;
    ein_progress_update(progress, 0, "");
    ein_status status = EIN_NEW(m->score, e->n * m->meaning->n_targets);
    if (status == EIN_OK) status = EIN_NEW(m->logit, e->n * m->meaning->n_targets);
    status = ein_comm_agree(e->comm, status);
    if (status == EIN_OK)
        status =
            ein_score_records(m->logit, e->comm, &scorer, e->corpus, e->record, e->n, e->threads, progress);
    if (status == EIN_OK)
        ein_head_score_of_logit(m->score, m->logit, m->meaning->head, m->meaning->n_tasks, e->n,
                                m->meaning->n_targets);
    ein_progress_finish(progress);
    return status;
}

/* The probability of record i after the model's calibration of a target; NaN if it has none. */
static double calibrated_of(const eval_model *m, int64_t i, int target) {
    const ein_calibration *c = &m->meaning->calibration[target];
    return ein_calibrated(c) ? ein_calibrate(c, m->logit[i * m->meaning->n_targets + target]) : NAN;
}

/* Columns "calibrated:MODEL:TARGET" of the targets that have a map; returns how many, and names them if asked to. */
static int name_calibrated(const evaluation *e, char *names, size_t room) {
    char label[300];
    int n = 0;
    for (int m = 0; m < e->n_models; m++)
        for (int t = 0; t < e->targets.n_targets; t++) {
            if (!ein_calibrated(&e->model[m].meaning->calibration[t])) continue;
            if (names)
                snprintf(names + (size_t)n * room, room, "calibrated:%s:%s", e->model[m].name,
                         ein_model_tasks_label(e->model[0].meaning, t, label, sizeof label));
            n++;
        }
    return n;
}

/* Columns "label:TARGET", "score:MODEL:TARGET", "calibrated:MODEL:TARGET" of targets with a map, and "patient": the
 * corpus's key as a word of one length that no program takes for a number, in an order of words that is the order of
 * keys. */
static ein_status write_csv(const evaluation *e) {
    enum { NAME = 400 };
    const bool keys = ein_config_bool(e->job->config, "evaluate.patient_keys");
    const uint64_t *patient = ein_corpus_patients(e->corpus);
    const int T = e->targets.n_targets, maps = name_calibrated(e, NULL, 0), scores = 2 + T + T * e->n_models,
              columns = scores + maps + keys;
    char path[4200], label[300], key[32], *names;
    const char **column;
    ein_csv_writer *csv = NULL;
    EIN_TRY(EIN_NEW(names, (int64_t)columns * NAME));
    ein_status status = EIN_NEW(column, columns);
    if (status == EIN_OK) {
        for (int i = 0; i < columns; i++) column[i] = names + (size_t)i * NAME;
        snprintf(names, NAME, "record");
        snprintf(names + NAME, NAME, "status");
        for (int t = 0; t < T; t++) {
            ein_model_tasks_label(e->model[0].meaning, t, label, sizeof label);
            snprintf(names + (size_t)(2 + t) * NAME, NAME, "label:%s", label);
            for (int m = 0; m < e->n_models; m++)
                snprintf(names + (size_t)(2 + T + m * T + t) * NAME, NAME, "score:%s:%s", e->model[m].name,
                         label);
        }
        name_calibrated(e, names + (size_t)scores * NAME, NAME);
        if (keys) snprintf(names + (size_t)(columns - 1) * NAME, NAME, "patient");
        snprintf(path, sizeof path, "%s/scores.csv", e->out);
        status = ein_csv_create(path, column, columns, &csv);
    }
    for (int64_t i = 0; status == EIN_OK && i < e->n; i++) {
        ein_csv_put(csv, ein_corpus_record_id(e->corpus, e->record[i]));
        ein_csv_put(csv, "ok");
        for (int t = 0; t < T; t++) ein_csv_put_real(csv, e->targets.value[e->record[i] * T + t]);
        for (int m = 0; m < e->n_models; m++)
            for (int t = 0; t < T; t++) ein_csv_put_real(csv, e->model[m].score[i * T + t]);
        for (int m = 0; m < e->n_models; m++)
            for (int t = 0; t < T; t++)
                if (ein_calibrated(&e->model[m].meaning->calibration[t]))
                    ein_csv_put_real(csv, calibrated_of(&e->model[m], i, t));
        snprintf(key, sizeof key, "p%020" PRIu64, patient[e->record[i]]);
        if (keys) ein_csv_put(csv, key);
        ein_csv_end_row(csv);
    }
    if (status == EIN_OK) status = ein_csv_finish(csv, true);
    free(column);
    free(names);
    return status;
}

/* logit_M and calibrated_M (NaN: the target has no map) beside score_M, of models that have maps. */
static ein_status put_calibrated(const evaluation *e, hid_t file, int model) {
    const eval_model *m = &e->model[model];
    const int T = e->targets.n_targets;
    char name[64];
    double *after;
    if (!m->calibrated) return EIN_OK;
    snprintf(name, sizeof name, "logit_%d", model);
    EIN_TRY(ein_h5_write_column(file, name, H5T_IEEE_F64LE, e->n, T, m->logit));
    EIN_TRY(EIN_NEW(after, e->n * T));
    for (int64_t i = 0; i < e->n; i++)
        for (int t = 0; t < T; t++) after[i * T + t] = calibrated_of(m, i, t);
    snprintf(name, sizeof name, "calibrated_%d", model);
    const ein_status status = ein_h5_write_column(file, name, H5T_IEEE_F64LE, e->n, T, after);
    free(after);
    return status;
}

static ein_status fill_h5(const evaluation *e, hid_t file) {
    const int T = e->targets.n_targets;
    const uint64_t *patient = ein_corpus_patients(e->corpus);
    ein_texts ids = {0}, targets = {0}, models = {0};
    double *label = NULL;
    uint64_t *key = NULL;
    char text[300];
    ein_status status = ein_h5_put_text(file, "format", "einthoven scores");
    if (status == EIN_OK) status = ein_h5_put_i64(file, "version", 1);
    if (status == EIN_OK) status = ein_h5_put_text(file, "program", ein_version());
    if (status == EIN_OK) status = ein_h5_put_text(file, "run", e->run);
    if (status == EIN_OK)
        status = ein_h5_put_text(file, "contract_hash", ein_corpus_contract_hash(e->corpus));
    for (int64_t i = 0; status == EIN_OK && i < e->n; i++)
        status = ein_texts_add(&ids, ein_corpus_record_id(e->corpus, e->record[i]));
    for (int t = 0; status == EIN_OK && t < T; t++)
        status = ein_texts_add(&targets, ein_model_tasks_label(e->model[0].meaning, t, text, sizeof text));
    for (int m = 0; status == EIN_OK && m < e->n_models; m++) {
        snprintf(text, sizeof text, "%s %s", e->model[m].name, e->model[m].hash);
        status = ein_texts_add(&models, text);
    }
    if (status == EIN_OK) status = ein_h5_write_texts(file, "record_id", &ids);
    if (status == EIN_OK && ein_config_bool(e->job->config, "evaluate.patient_keys")) {
        status = EIN_NEW(key, e->n);
        for (int64_t i = 0; status == EIN_OK && i < e->n; i++) key[i] = patient[e->record[i]];
        if (status == EIN_OK) status = ein_h5_write_column(file, "patient_key", H5T_STD_U64LE, e->n, 0, key);
    }
    if (status == EIN_OK) status = ein_h5_write_texts(file, "target", &targets);
    if (status == EIN_OK) status = ein_h5_write_texts(file, "model", &models);
    if (status == EIN_OK) status = EIN_NEW(label, e->n * T);
    for (int64_t i = 0; status == EIN_OK && i < e->n; i++)
        for (int t = 0; t < T; t++) label[i * T + t] = e->targets.value[e->record[i] * T + t];
    if (status == EIN_OK) status = ein_h5_write_column(file, "label", H5T_IEEE_F64LE, e->n, T, label);
    for (int m = 0; status == EIN_OK && m < e->n_models; m++) {
        snprintf(text, sizeof text, "score_%d", m);
        status = ein_h5_write_column(file, text, H5T_IEEE_F64LE, e->n, T, e->model[m].score);
        if (status == EIN_OK) status = put_calibrated(e, file, m);
    }
    if (status == EIN_OK) status = ein_h5_put_i64(file, "complete", 1);
    ein_texts_free(&ids);
    ein_texts_free(&targets);
    ein_texts_free(&models);
    free(label);
    free(key);
    return status;
}

/* What was evaluated and how, as text. */
static void describe_run(const evaluation *e, FILE *out) {
    const ein_metrics_options o = ein_evaluate_options(e->job->config);
    const uint64_t *patient = ein_corpus_patients(e->corpus);
    fprintf(out, "%s\n%s\n%s\n%s\n%d %d\n", ein_version(), ein_corpus_contract_hash(e->corpus), e->cohort,
            ein_config_string(e->job->config, "evaluate.part"), e->all_leads,
            ein_config_bool(e->job->config, "evaluate.patient_keys"));
    fprintf(out, "%.17g %d %lld %llu %d %d %lld\n", o.level, (int)o.variance, (long long)o.replicates,
            (unsigned long long)o.seed, (int)o.probabilities, (int)o.adjust, (long long)o.minimum);
    for (int l = 0; l < EIN_MAX_LEADS; l++) fputc(e->lead_present[l] ? '1' : '0', out);
    for (int m = 0; m < e->n_models; m++) fprintf(out, "\n%s %s", e->model[m].name, e->model[m].hash);
    for (int v = 0; v < e->n_variables; v++) fprintf(out, "\n%s", e->variable[v].variable.name);
    for (int64_t i = 0; i < e->n; i++)
        fprintf(out, "\n%s %" PRIx64, ein_corpus_record_id(e->corpus, e->record[i]), patient[e->record[i]]);
}

/* A name for that and for what came out, which all files of a folder share. Rank 0. */
static ein_status name_run(evaluation *e) {
    const int T = e->targets.n_targets;
    uint8_t digest[EIN_HASH_BYTES];
    ein_bytes part[2 + MOST_MODELS];
    float *label;
    char *text = NULL;
    size_t bytes = 0;
    EIN_TRY(EIN_NEW(label, e->n * T));
    for (int64_t i = 0; i < e->n; i++)
        memcpy(label + i * T, e->targets.value + e->record[i] * T, (size_t)T * sizeof *label);
    FILE *head = open_memstream(&text, &bytes);
    if (head) describe_run(e, head);
    const bool good = head && fclose(head) == 0;
    part[0] = (ein_bytes){text, bytes};
    part[1] = (ein_bytes){label, (size_t)(e->n * T) * sizeof *label};
    for (int m = 0; m < e->n_models; m++)
        part[2 + m] = (ein_bytes){e->model[m].score, (size_t)(e->n * T) * sizeof *e->model[m].score};
    if (good) {
        ein_hash_parts(part, 2 + e->n_models, digest);
        ein_hex(digest, sizeof e->run / 2, e->run);
    }
    free(text);
    free(label);
    return good ? EIN_OK : ein_error(EIN_NOMEM, "no memory for the ids of %lld records", (long long)e->n);
}

static ein_status write_h5(const evaluation *e) {
    char path[4200];
    ein_h5_draft *draft;
    snprintf(path, sizeof path, "%s/scores.h5", e->out);
    EIN_TRY(ein_h5_draft_new(&draft));
    return ein_h5_draft_save(draft, path, fill_h5(e, ein_h5_draft_file(draft)));
}

/* --- metrics --------------------------------------------------------------------------------------------- */

/* One target's columns over the records evaluated. */
typedef struct {
    const char **id, *name[MOST_MODELS];
    uint64_t *cluster;
    double *score[MOST_MODELS], *calibrated[MOST_MODELS], *value;
    const double *after[MOST_MODELS]; /* calibrated, or NULL: of this target there is no map */
    int8_t *label;
    double youden[MOST_MODELS], closest[MOST_MODELS];
} columns;

static void columns_free(columns *c, int n_models) {
    free(c->id);
    free(c->cluster);
    free(c->value);
    free(c->label);
    for (int m = 0; m < n_models; m++) free(c->score[m]);
    for (int m = 0; m < n_models; m++) free(c->calibrated[m]);
}

static ein_status columns_new(columns *c, const evaluation *e) {
    const uint64_t *patient = ein_corpus_patients(e->corpus);
    EIN_TRY(EIN_NEW(c->id, e->n));
    EIN_TRY(EIN_NEW(c->cluster, e->n));
    EIN_TRY(EIN_NEW(c->value, e->n));
    EIN_TRY(EIN_NEW(c->label, e->n));
    for (int m = 0; m < e->n_models; m++) {
        c->name[m] = e->model[m].name;
        EIN_TRY(EIN_NEW(c->score[m], e->n));
        if (e->model[m].calibrated) EIN_TRY(EIN_NEW(c->calibrated[m], e->n));
    }
    for (int64_t i = 0; i < e->n; i++) {
        c->id[i] = ein_corpus_record_id(e->corpus, e->record[i]);
        c->cluster[i] = patient[e->record[i]];
    }
    return EIN_OK;
}

static void columns_fill(columns *c, const evaluation *e, int target) {
    const int T = e->targets.n_targets;
    for (int64_t i = 0; i < e->n; i++) {
        const float value = e->targets.value[e->record[i] * T + target];
        c->value[i] = value;
        c->label[i] = isnan(value) ? EIN_LABEL_MISSING : value > 0.5f;
        for (int m = 0; m < e->n_models; m++) c->score[m][i] = e->model[m].score[i * T + target];
    }
    for (int m = 0; m < e->n_models; m++) {
        const bool has = ein_calibrated(&e->model[m].meaning->calibration[target]);
        for (int64_t i = 0; has && i < e->n; i++)
            c->calibrated[m][i] = calibrated_of(&e->model[m], i, target);
        c->after[m] = has ? c->calibrated[m] : NULL;
        c->youden[m] = e->model[m].meaning->threshold[target].youden;
        c->closest[m] = e->model[m].meaning->threshold[target].closest;
    }
}

static ein_status measure(ein_metrics **out, const evaluation *e, const columns *c, int target) {
    const ein_model_tasks *meaning = e->model[0].meaning;
    const ein_metrics_options options = ein_evaluate_options(e->job->config);
    const ein_metrics_threshold threshold[] = {{"validation_youden", c->youden},
                                               {"validation_closest", c->closest}};
    ein_metrics_variable variable[MOST_VARIABLES];
    for (int v = 0; v < e->n_variables; v++) variable[v] = e->variable[v].variable;
    const ein_metrics_input in = {.task = meaning->tasks.task[meaning->task_of[target]].name,
                                  .label_name = meaning->name[target],
                                  .cohort = e->cohort,
                                  .n = e->n,
                                  .record = c->id,
                                  .cluster = c->cluster,
                                  .n_models = e->n_models,
                                  .model = c->name,
                                  .score = (const double *const *)c->score,
                                  .calibrated = c->after,
                                  .label = c->label,
                                  .target = c->value,
                                  .n_variables = e->n_variables,
                                  .variable = variable,
                                  .n_thresholds = 2,
                                  .threshold = threshold};
    if (meaning->head[meaning->task_of[target]].kind == EIN_HEAD_REGRESSION)
        return ein_metrics_regression(out, e->comm, &in, &options);
    return ein_metrics_binary(out, e->comm, &in, &options);
}

/* Collective: *out on rank 0, NULL on others. */
static ein_status arms_of_task(const evaluation *e, int task, ein_arms **out) {
    const ein_model_tasks *meaning = e->model[0].meaning;
    const ein_head_task *head = &meaning->head[task];
    const ein_metrics_options o = ein_evaluate_options(e->job->config);
    const int T = head->n_targets, all = meaning->n_targets;
    const uint64_t *patient = ein_corpus_patients(e->corpus);
    double *values = NULL;
    const double **label = NULL, **score = NULL;
    const char **names = NULL, *arm_names[MOST_MODELS];
    uint64_t *cluster = NULL;
    ein_status status = EIN_NEW(values, e->n * T * (1 + e->n_models));
    if (status == EIN_OK) status = EIN_NEW(label, T);
    if (status == EIN_OK) status = EIN_NEW(score, T * e->n_models);
    if (status == EIN_OK) status = EIN_NEW(names, T);
    if (status == EIN_OK) status = EIN_NEW(cluster, e->n);
    double *at = values;
    for (int t = 0; status == EIN_OK && t < T; t++, at += e->n) {
        label[t] = at;
        names[t] = meaning->name[head->first_target + t];
        for (int64_t i = 0; i < e->n; i++)
            at[i] = e->targets.value[e->record[e->by_id[i]] * all + head->first_target + t];
    }
    for (int m = 0; status == EIN_OK && m < e->n_models; m++)
        for (int t = 0; t < T; t++, at += e->n) {
            score[m * T + t] = at;
            for (int64_t i = 0; i < e->n; i++)
                at[i] = e->model[m].score[e->by_id[i] * all + head->first_target + t];
        }
    for (int64_t i = 0; status == EIN_OK && i < e->n; i++) cluster[i] = patient[e->record[e->by_id[i]]];
    for (int a = 0; a < e->n_arms; a++) arm_names[a] = e->arm_name[a];
    const ein_arms_input in = {.n = e->n,
                               .cluster = cluster,
                               .n_targets = T,
                               .regression = head->kind == EIN_HEAD_REGRESSION,
                               .label = label,
                               .target_name = names,
                               .n_models = e->n_models,
                               .score = score,
                               .arm = e->arm,
                               .n_arms = e->n_arms,
                               .arm_name = arm_names,
                               .minimum = o.minimum,
                               .replicates = o.replicates,
                               .seed = o.seed,
                               .level = o.level,
                               .adjust = o.adjust};
    status = ein_comm_agree(e->comm, status);
    if (status == EIN_OK) status = ein_arms_compare(out, e->comm, &in);
    free(values);
    free(label);
    free(score);
    free(names);
    free(cluster);
    return status;
}

/* What was evaluated, for the JSON. */
static json_t *head_json(const evaluation *e) {
    json_t *models = json_array(), *leads = json_array();
    const ein_contract *c = ein_corpus_contract(e->corpus);
    for (int m = 0; m < e->n_models; m++)
        json_array_append_new(models,
                              json_pack("{s:o, s:o, s:s}", "name", ein_json_text(e->model[m].name), "arm",
                                        ein_json_text(e->model[m].arm), "hash", e->model[m].hash));
    for (int l = 0; l < c->n_leads; l++)
        if (e->lead_present[l]) json_array_append_new(leads, json_string(ein_lead_name(c->lead[l])));
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:I, s:I, s:I, s:I, s:o, s:o}", "format",
                     "einthoven metrics", "program", ein_version(), "run", e->run, "contract_hash",
                     ein_corpus_contract_hash(e->corpus), "cohort", ein_json_text(e->cohort), "part",
                     ein_config_string(e->job->config, "evaluate.part"), "records", (json_int_t)e->n,
                     "records_seen_in_training", (json_int_t)e->seen, "records_like_training_records",
                     (json_int_t)e->alike, "records_of_unknown_patients", (json_int_t)e->unknown_patients,
                     "leads", leads, "models", models);
}

static ein_status write_json(const evaluation *e, json_t *root) {
    char path[4200];
    if (!root) return ein_error(EIN_FORMAT, "metrics.json: a name of the corpus or of a model is not UTF-8");
    char *text = json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    if (!text) return ein_error(EIN_NOMEM, "no memory for metrics.json");
    snprintf(path, sizeof path, "%s/metrics.json", e->out);
    const ein_status status = ein_durable_write(path, text, strlen(text));
    free(text);
    return status;
}

/* All targets: rank 0 holds what comes out. Collective. */
static ein_status measure_all(evaluation *e, json_t *targets, ein_csv_writer *csv, FILE *text) {
    columns c = {0};
    ein_status status = ein_comm_agree(e->comm, columns_new(&c, e));
    for (int t = 0; status == EIN_OK && t < e->targets.n_targets; t++) {
        ein_metrics *metrics = NULL;
        json_t *object = NULL;
        columns_fill(&c, e, t);
        status = measure(&metrics, e, &c, t);
        if (status == EIN_OK && metrics) status = ein_metrics_json(metrics, 0, &object);
        if (status == EIN_OK && metrics) {
            json_array_append_new(targets, object);
            ein_metrics_csv(metrics, csv);
            ein_metrics_print(metrics, text);
            ein_metrics_print_methods(metrics, text);
            fprintf(text, "\n\n");
        }
        ein_metrics_destroy(metrics);
        status = ein_comm_agree(e->comm, status);
    }
    columns_free(&c, e->n_models);
    return status;
}

static void print_arms(const evaluation *e, const char *task, const ein_arms *arms, FILE *stream) {
    fprintf(stream, "%s: %" PRId64 " records%s\n", task, e->n,
            e->seen    ? " (SOME WERE SEEN IN TRAINING)"
            : e->alike ? " (some are like training records, not more than chance explains)"
                       : "");
    ein_arms_print(arms, stream);
}

static ein_status put_arms(const evaluation *e, const char *task, const ein_arms *arms, json_t *comparisons,
                           ein_csv_writer *csv, FILE *text) {
    json_t *object;
    printf("\n");
    print_arms(e, task, arms, stdout);
    print_arms(e, task, arms, text);
    fprintf(text, "\n");
    ein_arms_csv(arms, task, e->cohort, csv);
    EIN_TRY(ein_arms_json(arms, &object));
    json_object_set_new(object, "task", json_string(task));
    json_array_append_new(comparisons, object);
    return EIN_OK;
}

/* What a reader looks for first, so it stands first in every output. Collective. */
static ein_status compare_arms(const evaluation *e, json_t *comparisons, ein_csv_writer *csv, FILE *text) {
    const ein_model_tasks *meaning = e->model[0].meaning;
    for (int k = 0; k < meaning->n_tasks; k++) {
        ein_arms *arms = NULL;
        ein_status status = arms_of_task(e, k, &arms);
        if (status == EIN_OK && arms)
            status = put_arms(e, meaning->tasks.task[k].name, arms, comparisons, csv, text);
        ein_arms_destroy(arms);
        EIN_TRY(ein_comm_agree(e->comm, status));
    }
    if (is_root(e)) fprintf(text, "\n");
    return EIN_OK;
}

/* Whoever reads the tables has not seen the terminal: first of all, how far the intervals can be trusted. */
static void note_unknown_patients(const evaluation *e, ein_csv_writer *csv, FILE *text) {
    if (e->unknown_patients == 0) return;
    fprintf(text,
            "WARNING: the patient of %" PRId64 " of %" PRId64
            " records is not known; each of them counts as a patient of its own, so that\n"
            "intervals and p values do not know which records are of one person, and may be too small.\n\n",
            e->unknown_patients, e->n);
    ein_metrics_csv_row(
        csv, "", "", e->cohort,
        &(ein_metric){.model = "",
                      .group_text = "",
                      .metric = "records_of_unknown_patients",
                      .method = "count; each is taken for a patient of its own",
                      .estimate = {.value = (double)e->unknown_patients, .state = EIN_STATS_ESTIMABLE},
                      .n = e->n,
                      .n_positive = -1});
}

static ein_status report(evaluation *e) {
    char path[4200];
    ein_csv_writer *csv = NULL;
    json_t *root = NULL, *targets = json_array(), *comparisons = json_array();
    ein_status status = EIN_OK;
    FILE *text = NULL;
    snprintf(path, sizeof path, "%s/metrics.csv", e->out);
    if (is_root(e)) status = ein_csv_create(path, ein_metrics_columns, EIN_METRICS_COLUMNS, &csv);
    snprintf(path, sizeof path, "%s/metrics.txt", e->out);
    if (is_root(e) && status == EIN_OK) status = ein_durable_fopen(path, &text);
    status = ein_comm_agree(e->comm, status);
    if (status == EIN_OK && is_root(e)) note_unknown_patients(e, csv, text);
    if (status == EIN_OK) status = compare_arms(e, comparisons, csv, text);
    if (status == EIN_OK) status = measure_all(e, targets, csv, text);
    if (status == EIN_OK && is_root(e)) {
        root = head_json(e);
        json_object_set(root, "targets", targets);
        json_object_set(root, "arms", comparisons);
        if (status == EIN_OK) status = write_json(e, root);
    }
    if (csv) {
        const ein_status written = ein_csv_finish(csv, status == EIN_OK);
        if (status == EIN_OK) status = written;
    }
    if (text) {
        fprintf(text, "run %s of einthoven %s\n", e->run, ein_version());
        const ein_status written = ein_durable_fclose(text, path, status == EIN_OK);
        if (status == EIN_OK) status = written;
    }
    json_decref(root);
    json_decref(targets);
    json_decref(comparisons);
    return ein_comm_agree(e->comm, status);
}

/* --- all of it ------------------------------------------------------------------------------------------- */

static ein_status cohort_name(evaluation *e) {
    char *text;
    int64_t stride;
    EIN_TRY(ein_corpus_texts(e->corpus, "cohort", &text, &stride));
    bool one = true;
    for (int64_t i = 1; i < e->n; i++)
        one = one && strcmp(text + e->record[i] * stride, text + e->record[0] * stride) == 0;
    e->cohort = strdup(one ? text + e->record[0] * stride : "several");
    free(text);
    return e->cohort ? EIN_OK : ein_error(EIN_NOMEM, "no memory for a name");
}

/* Records evaluated whose patient is not known: the intervals take each for a patient of its own. Rank 0. */
static ein_status count_unknown_patients(evaluation *e) {
    char *patient = NULL;
    int64_t stride = 0;
    if (!is_root(e)) return EIN_OK;
    EIN_TRY(ein_corpus_texts(e->corpus, "patient", &patient, &stride));
    for (int64_t i = 0; i < e->n; i++) e->unknown_patients += patient[e->record[i] * stride] == '\0';
    free(patient);
    return EIN_OK;
}

/* Targets of which nothing is known where it is evaluated are scored, not measured; loudly, lest a wrong table pass. */
static ein_status note_unknown(const evaluation *e) {
    const int T = e->targets.n_targets;
    int n = 0;
    char label[300];
    ein_target_counts *count;
    EIN_TRY(EIN_NEW(count, T));
    ein_targets_count(&e->targets, e->part, EIN_SPLIT_TEST, count);
    for (int t = 0; t < T; t++) n += count[t].positive + count[t].negative == 0;
    if (n > 0 && is_root(e)) {
        printf("no record evaluated has a label of %d of %d targets, which are scored but not measured:", n,
               T);
        for (int t = 0; t < T; t++)
            if (count[t].positive + count[t].negative == 0)
                printf(" %s", ein_model_tasks_label(e->model[0].meaning, t, label, sizeof label));
        printf("\n");
    }
    free(count);
    return EIN_OK;
}

static ein_status open_all(evaluation *e) {
    const ein_config *c = e->job->config;
    const char *corpus = ein_config_string(c, "data.corpus");
    e->out = ein_config_string(c, "evaluate.out");
    e->allow_seen = ein_config_bool(c, "evaluate.allow_seen");
    if (ein_config_list_count(c, "evaluate.models") == 0 &&
        ein_config_list_count(c, "evaluate.features") == 0)
        return ein_error(EIN_USAGE,
                         "nothing to evaluate: give --model FILE and --corpus FILE, or --scores TABLE.csv");
    if (!corpus) return ein_error(EIN_USAGE, "no corpus: give --corpus FILE (einthoven ingest makes one)");
    if (!e->out) return ein_error(EIN_USAGE, "no folder for the results: give --out FOLDER");
    EIN_TRY(ein_comm_agree(e->comm, load_models(e)));
    EIN_TRY(ein_corpus_open(e->comm, corpus, &e->corpus));
    EIN_TRY(ein_threads_choose(e->comm, (int)ein_config_int(c, "evaluate.threads"), &e->threads));
    EIN_TRY(load_probes(e));
    ein_status status = EIN_OK;
    for (int m = 0; status == EIN_OK && m < e->n_models; m++) status = check_contract(e, &e->model[m]);
    if (status == EIN_OK) status = choose_part(e);
    if (status == EIN_OK) status = choose_records(e);
    if (status == EIN_OK) status = check_seen(e);
    if (status == EIN_OK) status = choose_leads(e);
    if (status == EIN_OK) status = make_variables(e);
    if (status == EIN_OK) status = cohort_name(e);
    if (status == EIN_OK) status = count_unknown_patients(e);
    EIN_TRY(ein_comm_agree(e->comm, status));
    return build_targets(e);
}

static ein_status work(evaluation *e) {
    char join[768];
    EIN_TRY(open_all(e));
    ein_join_text(&e->targets.join, join, sizeof join);
    if (is_root(e) && join[0]) printf("%s\n", join);
    ein_status status = note_unknown(e);
    if (status == EIN_OK && is_root(e))
        status = ein_evaluate_folder_begin(e->out, ein_config_bool(e->job->config, "evaluate.overwrite"),
                                           &e->folder);
    EIN_TRY(ein_comm_agree(e->comm, status));
    for (int m = 0; m < e->n_models; m++) EIN_TRY(score_model(e, &e->model[m]));
    if (is_root(e)) status = name_run(e);
    if (is_root(e) && status == EIN_OK) status = write_csv(e);
    if (is_root(e) && status == EIN_OK) status = write_h5(e);
    EIN_TRY(ein_comm_agree(e->comm, status));
    EIN_TRY(report(e));
    EIN_TRY(ein_comm_share(e->comm, is_root(e) ? ein_evaluate_folder_publish(e->folder, e->run) : EIN_OK));
    if (is_root(e))
        printf("\nscores.h5, scores.csv, metrics.json, metrics.csv and metrics.txt (to read) are in %s\n",
               e->out);
    return EIN_OK;
}

static void release(evaluation *e) {
    ein_evaluate_folder_end(e->folder);
    for (int m = 0; m < e->n_models; m++) {
        ein_model_info_free(&e->model[m].info);
        ein_layout_destroy(e->model[m].layout);
        ein_model_tasks_destroy(e->model[m].meaning);
        free(e->model[m].param);
        free(e->model[m].logit);
        free(e->model[m].all_logits);
        free(e->model[m].score);
    }
    for (int v = 0; v < e->n_variables; v++) {
        for (int g = 0; e->variable[v].name && g < e->variable[v].variable.n_groups; g++)
            free(e->variable[v].name[g]);
        free(e->variable[v].name);
        free(e->variable[v].group);
    }
    ein_targets_free(&e->targets);
    ein_corpus_close(e->corpus);
    free(e->part);
    free(e->record);
    free(e->by_id);
    free(e->cohort);
}

ein_status ein_evaluate_model(ein_job *job) {
    evaluation *e;
    EIN_TRY(EIN_NEW(e, 1));
    e->job = job;
    e->comm = job->comm;
    const ein_status status = work(e);
    release(e);
    free(e);
    return status;
}
