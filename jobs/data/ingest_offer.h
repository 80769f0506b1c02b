/* Tables beside the recordings that say whose they are, for somebody who did not name one. */
#ifndef EIN_JOBS_DATA_INGEST_OFFER_H
#define EIN_JOBS_DATA_INGEST_OFFER_H

#include <stdio.h>

#include "io/ecg/reader.h"
#include "io/labels/labels.h"

/* Look into the .csv files of the folders and of the folders above them for a column that is named like patients and
 * one that holds paths or ids of recordings, and print the options that join them. Nothing is kept of what is read,
 * and a file that cannot be read is passed over, as are tables that are joined already. Rank 0. */
void ein_offer_print(const char *const *roots, int n_roots, const ein_reader_list *found,
                     const ein_labels *joined, FILE *stream);

#endif
