#include "io/tasks/tasks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/durable.h"
#include "io/base/nearest.h"
#include "io/formats/yaml_tree.h"
#include "io/tasks/rule.h"
#include "io/tasks/yaml.h"

enum { MAX_LIBRARY = 256 };

/* --- reading --------------------------------------------------------------------------------------------- */

static ein_status make_room(ein_tasks *set, const char *file, int line) {
    if (set->n == EIN_TASKS_MAX)
        return ein_error(EIN_USAGE, "%s:%d: more than %d tasks", file, line, EIN_TASKS_MAX);
    if (!set->task) EIN_TRY(EIN_NEW(set->task, EIN_TASKS_MAX));
    return EIN_OK;
}

/* Add the task of a map. */
static ein_status add_map(ein_tasks *set, const char *file, const ein_yaml_node *map) {
    EIN_TRY(make_room(set, file, map->line));
    ein_task *task = &set->task[set->n++];
    EIN_TRY(ein_task_read(file, map, task));
    for (int i = 0; i + 1 < set->n; i++)
        if (strcmp(set->task[i].name, task->name) == 0)
            return ein_error(EIN_USAGE, "%s:%d: a second task with the name %s", file, map->line, task->name);
    return EIN_OK;
}

/* The tasks that a file describes: itself a task, or its list `tasks`. */
static const ein_yaml_node *list_of(const ein_yaml_node *root) {
    return ein_yaml_get(root, "tasks");
}

/* The name of an item: of a task that is described, or the last part of a reference. NULL if it has none. */
static const char *name_of(const ein_yaml_node *item) {
    const ein_yaml_node *name = item->kind == EIN_YAML_SCALAR ? item : ein_yaml_get(item, "name");
    if (!name || name->kind != EIN_YAML_SCALAR) return NULL;
    const char *slash = strrchr(name->text, '/');
    return slash ? slash + 1 : name->text;
}

static ein_status add_name(ein_tasks *set, const ein_tasks_file *library, const char *name);

static ein_status add_item(ein_tasks *set, const char *file, const ein_yaml_node *item,
                           const ein_tasks_file *library) {
    if (item->kind != EIN_YAML_SCALAR) return add_map(set, file, item);
    if (!library)
        return ein_error(EIN_USAGE, "%s:%d: '%.60s' refers to a task elsewhere; here tasks are written out",
                         file, item->line, item->text);
    return ein_error_context(add_name(set, library, item->text), "%s:%d", file, item->line);
}

/* Add all tasks of a file, or with `only` the one of that name. `library` NULL: no names of other tasks. */
static ein_status add_root(ein_tasks *set, const char *file, const ein_yaml_node *root, const char *only,
                           const ein_tasks_file *library) {
    if (!root || root->kind != EIN_YAML_MAP)
        return ein_error(EIN_USAGE, "%s:%d: expected a task (name, kind, group, ...) or a list `tasks:`",
                         file, root ? root->line : 1);
    const ein_yaml_node *list = list_of(root);
    if (!list) return add_map(set, file, root);
    if (root->n != 1)
        return ein_error(EIN_USAGE, "%s:%d: beside `tasks:` there are no other keys", file, root->line);
    if (list->kind != EIN_YAML_LIST || list->n == 0)
        return ein_error(EIN_USAGE, "%s:%d: tasks: expected a list", file, list->line);
    for (int i = 0; i < list->n; i++) {
        const char *name = name_of(list->item[i]);
        if (!only || (name && strcmp(name, only) == 0)) EIN_TRY(add_item(set, file, list->item[i], library));
    }
    return EIN_OK;
}

/* "ptbxl/form" is no file or has no such task. */
static ein_status no_such_task(const char *name, const ein_tasks_file *library) {
    const char *names[MAX_LIBRARY];
    char all[512] = "";
    int n = 0;
    for (; n < MAX_LIBRARY && library[n].name; n++) {
        names[n] = library[n].name;
        if (n) strncat(all, ", ", sizeof all - strlen(all) - 1);
        strncat(all, names[n], sizeof all - strlen(all) - 1);
    }
    char file[256];
    snprintf(file, sizeof file, "%.*s", (int)strcspn(name, "/"), name);
    const char *near = ein_nearest(file, names, n);
    return ein_error(
        EIN_NOTFOUND,
        "there is no task '%.60s'%s%s%s; there are the files %s, tasks in them as FILE/TASK, and "
        "files of your own that end in .yaml",
        name, near ? "; did you mean '" : "", near ? near : "", near ? "'" : "", all);
}

