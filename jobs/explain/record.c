/* Attributions of one record, and how much they can be trusted. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"
#include "core/stats/common.h"
#include "jobs/explain/record.h"

enum { BATCH = 8 };

const char *ein_explain_method_name(ein_explain_method method) {
    static const char *const names[] = {"occlusion", "gradient", "integrated", "rollout"};
    return names[method];
}

static int64_t cells_of(const ein_vit_shape *s) {
    return (int64_t)s->leads * ein_vit_patches(s);
}

int64_t ein_explain_row_values(const ein_vit_shape *s) {
    return 3 + s->leads + ein_vit_patches(s) + EIN_EXPLAIN_METHODS * (cells_of(s) + 1) +
           2 * (EIN_EXPLAIN_METHODS + 1) * EIN_EXPLAIN_POINTS;
}

ein_explain_row ein_explain_row_at(double *v, const ein_vit_shape *s) {
    ein_explain_row row = {.f = v[0], .empty = v[1], .gap = v[2]};
    row.lead = v + 3;
    row.time = row.lead + s->leads;
    row.cell = row.time + ein_vit_patches(s);
    row.alike = row.cell + EIN_EXPLAIN_METHODS * cells_of(s);
    row.deletion = row.alike + EIN_EXPLAIN_METHODS;
    row.insertion = row.deletion + (EIN_EXPLAIN_METHODS + 1) * EIN_EXPLAIN_POINTS;
    return row;
}

ein_status ein_explain_room_new(ein_explain_room *room, const ein_explain_model *model) {
    const int64_t cells = cells_of(&model->layout->shape);
    *room = (ein_explain_room){.work = NULL};
    ein_status status = ein_attribution_new(model->layout, BATCH, &room->work);
    if (status == EIN_OK) status = EIN_NEW(room->order, cells);
    if (status == EIN_OK) status = EIN_NEW(room->value, 4 * cells);
    if (status == EIN_OK) status = EIN_NEW(room->permutation, cells);
    if (status == EIN_OK) ein_attribution_explain(room->work, model->direction);
    return status;
}

void ein_explain_room_free(ein_explain_room *room) {
    ein_attribution_destroy(room->work);
    free(room->order);
    free(room->value);
    free(room->permutation);
    *room = (ein_explain_room){.work = NULL};
}

/* Every method's cells by the weights that the room has now. */
static void explain(const ein_explain_model *m, ein_explain_room *room, double *cell,
                    const ein_explain_row *row, double *gap, const float *x) {
    const int L = m->layout->shape.leads, N = ein_vit_patches(&m->layout->shape);
    double *rollout = cell + (int64_t)EIN_EXPLAIN_ROLLOUT * L * N;
    if (m->wanted[EIN_EXPLAIN_OCCLUSION])
        attribution_occlusion(room->work, cell, row ? row->lead : NULL, row ? row->time : NULL, x);
    if (m->wanted[EIN_EXPLAIN_GRADIENT]) attribution_gradient(room->work, cell + L * N, x);
    if (m->wanted[EIN_EXPLAIN_INTEGRATED])
        attribution_integrated(room->work, cell + 2 * L * N, gap, x, m->steps);
    if (!m->wanted[EIN_EXPLAIN_ROLLOUT]) return;
    attribution_rollout(room->work, rollout, x);
    for (int lead = L - 1; lead >= 0; lead--)
        for (int n = 0; n < N; n++) rollout[lead * N + n] = rollout[n] / (lead > 0 ? L : 1);
    for (int n = 0; n < N; n++) rollout[n] /= L;
}

/* --- random weights ------------------------------------------------------------------------------------ */

