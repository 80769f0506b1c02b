/* What cells of strangers' tables say: missing markers, numbers by column, ages, codes of sexes, identifiers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/formats/values.h"
#include "io/labels/identifiers.h"
#include "io/labels/sex_codes.h"
#include "tests/report.h"

enum { CELLS = 8 };

static void missing(void) {
    static const char *const nothing[] = {"",       " ",    "NA",    "n/a",     "nan",     "NULL",
                                          "None",   "#N/A", "#NV",   "#NAME?",  "#DIV/0!", "#VALUE!",
                                          "#WERT!", "<NA>", "-",     "--",      " - ",     ".",
                                          "?",      "NaT",  "#REF!", "#BEZUG!", "n.a."};
    static const char *const something[] = {"0",  "-1",     "#1",      "no", "A-", "N",
                                            "x.", "#N/A 5", "unknown", "<5", "!"};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        report(ein_value_is_missing(nothing[i]) && ein_value_is_unknown(nothing[i]), "'%s' says nothing",
               nothing[i]);
    for (size_t i = 0; i < sizeof something / sizeof *something; i++)
        report(!ein_value_is_missing(something[i]), "'%s' says something", something[i]);
    report(ein_value_is_unknown("Unknown") && ein_value_is_unknown("not known") &&
               !ein_value_is_unknown("unknown site"),
           "words for what is not known");
}

#define N NAN
static const struct {
    const char *name;
    const char *cell[CELLS];
    double value[CELLS]; /* NaN: not read */
    ein_value_reading reading;
} columns[] = {
    {"points", {"35", "-2.5e1", " 3 ", "true", "FALSE", ".5"}, {35, -25, 3, 1, 0, .5}, EIN_READ_POINT},
    {"neither hexadecimal nor words nor limits",
     {"1", "0x10", "inf", "1e300", ">60", "<5", "60-70", "1 2"},
     {1, N, N, N, N, N, N, N},
     EIN_READ_POINT},
    {"decimal commas", {"35,5", "1,8", "40", "-"}, {35.5, 1.8, 40, N}, EIN_READ_COMMA},
    {"a comma among whole numbers", {"35", "35,5", "40"}, {35, 35.5, 40}, EIN_READ_COMMA},
    {"commas beside points", {"35,5", "35.5", "1"}, {N, 35.5, 1}, EIN_READ_POINT},
    {"what may be thousands", {"1,234", "2,000"}, {N, N}, EIN_READ_POINT},
    {"thousands beside a sure comma", {"0,123", "1,234"}, {.123, 1.234}, EIN_READ_COMMA},
    {"two commas", {"1,234,567", "1,5"}, {N, 1.5}, EIN_READ_COMMA},
    {"percent signs", {"35%", " 40 %", "#N/A"}, {35, 40, N}, EIN_READ_PERCENT},
    {"percent signs beside numbers", {"35%", "0.35"}, {N, .35}, EIN_READ_POINT},
    {"yes and no", {"Yes", "No", "yes", ""}, {1, 0, 1, N}, EIN_READ_WORDS},
    {"letters and bits", {"Y", "n", "1", "0", "true"}, {1, 0, 1, 0, 1}, EIN_READ_WORDS},
    {"German", {"ja", "Nein"}, {1, 0}, EIN_READ_WORDS},
    {"no alone", {"N", "N"}, {N, N}, EIN_READ_POINT},
    {"yes beside numbers", {"yes", "2", "0"}, {N, 2, 0}, EIN_READ_POINT},
};

static void numbers(void) {
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
        ein_value_tally tally = {0};
        for (int i = 0; i < CELLS && columns[c].cell[i]; i++) ein_value_count(&tally, columns[c].cell[i]);
        const ein_value_reading reading = ein_value_decide(&tally);
        bool good = reading == columns[c].reading;
        for (int i = 0; i < CELLS && columns[c].cell[i]; i++) {
            double value = NAN;
            if (!ein_value_number(reading, columns[c].cell[i], &value)) value = NAN;
            good = good && (isnan(columns[c].value[i]) ? isnan(value) : value == columns[c].value[i]);
        }
        report(good, "a column of %s", columns[c].name);
    }
}

