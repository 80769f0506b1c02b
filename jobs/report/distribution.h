/* How the scores of each class are spread. */
#ifndef EIN_JOBS_REPORT_DISTRIBUTION_H
#define EIN_JOBS_REPORT_DISTRIBUTION_H

#include "io/picture/picture.h"
#include "jobs/report/curves.h"

/* Join neighbouring bins until each holds `minimum` records or all: share (bins) becomes the share of all records of
 * the class per bin of the first width, the same in all bins that were joined. Counts below the minimum can then be
 * found neither directly nor by subtraction. */
void ein_distribution_join(const int64_t *count, int bins, int64_t minimum, double *share);

/* Histograms of positives and negatives of the first two models, curves (n_models). EIN_NOTFOUND if a score is no
 * number from 0 to 1. */
ein_status ein_distribution_draw(const ein_curves *curves, int n_models, const char *const *model,
                                 const char *what, int64_t minimum, ein_picture **out);

#endif
