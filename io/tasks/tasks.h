/* Task descriptions: what of a record's labels a model learns and is judged by.
 *
 * A file is UTF-8 YAML of at most 4 MiB: either one task, or `tasks:` with a list of tasks and of names of other tasks
 * ("study", "ptbxl/form"). A task:
 *
 *     name: lvef_below_35          letters, digits, _ and -, at most 63 bytes; unique among the tasks that are loaded
 *     title: "LVEF < 35 %"         for tables and figures; default: the name
 *     kind: binary                 binary | multilabel | regression
 *     group: clinical              clinical | demographic | ecg
 *
 *   What is known of a record, by one of three sources:
 *
 *     rule: lvef < 35              binary, of a column of numbers: < <= > >= == with a number, `in [1, 2]`, or a range
 *                                  `18 <= age < 65`. Numbers are compared as float32, as corpora hold them
 *     columns: [AF, AFL]           one target per column of numbers. Binary (one column) and multilabel: 1 and 0; with
 *                                  `positive: "> 0"` what fulfils that and what does not. Regression: the value
 *     text: [scp_statements, scp_codes]   the first of these text columns that the data have; a cell holds statements
 *                                  between separators, or a Python dict of statements and likelihoods
 *                                  ("{'NORM': 100.0, 'SR': 0.0}")
 *     separator: "|"               one byte, between statements
 *     statements: [AFIB, AFLT]     one target per statement, 1 if the cell has it, 0 if not; or `all` of which the
 *                                  train part has at least `minimum_count` records (default 1); or targets made of
 *                                  several:
 *     statements: {MI: [IMI, AMI]} 1 if the cell has one of them. Binary: exactly one target
 *     minimum_likelihood: 0        a statement counts from this likelihood on (dict cells only). One below it makes the
 *                                  target not known: it was neither found nor excluded
 *     empty: missing               what an empty cell says: missing (nothing is known; default) | negative (no
 *                                  statement)
 *
 *   Which records count:
 *
 *     include: known               known: at least one target is known (default); positive: at least one target is 1,
 *                                  as PTB-XL's benchmark does for diagnostic, form and rhythm
 *     where: [age >= 18]           and these rules hold; where a value is missing they do not
 *     valid: [0, 100]              numbers outside are errors: not known, and counted
 *
 *   How it is learned:
 *
 *     unit: "%"                    of a regression
 *     smoothing: 0.001             binary only (core/nn/head.h); default 0.001, the study's
 *     positive_weight: none        none | balanced (negatives / positives of the train part) | a number
 *     weight: 1                    of the task beside others
 *
 * A value that is missing is never a negative. `age` (years) and `sex` (0 male, 1 female) are always those of the
 * corpus (of a label table where the corpus does not know).
 *
 * Files are untrusted: anchors, aliases, tags, unknown and repeated keys are refused with file:line and the nearest
 * known key. Errors: EIN_USAGE, EIN_NOTFOUND (a file, or a name, with the nearest), EIN_IO, EIN_NOMEM.
 */
#ifndef EIN_IO_TASKS_TASKS_H
#define EIN_IO_TASKS_TASKS_H

#include <stddef.h>

#include "core/base/status.h"
#include "io/tasks/task.h"
#include "mpi/comm.h"

/* Files that names refer to: {"study", text, bytes}; ended by name NULL. */
typedef struct {
    const char *name, *text;
    size_t bytes;
} ein_tasks_file;

/* Load tasks by name of a file of the library ("ptbxl": all of its tasks), by file and task ("ptbxl/form"), or by the
 * path of a YAML file (ends in .yaml or .yml; "my.yaml/..." is not understood). Rank 0 reads for all. Collective. */
ein_status ein_tasks_load(ein_comm *comm, const ein_tasks_file *library, const char *const *names,
                          int n_names, ein_tasks *out);

/* The same of one text; `name` stands in messages. `library` NULL: names of other tasks are refused. Not collective. */
ein_status ein_tasks_parse(const char *name, const char *text, size_t bytes, const ein_tasks_file *library,
                           ein_tasks *out);

/* The tasks as YAML that ein_tasks_parse reads back without a library, for the metadata of a model: with the statements
 * that `all` stood for once they are resolved. free() it. */
ein_status ein_tasks_to_yaml(const ein_tasks *tasks, char **out);

#endif
