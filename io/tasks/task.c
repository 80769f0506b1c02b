#include "io/tasks/task.h"

#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {"binary", "multilabel", "regression"};
static const char *const groups[] = {"clinical", "demographic", "ecg"};

const char *ein_head_kind_name(ein_head_kind kind) {
    return kinds[kind];
}
const char *ein_task_group_name(ein_task_group group) {
    return groups[group];
}

ein_task_target *ein_task_add_target(ein_task *task, const char *name, const char *column) {
    if (EIN_GROW(task->target, task->target_room, task->n_targets + 1) != EIN_OK) return NULL;
    ein_task_target *target = &task->target[task->n_targets];
    *target = (ein_task_target){.name = strdup(name), .column = column ? strdup(column) : NULL};
    task->n_targets++;
    return target->name && (!column || target->column) ? target : NULL;
}

ein_status ein_task_add_statement(ein_task_target *target, const char *statement) {
    EIN_TRY(EIN_GROW(target->statement, target->statement_room, target->n_statements + 1));
    char *text = strdup(statement);
    if (!text) return ein_error(EIN_NOMEM, "no memory for a task");
    target->statement[target->n_statements++] = text;
    return EIN_OK;
}

static void task_free(ein_task *task) {
    for (int i = 0; i < task->n_targets; i++) {
        ein_task_target *target = &task->target[i];
        for (int k = 0; k < target->n_statements; k++) free(target->statement[k]);
        free(target->statement);
        free(target->name);
        free(target->column);
    }
    for (int i = 0; i < task->n_texts; i++) free(task->text[i]);
    for (int i = 0; i < task->n_where; i++) ein_rule_free(&task->where[i]);
    free(task->target);
    free(task->text);
    free(task->where);
    free(task->title);
    free(task->unit);
    ein_rule_free(&task->positive);
    *task = (ein_task){0};
}

void ein_tasks_free(ein_tasks *tasks) {
    if (!tasks) return;
    for (int i = 0; i < tasks->n; i++) task_free(&tasks->task[i]);
    free(tasks->task);
    *tasks = (ein_tasks){0};
}
