/* A scale from values to places in a picture, with round numbers to write at it. */
#ifndef EIN_IO_PICTURE_AXIS_H
#define EIN_IO_PICTURE_AXIS_H

#include <stddef.h>

typedef struct {
    double min, max; /* values */
    double from, to; /* places */
    double step;     /* between round numbers */
    int decimals;    /* that these need */
} ein_axis;

/* About `wanted` round numbers between min and max. Values that are equal are spread. */
ein_axis ein_axis_new(double min, double max, double from, double to, int wanted);

/* The same, with min and max moved outwards to round numbers. */
ein_axis ein_axis_round(double min, double max, double from, double to, int wanted);

double ein_axis_place(const ein_axis *axis, double value);

/* The first round number at or above min; the next ones follow by `step`. */
double ein_axis_first(const ein_axis *axis);
void ein_axis_text(const ein_axis *axis, double value, char *out, size_t room);

#endif
