/* Values of the configuration: text to typed values, ranges, choices. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/nearest.h"
#include "io/base/utf8.h"
#include "io/config/table.h"

void ein_config_free_items(char **items, int n_items) {
    for (int i = 0; i < n_items; i++) free(items[i]);
    free(items);
}

void ein_config_value_free(ein_config_value *value) {
    free(value->text);
    ein_config_free_items(value->items, value->n_items);
    *value = (ein_config_value){0};
}

static ein_status copy_text(const char *text, char **out) {
    *out = strdup(text);
    return *out ? EIN_OK : ein_error(EIN_NOMEM, "no memory for a value of %zu bytes", strlen(text));
}

static ein_status check_range(const ein_option *option, double value, const char *shown) {
    if (option->min > option->max) return EIN_OK;
    if (value >= option->min && value <= option->max) return EIN_OK;
    const char *unit = option->unit ? option->unit : "";
    const char *space = unit[0] ? " " : "";
    if (option->max >= 1e18)
        return ein_error(EIN_USAGE, "%s is out of range: at least %.15g%s%s", shown, option->min, space,
                         unit);
    return ein_error(EIN_USAGE, "%s is out of range: %.15g to %.15g%s%s", shown, option->min, option->max,
                     space, unit);
}

static ein_status parse_bool(const char *text, ein_config_value *value) {
    char shown[EIN_CONFIG_SHOWN_BYTES];
    value->boolean = strcmp(text, "true") == 0;
    if (value->boolean || strcmp(text, "false") == 0) return EIN_OK;
    return ein_error(EIN_USAGE, "'%s' is neither true nor false", ein_utf8_show(text, shown, sizeof shown));
}

static ein_status parse_int(const ein_option *option, const char *text, ein_config_value *value) {
    char shown[EIN_CONFIG_SHOWN_BYTES];
    ein_utf8_show(text, shown, sizeof shown);
    const char *digits = text + (*text == '-' || *text == '+');
    size_t n = strspn(digits, "0123456789");
    if (n == 0 || digits[n] != '\0')
        return ein_error(EIN_USAGE,
                         "'%s' is not an integer (digits only, without exponent, unit or separator)", shown);
    if (n > 1 && digits[0] == '0') /* octal to YAML 1.1, decimal to YAML 1.2 */
        return ein_error(EIN_USAGE, "'%s' starts with 0, which YAML readers take differently; leave it out",
                         shown);
    errno = 0;
    value->integer = strtoll(text, NULL, 10);
    if (errno == ERANGE) return ein_error(EIN_USAGE, "%s does not fit into 64 bits", shown);
    return check_range(option, (double)value->integer, shown);
}

/* sign? digits (. digits?)? (e sign? digits)?, or a leading point: no hexadecimal, no inf, no nan. */
static bool is_decimal(const char *s) {
    s += *s == '-' || *s == '+';
    size_t whole = strspn(s, "0123456789"), part = 0;
    s += whole;
    if (*s == '.') part = strspn(++s, "0123456789");
    s += part;
    if (whole + part == 0) return false;
    if (*s == 'e' || *s == 'E') {
        s++;
        s += *s == '-' || *s == '+';
        size_t exponent = strspn(s, "0123456789");
        if (exponent == 0) return false;
        s += exponent;
    }
    return *s == '\0';
}

static ein_status parse_real(const ein_option *option, const char *text, ein_config_value *value) {
    char shown[EIN_CONFIG_SHOWN_BYTES];
    ein_utf8_show(text, shown, sizeof shown);
    if (!is_decimal(text))
        return ein_error(EIN_USAGE, "'%s' is not a number (a finite decimal number such as 0.5 or 1e-4)",
                         shown);
    errno = 0;
    value->real = strtod(text, NULL);
    if (errno == ERANGE || !isfinite(value->real))
        return ein_error(EIN_USAGE, "%s is beyond what a double can hold", shown);
    return check_range(option, value->real, shown);
}

