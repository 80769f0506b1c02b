/* Each key has one function that checks its value by itself; what keys mean together is checked when all are read,
 * because their order is free. */
#include "io/tasks/yaml.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/nearest.h"
#include "io/tasks/rule.h"

enum { NAME_LIMIT = 200 }; /* of columns and statements */

typedef struct {
    const char *file;
    ein_task *task;
    const ein_yaml_node *map, *statements;
    ein_rule rule; /* of `rule` */
    int n_columns;
    char **column;
} reader;

#define WRONG(r, node, ...) wrong((r)->file, (node)->line, ein_error(EIN_USAGE, __VA_ARGS__))
static ein_status wrong(const char *file, int line, ein_status status) {
    return ein_error_context(status, "%s:%d", file, line);
}

/* --- values ---------------------------------------------------------------------------------------------- */

static ein_status copy(const char *text, char **out) {
    free(*out);
    *out = strdup(text);
    return *out ? EIN_OK : ein_error(EIN_NOMEM, "no memory for a task");
}

static ein_status take_text(const reader *r, const ein_yaml_node *v, const char *key, char **out) {
    if (v->kind != EIN_YAML_SCALAR || ein_yaml_is_null(v)) return WRONG(r, v, "%s: expected a text", key);
    return copy(v->text, out);
}

static ein_status take_number(const reader *r, const ein_yaml_node *v, const char *key, double low,
                              double high, double *out) {
    if (v->kind != EIN_YAML_SCALAR || v->quoted || !ein_rule_number(v->text, strlen(v->text), out))
        return WRONG(r, v, "%s: expected a number such as 0.5", key);
    if (!(*out >= low && *out <= high))
        return WRONG(r, v, "%s: %g is out of range: %g to %g", key, *out, low, high);
    return EIN_OK;
}

static ein_status take_word(const reader *r, const ein_yaml_node *v, const char *key,
                            const char *const *words, int n, int *out) {
    if (v->kind != EIN_YAML_SCALAR) return WRONG(r, v, "%s: expected one word", key);
    for (int i = 0; i < n; i++)
        if (strcmp(v->text, words[i]) == 0) {
            *out = i;
            return EIN_OK;
        }
    char all[256] = "";
    for (int i = 0; i < n; i++) {
        if (i) strncat(all, ", ", sizeof all - strlen(all) - 1);
        strncat(all, words[i], sizeof all - strlen(all) - 1);
    }
    const char *near = ein_nearest(v->text, words, n);
    return WRONG(r, v, "%s: '%.60s' is none of %s%s%s%s", key, v->text, all, near ? "; did you mean " : "",
                 near ? near : "", near ? "?" : "");
}

static ein_status take_name(const reader *r, const ein_yaml_node *v, const char *key, char **out) {
    if (v->kind != EIN_YAML_SCALAR || v->text[0] == '\0' || strlen(v->text) > NAME_LIMIT)
        return WRONG(r, v, "%s: expected a name of 1 to %d bytes", key, NAME_LIMIT);
    return copy(v->text, out);
}

/* One name or a list of different ones. */
static ein_status take_names(const reader *r, const ein_yaml_node *v, const char *key, int most, char ***out,
                             int *n_out) {
    const ein_yaml_node *const *item = v->kind == EIN_YAML_LIST ? (const ein_yaml_node *const *)v->item : &v;
    const int n = v->kind == EIN_YAML_LIST ? v->n : 1;
    if (v->kind == EIN_YAML_MAP || n == 0) return WRONG(r, v, "%s: expected a name or a list of names", key);
    if (n > most) return WRONG(r, v, "%s: %d names; at most %d are read", key, n, most);
    EIN_TRY(EIN_NEW(*out, n));
    for (*n_out = 0; *n_out < n;) {
        const ein_yaml_node *one = item[*n_out];
        EIN_TRY(take_name(r, one, key, &(*out)[*n_out]));
        for (int i = 0; i < *n_out; i++)
            if (strcmp((*out)[i], one->text) == 0) {
                ++*n_out;
                return WRONG(r, one, "%s: '%.60s' is given twice", key, one->text);
            }
        ++*n_out;
    }
    return EIN_OK;
}

