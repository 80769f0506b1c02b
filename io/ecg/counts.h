/* A recording as most formats store it: whole counts, lead by lead, with a scale; what their readers share on the way
 * to core/signal/ecg.h. */
#ifndef EIN_IO_ECG_COUNTS_H
#define EIN_IO_ECG_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"
#include "core/signal/ecg.h"

#define EIN_COUNT_MISSING INT32_MIN /* no sample */

/* mV = (count - zero) * mv_per_count */
typedef struct {
    char name[EIN_LEAD_NAME_BYTES];
    int32_t *count; /* (n), owned */
    int64_t n;
    double mv_per_count, zero;
    uint32_t notes; /* EIN_NOTE_... of this lead */
} ein_counts_lead;

typedef struct {
    int n_leads;
    double fs_hz;
    ein_counts_lead lead[EIN_MAX_LEADS];
} ein_counts;

/* Make the recording, of the longest lead's length: a shorter lead is NaN behind its end and noted
 * EIN_NOTE_TRUNCATED. Stated gains are reviewed (core/signal/gain.h). The person is left as ein_ecg_alloc leaves it.
 * EIN_FORMAT for a scale that is no positive number or a rate outside 1 Hz to 1 MHz; EIN_CORRUPT for one long lead
 * among short ones (less than 1/16 of more than 2^20 values); EIN_NOMEM. On error `ecg` is empty. */
ein_status ein_counts_to_ecg(const char *path, const ein_counts *counts, ein_ecg *ecg);

/* Cut off the calibration pulse that carts append: the end of all leads, if they are equal there, sample by sample, and
 * are 0, then one value of 0.9 to 1.1 mV for 0.1 s or more, then 0. Whether there was one. */
bool ein_counts_drop_pulse(ein_counts *counts);

/* Release the counts. */
void ein_counts_free(ein_counts *counts);

#endif
