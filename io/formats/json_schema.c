/* The part of JSON Schema that our published schemas use (json_read.h lists it). */
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/utf8.h"
#include "io/formats/json_read.h"
#include "io/formats/yaml_tree.h"

enum { PLACE_BYTES = 256, SHOWN_BYTES = 64 };

typedef struct {
    const char *name;
    const json_t *root; /* of the schema */
    char place[PLACE_BYTES];
} walk;

static const char *word(const json_t *schema, const char *key) {
    return json_string_value(json_object_get(schema, key));
}

static ein_status fault(const walk *w, const char *what, const json_t *value) {
    char shown[SHOWN_BYTES] = "";
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    if (text) ein_utf8_show(text, shown, sizeof shown);
    free(text);
    return ein_error(EIN_FORMAT, "%s: %s: %s: it is %s", w->name, w->place[0] ? w->place : "the whole", what,
                     shown);
}

/* --- types ------------------------------------------------------------------------------------------------- */

static bool is_type(const json_t *value, const char *type) {
    if (!strcmp(type, "object")) return json_is_object(value);
    if (!strcmp(type, "array")) return json_is_array(value);
    if (!strcmp(type, "string")) return json_is_string(value);
    if (!strcmp(type, "integer")) return json_is_integer(value);
    if (!strcmp(type, "number")) return json_is_number(value);
    if (!strcmp(type, "boolean")) return json_is_boolean(value);
    if (!strcmp(type, "null")) return json_is_null(value);
    ein_bug(__FILE__, __LINE__, "a type that no schema has");
}

static ein_status check_type(const walk *w, const json_t *value, const json_t *type) {
    size_t i;
    const json_t *one;
    char what[PLACE_BYTES] = "must be of type";
    if (!type) return EIN_OK;
    if (json_is_string(type)) {
        if (is_type(value, json_string_value(type))) return EIN_OK;
        snprintf(what, sizeof what, "must be of type %s", json_string_value(type));
        return fault(w, what, value);
    }
    json_array_foreach(type, i, one) {
        if (is_type(value, json_string_value(one))) return EIN_OK;
        const size_t used = strlen(what);
        snprintf(what + used, sizeof what - used, "%s %s", i ? " or" : "", json_string_value(one));
    }
    return fault(w, what, value);
}

/* --- what single values may be ------------------------------------------------------------------------------ */

static ein_status check_number(const walk *w, const json_t *value, const json_t *schema) {
    char what[SHOWN_BYTES];
    const json_t *least = json_object_get(schema, "minimum"), *most = json_object_get(schema, "maximum"),
                 *above = json_object_get(schema, "exclusiveMinimum");
    const double x = json_number_value(value);
    if (least && !(x >= json_number_value(least))) {
        snprintf(what, sizeof what, "must be at least %.9g", json_number_value(least));
        return fault(w, what, value);
    }
    if (above && !(x > json_number_value(above))) {
        snprintf(what, sizeof what, "must be more than %.9g", json_number_value(above));
        return fault(w, what, value);
    }
    if (most && !(x <= json_number_value(most))) {
        snprintf(what, sizeof what, "must be at most %.9g", json_number_value(most));
        return fault(w, what, value);
    }
    return EIN_OK;
}

static bool matches(const char *text, const char *pattern) {
    regex_t compiled;
    EIN_BUG_IF(regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB) != 0);
    const bool good = regexec(&compiled, text, 0, NULL, 0) == 0;
    regfree(&compiled);
    return good;
}

static ein_status check_text(const walk *w, const json_t *value, const json_t *schema) {
    const char *text = json_string_value(value), *pattern = word(schema, "pattern");
    const json_t *least = json_object_get(schema, "minLength"), *most = json_object_get(schema, "maxLength");
    const json_int_t length = (json_int_t)json_string_length(value);
    if (strlen(text) != (size_t)length || !ein_yaml_is_clean(text))
        return fault(w, "has control characters", value);
    if (least && length < json_integer_value(least)) return fault(w, "is too short", value);
    if (most && length > json_integer_value(most)) return fault(w, "is too long", value);
    if (pattern && !matches(text, pattern)) return fault(w, "has another form than it must", value);
    return EIN_OK;
}

