/* The task descriptions that are part of the binary (jobs/tasks), by the names that users give. */
#ifndef EIN_JOBS_OPTIONS_TASK_LIBRARY_H
#define EIN_JOBS_OPTIONS_TASK_LIBRARY_H

#include "io/config/config.h"
#include "io/tasks/targets.h"
#include "io/tasks/tasks.h"

/* For ein_tasks_load: "findings", "ptbxl", "study"; ended by name NULL. Not to be freed; the first call is made by one
 * thread. */
const ein_tasks_file *ein_task_library(void);

/* data.labels, data.label_key, data.sex_codes, data.unjoined: label tables beside a corpus's own columns. */
extern const ein_option ein_table_labels[];

/* What they say; texts belong to the configuration. EIN_NOMEM. */
ein_status ein_label_tables(const ein_config *config, ein_targets_tables *out);
void ein_label_tables_free(ein_targets_tables *tables); /* zeroes */

/* How label tables joined, as one line: rows, those that fit no record, records without a row. "" without tables. */
void ein_join_text(const ein_targets_join *join, char *out, size_t room);

#endif
