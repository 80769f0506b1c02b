/* What the parts of `ingest` share: the plan of a run. */
#ifndef EIN_JOBS_DATA_INGEST_H
#define EIN_JOBS_DATA_INGEST_H

#include "io/archive/archive.h"
#include "io/base/outputs.h"
#include "io/ecg/reader.h"
#include "jobs/cli/command.h"
#include "jobs/data/ingest_ledger.h"
#include "jobs/data/ingest_record.h"

typedef struct {
    ein_job *job;
    ein_comm *comm;
    int rank, size, threads;
    const char *out;
    ein_contract contract; /* mean_mv, sd_mv NaN: the data set's own */
    ein_ingest_policy policy;
    int64_t values; /* samples of a record, all leads */
    int64_t round;  /* recordings taken at a time by all ranks together */
    int64_t total;  /* recordings found */
    const char **roots;
    int n_roots;
    ein_links *links;
    ein_archives *archives;
    /* Rank 0 only. */
    ein_reader_list found;
    ein_ledger *ledger;
    ein_outputs *output; /* the corpus; NULL in a dry run */
    int64_t joined;      /* recordings with a row in the label tables, before they are read; -1: no tables */
} ein_ingest;

/* Print what lies in the folders and is no recording, by kind. Rank 0. */
void ein_ingest_print_passed(const ein_reader_list *found);

/* Print what a run would do, reading a few recordings. Rank 0. */
ein_status ein_ingest_dry_run(const ein_ingest *in);

#endif
