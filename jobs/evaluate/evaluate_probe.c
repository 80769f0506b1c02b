#include "jobs/evaluate/evaluate_probe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/elementary.h"
#include "core/stats/penalised.h"
#include "mpi/watchdog.h"

static const double penalties[] = {1, 0.1, 0.01, 0.001};
enum { N_PENALTIES = sizeof penalties / sizeof *penalties };

void ein_evaluate_probe_free(ein_evaluate_probe *p) {
    if (!p) return;
    ein_embeddings_free(&p->features);
    ein_model_tasks_destroy(p->meaning);
    free(p->logit);
    memset(p, 0, sizeof *p);
}

/* --- rows ------------------------------------------------------------------------------------------------ */

typedef struct {
    ein_evaluate_probe *probe;
    const ein_corpus *corpus;
    const ein_targets *targets;
    const uint8_t *part;
    int64_t N;
    int64_t *row; /* (N) of the features; -1: none */
} fit;

static int compare_ids(const void *left, const void *right, void *context) {
    const ein_embeddings *e = context;
    return strcmp(ein_embeddings_id(e, *(const int64_t *)left),
                  ein_embeddings_id(e, *(const int64_t *)right));
}

static int64_t find_row(const ein_embeddings *e, const int64_t *order, const char *id) {
    int64_t low = 0, high = e->n;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        const int c = strcmp(ein_embeddings_id(e, order[middle]), id);
        if (c == 0) return order[middle];
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

static ein_status find_rows(fit *f) {
    ein_embeddings *e = &f->probe->features;
    int64_t *order;
    EIN_TRY(EIN_NEW(f->row, f->N));
    EIN_TRY(EIN_NEW(order, e->n));
    for (int64_t i = 0; i < e->n; i++) order[i] = i;
    qsort_r(order, (size_t)e->n, sizeof *order, compare_ids, e);
    for (int64_t r = 0; r < f->N; r++) f->row[r] = find_row(e, order, ein_corpus_record_id(f->corpus, r));
    free(order);
    return EIN_OK;
}

/* Standardise by the records of the train part. */
static ein_status standardise(fit *f, const char *path) {
    ein_embeddings *e = &f->probe->features;
    int64_t *train, n = 0, tested = 0;
    EIN_TRY(EIN_NEW(train, f->N));
    for (int64_t r = 0; r < f->N; r++) {
        const bool test = f->part[r] == EIN_SPLIT_TEST;
        if (f->row[r] < 0) f->probe->missing += test;
        if (f->row[r] >= 0) tested += test;
        if (f->row[r] >= 0 && f->part[r] == EIN_SPLIT_TRAIN) train[n++] = f->row[r];
    }
    if (n > 0) ein_standardise(e->value, e->n, e->width, train, n);
    free(train);
    if (n > 0 && tested > 0) return EIN_OK;
    return ein_error(
        EIN_USAGE,
        "%s: %lld records of the train part and %lld of the test part of %s have features there; both are "
        "needed (embed takes all records unless --part is given; see split.*)",
        path, (long long)n, (long long)tested, ein_corpus_path(f->corpus));
}

/* --- one target ------------------------------------------------------------------------------------------ */

/* Rows and values of the records of a part that know a target. */
static int64_t list_known(const fit *f, int target, ein_split_part part, int64_t *row, double *y) {
    const int T = f->targets->n_targets;
    int64_t n = 0;
    for (int64_t r = 0; r < f->N; r++) {
        const float value = f->targets->value[r * T + target];
        if (f->part[r] != part || f->row[r] < 0 || isnan(value)) continue;
        row[n] = f->row[r];
        y[n++] = value;
    }
    return n;
}

/* A number becomes its z-score by the n values. False if there is nothing to learn: then *mean is what is said of every
 * record, the mean or the log odds of the few that are known. */
static bool scale_values(double *y, int64_t n, bool number, double *mean, double *sd) {
    double sum = 0, square = 0;
    *mean = 0;
    *sd = 1;
    for (int64_t i = 0; i < n; i++) sum += y[i];
    for (int64_t i = 0; i < n; i++) square += (y[i] - sum / (double)n) * (y[i] - sum / (double)n);
    if (number && n > 0) *mean = sum / (double)n;
    if (n < 2 || !(square > 0)) {
        if (!number) *mean = ein_log((sum + 0.5) / ((double)n - sum + 0.5));
        return false;
    }
    if (!number) return true;
    *sd = sqrt(square / (double)n);
    for (int64_t i = 0; i < n; i++) y[i] = (y[i] - *mean) / *sd;
    return true;
}

/* Mean loss of a record, as it is fitted. */
static double loss_of(const fit *f, const double *weight, const int64_t *row, const double *y, int64_t n,
                      bool number, double mean, double sd) {
    const int d = f->probe->features.width;
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        const double z = ein_penalised_score(weight, f->probe->features.value + row[i] * d, d);
        const double off = z - (y[i] - mean) / sd;
        sum += number ? off * off / 2 : ein_softplus(z) - y[i] * z;
    }
    return n > 0 ? sum / (double)n : 0;
}

