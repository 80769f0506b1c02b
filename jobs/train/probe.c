#include "jobs/train/probe.h"

#include <inttypes.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/nn/classify.h"
#include "core/stats/penalised.h"
#include "core/stats/roc.h"
#include "io/corpus/store.h"
#include "io/tasks/targets.h"
#include "jobs/options/model_options.h"
#include "jobs/options/seen_options.h"
#include "jobs/options/split_options.h"
#include "jobs/options/task_library.h"
#include "jobs/train/probe_rows.h"
#include "mpi/gather.h"
#include "mpi/threads.h"
#include "mpi/watchdog.h"

const ein_option ein_table_probe[] = {
    {"probe.every_epochs", EIN_OPT_INT, "0", 0, 1000000, NULL, "epochs",
     "between linear probes of the encoder on a labelled corpus; 0: none"},
    {"probe.corpus", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "that corpus (made by ingest), split by split.*; unset: data.corpus"},
    {"probe.tasks", EIN_OPT_LIST, "", EIN_UNBOUNDED, NULL, "",
     "tasks by name (ptbxl/superclass, findings, ...) or YAML files"},
    {"probe.penalty", EIN_OPT_REAL, "0.01", 1e-9, 1e9, NULL, "",
     "on half the squared weights of standardised features, beside the mean loss of a record"},
    {0},
};

/* Records read at once; values in one MPI call. */
enum { CHUNK = 512, MOST_TASKS = 256 };

/* One thread's room. */
typedef struct {
    ein_classify *one; /* of one record */
    float *x;          /* (L,S) */
} probe_worker;

struct ein_probe {
    ein_job *job;
    const ein_layout *model;
    const ein_contract *contract;
    int threads;
    int64_t every;
    double penalty;
    ein_corpus *corpus;
    uint8_t *part; /* (N) */
    ein_targets targets;
    int64_t n, n_train, n_valid;
    int64_t *record;     /* (n) corpus indices, ascending: of the train and valid part, something known */
    int64_t *train;      /* (n_train) places among them */
    ein_layout *encoder; /* EIN_PART_CLASSIFY; its head is not used */
    float *param;        /* its arena */
    float *feature;      /* (n, width) */
    double *value;       /* (n_targets); NaN: not estimable */
    double unsettled;    /* fits of the last probe that did not settle */
    probe_worker *worker;
    ein_run *run;
    ein_probe_rows rows; /* rank 0 */
};

static int is_root(const ein_probe *p) {
    return ein_comm_rank(p->job->comm) == 0;
}

static int width_of(const ein_probe *p) {
    return p->encoder->shape.width;
}

/* Label of target j for record number i of the probe's, NaN if not known. */
static double label_of(const ein_probe *p, int64_t i, int j) {
    return p->targets.value[p->record[i] * p->targets.n_targets + j];
}

static bool is_valid(const ein_probe *p, int64_t i) {
    return p->part[p->record[i]] == EIN_SPLIT_VALID;
}

/* --- open ------------------------------------------------------------------------------------------------ */

static ein_status load_tasks(ein_probe *p, ein_tasks *tasks) {
    const ein_config *c = p->job->config;
    const int n = ein_config_list_count(c, "probe.tasks");
    const char *names[MOST_TASKS];
    if (n == 0)
        return ein_error(EIN_USAGE,
                         "probe.every_epochs is given but no task: set probe.tasks (ptbxl/superclass, "
                         "findings, ... or a YAML file)");
    if (n > MOST_TASKS)
        return ein_error(EIN_USAGE, "probe.tasks: %d names, at most %d are taken", n, MOST_TASKS);
    for (int i = 0; i < n; i++) names[i] = ein_config_list_item(c, "probe.tasks", i);
    const ein_status status = ein_tasks_load(p->job->comm, ein_task_library(), names, n, tasks);
    return ein_error_context(status == EIN_NOTFOUND ? EIN_USAGE : status, "probe.tasks");
}

