#include "io/labels/identifiers.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/nearest.h"

enum { NAME_BYTES = 200, MAX_WORDS = 32, MANY = 20 };

typedef struct {
    char bytes[2 * NAME_BYTES];
    const char *word[MAX_WORDS];
    int n;
} words;

/* "admitTime", "AdmitTime" and "admit_time" are admit and time. */
static void split(const char *name, words *out) {
    size_t used = 0;
    bool inside = false;
    out->n = 0;
    for (size_t i = 0; i < NAME_BYTES - 1 && name[i]; i++) {
        const unsigned char c = (unsigned char)name[i];
        const bool letter = isalnum(c) || c >= 0x80;
        const bool hump = inside && isupper(c) && islower((unsigned char)name[i - 1]);
        if (inside && (!letter || hump)) out->bytes[used++] = '\0';
        if (letter && (!inside || hump)) {
            if (out->n == MAX_WORDS) break;
            out->word[out->n++] = out->bytes + used;
        }
        inside = letter;
        if (letter) out->bytes[used++] = (char)tolower(c);
    }
    out->bytes[used] = '\0';
}

static bool ends_with(const char *word, const char *end) {
    const size_t n = strlen(word), m = strlen(end);
    return n > m && strcmp(word + n - m, end) == 0;
}

/* "patientid", "study_no": what is identified, then id, no, nr, number or key, in one word or two. */
static bool is_compound_id(const words *w, int at) {
    static const char *const things[] = {
        "patient", "subject",   "study", "ecg",  "record", "person", "stay", "hadm",   "visit",     "case",
        "exam",    "encounter", "image", "file", "sample", "order",  "user", "client", "admission", NULL};
    static const char *const ends[] = {"id", "ids", "no", "nr", "num", "number", "key", NULL};
    for (int i = 0; things[i]; i++) {
        const size_t n = strlen(things[i]);
        if (strncmp(w->word[at], things[i], n) != 0) continue;
        const char *rest = w->word[at] + n;
        if (ein_is_one_of(*rest || at + 1 == w->n ? rest : w->word[at + 1], ends)) return true;
    }
    return false;
}

static bool says_identifier(const words *w) {
    static const char *const ids[] = {
        "id",   "ids",     "mrn",       "ssn",       "pid",       "uid",        "uuid",
        "guid", "eid",     "nhs",       "accession", "phone",     "email",      "zip",
        "plz",  "zipcode", "postcode",  "insurance", "hadm",      "identifier", "address",
        "name", "surname", "firstname", "lastname",  "encounter", NULL};
    for (int i = 0; i < w->n; i++)
        if (ein_is_one_of(w->word[i], ids) || is_compound_id(w, i)) return true;
    return false;
}

static bool says_staff(const words *w) {
    static const char *const staff[] = {"nurse",    "doctor",       "physician", "technician", "cardiologist",
                                        "operator", "technologist", "reader",    NULL};
    for (int i = 0; i < w->n; i++)
        if (ein_is_one_of(w->word[i], staff)) return true;
    return w->n > 1 && strcmp(w->word[w->n - 1], "by") == 0;
}

static bool says_date(const words *w) {
    static const char *const dates[] = {"birth", "dob",   "birthday", "birthyear", "birthdate", "yob",
                                        "date",  "dates", "datetime", "timestamp", NULL};
    bool year = false, end = false;
    for (int i = 0; i < w->n; i++) {
        if (ein_is_one_of(w->word[i], dates) || ends_with(w->word[i], "date")) return true;
        year = year || strcmp(w->word[i], "year") == 0;
        end = end || strcmp(w->word[i], "death") == 0 || strcmp(w->word[i], "anchor") == 0;
    }
    const char *last = w->n ? w->word[w->n - 1] : "";
    return (year && end) || (w->n == 1 && year) || strcmp(last, "time") == 0 ||
           (ends_with(last, "time") && strcmp(last, "lifetime") != 0);
}

const char *ein_identifier_by_name(const char *column) {
    words w;
    split(column, &w);
    if (says_identifier(&w)) return "its name is that of an identifier";
    if (says_staff(&w)) return "its name is that of somebody of the staff";
    return says_date(&w) ? "its name is that of a date or time" : NULL;
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* 20200131 as year, month and day. */
static bool is_date_number(double value) {
    const int64_t v = (int64_t)value, year = v / 10000, month = v / 100 % 100, day = v % 100;
    return year >= 1900 && year <= 2100 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

const char *ein_identifier_by_values(double *value, int64_t n) {
    int64_t different = 0, years = 0, dates = 0;
    if (n == 0) return NULL;
    qsort(value, (size_t)n, sizeof *value, by_value);
    for (int64_t i = 0; i < n; i++) {
        if (value[i] != floor(value[i]) || fabs(value[i]) > 1e18) return NULL;
        different += i == 0 || value[i] != value[i - 1];
        years += value[i] >= 1900 && value[i] <= 2100;
        dates += is_date_number(value[i]);
    }
    if (years == n && different > 1) return "its values look like years";
    if (dates == n) return "its values look like dates";
    if (value[0] >= 1e6) return "its values look like identifiers (whole numbers of 7 digits and more)";
    if (value[0] >= 1e5 && different == n && n > 1)
        return "its values look like identifiers (whole numbers of 6 digits and more, all different)";
    if (n >= MANY && (double)different >= 0.95 * (double)n)
        return "its values look like identifiers (whole numbers, nearly all different)";
    return NULL;
}