/* --- keys ------------------------------------------------------------------------------------------------ */

static ein_status read_name(reader *r, const ein_yaml_node *v) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    const size_t n = v->kind == EIN_YAML_SCALAR ? strlen(v->text) : 0;
    if (n == 0 || n >= sizeof r->task->name || strspn(v->text, letters) != n)
        return WRONG(r, v, "name: expected 1 to %zu letters, digits, _ or -", sizeof r->task->name - 1);
    memcpy(r->task->name, v->text, n + 1);
    return EIN_OK;
}

static ein_status read_title(reader *r, const ein_yaml_node *v) {
    return take_text(r, v, "title", &r->task->title);
}

static ein_status read_unit(reader *r, const ein_yaml_node *v) {
    return take_text(r, v, "unit", &r->task->unit);
}

static ein_status read_kind(reader *r, const ein_yaml_node *v) {
    const char *const kinds[] = {ein_head_kind_name(EIN_HEAD_BINARY), ein_head_kind_name(EIN_HEAD_MULTILABEL),
                                 ein_head_kind_name(EIN_HEAD_REGRESSION)};
    int kind = 0;
    EIN_TRY(take_word(r, v, "kind", kinds, 3, &kind));
    r->task->kind = (ein_head_kind)kind;
    return EIN_OK;
}

static ein_status read_group(reader *r, const ein_yaml_node *v) {
    const char *const groups[] = {ein_task_group_name(EIN_GROUP_CLINICAL),
                                  ein_task_group_name(EIN_GROUP_DEMOGRAPHIC),
                                  ein_task_group_name(EIN_GROUP_ECG)};
    int group = 0;
    EIN_TRY(take_word(r, v, "group", groups, 3, &group));
    r->task->group = (ein_task_group)group;
    return EIN_OK;
}

static ein_status take_rule(const reader *r, const ein_yaml_node *v, const char *key, bool of_value,
                            ein_rule *out) {
    if (v->kind != EIN_YAML_SCALAR) return WRONG(r, v, "%s: expected a rule such as lvef < 35", key);
    const ein_status status = ein_error_context(ein_rule_parse(v->text, of_value, out), "%s", key);
    if (status != EIN_OK) return wrong(r->file, v->line, status);
    if (out->column && strlen(out->column) > NAME_LIMIT)
        return WRONG(r, v, "%s: a column's name has at most %d bytes", key, NAME_LIMIT);
    return EIN_OK;
}

static ein_status read_rule(reader *r, const ein_yaml_node *v) {
    return take_rule(r, v, "rule", false, &r->rule);
}

static ein_status read_positive(reader *r, const ein_yaml_node *v) {
    r->task->has_positive = true;
    return take_rule(r, v, "positive", true, &r->task->positive);
}

static ein_status read_where(reader *r, const ein_yaml_node *v) {
    const ein_yaml_node *const *item = v->kind == EIN_YAML_LIST ? (const ein_yaml_node *const *)v->item : &v;
    const int n = v->kind == EIN_YAML_LIST ? v->n : 1;
    if (n > EIN_TASKS_MAX_SET)
        return WRONG(r, v, "where: %d rules; at most %d are read", n, EIN_TASKS_MAX_SET);
    EIN_TRY(EIN_NEW(r->task->where, n));
    for (int i = 0; i < n; i++) {
        r->task->n_where = i + 1;
        EIN_TRY(take_rule(r, item[i], "where", false, &r->task->where[i]));
    }
    return EIN_OK;
}

static ein_status read_columns(reader *r, const ein_yaml_node *v) {
    return take_names(r, v, "columns", EIN_TASKS_MAX_TARGETS, &r->column, &r->n_columns);
}

