/* run.training_records and run.records_key: what a model keeps of the records that it was trained on
 * (io/corpus/seen.h). */
#ifndef EIN_JOBS_OPTIONS_SEEN_OPTIONS_H
#define EIN_JOBS_OPTIONS_SEEN_OPTIONS_H

#include "io/config/config.h"
#include "io/corpus/seen.h"

extern const ein_option ein_table_seen[];        /* both: of jobs that make models */
extern const ein_option ein_table_seen_secret[]; /* run.records_key: of jobs that look records up */

/* The secret of run.records_key; open without it. Not collective. */
ein_status ein_seen_secret_from_config(const ein_config *config, ein_seen_secret *out);

/* The set of the records `index` (n) of the corpus, as run.training_records and run.records_key say. Not collective. */
ein_status ein_seen_from_config(const ein_config *config, ein_corpus *corpus, const int64_t *index, int64_t n,
                                ein_seen *out);

/* The set of the model `from` that another starts from (NULL: of none, which is empty). Of one that does not say what
 * it was trained on it says that it is left out, so that models that come of it say so too. Not collective. */
ein_status ein_seen_decode_source(const char *from, const char *training_records, ein_seen *out);

/* Warn on stderr if not all records that a model was trained on can be looked up. For one rank. */
void ein_seen_warn(const char *job, const char *model, const char *training_records,
                   const ein_seen_secret *secret);

/* Warn on the terminal of test records that are like training records, though by chance. */
void ein_seen_warn_alike(const char *job, const char *model, const ein_seen_match *match);

#endif
