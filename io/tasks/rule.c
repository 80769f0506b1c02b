#include "io/tasks/rule.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/formats/yaml_tree.h"

enum { NUMBER_BYTES = 64 };

/* A piece of the text between operators, without blanks around it. */
typedef struct {
    const char *at;
    size_t n;
} piece;

static piece trim(const char *at, size_t n) {
    while (n > 0 && *at == ' ') at++, n--;
    while (n > 0 && at[n - 1] == ' ') n--;
    return (piece){at, n};
}

bool ein_rule_number(const char *text, size_t bytes, double *out) {
    const piece p = trim(text, bytes);
    char digits[NUMBER_BYTES], *end;
    if (p.n == 0 || p.n >= sizeof digits) return false;
    memcpy(digits, p.at, p.n);
    digits[p.n] = '\0';
    if (strspn(digits, "+-.0123456789eE") != p.n) return false;
    *out = strtod(digits, &end);
    return *end == '\0' && isfinite((float)*out);
}

void ein_rule_free(ein_rule *rule) {
    free(rule->column);
    free(rule->set);
    *rule = (ein_rule){0};
}

static ein_status wrong(const char *text) {
    return ein_error(EIN_USAGE,
                     "'%.80s' is no rule; write COLUMN < 35 (or <=, >, >=, ==), 18 <= COLUMN < 65, or COLUMN "
                     "in [1, 2]",
                     text);
}

static ein_status take_number(const char *text, piece p, float *out) {
    double value;
    if (!ein_rule_number(p.at, p.n, &value))
        return ein_error(EIN_USAGE, "'%.*s' in '%.80s' is not a number", (int)(p.n < 40 ? p.n : 40), p.at,
                         text);
    *out = (float)value;
    return EIN_OK;
}

static ein_status take_column(const char *text, piece p, bool of_value, ein_rule *rule) {
    const bool is_value = p.n == 5 && strncmp(p.at, "value", 5) == 0;
    if (of_value) {
        if (p.n == 0 || is_value) return EIN_OK;
        return ein_error(EIN_USAGE,
                         "'%.80s' names a column; the columns are given already: write > 0 or "
                         "18 <= value < 65",
                         text);
    }
    double number;
    if (p.n == 0 || ein_rule_number(p.at, p.n, &number)) return wrong(text);
    rule->column = strndup(p.at, p.n);
    return rule->column ? EIN_OK : ein_error(EIN_NOMEM, "no memory for a rule");
}

/* COLUMN in [a, b, ...] */
static ein_status parse_set(const char *text, const char *bracket, bool of_value, ein_rule *rule) {
    piece left = trim(text, (size_t)(bracket - text));
    const bool has_in = left.n >= 2 && strncmp(left.at + left.n - 2, "in", 2) == 0 &&
                        (left.n == 2 || left.at[left.n - 3] == ' ');
    const char *end = strchr(bracket, ']');
    if (!has_in || !end || trim(end + 1, strlen(end + 1)).n > 0) return wrong(text);
    EIN_TRY(take_column(text, trim(left.at, left.n - 2), of_value, rule));
    EIN_TRY(EIN_NEW(rule->set, EIN_TASKS_MAX_SET));
    for (const char *at = bracket + 1; at <= end;) {
        const size_t n = strcspn(at, ",]");
        if (rule->n_set == EIN_TASKS_MAX_SET)
            return ein_error(EIN_USAGE, "more than %d numbers in '%.80s'", EIN_TASKS_MAX_SET, text);
        EIN_TRY(take_number(text, trim(at, n), &rule->set[rule->n_set]));
        rule->n_set++;
        at += n + 1;
    }
    return EIN_OK;
}

/* The comparison at `at`; 0 if it is none of ours. */
static int operator_length(const char *at) {
    if (strncmp(at, "<=", 2) == 0 || strncmp(at, ">=", 2) == 0 || strncmp(at, "==", 2) == 0) return 2;
    return *at == '<' || *at == '>' ? 1 : 0;
}

