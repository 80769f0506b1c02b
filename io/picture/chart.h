/* Charts: curves with bands, forest plots.  Colours follow the page's light and dark (io/picture/ink.h). */
#ifndef EIN_IO_PICTURE_CHART_H
#define EIN_IO_PICTURE_CHART_H

#include <stdbool.h>

#include "io/picture/picture.h"

/* A line over x, points, or both. A NaN interrupts it. */
typedef struct {
    const char *name; /* in the legend; NULL: not there */
    int n;
    const double *x, *y;
    const double *lower, *upper; /* a band, or with `dots` a whisker; NULL: none */
    bool dots, line;
    int ink; /* of series; equal numbers look alike */
} ein_series;

typedef struct {
    const char *title, *description, *x_label, *y_label;
    double x_min, x_max, y_min, y_max;
    bool diagonal;    /* reference line from corner to corner */
    double reference; /* horizontal reference line; NaN: none */
    bool square;
    int n_series;
    const ein_series *series;
    int n_bars; /* a histogram along the bottom: heights, each over its share of x; 0: none */
    const double *bar;
} ein_plot;
ein_status ein_plot_draw(const ein_plot *plot, ein_picture **out);

/* The range of a plot that holds all values of its series and bands: with some room, at round numbers. */
void ein_plot_range(ein_plot *plot);

/* A row of a forest plot: label, dot with interval, and the same as text. */
typedef struct {
    const char *label; /* NULL: a further dot of the row before */
    double value, lower, upper;
    int ink;
    const char *why; /* it has no value; NULL: not estimable */
} ein_forest_row;

typedef struct {
    const char *title, *description, *x_label;
    const char *left, *right; /* what a value on this side of the reference means; NULL: nothing */
    double reference;         /* NaN: none */
    bool sign;                /* of numbers, as for differences */
    int n;
    const ein_forest_row *row;
    int n_names;
    const char *const *name; /* of inks, in the legend */
} ein_forest;
ein_status ein_forest_draw(const ein_forest *forest, ein_picture **out);

#endif
