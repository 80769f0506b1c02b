/* Figures that are no counts: judged for dominance and for degrees of freedom, and withheld as null. */
#include <math.h>
#include <stdlib.h>

#include "core/stats/components.h"
#include "core/stats/roc.h"
#include "jobs/sites/build.h"

static json_t *known(double x) {
    return isfinite(x) ? json_real(x) : json_null();
}

static void class_weights(double *positive, double *negative, const ein_site_cases *c) {
    ein_sum sum[2] = {{0, 0}};
    for (int64_t i = 0; i < c->n; i++) ein_sum_add(&sum[c->label[i]], c->weight[i]);
    *negative = ein_sum_value(sum[0]);
    *positive = ein_sum_value(sum[1]);
}

bool ein_site_may_fit(const ein_site_build *b, const ein_site_cases *c, int n_statistics) {
    double positive, negative;
    class_weights(&positive, &negative, c);
    return ein_release_degrees(fmin(positive, negative), n_statistics, b->rules) == EIN_RELEASE_GRANTED;
}

/* --- sums over patients --------------------------------------------------------------------------------------- */

/* Patients of the records as numbers from 0, and room for one contribution each. */
typedef struct {
    int64_t *index, n_clusters;
    double *contribution, *x;
    uint8_t *member;
} people;

static ein_status people_new(people *p, const ein_site_cases *c) {
    int64_t largest;
    *p = (people){0};
    EIN_TRY(EIN_NEW(p->index, c->n + 1));
    EIN_TRY(ein_stats_clusters(p->index, &p->n_clusters, &largest, c->patient, c->n));
    EIN_TRY(EIN_NEW(p->contribution, p->n_clusters + 1));
    EIN_TRY(EIN_NEW(p->x, c->n + 1));
    return EIN_NEW(p->member, c->n + 1);
}

static void people_free(people *p) {
    free(p->index);
    free(p->contribution);
    free(p->x);
    free(p->member);
}

/* Sum of .x over .member; *good becomes false if two patients dominate it. */
static double sum_of(people *p, const ein_site_build *b, int64_t n, bool *good) {
    ein_sum sum = {0, 0};
    ein_release_contributions(p->contribution, p->n_clusters, p->x, p->index, p->member, n);
    *good = *good && ein_release_sum(p->contribution, p->n_clusters, b->rules) == EIN_RELEASE_GRANTED;
    for (int64_t i = 0; i < n; i++)
        if (p->member[i]) ein_sum_add(&sum, p->x[i]);
    return ein_sum_value(sum);
}

/* Whether what .x adds over .member to its own mean comes from enough patients. */
static bool is_spread(people *p, const ein_site_build *b, int64_t n, bool about_mean) {
    double sum = 0, count = 0;
    for (int64_t i = 0; about_mean && i < n; i++) {
        sum += p->member[i] ? p->x[i] : 0;
        count += p->member[i];
    }
    for (int64_t i = 0; count > 0 && i < n; i++) p->x[i] -= sum / count;
    ein_release_contributions(p->contribution, p->n_clusters, p->x, p->index, p->member, n);
    return ein_release_spread(p->contribution, p->n_clusters, b->rules) == EIN_RELEASE_GRANTED;
}

/* --- calibration ---------------------------------------------------------------------------------------------- */

static bool calibration_bin(people *w, const ein_site_build *b, const ein_site_cases *c,
                            const ein_site_bins *bins, const double *p, int bin, json_t *const list[3]) {
    bool good = true;
    for (int s = 0; s < 3; s++) {
        for (int64_t i = 0; i < c->n; i++) {
            w->member[i] = bins->bin[i] == bin && (s < 2 || c->label[i] == 1);
            w->x[i] = s == 1 ? p[i] * p[i] : p[i];
        }
        json_array_append_new(list[s], json_real(sum_of(w, b, c->n, &good)));
        good = good && is_spread(w, b, c->n, true);
    }
    return good;
}

ein_status ein_site_calibration(json_t **out, const ein_site_build *b, const ein_site_cases *c,
                                const ein_site_bins *bins, const double *p) {
    people w;
    json_t *const list[3] = {json_array(), json_array(), json_array()};
    ein_status status = people_new(&w, c);
    bool good = status == EIN_OK;
    for (int64_t i = 0; i < c->n; i++) good = good && p[i] >= 0 && p[i] <= 1;
    for (int k = 0; good && k < bins->n_joined; k++) good = calibration_bin(&w, b, c, bins, p, k, list);
    people_free(&w);
    *out = good ? json_pack("{s:O, s:O, s:O}", "p", list[0], "p2", list[1], "py", list[2]) : json_null();
    for (int s = 0; s < 3; s++) json_decref(list[s]);
    return status == EIN_OK && !*out ? ein_error(EIN_NOMEM, "no memory for calibration sums") : status;
}