static ein_status check_contract(const ein_probe *p) {
    char difference[1024];
    if (ein_contract_compare(p->contract, ein_corpus_contract(p->corpus), 1, difference, sizeof difference) ==
        0)
        return EIN_OK;
    return ein_error(EIN_MISMATCH,
                     "probe.corpus %s was made under another contract than the model is pretrained with: %s; "
                     "ingest its records again under the model's contract",
                     ein_corpus_path(p->corpus), difference);
}

/* Records that have a part and of which a target is known. */
static ein_status list_records(ein_probe *p) {
    const int64_t N = ein_corpus_records(p->corpus);
    const int T = p->targets.n_targets;
    EIN_TRY(EIN_NEW(p->record, N));
    EIN_TRY(EIN_NEW(p->train, N));
    for (int64_t i = 0; i < N; i++) {
        bool known = false;
        for (int j = 0; j < T; j++) known |= !isnan(p->targets.value[i * T + j]);
        if (!known || (p->part[i] != EIN_SPLIT_TRAIN && p->part[i] != EIN_SPLIT_VALID)) continue;
        if (p->part[i] == EIN_SPLIT_TRAIN)
            p->train[p->n_train++] = p->n;
        else
            p->n_valid++;
        p->record[p->n++] = i;
    }
    return EIN_OK;
}

static bool is_number(const ein_probe *p, int task) {
    return p->targets.task[task].kind == EIN_HEAD_REGRESSION;
}

static bool counts_suffice(const ein_target_counts *c, bool number) {
    return number ? c->positive >= 2 : c->positive >= 1 && c->negative >= 1;
}

/* A task that no probe can ever say anything of is a slip. */
static ein_status check_tasks(const ein_probe *p) {
    ein_target_counts *train, *valid;
    ein_status status = EIN_OK;
    EIN_TRY(EIN_NEW(train, (int64_t)2 * p->targets.n_targets));
    valid = train + p->targets.n_targets;
    ein_targets_count(&p->targets, p->part, EIN_SPLIT_TRAIN, train);
    ein_targets_count(&p->targets, p->part, EIN_SPLIT_VALID, valid);
    for (int t = 0; t < p->targets.n_tasks && status == EIN_OK; t++) {
        const ein_head_task *task = &p->targets.task[t];
        int usable = 0;
        for (int j = task->first_target; j < task->first_target + task->n_targets; j++)
            usable +=
                counts_suffice(&train[j], is_number(p, t)) && counts_suffice(&valid[j], is_number(p, t));
        if (usable == 0)
            status = ein_error(EIN_USAGE,
                               "probe.tasks: no target of %s is known well enough in %s: both classes (two "
                               "records, of a number) must be in the train and in the valid part; see "
                               "split.*, or leave the task out",
                               p->targets.tasks.task[t].name, ein_corpus_path(p->corpus));
    }
    free(train);
    return status;
}

static ein_status make_encoder(ein_probe *p) {
    ein_vit_shape shape = p->model->shape;
    shape.dec_width = shape.dec_depth = shape.dec_heads = shape.dec_mlp = 0;
    shape.classes = 1;
    shape.pool = EIN_POOL_MEAN;
    shape.lora = 0;
    EIN_TRY(ein_layout_new(&shape, EIN_PART_CLASSIFY, &p->encoder));
    EIN_TRY(EIN_NEW(p->param, p->encoder->arena));
    EIN_TRY(EIN_NEW(p->feature, p->n * shape.width));
    return EIN_NEW(p->value, p->targets.n_targets);
}

static ein_status worker_new(void *self, int thread) {
    ein_probe *p = self;
    probe_worker *w = &p->worker[thread];
    EIN_TRY(ein_classify_new(p->encoder, NULL, 1, false, &w->one));
    return EIN_NEW(w->x, (int64_t)p->encoder->shape.leads * p->encoder->shape.samples);
}

static ein_status make_workers(ein_probe *p) {
    EIN_TRY(EIN_NEW(p->worker, p->threads));
    return ein_error_context(ein_threads_each(p->threads, worker_new, p), "the probe's %d threads",
                             p->threads);
}

