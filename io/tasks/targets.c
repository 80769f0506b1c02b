#include "io/tasks/targets.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/map.h"
#include "io/tasks/cell.h"
#include "io/tasks/rule.h"
#include "io/tasks/targets_data.h"
#include "io/tasks/yaml.h"

void ein_targets_free(ein_targets *t) {
    if (!t) return;
    free(t->value);
    free(t->included);
    free(t->task);
    free(t->target_name);
    free(t->count);
    free(t->invalid);
    free(t->mean);
    free(t->sd);
    free(t->positive_weight);
    ein_tasks_free(&t->tasks);
    *t = (ein_targets){0};
}

/* --- layout ---------------------------------------------------------------------------------------------- */

static void place_task(ein_targets *t, int index) {
    const ein_task *from = &t->tasks.task[index];
    const int first = t->n_targets;
    t->task[index] = (ein_head_task){.kind = from->kind,
                                     .first_target = first,
                                     .n_targets = from->n_targets,
                                     .first_output = t->n_outputs,
                                     .n_outputs = from->kind == EIN_HEAD_BINARY ? 2 : from->n_targets,
                                     .smoothing = from->smoothing,
                                     .weight = from->weight};
    if (from->kind == EIN_HEAD_REGRESSION) {
        t->task[index].mean = t->mean + first;
        t->task[index].sd = t->sd + first;
    } else if (from->balanced || from->positive_weight != 1) {
        t->task[index].positive_weight = t->positive_weight + first;
    }
    for (int j = 0; j < from->n_targets; j++) {
        t->target_name[first + j] = from->target[j].name;
        t->sd[first + j] = 1;
        t->positive_weight[first + j] = from->positive_weight;
    }
    t->n_targets += from->n_targets;
    t->n_outputs += t->task[index].n_outputs;
}

/* All that follows from t->tasks, which is resolved. */
static ein_status lay_out(ein_targets *t, int64_t N) {
    int64_t n = 0;
    t->N = N;
    t->n_tasks = t->tasks.n;
    for (int i = 0; i < t->n_tasks; i++) n += t->tasks.task[i].n_targets;
    EIN_TRY(EIN_NEW(t->task, t->n_tasks));
    EIN_TRY(EIN_NEW(t->target_name, n));
    EIN_TRY(EIN_NEW(t->mean, n));
    EIN_TRY(EIN_NEW(t->sd, n));
    EIN_TRY(EIN_NEW(t->positive_weight, n));
    for (int i = 0; i < t->n_tasks; i++) place_task(t, i);
    return EIN_OK;
}

/* --- filling, rank 0 --------------------------------------------------------------------------------------- */

typedef struct {
    ein_targets *t;
    const ein_targets_data *data;
    int index;            /* of the task */
    const ein_task *task; /* and itself */
    int first;            /* its first target */
    const float **number; /* (targets) columns, for tasks on numbers */
    ein_cell cell;
    ein_map *statement_of; /* statement -> chain */
    struct link {
        int target, next; /* next: another target with the same statement, or -1 */
    } * chain;
    int n_chain;
} filler;

static ein_corpus *corpus_of(const filler *f) {
    return f->data->corpus;
}

static void note_invalid(filler *f, int64_t r, int target, const char *what) {
    ein_targets *t = f->t;
    t->invalid[f->first + target]++;
    if (t->first_invalid[0]) return;
    snprintf(t->first_invalid, sizeof t->first_invalid, "record %.60s, task %s, %.60s: %s",
             ein_corpus_record_id(corpus_of(f), r), f->task->name, f->task->target[target].name, what);
}

/* Whether the rules of `where` hold; a missing value fulfils none. */
static bool where_holds(const ein_targets_data *data, const ein_task *task, int64_t r) {
    for (int i = 0; i < task->n_where; i++) {
        const float value = ein_targets_number(data, task->where[i].column)->value[r];
        if (isnan(value) || !ein_rule_holds(&task->where[i], value)) return false;
    }
    return true;
}

