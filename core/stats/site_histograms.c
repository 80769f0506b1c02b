#include "core/stats/site_histograms.h"

#include <limits.h>
#include <stdlib.h>

#include "core/base/elementary.h"
#include "core/stats/noise.h"

static int end_of(const ein_site_histogram *s, int bin) {
    return bin + 1 < s->n_bins ? s->first[bin + 1] : INT_MAX;
}

/* Pairs of a positive of s and a negative of t: in order, and in overlapping bins. Whether any does not overlap. */
static bool count_pairs(double *ordered, double *overlap, const ein_site_histogram *s,
                        const ein_site_histogram *t) {
    bool told = false;
    for (int i = 0; i < s->n_bins; i++)
        for (int j = 0; j < t->n_bins; j++) {
            const double pairs = (double)s->positive[i] * (double)t->negative[j];
            const bool apart = end_of(t, j) <= s->first[i] || t->first[j] >= end_of(s, i);
            if (end_of(t, j) <= s->first[i])
                *ordered += pairs;
            else if (!apart)
                *overlap += pairs;
            told |= apart && pairs > 0;
        }
    return told;
}

void ein_site_histograms_auc(ein_stats_value *auc, ein_stats_value *bound, const ein_site_histogram *site,
                             int n_sites) {
    double p = 0, q = 0, ordered = 0, overlap = 0;
    bool told = false; /* the order of some pair */
    for (int s = 0; s < n_sites; s++) {
        double own_p = 0, own_q = 0;
        for (int b = 0; b < site[s].n_bins; b++) {
            own_p += (double)site[s].positive[b];
            own_q += (double)site[s].negative[b];
        }
        for (int t = 0; t < n_sites; t++)
            if (t != s || isnan(site[s].own_auc)) told |= count_pairs(&ordered, &overlap, &site[s], &site[t]);
        if (!isnan(site[s].own_auc)) {
            ordered += site[s].own_auc * own_p * own_q;
            told |= own_p > 0 && own_q > 0;
        }
        p += own_p;
        q += own_q;
    }
    const bool both = p > 0 && q > 0;
    const ein_stats_state state = both         ? EIN_STATS_ONE_BIN
                                  : p + q == 0 ? EIN_STATS_NO_RECORDS
                                               : EIN_STATS_ONE_CLASS;
    *auc = both && told ? ein_stats_known((ordered + 0.5 * overlap) / (p * q)) : ein_stats_unknown(state);
    *bound = both ? ein_stats_known(0.5 * overlap / (p * q)) : ein_stats_unknown(state);
}

int ein_site_histograms_common(int *first, const ein_site_histogram *site, int n_sites) {
    int n = 0;
    for (int b = 0; b < site[0].n_bins; b++) {
        bool all = true;
        for (int s = 1; s < n_sites && all; s++) {
            bool found = false;
            for (int k = 0; k < site[s].n_bins; k++) found |= site[s].first[k] == site[0].first[b];
            all = found;
        }
        if (all) first[n++] = site[0].first[b];
    }
    return n;
}

void ein_site_histograms_counts(int64_t *out, const int64_t *count, const ein_site_histogram *site,
                                const int *common, int n_common) {
    for (int k = 0, b = 0; k < n_common; k++) {
        out[k] = 0;
        for (; b < site->n_bins && (k + 1 == n_common || site->first[b] < common[k + 1]); b++)
            out[k] += count[b];
    }
}

void ein_site_histograms_sums(double *out, const double *sum, const ein_site_histogram *site,
                              const int *common, int n_common) {
    for (int k = 0, b = 0; k < n_common; k++) {
        ein_sum all = {0, 0};
        for (; b < site->n_bins && (k + 1 == n_common || site->first[b] < common[k + 1]); b++)
            ein_sum_add(&all, sum[b]);
        out[k] = ein_sum_value(all);
    }
}

/* --- noise -------------------------------------------------------------------------------------------------------- */

/* All bins of all sites; what belongs to one of them stands at one index. */
typedef struct {
    int n;
    int *site, *first, *end;
    double *count[2], *rate; /* by class; of the noise, INFINITY: none */
    double *weight[2];       /* of the noise in A, times P N */
    double total[2], low[2]; /* P or N as counted, and at least so many */
    double slack, size[2];   /* of a cell that was set to 0; sum of sizes of the noise */
    double share;            /* probability that each of the events may miss */
} cells;

static void cells_free(cells *x) {
    free(x->site);
    free(x->first);
    free(x->end);
    free(x->rate);
    for (int y = 0; y < 2; y++) {
        free(x->count[y]);
        free(x->weight[y]);
    }
}

static ein_status cells_new(cells *x, const ein_site_histogram *site, int n_sites) {
    int n = 0;
    for (int s = 0; s < n_sites; s++) n += site[s].n_bins;
    *x = (cells){0};
    EIN_TRY(EIN_NEW(x->site, n + 1));
    EIN_TRY(EIN_NEW(x->first, n + 1));
    EIN_TRY(EIN_NEW(x->end, n + 1));
    EIN_TRY(EIN_NEW(x->rate, n + 1));
    for (int y = 0; y < 2; y++) {
        EIN_TRY(EIN_NEW(x->count[y], n + 1));
        EIN_TRY(EIN_NEW(x->weight[y], n + 1));
    }
    for (int s = 0; s < n_sites; s++)
        for (int b = 0; b < site[s].n_bins; b++, x->n++) {
            x->site[x->n] = s;
            x->first[x->n] = site[s].first[b];
            x->end[x->n] = end_of(&site[s], b);
            x->rate[x->n] = site[s].noise > 0 ? site[s].noise : INFINITY;
            x->total[0] += x->count[0][x->n] = (double)site[s].negative[b];
            x->total[1] += x->count[1][x->n] = (double)site[s].positive[b];
        }
    return EIN_OK;
}

