/* Calibration of a model's target after the fact: a map from its logit to a probability, fitted on the validation part
 * when the model was made and kept in its file, with why there is that map or none.
 *
 * In the metadata it is the member "calibration" of a target of einthoven.tasks (jobs/options/model_tasks.h):
 *
 *     {"kind": "platt", "slope": 0.71, "intercept": -0.2, "reason": "..."}      temperature: intercept 0
 *     {"kind": "isotonic", "logit": [...], "probability": [...], "reason": "..."}
 *     {"kind": "none", "reason": "..."}
 *
 * Files of earlier programs have no such member; their targets have no map, and the reason is "". The model's own
 * scores and thresholds stay those of the logit as it is: every map is monotone, so a label does not depend on it.
 */
#ifndef EIN_JOBS_OPTIONS_CALIBRATE_H
#define EIN_JOBS_OPTIONS_CALIBRATE_H

#include <jansson.h>
#include <stdbool.h>

#include "core/stats/recalibrate.h"

enum { EIN_CALIBRATION_REASON_BYTES = 200 };

/* {0}: not known. */
typedef struct {
    ein_recalibration map;
    char reason[EIN_CALIBRATION_REASON_BYTES]; /* "fitted on 31 positives and 40 negatives", "too few ..." */
} ein_calibration;
void ein_calibration_free(ein_calibration *calibration); /* zeroes */

/* Fit to n logits and labels (1, 0, NaN: not known) of validation records. `asked` is a kind of
 * core/stats/recalibrate.h, or "auto": platt where it has enough positives and negatives, else none. A kind that cannot
 * be fitted gives none; the reason says it. */
ein_status ein_calibration_choose(ein_calibration *out, const char *asked, const double *logit,
                                  const double *label, int64_t n);

/* Whether there is a map: without one a probability is the logistic of the logit. */
static inline bool ein_calibrated(const ein_calibration *calibration) {
    return calibration->map.kind != EIN_RECALIBRATE_NONE;
}

/* The probability of a logit: the same bits for whoever asks. */
static inline double ein_calibrate(const ein_calibration *calibration, double logit) {
    return ein_recalibrate(&calibration->map, logit);
}

/* A line for people: "platt: logistic(-0.2 + 0.71 z), fitted on ..."; "" if nothing is known. */
const char *ein_calibration_text(const ein_calibration *calibration, char *out, size_t room);

/* For the metadata; NULL without memory. */
json_t *ein_calibration_json(const ein_calibration *calibration);
/* And back, of an untrusted object: EIN_FORMAT says what is wrong. `object` NULL: a file that has none. */
ein_status ein_calibration_parse(const json_t *object, ein_calibration *out);

#endif
