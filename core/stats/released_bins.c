#include "core/stats/released_bins.h"

#include <stdlib.h>

int ein_released_bin_of(const double *edge, int n_edges, double score) {
    int low = 0, high = n_edges;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (edge[middle] <= score)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

typedef struct {
    int n_classes, n_bins;
    const uint8_t *wanted;
    ein_release_rules rules;
    double *below; /* (n_classes, n_bins + 1) weight of all bins below */
} bins;

/* Whether bins begin .. end - 1 together are enough of every class. */
static bool is_full(const bins *x, int begin, int end) {
    for (int c = 0; c < x->n_classes; c++) {
        const double *below = x->below + (int64_t)c * (x->n_bins + 1);
        if (ein_release_cell(below[end] - below[begin], x->rules) != EIN_RELEASE_GRANTED) return false;
    }
    return true;
}

/* How much an edge is preferred: wanted ones, then those whose place has more factors of two, so that sites which join
 * by themselves keep many of the same edges. */
static int rank_of(const bins *x, int edge) {
    int level = 0;
    for (int place = edge + 1; place % 2 == 0; place /= 2) level++;
    return x->wanted && x->wanted[edge] ? 64 : level;
}

/* Split at the edge that is preferred most among those that leave both sides full, and the sides again. The depth is at
 * most the number of bins that are left, which are few: each holds the minimum. */
static void split(const bins *x, uint8_t *keep, int begin, int end) {
    int best = -1;
    for (int e = begin; e + 1 < end; e++)
        if ((best < 0 || rank_of(x, e) > rank_of(x, best)) && is_full(x, begin, e + 1) &&
            is_full(x, e + 1, end))
            best = e;
    if (best < 0) return;
    keep[best] = 1;
    split(x, keep, begin, best + 1);
    split(x, keep, best + 1, end);
}

ein_status ein_released_bins_join(uint8_t *keep, int *n_joined, const double *weight, int n_classes,
                                  int n_bins, const uint8_t *wanted, ein_release_rules rules) {
    bins x = {n_classes, n_bins, wanted, rules, NULL};
    EIN_TRY(EIN_NEW(x.below, (int64_t)n_classes * (n_bins + 1)));
    for (int c = 0; c < n_classes; c++)
        for (int b = 0; b < n_bins; b++) {
            double *below = x.below + (int64_t)c * (n_bins + 1);
            below[b + 1] = below[b] + weight[(int64_t)c * n_bins + b];
        }
    for (int e = 0; e + 1 < n_bins; e++) keep[e] = 0;
    *n_joined = 0;
    if (is_full(&x, 0, n_bins)) {
        split(&x, keep, 0, n_bins);
        *n_joined = 1;
        for (int e = 0; e + 1 < n_bins; e++) *n_joined += keep[e];
    }
    free(x.below);
    return EIN_OK;
}

int ein_released_bins_apply(int64_t *out, int *first, const uint8_t *keep, const int64_t *count, int n_bins) {
    int j = 0;
    for (int b = 0; b < n_bins; b++) {
        if (b == 0 || keep[b - 1]) {
            if (first) first[j] = b;
            out[j++] = 0;
        }
        out[j - 1] += count[b];
    }
    return j;
}
