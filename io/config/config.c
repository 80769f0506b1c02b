#include "io/config/config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/nearest.h"
#include "io/base/utf8.h"
#include "io/config/table.h"

static void set_default(ein_config_entry *entry);

/* Tables are ours: a key twice, or a key that is also a section, is a bug. */
static void check_tables(const ein_config *config) {
    for (int i = 0; i < config->n_entries; i++) {
        const char *a = config->entries[i].option->key;
        EIN_BUG_IF(strlen(a) >= EIN_CONFIG_KEY_BYTES);
        for (int j = 0; j < config->n_entries; j++) {
            const char *b = config->entries[j].option->key;
            size_t n = strlen(a);
            if (i == j || strncmp(a, b, n) != 0) continue;
            if (b[n] == '\0' || b[n] == '.') ein_bug(__FILE__, __LINE__, a);
        }
    }
}

ein_status ein_config_new(const ein_option *const *tables, ein_config **out) {
    *out = NULL;
    int n = 0;
    for (int t = 0; tables[t]; t++)
        for (const ein_option *option = tables[t]; option->key; option++) n++;
    ein_config *config = NULL;
    EIN_TRY(EIN_NEW(config, 1));
    ein_status status = EIN_NEW(config->entries, n);
    if (status != EIN_OK) {
        free(config);
        return status;
    }
    config->tables = tables;
    for (int t = 0; tables[t]; t++)
        for (const ein_option *option = tables[t]; option->key; option++)
            config->entries[config->n_entries++].option = option;
    check_tables(config);
    for (int i = 0; i < n; i++) set_default(&config->entries[i]);
    *out = config;
    return EIN_OK;
}

void ein_config_destroy(ein_config *config) {
    if (!config) return;
    for (int i = 0; i < config->n_entries; i++) ein_config_value_free(&config->entries[i].value);
    free(config->entries);
    free(config);
}

ein_status ein_config_load_text(ein_config *config, const char *name, const char *text, size_t bytes) {
    return ein_config_read_yaml(config, EIN_LAYER_FILE, false, name, text, bytes);
}

ein_status ein_config_load_preset(ein_config *config, const char *name, const char *text, size_t bytes) {
    return ein_config_read_yaml(config, EIN_LAYER_PRESET, true, name, text, bytes);
}

void ein_config_preset_without(ein_config *config, const char *prefix) {
    config->preset_without = prefix;
}

/* "a, b,c" cut at commas, blanks trimmed; cuts `text` in place. */
static ein_status split_items(char *text, char ***items, int *n_items) {
    int count = 1;
    for (const char *s = text; *s; s++) count += *s == ',';
    EIN_TRY(EIN_NEW(*items, count));
    for (char *at = text; at;) {
        char *comma = strchr(at, ',');
        char *end = comma ? comma : at + strlen(at);
        while (at < end && isspace((unsigned char)*at)) at++;
        while (end > at && isspace((unsigned char)end[-1])) end--;
        char *item = strndup(at, (size_t)(end - at));
        if (!item) return ein_error(EIN_NOMEM, "no memory for a list");
        (*items)[(*n_items)++] = item;
        at = comma ? comma + 1 : NULL;
    }
    return EIN_OK;
}

static ein_status assign_list_text(ein_config_entry *entry, ein_config_layer layer, const char *text) {
    if (text[strspn(text, " \t")] == '[') return ein_config_assign_list(entry, layer, text);
    char **items = NULL;
    int n_items = 0;
    ein_status status = EIN_OK;
    if (text[strspn(text, " \t")] != '\0') {
        char *copy = strdup(text);
        status = copy ? split_items(copy, &items, &n_items) : ein_error(EIN_NOMEM, "no memory for a list");
        free(copy);
    }
    ein_config_input input = {.is_list = true, .items = (const char *const *)items, .n_items = n_items};
    if (status == EIN_OK) status = ein_config_assign(entry, layer, &input);
    ein_config_free_items(items, n_items);
    return status;
}

/* One value written as text outside of YAML: a default, or what follows "--set key=". */
static ein_status assign_text(ein_config_entry *entry, ein_config_layer layer, const char *text) {
    ein_option_type type = entry->option->type;
    bool unset = !entry->option->initial && type != EIN_OPT_STRING && strcmp(text, "null") == 0;
    if (type == EIN_OPT_LIST && !unset) return assign_list_text(entry, layer, text);
    ein_config_input input = {.is_null = unset, .items = &text, .n_items = 1};
    return ein_config_assign(entry, layer, &input);
}

static void set_default(ein_config_entry *entry) {
    if (!entry->option->initial) return;
    if (assign_text(entry, EIN_LAYER_DEFAULT, entry->option->initial) != EIN_OK)
        ein_bug(__FILE__, __LINE__, entry->option->key);
}

