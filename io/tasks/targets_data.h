/* The columns that tasks ask for, gathered from a corpus and label tables. Inside of io/tasks/targets.c; rank 0
 * only. */
#ifndef EIN_IO_TASKS_TARGETS_DATA_H
#define EIN_IO_TASKS_TARGETS_DATA_H

#include "io/corpus/corpus.h"
#include "io/labels/labels.h"
#include "io/tasks/targets_tables.h"
#include "io/tasks/task.h"

typedef struct {
    const char *name;
    bool there;   /* the corpus or a table has it */
    float *value; /* (N) NaN: not known */
} ein_number_column;

typedef struct {
    const char *name;
    bool there;
    char *bytes; /* of the corpus: text r begins at bytes + r * stride; NULL: the corpus has no such column */
    int64_t stride;
    const char **cell; /* (N) of the tables, "" if not known; NULL: no table has it */
} ein_text_column;

typedef struct {
    ein_corpus *corpus;
    int64_t N;
    int n_numbers, n_texts;
    ein_number_column *number;
    ein_text_column *text;
    ein_labels *labels;
    ein_targets_join join;
} ein_targets_data;

/* Read what `tasks` name, whose texts must outlive `out`. On error `out` is to be freed as well. */
ein_status ein_targets_data_read(const ein_tasks *tasks, ein_corpus *corpus, const ein_targets_tables *tables,
                                 ein_targets_data *out);
void ein_targets_data_free(ein_targets_data *data);

/* A column of numbers that was asked for. */
const ein_number_column *ein_targets_number(const ein_targets_data *data, const char *name);

/* The first of a task's text columns that is there, else the first. */
const ein_text_column *ein_targets_text(const ein_targets_data *data, const ein_task *task);
const char *ein_targets_cell(const ein_text_column *column, int64_t record);

#endif