static void ages(void) {
    static const struct {
        const char *cell;
        double years;
    } cases[] = {{"45", 45},
                 {"45.5", 45.5},
                 {"63,5", 63.5},
                 {"063Y", 63},
                 {"070y", 70},
                 {"018M", 1.5},
                 {"010D", 10 / 365.25},
                 {"3 weeks", 3 / 52.18},
                 {"45 years", 45},
                 {"45 Jahre", 45},
                 {"6 months", .5},
                 {"300", 90},
                 {"300.0", 90},
                 {"90+", 90},
                 {">89", 90},
                 {"> 89", 90},
                 {">=90", 90},
                 {"95+", 95},
                 {"90 +", 90},
                 {"0", 0},
                 {"130", 130},
                 {" 45 ", 45},
                 {"85+", N},
                 {">60", N},
                 {"<1", N},
                 {"131", N},
                 {"-1", N},
                 {"45 miles", N},
                 {"1950-03-01", N},
                 {"45-50", N},
                 {"1,234", N},
                 {"years", N},
                 {"", N},
                 {"999", N},
                 {"45 m", N},
                 {"45  W", N},
                 {"45 d", N},
                 {"45 y", 45},
                 {"45 mo", 3.75},
                 {"45y6m", N}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double years = NAN;
        const bool read = ein_value_age(cases[i].cell, &years);
        report(isnan(cases[i].years) ? !read : read && fabs(years - cases[i].years) < 1e-12, "age '%s'",
               cases[i].cell);
    }
}

enum { M = EIN_SEX_MALE, F = EIN_SEX_FEMALE, U = EIN_SEX_UNKNOWN, UNREAD = 7, REFUSED = 8 };
static const struct {
    const char *name;
    const char *declared[3];
    bool zero_one;
    const char *cell[CELLS];
    int sex[CELLS];
} sexes[] = {
    {"words", {0}, false, {"M", "female", "w", "Mann", "FRAU", "", "unknown", "x"}, {M, F, F, M, F, U, U, U}},
    {"words with letters beyond ASCII", {0}, false, {"m\xC3\xA4nnlich", "f\xC3\xA9minin"}, {M, F}},
    {"hombre y mujer", {0}, false, {"H", "M", "m"}, {M, F, F}},
    {"homme et femme", {0}, false, {"H", "F", "M"}, {M, F, M}},
    {"a word that is none", {0}, false, {"M", "banana"}, {M, UNREAD}},
    {"ISO 5218", {0}, false, {"1", "2", "0", "9"}, {M, F, U, U}},
    {"ISO 5218 as a data frame writes it", {0}, false, {"1.0", "2.0", ""}, {M, F, U}},
    {"ISO 5218 with an exponent", {0}, false, {"1e0", "2.00", " 2"}, {M, F, F}},
    {"ISO 5218 beside words", {0}, false, {"1", "2", "M", "weiblich"}, {M, F, M, F}},
    {"men alone in ISO 5218", {0}, false, {"1", "9"}, {M, U}},
    {"0 and 1", {0}, false, {"0", "1"}, {REFUSED}},
    {"0.0 and 1.0", {0}, false, {"0.0", "1.0"}, {REFUSED}},
    {"1 alone", {0}, false, {"1", "1.0"}, {REFUSED}},
    {"0 alone", {0}, false, {"0", ""}, {REFUSED}},
    {"0 and 1 beside words", {0}, false, {"M", "1"}, {REFUSED}},
    {"3", {0}, false, {"1", "2", "3"}, {REFUSED}},
    {"11", {0}, false, {"1", "2", "11"}, {REFUSED}},
    {"halves", {0}, false, {"1.5", "2"}, {REFUSED}},
    {"a negative code", {0}, false, {"-1", "2"}, {REFUSED}},
    {"0 and 1 of PTB-XL", {0}, true, {"0", "1.0", ""}, {M, F, U}},
    {"0 and 1, declared", {"male=1", "female=0"}, false, {"0", "1.0", "0.0"}, {F, M, F}},
    {"1 and 2, declared the other way", {"male=2", "female=1"}, false, {"1.0", "2", "2e0"}, {F, M, M}},
    {"letters, declared",
     {"male=A", "female=B", "unknown=C"},
     false,
     {"a", "B", "C", "Q", "m"},
     {M, F, U, UNREAD, M}},
    {"a number that was not declared", {"male=1", "female=2"}, false, {"1", "2", "3"}, {M, F, UNREAD}},
};

