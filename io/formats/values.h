/* What one cell of a stranger's table says: nothing, a number, an age.
 *
 * Nothing: empty, NA, N/A, n.a., NaN, <NA>, NaT, null, none, nil, dashes, dots or question marks alone, and what a
 * spreadsheet writes for an error (#N/A, #NV, #DIV/0!, #NAME?). In numbers, ages, sexes and patients also the words
 * unknown, unk, missing, "not known", "not available".
 *
 * A column of numbers is read in one way, which its cells decide together:
 *   point    35.5, -2.5e1, true and false as 1 and 0
 *   comma    35,5: if no cell has a point or percent sign, and some cell cannot be a thousands separator (1,234 could)
 *   percent  35%: if every number has the sign; it is left out
 *   words    yes and no (y, n, ja, nein, oui, non) as 1 and 0: if some cell says yes and all numbers are 0 or 1
 * What does not fit the column's way (">60", "35,5" beside "35.5") is unreadable and to be counted, never guessed.
 */
#ifndef EIN_IO_FORMATS_VALUES_H
#define EIN_IO_FORMATS_VALUES_H

#include <stdbool.h>
#include <stdint.h>

bool ein_value_is_missing(const char *cell); /* nothing, in any column */
bool ein_value_is_unknown(const char *cell); /* ... or one of the words for it */

typedef enum { EIN_READ_POINT, EIN_READ_COMMA, EIN_READ_PERCENT, EIN_READ_WORDS } ein_value_reading;

/* For a message: "", "decimal comma", "percent signs left out", "yes and no as 1 and 0". */
const char *ein_value_reading_text(ein_value_reading reading);

/* The cells of a column; zeroed is empty. */
typedef struct {
    int64_t known;        /* cells that say something */
    int64_t number;       /* decimal numbers and true or false, */
    int64_t pointed, bit; /* of them with a point or exponent, and 0 or 1 */
    int64_t comma, comma_sure, percent, yes, no;
} ein_value_tally;
void ein_value_count(ein_value_tally *tally, const char *cell);
ein_value_reading ein_value_decide(const ein_value_tally *tally);

/* The number that a cell says; false if it says none. Finite as a float. */
bool ein_value_number(ein_value_reading reading, const char *cell, double *out);

/* How many of a unit make a year: 1 for "", "y", "years", 12 for "m", "months", ...; DICOM's single letters are among
 * them. 0: no unit of time. */
double ein_value_per_year(const char *unit);

/* An age in years: a number from 0 to 130, also with a decimal comma; with a unit, "45 years", "6 months", "3 wk", or
 * as DICOM has it, 063Y, 018M, 003W, 010D. 300 (PTB-XL), and "90+", ">89", ">=90" from 89 on, mean over 89 and give 90.
 * False for what is none of these, and for "45 m" and "45 w", which may tell the sex. */
bool ein_value_age(const char *cell, double *years);

#endif