static double correlation(const double *a, const double *b, int64_t n) {
    double ab = 0, aa = 0, bb = 0;
    const double mean = (double)(n + 1) / 2; /* of ranks */
    for (int64_t i = 0; i < n; i++) {
        ab += (a[i] - mean) * (b[i] - mean);
        aa += (a[i] - mean) * (a[i] - mean);
        bb += (b[i] - mean) * (b[i] - mean);
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : NAN;
}

/* Spearman's correlation of magnitudes. */
static ein_status compare(double *out, const double *a, const double *b, int64_t n, double *rank) {
    double *magnitude = rank + 2 * n;
    for (int64_t i = 0; i < n; i++) magnitude[i] = fabs(a[i]);
    EIN_TRY(ein_stats_midranks(rank, magnitude, n));
    for (int64_t i = 0; i < n; i++) magnitude[i] = fabs(b[i]);
    EIN_TRY(ein_stats_midranks(rank + n, magnitude, n));
    *out = correlation(rank, rank + n, n);
    return EIN_OK;
}

static ein_status check_weights(const ein_explain_model *m, ein_explain_room *room,
                                const ein_explain_row *row, const float *x) {
    const int64_t cells = cells_of(&m->layout->shape);
    double *other;
    EIN_TRY(EIN_NEW(other, EIN_EXPLAIN_METHODS * cells));
    ein_attribution_weights(room->work, m->other, m->other_packed);
    explain(m, room, other, NULL, NULL, x);
    ein_attribution_weights(room->work, m->param, m->packed);
    ein_status status = EIN_OK;
    for (int k = 0; k < EIN_EXPLAIN_METHODS && status == EIN_OK; k++)
        if (m->wanted[k])
            status = compare(&row->alike[k], row->cell + k * cells, other + k * cells, cells, room->value);
    free(other);
    return status;
}

/* --- curves -------------------------------------------------------------------------------------------- */

/* The cells that speak most for f first. */
static ein_status order_of(int32_t *order, const double *cell, int64_t n, double *negative, int64_t *sorted) {
    for (int64_t i = 0; i < n; i++) negative[i] = -cell[i];
    EIN_TRY(ein_stats_order(sorted, negative, n));
    for (int64_t i = 0; i < n; i++) order[i] = (int32_t)sorted[i];
    return EIN_OK;
}

static void random_curves(const ein_explain_model *m, ein_explain_room *room, double *deletion,
                          double *insertion, const float *x, int64_t record) {
    const int64_t cells = cells_of(&m->layout->shape);
    for (int p = 0; p < EIN_EXPLAIN_POINTS; p++) deletion[p] = insertion[p] = 0;
    for (int k = 0; k < EIN_EXPLAIN_ORDERS; k++) {
        double one[2 * EIN_EXPLAIN_POINTS];
        ein_permutation(m->seed, EIN_DRAW_SHUFFLE, (uint64_t)(record * EIN_EXPLAIN_ORDERS + k), cells,
                        room->permutation);
        for (int64_t i = 0; i < cells; i++) room->order[i] = (int32_t)room->permutation[i];
        attribution_curves(room->work, one, one + EIN_EXPLAIN_POINTS, EIN_EXPLAIN_POINTS, room->order, x);
        for (int p = 0; p < EIN_EXPLAIN_POINTS; p++) {
            deletion[p] += one[p] / EIN_EXPLAIN_ORDERS;
            insertion[p] += one[EIN_EXPLAIN_POINTS + p] / EIN_EXPLAIN_ORDERS;
        }
    }
}

static ein_status check_order(const ein_explain_model *m, ein_explain_room *room, const ein_explain_row *row,
                              const float *x, int64_t record) {
    const int64_t cells = cells_of(&m->layout->shape);
    const int P = EIN_EXPLAIN_POINTS;
    for (int k = 0; k < EIN_EXPLAIN_METHODS; k++) {
        if (!m->wanted[k]) continue;
        EIN_TRY(order_of(room->order, row->cell + k * cells, cells, room->value, room->permutation));
        attribution_curves(room->work, row->deletion + k * P, row->insertion + k * P, P, room->order, x);
    }
    random_curves(m, room, row->deletion + EIN_EXPLAIN_METHODS * P, row->insertion + EIN_EXPLAIN_METHODS * P,
                  x, record);
    return EIN_OK;
}

ein_status ein_explain_record(double *values, ein_explain_room *room, const ein_explain_model *m,
                              const float *x, int64_t record) {
    const ein_vit_shape *s = &m->layout->shape;
    const ein_explain_row row = ein_explain_row_at(values, s);
    float *nothing;
    for (int64_t i = 0; i < ein_explain_row_values(s); i++) values[i] = NAN;
    EIN_TRY(EIN_NEW(nothing, (int64_t)s->leads * s->samples));
    ein_attribution_weights(room->work, m->param, m->packed);
    values[0] = ein_attribution_value(room->work, x) + m->offset;
    values[1] = ein_attribution_value(room->work, nothing) + m->offset;
    free(nothing);
    explain(m, room, row.cell, &row, &values[2], x);
    if (!m->checks) return EIN_OK;
    EIN_TRY(check_weights(m, room, &row, x));
    return check_order(m, room, &row, x, record);
}
