#include "core/stats/released_bins.h"

#include <stdlib.h>
#include <string.h>

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
    const double *weight;
    int n_classes, n_bins;
    ein_release_rules rules;
    double *sum; /* (n_classes) */
} bins;

static bool is_full(const bins *x) {
    for (int c = 0; c < x->n_classes; c++)
        if (ein_release_cell(x->sum[c], x->rules) != EIN_RELEASE_GRANTED) return false;
    return true;
}

/* Bins begin .. end - 1: an edge behind each bin that is full, except the last, which takes what is left over. False if
 * not even all together are full. */
static bool sweep(const bins *x, uint8_t *keep, int begin, int end) {
    int last = -1;
    bool full = false;
    for (int c = 0; c < x->n_classes; c++) x->sum[c] = 0;
    for (int b = begin; b < end; b++) {
        if (b + 1 < end) keep[b] = 0;
        for (int c = 0; c < x->n_classes; c++) x->sum[c] += x->weight[c * x->n_bins + b];
        full = is_full(x);
        if (!full) continue;
        if (b + 1 < end) keep[b] = 1;
        last = b;
        for (int c = 0; c < x->n_classes; c++) x->sum[c] = 0;
    }
    if (last >= 0 && last + 1 < end) keep[last] = 0;
    return last >= 0;
}

/* Sweep between the edges that are wanted; the first part that is not full loses the edge below it, or above. */
static bool sweep_all(const bins *x, uint8_t *keep, uint8_t *wanted) {
    for (int begin = 0, end; begin < x->n_bins; begin = end) {
        for (end = begin + 1; end < x->n_bins && !wanted[end - 1]; end++) {
        }
        if (sweep(x, keep, begin, end)) {
            if (end < x->n_bins) keep[end - 1] = 1;
            continue;
        }
        if (begin > 0)
            wanted[begin - 1] = 0;
        else if (end < x->n_bins)
            wanted[end - 1] = 0;
        return false;
    }
    return true;
}

ein_status ein_released_bins_join(uint8_t *keep, int *n_joined, const double *weight, int n_classes,
                                  int n_bins, const uint8_t *wanted, ein_release_rules rules) {
    bins x = {weight, n_classes, n_bins, rules, NULL};
    uint8_t *left = NULL;
    ein_status status = EIN_NEW(x.sum, n_classes);
    if (status == EIN_OK) status = EIN_NEW(left, n_bins);
    *n_joined = 0;
    if (status == EIN_OK) {
        if (wanted) memcpy(left, wanted, (size_t)(n_bins - 1));
        for (int c = 0; c < n_classes; c++)
            for (int b = 0; b < n_bins; b++) x.sum[c] += weight[c * n_bins + b];
        if (is_full(&x)) {
            while (!sweep_all(&x, keep, left)) {
            }
            *n_joined = 1;
            for (int e = 0; e + 1 < n_bins; e++) *n_joined += keep[e];
        }
    }
    free(x.sum);
    free(left);
    return status;
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
