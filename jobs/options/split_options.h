/* split.*: which records of a corpus train, validate and test (core/records/split.h).
 *
 * split.by unset means hash, except in pretrain, where it means data.validation_fraction with train.seed and no test
 * part. split.seed is not train.seed, so that runs with several seeds are tested on the same patients.
 */
#ifndef EIN_JOBS_OPTIONS_SPLIT_OPTIONS_H
#define EIN_JOBS_OPTIONS_SPLIT_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "core/records/split.h"
#include "io/config/config.h"
#include "io/corpus/corpus.h"

extern const ein_option ein_table_split[];

/* Part of every record (N, free()) by split.*, the same on all ranks. Not collective, but every rank that calls it
 * reads the fold column. EIN_USAGE names the key; EIN_NOTFOUND the nearest column; EIN_MISMATCH two records of one
 * patient in two parts by their ids. */
ein_status ein_split_from_config(const ein_config *config, ein_corpus *corpus, uint8_t **part);

/* Whether every key of the table has its default. */
bool ein_split_is_default(const ein_config *config);

/* Some lines: how it was split, records and patients per part, and the warning below if there is one. Rank 0. */
ein_status ein_split_print(FILE *stream, const ein_config *config, ein_corpus *corpus, const uint8_t *part);

/* How many records have no patient that is known, which splits take for patients of their own. Rank 0: reads a
 * column. */
ein_status ein_patients_unknown(ein_corpus *corpus, int64_t *unknown);

/* A warning of such records as one line without its end; "" if there are none. Rank 0. */
ein_status ein_patients_warning(ein_corpus *corpus, char *out, size_t room);

#endif
