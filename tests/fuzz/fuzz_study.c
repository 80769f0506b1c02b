/* libFuzzer target: study descriptions. What is read makes a plan whose cells stand in order and have commands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/study/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good, const char *what) {
    if (good) return;
    fprintf(stderr, "fuzz_study: %s: %s\n", what, ein_error_message());
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ein_study *study;
    ein_study_plan *plan;
    if (ein_study_parse("fuzz", (const char *)data, size, &study) != EIN_OK) {
        check(ein_error_message()[0] != '\0', "a refusal has a message");
        return 0;
    }
    check(ein_study_plan_new(study, "folder", 0.5, &plan) == EIN_OK, "a plan of what was read");
    for (int i = 0; i < plan->n; i++) {
        const ein_study_cell *c = &plan->cell[i];
        char *line;
        for (int k = 0; k < c->n_needs; k++) check(c->need[k] >= 0 && c->need[k] < i, "needs come before");
        check((c->n_words > 0) == (c->stage != EIN_STUDY_TABLE), "a cell has a command");
        check(ein_study_find(plan, c->stage, c->index) == c, "a cell is found by its index");
        check(ein_study_command_line(c, &line) == EIN_OK && (!c->n_words || line[0]), "a command has a line");
        free(line);
    }
    ein_study_plan_free(plan);
    ein_study_free(study);
    return 0;
}
