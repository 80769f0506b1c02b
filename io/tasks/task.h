/* A task in memory (what each part means: io/tasks/tasks.h). */
#ifndef EIN_IO_TASKS_TASK_H
#define EIN_IO_TASKS_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/nn/head.h"
#include "io/tasks/rule.h"

enum {
    EIN_TASKS_MAX_BYTES = 4 << 20, /* of a file */
    EIN_TASKS_MAX = 256,           /* tasks in a set */
    EIN_TASKS_MAX_TARGETS = 4096   /* targets of a task */
};

typedef enum { EIN_GROUP_CLINICAL, EIN_GROUP_DEMOGRAPHIC, EIN_GROUP_ECG } ein_task_group;
const char *ein_task_group_name(ein_task_group group); /* "clinical", "demographic", "ecg" */
const char *ein_head_kind_name(ein_head_kind kind);    /* "binary", "multilabel", "regression" */

typedef struct {
    char *name;       /* of the target: "IMI", "lvef" */
    char *column;     /* of numbers, or NULL */
    int n_statements; /* of the text: any of them */
    char **statement;
    int64_t statement_room;
} ein_task_target;

typedef struct {
    char name[EIN_HEAD_NAME_BYTES];
    char *title, *unit; /* unit "" if none */
    ein_head_kind kind;
    ein_task_group group;

    int n_targets; /* 0 until `statements: all` is resolved by ein_targets_build */
    ein_task_target *target;
    int64_t target_room;
    bool has_positive;
    ein_rule positive; /* of numbers, for binary and multilabel */

    int n_texts; /* columns to look for; 0: targets are columns of numbers */
    char **text;
    char separator;
    double minimum_likelihood;
    bool empty_is_negative;
    bool all_statements;
    int64_t minimum_count;

    bool include_positive;
    int n_where;
    ein_rule *where;
    float valid_low, valid_high; /* infinite if not given */

    double smoothing, weight;
    bool balanced;
    double positive_weight; /* 1: none */
} ein_task;

/* Append a target and return it, or NULL without memory. */
ein_task_target *ein_task_add_target(ein_task *task, const char *name, const char *column);
ein_status ein_task_add_statement(ein_task_target *target, const char *statement);

typedef struct {
    int n;
    ein_task *task;
} ein_tasks;
void ein_tasks_free(ein_tasks *tasks); /* zeroes; NULL is fine */

#endif