static float label_of(filler *f, int64_t r, int target, float value) {
    const ein_task *task = f->task;
    char what[96];
    if (isnan(value)) return NAN;
    if (value < task->valid_low || value > task->valid_high) {
        snprintf(what, sizeof what, "%g is outside %g to %g", (double)value, (double)task->valid_low,
                 (double)task->valid_high);
        note_invalid(f, r, target, what);
        return NAN;
    }
    if (task->kind == EIN_HEAD_REGRESSION) return value;
    if (task->has_positive) return ein_rule_holds(&task->positive, value) ? 1.0f : 0.0f;
    if (value == 0 || value == 1) return value;
    snprintf(what, sizeof what, "%g is neither 0 nor 1 (`positive:` says which values are)", (double)value);
    note_invalid(f, r, target, what);
    return NAN;
}

static void fill_numbers(filler *f, int64_t r, float *out) {
    for (int j = 0; j < f->task->n_targets; j++) out[j] = label_of(f, r, j, f->number[j][r]);
}

static ein_status find_numbers(filler *f) {
    EIN_TRY(EIN_NEW(f->number, f->task->n_targets));
    for (int j = 0; j < f->task->n_targets; j++)
        f->number[j] = ein_targets_number(f->data, f->task->target[j].column)->value;
    return EIN_OK;
}

/* Targets by statement, since a cell names few of many. */
static ein_status index_statements(filler *f) {
    int64_t n = 0;
    for (int j = 0; j < f->task->n_targets; j++) n += f->task->target[j].n_statements;
    EIN_TRY(ein_map_new(&f->statement_of));
    EIN_TRY(EIN_NEW(f->chain, n));
    for (int j = 0; j < f->task->n_targets; j++)
        for (int k = 0; k < f->task->target[j].n_statements; k++) {
            const char *statement = f->task->target[j].statement[k];
            f->chain[f->n_chain].target = j;
            f->chain[f->n_chain].next = (int)ein_map_get(f->statement_of, statement, -1);
            EIN_TRY(ein_map_put(f->statement_of, statement, f->n_chain++));
        }
    return EIN_OK;
}

static ein_status no_likelihood(const ein_task *task, const ein_text_column *column) {
    return ein_error(
        EIN_MISMATCH,
        "task %s counts statements from a likelihood of %g on, but column '%s' holds none; use the "
        "column of dicts ({'NORM': 100.0}), or minimum_likelihood: 0",
        task->name, task->minimum_likelihood, column->name);
}

/* A statement below the likelihood that is asked for makes its target not known, unless another makes it positive. */
static ein_status fill_statements(filler *f, const ein_text_column *column, int64_t r, float *out) {
    const ein_task *task = f->task;
    const bool bad = ein_cell_parse(ein_targets_cell(column, r), task->separator, &f->cell) != EIN_OK;
    const bool unknown = bad || (f->cell.n == 0 && !task->empty_is_negative);
    for (int j = 0; j < task->n_targets; j++) {
        out[j] = unknown ? NAN : 0.0f;
        if (bad) note_invalid(f, r, j, ein_error_message());
    }
    if (bad || f->cell.n == 0) return EIN_OK;
    if (task->minimum_likelihood > 0 && !f->cell.has_likelihood) return no_likelihood(task, column);
    for (int s = 0; s < f->cell.n; s++)
        for (int c = (int)ein_map_get(f->statement_of, f->cell.text[s], -1); c >= 0; c = f->chain[c].next) {
            float *value = &out[f->chain[c].target];
            if (f->cell.likelihood[s] >= task->minimum_likelihood)
                *value = 1;
            else if (*value == 0)
                *value = NAN;
        }
    return EIN_OK;
}

/* Whether the task is defined for a record with these values. */
static bool is_included(const ein_task *task, const float *value) {
    for (int j = 0; j < task->n_targets; j++)
        if (task->include_positive ? value[j] == 1 : !isnan(value[j])) return true;
    return false;
}

static ein_status fill_task(filler *f) {
    ein_targets *t = f->t;
    const ein_task *task = f->task;
    const ein_text_column *column = task->n_texts ? ein_targets_text(f->data, task) : NULL;
    EIN_TRY(column ? index_statements(f) : find_numbers(f));
    for (int64_t r = 0; r < t->N; r++) {
        float *value = t->value + r * t->n_targets + f->first;
        bool in = where_holds(f->data, task, r);
        if (in && column)
            EIN_TRY(fill_statements(f, column, r, value));
        else if (in)
            fill_numbers(f, r, value);
        in = in && is_included(task, value);
        for (int j = 0; !in && j < task->n_targets; j++) value[j] = NAN;
        t->included[f->index * t->N + r] = in;
    }
    return EIN_OK;
}

