/* libFuzzer target: configuration text as a file, as a preset (first byte 'P') and as a setting.
 *
 * Checked beyond the sanitizers: what loads is written as YAML that loads again and is written the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const ein_option table[] = {
    {"model.preset", EIN_OPT_CHOICE, "none", EIN_UNBOUNDED, "paper|small|tiny|none", "", ""},
    {"m.w", EIN_OPT_INT, "1", 1, 65536, NULL, "", ""},
    {"m.r", EIN_OPT_REAL, NULL, EIN_UNBOUNDED, NULL, "", ""},
    {"run.name", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "", ""},
    {"l", EIN_OPT_LIST, NULL, EIN_UNBOUNDED, NULL, "", ""},
    {"b", EIN_OPT_BOOL, "true", EIN_UNBOUNDED, NULL, "", ""},
    {0}};
static const ein_option *const tables[] = {table, NULL};

static void check(bool good, const char *what) {
    if (good) return;
    fprintf(stderr, "fuzz_config: %s: %s\n", what, ein_error_message());
    abort();
}

static void check_round_trip(const ein_config *config) {
    char *once = NULL, *twice = NULL;
    ein_config *back = NULL;
    check(ein_config_to_yaml(config, &once) == EIN_OK, "writing");
    check(ein_config_new(tables, &back) == EIN_OK, "new");
    check(ein_config_load_text(back, "resolved", once, strlen(once)) == EIN_OK, "loading what was written");
    check(ein_config_to_yaml(back, &twice) == EIN_OK && strcmp(once, twice) == 0, "writing it again");
    ein_config_destroy(back);
    free(twice);
    free(once);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ein_config *config = NULL;
    check(ein_config_new(tables, &config) == EIN_OK, "new");
    const char *text = (const char *)data;
    ein_status status = size > 0 && text[0] == 'P'
                            ? ein_config_load_preset(config, "preset", text + 1, size - 1)
                            : ein_config_load_text(config, "file", text, size);
    if (status == EIN_OK) check_round_trip(config);
    char *setting = strndup(text, size);
    if (setting && ein_config_set(config, setting) == EIN_OK && status == EIN_OK) check_round_trip(config);
    free(setting);
    ein_config_destroy(config);
    return 0;
}