static ein_status prepare(ein_probe *p, ein_tasks *tasks) {
    const ein_config *c = p->job->config;
    const char *path = ein_config_string(c, "probe.corpus");
    if (!path) path = ein_config_string(c, "data.corpus");
    if (!path) return ein_error(EIN_USAGE, "probe.every_epochs is given but no probe.corpus");
    EIN_TRY(load_tasks(p, tasks));
    EIN_TRY(ein_error_context(ein_corpus_open(p->job->comm, path, &p->corpus), "probe.corpus"));
    EIN_TRY(check_contract(p));
    EIN_TRY(ein_comm_agree(p->job->comm, ein_split_from_config(c, p->corpus, &p->part)));
    EIN_TRY(ein_targets_build(p->job->comm, tasks, p->corpus, p->part, NULL, &p->targets));
    ein_status status = check_tasks(p);
    if (status == EIN_OK) status = list_records(p);
    if (status == EIN_OK) status = make_encoder(p);
    if (status == EIN_OK) status = make_workers(p);
    return ein_comm_agree(p->job->comm, status);
}

ein_status ein_probe_open(ein_job *job, const ein_layout *model, const ein_contract *contract, int threads,
                          ein_probe **out) {
    ein_probe *p;
    ein_tasks tasks = {0};
    *out = NULL;
    if (ein_config_int(job->config, "probe.every_epochs") == 0) return EIN_OK;
    EIN_TRY(ein_comm_agree(job->comm, EIN_NEW(p, 1)));
    p->job = job;
    p->model = model;
    p->contract = contract;
    p->threads = threads;
    p->every = ein_config_int(job->config, "probe.every_epochs");
    p->penalty = ein_config_real(job->config, "probe.penalty");
    const ein_status status = prepare(p, &tasks);
    ein_tasks_free(&tasks);
    if (status != EIN_OK) {
        ein_probe_close(p);
        return status;
    }
    *out = p;
    return EIN_OK;
}

void ein_probe_close(ein_probe *p) {
    if (!p) return;
    for (int t = 0; p->worker && t < p->threads; t++) {
        ein_classify_destroy(p->worker[t].one);
        free(p->worker[t].x);
    }
    free(p->worker);
    free(p->part);
    ein_targets_free(&p->targets);
    free(p->record);
    free(p->train);
    ein_layout_destroy(p->encoder);
    free(p->param);
    free(p->feature);
    free(p->value);
    free(p->rows.row);
    ein_corpus_close(p->corpus);
    free(p);
}

void ein_probe_print(const ein_probe *p, FILE *stream) {
    char text[16];
    fprintf(stream,
            "probe                every %" PRId64 " epochs: %d targets of %d tasks from %" PRId64
            " records, %" PRId64 " to judge by, of %s\n"
            "                     %s per rank for features\n",
            p->every, p->targets.n_targets, p->targets.n_tasks, p->n_train, p->n_valid,
            ein_corpus_path(p->corpus),
            ein_bytes_text(p->n * width_of(p) * (int64_t)sizeof(float), text, sizeof text));
}

/* --- begin and resume ------------------------------------------------------------------------------------- */

/* The model may have seen what it is probed with: no harm to the comparison of epochs, but worth knowing. */
static ein_status note_seen(const ein_probe *p, const char *training_records) {
    ein_seen seen = {0};
    ein_seen_secret secret;
    ein_seen_match match = {0};
    int64_t *valid, n = 0;
    EIN_TRY(EIN_NEW(valid, p->n_valid));
    for (int64_t i = 0; i < p->n; i++)
        if (is_valid(p, i)) valid[n++] = p->record[i];
    ein_status status = ein_seen_decode(training_records, &seen);
    if (status == EIN_OK) status = ein_seen_secret_from_config(p->job->config, &secret);
    if (status == EIN_OK) status = ein_seen_find(&seen, p->corpus, valid, n, &secret, &match);
    if (status == EIN_OK)
        ein_run_log(p->run,
                    "probe: %d targets of %d tasks on %" PRId64 " records of %s, judged on %" PRId64
                    " others, %" PRId64 " of which this model is pretrained on, and %" PRId64
                    " like records of that by chance",
                    p->targets.n_targets, p->targets.n_tasks, p->n_train, ein_corpus_path(p->corpus),
                    p->n_valid, match.found, match.alike);
    ein_seen_free(&seen);
    free(valid);
    return status;
}

