/* Help of configuration tables, from the tables themselves. */
#include <string.h>

#include "io/config_table.h"

/* "integer, 1 to 65536 records" */
static void print_kind(const ein_option *option, FILE *stream) {
    static const char *const kinds[] = {
        [EIN_OPT_BOOL] = "true or false", [EIN_OPT_INT] = "integer", [EIN_OPT_REAL] = "number",
        [EIN_OPT_STRING] = "text",        [EIN_OPT_CHOICE] = "",     [EIN_OPT_LIST] = "list"};
    const char *unit = option->unit ? option->unit : "";
    bool number = option->type == EIN_OPT_INT || option->type == EIN_OPT_REAL;
    fputs(kinds[option->type], stream);
    if (option->choices)
        fprintf(stream, "%s%s", option->type == EIN_OPT_CHOICE ? "" : " of ", option->choices);
    if (number && option->min <= option->max) {
        if (option->max >= 1e18)
            fprintf(stream, ", at least %.15g", option->min);
        else
            fprintf(stream, ", %.15g to %.15g", option->min, option->max);
    } else if (number && unit[0]) {
        fputs(", in", stream);
    }
    if (unit[0]) fprintf(stream, "%s%s", number ? " " : ", ", unit);
}

static void print_option(const ein_option *option, FILE *stream) {
    const char *initial = option->initial ? option->initial : "";
    bool list = option->type == EIN_OPT_LIST && option->initial && initial[0] != '[';
    fprintf(stream, "  %s%s%s%s%s\n", option->key, option->initial ? " = " : "", list ? "[" : "",
            option->initial && !initial[0] && !list ? "\"\"" : initial, list ? "]" : "");
    fprintf(stream, "      %s (", option->help ? option->help : "");
    print_kind(option, stream);
    fputs(")\n", stream);
}

void ein_config_help(const ein_option *const *tables, FILE *stream) {
    for (int t = 0; tables[t]; t++)
        for (const ein_option *option = tables[t]; option->key; option++) print_option(option, stream);
}
