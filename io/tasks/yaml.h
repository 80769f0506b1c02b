/* One task from its YAML map. Inside of io/tasks/tasks.c. */
#ifndef EIN_IO_TASKS_YAML_H
#define EIN_IO_TASKS_YAML_H

#include "io/formats/yaml_tree.h"
#include "io/tasks/task.h"

/* Read and check the task that `map` describes; `file` stands in messages. On error `out` is to be freed as well. */
ein_status ein_task_read(const char *file, const ein_yaml_node *map, ein_task *out);

#endif
