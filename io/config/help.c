/* Help of configuration tables, from the tables themselves. */
#include <string.h>

#include "io/base/wrap.h"
#include "io/config/config.h"
#include "io/config/table.h"

enum { INDENT = 6, TEXT_BYTES = 2048 };

/* "integer, 1 to 65536 records" into `out` of `room` bytes. */
static void describe_kind(const ein_option *option, char *out, size_t room) {
    static const char *const kinds[] = {
        [EIN_OPT_BOOL] = "true or false", [EIN_OPT_INT] = "integer", [EIN_OPT_REAL] = "number",
        [EIN_OPT_STRING] = "text",        [EIN_OPT_CHOICE] = "",     [EIN_OPT_LIST] = "list"};
    char range[128] = "";
    const char *unit = option->unit ? option->unit : "", *choices = option->choices ? option->choices : "";
    bool number = option->type == EIN_OPT_INT || option->type == EIN_OPT_REAL;
    bool bounded = number && option->min <= option->max;
    if (bounded && option->max >= 1e18)
        snprintf(range, sizeof range, ", at least %.15g", option->min);
    else if (bounded)
        snprintf(range, sizeof range, ", %.15g to %.15g", option->min, option->max);
    snprintf(out, room, "%s%s%s%s%s%s", kinds[option->type],
             option->type == EIN_OPT_LIST && choices[0] ? " of " : "", choices, range,
             !unit[0]  ? ""
             : bounded ? " "
             : number  ? ", in "
                       : ", ",
             unit);
}

static void print_option(const ein_option *option, FILE *stream) {
    const char *initial = option->initial ? option->initial : "";
    bool list = option->type == EIN_OPT_LIST && option->initial && initial[0] != '[';
    fprintf(stream, "  %s%s%s%s%s\n", option->key, option->initial ? " = " : "", list ? "[" : "",
            option->initial && !initial[0] && !list ? "\"\"" : initial, list ? "]" : "");
    char kind[TEXT_BYTES], text[2 * TEXT_BYTES];
    describe_kind(option, kind, sizeof kind);
    snprintf(text, sizeof text, "%s%s(%s)", option->help ? option->help : "",
             option->help && option->help[0] ? " " : "", kind);
    fprintf(stream, "%*s", INDENT, "");
    ein_print_wrapped(stream, INDENT, INDENT, text);
}

void ein_config_help(const ein_option *const *tables, FILE *stream) {
    for (int t = 0; tables[t]; t++)
        for (const ein_option *option = tables[t]; option->key; option++) print_option(option, stream);
}
