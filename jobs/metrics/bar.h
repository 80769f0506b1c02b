/* An interval as a bar of characters, for terminals. */
#ifndef EIN_JOBS_METRICS_BAR_H
#define EIN_JOBS_METRICS_BAR_H

#include <stdbool.h>
#include <stdio.h>

enum { EIN_BAR_WIDTH = 41 };

/* "   <--o---|  " for a value with its interval on an axis from min to max: 'o' the value, '|' the reference (or 'O' if
 * they share a place; NaN: none), '<' and '>' where it goes on beyond the axis. Empty for a NaN. */
void ein_bar(char out[EIN_BAR_WIDTH + 1], double lower, double value, double upper, double reference,
             double min, double max);

/* Whether somebody looks at this stream: logs and files have no bars. */
bool ein_bar_wanted(FILE *stream);

#endif