static ein_status read_text_columns(reader *r, const ein_yaml_node *v) {
    return take_names(r, v, "text", EIN_TASKS_MAX_SET, &r->task->text, &r->task->n_texts);
}

static ein_status read_separator(reader *r, const ein_yaml_node *v) {
    if (v->kind != EIN_YAML_SCALAR || strlen(v->text) != 1 || strchr("{}'\"", v->text[0]))
        return WRONG(r, v, "separator: expected one byte, such as \"|\", and no bracket or quote");
    r->task->separator = v->text[0];
    return EIN_OK;
}

static ein_status read_statements(reader *r, const ein_yaml_node *v) {
    r->statements = v;
    return EIN_OK;
}

static ein_status read_minimum_count(reader *r, const ein_yaml_node *v) {
    double count = 0;
    EIN_TRY(take_number(r, v, "minimum_count", 1, 1e9, &count));
    if (count != floor(count)) return WRONG(r, v, "minimum_count: %g is not a whole number", count);
    r->task->minimum_count = (int64_t)count;
    return EIN_OK;
}

static ein_status read_minimum_likelihood(reader *r, const ein_yaml_node *v) {
    return take_number(r, v, "minimum_likelihood", 0, 100, &r->task->minimum_likelihood);
}

static ein_status read_empty(reader *r, const ein_yaml_node *v) {
    static const char *const words[] = {"missing", "negative"};
    int word = 0;
    EIN_TRY(take_word(r, v, "empty", words, 2, &word));
    r->task->empty_is_negative = word == 1;
    return EIN_OK;
}

static ein_status read_include(reader *r, const ein_yaml_node *v) {
    static const char *const words[] = {"known", "positive"};
    int word = 0;
    EIN_TRY(take_word(r, v, "include", words, 2, &word));
    r->task->include_positive = word == 1;
    return EIN_OK;
}

static ein_status read_valid(reader *r, const ein_yaml_node *v) {
    double low = 0, high = 0;
    if (v->kind != EIN_YAML_LIST || v->n != 2)
        return WRONG(r, v, "valid: expected two numbers such as [0, 100]");
    EIN_TRY(take_number(r, v->item[0], "valid", -3e38, 3e38, &low));
    EIN_TRY(take_number(r, v->item[1], "valid", -3e38, 3e38, &high));
    if (!(low < high)) return WRONG(r, v, "valid: %g is not below %g", low, high);
    r->task->valid_low = (float)low;
    r->task->valid_high = (float)high;
    return EIN_OK;
}

static ein_status read_smoothing(reader *r, const ein_yaml_node *v) {
    return take_number(r, v, "smoothing", 0, 0.999, &r->task->smoothing);
}

static ein_status read_weight(reader *r, const ein_yaml_node *v) {
    return take_number(r, v, "weight", 1e-6, 1e6, &r->task->weight);
}

static ein_status read_positive_weight(reader *r, const ein_yaml_node *v) {
    static const char *const words[] = {"none", "balanced"};
    double number;
    if (v->kind == EIN_YAML_SCALAR && ein_rule_number(v->text, strlen(v->text), &number))
        return take_number(r, v, "positive_weight", 1e-6, 1e6, &r->task->positive_weight);
    int word = 0;
    EIN_TRY(take_word(r, v, "positive_weight", words, 2, &word));
    r->task->balanced = word == 1;
    return EIN_OK;
}

static const struct {
    const char *name;
    ein_status (*read)(reader *, const ein_yaml_node *);
} keys[] = {
    {"name", read_name},
    {"title", read_title},
    {"kind", read_kind},
    {"group", read_group},
    {"rule", read_rule},
    {"columns", read_columns},
    {"positive", read_positive},
    {"text", read_text_columns},
    {"separator", read_separator},
    {"statements", read_statements},
    {"minimum_count", read_minimum_count},
    {"minimum_likelihood", read_minimum_likelihood},
    {"empty", read_empty},
    {"include", read_include},
    {"where", read_where},
    {"valid", read_valid},
    {"unit", read_unit},
    {"smoothing", read_smoothing},
    {"positive_weight", read_positive_weight},
    {"weight", read_weight},
};
enum { N_KEYS = sizeof keys / sizeof *keys };

