#include "jobs/sites/mock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/elementary.h"
#include "io/formats/csv.h"

enum {
    MOST_COLUMNS = 2 + EIN_PLAN_MOST_TASKS * (1 + EIN_PLAN_MOST_MODELS) + EIN_PLAN_MOST_GROUPINGS +
                   EIN_PLAN_MOST_CRITERIA
};

typedef enum { RECORD, PATIENT, LABEL, MEASURED, SCORE, NUMBER, CHOICE } kind;

typedef struct {
    const char *name;
    kind what;
    int task;
    double low, high;     /* NUMBER */
    const json_t *values; /* CHOICE */
    const ein_plan_grouping *groups;
} column;

typedef struct {
    const ein_plan *plan;
    int n;
    column column[MOST_COLUMNS];
    uint64_t state;
} mock;

/* splitmix64 over the plan's hash: everything follows from the plan. */
static double uniform(mock *m) {
    uint64_t x = m->state += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return (double)((x ^ (x >> 31)) >> 11) / 9007199254740992.0;
}

static column *find(mock *m, const char *name) {
    for (int i = 0; i < m->n; i++)
        if (!strcmp(m->column[i].name, name)) return &m->column[i];
    return NULL;
}

static void add(mock *m, column c) {
    if (!find(m, c.name)) m->column[m->n++] = c;
}

static void add_criterion(mock *m, const ein_plan_criterion *c) {
    const double low = isnan(c->at_least) ? c->below - 100 : c->at_least;
    const double high = isnan(c->below) ? low + 80 : c->below;
    if (c->values)
        add(m, (column){.name = c->column, .what = CHOICE, .values = c->values});
    else /* a little beyond, so that somebody is outside */
        add(m, (column){.name = c->column,
                        .what = NUMBER,
                        .low = low - 0.05 * (high - low),
                        .high = high + 0.05 * (high - low)});
}

static void add_grouping(mock *m, const ein_plan_grouping *g) {
    if (g->n_cuts == 0) {
        add(m, (column){.name = g->column, .what = CHOICE, .groups = g});
        return;
    }
    const double first = g->cut[0], last = g->cut[g->n_cuts - 1], width = fmax(last - first, 20);
    column *c = find(m, g->column);
    if (c && c->what == NUMBER) {
        c->low = fmin(c->low, first - width / 2);
        c->high = fmax(c->high, last + width / 2);
    }
    add(m, (column){.name = g->column, .what = NUMBER, .low = first - width / 2, .high = last + width / 2});
}

static void lay_out(mock *m) {
    const ein_plan *p = m->plan;
    add(m, (column){.name = p->record, .what = RECORD});
    add(m, (column){.name = p->patient, .what = PATIENT});
    for (int c = 0; c < p->n_criteria; c++) add_criterion(m, &p->criterion[c]);
    for (int g = 0; g < p->n_groupings; g++) add_grouping(m, &p->grouping[g]);
    for (int t = 0; t < p->n_tasks; t++)
        add(m, (column){.name = p->task[t].label, .what = p->task[t].quantity ? MEASURED : LABEL, .task = t});
    for (int t = 0; t < p->n_tasks; t++)
        for (int k = 0; k < p->n_models; k++)
            add(m, (column){.name = p->task[t].score[k], .what = SCORE, .task = t});
}

/* --- cells
 * ------------------------------------------------------------------------------------------------------------ */

static const char *choose(mock *m, const column *c) {
    const double u = uniform(m);
    if (u < 0.03) return "";
    if (c->groups) return c->groups->value[(int)(u * c->groups->n_groups)];
    return json_string_value(json_array_get(c->values, (size_t)(u * (double)json_array_size(c->values))));
}

/* A score within the task's edges, or like a measured quantity. */
static double score_of(mock *m, const ein_plan_task *t, double truth) {
    const double noise = uniform(m) + uniform(m) + uniform(m) - 1.5;
    if (t->quantity) return truth + 8 * noise;
    const double low = t->edge[0], high = t->edge[t->n_edges - 1], step = (high - low) / t->n_edges;
    const double x = ein_logistic(1.2 * truth + 1.8 * noise - 0.6);
    return low - step + x * (high - low + 2 * step);
}

static void put_row(mock *m, ein_csv_writer *csv, int record, int patient) {
    double truth[EIN_PLAN_MOST_TASKS];
    char text[64];
    for (int t = 0; t < m->plan->n_tasks; t++)
        truth[t] = m->plan->task[t].quantity ? 30 + 40 * uniform(m) : uniform(m) < 0.3;
    for (int i = 0; i < m->n; i++) {
        const column *c = &m->column[i];
        switch (c->what) {
        case RECORD:
        case PATIENT:
            snprintf(text, sizeof text, "SYNTHETIC-%c%06d", c->what == RECORD ? 'R' : 'P',
                     c->what == RECORD ? record : patient);
            ein_csv_put(csv, text);
            break;
        case LABEL:
            if (uniform(m) < 0.02)
                ein_csv_put(csv, "");
            else
                ein_csv_put_int(csv, (int64_t)truth[c->task]);
            break;
        case MEASURED:
            ein_csv_put_real(csv, truth[c->task]);
            break;
        case SCORE:
            ein_csv_put_real(csv, score_of(m, &m->plan->task[c->task], truth[c->task]));
            break;
        case NUMBER:
            ein_csv_put_real(csv, round(10 * (c->low + (c->high - c->low) * uniform(m))) / 10);
            break;
        case CHOICE:
            ein_csv_put(csv, choose(m, c));
        }
    }
    ein_csv_end_row(csv);
}

ein_status ein_site_mock(const char *path, const ein_plan *plan, int records) {
    mock *m;
    const char *names[MOST_COLUMNS];
    ein_csv_writer *csv = NULL;
    if (plan->model[0].hash)
        return ein_error(
            EIN_USAGE,
            "--mock makes tables; a plan with model files is rehearsed on ECGs: einthoven synth --out "
            "mock, einthoven ingest, and evaluate --plan with that corpus");
    EIN_TRY(EIN_NEW(m, 1));
    m->plan = plan;
    m->state = strtoull((const char[17]){plan->file.hash[0], plan->file.hash[1], plan->file.hash[2],
                                         plan->file.hash[3], plan->file.hash[4], plan->file.hash[5],
                                         plan->file.hash[6], plan->file.hash[7], 0},
                        NULL, 16);
    lay_out(m);
    for (int i = 0; i < m->n; i++) names[i] = m->column[i].name;
    ein_status status = ein_csv_create(path, names, m->n, &csv);
    int patient = 0;
    for (int r = 0; status == EIN_OK && r < records; r++) {
        if (uniform(m) < 0.8) patient++;
        put_row(m, csv, r + 1, patient);
    }
    free(m);
    const ein_status closed = ein_csv_finish(csv, status == EIN_OK);
    return status == EIN_OK ? closed : status;
}
