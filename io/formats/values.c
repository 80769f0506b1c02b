#include "io/formats/values.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/base/nearest.h"

enum { WORD_BYTES = 40, OVER_89_CODE = 300, OVER_89 = 90, OLDEST = 130 };

/* The cell without blanks around it; false if it is too long to be a word or number. */
static bool trim(const char *cell, char out[WORD_BYTES]) {
    cell += strspn(cell, " \t\r\n");
    size_t n = strlen(cell);
    while (n > 0 && strchr(" \t\r\n", cell[n - 1])) n--;
    if (n >= WORD_BYTES) return false;
    memcpy(out, cell, n);
    out[n] = '\0';
    return true;
}

/* "#DIV/0!", "#NAME?": a hash sign, letters, digits and slashes, then ! or ?; in any language. */
static bool is_spreadsheet_error(const char *word) {
    const size_t n = strlen(word);
    if (n < 3 || word[0] != '#' || (word[n - 1] != '!' && word[n - 1] != '?')) return false;
    for (size_t i = 1; i + 1 < n; i++)
        if (!isalnum((unsigned char)word[i]) && word[i] != '/' && (unsigned char)word[i] < 0x80) return false;
    return true;
}

bool ein_value_is_missing(const char *cell) {
    static const char *const words[] = {"",         "NA",  "N/A",  "N.A.", "n.a",  "#N/A",
                                        "#N/A N/A", "#NA", "#NV",  "NaN",  "-NaN", "<NA>",
                                        "NaT",      "nil", "null", "none", NULL};
    char word[WORD_BYTES];
    if (!trim(cell, word)) return false;
    if (ein_is_one_of(word, words) || is_spreadsheet_error(word)) return true;
    return word[strspn(word, "-")] == '\0' || word[strspn(word, ".")] == '\0' ||
           word[strspn(word, "?")] == '\0';
}

bool ein_value_is_unknown(const char *cell) {
    static const char *const words[] = {"unknown", "unk", "missing", "not known", "not available", NULL};
    char word[WORD_BYTES];
    return ein_value_is_missing(cell) || (trim(cell, word) && ein_is_one_of(word, words));
}

/* sign? digits (. digits?)? (e sign? digits)?, or a leading point; no hexadecimal, no inf. */
static bool is_decimal(const char *s) {
    s += *s == '-' || *s == '+';
    const size_t whole = strspn(s, "0123456789");
    size_t part = 0;
    s += whole;
    if (*s == '.') part = strspn(++s, "0123456789");
    s += part;
    if (whole + part == 0) return false;
    if (*s == 'e' || *s == 'E') {
        s += 1 + (s[1] == '-' || s[1] == '+');
        const size_t exponent = strspn(s, "0123456789");
        if (exponent == 0) return false;
        s += exponent;
    }
    return *s == '\0';
}

static bool read_decimal(const char *word, double *out) {
    if (!is_decimal(word)) return false;
    *out = strtod(word, NULL);
    return isfinite((float)*out);
}

/* "35,5" in place as "35.5"; false if there is not exactly one comma with digits behind it, or a point. */
static bool point_for_comma(char *word) {
    char *comma = strchr(word, ',');
    if (!comma || strpbrk(word, ".eE") || strchr(comma + 1, ',') || !isdigit((unsigned char)comma[1]))
        return false;
    *comma = '.';
    return is_decimal(word);
}

/* Whether "35,5" cannot be thousands: other than three digits follow, or what comes before is no leading group. */
static bool is_sure_comma(const char *word) {
    word += *word == '-' || *word == '+';
    const size_t before = strcspn(word, ",");
    return strlen(word + before + 1) != 3 || before == 0 || before > 3 || word[0] == '0';
}

static bool is_yes(const char *word) {
    static const char *const words[] = {"yes", "y", "ja", "oui", NULL};
    return ein_is_one_of(word, words);
}
static bool is_no(const char *word) {
    static const char *const words[] = {"no", "n", "nein", "non", NULL};
    return ein_is_one_of(word, words);
}

static bool read_percent(char *word, double *out) {
    size_t n = strlen(word);
    if (n < 2 || word[n - 1] != '%') return false;
    for (n--; n > 0 && word[n - 1] == ' '; n--) continue;
    word[n] = '\0';
    return read_decimal(word, out);
}