/* Weights in best (d + 1) by the penalty that the valid part likes; `try` is room for as many. */
static ein_status fit_weights(const fit *f, int target, double *best, double *try, int64_t *row, double *y,
                              double *mean, double *sd) {
    const int d = f->probe->features.width;
    const ein_model_tasks *m = f->probe->meaning;
    const bool number = m->head[m->task_of[target]].kind == EIN_HEAD_REGRESSION;
    const int64_t n = list_known(f, target, EIN_SPLIT_TRAIN, row, y);
    int64_t *valid = row + n;
    double *known = y + n, least = INFINITY;
    if (!scale_values(y, n, number, mean, sd)) return EIN_OK;
    const int64_t n_valid = list_known(f, target, EIN_SPLIT_VALID, valid, known);
    for (int k = 0; k < N_PENALTIES; k++) {
        ein_watchdog_beat("fitting linear probes");
        EIN_TRY(ein_penalised_fit_rows(try, NULL, f->probe->features.value, row, y, n, d,
                                       number ? EIN_PENALISED_SQUARED : EIN_PENALISED_LOGISTIC,
                                       penalties[k]));
        const double loss = loss_of(f, try, valid, known, n_valid, number, *mean, *sd);
        if (!(loss < least)) continue;
        least = loss;
        memcpy(best, try, (size_t)(d + 1) * sizeof *best);
    }
    return EIN_OK;
}

static ein_status fit_target(const fit *f, int target) {
    const int d = f->probe->features.width, T = f->targets->n_targets;
    double *weight = NULL, *y = NULL, mean = 0, sd = 1;
    int64_t *row = NULL;
    ein_status status = EIN_NEW(weight, 2 * (d + 1));
    if (status == EIN_OK) status = EIN_NEW(y, f->N + 1);
    if (status == EIN_OK) status = EIN_NEW(row, f->N + 1);
    if (status == EIN_OK) status = fit_weights(f, target, weight, weight + d + 1, row, y, &mean, &sd);
    for (int64_t r = 0; status == EIN_OK && r < f->N; r++) {
        const float *x = f->probe->features.value + (f->row[r] >= 0 ? f->row[r] : 0) * d;
        f->probe->logit[r * T + target] =
            f->row[r] >= 0 ? ein_penalised_score(weight, x, d) * sd + mean : NAN;
    }
    free(weight);
    free(y);
    free(row);
    return status;
}

/* --- all of them ------------------------------------------------------------------------------------------ */

/* Thresholds and calibration of a target from the valid part. */
static ein_status describe_target(const fit *f, int target) {
    ein_model_tasks *m = f->probe->meaning;
    const int T = f->targets->n_targets;
    const bool number = m->head[m->task_of[target]].kind == EIN_HEAD_REGRESSION;
    double *logit, *score, *label;
    int64_t n = 0;
    EIN_TRY(EIN_NEW(logit, 3 * f->N + 1));
    score = logit + f->N;
    label = score + f->N;
    for (int64_t r = 0; r < f->N; r++) {
        const double z = f->probe->logit[r * T + target];
        if (f->part[r] != EIN_SPLIT_VALID || isnan(z)) continue;
        logit[n] = z;
        score[n] = number ? z : ein_logistic(z);
        label[n++] = f->targets->value[r * T + target];
    }
    ein_status status = ein_model_tasks_choose(m, target, score, label, n);
    if (status == EIN_OK) status = ein_model_tasks_calibrate(m, target, "auto", logit, label, n);
    free(logit);
    return status;
}

static ein_status fit_targets(fit *f, int threads) {
    const int T = f->targets->n_targets;
    ein_status *status;
    EIN_TRY(EIN_NEW(f->probe->logit, f->N * T));
    EIN_TRY(EIN_NEW(status, T));
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (int t = 0; t < T; t++) status[t] = fit_target(f, t);
    ein_status worst = EIN_OK;
    for (int t = 0; t < T && worst == EIN_OK; t++) worst = status[t];
    free(status);
    /* A message is its thread's own. */
    if (worst != EIN_OK) return ein_error(worst, "a linear probe could not be fitted");
    for (int t = 0; t < T; t++) EIN_TRY(describe_target(f, t));
    return EIN_OK;
}

ein_status ein_evaluate_probe_fit(ein_evaluate_probe *p, const char *path, const ein_corpus *corpus,
                                  const ein_targets *targets, const uint8_t *part, int threads) {
    fit f = {.probe = p, .corpus = corpus, .targets = targets, .part = part, .N = ein_corpus_records(corpus)};
    memset(p, 0, sizeof *p);
    EIN_TRY(ein_embeddings_read(path, &p->features));
    const size_t bytes = (size_t)(p->features.n * p->features.width) * sizeof *p->features.value;
    ein_hash_text(p->features.value, bytes, p->hash);
    ein_status status = find_rows(&f);
    if (status == EIN_OK) status = standardise(&f, path);
    if (status == EIN_OK) status = ein_model_tasks_new(&targets->tasks, &p->meaning);
    if (status == EIN_OK) status = ein_error_context(fit_targets(&f, threads), "%s", path);
    free(f.row);
    if (status != EIN_OK) ein_evaluate_probe_free(p);
    return status;
}
