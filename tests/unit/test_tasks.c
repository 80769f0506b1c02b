/* Task descriptions: rules, cells of statements, YAML in and out, and what must be refused where. */
#include "io/tasks/tasks.h"

#include <stdlib.h>
#include <string.h>

#include "io/formats/yaml_tree.h"
#include "io/tasks/cell.h"
#include "io/tasks/rule.h"
#include "jobs/options/task_library.h"
#include "tests/report.h"

/* --- rules ------------------------------------------------------------------------------------------------- */

static char *print_rule(const ein_rule *rule) {
    char *text = NULL;
    size_t bytes;
    FILE *f = open_memstream(&text, &bytes);
    EIN_BUG_IF(!f);
    ein_rule_print(f, rule);
    EIN_BUG_IF(fclose(f) != 0);
    return text;
}

static void rules(void) {
    static const struct {
        const char *text, *column, *printed;
        float yes[3], no[3];
    } cases[] = {
        {"lvef < 35", "lvef", "lvef < 35", {34.9f, -1, 0}, {35, 36, 1e30f}},
        {"lvef<=35", "lvef", "lvef <= 35", {35, 34, 0}, {35.1f, 36, 99}},
        {"  x > -1.5e1 ", "x", "x > -15", {-14.9f, 0, 3}, {-15, -16, -1e30f}},
        {"x >= 2.1", "x", "x >= 2.0999999", {2.1f, 3, 4}, {2, 2.09f, 0}},
        {"sex == 1", "sex", "sex == 1", {1, 1, 1}, {0, 2, 0.5f}},
        {"18 <= age at visit < 65",
         "age at visit",
         "18 <= age at visit < 65",
         {18, 64.9f, 30},
         {65, 17.9f, 99}},
        {"0 < x <= 1", "x", "0 < x <= 1", {1, 0.5f, 1e-9f}, {0, 1.1f, -1}},
        {"grade in [1, 3,-2]", "grade", "grade in [1, 3, -2]", {1, 3, -2}, {2, 0, 1.5f}},
        {"min in [0]", "min", "min in [0]", {0, 0, -0.0f}, {1, 2, 3}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ein_rule rule, again;
        bool good = ein_rule_parse(cases[i].text, false, &rule) == EIN_OK &&
                    strcmp(rule.column, cases[i].column) == 0;
        for (int k = 0; good && k < 3; k++)
            good = ein_rule_holds(&rule, cases[i].yes[k]) && !ein_rule_holds(&rule, cases[i].no[k]);
        char *text = good ? print_rule(&rule) : strdup("");
        good = good && strcmp(text, cases[i].printed) == 0 && ein_rule_parse(text, false, &again) == EIN_OK;
        for (int k = 0; good && k < 3; k++)
            good = ein_rule_holds(&again, cases[i].yes[k]) && !ein_rule_holds(&again, cases[i].no[k]);
        report(good, "rule '%s' holds where it should and is printed as '%s'", cases[i].text, text);
        if (good) ein_rule_free(&again);
        ein_rule_free(&rule);
        free(text);
    }
    static const char *const bad[] = {
        "",           "lvef",          "lvef < ",     "< 35",           "lvef < x",      "lvef = 35",
        "lvef != 35", "lvef < 35 < 3", "a < b",       "35 > lvef",      "3 > x > 1",     "5 < x < 5",
        "6 <= x < 5", "x in []",       "x in [1",     "x in [a]",       "x [1]",         "in [1]",
        "x < 1e99",   "x < nan",       "x < inf",     "x in [1] or so", "1 < x < 2 < 3", "x < 0x10",
        "x <> 3",     "12 < 35",       "x in [1,,2]", "x < 1 2",        "x in 1, 2",     "x << 3"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ein_rule rule;
        const ein_status status = ein_rule_parse(bad[i], false, &rule);
        report(status == EIN_USAGE && !rule.column && !rule.set, "no rule: '%s': %s", bad[i],
               ein_error_message());
        ein_rule_free(&rule);
    }
    char many[4096] = "x in [0";
    for (int i = 1; i <= EIN_TASKS_MAX_SET; i++) strcat(many, ",1");
    strcat(many, "]");
    ein_rule rule;
    report(ein_rule_parse(many, false, &rule) == EIN_USAGE && strstr(ein_error_message(), "more than 64"),
           "a set of too many numbers is refused");
    bool good = ein_rule_parse("> 0", true, &rule) == EIN_OK && !rule.column && ein_rule_holds(&rule, 1) &&
                !ein_rule_holds(&rule, 0);
    ein_rule_free(&rule);
    good = good && ein_rule_parse("2 <= value < 3", true, &rule) == EIN_OK && ein_rule_holds(&rule, 2) &&
           !ein_rule_holds(&rule, 3);
    char *text = print_rule(&rule);
    report(good && strcmp(text, "2 <= value < 3") == 0, "a rule on given columns has no column of its own");
    free(text);
    ein_rule_free(&rule);
    report(ein_rule_parse("lvef < 35", true, &rule) == EIN_USAGE, "and must not name one: %s",
           ein_error_message());
}

/* --- cells ------------------------------------------------------------------------------------------------- */

static void cells(void) {
    static const struct {
        const char *cell;
        int n; /* -1: refused */
        const char *last;
        double likelihood;
    } cases[] = {
        {"NORM|SR", 2, "SR", 100},
        {" NORM | LAO/LAE ", 2, "LAO/LAE", 100},
        {"", 0, "", 0},
        {" \t", 0, "", 0},
        {"||", 0, "", 0},
        {"NORM||NORM|", 1, "NORM", 100},
        {"{}", 0, "", 0},
        {"{'NORM': 100.0, 'LVOLT': 0.0, 'SR': 15}", 3, "SR", 15},
        {"{\"PRC(S)\":80.0}", 1, "PRC(S)", 80},
        {" { 'A' : 1 , } ", 1, "A", 1},
        {"{'A': 20, 'A': 5}", 1, "A", 20},
        {"{'it\\'s': 1}", 1, "it's", 1},
        {"{'back\\\\slash': 1}", 1, "back\\slash", 1},
        {"{'A': 1", -1, "", 0},
        {"{'A' 1}", -1, "", 0},
        {"{'A': }", -1, "", 0},
        {"{'A': None}", -1, "", 0},
        {"{'A': nan}", -1, "", 0},
        {"{'A': 1e400}", -1, "", 0},
        {"{'A': -1}", -1, "", 0},
        {"{'A': 100.1}", -1, "", 0},
        {"{'A': 1} x", -1, "", 0},
        {"{'A", -1, "", 0},
        {"{'A\\", -1, "", 0},
        {"{'A\\n': 1}", -1, "", 0},
        {"{A: 1}", -1, "", 0},
        {"{'': 1}", -1, "", 0},
        {"{'A': 1;}", -1, "", 0},
        {"{'A': {'B': 1}}", -1, "", 0},
        {"{'A': __import__('os')}", -1, "", 0},
        {"{,}", -1, "", 0},
        {"{'A':1,,'B':2}", -1, "", 0},
        {"A\x1b[2J|B", -1, "", 0},
        {"\xff\xfe|B", -1, "", 0},
    };
    ein_cell *cell = malloc(sizeof *cell);
    EIN_BUG_IF(!cell);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const ein_status status = ein_cell_parse(cases[i].cell, '|', cell);
        bool good = cases[i].n < 0 ? status == EIN_FORMAT : status == EIN_OK && cell->n == cases[i].n;
        if (good && cases[i].n > 0)
            good = strcmp(cell->text[cell->n - 1], cases[i].last) == 0 &&
                   cell->likelihood[cell->n - 1] == cases[i].likelihood;
        char shown[64];
        int at = 0;
        for (const char *c = cases[i].cell; *c && at < 60; c++) shown[at++] = *c < ' ' || *c > '~' ? '?' : *c;
        shown[at] = '\0';
        report(good, "cell \"%s\": %d statements", shown, cases[i].n);
    }
    char *big = malloc(1 << 20);
    EIN_BUG_IF(!big);
    memset(big, 'A', 1 << 20);
    big[(1 << 20) - 1] = '\0';
    bool good = ein_cell_parse(big, '|', cell) == EIN_FORMAT;
    memcpy(big, "{'", 2);
    good = good && ein_cell_parse(big, '|', cell) == EIN_FORMAT;
    memset(big, '{', 1 << 19);
    good = good && ein_cell_parse(big, '|', cell) == EIN_FORMAT;
    report(good, "a statement of a megabyte, one without end, and half a million brackets are refused");
    size_t at = 0;
    for (int i = 0; i <= EIN_CELL_MAX_STATEMENTS; i++) at += (size_t)sprintf(big + at, "S%d|", i);
    report(ein_cell_parse(big, '|', cell) == EIN_FORMAT && strstr(ein_error_message(), "more than 256"),
           "more statements than a cell may hold are refused");
    report(ein_cell_parse("a;b", ';', cell) == EIN_OK && cell->n == 2 && !cell->has_likelihood &&
               ein_cell_parse("{'a': 3}", ';', cell) == EIN_OK && cell->has_likelihood,
           "the separator is the task's; a dict is known by its bracket");
    free(big);
    free(cell);
}

