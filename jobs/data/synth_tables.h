/* What `synth` writes beside the recordings: labels.csv, README.txt, MANIFEST.json; and how recordings are named. */
#ifndef EIN_JOBS_DATA_SYNTH_TABLES_H
#define EIN_JOBS_DATA_SYNTH_TABLES_H

#include <stddef.h>
#include <stdint.h>

#include "core/synth/synth.h"
#include "io/config/config.h"
#include "jobs/data/synth_format.h"

enum { EIN_SYNTH_PREFIX_BYTES = 17, EIN_SYNTH_COLUMNS_MOST = 96 };

typedef struct {
    ein_synth_config config;
    uint64_t seed;
    int64_t records, first; /* recordings first, first + 1, ... */
    ein_synth_format format;
    double counts_per_mv;
    const char *cohort; /* name in labels.csv */
    const char *out;    /* folder */
    char prefix[EIN_SYNTH_PREFIX_BYTES];
    bool mimic_order;                    /* aVF before aVL */
    bool ptbxl_table;                    /* ptbxl_database.csv too */
    double missing_labels;               /* share of label cells that are empty */
    bool column[EIN_SYNTH_COLUMNS_MOST]; /* which of the columns labels.csv has */
} ein_synth_cohort;

/* Keys synth.first_record, prefix, lead_order, columns, missing_labels, table; and what they say. EIN_USAGE with the
 * nearest column. */
extern const ein_option ein_synth_table_options[];
ein_status ein_synth_table_read(const ein_config *config, ein_synth_cohort *cohort);

/* "syn0001234", "synp0001230": names of a record and of its patient. */
void ein_synth_record_name(const ein_synth_cohort *cohort, int64_t record, char *out, size_t room);
/* "records/0001000": its folder, of 1000 records, below the cohort's. */
void ein_synth_record_folder(int64_t record, char *out, size_t room);

/* Give a rendered recording the cohort's names and order of leads. */
void ein_synth_dress(const ein_synth_cohort *cohort, const ein_synth_person *person, ein_ecg *ecg);

/* What a cardiologist would have written, as SCP-ECG statements of PTB-XL joined by '|' ("NORM|SR"): `room` bytes,
 * EIN_SYNTH_STATEMENT_BYTES are enough. */
enum { EIN_SYNTH_STATEMENT_BYTES = 512 };

/* labels.csv: one row per record in order, the columns of the usual label tables (AF ... PACE as 0 and 1, age,
 * sex, subject, strat_fold), statements, the latent state, then what only a generator knows. With `ptbxl_table` also
 * ptbxl_database.csv: scp_codes as dicts. Not collective. */
ein_status ein_synth_write_labels(const ein_synth_cohort *cohort);

/* README.txt: what this folder is, that nobody in it exists, how it was made. */
ein_status ein_synth_write_readme(const ein_synth_cohort *cohort);

/* MANIFEST.json: the mark of completeness. */
ein_status ein_synth_write_manifest(const ein_synth_cohort *cohort);

#endif
