/* The study's table: what every model reached on every cohort, and the first arm beside the second.
 *
 * A row is one evaluation (task, cohort). Its figures are those of `evaluate`: macro AUROC, or R2 of a regression, mean
 * over seeds, with its patient bootstrap interval; the difference between the first two arms is paired, its p adjusted
 * over all rows of the table (Holm). What could not be estimated is named, never left out or set to a number.
 */
#ifndef EIN_JOBS_STUDY_TABLE_H
#define EIN_JOBS_STUDY_TABLE_H

#include "jobs/study/plan.h"

/* Write FOLDER/table.csv and FOLDER/table.txt from what evaluations are done, and print the latter. Rank 0 alone. */
ein_status ein_study_table(const ein_study_plan *plan);

#endif