/* The same where the file is there: the nearest of its tasks. */
static ein_status no_such_member(const char *file, const ein_yaml_node *root, const char *task) {
    const ein_yaml_node *list = list_of(root);
    const char *names[EIN_TASKS_MAX];
    int n = 0;
    for (int i = 0; list && i < list->n && n < EIN_TASKS_MAX; i++) {
        const char *name = name_of(list->item[i]);
        if (name) names[n++] = name;
    }
    const char *near = ein_nearest(task, names, n);
    return ein_error(EIN_NOTFOUND, "%s has no task '%.60s'%s%s%s", file, task, near ? "; did you mean '" : "",
                     near ? near : "", near ? "'" : "");
}

/* Files of the library refer to each other by name, but only one level deep: what is referred to is read with no
 * library at hand, so nothing goes in circles. */
static ein_status add_file(ein_tasks *set, const ein_tasks_file *file, const char *only,
                           const ein_tasks_file *library) {
    ein_yaml_node *root;
    const int before = set->n;
    EIN_TRY(ein_yaml_parse(file->name, file->text, file->bytes, EIN_TASKS_MAX_BYTES, &root));
    ein_status status = add_root(set, file->name, root, only, library);
    if (status == EIN_OK && only && set->n == before) status = no_such_member(file->name, root, only);
    ein_yaml_free(root);
    return status;
}

static const ein_tasks_file *find_file(const ein_tasks_file *library, const char *name, size_t n) {
    for (; library && library->name; library++)
        if (strlen(library->name) == n && strncmp(library->name, name, n) == 0) return library;
    return NULL;
}

/* A name within a file. */
static ein_status add_name(ein_tasks *set, const ein_tasks_file *library, const char *name) {
    const size_t n = strcspn(name, "/");
    const ein_tasks_file *file = find_file(library, name, n);
    if (!file) return no_such_task(name, library);
    return add_file(set, file, name[n] == '/' ? name + n + 1 : NULL, NULL);
}

