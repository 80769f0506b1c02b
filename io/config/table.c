#include "io/config/table.h"

#include <string.h>

#include "io/base/nearest.h"

int ein_config_find(const ein_config *config, const char *key) {
    for (int i = 0; i < config->n_entries; i++)
        if (strcmp(config->entries[i].option->key, key) == 0) return i;
    return -1;
}

/* The last component of a key path. */
static const char *last_part(const char *key) {
    const char *dot = strrchr(key, '.');
    return dot ? dot + 1 : key;
}

ein_status ein_config_unknown(const ein_config *config, const char *key) {
    const char *near = NULL;
    int best = 2 + (int)(strlen(key) / 4);
    for (int i = 0; i < config->n_entries; i++) {
        const char *known = config->entries[i].option->key;
        int distance = ein_edit_distance(key, known);
        /* The right word in the wrong section is a likely slip as well. */
        if (distance >= best && strcmp(last_part(key), last_part(known)) == 0) distance = best - 1;
        if (distance < best) {
            best = distance;
            near = known;
        }
    }
    if (!near) return ein_error(EIN_USAGE, "no such key (--help lists the keys)");
    return ein_error(EIN_USAGE, "no such key; did you mean %s?", near);
}
