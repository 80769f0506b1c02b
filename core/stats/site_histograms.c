#include "core/stats/site_histograms.h"

#include <limits.h>

static int end_of(const ein_site_histogram *s, int bin) {
    return bin + 1 < s->n_bins ? s->first[bin + 1] : INT_MAX;
}

/* Pairs of a positive of s and a negative of t: in order, and in overlapping bins. */
static void count_pairs(double *ordered, double *overlap, const ein_site_histogram *s,
                        const ein_site_histogram *t) {
    for (int i = 0; i < s->n_bins; i++)
        for (int j = 0; j < t->n_bins; j++) {
            const double pairs = (double)s->positive[i] * (double)t->negative[j];
            if (end_of(t, j) <= s->first[i])
                *ordered += pairs;
            else if (t->first[j] < end_of(s, i))
                *overlap += pairs;
        }
}

void ein_site_histograms_auc(ein_stats_value *auc, ein_stats_value *bound, const ein_site_histogram *site,
                             int n_sites) {
    double p = 0, q = 0, ordered = 0, overlap = 0;
    for (int s = 0; s < n_sites; s++) {
        double own_p = 0, own_q = 0;
        for (int b = 0; b < site[s].n_bins; b++) {
            own_p += (double)site[s].positive[b];
            own_q += (double)site[s].negative[b];
        }
        for (int t = 0; t < n_sites; t++)
            if (t != s || isnan(site[s].own_auc)) count_pairs(&ordered, &overlap, &site[s], &site[t]);
        if (!isnan(site[s].own_auc)) ordered += site[s].own_auc * own_p * own_q;
        p += own_p;
        q += own_q;
    }
    const ein_stats_state state = p + q == 0 ? EIN_STATS_NO_RECORDS : EIN_STATS_ONE_CLASS;
    *auc = p > 0 && q > 0 ? ein_stats_known((ordered + 0.5 * overlap) / (p * q)) : ein_stats_unknown(state);
    *bound = p > 0 && q > 0 ? ein_stats_known(0.5 * overlap / (p * q)) : ein_stats_unknown(state);
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
