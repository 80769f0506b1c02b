#include "jobs/report/curves.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/stats/bootstrap.h"
#include "io/base/hash.h"

enum { KINDS = 3, METRICS = KINDS * EIN_CURVE_POINTS };

/* Records in descending order of their score. */
typedef struct {
    int64_t n;
    double *score;
    int8_t *label;
    uint64_t *patient;
    int64_t *order;
} scored;

double ein_curve_x(int point) {
    return (double)point / (EIN_CURVE_POINTS - 1);
}

/* --- one pass over the records from the highest score down -------------------------------------------------- */

/* With `count` how often each record counts; NULL: once. */
static void trace_curves(const scored *s, const int32_t *count, double value[METRICS]) {
    double *roc = value, *pr = value + EIN_CURVE_POINTS, *benefit = value + 2 * EIN_CURVE_POINTS;
    int64_t positives = 0, all = 0, tp = 0, fp = 0;
    int threshold = EIN_CURVE_POINTS - 1;
    for (int64_t i = 0; i < s->n; i++) {
        const int64_t c = count ? count[i] : 1;
        all += c;
        positives += s->label[i] ? c : 0;
    }
    for (int k = 0; k < METRICS; k++) value[k] = (double)NAN;
    if (positives == 0 || positives == all) return;
    const double P = (double)positives, N = (double)(all - positives), A = (double)all;
    for (int k = 0; k < EIN_CURVE_POINTS; k++) roc[k] = pr[k] = 0;
    for (int64_t i = 0; i < s->n;) {
        const double at = s->score[s->order[i]];
        /* Called positive at threshold t: scores of t and more. */
        for (; threshold > 0 && ein_curve_x(threshold) > at; threshold--) {
            const double t = ein_curve_x(threshold);
            benefit[threshold] = t < 1 ? (double)tp / A - (double)fp / A * t / (1 - t) : (double)NAN;
        }
        for (; i < s->n && !(s->score[s->order[i]] < at); i++) {
            const int64_t r = s->order[i], c = count ? count[r] : 1;
            if (s->label[r])
                tp += c;
            else
                fp += c;
        }
        if (tp + fp == 0) continue;
        const double tpr = (double)tp / P, fpr = (double)fp / N, precision = (double)tp / (double)(tp + fp);
        const int first = (int)ceil(fpr * (EIN_CURVE_POINTS - 1) - 1e-9),
                  last = (int)floor(tpr * (EIN_CURVE_POINTS - 1) + 1e-9);
        for (int k = first; k < EIN_CURVE_POINTS; k++) roc[k] = fmax(roc[k], tpr);
        for (int k = 0; k <= last; k++) pr[k] = fmax(pr[k], precision);
    }
    for (; threshold > 0; threshold--) {
        const double t = ein_curve_x(threshold);
        benefit[threshold] = t < 1 ? (double)tp / A - (double)fp / A * t / (1 - t) : (double)NAN;
    }
    benefit[0] = P / A;
}

static ein_status metric(ein_stats_value *value, const ein_bootstrap_sample *sample, void *context) {
    double now[METRICS];
    trace_curves(context, sample->count, now);
    for (int k = 0; k < METRICS; k++)
        value[k] = isfinite(now[k]) ? ein_stats_known(now[k]) : ein_stats_unknown(EIN_STATS_ONE_CLASS);
    return EIN_OK;
}

/* --- reading ----------------------------------------------------------------------------------------------- */

static bool read_number(const char *text, double *out) {
    char *end;
    *out = strtod(text, &end);
    return *text && !*end && isfinite(*out);
}

/* Patients by the hash of their name; a record without one stands for itself. */
static uint64_t patient_of(const char *name, int64_t row) {
    uint64_t key = 1469598103934665603U ^ (uint64_t)(*name ? 0 : row + 1);
    for (; *name; name++) key = (key ^ (unsigned char)*name) * 1099511628211U;
    return key;
}

static ein_status read_scores(const ein_csv *csv, int label, int score, scored *s) {
    const int64_t rows = ein_csv_rows(csv);
    const int patient = ein_csv_column(csv, "patient");
    EIN_TRY(EIN_NEW(s->score, rows + 1));
    EIN_TRY(EIN_NEW(s->label, rows + 1));
    EIN_TRY(EIN_NEW(s->patient, rows + 1));
    EIN_TRY(EIN_NEW(s->order, rows + 1));
    for (int64_t i = 0; i < rows; i++) {
        double y, x;
        if (!read_number(ein_csv_cell(csv, i, label), &y) || !read_number(ein_csv_cell(csv, i, score), &x))
            continue;
        s->label[s->n] = y > 0.5;
        s->score[s->n] = x;
        s->patient[s->n] = patient_of(patient < 0 ? "" : ein_csv_cell(csv, i, patient), i);
        s->n++;
    }
    return EIN_OK;
}