static ein_status check_interval(const char *text, const ein_rule *rule) {
    if (rule->low < rule->high) return EIN_OK;
    if (rule->low == rule->high && !rule->low_open && !rule->high_open) return EIN_OK;
    return ein_error(EIN_USAGE, "no number fulfils '%.80s'", text);
}

/* COLUMN op number */
static ein_status parse_comparison(const char *text, const char *op, bool of_value, ein_rule *rule) {
    const char *right = op + operator_length(op);
    float bound = 0;
    EIN_TRY(take_column(text, trim(text, (size_t)(op - text)), of_value, rule));
    EIN_TRY(take_number(text, trim(right, strlen(right)), &bound));
    if (*op != '<') {
        rule->low = bound;
        rule->low_open = op[0] == '>' && op[1] != '=';
    }
    if (*op != '>') {
        rule->high = bound;
        rule->high_open = op[0] == '<' && op[1] != '=';
    }
    return EIN_OK;
}

/* number < COLUMN < number, each < or <= */
static ein_status parse_range(const char *text, const char *first, const char *second, bool of_value,
                              ein_rule *rule) {
    const char *middle = first + operator_length(first), *right = second + operator_length(second);
    if (*first != '<' || *second != '<') return wrong(text);
    EIN_TRY(take_number(text, trim(text, (size_t)(first - text)), &rule->low));
    EIN_TRY(take_column(text, trim(middle, (size_t)(second - middle)), of_value, rule));
    EIN_TRY(take_number(text, trim(right, strlen(right)), &rule->high));
    rule->low_open = first[1] != '=';
    rule->high_open = second[1] != '=';
    return check_interval(text, rule);
}

static ein_status parse(const char *text, bool of_value, ein_rule *rule) {
    const char *bracket = strchr(text, '['), *op[2];
    int n = 0;
    if (bracket) return parse_set(text, bracket, of_value, rule);
    for (const char *at = text; *at; at++) {
        if (!strchr("<>=!", *at)) continue;
        const int length = operator_length(at);
        if (length == 0 || n == 2) return wrong(text);
        op[n++] = at;
        at += length - 1;
    }
    if (n == 0) return wrong(text);
    return n == 1 ? parse_comparison(text, op[0], of_value, rule)
                  : parse_range(text, op[0], op[1], of_value, rule);
}

ein_status ein_rule_parse(const char *text, bool of_value, ein_rule *out) {
    *out = (ein_rule){.low = -INFINITY, .high = INFINITY};
    const ein_status status = parse(text, of_value, out);
    if (status != EIN_OK) ein_rule_free(out);
    return status;
}

bool ein_rule_holds(const ein_rule *rule, float value) {
    for (int i = 0; i < rule->n_set; i++)
        if (rule->set[i] == value) return true;
    if (rule->n_set > 0) return false;
    return (rule->low_open ? value > rule->low : value >= rule->low) &&
           (rule->high_open ? value < rule->high : value <= rule->high);
}

/* low < COLUMN, COLUMN < high */
static void print_side(FILE *stream, float bound, bool open, bool greater) {
    fprintf(stream, " %c%s %.9g", greater ? '>' : '<', open ? "" : "=", (double)bound);
}

void ein_rule_print(FILE *stream, const ein_rule *rule) {
    const bool low = isfinite(rule->low), high = isfinite(rule->high), set = rule->n_set > 0;
    const bool equal = low && high && rule->low == rule->high, range = low && high && !equal && !set;
    if (range) fprintf(stream, "%.9g <%s ", (double)rule->low, rule->low_open ? "" : "=");
    ein_yaml_escape(stream, rule->column ? rule->column : "value");
    if (set) {
        for (int i = 0; i < rule->n_set; i++)
            fprintf(stream, "%s%.9g", i ? ", " : " in [", (double)rule->set[i]);
        fputc(']', stream);
    } else if (equal) {
        fprintf(stream, " == %.9g", (double)rule->low);
    } else if (high) {
        print_side(stream, rule->high, rule->high_open, false);
    } else {
        print_side(stream, rule->low, rule->low_open, true);
    }
}
