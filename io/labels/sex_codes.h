/* A column of sexes: its codes are judged together, so that no man is read as a woman because a table counts from 1.
 *
 * Words are read as they are, whatever their case: male, m, man, Mann, homme, ...; female, f, w, woman, Frau, femme,
 * ...; in a column with h for men (hombre) and no f, m is a woman (mujer). Numbers are one code however they are
 * written ("1", "1.0", "1e0"), and the codes that a column holds decide:
 *   1 and 2, also 0 and 9   ISO 5218: 0 not known, 1 male, 2 female, 9 not applicable; 1 with 9 too
 *   0 and 1, or one of them are refused: 0 male and 1 female in PTB-XL, 0 female and 1 male in UK Biobank and others
 *   any other number        refused
 * A refused column is read by a declaration, male=1,female=2 (also several codes of one sex, and unknown=9), which goes
 * before everything else. In PTB-XL's own table 0 and 1 are known.
 */
#ifndef EIN_IO_LABELS_SEX_CODES_H
#define EIN_IO_LABELS_SEX_CODES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/status.h"
#include "core/signal/ecg.h"

enum { EIN_SEX_MAX_CODES = 32, EIN_SEX_CODE_BYTES = 40 };

/* What is declared; zeroed is nothing. */
typedef struct {
    int n;
    struct {
        char code[EIN_SEX_CODE_BYTES];
        ein_sex sex;
    } item[EIN_SEX_MAX_CODES];
} ein_sex_codes;

/* Take "male=1", "female=2", "unknown=9". EIN_USAGE. */
ein_status ein_sex_declare(ein_sex_codes *codes, const char *const *item, int n);

typedef enum { EIN_SEX_BY_WORDS, EIN_SEX_BY_ISO_5218, EIN_SEX_BY_ZERO_ONE, EIN_SEX_BY_CODES } ein_sex_coding;

/* A column; zeroed is empty. */
typedef struct {
    ein_sex_coding coding;
    const ein_sex_codes *declared; /* may be NULL */
    bool has[10];                  /* of the numbers 0 to 9 */
    bool has_h, has_f;             /* the letters */
    double other;                  /* a number that is none of them, and its line */
    int64_t line[10], other_line;
} ein_sex_column;

/* Look at every cell, then decide; `zero_one` says that 0 is male and 1 female if these are the codes. EIN_FORMAT with
 * file, line, column, code and the option to give. */
void ein_sex_see(ein_sex_column *column, const char *cell, int64_t line);
ein_status ein_sex_decide(ein_sex_column *column, const ein_sex_codes *declared, bool zero_one,
                          const char *path, const char *name);

/* What a cell says: false if it cannot be read. */
bool ein_sex_read(const ein_sex_column *column, const char *cell, int *sex);

/* For a message: "" for words, "1 male, 2 female (ISO 5218)", "0 male, 1 female (PTB-XL)", "as declared". */
const char *ein_sex_coding_text(const ein_sex_column *column);

#endif