static ein_status check_known(const ein_targets *t, const ein_task *task, int first) {
    for (int j = 0; j < task->n_targets; j++) {
        const ein_target_counts *c = &t->count[first + j];
        if (c->positive + c->negative > 0) continue;
        const char *why = t->invalid[first + j] > 0 ? t->first_invalid : "";
        return ein_error(EIN_NUMERIC, "task %s: nothing is known of '%.60s' in any record%s%s", task->name,
                         task->target[j].name, why[0] ? "; values were left out: " : "", why);
    }
    return EIN_OK;
}

static ein_status fill(ein_targets *t, const ein_targets_data *data, bool absent_ok) {
    EIN_TRY(EIN_NEW(t->value, t->N * t->n_targets));
    EIN_TRY(EIN_NEW(t->included, t->N * t->n_tasks));
    EIN_TRY(EIN_NEW(t->count, t->n_targets));
    EIN_TRY(EIN_NEW(t->invalid, t->n_targets));
    for (int i = 0; i < t->n_tasks; i++) {
        filler *f;
        EIN_TRY(EIN_NEW(f, 1));
        f->t = t;
        f->data = data;
        f->index = i;
        f->task = &t->tasks.task[i];
        f->first = t->task[i].first_target;
        const ein_status status = fill_task(f);
        ein_map_destroy(f->statement_of);
        free(f->chain);
        free(f->number);
        free(f);
        EIN_TRY(status);
    }
    ein_targets_count(t, NULL, EIN_SPLIT_NONE, t->count);
    for (int i = 0; i < t->n_tasks && !absent_ok; i++)
        EIN_TRY(check_known(t, &t->tasks.task[i], t->task[i].first_target));
    return EIN_OK;
}

/* --- statements: all --------------------------------------------------------------------------------------- */

typedef struct {
    ein_map *at; /* statement -> index */
    char **name;
    int64_t *count;
    int n;
} tally;

enum { MAX_TALLY = 65536 };

static ein_status tally_one(tally *c, const char *statement) {
    const int64_t at = ein_map_get(c->at, statement, -1);
    if (at >= 0) {
        c->count[at]++;
        return EIN_OK;
    }
    if (c->n == MAX_TALLY)
        return ein_error(EIN_RANGE, "more than %d different statements: is this their column?", MAX_TALLY);
    c->name[c->n] = strdup(statement);
    if (!c->name[c->n]) return ein_error(EIN_NOMEM, "no memory for a statement");
    c->count[c->n] = 1;
    return ein_map_put(c->at, statement, c->n++);
}