/* --- descriptions ------------------------------------------------------------------------------------------ */

#define HEAD   "name: t\nkind: binary\ngroup: ecg\n"
#define MULTI  "name: t\nkind: multilabel\ngroup: ecg\n"
#define NUMBER "name: t\nkind: regression\ngroup: ecg\n"

static ein_status parse(const char *text, ein_tasks *out) {
    return ein_tasks_parse("my.yaml", text, strlen(text), ein_task_library(), out);
}

static void refusals(void) {
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "my.yaml:1: expected a task"},
        {"7", "my.yaml:1: expected a task"},
        {"- a", "my.yaml:1: expected a task"},
        {"tasks: []", "my.yaml:1: tasks: expected a list"},
        {"tasks: 3", "my.yaml:1: tasks: expected a list"},
        {"tasks: [[a]]", "my.yaml:1: a task is a map"},
        {"tasks: [findings]\nname: x", "beside `tasks:` there are no other keys"},
        {"kind: binary\ngroup: ecg\nrule: a < 1", "my.yaml:1: the task has no 'name'"},
        {"name: t\ngroup: ecg\nrule: a < 1", "the task has no 'kind'"},
        {"name: t\nkind: binary\nrule: a < 1", "the task has no 'group'"},
        {HEAD, "give one of rule, columns and text"},
        {HEAD "rule: a < 1\ncolumns: [a]", "give one of rule, columns and text"},
        {HEAD "rule: a < 1\nsmothing: 0.1",
         "my.yaml:5: a task has no key 'smothing'; did you mean smoothing?"},
        {HEAD "rule: a < 1\nname: u", "my.yaml:5: name: given twice"},
        {"name: t\nkind: binry\ngroup: ecg\nrule: a < 1",
         "my.yaml:2: kind: 'binry' is none of binary, multilabel, regression; did you mean binary?"},
        {"name: t\nkind: binary\ngroup: clinic\nrule: a < 1", "my.yaml:3: group: 'clinic' is none of"},
        {"name: a b\nkind: binary\ngroup: ecg\nrule: a < 1", "my.yaml:1: name: expected"},
        {"name: ''\nkind: binary\ngroup: ecg\nrule: a < 1", "name: expected"},
        {"name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nkind: binary\ngroup: "
         "ecg\nrule: a < 1",
         "name: expected 1 to 63"},
        {HEAD "rule: a ~ 1", "my.yaml:4: rule: 'a ~ 1' is no rule"},
        {HEAD "rule: [a < 1]", "my.yaml:4: rule: expected a rule"},
        {HEAD "columns: [a, b]", "my.yaml:4: columns: a binary task has one"},
        {MULTI "columns: [a, b, a]", "'a' is given twice"},
        {MULTI "columns: []", "columns: expected a name"},
        {MULTI "columns: {a: 1}", "columns: expected a name"},
        {MULTI "columns: [[a]]", "columns: expected a name"},
        {MULTI "columns: [a, ~]", "item 2 of the list is empty"},
        {MULTI "rule: a < 1", "my.yaml:4: rule: is only for kind: binary"},
        {NUMBER "columns: a\npositive: '> 0'", "my.yaml:5: positive: is only for"},
        {NUMBER "text: a\nstatements: [b]", "text: is only for"},
        {NUMBER "columns: a\nsmoothing: 0.1", "smoothing: is only for kind: binary"},
        {NUMBER "columns: a\npositive_weight: 2", "positive_weight: is only for"},
        {NUMBER "columns: a\ninclude: positive", "include: is only for"},
        {HEAD "columns: a\nunit: mV", "unit: is only for kind: regression"},
        {HEAD "columns: a\nstatements: [b]", "statements: is only for text"},
        {HEAD "columns: a\nempty: negative", "empty: is only for text"},
        {HEAD "columns: a\npositive: a > 0", "names a column"},
        {HEAD "columns: a\nvalid: [2, 1]", "my.yaml:5: valid: 2 is not below 1"},
        {HEAD "columns: a\nvalid: 3", "valid: expected two numbers"},
        {HEAD "columns: a\nvalid: [a, b]", "valid: expected a number"},
        {HEAD "text: a", "text needs statements"},
        {MULTI "text: a\nstatements: []", "statements: expected a name"},
        {MULTI "text: a\nstatements: {}", "statements: 0 targets"},
        {MULTI "text: a\nstatements: {A: []}", "statements: expected a name"},
        {MULTI "text: a\nstatements: {A: {B: C}}", "statements: expected a name"},
        {MULTI "text: a\nstatements: [A, A]", "'A' is given twice"},
        {HEAD "text: a\nstatements: {A: [B], C: [D]}", "2 targets; expected 1 to 1"},
        {HEAD "text: a\nstatements: all", "statements: all is only for kind: multilabel"},
        {MULTI "text: a\nstatements: [A]\nminimum_count: 3", "minimum_count: is only for statements: all"},
        {MULTI "text: a\nstatements: all\nminimum_count: 0", "0 is out of range"},
        {MULTI "text: a\nstatements: all\nminimum_count: 1.5", "not a whole number"},
        {MULTI "text: a\nstatements: [A]\nseparator: ab", "separator: expected one byte"},
        {MULTI "text: a\nstatements: [A]\nseparator: '{'", "separator: expected one byte"},
        {MULTI "text: a\nstatements: [A]\nempty: no", "empty: 'no' is none of missing, negative"},
        {MULTI "text: a\nstatements: [A]\nminimum_likelihood: 101", "101 is out of range: 0 to 100"},
        {MULTI "text: a\nstatements: [A]\nvalid: [0, 1]", "valid: is only for"},
        {HEAD "rule: a < 1\nwhere: [age]", "where: 'age' is no rule"},
        {HEAD "rule: a < 1\nsmoothing: 1", "smoothing: 1 is out of range"},
        {HEAD "rule: a < 1\nsmoothing: '0.1'", "smoothing: expected a number"},
        {HEAD "rule: a < 1\nweight: 0", "weight: 0 is out of range"},
        {HEAD "rule: a < 1\npositive_weight: balancd", "did you mean balanced?"},
        {HEAD "rule: a < 1\npositive_weight: -1", "out of range"},
        {HEAD "rule: a < 1\ntitle: \"a\\nb\"", "my.yaml:5: a text with a line end or control character"},
        {HEAD "rule: a < 1\ntitle: \"\\x1b[2J\"", "control character"},
        {HEAD "rule: a < 1\ntitle: &a x", "anchors"},
        {"%TAG !a! x\n---\n" HEAD "rule: a < 1", "directive"},
        {HEAD "rule: a < 1\ntitle: *a", "alias"},
        {HEAD "rule: a < 1\ntitle: !!str x", "tags"},
        {HEAD "rule: a < 1\ntitle: [[[[[[[[[[x]]]]]]]]]]", "nested deeper than 8"},
        {HEAD "rule: a < 1\n---\nname: b", "a second document"},
        {HEAD "rule: [", "not YAML"},
        {"\xff\xfe", "my.yaml: byte 0"},
        {"tasks: [findngs]", "my.yaml:1: there is no task 'findngs'; did you mean 'findings'"},
        {"tasks: [ptbxl/frm]", "ptbxl has no task 'frm'; did you mean 'form'"},
        {"tasks: [study]", "refers to a task elsewhere"},
        {"tasks: [ptbxl/form, ptbxl/form]", "a second task with the name form"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ein_tasks tasks;
        const ein_status status = parse(cases[i].text, &tasks);
        report((status == EIN_USAGE || status == EIN_NOTFOUND) && tasks.n == 0 &&
                   strstr(ein_error_message(), cases[i].says),
               "refused: %s", ein_error_message());
        ein_tasks_free(&tasks);
    }
    char *big = malloc(EIN_TASKS_MAX_BYTES + 2);
    EIN_BUG_IF(!big);
    memset(big, ' ', EIN_TASKS_MAX_BYTES + 1);
    big[EIN_TASKS_MAX_BYTES + 1] = '\0';
    ein_tasks tasks;
    report(parse(big, &tasks) == EIN_USAGE && strstr(ein_error_message(), "at most"),
           "a file that is too large is refused");
    size_t at = (size_t)sprintf(big, MULTI "text: a\nstatements: [x");
    for (int i = 0; i < EIN_TASKS_MAX_TARGETS; i++) at += (size_t)sprintf(big + at, ", s%d", i);
    strcpy(big + at, "]");
    report(parse(big, &tasks) == EIN_USAGE && strstr(ein_error_message(), "at most 4096"),
           "too many targets are refused: %s", ein_error_message());
    at = (size_t)sprintf(big, "tasks:\n");
    for (int i = 0; i <= EIN_TASKS_MAX; i++)
        at += (size_t)sprintf(big + at, "  - {name: t%d, kind: binary, group: ecg, rule: a < 1}\n", i);
    report(parse(big, &tasks) == EIN_USAGE && strstr(ein_error_message(), "more than 256"),
           "too many tasks are refused: %s", ein_error_message());
    free(big);
}