void ein_value_count(ein_value_tally *t, const char *cell) {
    char word[WORD_BYTES];
    double value;
    if (ein_value_is_unknown(cell)) return;
    t->known++;
    if (!trim(cell, word)) return;
    if (strcasecmp(word, "true") == 0 || strcasecmp(word, "false") == 0) {
        t->number++;
        t->bit++;
    } else if (read_decimal(word, &value)) {
        t->number++;
        t->pointed += strpbrk(word, ".eE") != NULL;
        t->bit += value == 0 || value == 1;
    } else if (is_yes(word)) {
        t->yes++;
    } else if (is_no(word)) {
        t->no++;
    } else if (strchr(word, '%')) {
        t->percent += read_percent(word, &value);
    } else {
        char copy[WORD_BYTES];
        memcpy(copy, word, sizeof copy);
        const bool comma = point_for_comma(copy);
        t->comma += comma;
        t->comma_sure += comma && is_sure_comma(word);
    }
}

ein_value_reading ein_value_decide(const ein_value_tally *t) {
    if (t->yes > 0 && t->number == t->bit && t->comma + t->percent == 0) return EIN_READ_WORDS;
    if (t->comma_sure > 0 && t->pointed + t->percent + t->yes == 0) return EIN_READ_COMMA;
    if (t->percent > 0 && t->number + t->comma + t->yes == 0) return EIN_READ_PERCENT;
    return EIN_READ_POINT;
}

const char *ein_value_reading_text(ein_value_reading reading) {
    switch (reading) {
    case EIN_READ_COMMA:
        return "decimal comma";
    case EIN_READ_PERCENT:
        return "percent signs left out";
    case EIN_READ_WORDS:
        return "yes and no as 1 and 0";
    default:
        return "";
    }
}

bool ein_value_number(ein_value_reading reading, const char *cell, double *out) {
    char word[WORD_BYTES];
    if (!trim(cell, word)) return false;
    if (reading == EIN_READ_PERCENT) return read_percent(word, out);
    if (strcasecmp(word, "true") == 0 || strcasecmp(word, "false") == 0) {
        *out = strcasecmp(word, "true") == 0;
        return true;
    }
    if (reading == EIN_READ_WORDS && (is_yes(word) || is_no(word))) {
        *out = is_yes(word);
        return true;
    }
    if (reading == EIN_READ_COMMA) (void)point_for_comma(word);
    return read_decimal(word, out);
}

/* --- ages ------------------------------------------------------------------------------------------- */

double ein_value_per_year(const char *unit) {
    static const struct {
        double per_year;
        const char *words[10];
    } units[] = {{1, {"", "y", "yr", "yrs", "year", "years", "y.o.", "yo", "a", NULL}},
                 {1, {"jahr", "jahre", "ans", "anni", NULL}},
                 {12, {"m", "mo", "month", "months", "monat", "monate", "mois", NULL}},
                 {52.18, {"w", "wk", "week", "weeks", "woche", "wochen", NULL}},
                 {365.25, {"d", "day", "days", "tag", "tage", NULL}},
                 {8766, {"h", "hour", "hours", NULL}}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (ein_is_one_of(unit, units[i].words)) return units[i].per_year;
    return 0;
}

/* "90+", ">89", ">=90": from 89 on they say what 300 says in PTB-XL; "85+" is somebody of an age that is not known. */
static bool read_over(const char *word, double *years) {
    char number[WORD_BYTES];
    double limit;
    const bool above = word[0] == '>';
    const size_t begin = above ? 1 + (word[1] == '=') + strspn(word + 1 + (word[1] == '='), " ") : 0;
    snprintf(number, sizeof number, "%s", word + begin);
    size_t n = strlen(number);
    if (!above) {
        if (n < 2 || number[n - 1] != '+') return false;
        for (n--; n > 0 && number[n - 1] == ' '; n--) continue;
        number[n] = '\0';
    }
    if (!read_decimal(number, &limit) || limit < OVER_89 - 1 || limit > OLDEST) return false;
    *years = limit > OVER_89 ? limit : OVER_89;
    return true;
}

/* "45 m", "45 w": months and weeks, or a man's and a woman's age. */
static bool is_unit_or_sex(const char *unit) {
    return unit[0] == ' ' && strlen(unit + strspn(unit, " ")) == 1 && strpbrk(unit, "mMwWdDhH");
}

bool ein_value_age(const char *cell, double *years) {
    char word[WORD_BYTES], number[WORD_BYTES];
    if (!trim(cell, word)) return false;
    if (word[0] == '>' || strchr(word, '+')) return read_over(word, years);
    const size_t n = strspn(word, "0123456789.,");
    memcpy(number, word, n);
    number[n] = '\0';
    if (is_unit_or_sex(word + n)) return false;
    const double divisor = ein_value_per_year(word + n + strspn(word + n, " "));
    if (strchr(number, ',') && !(is_sure_comma(number) && point_for_comma(number))) return false;
    if (divisor == 0 || !read_decimal(number, years)) return false;
    if (*years == OVER_89_CODE && divisor == 1) *years = OVER_89;
    *years /= divisor;
    return *years >= 0 && *years <= OLDEST;
}
