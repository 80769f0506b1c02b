#include "core/stats/disclosure.h"

#include <stdlib.h>

static const struct {
    const char *name, *text;
} words[EIN_RELEASE_COUNT] = {
    {"granted", "may leave"},
    {"small", "fewer patients than the minimum"},
    {"zero", "nobody is in it, which tells something of everybody who could be"},
    {"difference", "with what is known already, a difference would be of fewer patients than the minimum"},
    {"dominated", "two patients make more than 90 % of the sum"},
    {"concentrated", "it follows from the values of too few patients"},
    {"degrees", "too few patients for so many statistics of them"},
    {"extreme", "a least or greatest value is the value of one patient"},
    {"data_edges", "the edges of the bins are not those of the plan"},
};

const char *ein_release_name(ein_release verdict) {
    return words[verdict].name;
}

const char *ein_release_text(ein_release verdict) {
    return words[verdict].text;
}

/* Sums of 1/m differ from whole numbers by rounding. */
static bool reaches(double weight, double minimum) {
    return weight >= minimum * (1 - 1e-9);
}

ein_release ein_release_cell(double weight, ein_release_rules rules) {
    if (!(weight > 0)) return EIN_RELEASE_ZERO;
    return reaches(weight, rules.minimum) ? EIN_RELEASE_GRANTED : EIN_RELEASE_SMALL;
}

ein_release ein_release_part(double part, double total, ein_release_rules rules) {
    const ein_release cell = ein_release_cell(part, rules);
    const double rest = total - part;
    if (cell != EIN_RELEASE_GRANTED) return cell;
    if (rest == 0 || reaches(rest, rules.minimum)) return EIN_RELEASE_GRANTED;
    return EIN_RELEASE_DIFFERENCE;
}

ein_release ein_release_cumulative(const double *weight, int n, double total, ein_release_rules rules) {
    for (int i = 0; i < n; i++) {
        const ein_release cell = ein_release_cell(weight[i], rules);
        const double step = i ? fabs(weight[i] - weight[i - 1]) : rules.minimum;
        if (cell != EIN_RELEASE_GRANTED) return cell;
        if (!reaches(step, rules.minimum)) return EIN_RELEASE_DIFFERENCE;
        if (!isnan(total) && !reaches(total - weight[i], rules.minimum)) return EIN_RELEASE_DIFFERENCE;
    }
    return EIN_RELEASE_GRANTED;
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

ein_release ein_release_extreme(void) {
    return EIN_RELEASE_EXTREME;
}

ein_release ein_release_edges(const double *used, int n_used, const double *plan, int n_plan) {
    for (int i = 0; i < n_used; i++) {
        int found = 0;
        for (int k = 0; k < n_plan; k++) found |= used[i] == plan[k];
        if (!found) return EIN_RELEASE_DATA_EDGES;
    }
    return EIN_RELEASE_GRANTED;
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
