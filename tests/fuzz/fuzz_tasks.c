/* libFuzzer target: task descriptions; with first byte 'C' cells of statements, 'R' rules.
 *
 * Checked beyond the sanitizers: what is read is written as text that reads back and is written the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/formats/yaml_tree.h"
#include "io/tasks/cell.h"
#include "io/tasks/rule.h"
#include "io/tasks/tasks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good, const char *what) {
    if (good) return;
    fprintf(stderr, "fuzz_tasks: %s: %s\n", what, ein_error_message());
    abort();
}

static void fuzz_cell(const char *text) {
    static ein_cell cell;
    if (ein_cell_parse(text + (text[0] != '\0'), text[0] ? text[0] : '|', &cell) != EIN_OK) return;
    for (int i = 0; i < cell.n; i++) {
        check(cell.text[i][0] && ein_yaml_is_clean(cell.text[i]), "a statement is clean");
        check(cell.likelihood[i] >= 0 && cell.likelihood[i] <= 100, "a likelihood is in range");
        for (int k = 0; k < i; k++) check(strcmp(cell.text[i], cell.text[k]) != 0, "a statement stands once");
    }
}

static char *print(const ein_rule *rule) {
    char *text = NULL;
    size_t bytes;
    FILE *f = open_memstream(&text, &bytes);
    check(f != NULL, "memory");
    ein_rule_print(f, rule);
    check(fclose(f) == 0, "memory");
    return text;
}

static void fuzz_rule(const char *text) {
    ein_rule rule, again;
    if (!ein_yaml_is_clean(text) || strpbrk(text, "\"\\")) return; /* printed escaped */
    for (int of_value = 0; of_value < 2; of_value++) {
        if (ein_rule_parse(text, of_value, &rule) != EIN_OK) continue;
        char *once = print(&rule);
        check(ein_rule_parse(once, of_value, &again) == EIN_OK, once);
        char *twice = print(&again);
        check(strcmp(once, twice) == 0, once);
        free(once);
        free(twice);
        ein_rule_free(&rule);
        ein_rule_free(&again);
    }
}

static void fuzz_tasks(const char *text, size_t size) {
    static const char other[] = "tasks: [{name: b, kind: binary, group: ecg, rule: x < 1}]";
    static const ein_tasks_file library[] = {{"a", other, sizeof other - 1}, {0}};
    ein_tasks tasks, back;
    char *once = NULL, *twice = NULL;
    if (ein_tasks_parse("fuzz", text, size, library, &tasks) != EIN_OK) return;
    check(ein_tasks_to_yaml(&tasks, &once) == EIN_OK, "writing");
    check(ein_tasks_parse("again", once, strlen(once), NULL, &back) == EIN_OK, "reading what was written");
    check(ein_tasks_to_yaml(&back, &twice) == EIN_OK && strcmp(once, twice) == 0, "writing it again");
    free(once);
    free(twice);
    ein_tasks_free(&tasks);
    ein_tasks_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_tasks((const char *)data, size);
    char *text = size > 0 ? strndup((const char *)data + 1, size - 1) : NULL;
    if (text && data[0] == 'C') fuzz_cell(text);
    if (text && data[0] == 'R') fuzz_rule(text);
    free(text);
    return 0;
}
