#include "io/labels/layouts.h"

#include <math.h>
#include <stddef.h>

/* MIMIC-IV-ECG's machines write 29999 where they measured nothing. */
const ein_layout ein_layouts[] = {
    {.data_set = "PTB-XL",
     .file = "ptbxl_database.csv",
     .has = {"filename_hr", "filename_lr", "patient_id", "scp_codes", "sex"},
     .key = {"filename_hr", "filename_lr"},
     .patient = "patient_id",
     .age = "age",
     .sex = "sex",
     .site = "site",
     .text = "scp_codes",
     .sex_zero_one = true,
     .not_known = NAN},
    {.data_set = "MIMIC-IV-ECG",
     .file = "record_list.csv",
     .has = {"subject_id", "study_id", "file_name", "path"},
     .key = {"path", "study_id"},
     .patient = "subject_id",
     .not_known = NAN},
    {.data_set = "MIMIC-IV-ECG",
     .file = "machine_measurements.csv",
     .has = {"subject_id", "study_id", "cart_id", "rr_interval", "qrs_onset"},
     .key = {"study_id"},
     .patient = "subject_id",
     .not_known = 29999},
    {0},
};

const ein_layout *ein_layout_of(const ein_csv *csv) {
    for (const ein_layout *layout = ein_layouts; layout->data_set; layout++) {
        bool all = true;
        for (int i = 0; i < EIN_LAYOUT_COLUMNS && layout->has[i]; i++)
            all = all && ein_csv_column(csv, layout->has[i]) >= 0;
        if (all) return layout;
    }
    return NULL;
}