static void codes(void) {
    for (size_t c = 0; c < sizeof sexes / sizeof *sexes; c++) {
        ein_sex_codes declared = {0};
        ein_sex_column column = {0};
        int n = 0;
        while (n < 3 && sexes[c].declared[n]) n++;
        bool good = ein_sex_declare(&declared, sexes[c].declared, n) == EIN_OK;
        for (int i = 0; i < CELLS && sexes[c].cell[i]; i++) ein_sex_see(&column, sexes[c].cell[i], i + 2);
        const ein_status status = ein_sex_decide(&column, &declared, sexes[c].zero_one, "t.csv", "gender");
        if (sexes[c].sex[0] == REFUSED) {
            report(good && status == EIN_FORMAT && strstr(ein_error_message(), "t.csv:") &&
                       strstr(ein_error_message(), "column gender") &&
                       strstr(ein_error_message(), "--sex-codes"),
                   "%s: refused", sexes[c].name);
            continue;
        }
        good = good && status == EIN_OK;
        for (int i = 0; i < CELLS && sexes[c].cell[i]; i++) {
            int sex;
            if (!ein_sex_read(&column, sexes[c].cell[i], &sex)) sex = UNREAD;
            good = good && sex == sexes[c].sex[i];
        }
        report(good, "%s", sexes[c].name);
    }
    static const char *const wrong[] = {"male", "=1", "male=", "banana=1", "1=male"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ein_sex_codes declared = {0};
        report(ein_sex_declare(&declared, &wrong[i], 1) == EIN_USAGE, "'%s' declares nothing", wrong[i]);
    }
    static const char *const both[] = {"male=1", "female=1.0"};
    ein_sex_codes declared = {0};
    report(ein_sex_declare(&declared, both, 2) == EIN_USAGE && strstr(ein_error_message(), "two sexes"),
           "nor does one code for two sexes");
}

static void identifiers(void) {
    static const char *const names[] = {"mrn",
                                        "MRN",
                                        "subject_id",
                                        "patientId",
                                        "PatientID",
                                        "ecg_id",
                                        "birth_year",
                                        "admittime",
                                        "admitTime",
                                        "dob",
                                        "ecg_time",
                                        "chartdate",
                                        "nurse",
                                        "validated_by",
                                        "ID",
                                        "study id",
                                        "hadm_id",
                                        "study_no",
                                        "zip",
                                        "recording date",
                                        "eid",
                                        "year",
                                        "anchor_year_death"};
    static const char *const labels[] = {
        "lvef",  "AF",       "age",    "paid", "width",      "strat_fold",  "height", "bmi",
        "video", "lifetime", "steady", "by",   "pack_years", "rr_interval", "MI",     "nurser"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        report(ein_identifier_by_name(names[i]) != NULL, "'%s' looks like an identifier", names[i]);
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        report(ein_identifier_by_name(labels[i]) == NULL, "'%s' does not", labels[i]);

    double running[30], lvef[200], mrn[3] = {1234567, 1234568, 1234567}, six[2] = {123456, 654321},
                                   years[3] = {1950, 1951, 1950};
    double dates[2] = {20200131, 20200131}, few[3] = {1, 2, 3}, real[30], same[2] = {2000, 2000};
    for (int i = 0; i < 30; i++) running[i] = i;
    for (int i = 0; i < 30; i++) real[i] = i + 0.5;
    for (int i = 0; i < 200; i++) lvef[i] = 20 + i * 37 % 50;
    report(ein_identifier_by_values(running, 30) && ein_identifier_by_values(mrn, 3) &&
               ein_identifier_by_values(six, 2) && ein_identifier_by_values(years, 3) &&
               ein_identifier_by_values(dates, 2),
           "running numbers, long numbers, years and dates look like identifiers");
    report(!ein_identifier_by_values(lvef, 200) && !ein_identifier_by_values(few, 3) &&
               !ein_identifier_by_values(real, 30) && !ein_identifier_by_values(same, 2) &&
               !ein_identifier_by_values(few, 0),
           "measured numbers, a few small ones, and none do not");
}

int main(void) {
    missing();
    numbers();
    ages();
    codes();
    identifiers();
    return report_end();
}