static ein_status check_choice(const walk *w, const json_t *value, const json_t *schema) {
    const json_t *one = json_object_get(schema, "const"), *choices = json_object_get(schema, "enum"), *each;
    size_t i;
    bool found = !choices;
    if (one && !json_equal((json_t *)(uintptr_t)value, (json_t *)(uintptr_t)one))
        return fault(w, "is not what it must be", value);
    json_array_foreach(choices, i, each) found |=
        json_equal((json_t *)(uintptr_t)value, (json_t *)(uintptr_t)each) != 0;
    return found ? EIN_OK : fault(w, "is none of the choices", value);
}

/* --- objects and lists ------------------------------------------------------------------------------------- */

static ein_status check(walk *w, const json_t *value, const json_t *schema);

static ein_status check_below(walk *w, const char *step, const json_t *value, const json_t *schema) {
    const size_t used = strlen(w->place);
    snprintf(w->place + used, sizeof w->place - used, "%s%s", used ? "/" : "", step);
    const ein_status status = check(w, value, schema);
    w->place[used] = '\0';
    return status;
}

static ein_status check_object(walk *w, const json_t *value, const json_t *schema) {
    const json_t *properties = json_object_get(schema, "properties"),
                 *required = json_object_get(schema, "required");
    const bool closed = json_is_false(json_object_get(schema, "additionalProperties"));
    const json_t *one;
    const char *key;
    json_t *member;
    size_t i;
    char what[SHOWN_BYTES + 48], shown[SHOWN_BYTES];
    json_array_foreach(required, i, one) {
        if (json_object_get(value, json_string_value(one))) continue;
        snprintf(what, sizeof what, "\"%s\" is missing", json_string_value(one));
        return fault(w, what, value);
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, member) {
        const json_t *rule = json_object_get(properties, key);
        if (rule) EIN_TRY(check_below(w, key, member, rule));
        if (rule || !closed) continue;
        snprintf(what, sizeof what, "\"%s\" is not part of it", ein_utf8_show(key, shown, sizeof shown));
        return fault(w, what, value);
    }
    return EIN_OK;
}

static ein_status check_list(walk *w, const json_t *value, const json_t *schema) {
    const json_t *items = json_object_get(schema, "items"), *least = json_object_get(schema, "minItems"),
                 *most = json_object_get(schema, "maxItems"), *one;
    const json_int_t n = (json_int_t)json_array_size(value);
    size_t i;
    char step[24];
    if (least && n < json_integer_value(least)) return fault(w, "has too few items", value);
    if (most && n > json_integer_value(most)) return fault(w, "has too many items", value);
    json_array_foreach(value, i, one) {
        snprintf(step, sizeof step, "%zu", i);
        if (items) EIN_TRY(check_below(w, step, one, items));
    }
    return EIN_OK;
}

static ein_status check(walk *w, const json_t *value, const json_t *schema) {
    const char *reference = word(schema, "$ref");
    if (reference) {
        EIN_BUG_IF(strncmp(reference, "#/$defs/", 8) != 0);
        schema = json_object_get(json_object_get(w->root, "$defs"), reference + 8);
    }
    EIN_BUG_IF(!json_is_object(schema));
    EIN_TRY(check_type(w, value, json_object_get(schema, "type")));
    EIN_TRY(check_choice(w, value, schema));
    if (json_is_number(value)) return check_number(w, value, schema);
    if (json_is_string(value)) return check_text(w, value, schema);
    if (json_is_object(value)) return check_object(w, value, schema);
    return json_is_array(value) ? check_list(w, value, schema) : EIN_OK;
}

ein_status ein_json_check_schema(const char *name, const json_t *value, const json_t *schema) {
    walk w = {.name = name, .root = schema};
    return check(&w, value, schema);
}
