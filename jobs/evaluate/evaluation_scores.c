/* Scores of the records, and the files that hold them. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/hash.h"
#include "io/formats/csv.h"
#include "io/hdf5/h5.h"
#include "jobs/evaluate/evaluate.h"
#include "jobs/evaluate/evaluation.h"
#include "jobs/options/scoring.h"

/* What a probe made of the records that are evaluated. */
static ein_status take_logits(ein_evaluation *e, ein_evaluation_model *m) {
    const int T = m->meaning->n_targets;
    ein_status status = EIN_NEW(m->score, e->n * T);
    if (status == EIN_OK) status = EIN_NEW(m->logit, e->n * T);
    EIN_TRY(ein_comm_agree(e->comm, status));
    for (int64_t i = 0; i < e->n; i++)
        memcpy(m->logit + i * T, m->all_logits + e->record[i] * T, (size_t)T * sizeof *m->logit);
    ein_head_score_of_logit(m->score, m->logit, m->meaning->head, m->meaning->n_tasks, e->n, T);
    return EIN_OK;
}

ein_status ein_evaluation_score(ein_evaluation *e, ein_evaluation_model *m) {
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
    ein_progress *progress =
        ein_evaluation_is_root(e) ? ein_progress_new(NULL, what, "records", e->n, 30) : NULL;
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
double ein_evaluation_calibrated(const ein_evaluation_model *m, int64_t i, int target) {
    const ein_calibration *c = &m->meaning->calibration[target];
    return ein_calibrated(c) ? ein_calibrate(c, m->logit[i * m->meaning->n_targets + target]) : NAN;
}

/* Columns "calibrated:MODEL:TARGET" of the targets that have a map; returns how many, and names them if asked to. */
static int name_calibrated(const ein_evaluation *e, char *names, size_t room) {
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
ein_status ein_evaluation_write_csv(const ein_evaluation *e) {
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
                    ein_csv_put_real(csv, ein_evaluation_calibrated(&e->model[m], i, t));
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
static ein_status put_calibrated(const ein_evaluation *e, hid_t file, int model) {
    const ein_evaluation_model *m = &e->model[model];
    const int T = e->targets.n_targets;
    char name[64];
    double *after;
    if (!m->calibrated) return EIN_OK;
    snprintf(name, sizeof name, "logit_%d", model);
    EIN_TRY(ein_h5_write_column(file, name, H5T_IEEE_F64LE, e->n, T, m->logit));
    EIN_TRY(EIN_NEW(after, e->n * T));
    for (int64_t i = 0; i < e->n; i++)
        for (int t = 0; t < T; t++) after[i * T + t] = ein_evaluation_calibrated(m, i, t);
    snprintf(name, sizeof name, "calibrated_%d", model);
    const ein_status status = ein_h5_write_column(file, name, H5T_IEEE_F64LE, e->n, T, after);
    free(after);
    return status;
}

static ein_status fill_h5(const ein_evaluation *e, hid_t file) {
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
static void describe_run(const ein_evaluation *e, FILE *out) {
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
ein_status ein_evaluation_name_run(ein_evaluation *e) {
    const int T = e->targets.n_targets;
    uint8_t digest[EIN_HASH_BYTES];
    ein_bytes part[2 + EIN_METRICS_MOST_MODELS];
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

ein_status ein_evaluation_write_h5(const ein_evaluation *e) {
    char path[4200];
    ein_h5_draft *draft;
    snprintf(path, sizeof path, "%s/scores.h5", e->out);
    EIN_TRY(ein_h5_draft_new(&draft));
    return ein_h5_draft_save(draft, path, fill_h5(e, ein_h5_draft_file(draft)));
}