static ein_status read_keys(reader *r) {
    for (int i = 0; i < r->map->n; i++) {
        const ein_yaml_node *key = r->map->key[i];
        int k = 0;
        while (k < N_KEYS && strcmp(keys[k].name, key->text) != 0) k++;
        if (k == N_KEYS) {
            const char *names[N_KEYS];
            for (int j = 0; j < N_KEYS; j++) names[j] = keys[j].name;
            const char *near = ein_nearest(key->text, names, N_KEYS);
            return WRONG(r, key, "a task has no key '%.60s'%s%s%s", key->text, near ? "; did you mean " : "",
                         near ? near : "", near ? "?" : "");
        }
        EIN_TRY(keys[k].read(r, r->map->item[i]));
    }
    return EIN_OK;
}

/* --- keys together --------------------------------------------------------------------------------------- */

static const ein_yaml_node *given(const reader *r, const char *key) {
    return ein_yaml_get(r->map, key);
}

/* Refuse a key that would have no effect. */
static ein_status only_for(const reader *r, const char *key, bool fits, const char *what) {
    const ein_yaml_node *node = given(r, key);
    return node && !fits ? WRONG(r, node, "%s: is only for %s", key, what) : EIN_OK;
}

static ein_status check_keys(const reader *r) {
    const ein_task *t = r->task;
    static const char *const needed[] = {"name", "kind", "group"};
    for (int i = 0; i < 3; i++)
        if (!given(r, needed[i])) return WRONG(r, r->map, "the task has no '%s'", needed[i]);
    const bool text = given(r, "text") != NULL, columns = given(r, "columns") != NULL;
    if ((given(r, "rule") != NULL) + text + columns != 1)
        return WRONG(r, r->map, "task %s: give one of rule, columns and text: where its labels come from",
                     t->name);
    const bool binary = t->kind == EIN_HEAD_BINARY, regression = t->kind == EIN_HEAD_REGRESSION;
    EIN_TRY(only_for(r, "rule", binary, "kind: binary"));
    EIN_TRY(only_for(r, "text", !regression, "kind: binary or multilabel"));
    EIN_TRY(only_for(r, "positive", columns && !regression, "columns of a binary or multilabel task"));
    EIN_TRY(only_for(r, "separator", text, "text"));
    EIN_TRY(only_for(r, "statements", text, "text"));
    EIN_TRY(only_for(r, "minimum_likelihood", text, "text"));
    EIN_TRY(only_for(r, "empty", text, "text"));
    EIN_TRY(only_for(r, "minimum_count", t->all_statements, "statements: all"));
    EIN_TRY(only_for(r, "include", !t->include_positive || !regression, "kind: binary or multilabel"));
    EIN_TRY(only_for(r, "valid", !text, "rule and columns"));
    EIN_TRY(only_for(r, "unit", regression, "kind: regression"));
    EIN_TRY(only_for(r, "smoothing", binary, "kind: binary"));
    EIN_TRY(only_for(r, "positive_weight", !regression, "kind: binary or multilabel"));
    if (text && !r->statements) return WRONG(r, r->map, "task %s: text needs statements", t->name);
    if (columns && binary && r->n_columns != 1)
        return WRONG(r, given(r, "columns"), "columns: a binary task has one");
    return EIN_OK;
}

static ein_status no_memory(const reader *r) {
    return ein_error(EIN_NOMEM, "%s: no memory for a task", r->file);
}

/* One target of all statements in `v`. */
static ein_status add_any_of(reader *r, const char *name, const ein_yaml_node *v) {
    ein_task_target *target = ein_task_add_target(r->task, name, NULL);
    if (!target) return no_memory(r);
    return take_names(r, v, "statements", EIN_TASKS_MAX_TARGETS, &target->statement, &target->n_statements);
}

