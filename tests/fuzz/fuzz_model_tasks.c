/* libFuzzer target: the metadata `einthoven.tasks` of a model. What is read is written as text that reads back and is
 * written the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/options/model_tasks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ein_model_tasks *tasks = NULL, *again = NULL;
    char *text = strndup((const char *)data, size), *first = NULL, *second = NULL, label[256];
    if (!text) abort();
    if (ein_model_tasks_parse("model", text, &tasks) == EIN_OK) {
        for (int i = 0; i < tasks->n_targets; i++)
            if (!ein_model_tasks_label(tasks, i, label, sizeof label)) abort();
        if (ein_model_tasks_to_json(tasks, &first) != EIN_OK) abort();
        if (ein_model_tasks_parse("again", first, &again) != EIN_OK) {
            fprintf(stderr, "fuzz_model_tasks: %s\n%s\n", ein_error_message(), first);
            abort();
        }
        if (ein_model_tasks_to_json(again, &second) != EIN_OK || strcmp(first, second)) abort();
        ein_model_tasks_destroy(again);
        ein_model_tasks_destroy(tasks);
    }
    free(second);
    free(first);
    free(text);
    return 0;
}
