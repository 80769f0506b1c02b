#include "jobs/score/rows.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/archive/archive.h"
#include "io/base/durable.h"
#include "jobs/score/claims.h"

/* Where a part of the plan has come to. */
typedef struct {
    int64_t source, record;
    int64_t loaded; /* the block in memory; -1: none */
    ein_score_block block;
} cursor;

typedef struct {
    const char *path, *reason;
    ein_score_status status;
} problem;

struct ein_score_rows {
    const char *folder;
    const ein_score_plan *plan;
    int64_t values;
    cursor *at; /* (plan->n) */
    char *text; /* of the problems */
    problem *problem;
    int64_t n_problems, next_problem;
    ein_score_record of_problem;
};

/* --- problems -------------------------------------------------------------------------------------------- */

static int by_path(const void *a, const void *b) {
    return strcmp((*(const ein_reader_problem *const *)a)->path,
                  (*(const ein_reader_problem *const *)b)->path);
}

ein_status ein_score_problems_write(const char *folder, const ein_reader_list *found) {
    char path[PATH_MAX], *text = NULL;
    size_t bytes = 0;
    const ein_reader_problem **order;
    EIN_TRY(EIN_NEW(order, found->n_problems));
    for (int64_t i = 0; i < found->n_problems; i++) order[i] = &found->problem[i];
    qsort(order, (size_t)found->n_problems, sizeof *order, by_path);
    FILE *f = open_memstream(&text, &bytes);
    for (int64_t i = 0; f && i < found->n_problems; i++) {
        const bool gone =
            ein_archive_part(order[i]->path) == 0 && access(order[i]->path, F_OK) != 0 && errno == ENOENT;
        fprintf(f, "%c%s%c%s%c", gone ? 'g' : 'u', order[i]->path, 0, order[i]->reason, 0);
    }
    free(order);
    if (!f || fclose(f) != 0) {
        free(text);
        return ein_error(EIN_NOMEM, "no memory for the list of what cannot be read");
    }
    snprintf(path, sizeof path, "%s/problems", folder);
    const ein_status status = ein_durable_write(path, text, bytes);
    free(text);
    return status;
}

static ein_status load_problems(ein_score_rows *r) {
    char path[PATH_MAX];
    size_t bytes = 0;
    int64_t texts = 0;
    snprintf(path, sizeof path, "%s/problems", r->folder);
    const ein_status status = ein_file_read(path, INT64_C(1) << 34, &r->text, &bytes);
    if (status == EIN_NOTFOUND) {
        ein_error_clear();
        return EIN_OK;
    }
    EIN_TRY(status);
    for (size_t i = 0; i < bytes; i++) texts += r->text[i] == '\0';
    EIN_TRY(EIN_NEW(r->problem, texts / 2));
    const char *at = r->text;
    for (int64_t i = 0; i < texts / 2; i++) {
        problem *p = &r->problem[r->n_problems++];
        p->status = at[0] == 'g' ? EIN_SCORE_GONE : EIN_SCORE_UNREADABLE;
        p->path = at[0] ? at + 1 : at;
        at += strlen(at) + 1;
        p->reason = at;
        at += strlen(at) + 1;
    }
    return EIN_OK;
}

/* --- order ----------------------------------------------------------------------------------------------- */

/* Path of the next source of a part that no later part has; NULL behind the last. */
static const char *source_of(ein_score_rows *r, int part) {
    const ein_score_part *p = &r->plan->part[part];
    cursor *c = &r->at[part];
    for (; c->source < p->sources.path.n; c->source++) {
        const char *path = ein_texts_get(&p->sources.path, c->source);
        if (c->record > 0 || !ein_score_plan_has(r->plan, part + 1, path)) return path;
    }
    return NULL;
}

static const problem *problem_of(ein_score_rows *r) {
    while (r->next_problem < r->n_problems &&
           ein_score_plan_has(r->plan, 0, r->problem[r->next_problem].path))
        r->next_problem++;
    return r->next_problem < r->n_problems ? &r->problem[r->next_problem] : NULL;
}

/* --- rows ------------------------------------------------------------------------------------------------ */

ein_status ein_score_rows_open(const char *folder, const ein_score_plan *plan, int64_t values,
                               ein_score_rows **out) {
    ein_score_rows *r = NULL;
    *out = NULL;
    EIN_TRY(EIN_NEW(r, 1));
    r->folder = folder;
    r->plan = plan;
    r->values = values;
    ein_status status = EIN_NEW(r->at, plan->n);
    for (int i = 0; status == EIN_OK && i < plan->n; i++) r->at[i].loaded = -1;
    if (status == EIN_OK) status = load_problems(r);
    if (status == EIN_OK)
        *out = r;
    else
        ein_score_rows_close(r);
    return status;
}

void ein_score_rows_close(ein_score_rows *r) {
    if (!r) return;
    for (int i = 0; r->at && i < r->plan->n; i++) ein_score_block_free(&r->at[i].block);
    free(r->at);
    free(r->text);
    free(r->problem);
    free(r);
}

static ein_status load_block(ein_score_rows *r, int part, int64_t block) {
    const ein_score_part *p = &r->plan->part[part];
    cursor *c = &r->at[part];
    char path[PATH_MAX];
    int64_t first, n;
    if (c->loaded == block) return EIN_OK;
    ein_score_block_free(&c->block);
    c->loaded = -1;
    ein_claims_block_path(r->folder, block, path, sizeof path);
    ein_score_part_block(p, block, &first, &n);
    EIN_TRY(ein_score_block_read(path, p->hash, n, r->values, &c->block));
    c->loaded = block;
    return EIN_OK;
}

static ein_status take_row(ein_score_rows *r, int part, ein_score_row *row) {
    const ein_score_part *p = &r->plan->part[part];
    cursor *c = &r->at[part];
    const int64_t count = p->sources.count[c->source], input = p->first[c->source] + c->record;
    const int64_t block = p->first_block + input / p->block, within = input % p->block;
    *row = (ein_score_row){.path = ein_texts_get(&p->sources.path, c->source),
                           .record = count > 0 ? c->record : -1};
    if (r->values >= 0) {
        EIN_TRY(load_block(r, part, block));
        row->result = &c->block.record[within];
        row->value = c->block.value + within * c->block.values;
    }
    if (++c->record >= count) {
        c->record = 0;
        c->source++;
    }
    return EIN_OK;
}

ein_status ein_score_rows_next(ein_score_rows *r, ein_score_row *row, bool *more) {
    const problem *trouble = problem_of(r);
    const char *first = NULL;
    int part = -1;
    for (int i = 0; i < r->plan->n; i++) {
        const char *path = source_of(r, i);
        if (path && (!first || strcmp(path, first) < 0)) {
            first = path;
            part = i;
        }
    }
    *more = first || trouble;
    if (trouble && (!first || strcmp(trouble->path, first) < 0)) {
        r->of_problem = (ein_score_record){.status = (uint8_t)trouble->status};
        snprintf(r->of_problem.reason, sizeof r->of_problem.reason, "%s", trouble->reason);
        *row = (ein_score_row){.path = trouble->path, .record = -1, .result = &r->of_problem};
        r->next_problem++;
        return EIN_OK;
    }
    return part >= 0 ? take_row(r, part, row) : EIN_OK;
}