/* --- AUROCs --------------------------------------------------------------------------------------------------- */

/* Placements in bins, of which the counts are known; NULL: all records in one. */
static ein_status place_in_bins(double *placement, const ein_site_cases *c, const int *bin, int n_bins) {
    int64_t *count = NULL;
    int *of = NULL;
    ein_status status = EIN_NEW(count, 2 * n_bins);
    if (status == EIN_OK) status = EIN_NEW(of, c->n + 1);
    for (int64_t i = 0; status == EIN_OK && i < c->n; i++) {
        of[i] = bin ? bin[i] : 0;
        count[c->label[i] * n_bins + of[i]]++;
    }
    if (status == EIN_OK)
        status = ein_components_place(placement, count + n_bins, count, n_bins, of, c->label, c->n);
    free(count);
    free(of);
    return status;
}

/* What the score tells beyond its bins must come from enough patients of each class. Adds to `apart` (n). */
static ein_status add_deviation(double *apart, const ein_site_cases *c, const double *score, const int *bin,
                                int n_bins, double sign) {
    double *exact = NULL, *binned = NULL;
    int64_t twice_u;
    ein_status status = EIN_NEW(exact, c->n + 1);
    if (status == EIN_OK) status = EIN_NEW(binned, c->n + 1);
    if (status == EIN_OK) status = ein_roc_placements(exact, &twice_u, score, c->label, c->n);
    if (status == EIN_OK) status = place_in_bins(binned, c, bin, n_bins);
    for (int64_t i = 0; status == EIN_OK && i < c->n; i++) apart[i] += sign * (exact[i] - binned[i]);
    free(exact);
    free(binned);
    return status;
}

static ein_status judge_deviation(bool *good, const ein_site_build *b, const ein_site_cases *c,
                                  const double *apart) {
    people w;
    const ein_status status = people_new(&w, c);
    for (int y = 0; status == EIN_OK && y < 2; y++) {
        for (int64_t i = 0; i < c->n; i++) {
            w.member[i] = c->label[i] == y;
            w.x[i] = apart[i];
        }
        *good = *good && is_spread(&w, b, c->n, false);
    }
    people_free(&w);
    return status;
}

ein_status ein_site_score_spreads(bool *good, const ein_site_build *b, const ein_site_cases *c,
                                  const ein_site_score *first, const ein_site_score *second) {
    *good = true;
    for (int k = 0; k < 2; k++) { /* beyond all records in one bin, and beyond the joined bins */
        double *apart;
        EIN_TRY(EIN_NEW(apart, c->n + 1));
        ein_status status =
            add_deviation(apart, c, first->score, k ? first->bin : NULL, k ? first->n_bins : 1, 1);
        if (status == EIN_OK && second)
            status =
                add_deviation(apart, c, second->score, k ? second->bin : NULL, k ? second->n_bins : 1, -1);
        if (status == EIN_OK) status = judge_deviation(good, b, c, apart);
        free(apart);
        EIN_TRY(status);
        if (!first->bin || (second && !second->bin)) break;
    }
    return EIN_OK;
}

ein_status ein_site_auroc(json_t **out, const ein_site_build *b, const ein_site_cases *c,
                          const ein_site_score *one, const ein_site_score *other) {
    const double *first = one->score, *second = other ? other->score : NULL;
    bool good;
    EIN_TRY(ein_site_score_spreads(&good, b, c, one, other));
    if (!good) {
        *out = json_null();
        return EIN_OK;
    }
    double value = NAN, variance[2] = {NAN, NAN};
    static const ein_roc_variance kind[] = {EIN_ROC_DELONG, EIN_ROC_CLUSTERED};
    for (int k = 0; k < 2; k++) {
        ein_roc_options options = EIN_ROC_DEFAULTS;
        options.variance = kind[k];
        if (second) {
            ein_roc_comparison r;
            EIN_TRY(ein_roc_compare_paired(&r, first, second, c->label, c->patient, c->n, options));
            value = r.difference.value;
            variance[k] = r.difference.variance;
        } else {
            ein_roc_result r;
            EIN_TRY(ein_roc_auc(&r, first, c->label, c->patient, c->n, options));
            value = r.auc.value;
            variance[k] = r.auc.variance;
        }
    }
    *out = isfinite(value) ? json_pack("{s:f, s:o, s:o}", "value", value, "delong", known(variance[0]),
                                       "clustered", known(variance[1]))
                           : json_null();
    return *out ? EIN_OK : ein_error(EIN_NOMEM, "no memory for an AUROC");
}

/* --- round 2 -------------------------------------------------------------------------------------------------- */

