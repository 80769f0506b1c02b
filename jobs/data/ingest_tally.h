/* Counting things by name: the lead names that were not known, the kinds of files that were passed over. */
#ifndef EIN_JOBS_DATA_INGEST_TALLY_H
#define EIN_JOBS_DATA_INGEST_TALLY_H

#include <stdint.h>
#include <stdio.h>

#include "core/base/status.h"

typedef struct ein_tally ein_tally;
ein_status ein_tally_new(ein_tally **out);
void ein_tally_destroy(ein_tally *tally); /* NULL is fine */

/* Count `name` once more; `where` is kept of the first. Beyond 1,000 different names, others are counted together. */
ein_status ein_tally_add(ein_tally *tally, const char *name, const char *where);

/* How many different names there are. */
int64_t ein_tally_names(const ein_tally *tally);

/* "  12 NAME (first: WHERE)", most frequent first, then by first appearance, at most `shown` and then how many more. */
void ein_tally_print(const ein_tally *tally, int shown, FILE *stream);

#endif