/* Whether what was written reads back to the same text. */
static bool round_trip(const ein_tasks *tasks) {
    char *text = NULL, *again = NULL;
    ein_tasks copy = {0};
    bool good = ein_tasks_to_yaml(tasks, &text) == EIN_OK &&
                ein_tasks_parse("again", text, strlen(text), NULL, &copy) == EIN_OK &&
                ein_tasks_to_yaml(&copy, &again) == EIN_OK && strcmp(text, again) == 0 && copy.n == tasks->n;
    if (!good) fprintf(stderr, "# %s\n%s\n%s\n", ein_error_message(), text ? text : "", again ? again : "");
    ein_tasks_free(&copy);
    free(text);
    free(again);
    return good;
}

static void taken(void) {
    ein_tasks tasks;
    bool good = parse("name: lvef-35\ntitle: \"LVEF < 35 % \\\"low\\\" \\\\ \xc3\xa9\"\nkind: binary\ngroup: "
                      "clinical\nrule: lvef < 35\n"
                      "where: [18 <= age < 90, \"sex in [0, 1]\"]\nvalid: [1, 100]\nsmoothing: "
                      "0.125\npositive_weight: 2.5\nweight: 3\n",
                      &tasks) == EIN_OK &&
                tasks.n == 1;
    const ein_task *t = tasks.task;
    good = good && strcmp(t->name, "lvef-35") == 0 &&
           strcmp(t->title, "LVEF < 35 % \"low\" \\ \xc3\xa9") == 0 && t->kind == EIN_HEAD_BINARY &&
           t->group == EIN_GROUP_CLINICAL && t->n_targets == 1 && strcmp(t->target[0].name, "lvef-35") == 0 &&
           strcmp(t->target[0].column, "lvef") == 0 && t->has_positive && ein_rule_holds(&t->positive, 34) &&
           !ein_rule_holds(&t->positive, 35) && t->n_where == 2 && strcmp(t->where[0].column, "age") == 0 &&
           t->valid_low == 1 && t->valid_high == 100 && t->smoothing == 0.125 && t->positive_weight == 2.5 &&
           t->weight == 3 && !t->balanced && !t->include_positive;
    report(good && round_trip(&tasks), "a binary task of a rule, with every key, and back");
    ein_tasks_free(&tasks);

    good =
        parse("tasks:\n  - {name: a, kind: multilabel, group: ecg, columns: [X, 'a \"b\"'], positive: '> 0', "
              "positive_weight: balanced}\n"
              "  - {name: b, kind: regression, group: demographic, columns: age, unit: years}\n"
              "  - {name: c, kind: multilabel, group: ecg, text: [s, t], separator: ';', statements: {MI: "
              "[IMI, AMI], ok: NORM}, minimum_likelihood: 50, empty: negative, include: positive}\n"
              "  - {name: d, kind: multilabel, group: ecg, text: s, statements: all, minimum_count: 20}\n"
              "  - {name: e, kind: binary, group: ecg, text: s, statements: [AFIB, AFLT]}\n"
              "  - {name: f, kind: binary, group: ecg, text: s, statements: {any: [AFIB]}}\n"
              "  - {name: 'null', kind: binary, group: ecg, columns: sex}\n",
              &tasks) == EIN_OK &&
        tasks.n == 7;
    t = tasks.task;
    good = good && t[0].n_targets == 2 && strcmp(t[0].target[1].name, "a \"b\"") == 0 && t[0].balanced &&
           t[0].smoothing == 0 && t[1].n_targets == 1 && strcmp(t[1].target[0].name, "age") == 0 &&
           strcmp(t[1].unit, "years") == 0 && t[2].n_targets == 2 && t[2].target[0].n_statements == 2 &&
           strcmp(t[2].target[1].name, "ok") == 0 && t[2].n_texts == 2 && t[2].separator == ';' &&
           t[2].minimum_likelihood == 50 && t[2].empty_is_negative && t[2].include_positive &&
           t[3].all_statements && t[3].n_targets == 0 && t[3].minimum_count == 20 &&
           !t[3].empty_is_negative && t[4].n_targets == 1 && t[4].target[0].n_statements == 2 &&
           strcmp(t[4].target[0].name, "e") == 0 && t[4].smoothing == 0.001 && t[5].n_targets == 1 &&
           strcmp(t[5].target[0].name, "f") == 0 && strcmp(t[6].name, "null") == 0;
    report(good && round_trip(&tasks), "tasks of columns and of texts, and back");
    ein_tasks_free(&tasks);

    good = parse("\xef\xbb\xbftasks: [ptbxl/rhythm, findings]", &tasks) == EIN_OK && tasks.n == 2;
    report(good && strcmp(tasks.task[0].name, "rhythm") == 0 && tasks.task[1].n_targets == 14,
           "a file refers to shipped tasks by name");
    ein_tasks_free(&tasks);
    report(parse("{}", &tasks) == EIN_USAGE, "an empty map is no task");
    ein_tasks_free(NULL);
}

