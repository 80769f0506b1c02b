/* TAP for table-driven tests: one line per case, the plan at the end, exit status from the count. */
#ifndef EIN_TESTS_REPORT_H
#define EIN_TESTS_REPORT_H

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

static int report_run, report_failed;
static bool report_quiet;

/* Print "ok N - text" or "not ok N - text"; returns `good`. Silent while report_quiet is set. */
__attribute__((format(printf, 2, 3))) static inline bool report(bool good, const char *format, ...) {
    if (report_quiet) return good;
    va_list args;
    va_start(args, format);
    report_run++;
    if (!good) report_failed++;
    printf("%sok %d - ", good ? "" : "not ", report_run);
    vprintf(format, args);
    putchar('\n');
    fflush(stdout);
    va_end(args);
    return good;
}

/* Print the plan; the value is for main() to return. */
static inline int report_end(void) {
    printf("1..%d\n", report_run);
    return report_failed ? 1 : 0;
}

/* |a - b| / max(|a|, |b|) in the Euclidean norm; NaN stays NaN and fails every comparison. */
static inline double relative_error(const double *a, const double *b, size_t n) {
    double diff = 0, na = 0, nb = 0;
    for (size_t i = 0; i < n; i++) {
        diff += (a[i] - b[i]) * (a[i] - b[i]);
        na += a[i] * a[i];
        nb += b[i] * b[i];
    }
    const double scale = na > nb ? na : nb;
    if (diff == 0 && scale == 0) return 0;
    return sqrt(diff / scale);
}

/* The same for floats. */
static inline double relative_error_f(const float *a, const float *b, size_t n) {
    double diff = 0, na = 0, nb = 0;
    for (size_t i = 0; i < n; i++) {
        diff += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        na += (double)a[i] * a[i];
        nb += (double)b[i] * b[i];
    }
    const double scale = na > nb ? na : nb;
    if (diff == 0 && scale == 0) return 0;
    return sqrt(diff / scale);
}

/* The larger of two errors, where NaN is larger than anything. */
static inline double larger_error(double a, double b) {
    return isnan(a) || a >= b ? a : b;
}

#endif