/* `text` as one of the choices "a|b|c". */
static ein_status check_choice(const char *choices, const char *text) {
    enum { MAX_CHOICES = 64, CHOICE_BYTES = 64 };
    static _Thread_local char word[MAX_CHOICES][CHOICE_BYTES];
    const char *known[MAX_CHOICES];
    int n = 0;
    for (const char *at = choices; n < MAX_CHOICES;) {
        size_t length = strcspn(at, "|");
        EIN_BUG_IF(length >= CHOICE_BYTES);
        memcpy(word[n], at, length);
        word[n][length] = '\0';
        if (strcmp(word[n], text) == 0) return EIN_OK;
        known[n] = word[n];
        n++;
        if (at[length] == '\0') break;
        at += length + 1;
    }
    char shown[EIN_CONFIG_SHOWN_BYTES];
    const char *near = ein_nearest(text, known, n);
    return ein_error(EIN_USAGE, "'%s' is none of %s%s%s%s", ein_utf8_show(text, shown, sizeof shown), choices,
                     near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static ein_status parse_list(const ein_option *option, const ein_config_input *input,
                             ein_config_value *value) {
    EIN_TRY(EIN_NEW(value->items, input->n_items));
    for (int i = 0; i < input->n_items; i++) {
        if (input->items[i][0] == '\0') return ein_error(EIN_USAGE, "item %d of the list is empty", i + 1);
        if (option->choices) EIN_TRY(check_choice(option->choices, input->items[i]));
        EIN_TRY(copy_text(input->items[i], &value->items[i]));
        value->n_items = i + 1;
    }
    return EIN_OK;
}

static const char *expected(ein_option_type type) {
    switch (type) {
    case EIN_OPT_BOOL:
        return "true or false";
    case EIN_OPT_INT:
        return "an integer";
    case EIN_OPT_REAL:
        return "a number";
    case EIN_OPT_STRING:
        return "a text";
    case EIN_OPT_CHOICE:
        return "one of its choices";
    case EIN_OPT_LIST:
        return "a list such as [a, b]";
    }
    return "something else";
}

static ein_status parse_value(const ein_option *option, const ein_config_input *input,
                              ein_config_value *value) {
    if (input->is_null) {
        if (option->initial)
            return ein_error(EIN_USAGE, "no value given; expected %s (leave the key out for the default, %s)",
                             expected(option->type), option->initial);
        return EIN_OK; /* explicitly unset */
    }
    if (input->is_list != (option->type == EIN_OPT_LIST))
        return ein_error(EIN_USAGE, "%s given; expected %s",
                         input->is_list ? "a list is" : "a single value is", expected(option->type));
    value->has = true;
    if (input->is_list) return parse_list(option, input, value);
    const char *text = input->items[0];
    switch (option->type) {
    case EIN_OPT_STRING:
        return copy_text(text, &value->text);
    case EIN_OPT_CHOICE:
        EIN_TRY(check_choice(option->choices, text));
        return copy_text(text, &value->text);
    default:
        break;
    }
    char shown[EIN_CONFIG_SHOWN_BYTES];
    if (input->quoted)
        return ein_error(EIN_USAGE, "\"%s\" in quotes is a text; expected %s",
                         ein_utf8_show(text, shown, sizeof shown), expected(option->type));
    if (option->type == EIN_OPT_BOOL) return parse_bool(text, value);
    if (option->type == EIN_OPT_INT) return parse_int(option, text, value);
    return parse_real(option, text, value);
}

ein_status ein_config_assign(ein_config_entry *entry, ein_config_layer layer, const ein_config_input *input) {
    ein_config_value value = {0};
    ein_status status = parse_value(entry->option, input, &value);
    if (status != EIN_OK || layer < entry->layer) {
        ein_config_value_free(&value);
        return status;
    }
    ein_config_value_free(&entry->value);
    entry->value = value;
    entry->layer = layer;
    return EIN_OK;
}