static void shipped(void) {
    static const struct {
        const char *file;
        int tasks, targets;
    } expected[] = {
        {"findings", 1, 14}, {"ptbxl", 5, 5 + 44 + 19 + 12 + 71}, {"study", 12, 8 + 44 + 19 + 12 + 5}};
    int n = 0;
    for (const ein_tasks_file *file = ein_task_library(); file->name; file++, n++) {
        ein_tasks tasks;
        int targets = 0, k = 0;
        const bool good =
            ein_tasks_parse(file->name, file->text, file->bytes, ein_task_library(), &tasks) == EIN_OK;
        for (int i = 0; i < tasks.n; i++) targets += tasks.task[i].n_targets;
        while (k < 3 && strcmp(expected[k].file, file->name) != 0) k++;
        report(good && k < 3 && tasks.n == expected[k].tasks && targets == expected[k].targets &&
                   round_trip(&tasks),
               "%s: %d tasks, %d targets", file->name, tasks.n, targets);
        ein_tasks_free(&tasks);
    }
    report(n == 3, "three files of tasks are part of the binary");
}

static void trees(void) {
    ein_yaml_node *root;
    bool good =
        ein_yaml_parse("t", "a: {b: [1, 'x']}\nc: ~\n", 22, 100, &root) == EIN_OK && root && root->n == 2;
    const ein_yaml_node *b = good ? ein_yaml_get(ein_yaml_get(root, "a"), "b") : NULL;
    report(good && b && b->n == 2 && !b->item[0]->quoted && b->item[1]->quoted &&
               strcmp(b->item[1]->text, "x") == 0 && ein_yaml_is_null(ein_yaml_get(root, "c")) &&
               root->key[1]->line == 2 && !ein_yaml_get(root, "d") && !ein_yaml_get(b, "x"),
           "a tree has lists, maps and lines");
    ein_yaml_free(root);
    good = ein_yaml_parse("t", "[~, a]", 6, 100, &root) == EIN_USAGE &&
           strstr(ein_error_message(), "t:1: item 1");
    report(good && !root, "an item that means nothing is refused");
    static const char twice[] = "a: {b: {c: 1,\n c: 2}}";
    good = ein_yaml_parse("t", twice, sizeof twice - 1, 100, &root) == EIN_USAGE && !root;
    report(good && strstr(ein_error_message(), "t:2: a.b.c: given twice"),
           "a key given twice is told by its path");
    static const char none[] = "{a: , b: ~, c: null, d: Null, e: NULL, f: 'null', g: nULL}";
    good = ein_yaml_parse("t", none, sizeof none - 1, 100, &root) == EIN_OK && root->n == 7;
    for (int i = 0; good && i < 7; i++) good = ein_yaml_is_null(root->item[i]) == (i < 5);
    report(good, "what means nothing");
    ein_yaml_free(root);
    report(ein_yaml_parse("t", "# nothing\n", 10, 100, &root) == EIN_OK && !root,
           "an empty document is no tree");
    report(ein_yaml_is_clean("a \xc3\xa9") && !ein_yaml_is_clean("a\tb") && !ein_yaml_is_clean("\xc2\x85") &&
               !ein_yaml_is_clean("\x7f") && !ein_yaml_is_clean("\xed\xa0\x80"),
           "clean text has no control characters and is whole UTF-8");
}

int main(void) {
    rules();
    cells();
    trees();
    refusals();
    taken();
    shipped();
    return report_end();
}
