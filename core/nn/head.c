#include "core/nn/head.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "core/base/elementary.h"
#include "core/nn/terms.h"

/* Cross-entropy of sigmoid(x) with the target y, the term of the positive times w; *d is its derivative by x. */
static double cross_entropy(double x, double y, double w, double *d) {
    const double p = ein_logistic(x);
    *d = (1 - y) * p - w * y * (1 - p);
    return w * y * ein_softplus(-x) + (1 - y) * ein_softplus(x);
}

static double positive_weight(const ein_head_task *task, int i) {
    return task->positive_weight ? task->positive_weight[i] : 1;
}

/* The loss of one task of one record, with weight; d (n_outputs) is its gradient by the logits x. */
static double binary_loss(double *d, const real *x, const float *target, const ein_head_task *task) {
    d[0] = d[1] = 0;
    if (isnan(target[0])) return 0;
    const double y = target[0], off = task->smoothing / 2, on = 1 - task->smoothing;
    const double factor = task->weight * (1 + (positive_weight(task, 0) - 1) * y) / 2;
    const double loss =
        cross_entropy(x[0], (1 - y) * on + off, 1, &d[0]) + cross_entropy(x[1], y * on + off, 1, &d[1]);
    for (int o = 0; o < 2; o++) d[o] *= (double)EIN_TERM(HEAD_BINARY) * factor;
    return factor * loss;
}

static double multilabel_term(double *d, double x, float target, const ein_head_task *task, int i) {
    const double factor = task->weight / task->n_outputs;
    *d = 0;
    if (isnan(target)) return 0;
    const double loss = cross_entropy(x, target, positive_weight(task, i), d);
    *d *= (double)EIN_TERM(HEAD_MULTILABEL) * factor;
    return factor * loss;
}

static double regression_term(double *d, double x, float target, const ein_head_task *task, int i) {
    const double factor = task->weight / task->n_outputs;
    *d = 0;
    if (isnan(target)) return 0;
    const double off = x - (target - task->mean[i]) / task->sd[i];
    *d = (double)EIN_TERM(HEAD_REGRESSION) * factor * 2 * off;
    return factor * off * off;
}

/* As binary_loss; `write` receives scale * d, or NULL. */
static double task_loss(real *write, const real *x, const float *target, const ein_head_task *task,
                        double scale) {
    double d[2], loss = 0;
    if (task->kind == EIN_HEAD_BINARY) {
        loss = binary_loss(d, x, target, task);
        for (int o = 0; write && o < 2; o++) write[o] = (real)(scale * d[o]);
        return loss;
    }
    for (int i = 0; i < task->n_outputs; i++) {
        loss += task->kind == EIN_HEAD_MULTILABEL ? multilabel_term(d, x[i], target[i], task, i)
                                                  : regression_term(d, x[i], target[i], task, i);
        if (write) write[i] = (real)(scale * d[0]);
    }
    return loss;
}

void head_loss(double *record_loss, real *d_logits, const real *logits, const float *targets,
               const ein_head_task *tasks, int n_tasks, int B, int n_targets, int outputs, double scale) {
    if (d_logits) memset(d_logits, 0, (size_t)B * outputs * sizeof *d_logits);
    for (int b = 0; b < B; b++) {
        record_loss[b] = 0;
        for (int t = 0; t < n_tasks; t++) {
            const size_t at = (size_t)b * outputs + (size_t)tasks[t].first_output;
            record_loss[b] +=
                task_loss(d_logits ? d_logits + at : NULL, logits + at,
                          targets + (size_t)b * n_targets + tasks[t].first_target, &tasks[t], scale);
        }
    }
}

/* --- scores -------------------------------------------------------------------------------------------- */

static double score_of(double logit, ein_head_kind kind) {
    return kind == EIN_HEAD_REGRESSION ? logit : ein_logistic(logit);
}

static void task_logit(double *logit, const real *x, const ein_head_task *task) {
    if (task->kind == EIN_HEAD_BINARY) {
        /* softmax([x0, x1])[1] is the logistic of it */
        logit[0] = (double)x[1] - (double)x[0];
        return;
    }
    for (int i = 0; i < task->n_targets; i++)
        logit[i] =
            task->kind == EIN_HEAD_MULTILABEL ? (double)x[i] : (double)x[i] * task->sd[i] + task->mean[i];
}

void head_logit(double *logit, const real *logits, const ein_head_task *tasks, int n_tasks, int B,
                int n_targets, int outputs) {
    for (size_t i = 0; i < (size_t)B * (size_t)n_targets; i++) logit[i] = NAN;
    for (int b = 0; b < B; b++)
        for (int t = 0; t < n_tasks; t++)
            task_logit(logit + (size_t)b * n_targets + tasks[t].first_target,
                       logits + (size_t)b * outputs + tasks[t].first_output, &tasks[t]);
}

static void scores_of_logits(double *score, const double *logit, const ein_head_task *tasks, int n_tasks,
                             int64_t n, int n_targets) {
    for (int64_t b = 0; b < n; b++)
        for (int t = 0; t < n_tasks; t++)
            for (int j = tasks[t].first_target; j < tasks[t].first_target + tasks[t].n_targets; j++)
                score[b * n_targets + j] = score_of(logit[b * n_targets + j], tasks[t].kind);
}

