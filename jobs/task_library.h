/* The tasks that are part of the binary: jobs/tasks/ under the names that --tasks takes. */
#ifndef EIN_JOBS_TASK_LIBRARY_H
#define EIN_JOBS_TASK_LIBRARY_H

#include "io/tasks.h"

/* Ended by name NULL; "ptbxl" for jobs/tasks/ptbxl.yaml. */
const ein_tasks_file *ein_task_library(void);

#endif