/* Of a positive in bin i and a negative in bin j; pairs in overlap count `overlap`. */
static double kernel(const cells *x, const ein_site_histogram *site, int i, int j, double overlap) {
    if (x->site[i] == x->site[j] && !isnan(site[x->site[i]].own_auc)) return site[x->site[i]].own_auc;
    if (x->end[j] <= x->first[i]) return 1;
    return x->first[j] < x->end[i] ? overlap : 0;
}

/* |sum of weight times noise| of one class, also where a noisy count below 0 was set to 0. */
static double tail(const cells *x, int y, const double *weight, double share) {
    double most = ein_noise_tail(weight, x->rate, x->n, share);
    for (int i = 0; i < x->n; i++)
        if (x->count[y][i] == 0 && !isinf(x->rate[i])) most += fabs(weight[i]) * x->slack / x->rate[i];
    return most;
}

enum { EVENTS = 11, MOST_PRODUCTS = 400 };

static ein_status measure_noise(cells *x, double level) {
    double *one;
    EIN_TRY(EIN_NEW(one, x->n + 1));
    for (int i = 0; i < x->n; i++) one[i] = 1;
    /* Events: of each class a total and a sum of sizes, the largest of all cells; of each kernel a sum per class
     * and what its products take. */
    x->share = (1 - level) / EVENTS;
    x->slack = ein_log(4 * (double)x->n / x->share);
    for (int y = 0; y < 2; y++) {
        x->size[y] = ein_noise_total(x->rate, x->n, x->share);
        x->low[y] = x->total[y] - tail(x, y, one, x->share);
    }
    free(one);
    return EIN_OK;
}

/* |sum e_i f_j (k_ij - A')|: given e, a sum over j whose weights are known to be small. */
static double products(double *scratch, cells *x, const ein_site_histogram *site, double overlap,
                       double value) {
    const double plain = x->size[0] * x->size[1];
    double *const weight = scratch, *const inner = scratch + x->n;
    if (x->n > MOST_PRODUCTS) return plain;
    for (int j = 0; j < x->n; j++) {
        for (int i = 0; i < x->n; i++) inner[i] = kernel(x, site, i, j, overlap) - value;
        weight[j] = isinf(x->rate[j]) ? 0 : tail(x, 1, inner, x->share / (2 * x->n));
    }
    return fmin(plain, tail(x, 0, weight, x->share / 2));
}

/* A' of one kernel and how far A can be from it. */
static ein_status judge_kernel(double *value, double *apart, cells *x, const ein_site_histogram *site,
                               double overlap) {
    double *scratch;
    ein_sum u = {0, 0};
    EIN_TRY(EIN_NEW(scratch, 2 * x->n + 1));
    for (int i = 0; i < x->n; i++)
        for (int j = 0; j < x->n; j++)
            ein_sum_add(&u, x->count[1][i] * x->count[0][j] * kernel(x, site, i, j, overlap));
    *value = ein_sum_value(u) / (x->total[0] * x->total[1]);
    for (int i = 0; i < x->n; i++) {
        ein_sum of_positive = {0, 0}, of_negative = {0, 0};
        for (int j = 0; j < x->n; j++) {
            ein_sum_add(&of_positive, x->count[0][j] * (kernel(x, site, i, j, overlap) - *value));
            ein_sum_add(&of_negative, x->count[1][j] * (kernel(x, site, j, i, overlap) - *value));
        }
        x->weight[1][i] = ein_sum_value(of_positive);
        x->weight[0][i] = ein_sum_value(of_negative);
    }
    *apart = (tail(x, 0, x->weight[0], x->share) + tail(x, 1, x->weight[1], x->share) +
              products(scratch, x, site, overlap, *value)) /
             (x->low[0] * x->low[1]);
    free(scratch);
    return EIN_OK;
}

static ein_status limit_of(ein_stats_value *bound, cells *x, const ein_site_histogram *site, double shown) {
    double low, high, below, above;
    *bound = ein_stats_known(1);
    if (!(x->low[0] > 0 && x->low[1] > 0)) return EIN_OK;
    EIN_TRY(judge_kernel(&low, &below, x, site, 0));
    EIN_TRY(judge_kernel(&high, &above, x, site, 1));
    *bound = ein_stats_known(fmin(1, fmax(high + above - shown, shown - low + below)));
    return EIN_OK;
}

ein_status ein_site_histograms_noisy_bound(ein_stats_value *bound, const ein_site_histogram *site,
                                           int n_sites, double level) {
    cells x;
    ein_stats_value auc;
    ein_site_histograms_auc(&auc, bound, site, n_sites);
    if (auc.state != EIN_STATS_ESTIMABLE) return EIN_OK;
    ein_status status = cells_new(&x, site, n_sites);
    if (status == EIN_OK) status = measure_noise(&x, level);
    if (status == EIN_OK) status = limit_of(bound, &x, site, auc.value);
    cells_free(&x);
    return status;
}