void head_score(double *score, const real *logits, const ein_head_task *tasks, int n_tasks, int B,
                int n_targets, int outputs) {
    head_logit(score, logits, tasks, n_tasks, B, n_targets, outputs);
    scores_of_logits(score, score, tasks, n_tasks, B, n_targets);
}

/* --- checks -------------------------------------------------------------------------------------------- */

#ifndef EIN_REAL_DOUBLE

void ein_head_score_of_logit(double *score, const double *logit, const ein_head_task *tasks, int n_tasks,
                             int64_t n, int n_targets) {
    if (score != logit)
        for (int64_t i = 0; i < n * n_targets; i++) score[i] = NAN; /* columns that no task has */
    scores_of_logits(score, logit, tasks, n_tasks, n, n_targets);
}

void ein_head_direction(double *direction, double *offset, const ein_head_task *tasks, int n_tasks,
                        int target, int outputs) {
    *offset = 0;
    for (int o = 0; o < outputs; o++) direction[o] = 0;
    for (int i = 0; i < n_tasks; i++) {
        const ein_head_task *t = &tasks[i];
        const int k = target - t->first_target;
        if (k < 0 || k >= t->n_targets) continue;
        const bool regression = t->kind == EIN_HEAD_REGRESSION;
        if (t->kind == EIN_HEAD_BINARY) direction[t->first_output] = -1;
        direction[t->first_output + (t->kind == EIN_HEAD_BINARY ? 1 : k)] = regression ? t->sd[k] : 1;
        if (regression) *offset = t->mean[k];
    }
}

static bool overlap(int first, int count, int other, int other_count) {
    return first < other + other_count && other < first + count;
}

static ein_status check_columns(const char *what, int task, int first, int count, int all) {
    if (count >= 1 && first >= 0 && first <= all && count <= all - first) return EIN_OK;
    return ein_error(EIN_USAGE, "head: task %d has %d %s from column %d on; there are %d", task, count, what,
                     first, all);
}

static ein_status check_apart(const ein_head_task *tasks, int task) {
    const ein_head_task *t = &tasks[task];
    for (int i = 0; i < task; i++)
        if (overlap(t->first_target, t->n_targets, tasks[i].first_target, tasks[i].n_targets) ||
            overlap(t->first_output, t->n_outputs, tasks[i].first_output, tasks[i].n_outputs))
            return ein_error(EIN_USAGE, "head: tasks %d and %d share a column", i, task);
    return EIN_OK;
}

static ein_status check_numbers(const ein_head_task *t, int task) {
    if (!(t->weight > 0 && isfinite(t->weight)))
        return ein_error(EIN_USAGE, "head: task %d has weight %g; it must be above 0", task, t->weight);
    if (t->kind == EIN_HEAD_BINARY && !(t->smoothing >= 0 && t->smoothing < 1))
        return ein_error(EIN_USAGE, "head: task %d has smoothing %g; it must be 0 or more and below 1", task,
                         t->smoothing);
    for (int i = 0; i < t->n_targets && t->positive_weight && t->kind != EIN_HEAD_REGRESSION; i++)
        if (!(t->positive_weight[i] > 0 && isfinite(t->positive_weight[i])))
            return ein_error(EIN_USAGE, "head: task %d, target %d has positive weight %g; it must be above 0",
                             task, i, t->positive_weight[i]);
    if (t->kind != EIN_HEAD_REGRESSION) return EIN_OK;
    for (int i = 0; i < t->n_targets; i++)
        if (!t->mean || !t->sd || !isfinite(t->mean[i]) || !(t->sd[i] > 0 && isfinite(t->sd[i])))
            return ein_error(EIN_USAGE,
                             "head: task %d, target %d has mean %g and standard deviation %g; is it the same "
                             "in all training records?",
                             task, i, t->mean ? t->mean[i] : NAN, t->sd ? t->sd[i] : NAN);
    return EIN_OK;
}

ein_status ein_head_check(const ein_head_task *tasks, int n_tasks, int n_targets, int outputs) {
    if (n_tasks < 1) return ein_error(EIN_USAGE, "head: it has no task");
    for (int i = 0; i < n_tasks; i++) {
        const ein_head_task *t = &tasks[i];
        EIN_TRY(check_columns("targets", i, t->first_target, t->n_targets, n_targets));
        EIN_TRY(check_columns("outputs", i, t->first_output, t->n_outputs, outputs));
        const bool binary = t->kind == EIN_HEAD_BINARY;
        if (binary ? t->n_targets != 1 || t->n_outputs != 2 : t->n_targets != t->n_outputs)
            return ein_error(EIN_USAGE, "head: task %d has %d targets and %d outputs; %s", i, t->n_targets,
                             t->n_outputs,
                             binary ? "a binary one has 1 and 2" : "it must have as many of both");
        EIN_TRY(check_apart(tasks, i));
        EIN_TRY(check_numbers(t, i));
    }
    return EIN_OK;
}
#endif
