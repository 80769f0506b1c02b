#include "jobs/study/show.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/durable.h"

static void print_head(const ein_study *study, const ein_study_plan *plan, const char *folder) {
    printf("%s%s\n", study->title ? study->title : study->name,
           ein_study_is_synthetic(study)
               ? "\nSYNTHETIC data: people who do not exist; figures tell nothing about patients"
               : "");
    printf("folder %s, preset %s, scale %g\n", folder, study->preset, plan->scale);
}

static void print_cohorts(const ein_study *study, const ein_study_plan *plan) {
    printf("\n%-16s %10s  %s\n", "cohort", "records", "");
    for (int c = 0; c < study->n_cohorts; c++) {
        const ein_study_cohort *cohort = &study->cohort[c];
        if (cohort->synthetic)
            printf("%-16s %10" PRId64 "  %s\n", cohort->name, ein_study_records(cohort, plan->scale),
                   cohort->title ? cohort->title : "");
        else
            printf("%-16s %10s  %s\n", cohort->name, "files",
                   cohort->title ? cohort->title : cohort->file[0]);
    }
}

/* How many cells of each stage are in which state, and why some are not done. */
static void print_stages(const ein_study_plan *plan) {
    printf("\n%-10s %6s %6s %8s %8s %7s %8s\n", "stage", "cells", "done", "running", "stopped", "failed",
           "missing");
    for (int stage = 0; stage < EIN_STUDY_STAGES; stage++) {
        int n[EIN_STATE_FAILED + 1] = {0}, all = 0;
        for (int i = 0; i < plan->n; i++)
            if ((int)plan->cell[i].stage == stage) {
                n[plan->cell[i].state]++;
                all++;
            }
        if (all)
            printf("%-10s %6d %6d %8d %8d %7d %8d\n", ein_study_stage_name[stage], all, n[EIN_STATE_DONE],
                   n[EIN_STATE_RUNNING], n[EIN_STATE_STOPPED], n[EIN_STATE_FAILED], n[EIN_STATE_NONE]);
    }
    bool first = true;
    for (int i = 0; i < plan->n; i++) {
        const ein_study_cell *c = &plan->cell[i];
        if (c->state == EIN_STATE_DONE || (c->state == EIN_STATE_NONE && !c->reason[0])) continue;
        if (first) printf("\n");
        first = false;
        printf("%s %s: %s%s%s\n", ein_study_stage_name[c->stage], c->id, ein_study_state_name(c->state),
               c->reason[0] ? ", " : "", c->reason);
    }
}

/* The last line of a run's metrics tells how far it is. */
static void print_progress(const ein_study_plan *plan) {
    for (int i = 0; i < plan->n; i++) {
        const ein_study_cell *c = &plan->cell[i];
        char path[4096], *text = NULL;
        size_t bytes = 0;
        if (!c->run_folder || (c->state != EIN_STATE_RUNNING && c->state != EIN_STATE_STOPPED)) continue;
        snprintf(path, sizeof path, "%s/log.txt", c->run_folder);
        if (ein_file_read(path, 1 << 26, &text, &bytes) == EIN_OK && bytes > 1) {
            char *last = text + bytes - 1;
            while (last > text && (*last == '\n' || *last == '\0')) *last-- = '\0';
            while (last > text && last[-1] != '\n') last--;
            printf("  %s %s: %s\n", ein_study_stage_name[c->stage], c->id, last);
        }
        free(text);
        ein_error_clear();
    }
}

static void print_needs(const ein_study_plan *plan, const ein_study_cell *c) {
    for (int k = 0; k < c->n_needs; k++)
        printf("%s%s/%d", k ? "," : "", ein_study_stage_name[plan->cell[c->need[k]].stage],
               plan->cell[c->need[k]].index);
}

void ein_study_show_cells(const ein_study_plan *plan, const char *stage) {
    for (int i = 0; i < plan->n; i++) {
        const ein_study_cell *c = &plan->cell[i];
        if (strcmp(ein_study_stage_name[c->stage], stage) != 0) continue;
        printf("%d\t%s\t%s\t", c->index, c->id, ein_study_state_name(c->state));
        print_needs(plan, c);
        printf("\t");
        for (const char *p = c->reason; *p; p++) putchar(*p == '\t' ? ' ' : *p);
        printf("\t%s\n", c->folder);
    }
}

void ein_study_show_status(const ein_study *study, const ein_study_plan *plan, const char *folder) {
    print_head(study, plan, folder);
    print_stages(plan);
    print_progress(plan);
}

ein_status ein_study_show_plan(const ein_study *study, const ein_study_plan *plan, const char *folder,
                               const char *description) {
    print_head(study, plan, folder);
    print_cohorts(study, plan);
    print_stages(plan);
    printf("\ncommands (einthoven ...), in order\n");
    for (int i = 0; i < plan->n; i++) {
        const ein_study_cell *c = &plan->cell[i];
        char *line;
        if (c->n_words == 0) continue;
        EIN_TRY(ein_study_command_line(c, &line));
        printf("%s/%d: %s\n", ein_study_stage_name[c->stage], c->index, line);
        free(line);
    }
    printf("\nmpirun -n 2 einthoven study %s --run      runs what is not done\n", description);
    return EIN_OK;
}