static bool ends_in(const char *text, const char *end) {
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* A name as a user gives it. */
static ein_status add_given(ein_tasks *set, const ein_tasks_file *library, const char *name) {
    if (!ends_in(name, ".yaml") && !ends_in(name, ".yml")) {
        const size_t n = strcspn(name, "/");
        const ein_tasks_file *file = find_file(library, name, n);
        if (!file) return no_such_task(name, library);
        return add_file(set, file, name[n] == '/' ? name + n + 1 : NULL, library);
    }
    ein_tasks_file file = {.name = name};
    char *text;
    EIN_TRY(ein_file_read(name, EIN_TASKS_MAX_BYTES, &text, &file.bytes));
    file.text = text;
    const ein_status status = add_file(set, &file, NULL, library);
    free(text);
    return status;
}

ein_status ein_tasks_parse(const char *name, const char *text, size_t bytes, const ein_tasks_file *library,
                           ein_tasks *out) {
    *out = (ein_tasks){0};
    const ein_tasks_file file = {name, text, bytes};
    const ein_status status = add_file(out, &file, NULL, library);
    if (status != EIN_OK) ein_tasks_free(out);
    return status;
}

static ein_status load(const ein_tasks_file *library, const char *const *names, int n_names, ein_tasks *out) {
    if (n_names == 0) return ein_error(EIN_USAGE, "no task is named");
    for (int i = 0; i < n_names; i++) EIN_TRY(add_given(out, library, names[i]));
    return EIN_OK;
}

ein_status ein_tasks_load(ein_comm *comm, const ein_tasks_file *library, const char *const *names,
                          int n_names, ein_tasks *out) {
    static const ein_tasks_file none[] = {{0}};
    char *text = NULL;
    int64_t bytes = 0;
    ein_status status = EIN_OK;
    *out = (ein_tasks){0};
    if (ein_comm_rank(comm) == 0) {
        status = load(library ? library : none, names, n_names, out);
        if (status == EIN_OK) status = ein_tasks_to_yaml(out, &text);
        if (status == EIN_OK) bytes = (int64_t)strlen(text);
    }
    status = ein_comm_share(comm, status);
    if (status == EIN_OK) status = ein_comm_bcast_bytes(comm, (void **)&text, &bytes);
    if (status == EIN_OK && ein_comm_rank(comm) != 0)
        status = ein_tasks_parse("tasks", text, (size_t)bytes, NULL, out);
    free(text);
    status = ein_comm_agree(comm, status);
    if (status != EIN_OK) ein_tasks_free(out);
    return status;
}

/* --- writing --------------------------------------------------------------------------------------------- */

static void put_text(FILE *f, const char *key, const char *text) {
    fprintf(f, "    %s: ", key);
    ein_yaml_quote(f, text);
    fputc('\n', f);
}

static void put_list(FILE *f, char *const *item, int n) {
    fputc('[', f);
    for (int i = 0; i < n; i++) {
        if (i) fputs(", ", f);
        ein_yaml_quote(f, item[i]);
    }
    fputs("]\n", f);
}

static void put_rule(FILE *f, const ein_rule *rule) {
    fputc('"', f);
    ein_rule_print(f, rule);
    fputc('"', f);
}

static void put_text_source(FILE *f, const ein_task *t) {
    fputs("    text: ", f);
    put_list(f, t->text, t->n_texts);
    put_text(f, "separator", (const char[]){t->separator, '\0'});
    fprintf(f, "    minimum_likelihood: %.17g\n", t->minimum_likelihood);
    fprintf(f, "    empty: %s\n", t->empty_is_negative ? "negative" : "missing");
    if (t->all_statements) {
        fprintf(f, "    statements: all\n    minimum_count: %lld\n", (long long)t->minimum_count);
        return;
    }
    fputs("    statements:\n", f);
    for (int i = 0; i < t->n_targets; i++) {
        fputs("      ", f);
        ein_yaml_quote(f, t->target[i].name);
        fputs(": ", f);
        put_list(f, t->target[i].statement, t->target[i].n_statements);
    }
}

static void put_number_source(FILE *f, const ein_task *t) {
    fputs("    columns: [", f);
    for (int i = 0; i < t->n_targets; i++) {
        if (i) fputs(", ", f);
        ein_yaml_quote(f, t->target[i].column);
    }
    fputs("]\n", f);
    if (t->has_positive) {
        fputs("    positive: ", f);
        put_rule(f, &t->positive);
        fputc('\n', f);
    }
    if (isfinite(t->valid_low))
        fprintf(f, "    valid: [%.9g, %.9g]\n", (double)t->valid_low, (double)t->valid_high);
}

static void put_task(FILE *f, const ein_task *t) {
    fprintf(f, "  - name: \"%s\"\n", t->name);
    put_text(f, "title", t->title);
    fprintf(f, "    kind: %s\n    group: %s\n", ein_head_kind_name(t->kind), ein_task_group_name(t->group));
    if (t->n_texts)
        put_text_source(f, t);
    else
        put_number_source(f, t);
    if (t->include_positive) fputs("    include: positive\n", f);
    if (t->n_where) fputs("    where: [", f);
    for (int i = 0; i < t->n_where; i++) {
        if (i) fputs(", ", f);
        put_rule(f, &t->where[i]);
    }
    if (t->n_where) fputs("]\n", f);
    if (t->unit[0]) put_text(f, "unit", t->unit);
    if (t->kind == EIN_HEAD_BINARY) fprintf(f, "    smoothing: %.17g\n", t->smoothing);
    if (t->balanced)
        fputs("    positive_weight: balanced\n", f);
    else if (t->positive_weight != 1)
        fprintf(f, "    positive_weight: %.17g\n", t->positive_weight);
    fprintf(f, "    weight: %.17g\n", t->weight);
}

ein_status ein_tasks_to_yaml(const ein_tasks *tasks, char **out) {
    size_t bytes;
    *out = NULL;
    FILE *f = open_memstream(out, &bytes);
    if (!f) return ein_error(EIN_NOMEM, "no memory for the text of %d tasks", tasks->n);
    fputs("tasks:\n", f);
    for (int i = 0; i < tasks->n; i++) put_task(f, &tasks->task[i]);
    const bool bad = ferror(f) != 0;
    if (fclose(f) == 0 && !bad && bytes <= EIN_TASKS_MAX_BYTES) return EIN_OK;
    free(*out);
    *out = NULL;
    if (!bad)
        return ein_error(EIN_RANGE, "the text of %d tasks has %zu bytes; at most %d are read back", tasks->n,
                         bytes, EIN_TASKS_MAX_BYTES);
    return ein_error(EIN_NOMEM, "no memory for the text of %d tasks", tasks->n);
}