ein_status ein_config_set_key(ein_config *config, const char *source, const char *key, const char *value) {
    char shown[EIN_CONFIG_SHOWN_BYTES];
    int index = ein_config_find(config, key);
    ein_status status;
    if (index < 0)
        return ein_error_context(ein_config_unknown(config, key), "%s: %s", source,
                                 ein_utf8_show(key, shown, sizeof shown));
    if (!ein_utf8_is(value, strlen(value)))
        status = ein_error(EIN_USAGE, "the value is not UTF-8");
    else
        status = assign_text(&config->entries[index], EIN_LAYER_SET, value);
    return ein_error_context(status, "%s: %s", source, key);
}

/* The items of `before`, then those of `entry`, as one list. */
static ein_status put_before(ein_config_entry *entry, ein_config_value *before) {
    ein_config_value *now = &entry->value;
    char **items;
    EIN_TRY(EIN_NEW(items, before->n_items + now->n_items + 1));
    if (before->n_items) memcpy(items, before->items, (size_t)before->n_items * sizeof *items);
    if (now->n_items) memcpy(items + before->n_items, now->items, (size_t)now->n_items * sizeof *items);
    now->n_items += before->n_items;
    free(now->items);
    now->items = items;
    before->n_items = 0;
    return EIN_OK;
}

ein_status ein_config_add_key(ein_config *config, const char *source, const char *key, const char *value) {
    const int index = ein_config_find(config, key);
    ein_config_entry *entry = index < 0 ? NULL : &config->entries[index];
    if (!entry || entry->option->type != EIN_OPT_LIST || entry->layer != EIN_LAYER_SET)
        return ein_config_set_key(config, source, key, value);
    ein_config_value before = entry->value;
    entry->value = (ein_config_value){0};
    ein_status status = ein_config_set_key(config, source, key, value);
    if (status == EIN_OK) status = put_before(entry, &before);
    ein_config_value_free(&before);
    return status;
}

ein_status ein_config_set(ein_config *config, const char *assignment) {
    char key[EIN_CONFIG_KEY_BYTES], shown[EIN_CONFIG_SHOWN_BYTES];
    size_t n = strcspn(assignment, "=");
    if (assignment[n] != '=' || n == 0)
        return ein_error(EIN_USAGE, "--set %s: expected KEY=VALUE",
                         ein_utf8_show(assignment, shown, sizeof shown));
    if (n >= sizeof key)
        return ein_error(EIN_USAGE, "--set %s: no such key (--help lists the keys)",
                         ein_utf8_show(assignment, shown, sizeof shown));
    memcpy(key, assignment, n);
    key[n] = '\0';
    return ein_config_set_key(config, "--set", key, assignment + n + 1);
}

/* --- getters ----------------------------------------------------------------------------------- */

static const ein_config_entry *entry_of(const ein_config *config, const char *key) {
    int index = ein_config_find(config, key);
    if (index < 0) ein_bug(__FILE__, __LINE__, key);
    return &config->entries[index];
}

/* The value of a key that must be of this type and set. */
static const ein_config_value *value_of(const ein_config *config, const char *key, ein_option_type type) {
    const ein_config_entry *entry = entry_of(config, key);
    if (entry->option->type != type || !entry->value.has) ein_bug(__FILE__, __LINE__, key);
    return &entry->value;
}

bool ein_config_has_key(const ein_config *config, const char *key) {
    return ein_config_find(config, key) >= 0;
}

bool ein_config_is_set(const ein_config *config, const char *key) {
    return entry_of(config, key)->value.has;
}

bool ein_config_is_given(const ein_config *config, const char *key) {
    return entry_of(config, key)->layer >= EIN_LAYER_FILE;
}

bool ein_config_bool(const ein_config *config, const char *key) {
    return value_of(config, key, EIN_OPT_BOOL)->boolean;
}

int64_t ein_config_int(const ein_config *config, const char *key) {
    return value_of(config, key, EIN_OPT_INT)->integer;
}

double ein_config_real(const ein_config *config, const char *key) {
    return value_of(config, key, EIN_OPT_REAL)->real;
}

const char *ein_config_string(const ein_config *config, const char *key) {
    const ein_config_entry *entry = entry_of(config, key);
    ein_option_type type = entry->option->type;
    if (type != EIN_OPT_STRING && type != EIN_OPT_CHOICE) ein_bug(__FILE__, __LINE__, key);
    return entry->value.text;
}

int ein_config_list_count(const ein_config *config, const char *key) {
    const ein_config_entry *entry = entry_of(config, key);
    if (entry->option->type != EIN_OPT_LIST) ein_bug(__FILE__, __LINE__, key);
    return entry->value.n_items;
}

const char *ein_config_list_item(const ein_config *config, const char *key, int index) {
    EIN_BUG_IF(index < 0 || index >= ein_config_list_count(config, key));
    return entry_of(config, key)->value.items[index];
}