typedef struct {
    double score;
    int64_t at;
} placed;

static int descending(const void *a, const void *b) {
    const placed *x = a, *y = b;
    if (x->score > y->score) return -1;
    if (x->score < y->score) return 1;
    return (x->at > y->at) - (x->at < y->at);
}

static ein_status sort_scores(scored *s) {
    placed *p;
    EIN_TRY(EIN_NEW(p, s->n + 1));
    for (int64_t i = 0; i < s->n; i++) p[i] = (placed){s->score[i], i};
    qsort(p, (size_t)s->n, sizeof *p, descending);
    for (int64_t i = 0; i < s->n; i++) s->order[i] = p[i].at;
    free(p);
    return EIN_OK;
}

/* --- bands ------------------------------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The central 95 % of the replicates of each point. */
static void take_band(const ein_stats_value *replicate, int k, double *lower, double *upper) {
    double value[EIN_CURVE_REPLICATES];
    int n = 0;
    for (int i = 0; i < EIN_CURVE_REPLICATES; i++)
        if (replicate[i * METRICS + k].state == EIN_STATS_ESTIMABLE)
            value[n++] = replicate[i * METRICS + k].value;
    *lower = *upper = (double)NAN;
    if (n < EIN_CURVE_REPLICATES * 19 / 20) return;
    qsort(value, (size_t)n, sizeof *value, ascending);
    *lower = value[(int)(0.025 * (n - 1))];
    *upper = value[(int)ceil(0.975 * (n - 1))];
}

static ein_status fill(const scored *s, ein_curves *out) {
    double value[METRICS];
    ein_curve *const curve[KINDS] = {&out->roc, &out->pr, &out->benefit};
    ein_bootstrap *plan = NULL;
    ein_stats_value *replicate;
    out->n = s->n;
    for (int64_t i = 0; i < s->n; i++) out->n_positive += s->label[i];
    EIN_TRY(EIN_NEW(replicate, EIN_CURVE_REPLICATES * METRICS));
    ein_status status = s->n > 0 ? ein_bootstrap_new(&plan, s->patient, s->n, 1) : EIN_OK;
    if (status == EIN_OK && plan)
        status = ein_bootstrap_run(plan, metric, (void *)(uintptr_t)s, METRICS, 0, EIN_CURVE_REPLICATES,
                                   replicate);
    trace_curves(s, NULL, value);
    for (int k = 0; k < METRICS && status == EIN_OK; k++) {
        ein_curve *c = curve[k / EIN_CURVE_POINTS];
        const int i = k % EIN_CURVE_POINTS;
        c->y[i] = value[k];
        take_band(replicate, k, &c->lower[i], &c->upper[i]);
    }
    ein_bootstrap_destroy(plan);
    free(replicate);
    return status;
}

static void count_bins(const scored *s, ein_curves *out) {
    out->shares = true;
    for (int64_t i = 0; i < s->n; i++) {
        out->shares = out->shares && s->score[i] >= 0 && s->score[i] <= 1;
        if (!out->shares) return;
        const int bin = (int)(s->score[i] * EIN_CURVE_BINS);
        out->bin[s->label[i] != 0][bin < EIN_CURVE_BINS ? bin : EIN_CURVE_BINS - 1]++;
    }
}

ein_status ein_curves_of_scores(const ein_csv *scores, const char *model, const char *target,
                                ein_curves *out) {
    scored s = {.n = 0};
    char *label_name = NULL, *score_name = NULL;
    *out = (ein_curves){.n = 0};
    if (asprintf(&label_name, "label:%s", target) < 0) return ein_error(EIN_NOMEM, "no memory for a curve");
    if (asprintf(&score_name, "score:%s:%s", model, target) < 0) {
        free(label_name);
        return ein_error(EIN_NOMEM, "no memory for a curve");
    }
    const int label = ein_csv_column(scores, label_name), score = ein_csv_column(scores, score_name);
    free(label_name);
    free(score_name);
    if (label < 0 || score < 0) return ein_error(EIN_NOTFOUND, "no scores of %s for %s", model, target);
    ein_status status = read_scores(scores, label, score, &s);
    if (status == EIN_OK) status = sort_scores(&s);
    if (status == EIN_OK) status = fill(&s, out);
    if (status == EIN_OK) count_bins(&s, out);
    free(s.score);
    free(s.label);
    free(s.patient);
    free(s.order);
    return status;
}
