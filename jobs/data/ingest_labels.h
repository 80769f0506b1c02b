/* The label tables of an ingest, as its options say. */
#ifndef EIN_JOBS_DATA_INGEST_LABELS_H
#define EIN_JOBS_DATA_INGEST_LABELS_H

#include "io/config/config.h"
#include "io/labels/labels.h"
#include "jobs/data/ingest_roots.h"

/* Load the tables that ingest.labels names; without any, those of known data sets that lie in the roots, unless
 * ingest.find_tables is off. `found` keeps the names of those that were found, as long as the labels are used.
 * EIN_USAGE, EIN_NOTFOUND, EIN_FORMAT. */
ein_status ein_ingest_labels_open(const ein_config *config, const ein_ingest_roots *roots, ein_texts *found,
                                  ein_labels **out);

#endif
