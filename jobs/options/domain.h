/* How far a record is from what a model was trained on: TRIPOD+AI's "out of domain" as a number.
 *
 * The distance is Mahalanobis' of the record's mean embedding (jobs/options/embedding.h) from those of training
 * records, with shrunk covariance (core/stats/covariance.h).  The percentile says how many of 100 validation records
 * are nearer.  It is taken from records that the distance was NOT fitted on: in many dimensions those that it was
 * fitted on are nearer than any new record of the same cohort can be, so that their percentiles would call every new
 * record strange. A percentile of 100 means farther than all of them; how much farther, the distance tells.
 *
 *     ein_embedding_take(feature, EIN_EMBED_MEAN, layout, tokens, pooled);      of a record that is scored anyway
 *     const double d = ein_domain_distance(domain, feature), p = ein_domain_percentile(domain, d);
 *
 * In a model file it is the metadata `einthoven.domain` (not in files of earlier programs, nor where it was not wanted
 * or records are too few), a JSON object:
 *
 *     {"version": 1, "embedding": "mean", "width": C, "records": n, "held_out": m, "shrinkage": rho,
 *      "quantiles": [101 distances of the m validation records: least, 1 %, ..., greatest],
 *      "mean": base64 of C floats, "whitener": base64 of C (C + 1) / 2 floats: the rows of W, each up to its diagonal}
 *
 * Floats are little-endian IEEE 754; distance = |W (x - mean)|.
 */
#ifndef EIN_JOBS_OPTIONS_DOMAIN_H
#define EIN_JOBS_OPTIONS_DOMAIN_H

#include <stdint.h>

#include "core/base/status.h"

enum {
    EIN_DOMAIN_QUANTILES = 101,
    EIN_DOMAIN_LEAST = 30 /* training records, and validation records, that it takes */
};

typedef struct {
    int width;                 /* C */
    int64_t records, held_out; /* that it was fitted on; that the quantiles are of */
    double shrinkage;
    float *mean;     /* (C) */
    float *whitener; /* (C (C + 1) / 2) */
    double quantile[EIN_DOMAIN_QUANTILES];
} ein_domain;
void ein_domain_free(ein_domain *domain); /* zeroes; NULL is fine */

/* From mean embeddings train (n, C) and held_out (m, C). EIN_RANGE, with what is missing, for fewer than
 * EIN_DOMAIN_LEAST of either; other errors as of ein_whitener_fit. */
ein_status ein_domain_fit(ein_domain *out, const float *train, int64_t n, const float *held_out, int64_t m,
                          int C, int threads);

/* Distance of a mean embedding (C); NaN if a value is not finite. */
double ein_domain_distance(const ein_domain *domain, const float *feature);
/* 0 to 100, between quantiles along a line; NaN for NaN. */
double ein_domain_percentile(const ein_domain *domain, double distance);

/* Text for the metadata (free()), and back (untrusted: EIN_FORMAT names `path`). */
ein_status ein_domain_to_json(const ein_domain *domain, char **out);
ein_status ein_domain_parse(const char *path, const char *text, ein_domain *out);

#endif