static ein_status add_map(reader *r, const ein_yaml_node *v) {
    const bool binary = r->task->kind == EIN_HEAD_BINARY;
    if (v->n == 0 || v->n > EIN_TASKS_MAX_TARGETS || (binary && v->n != 1))
        return WRONG(r, v, "statements: %d targets; expected 1 to %d", v->n,
                     binary ? 1 : EIN_TASKS_MAX_TARGETS);
    for (int i = 0; i < v->n; i++) {
        if (v->key[i]->text[0] == '\0' || strlen(v->key[i]->text) > NAME_LIMIT)
            return WRONG(r, v->key[i], "statements: expected a name of 1 to %d bytes", NAME_LIMIT);
        EIN_TRY(add_any_of(r, binary ? r->task->name : v->key[i]->text, v->item[i]));
    }
    return EIN_OK;
}

static ein_status add_each(reader *r, const ein_yaml_node *v) {
    char **name = NULL;
    int n = 0;
    ein_status status = take_names(r, v, "statements", EIN_TASKS_MAX_TARGETS, &name, &n);
    for (int i = 0; i < n && status == EIN_OK; i++) {
        ein_task_target *target = ein_task_add_target(r->task, name[i], NULL);
        status = target ? ein_task_add_statement(target, name[i]) : no_memory(r);
    }
    for (int i = 0; i < n; i++) free(name[i]);
    free(name);
    return status;
}

static ein_status add_targets(reader *r) {
    ein_task *t = r->task;
    if (t->all_statements) return EIN_OK;
    if (r->statements && r->statements->kind == EIN_YAML_MAP) return add_map(r, r->statements);
    if (r->statements)
        return t->kind == EIN_HEAD_BINARY ? add_any_of(r, t->name, r->statements)
                                          : add_each(r, r->statements);
    if (r->rule.column) {
        if (!ein_task_add_target(t, t->name, r->rule.column)) return no_memory(r);
        t->has_positive = true;
        t->positive = r->rule;
        r->rule = (ein_rule){0};
        free(t->positive.column);
        t->positive.column = NULL;
    }
    for (int i = 0; i < r->n_columns; i++)
        if (!ein_task_add_target(t, t->kind == EIN_HEAD_BINARY ? t->name : r->column[i], r->column[i]))
            return no_memory(r);
    return EIN_OK;
}

static bool means_all(const ein_yaml_node *v) {
    return v && v->kind == EIN_YAML_SCALAR && !v->quoted && strcmp(v->text, "all") == 0;
}

static ein_status read_task(reader *r) {
    ein_task *t = r->task;
    if (r->map->kind != EIN_YAML_MAP)
        return WRONG(r, r->map, "a task is a map of keys: name, kind, group, ...");
    EIN_TRY(read_keys(r));
    t->all_statements = means_all(r->statements);
    EIN_TRY(check_keys(r));
    if (t->all_statements && t->kind == EIN_HEAD_BINARY)
        return WRONG(r, r->statements, "statements: all is only for kind: multilabel");
    if (!t->title) EIN_TRY(copy(t->name, &t->title));
    if (!t->unit) EIN_TRY(copy("", &t->unit));
    return add_targets(r);
}

ein_status ein_task_read(const char *file, const ein_yaml_node *map, ein_task *out) {
    *out = (ein_task){.separator = '|',
                      .minimum_count = 1,
                      .valid_low = -INFINITY,
                      .valid_high = INFINITY,
                      .smoothing = 0.001,
                      .weight = 1,
                      .positive_weight = 1};
    reader r = {.file = file, .task = out, .map = map};
    const ein_status status = read_task(&r);
    if (out->kind != EIN_HEAD_BINARY) out->smoothing = 0;
    ein_rule_free(&r.rule);
    for (int i = 0; i < r.n_columns; i++) free(r.column[i]);
    free(r.column);
    return status;
}