ein_status ein_probe_resume(ein_probe *p, ein_run *run, int64_t step, const char *training_records) {
    ein_status status = EIN_OK;
    p->run = run;
    if (is_root(p)) {
        status = note_seen(p, training_records);
        if (status == EIN_OK) status = ein_probe_rows_read(&p->rows, run, step);
        if (status == EIN_OK) {
            ein_probe_rows_drop(&p->rows, step + 1);
            if (ein_probe_rows_write(&p->rows, run) != EIN_OK)
                ein_run_warn(run, "PROBES NOT WRITTEN: %s; the run goes on", ein_error_message());
        }
    }
    return ein_comm_share(p->job->comm, status);
}

/* --- features -------------------------------------------------------------------------------------------- */

/* Features of the records [first, first + count) of the probe's, one record per call of the model. */
static ein_status compute_features(ein_probe *p, const ein_packed *packed, int64_t first, int64_t count) {
    const int width = width_of(p);
    for (int64_t done = 0; done < count; done += CHUNK) {
        const int64_t begin = first + done, n = count - done < CHUNK ? count - done : CHUNK;
        ein_store *store;
        EIN_TRY(ein_store_new(p->corpus, p->record + begin, n, &store));
        ein_store_normalise(store, p->contract->mean_mv, p->contract->sd_mv);
#pragma omp parallel for num_threads(p->threads) schedule(dynamic)
        for (int64_t i = 0; i < n; i++) {
            probe_worker *w = &p->worker[omp_get_thread_num()];
            ein_store_input(store, i, w->x);
            ein_watchdog_beat("computing features for a probe");
            ein_classify_weights(w->one, packed, NULL);
            ein_classify_prefix(w->one, p->feature + (begin + i) * width, p->param, w->x);
        }
        ein_store_destroy(store);
    }
    return EIN_OK;
}

/* Features of all records on every rank, standardised. */
static ein_status gather_features(ein_probe *p) {
    int64_t first, count;
    ein_share(p->n, ein_comm_rank(p->job->comm), ein_comm_size(p->job->comm), &first, &count);
    ein_packed *packed = NULL;
    ein_status status = ein_packed_make(p->encoder, false, p->param, p->threads, &packed);
    if (status == EIN_OK) status = compute_features(p, packed, first, count);
    ein_packed_destroy(packed);
    EIN_TRY(ein_comm_agree(p->job->comm, status));
    EIN_TRY(ein_gather_everywhere(p->job->comm, p->feature, NULL, p->n,
                                  width_of(p) * (int64_t)sizeof *p->feature, "gathering features"));
    ein_standardise(p->feature, p->n, width_of(p), p->train, p->n_train);
    return EIN_OK;
}

/* --- one target ------------------------------------------------------------------------------------------ */

/* What is known of a target in one part: places among the probe's records, and labels. */
typedef struct {
    int64_t n, *place;
    double *label;
} known_part;

static void known_free(known_part *k) {
    free(k->place);
    free(k->label);
}

static ein_status known_of(const ein_probe *p, int j, bool valid, known_part *out) {
    EIN_TRY(EIN_NEW(out->place, p->n));
    EIN_TRY(EIN_NEW(out->label, p->n));
    for (int64_t i = 0; i < p->n; i++) {
        const double label = label_of(p, i, j);
        if (isnan(label) || is_valid(p, i) != valid) continue;
        out->place[out->n] = i;
        out->label[out->n++] = label;
    }
    return EIN_OK;
}

