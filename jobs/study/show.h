/* What a study is and how far it is, on standard output. Rank 0 only; ein_study_look_all comes first. */
#ifndef EIN_JOBS_STUDY_SHOW_H
#define EIN_JOBS_STUDY_SHOW_H

#include "core/base/status.h"
#include "jobs/study/file.h"
#include "jobs/study/plan.h"

/* Cohorts, stages and every cell's command; `description` is what the study was called on the command line. */
ein_status ein_study_show_plan(const ein_study *study, const ein_study_plan *plan, const char *folder,
                               const char *description);

/* How many cells of each stage are in which state, why some are not done, how far those are that run. */
void ein_study_show_status(const ein_study *study, const ein_study_plan *plan, const char *folder);

/* The cells of a stage for programs: index, id, state, needs, reason, folder, with tabs between. */
void ein_study_show_cells(const ein_study_plan *plan, const char *stage);

#endif
