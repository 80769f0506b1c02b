/* ECGs with what the pretrained model makes of their hidden stretches. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/corpus/recording.h"
#include "io/picture/ecg_sheet.h"
#include "jobs/options/reconstruct.h"
#include "jobs/report/report.h"

#define HIDDEN 0.6

/* The model that the study pretrained, in fresh memory; NULL: none. */
static char *model_of(const ein_report *r) {
    char *path = NULL;
    for (int i = 0; i < r->plan->n && !path; i++) {
        const ein_study_cell *c = &r->plan->cell[i];
        if (c->stage != EIN_STUDY_PRETRAIN || !c->run_folder) continue;
        if (asprintf(&path, "%s/model.safetensors", c->run_folder) < 0) return NULL;
    }
    if (path && access(path, R_OK) == 0) return path;
    free(path);
    return NULL;
}

/* Nothing of a record but its signal: no id, no age, no sex. */
static ein_status draw(ein_report *r, const char *model, ein_corpus *corpus, int64_t record,
                       const char *cohort) {
    char title[128];
    ein_ecg ecg = {0};
    float *predicted = NULL;
    ein_status status = ein_corpus_recording(corpus, record, &ecg);
    if (status == EIN_OK) status = EIN_NEW(predicted, ecg.n_leads * ecg.n_samples);
    if (status == EIN_OK) status = ein_reconstruct(model, corpus, record, HIDDEN, 1, predicted);
    snprintf(title, sizeof title, "An ECG of cohort %.48s and its reconstruction", cohort);
    const ein_sheet sheet = {.layout = EIN_SHEET_RECORDED,
                             .title = title,
                             .predicted = predicted,
                             .legend = EIN_RECONSTRUCT_LEGEND};
    if (status == EIN_OK) status = ein_sheet_draw(&ecg, &sheet, &r->sheet[r->n_sheets]);
    r->n_sheets += status == EIN_OK;
    free(predicted);
    ein_ecg_free(&ecg);
    return status;
}

ein_status ein_report_reconstruct(ein_report *r, ein_corpus *corpus, const char *cohort) {
    const int64_t n = ein_corpus_records(corpus);
    if (r->n_sheets > 0 || r->records == 0) return EIN_OK;
    char *model = model_of(r);
    ein_status status = EIN_OK;
    /* Evenly over the corpus, so that not all are of one patient. */
    for (int i = 0; model && i < r->records && i < EIN_REPORT_SHEETS && i < n && status == EIN_OK; i++)
        status = draw(r, model, corpus, n / r->records * i, cohort);
    free(model);
    return status;
}
