/* Label tables of public data sets, recognised by their columns, so that they join without options.
 *
 *   PTB-XL 1.0.x        ptbxl_database.csv: filename_hr, filename_lr, patient_id, age, sex (0 male, 1 female), site,
 *                       strat_fold, scp_codes (dicts of statements)
 *   MIMIC-IV-ECG 1.0    record_list.csv: path, study_id, subject_id; machine_measurements.csv: study_id, subject_id,
 *                       intervals and axes (29999: not measured)
 */
#ifndef EIN_IO_LABELS_LAYOUTS_H
#define EIN_IO_LABELS_LAYOUTS_H

#include <stdbool.h>

#include "io/formats/csv.h"

enum { EIN_LAYOUT_KEYS = 2, EIN_LAYOUT_COLUMNS = 6 };

typedef struct {
    const char *data_set, *file;
    const char *has[EIN_LAYOUT_COLUMNS];    /* columns that tell the table, ended by NULL */
    const char *key[EIN_LAYOUT_KEYS];       /* columns of paths or record ids; NULL behind the last */
    const char *patient, *age, *sex, *site; /* NULL: none */
    const char *text;                       /* the column of statements; NULL: none */
    bool sex_zero_one;                      /* 0 male, 1 female */
    double not_known;                       /* this number and larger ones mean nothing; NaN: none does */
} ein_layout;

/* All of them, ended by data_set NULL; tables of one data set stand together. */
extern const ein_layout ein_layouts[];

/* The layout whose columns a table has; NULL: none. */
const ein_layout *ein_layout_of(const ein_csv *csv);

#endif
