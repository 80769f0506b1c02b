#include "core/stats/disclosure.h"

#include <stdlib.h>

/* Sums of 1/m differ from whole numbers by rounding. */
static bool reaches(double weight, double minimum) {
    return weight >= minimum * (1 - 1e-9);
}

ein_release ein_release_cell(double weight, ein_release_rules rules) {
    if (!(weight > 0)) return EIN_RELEASE_ZERO;
    return reaches(weight, rules.minimum) ? EIN_RELEASE_GRANTED : EIN_RELEASE_SMALL;
}

ein_release ein_release_pair(double first_only, double second_only, ein_release_rules rules) {
    const double apart = first_only + second_only;
    return apart == 0 || reaches(apart, rules.minimum) ? EIN_RELEASE_GRANTED : EIN_RELEASE_DIFFERENCE;
}

ein_release ein_release_degrees(double weight, int64_t n_statistics, ein_release_rules rules) {
    return reaches(weight - (double)n_statistics, (double)rules.degrees) ? EIN_RELEASE_GRANTED
                                                                         : EIN_RELEASE_DEGREES;
}

ein_release ein_release_sum(const double *contribution, int64_t n, ein_release_rules rules) {
    double first = 0, second = 0, all = 0;
    for (int64_t i = 0; i < n; i++) {
        const double x = fabs(contribution[i]);
        all += x;
        if (x > first) {
            second = first;
            first = x;
        } else if (x > second) {
            second = x;
        }
    }
    if (!(all > 0)) return EIN_RELEASE_ZERO;
    return first + second <= rules.share * all ? EIN_RELEASE_GRANTED : EIN_RELEASE_DOMINATED;
}

ein_release ein_release_spread(const double *deviation, int64_t n, ein_release_rules rules) {
    double sum = 0, square = 0, largest = 0;
    for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs(deviation[i]));
    if (!(largest > 1e-12)) return EIN_RELEASE_GRANTED; /* rounding */
    for (int64_t i = 0; i < n; i++) {
        const double x = fabs(deviation[i]) / largest;
        sum += x;
        square += x * x;
    }
    return reaches(sum * sum / square, rules.minimum) ? EIN_RELEASE_GRANTED : EIN_RELEASE_CONCENTRATED;
}

ein_status ein_release_weights(double *weight, const uint64_t *cluster, int64_t n) {
    int64_t *index = NULL, *count = NULL, n_clusters, largest;
    ein_status status = EIN_NEW(index, n + 1);
    if (status == EIN_OK) status = ein_stats_clusters(index, &n_clusters, &largest, cluster, n);
    if (status == EIN_OK) status = EIN_NEW(count, n_clusters + 1);
    for (int64_t i = 0; status == EIN_OK && i < n; i++) count[index[i]]++;
    for (int64_t i = 0; status == EIN_OK && i < n; i++) weight[i] = 1.0 / (double)count[index[i]];
    free(index);
    free(count);
    return status;
}

void ein_release_contributions(double *contribution, int64_t n_clusters, const double *x,
                               const int64_t *index, const uint8_t *member, int64_t n) {
    for (int64_t c = 0; c < n_clusters; c++) contribution[c] = 0;
    for (int64_t i = 0; i < n; i++)
        if (!member || member[i]) contribution[index[i]] += x[i];
}
