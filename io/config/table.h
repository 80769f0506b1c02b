/* Inside of the configuration: the table of values, for the files of io/config only. */
#ifndef EIN_IO_CONFIG_TABLE_H
#define EIN_IO_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"
#include "io/config/option.h"

enum {
    EIN_CONFIG_MAX_BYTES = 1 << 20, /* of a YAML text */
    EIN_CONFIG_KEY_BYTES = 256      /* of a whole key path */
};

/* Where a value came from; a lower layer never replaces a higher one, so the order of calls is free. */
typedef enum {
    EIN_LAYER_NONE,
    EIN_LAYER_DEFAULT,
    EIN_LAYER_PRESET,
    EIN_LAYER_FILE,
    EIN_LAYER_SET
} ein_config_layer;

typedef struct {
    bool has; /* false: unset */
    bool boolean;
    int64_t integer;
    double real;
    char *text;   /* STRING and CHOICE, owned */
    char **items; /* LIST, owned */
    int n_items;
} ein_config_value;

typedef struct {
    const ein_option *option;
    ein_config_value value;
    ein_config_layer layer;
    bool loaded; /* seen in the YAML text that is being read: a second one is a duplicate */
} ein_config_entry;

typedef struct ein_config {
    const ein_option *const *tables;
    ein_config_entry *entries; /* in table order */
    int n_entries;
    const char *preset_without; /* keys that begin so are passed over in presets; NULL: none */
} ein_config;

/* What a source offers for one key, before it is known to fit: one scalar, or a list of them. */
typedef struct {
    bool is_list;
    bool quoted;              /* the scalar was in quotes, so it is text and nothing else */
    bool is_null;             /* "key:" or "key: null" */
    const char *const *items; /* one for a scalar */
    int n_items;
} ein_config_input;

/* Index of a key, or -1. */
int ein_config_find(const ein_config *config, const char *key);

/* Check `input` against the entry's option and take it over unless a higher layer already spoke.
 * The message starts with the fault, without file or key. */
ein_status ein_config_assign(ein_config_entry *entry, ein_config_layer layer, const ein_config_input *input);

/* Read YAML text into `layer`; with `skip_unknown` keys that no table has are passed over. */
ein_status ein_config_read_yaml(ein_config *config, ein_config_layer layer, bool skip_unknown,
                                const char *name, const char *text, size_t bytes);

/* ein_config_assign of one flow sequence "[a, 'b, c']". */
ein_status ein_config_assign_list(ein_config_entry *entry, ein_config_layer layer, const char *text);
void ein_config_free_items(char **items, int n_items);

/* EIN_USAGE: "no such key ...; did you mean ...". */
ein_status ein_config_unknown(const ein_config *config, const char *key);

void ein_config_value_free(ein_config_value *value);

/* Room for a text that ein_utf8_show makes safe and short for a message. */
enum { EIN_CONFIG_SHOWN_BYTES = 64 };

#endif
