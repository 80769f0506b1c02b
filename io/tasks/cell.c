#include "io/tasks/cell.h"

#include <string.h>

#include "io/formats/yaml_tree.h"
#include "io/tasks/rule.h"

static ein_status add(ein_cell *cell, const char *text, size_t n, double likelihood) {
    char word[EIN_CELL_STATEMENT_BYTES];
    if (n == 0 || n >= sizeof word)
        return ein_error(EIN_FORMAT, "a statement of %zu bytes; 1 to %zu are read", n, sizeof word - 1);
    memcpy(word, text, n);
    word[n] = '\0';
    if (!ein_yaml_is_clean(word)) return ein_error(EIN_FORMAT, "a statement that is not printable text");
    for (int i = 0; i < cell->n; i++) {
        if (strcmp(cell->text[i], word) != 0) continue;
        if (likelihood > cell->likelihood[i]) cell->likelihood[i] = likelihood;
        return EIN_OK;
    }
    if (cell->n == EIN_CELL_MAX_STATEMENTS)
        return ein_error(EIN_FORMAT, "more than %d statements", EIN_CELL_MAX_STATEMENTS);
    memcpy(cell->text[cell->n], word, n + 1);
    cell->likelihood[cell->n++] = likelihood;
    return EIN_OK;
}

static const char *skip_blanks(const char *at) {
    while (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r') at++;
    return at;
}

static ein_status no_dict(const char *cell, const char *at, const char *wanted) {
    return ein_error(EIN_FORMAT, "byte %d: expected %s, as in {'NORM': 100.0, 'SR': 0.0}", (int)(at - cell),
                     wanted);
}

/* A quoted key; Python writes '...' or, around a quote, "...", with \\ and \' inside. */
static ein_status take_key(const char *cell, const char **at, char *out, size_t *n) {
    const char quote = **at, *c = *at + 1;
    *n = 0;
    if (quote != '\'' && quote != '"') return no_dict(cell, *at, "a statement in quotes");
    for (; *c && *c != quote; c++) {
        if (*c == '\\' && c[1] != '\\' && c[1] != '\'' && c[1] != '"')
            return no_dict(cell, c, "\\\\ or \\' behind a backslash");
        if (*c == '\\') c++;
        if (*n == EIN_CELL_STATEMENT_BYTES) return no_dict(cell, c, "the end of a statement");
        out[(*n)++] = *c;
    }
    if (*c != quote) return no_dict(cell, c, "a closing quote");
    *at = skip_blanks(c + 1);
    return EIN_OK;
}

static ein_status parse_dict(const char *cell, const char *at, ein_cell *out) {
    out->has_likelihood = true;
    at = skip_blanks(at + 1);
    while (*at != '}') {
        char key[EIN_CELL_STATEMENT_BYTES];
        size_t n;
        double likelihood;
        EIN_TRY(take_key(cell, &at, key, &n));
        if (*at != ':') return no_dict(cell, at, "':'");
        at = skip_blanks(at + 1);
        const size_t length = strcspn(at, ",} \t\r\n");
        if (!ein_rule_number(at, length, &likelihood) || !(likelihood >= 0 && likelihood <= 100))
            return no_dict(cell, at, "a likelihood from 0 to 100");
        EIN_TRY(add(out, key, n, likelihood));
        at = skip_blanks(at + length);
        if (*at == ',')
            at = skip_blanks(at + 1);
        else if (*at != '}')
            return no_dict(cell, at, "',' or '}'");
    }
    at = skip_blanks(at + 1);
    return *at ? no_dict(cell, at, "the end") : EIN_OK;
}

ein_status ein_cell_parse(const char *cell, char separator, ein_cell *out) {
    out->n = 0;
    out->has_likelihood = false;
    const char *at = skip_blanks(cell);
    if (*at == '{') return parse_dict(cell, at, out);
    while (*at) {
        at = skip_blanks(at);
        const char *end = strchr(at, separator);
        if (!end) end = at + strlen(at);
        size_t n = (size_t)(end - at);
        while (n > 0 && strchr(" \t\r\n", at[n - 1])) n--;
        if (n > 0) EIN_TRY(add(out, at, n, 100));
        at = end + (*end != '\0');
    }
    return EIN_OK;
}
