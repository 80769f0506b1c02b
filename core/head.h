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
 * not known adds 0, so a missing label is neither a positive nor a negative.
 */
#ifndef EIN_CORE_HEAD_H
#define EIN_CORE_HEAD_H

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

#endif
