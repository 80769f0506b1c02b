/* Tests for small-study effects in a meta-analysis: whether small studies show other effects than large ones, as they
 * do where results decide what is published. Conventions: core/stats/meta.h. */
#ifndef EIN_CORE_STATS_SMALL_STUDY_H
#define EIN_CORE_STATS_SMALL_STUDY_H

#include "core/stats/meta.h"

typedef struct {
    ein_stats_interval limit; /* intercept: the effect of a study with standard error 0 */
    ein_stats_test mixed;     /* coefficient of the standard error in the random-effects model, z
                                 (Sterne & Egger 2005) */
    ein_stats_test classical; /* the same with weights 1/v and multiplicative dispersion, t(k-2)
                                 (Egger 1997) */
} ein_meta_egger;

/* Small-study effects; k >= 3, standard errors that differ. */
ein_status ein_meta_egger_test(ein_meta_egger *out, const double *y, const double *v, int64_t k,
                               ein_meta_method method, double level);

typedef struct {
    ein_stats_value tau; /* Kendall's tau-b of (y - mu)/sqrt(v - 1/sum(1/v)) with v, mu at fixed effect */
    ein_stats_test test; /* .df NaN: exact (no ties, k <= EIN_KENDALL_EXACT_MOST); INFINITY: normal */
} ein_meta_begg;

/* Begg & Mazumdar 1994. */
ein_status ein_meta_begg_test(ein_meta_begg *out, const double *y, const double *v, int64_t k);

#endif
