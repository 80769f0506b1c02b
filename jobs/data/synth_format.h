/* The file formats that `synth` writes. */
#ifndef EIN_JOBS_DATA_SYNTH_FORMAT_H
#define EIN_JOBS_DATA_SYNTH_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/status.h"
#include "core/signal/ecg.h"

typedef enum {
    EIN_SYNTH_WFDB,
    EIN_SYNTH_MUSE,
    EIN_SYNTH_CARDIOSOFT,
    EIN_SYNTH_FORMAT_COUNT
} ein_synth_format;
#define EIN_SYNTH_FORMAT_CHOICES "wfdb|muse|cardiosoft"

ein_synth_format ein_synth_format_find(const char *choice);

const char *ein_synth_format_label(
    ein_synth_format format); /* in labels.csv: "wfdb16", "muse", "cardiosoft" */
const char *ein_synth_format_ending(ein_synth_format format);   /* of the path in labels.csv: "", ".xml" */
const char *ein_synth_format_text(ein_synth_format format);     /* for people: "WFDB, format 16" */
double ein_synth_format_counts_per_mv(ein_synth_format format); /* the format's usual gain */
int ein_synth_format_files(ein_synth_format format);            /* per recording */

/* About how many bytes a recording of `n_leads` leads takes. */
int64_t ein_synth_format_bytes(ein_synth_format format, int n_leads, int64_t n_samples);

/* Write a recording that says that it is synthetic, replacing what is there. Not collective; any number of threads. */
ein_status ein_synth_format_write(ein_synth_format format, const char *folder, const char *name,
                                  const ein_ecg *ecg, double counts_per_mv);

/* True if the recording is there as ein_synth_format_write makes it. */
bool ein_synth_format_is_whole(ein_synth_format format, const char *folder, const char *name, int n_leads,
                               int64_t n_samples);

#endif
