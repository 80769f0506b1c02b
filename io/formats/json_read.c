#include "io/formats/json_read.h"

#include <stdlib.h>
#include <string.h>

/* Depth and number of values, without parsing: brackets, commas and colons outside of texts. */
static ein_status check_bounds(const char *name, const char *text, size_t bytes) {
    int depth = 0;
    long values = 1;
    bool in_text = false;
    for (size_t i = 0; i < bytes; i++) {
        const char c = text[i];
        if (in_text) {
            if (c == '\\') i++;
            in_text = c != '"';
            continue;
        }
        in_text = c == '"';
        if (c == '{' || c == '[') depth++;
        if (c == '}' || c == ']') depth--;
        if (c == ',' || c == ':' || c == '{' || c == '[') values++;
        if (depth > EIN_JSON_MAX_DEPTH)
            return ein_error(EIN_FORMAT, "%s: more than %d levels deep at byte %zu", name, EIN_JSON_MAX_DEPTH,
                             i);
        if (values > EIN_JSON_MAX_VALUES)
            return ein_error(EIN_FORMAT, "%s: more than %d values", name, EIN_JSON_MAX_VALUES);
    }
    return EIN_OK;
}

ein_status ein_json_parse(const char *name, const char *text, size_t bytes, size_t max_bytes, json_t **out) {
    json_error_t error;
    *out = NULL;
    if (bytes > max_bytes)
        return ein_error(EIN_FORMAT, "%s: %zu bytes; such a file has at most %zu", name, bytes, max_bytes);
    EIN_TRY(check_bounds(name, text, bytes));
    *out = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);
    if (!*out)
        return ein_error(EIN_FORMAT, "%s:%d: not JSON, or cut short: %s", name, error.line, error.text);
    if (json_is_object(*out)) return EIN_OK;
    json_decref(*out);
    *out = NULL;
    return ein_error(EIN_FORMAT, "%s: JSON, but no object", name);
}
