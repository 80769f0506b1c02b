/* What the outputs of a model mean: the tasks of its head, their losses and their scores.
 *
 * A head has one or more tasks, each with a run of targets (what is known of a record; NaN: not known) and a
 * run of outputs (logits).  Losses follow Moody et al. (NEJM AI 2025, released code):
 *
 *     binary       1 target in {0,1}, 2 outputs; binary cross-entropy on the logits of the smoothed one-hot target
 *                  (1 - s + s/2 at the true class, s/2 at the other; timm's BinaryCrossEntropy); score =
 *                  softmax(outputs)[1]
 *     multi-label  n targets in {0,1}, n outputs; binary cross-entropy on logits; score = sigmoid(output)
 *     regression   n targets, n outputs; squared error of (target - mean) / sd; score = output * sd + mean
 *
 * A record's loss is the sum over tasks of weight times the mean over the task's outputs; an output whose target is
 * not known adds 0, so a missing label is neither a positive nor a negative.  A positive weight multiplies what a
 * positive target adds: in a multi-label task it is PyTorch's pos_weight; in a binary task it stands before both
 * outputs' terms.
 *
 * Losses and scores are computed in double whatever `real` is, with softplus(x) = max(x, 0) + log1p(exp(-|x|)), so no
 * finite logit gives an infinite or a lost value.
 *
 * A target's *logit* is what its score is the logistic of: outputs[1] - outputs[0] if binary, the output if
 * multi-label; of a regression it is the score itself.
 */
#ifndef EIN_CORE_NN_HEAD_H
#define EIN_CORE_NN_HEAD_H

#include <stdint.h>

#include "core/base/real.h"
#include "core/base/status.h"

#define head_loss  EIN_REAL_NAME(head_loss)
#define head_score EIN_REAL_NAME(head_score)
#define head_logit EIN_REAL_NAME(head_logit)

typedef enum { EIN_HEAD_BINARY, EIN_HEAD_MULTILABEL, EIN_HEAD_REGRESSION } ein_head_kind;

enum { EIN_HEAD_NAME_BYTES = 64 };

typedef struct {
    ein_head_kind kind;
    int first_target, n_targets; /* columns of the targets */
    int first_output, n_outputs; /* columns of the outputs: 2 if binary, else n_targets */
    double smoothing;            /* binary only, s above; the study's is 0.001 */
    double weight;               /* of this task in a model with several */
    const double
        *positive_weight;    /* (n_targets) factor of the loss at positives; NULL: 1. Not for regression */
    const double *mean, *sd; /* (n_targets) regression only: of the training records */
} ein_head_task;

/* Check the tasks of a head of `outputs` logits and `n_targets` target columns: columns in range and each used at most
 * once, 2 outputs if binary and else one for each target, smoothing in [0, 1), weights finite and above 0, regression
 * with finite mean and sd above 0. EIN_USAGE names the task by its number and what is wrong. */
ein_status ein_head_check(const ein_head_task *tasks, int n_tasks, int n_targets, int outputs);

/* record_loss (B) from logits (B,outputs) and targets (B,n_targets), and the gradient of scale * sum of the record
 * losses into d_logits (B,outputs) (NULL: not wanted); columns that no task has get 0. A record of which nothing is
 * known has loss 0 and gradient 0. */
void head_loss(double *record_loss, real *d_logits, const real *logits, const float *targets,
               const ein_head_task *tasks, int n_tasks, int B, int n_targets, int outputs, double scale);

/* score (B,n_targets) from logits (B,outputs): one number for each target, whatever is known of it; columns that no
 * task has are NaN. */
void head_score(double *score, const real *logits, const ein_head_task *tasks, int n_tasks, int B,
                int n_targets, int outputs);

/* logit (B,n_targets), as scores are laid out. */
void head_logit(double *logit, const real *logits, const ein_head_task *tasks, int n_tasks, int B,
                int n_targets, int outputs);

/* score (n,n_targets) from logit (n,n_targets): the bits of head_score. */
void ein_head_score_of_logit(double *score, const double *logit, const ein_head_task *tasks, int n_tasks,
                             int64_t n, int n_targets);

/* Target `target`'s logit as a linear function of the outputs: logit = offset + sum of direction (outputs) times
 * output. Zero everywhere if no task has the target. */
void ein_head_direction(double *direction, double *offset, const ein_head_task *tasks, int n_tasks,
                        int target, int outputs);

#endif
