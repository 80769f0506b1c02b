/* Statistics of the scores, and the files that hold them. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/durable.h"
#include "io/formats/json.h"
#include "jobs/evaluate/evaluate.h"
#include "jobs/evaluate/evaluation.h"
#include "jobs/metrics/arms.h"

/* One target's columns over the records evaluated. */
typedef struct {
    const char **id, *name[EIN_METRICS_MOST_MODELS];
    uint64_t *cluster;
    double *score[EIN_METRICS_MOST_MODELS], *calibrated[EIN_METRICS_MOST_MODELS], *value;
    const double *after[EIN_METRICS_MOST_MODELS]; /* calibrated, or NULL: of this target there is no map */
    int8_t *label;
    double youden[EIN_METRICS_MOST_MODELS], closest[EIN_METRICS_MOST_MODELS];
} columns;

static void columns_free(columns *c, int n_models) {
    free(c->id);
    free(c->cluster);
    free(c->value);
    free(c->label);
    for (int m = 0; m < n_models; m++) free(c->score[m]);
    for (int m = 0; m < n_models; m++) free(c->calibrated[m]);
}

static ein_status columns_new(columns *c, const ein_evaluation *e) {
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

static void columns_fill(columns *c, const ein_evaluation *e, int target) {
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
            c->calibrated[m][i] = ein_evaluation_calibrated(&e->model[m], i, target);
        c->after[m] = has ? c->calibrated[m] : NULL;
        c->youden[m] = e->model[m].meaning->threshold[target].youden;
        c->closest[m] = e->model[m].meaning->threshold[target].closest;
    }
}

static ein_status measure(ein_metrics **out, const ein_evaluation *e, const columns *c, int target) {
    const ein_model_tasks *meaning = e->model[0].meaning;
    const ein_metrics_options options = ein_evaluate_options(e->job->config);
    const ein_metrics_threshold threshold[] = {{"validation_youden", c->youden},
                                               {"validation_closest", c->closest}};
    ein_metrics_variable variable[EIN_EVALUATION_MOST_VARIABLES];
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
static ein_status arms_of_task(const ein_evaluation *e, int task, ein_arms **out) {
    const ein_model_tasks *meaning = e->model[0].meaning;
    const ein_head_task *head = &meaning->head[task];
    const ein_metrics_options o = ein_evaluate_options(e->job->config);
    const int T = head->n_targets, all = meaning->n_targets;
    const uint64_t *patient = ein_corpus_patients(e->corpus);
    double *values = NULL;
    const double **label = NULL, **score = NULL;
    const char **names = NULL, *arm_names[EIN_METRICS_MOST_MODELS];
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
static json_t *head_json(const ein_evaluation *e) {
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

static ein_status write_json(const ein_evaluation *e, json_t *root) {
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
static ein_status measure_all(ein_evaluation *e, json_t *targets, ein_csv_writer *csv, FILE *text) {
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

static void print_arms(const ein_evaluation *e, const char *task, const ein_arms *arms, FILE *stream) {
    fprintf(stream, "%s: %" PRId64 " records%s\n", task, e->n,
            e->seen    ? " (SOME WERE SEEN IN TRAINING)"
            : e->alike ? " (some are like training records, not more than chance explains)"
                       : "");
    ein_arms_print(arms, stream);
}

static ein_status put_arms(const ein_evaluation *e, const char *task, const ein_arms *arms,
                           json_t *comparisons, ein_csv_writer *csv, FILE *text) {
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
static ein_status compare_arms(const ein_evaluation *e, json_t *comparisons, ein_csv_writer *csv,
                               FILE *text) {
    const ein_model_tasks *meaning = e->model[0].meaning;
    for (int k = 0; k < meaning->n_tasks; k++) {
        ein_arms *arms = NULL;
        ein_status status = arms_of_task(e, k, &arms);
        if (status == EIN_OK && arms)
            status = put_arms(e, meaning->tasks.task[k].name, arms, comparisons, csv, text);
        ein_arms_destroy(arms);
        EIN_TRY(ein_comm_agree(e->comm, status));
    }
    if (ein_evaluation_is_root(e)) fprintf(text, "\n");
    return EIN_OK;
}

/* Whoever reads the tables has not seen the terminal: first of all, how far the intervals can be trusted. */
static void note_unknown_patients(const ein_evaluation *e, ein_csv_writer *csv, FILE *text) {
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

ein_status ein_evaluation_report(ein_evaluation *e) {
    char path[4200];
    ein_csv_writer *csv = NULL;
    json_t *root = NULL, *targets = json_array(), *comparisons = json_array();
    ein_status status = EIN_OK;
    FILE *text = NULL;
    snprintf(path, sizeof path, "%s/metrics.csv", e->out);
    if (ein_evaluation_is_root(e))
        status = ein_csv_create(path, ein_metrics_columns, EIN_METRICS_COLUMNS, &csv);
    snprintf(path, sizeof path, "%s/metrics.txt", e->out);
    if (ein_evaluation_is_root(e) && status == EIN_OK) status = ein_durable_fopen(path, &text);
    status = ein_comm_agree(e->comm, status);
    if (status == EIN_OK && ein_evaluation_is_root(e)) note_unknown_patients(e, csv, text);
    if (status == EIN_OK) status = compare_arms(e, comparisons, csv, text);
    if (status == EIN_OK) status = measure_all(e, targets, csv, text);
    if (status == EIN_OK && ein_evaluation_is_root(e)) {
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
