#include "jobs/report/distribution.h"

#include <math.h>
#include <stdio.h>

#include "io/picture/chart.h"

enum { MODELS = 2, CLASSES = 2, NAME = 160 };

void ein_distribution_join(const int64_t *count, int bins, int64_t minimum, double *share) {
    int64_t all = 0, left, sum = 0;
    int first = 0;
    for (int b = 0; b < bins; b++) all += count[b];
    left = all;
    for (int b = 0; b < bins; b++) {
        sum += count[b];
        /* What is left over would be too few: it belongs to this one. */
        if (b + 1 < bins && (sum < minimum || left - sum < minimum)) continue;
        for (int k = first; k <= b; k++)
            share[k] = all > 0 ? (double)sum / ((double)all * (b + 1 - first)) : (double)NAN;
        left -= sum;
        first = b + 1;
        sum = 0;
    }
}

/* A line with steps: two points for each bin. */
static void steps_of(const int64_t *count, int64_t minimum, double *x, double *y) {
    double share[EIN_CURVE_BINS];
    ein_distribution_join(count, EIN_CURVE_BINS, minimum, share);
    for (int b = 0; b < EIN_CURVE_BINS; b++) {
        x[2 * b] = (double)b / EIN_CURVE_BINS;
        x[2 * b + 1] = (double)(b + 1) / EIN_CURVE_BINS;
        y[2 * b] = y[2 * b + 1] = share[b];
    }
}

ein_status ein_distribution_draw(const ein_curves *curves, int n_models, const char *const *model,
                                 const char *what, int64_t minimum, ein_picture **out) {
    static const char *const class_name[CLASSES] = {"negative", "positive"};
    double x[MODELS * CLASSES][2 * EIN_CURVE_BINS], y[MODELS * CLASSES][2 * EIN_CURVE_BINS], most = 0;
    char name[MODELS * CLASSES][NAME], heading[2 * NAME];
    ein_series series[MODELS * CLASSES] = {{.n = 0}};
    int n = 0;
    *out = NULL;
    for (int k = 0; k < n_models && k < MODELS; k++) {
        if (!curves[k].shares)
            return ein_error(EIN_NOTFOUND, "scores of %s are no numbers from 0 to 1: not drawn", model[k]);
        for (int c = CLASSES - 1; c >= 0; c--, n++) {
            steps_of(curves[k].bin[c], minimum, x[n], y[n]);
            for (int i = 0; i < 2 * EIN_CURVE_BINS; i++) most = fmax(most, y[n][i]);
            snprintf(name[n], NAME, "%.80s, %s", model[k], class_name[c]);
            series[n] = (ein_series){
                .name = name[n], .n = 2 * EIN_CURVE_BINS, .x = x[n], .y = y[n], .line = true, .ink = n};
        }
    }
    snprintf(heading, sizeof heading, "Scores of each class, %s", what);
    const ein_plot plot = {.title = heading,
                           .description =
                               "Histograms of the scores of positive and negative records. Neighbouring "
                               "bins are joined until each holds enough people.",
                           .x_label = "score",
                           .y_label = "share of the class per 0.05",
                           .x_max = 1,
                           .y_max = 1.1 * most,
                           .reference = (double)NAN,
                           .square = true,
                           .n_series = n,
                           .series = series};
    return ein_plot_draw(&plot, out);
}