/* Mean, and SD with n - 1 (0 for fewer than two). */
static void mean_and_sd(const double *v, int64_t n, double *mean, double *sd) {
    double square = 0;
    *mean = 0;
    for (int64_t i = 0; i < n; i++) *mean += v[i];
    if (n > 0) *mean /= (double)n;
    for (int64_t i = 0; i < n; i++) square += (v[i] - *mean) * (v[i] - *mean);
    *sd = n > 1 ? sqrt(square / (double)(n - 1)) : 0;
}

static ein_status judge_label(const known_part *valid, const double *score, double *value) {
    int8_t *is;
    ein_roc_result roc;
    EIN_TRY(EIN_NEW(is, valid->n));
    for (int64_t i = 0; i < valid->n; i++) is[i] = valid->label[i] > 0.5;
    const ein_status status = ein_roc_auc(&roc, score, is, NULL, valid->n, EIN_ROC_DEFAULTS);
    if (status == EIN_OK) *value = roc.auc.value;
    free(is);
    return status;
}

static double judge_number(const known_part *valid, const double *score) {
    double mean, sd, residual = 0;
    mean_and_sd(valid->label, valid->n, &mean, &sd);
    for (int64_t i = 0; i < valid->n; i++)
        residual += (valid->label[i] - score[i]) * (valid->label[i] - score[i]);
    return 1 - residual / (sd * sd * (double)(valid->n - 1));
}

static bool varies(const known_part *k) {
    double mean, sd;
    mean_and_sd(k->label, k->n, &mean, &sd);
    return sd > 0;
}

/* Fit on the train part, score the valid part. A number is fitted as its z-score. */
static ein_status fit_and_judge(const ein_probe *p, bool number, known_part *train, const known_part *valid,
                                double *room, double *value, bool *settled) {
    const int width = width_of(p);
    double *weight = room, *score = room + width + 1, mean = 0, sd = 1;
    ein_penalised_fit fit;
    if (number) mean_and_sd(train->label, train->n, &mean, &sd);
    for (int64_t i = 0; number && i < train->n; i++) train->label[i] = (train->label[i] - mean) / sd;
    EIN_TRY(ein_penalised_fit_rows(weight, &fit, p->feature, train->place, train->label, train->n, width,
                                   number ? EIN_PENALISED_SQUARED : EIN_PENALISED_LOGISTIC, p->penalty));
    *settled = fit.settled;
    for (int64_t i = 0; i < valid->n; i++)
        score[i] =
            mean + sd * ein_penalised_score(weight, p->feature + valid->place[i] * (int64_t)width, width);
    if (!number) return judge_label(valid, score, value);
    *value = judge_number(valid, score);
    return EIN_OK;
}

/* *value stays NaN where it cannot be estimated. */
static ein_status probe_target(const ein_probe *p, int j, bool number, double *value, bool *settled) {
    known_part train = {0}, valid = {0};
    double *room = NULL;
    *value = NAN;
    *settled = true;
    ein_status status = known_of(p, j, false, &train);
    if (status == EIN_OK) status = known_of(p, j, true, &valid);
    if (status == EIN_OK) status = EIN_NEW(room, width_of(p) + 1 + valid.n);
    if (status == EIN_OK && varies(&train) && varies(&valid))
        status = fit_and_judge(p, number, &train, &valid, room, value, settled);
    known_free(&train);
    known_free(&valid);
    free(room);
    return status;
}

/* --- all targets ----------------------------------------------------------------------------------------- */

static int task_of(const ein_probe *p, int target) {
    int t = 0;
    while (target >= p->targets.task[t].first_target + p->targets.task[t].n_targets) t++;
    return t;
}

/* Each target is fitted by one thread of one rank. */
static ein_status probe_own_targets(ein_probe *p, double *unsettled) {
    const int rank = ein_comm_rank(p->job->comm), size = ein_comm_size(p->job->comm);
    ein_kept_error failure = {.status = EIN_OK};
    double open = 0;
#pragma omp parallel for num_threads(p->threads) schedule(dynamic) reduction(+ : open)
    for (int j = rank; j < p->targets.n_targets; j += size) {
        bool settled = true;
        ein_watchdog_beat("fitting a probe");
        ein_error_keep_lowest(&failure, j,
                              probe_target(p, j, is_number(p, task_of(p, j)), &p->value[j], &settled));
        open += !settled;
    }
    *unsettled = open;
    return ein_error_kept(&failure);
}

