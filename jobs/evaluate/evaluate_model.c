/* A model on a corpus: the options and the steps; what a step does is in evaluation_*.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/config/table.h"
#include "jobs/evaluate/evaluate.h"
#include "jobs/evaluate/evaluation.h"
#include "jobs/options/rows.h"
#include "jobs/options/task_library.h"
#include "mpi/threads.h"

const ein_option ein_table_evaluate_model[] = {
    EIN_ROW_CORPUS("corpus whose records are scored (made by ingest)"),
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

static ein_status cohort_name(ein_evaluation *e) {
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
static ein_status count_unknown_patients(ein_evaluation *e) {
    char *patient = NULL;
    int64_t stride = 0;
    if (!ein_evaluation_is_root(e)) return EIN_OK;
    EIN_TRY(ein_corpus_texts(e->corpus, "patient", &patient, &stride));
    for (int64_t i = 0; i < e->n; i++) e->unknown_patients += patient[e->record[i] * stride] == '\0';
    free(patient);
    return EIN_OK;
}

/* Targets of which nothing is known where it is evaluated are scored, not measured; loudly, lest a wrong table pass. */
static ein_status note_unknown(const ein_evaluation *e) {
    const int T = e->targets.n_targets;
    int n = 0;
    char label[300];
    ein_target_counts *count;
    EIN_TRY(EIN_NEW(count, T));
    ein_targets_count(&e->targets, e->part, EIN_SPLIT_TEST, count);
    for (int t = 0; t < T; t++) n += count[t].positive + count[t].negative == 0;
    if (n > 0 && ein_evaluation_is_root(e)) {
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

static ein_status open_all(ein_evaluation *e) {
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
    EIN_TRY(ein_comm_agree(e->comm, ein_evaluation_load_models(e)));
    EIN_TRY(ein_corpus_open(e->comm, corpus, &e->corpus));
    EIN_TRY(ein_threads_choose(e->comm, (int)ein_config_int(c, "evaluate.threads"), &e->threads));
    EIN_TRY(ein_evaluation_load_probes(e));
    ein_status status = EIN_OK;
    for (int m = 0; status == EIN_OK && m < e->n_models; m++)
        status = ein_evaluation_check_contract(e, &e->model[m]);
    if (status == EIN_OK) status = ein_evaluation_choose_part(e);
    if (status == EIN_OK) status = ein_evaluation_choose_records(e);
    if (status == EIN_OK) status = ein_evaluation_check_seen(e);
    if (status == EIN_OK) status = ein_evaluation_choose_leads(e);
    if (status == EIN_OK) status = ein_evaluation_make_groups(e);
    if (status == EIN_OK) status = cohort_name(e);
    if (status == EIN_OK) status = count_unknown_patients(e);
    EIN_TRY(ein_comm_agree(e->comm, status));
    return ein_evaluation_build_targets(e);
}

static ein_status work(ein_evaluation *e) {
    char join[768];
    EIN_TRY(open_all(e));
    ein_join_text(&e->targets.join, join, sizeof join);
    if (ein_evaluation_is_root(e) && join[0]) printf("%s\n", join);
    ein_status status = note_unknown(e);
    if (status == EIN_OK && ein_evaluation_is_root(e))
        status = ein_evaluate_folder_begin(e->out, ein_config_bool(e->job->config, "evaluate.overwrite"),
                                           &e->folder);
    EIN_TRY(ein_comm_agree(e->comm, status));
    for (int m = 0; m < e->n_models; m++) EIN_TRY(ein_evaluation_score(e, &e->model[m]));
    if (ein_evaluation_is_root(e)) status = ein_evaluation_name_run(e);
    if (ein_evaluation_is_root(e) && status == EIN_OK) status = ein_evaluation_write_csv(e);
    if (ein_evaluation_is_root(e) && status == EIN_OK) status = ein_evaluation_write_h5(e);
    EIN_TRY(ein_comm_agree(e->comm, status));
    EIN_TRY(ein_evaluation_report(e));
    EIN_TRY(ein_comm_share(e->comm, ein_evaluation_is_root(e) ? ein_evaluate_folder_publish(e->folder, e->run)
                                                              : EIN_OK));
    if (ein_evaluation_is_root(e))
        printf("\nscores.h5, scores.csv, metrics.json, metrics.csv and metrics.txt (to read) are in %s\n",
               e->out);
    return EIN_OK;
}

static void release(ein_evaluation *e) {
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
    ein_evaluation *e;
    EIN_TRY(EIN_NEW(e, 1));
    e->job = job;
    e->comm = job->comm;
    const ein_status status = work(e);
    release(e);
    free(e);
    return status;
}