static ein_status tally_records(tally *c, const ein_task *task, const ein_targets_data *data,
                                const uint8_t *part, ein_cell *cell) {
    const ein_text_column *column = ein_targets_text(data, task);
    for (int64_t r = 0; r < data->N; r++) {
        if (part[r] != EIN_SPLIT_TRAIN || !where_holds(data, task, r)) continue;
        if (ein_cell_parse(ein_targets_cell(column, r), task->separator, cell) != EIN_OK) continue;
        if (cell->n > 0 && task->minimum_likelihood > 0 && !cell->has_likelihood)
            return no_likelihood(task, column);
        for (int s = 0; s < cell->n; s++)
            if (cell->likelihood[s] >= task->minimum_likelihood) EIN_TRY(tally_one(c, cell->text[s]));
    }
    return EIN_OK;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The statements that are frequent enough become the targets, in bytewise order. */
static ein_status take_frequent(const tally *c, ein_task *task) {
    const char **kept;
    int n = 0;
    EIN_TRY(EIN_NEW(kept, c->n + 1));
    for (int i = 0; i < c->n; i++)
        if (c->count[i] >= task->minimum_count) kept[n++] = c->name[i];
    qsort(kept, (size_t)n, sizeof *kept, compare_names);
    ein_status status = EIN_OK;
    if (n == 0 || n > EIN_TASKS_MAX_TARGETS)
        status =
            ein_error(EIN_RANGE,
                      "%d of %d statements stand in at least %lld records of the train part; 1 to %d can be "
                      "targets",
                      n, c->n, (long long)task->minimum_count, EIN_TASKS_MAX_TARGETS);
    for (int i = 0; i < n && status == EIN_OK; i++) {
        ein_task_target *target = ein_task_add_target(task, kept[i], NULL);
        status = target ? ein_task_add_statement(target, kept[i]) : ein_error(EIN_NOMEM, "no memory");
    }
    free(kept);
    task->all_statements = status != EIN_OK;
    return status;
}

static ein_status resolve_all(ein_task *task, const ein_targets_data *data, const uint8_t *part) {
    tally c = {0};
    ein_cell *cell = NULL;
    if (!part)
        return ein_error(EIN_USAGE, "`statements: all` are those of the train part, and there is none here");
    ein_status status = ein_map_new(&c.at);
    if (status == EIN_OK) status = EIN_NEW(c.name, MAX_TALLY);
    if (status == EIN_OK) status = EIN_NEW(c.count, MAX_TALLY);
    if (status == EIN_OK) status = EIN_NEW(cell, 1);
    if (status == EIN_OK) status = tally_records(&c, task, data, part, cell);
    if (status == EIN_OK) status = take_frequent(&c, task);
    for (int i = 0; i < c.n; i++) free(c.name[i]);
    free(c.name);
    free(c.count);
    free(cell);
    ein_map_destroy(c.at);
    return status;
}

static ein_status resolve(ein_tasks *tasks, const ein_targets_data *data, const uint8_t *part) {
    for (int i = 0; i < tasks->n; i++)
        if (tasks->task[i].all_statements)
            EIN_TRY(
                ein_error_context(resolve_all(&tasks->task[i], data, part), "task %s", tasks->task[i].name));
    return EIN_OK;
}

/* --- on all ranks ------------------------------------------------------------------------------------------ */

/* A copy by way of the text that a model keeps, so that what is kept is what was used. */
static ein_status copy_tasks(const ein_tasks *tasks, ein_tasks *out) {
    char *text;
    EIN_TRY(ein_tasks_to_yaml(tasks, &text));
    const ein_status status = ein_tasks_parse("tasks", text, strlen(text), NULL, out);
    free(text);
    return status;
}

static ein_status build_here(ein_targets *t, const ein_tasks *tasks, ein_corpus *corpus, const uint8_t *part,
                             const ein_targets_tables *tables) {
    ein_targets_data data = {0};
    ein_status status = copy_tasks(tasks, &t->tasks);
    if (status == EIN_OK) status = ein_targets_data_read(&t->tasks, corpus, tables, &data);
    if (status == EIN_OK) status = resolve(&t->tasks, &data, part);
    if (status == EIN_OK) status = lay_out(t, ein_corpus_records(corpus));
    if (status == EIN_OK) status = fill(t, &data, tables && tables->absent_ok);
    t->join = data.join;
    ein_targets_data_free(&data);
    return status;
}

/* Give an array of rank 0 to the others. */
static ein_status give(ein_comm *comm, void *array, int64_t count, size_t size) {
    int64_t bytes = count * (int64_t)size;
    return ein_comm_bcast_bytes(comm, array, &bytes);
}

static ein_status give_tasks(ein_comm *comm, ein_targets *t, int64_t N) {
    char *text = NULL;
    int64_t bytes = 0;
    const bool root = ein_comm_rank(comm) == 0;
    ein_status status = ein_comm_share(comm, root ? ein_tasks_to_yaml(&t->tasks, &text) : EIN_OK);
    if (root && text) bytes = (int64_t)strlen(text);
    if (status == EIN_OK) status = ein_comm_bcast_bytes(comm, (void **)&text, &bytes);
    if (status == EIN_OK && !root) status = ein_tasks_parse("tasks", text, (size_t)bytes, NULL, &t->tasks);
    if (status == EIN_OK && !root) status = lay_out(t, N);
    free(text);
    return ein_comm_agree(comm, status);
}

static ein_status give_all(ein_comm *comm, ein_targets *t, int64_t N) {
    EIN_TRY(give_tasks(comm, t, N));
    EIN_TRY(give(comm, &t->value, N * t->n_targets, sizeof *t->value));
    EIN_TRY(give(comm, &t->included, N * t->n_tasks, sizeof *t->included));
    EIN_TRY(give(comm, &t->count, t->n_targets, sizeof *t->count));
    EIN_TRY(give(comm, &t->invalid, t->n_targets, sizeof *t->invalid));
    EIN_TRY(ein_comm_check(MPI_Bcast(&t->join, (int)sizeof t->join, MPI_BYTE, 0, ein_comm_mpi(comm)),
                           "broadcasting how tables joined"));
    return ein_comm_check(
        MPI_Bcast(t->first_invalid, (int)sizeof t->first_invalid, MPI_BYTE, 0, ein_comm_mpi(comm)),
        "broadcasting what was left out");
}

ein_status ein_targets_build(ein_comm *comm, const ein_tasks *tasks, ein_corpus *corpus, const uint8_t *part,
                             const ein_targets_tables *tables, ein_targets *out) {
    *out = (ein_targets){0};
    ein_status status = ein_comm_rank(comm) == 0 ? build_here(out, tasks, corpus, part, tables) : EIN_OK;
    status = ein_comm_share(comm, status);
    if (status == EIN_OK) status = give_all(comm, out, ein_corpus_records(corpus));
    if (status != EIN_OK) ein_targets_free(out);
    return status;
}

/* --- counts and constants ---------------------------------------------------------------------------------- */

static bool counts_in(const uint8_t *part, ein_split_part which, int64_t r) {
    return !part || part[r] == which;
}

void ein_targets_count(const ein_targets *t, const uint8_t *part, ein_split_part which,
                       ein_target_counts *out) {
    for (int j = 0; j < t->n_targets; j++) out[j] = (ein_target_counts){0};
    for (int64_t r = 0; r < t->N; r++) {
        if (!counts_in(part, which, r)) continue;
        for (int i = 0; i < t->n_tasks; i++) {
            const ein_head_task *task = &t->task[i];
            if (!t->included[i * t->N + r]) continue;
            for (int j = task->first_target; j < task->first_target + task->n_targets; j++) {
                const float value = t->value[r * t->n_targets + j];
                out[j].missing += isnan(value);
                if (isnan(value)) continue;
                const bool positive = task->kind == EIN_HEAD_REGRESSION || value == 1;
                out[j].positive += positive;
                out[j].negative += !positive;
            }
        }
    }
}

static ein_status fit_regression(ein_targets *t, const char *task, int j, const uint8_t *part) {
    int64_t n = 0;
    double sum = 0, squares = 0;
    for (int64_t r = 0; r < t->N; r++) {
        const float value = t->value[r * t->n_targets + j];
        if (part[r] != EIN_SPLIT_TRAIN || isnan(value)) continue;
        sum += (double)value;
        n++;
    }
    const double mean = n > 0 ? sum / (double)n : 0;
    for (int64_t r = 0; r < t->N; r++) {
        const float value = t->value[r * t->n_targets + j];
        if (part[r] != EIN_SPLIT_TRAIN || isnan(value)) continue;
        squares += ((double)value - mean) * ((double)value - mean);
    }
    const double sd = n > 1 ? sqrt(squares / (double)(n - 1)) : 0;
    if (!(sd > 0 && isfinite(sd)))
        return ein_error(EIN_NUMERIC,
                         "task %s: '%.60s' has %lld values in the train part%s; a regression needs different "
                         "ones",
                         task, t->target_name[j], (long long)n, n > 1 ? ", all the same" : "");
    t->mean[j] = mean;
    t->sd[j] = sd;
    return EIN_OK;
}

static ein_status fit_balance(ein_targets *t, const char *task, int j, const ein_target_counts *count) {
    if (count->positive == 0 || count->negative == 0)
        return ein_error(
            EIN_NUMERIC,
            "task %s: '%.60s' has %lld positives and %lld negatives in the train part; a balanced "
            "weight needs both",
            task, t->target_name[j], (long long)count->positive, (long long)count->negative);
    t->positive_weight[j] = (double)count->negative / (double)count->positive;
    return EIN_OK;
}

ein_status ein_targets_fit(ein_targets *t, const uint8_t *part) {
    ein_target_counts *count;
    EIN_TRY(EIN_NEW(count, t->n_targets));
    ein_targets_count(t, part, EIN_SPLIT_TRAIN, count);
    ein_status status = EIN_OK;
    for (int i = 0; i < t->n_tasks; i++) {
        const ein_task *task = &t->tasks.task[i];
        for (int k = 0; k < task->n_targets && status == EIN_OK; k++) {
            const int j = t->task[i].first_target + k;
            if (task->kind == EIN_HEAD_REGRESSION)
                status = fit_regression(t, task->name, j, part);
            else if (task->balanced)
                status = fit_balance(t, task->name, j, &count[j]);
        }
    }
    free(count);
    return status;
}