static ein_status probe_targets(ein_probe *p) {
    const int T = p->targets.n_targets;
    memset(p->value, 0, (size_t)T * sizeof *p->value);
    EIN_TRY(ein_comm_agree(p->job->comm, probe_own_targets(p, &p->unsettled)));
    /* A value is another than 0 on one rank only; counts are exact. */
    EIN_TRY(ein_comm_check(
        MPI_Allreduce(MPI_IN_PLACE, p->value, T, MPI_DOUBLE, MPI_SUM, ein_comm_mpi(p->job->comm)),
        "gathering the values of a probe"));
    return ein_comm_check(
        MPI_Allreduce(MPI_IN_PLACE, &p->unsettled, 1, MPI_DOUBLE, MPI_SUM, ein_comm_mpi(p->job->comm)),
        "gathering the values of a probe");
}

static ein_probe_row row_of_task(const ein_probe *p, int t, int64_t epoch, int64_t step) {
    const ein_head_task *task = &p->targets.task[t];
    ein_probe_row row = {.epoch = epoch, .step = step, .targets = task->n_targets, .value = NAN};
    double sum = 0;
    snprintf(row.task, sizeof row.task, "%s", p->targets.tasks.task[t].name);
    snprintf(row.measure, sizeof row.measure, "%s", is_number(p, t) ? "R2" : "AUROC");
    for (int j = task->first_target; j < task->first_target + task->n_targets; j++) {
        if (isnan(p->value[j])) continue;
        sum += p->value[j];
        row.estimated++;
    }
    if (row.estimated > 0) row.value = sum / (double)row.estimated;
    return row;
}

/* Rows and a log line. Rank 0. */
static ein_status keep(ein_probe *p, int64_t epoch, int64_t step, double seconds) {
    char text[1024] = "", note[64] = "";
    size_t at = 0;
    ein_probe_rows_drop(&p->rows, step);
    for (int t = 0; t < p->targets.n_tasks; t++) {
        const ein_probe_row row = row_of_task(p, t, epoch, step);
        EIN_TRY(ein_probe_rows_add(&p->rows, &row));
        if (at + 1 < sizeof text)
            at +=
                (size_t)snprintf(text + at, sizeof text - at, "%s%s %s %.4f (%" PRId64 " of %" PRId64 ")",
                                 t ? ", " : "", row.task, row.measure, row.value, row.estimated, row.targets);
    }
    if (p->unsettled > 0) snprintf(note, sizeof note, "; %.0f fits did not settle", p->unsettled);
    ein_run_log(p->run, "probe of epoch %" PRId64 ": %s%s; %.1f s", epoch, text, note, seconds);
    return ein_probe_rows_write(&p->rows, p->run);
}

bool ein_probe_is_due(const ein_probe *p, int64_t epoch, int64_t epochs) {
    return p && (epoch % p->every == 0 || epoch == epochs);
}

static ein_status probe_all(ein_probe *p, const float *param, int64_t epoch, int64_t step) {
    const double start = ein_clock_s();
    ein_layout_copy(p->param, p->encoder, param, p->model);
    EIN_TRY(gather_features(p));
    EIN_TRY(probe_targets(p));
    const ein_status status = is_root(p) ? keep(p, epoch, step, ein_clock_s() - start) : EIN_OK;
    return ein_comm_share(p->job->comm, status);
}

ein_status ein_probe_run(ein_probe *p, const float *param, int64_t epoch, int64_t step) {
    const ein_status status = probe_all(p, param, epoch, step);
    ein_watchdog_beat("going on after a probe");
    if (status == EIN_OK || status == EIN_COMM) return status;
    ein_run_warn(p->run, "THE PROBE OF EPOCH %" PRId64 " FAILED: %s; the run goes on", epoch,
                 ein_error_message());
    return EIN_OK;
}
