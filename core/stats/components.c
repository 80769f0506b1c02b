#include "core/stats/components.h"

#include <stdlib.h>

void ein_components_bins(ein_bin_placement *place, const int64_t *pooled_positive,
                         const int64_t *pooled_negative, int n_bins, int64_t p, int64_t q) {
    int64_t below = 0, above = p;
    for (int b = 0; b < n_bins; b++) {
        above -= pooled_positive[b];
        place[b].v10 = ((double)below + 0.5 * (double)pooled_negative[b]) / (double)q;
        place[b].v01 = ((double)above + 0.5 * (double)pooled_positive[b]) / (double)p;
        below += pooled_negative[b];
    }
}

ein_status ein_components_place(double *placement, const int64_t *pooled_positive,
                                const int64_t *pooled_negative, int n_bins, const int *bin,
                                const int8_t *label, int64_t n) {
    ein_bin_placement *place = NULL;
    int64_t p = 0, q = 0;
    for (int b = 0; b < n_bins; b++) {
        p += pooled_positive[b];
        q += pooled_negative[b];
    }
    if (p <= 0 || q <= 0)
        return ein_error(EIN_RANGE,
                         "pooled counts of %lld positives and %lld negatives: placements need both classes",
                         (long long)p, (long long)q);
    EIN_TRY(EIN_NEW(place, n_bins));
    ein_components_bins(place, pooled_positive, pooled_negative, n_bins, p, q);
    for (int64_t i = 0; i < n; i++) placement[i] = label[i] ? place[bin[i]].v10 : place[bin[i]].v01;
    free(place);
    return EIN_OK;
}

typedef struct {
    ein_sum x, y;
    int64_t m, n;
} patient;

static void add_patients(ein_placement_sums *out, const patient *who, int64_t n_clusters) {
    ein_sum s[10] = {{0, 0}};
    for (int64_t i = 0; i < n_clusters; i++) {
        const double x = ein_sum_value(who[i].x), y = ein_sum_value(who[i].y), m = (double)who[i].m,
                     n = (double)who[i].n;
        const double product[10] = {x * x, x * m, m * m, y * y, y * n, n * n, x * y, x * n, m * y, m * n};
        for (int j = 0; j < 10; j++) ein_sum_add(&s[j], product[j]);
        out->n_clusters_positive += who[i].m > 0;
        out->n_clusters_negative += who[i].n > 0;
    }
    out->n_clusters = n_clusters;
    double *const to[10] = {&out->xx, &out->xm, &out->mm, &out->yy, &out->yn,
                            &out->nn, &out->xy, &out->xn, &out->my, &out->mn};
    for (int j = 0; j < 10; j++) *to[j] = ein_sum_value(s[j]);
}

ein_status ein_components_sum(ein_placement_sums *out, const double *placement, const int8_t *label,
                              const uint64_t *cluster, int64_t n) {
    int64_t *index = NULL, n_clusters, largest;
    patient *who = NULL;
    ein_sum s[4] = {{0, 0}};
    *out = (ein_placement_sums){0};
    EIN_TRY(ein_stats_check_labels(&out->n_positive, &out->n_negative, label, n));
    EIN_TRY(ein_stats_check_finite(placement, n, "placement"));
    ein_status status = EIN_NEW(index, n + 1);
    if (status == EIN_OK) status = ein_stats_clusters(index, &n_clusters, &largest, cluster, n);
    if (status == EIN_OK) status = EIN_NEW(who, n_clusters + 1);
    for (int64_t i = 0; status == EIN_OK && i < n; i++) {
        patient *w = &who[index[i]];
        ein_sum_add(&s[label[i] ? 0 : 2], placement[i]);
        ein_sum_add(&s[label[i] ? 1 : 3], placement[i] * placement[i]);
        ein_sum_add(label[i] ? &w->x : &w->y, placement[i]);
        *(label[i] ? &w->m : &w->n) += 1;
    }
    if (status == EIN_OK) {
        out->v10 = ein_sum_value(s[0]);
        out->v10_squared = ein_sum_value(s[1]);
        out->v01 = ein_sum_value(s[2]);
        out->v01_squared = ein_sum_value(s[3]);
        add_patients(out, who, n_clusters);
    }
    free(index);
    free(who);
    return status;
}

ein_components_result ein_components_result_of(const ein_placement_sums *s) {
    const double p = (double)s->n_positive, q = (double)s->n_negative, i10 = (double)s->n_clusters_positive,
                 i01 = (double)s->n_clusters_negative, all = (double)s->n_clusters;
    ein_components_result r = {NAN, NAN, NAN};
    if (s->n_positive < 1 || s->n_negative < 1) return r;
    const double a = r.value = s->v10 / p;
    if (s->n_positive > 1 && s->n_negative > 1)
        r.delong = (s->v10_squared - p * a * a) / ((p - 1) * p) +
                   (s->v01_squared - 2 * a * s->v01 + q * a * a) / ((q - 1) * q);
    if (s->n_clusters_positive < 2 || s->n_clusters_negative < 2) return r;
    const double x = s->xx - 2 * a * s->xm + a * a * s->mm, y = s->yy - 2 * a * s->yn + a * a * s->nn;
    const double xy = s->xy - a * s->xn - a * s->my + a * a * s->mn;
    r.clustered =
        i10 / (i10 - 1) * x / (p * p) + i01 / (i01 - 1) * y / (q * q) + 2 * all / (all - 1) * xy / (p * q);
    return r;
}

void ein_placement_sums_add(ein_placement_sums *into, const ein_placement_sums *from) {
    into->n_positive += from->n_positive;
    into->n_negative += from->n_negative;
    into->n_clusters += from->n_clusters;
    into->n_clusters_positive += from->n_clusters_positive;
    into->n_clusters_negative += from->n_clusters_negative;
    into->v10 += from->v10;
    into->v10_squared += from->v10_squared;
    into->v01 += from->v01;
    into->v01_squared += from->v01_squared;
    into->xx += from->xx;
    into->xm += from->xm;
    into->mm += from->mm;
    into->yy += from->yy;
    into->yn += from->yn;
    into->nn += from->nn;
    into->xy += from->xy;
    into->xn += from->xn;
    into->my += from->my;
    into->mn += from->mn;
}