/* V10 over positives and V01 over negatives, and their squares: none may be two patients'. */
static bool may_sum(people *w, const ein_site_build *b, const ein_site_cases *c, const double *placement) {
    bool good = true;
    for (int s = 0; s < 4; s++) {
        for (int64_t i = 0; i < c->n; i++) {
            w->member[i] = c->label[i] == (s < 2);
            w->x[i] = s % 2 ? placement[i] * placement[i] : placement[i];
        }
        sum_of(w, b, c->n, &good);
    }
    return good;
}

ein_status ein_site_sums(json_t **out, const ein_site_build *b, const ein_site_cases *c,
                         const double *placement, bool with_patients) {
    people w;
    ein_placement_sums s;
    ein_status status = people_new(&w, c);
    const bool good = status == EIN_OK && may_sum(&w, b, c, placement);
    people_free(&w);
    *out = json_null();
    if (status != EIN_OK || !good) return status;
    EIN_TRY(ein_components_sum(&s, placement, c->label, c->patient, c->n));
    json_t *clusters = with_patients ? json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "xx",
                                                 s.xx, "xm", s.xm, "mm", s.mm, "yy", s.yy, "yn", s.yn, "nn",
                                                 s.nn, "xy", s.xy, "xn", s.xn, "my", s.my, "mn", s.mn)
                                     : json_null();
    *out = json_pack("{s:f, s:f, s:f, s:f, s:o}", "v10", s.v10, "v10_squared", s.v10_squared, "v01", s.v01,
                     "v01_squared", s.v01_squared, "clusters", clusters);
    return *out ? EIN_OK : ein_error(EIN_NOMEM, "no memory for sums of placements");
}

/* --- patients ------------------------------------------------------------------------------------------------- */

static bool none_or_cell(int64_t n, const ein_site_build *b) {
    return n == 0 || ein_release_cell((double)n, b->rules) == EIN_RELEASE_GRANTED;
}

ein_status ein_site_patients(json_t **out, const ein_site_build *b, const ein_site_cases *c) {
    people w;
    int64_t *m, positive = 0, negative = 0, both = 0, repeat[2] = {0, 0};
    ein_status status = people_new(&w, c);
    if (status == EIN_OK) status = EIN_NEW(m, 2 * w.n_clusters + 2);
    if (status != EIN_OK) {
        people_free(&w);
        return status;
    }
    for (int64_t i = 0; i < c->n; i++) m[2 * w.index[i] + c->label[i]]++;
    for (int64_t k = 0; k < w.n_clusters; k++) {
        negative += m[2 * k] > 0;
        positive += m[2 * k + 1] > 0;
        both += m[2 * k] > 0 && m[2 * k + 1] > 0;
        for (int y = 0; y < 2; y++) repeat[y] += m[2 * k + y] > 1;
    }
    const bool good = none_or_cell(both, b) && none_or_cell(positive - both, b) &&
                      none_or_cell(negative - both, b) && none_or_cell(repeat[0], b) &&
                      none_or_cell(repeat[1], b) && none_or_cell(positive - repeat[1], b) &&
                      none_or_cell(negative - repeat[0], b);
    *out = good ? json_pack("{s:I, s:I, s:I}", "positive", (json_int_t)positive, "negative",
                            (json_int_t)negative, "either", (json_int_t)w.n_clusters)
                : json_null();
    free(m);
    people_free(&w);
    return *out ? EIN_OK : ein_error(EIN_NOMEM, "no memory for numbers of patients");
}

/* --- measured quantities -------------------------------------------------------------------------------------- */

ein_status ein_site_quantity(json_t **out, ein_site_build *b, const ein_site_cases *c,
                             const double *predicted) {
    enum { SUMS = 6 };
    people w;
    double sum[SUMS], persons = 0;
    ein_status status = people_new(&w, c);
    bool good = status == EIN_OK;
    for (int64_t i = 0; i < c->n; i++) persons += c->weight[i];
    good = good && ein_release_cell(persons, b->rules) == EIN_RELEASE_GRANTED &&
           ein_release_degrees(persons, (int64_t)SUMS * b->plan->n_models, b->rules) == EIN_RELEASE_GRANTED;
    for (int s = 0; good && s < SUMS; s++) {
        for (int64_t i = 0; i < c->n; i++) {
            const double y = c->measured[i], p = predicted[i];
            const double x[SUMS] = {y, y * y, p, p * p, y * p, fabs(p - y)};
            w.member[i] = 1;
            w.x[i] = x[s];
        }
        sum[s] = sum_of(&w, b, c->n, &good);
        good = good && isfinite(sum[s]) && is_spread(&w, b, c->n, true);
    }
    people_free(&w);
    *out = good ? json_pack("{s:I, s:f, s:f, s:f, s:f, s:f, s:f}", "n", (json_int_t)c->n, "measured", sum[0],
                            "measured2", sum[1], "predicted", sum[2], "predicted2", sum[3], "product", sum[4],
                            "absolute", sum[5])
                : json_null();
    return status;
}
