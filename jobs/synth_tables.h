/* What `synth` writes beside the recordings: labels.csv, README.txt, MANIFEST.json. */
#ifndef EIN_JOBS_SYNTH_TABLES_H
#define EIN_JOBS_SYNTH_TABLES_H

#include <stddef.h>
#include <stdint.h>

#include "core/synth.h"
#include "jobs/synth_format.h"

typedef struct {
    ein_synth_config config;
    uint64_t seed;
    int64_t records;
    ein_synth_format format;
    double counts_per_mv;
    const char *cohort; /* name in labels.csv */
    const char *out;    /* folder */
} ein_synth_cohort;

/* "syn0001234": a record's name. */
void ein_synth_record_name(int64_t record, char *out, size_t room);
/* "records/0001000": its folder, of 1000 records, below the cohort's. */
void ein_synth_record_folder(int64_t record, char *out, size_t room);

/* labels.csv: one row per record in order, the columns of the usual label tables (AF ... PACE as 0 and 1, age,
 * sex, subject, strat_fold), then what only a generator knows. Not collective. */
ein_status ein_synth_write_labels(const ein_synth_cohort *cohort);

/* README.txt: what this folder is, that nobody in it exists, how it was made. */
ein_status ein_synth_write_readme(const ein_synth_cohort *cohort);

/* MANIFEST.json: the mark of completeness. */
ein_status ein_synth_write_manifest(const ein_synth_cohort *cohort);

#endif
