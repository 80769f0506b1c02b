/* Membership inference from scores: how well somebody who has a record and the model's score of it can tell whether the
 * model was trained on it.
 *
 * Attacks give each record a number, greater for a member:
 *   loss    log p(y): the probability that the model gives to the true outcome (Yeom et al. 2018). One threshold for
 *   all.
 *   shadow  log of the ratio of two normal densities of the record's logit z = log(p(y) / (1 - p(y))): as it was in
 *           shadow models that were trained with it, and in those trained without it (LiRA, Carlini et al. 2022). With
 *           fewer than 8 shadows of a kind a record's own variance is not taken, but the pooled one.
 * An attack's AUROC of 0.5 is chance. What hurts single patients is the true-positive rate at low false-positive
 * rates: at rate f the threshold is the least score that at most f of the non-members reach.
 * Conventions: core/stats/common.h; probabilities are raised and lowered to at least 2^-40 from 0 and 1.
 */
#ifndef EIN_CORE_STATS_MEMBERSHIP_H
#define EIN_CORE_STATS_MEMBERSHIP_H

#include "core/stats/common.h"

/* attack (n): log p(y) of binary outcomes. */
ein_status ein_membership_loss(double *attack, const double *probability, const int8_t *label, int64_t n);

/* attack (n) by shadow models: probability of shadow s for record i at shadow[s][i], in[s][i] whether it was trained
 * with it. NaN where a record was not in at least two shadows, and out of at least two. */
ein_status ein_membership_shadow(double *attack, const double *probability, const double *const *shadow,
                                 const uint8_t *const *in, int n_shadows, const int8_t *label, int64_t n);

typedef struct {
    double rate;      /* asked for */
    double threshold; /* attack >= threshold is called a member; NaN unless state is EIN_STATS_ESTIMABLE */
    int64_t true_positive, n_members, false_positive, n_others;
    double value, lower, upper; /* true-positive rate with Clopper and Pearson's interval */
    double times_chance;        /* value / rate */
    ein_stats_state state;      /* EIN_STATS_FEW_RECORDS: fewer than 1 / rate non-members */
} ein_membership_rate;

/* member (n): 1 trained with, 0 not. */
ein_status ein_membership_at(ein_membership_rate *out, const double *attack, const int8_t *member, int64_t n,
                             double rate, double level);

/* Mean difference members - others of x (n) with the variance over patients, normal interval. */
ein_status ein_membership_gap(ein_stats_interval *out, const double *x, const int8_t *member,
                              const uint64_t *cluster, int64_t n, double level);

#endif
