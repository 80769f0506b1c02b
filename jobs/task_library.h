/* The task descriptions that are part of the binary (jobs/tasks), by the names that users give. */
#ifndef EIN_JOBS_TASK_LIBRARY_H
#define EIN_JOBS_TASK_LIBRARY_H

#include "io/targets.h"
#include "io/tasks.h"

/* For ein_tasks_load: "findings", "ptbxl", "study"; ended by name NULL. Not to be freed; the first call is made by one
 * thread. */
const ein_tasks_file *ein_task_library(void);

/* How label tables joined, as one line: rows, those that fit no record, records without a row. "" without tables. */
void ein_join_text(const ein_targets_join *join, char *out, size_t room);

#endif
