#include "core/stats/covariance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One chain for each of eight residues, then these in pairs: an order that no vector width changes. */
enum { LANES = 8 };

static double add_lanes(const double s[LANES]) {
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

static double dot(const double *a, const double *b, int64_t n) {
    double s[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++) s[l] += a[i + l] * b[i + l];
    for (int l = 0; i < n; i++, l++) s[l] += a[i] * b[i];
    return add_lanes(s);
}

static double dot_float(const float *a, const double *b, int64_t n) {
    double s[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++) s[l] += (double)a[i + l] * b[i + l];
    for (int l = 0; i < n; i++, l++) s[l] += (double)a[i] * b[i];
    return add_lanes(s);
}

typedef struct {
    int64_t n;
    int d;
    double *z;         /* (d,n): standardised, a feature a row */
    double *mean, *sd; /* (d) */
    double *cov;       /* lower triangle */
} fit;

static ein_status check_rows(const float *x, int64_t n, int d) {
    if (n < 2 || d < 1)
        return ein_error(EIN_RANGE, "a covariance of %lld rows of %d features; two rows are needed",
                         (long long)n, d);
    for (int64_t i = 0; i < n * d; i++)
        if (!isfinite(x[i]))
            return ein_error(EIN_NUMERIC, "features of row %lld: value %lld is not finite",
                             (long long)(i / d), (long long)(i % d));
    return EIN_OK;
}

/* z: the features of x less their mean, as rows. */
static void centre(fit *f, const float *x, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int j = 0; j < f->d; j++) {
        double *z = f->z + (int64_t)j * f->n, sum[LANES] = {0};
        for (int64_t i = 0; i < f->n; i++) sum[i % LANES] += z[i] = x[i * f->d + j];
        f->mean[j] = add_lanes(sum) / (double)f->n;
        for (int64_t i = 0; i < f->n; i++) z[i] -= f->mean[j];
        f->sd[j] = sqrt(dot(z, z, f->n) / (double)f->n);
    }
}

static ein_status scale(fit *f) {
    int live = 0;
    for (int j = 0; j < f->d; j++) {
        double *z = f->z + (int64_t)j * f->n;
        if (!(f->sd[j] > 1e-6 * fabs(f->mean[j]))) f->sd[j] = INFINITY;
        for (int64_t i = 0; i < f->n; i++) z[i] /= f->sd[j];
        live += isfinite(f->sd[j]);
    }
    if (live > 0) return EIN_OK;
    return ein_error(EIN_RANGE, "no feature differs between %lld rows", (long long)f->n);
}

static void covariance(fit *f, int threads) {
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (int j = 0; j < f->d; j++)
        for (int k = 0; k <= j; k++)
            f->cov[ein_triangle(j) + k] =
                dot(f->z + (int64_t)j * f->n, f->z + (int64_t)k * f->n, f->n) / (double)f->n;
}

/* rho; *m is the mean of the diagonal. */
static double shrinkage(const fit *f, double *m) {
    double norm = 0, trace = 0, fourth = 0;
    for (int j = 0; j < f->d; j++) {
        for (int k = 0; k < j; k++) {
            const double s = f->cov[ein_triangle(j) + k];
            norm += 2 * s * s;
        }
        const double s = f->cov[ein_triangle(j) + j];
        norm += s * s;
        trace += s;
    }
    for (int64_t i = 0; i < f->n; i++) {
        double square = 0;
        for (int j = 0; j < f->d; j++) square += f->z[j * f->n + i] * f->z[j * f->n + i];
        fourth += square * square;
    }
    const double n = (double)f->n, delta = norm - trace * trace / f->d, beta = (fourth / n - norm) / n;
    *m = trace / f->d;
    return delta > 0 ? fmin(1, fmax(EIN_SHRINKAGE_LEAST, beta / delta)) : 1;
}

/* cov becomes K, its lower factor; row by row. */
static ein_status factorise(fit *f) {
    for (int j = 0; j < f->d; j++) {
        double *row = f->cov + ein_triangle(j);
        for (int k = 0; k <= j; k++) {
            const double *other = f->cov + ein_triangle(k);
            const double rest = row[k] - dot(row, other, k);
            if (k < j)
                row[k] = rest / other[k];
            else if (rest > 0)
                row[k] = sqrt(rest);
            else
                return ein_error(EIN_NUMERIC, "the covariance of features has no factor at feature %d", j);
        }
    }
    return EIN_OK;
}

/* whitener: K^-1 D^-1. Its column k solves K w = e_k; each is a chain of its own. */
static void invert(double *whitener, const fit *f, int threads, double *columns) {
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (int k = 0; k < f->d; k++) {
        double *w = columns + (int64_t)k * f->d;
        for (int j = k; j < f->d; j++) {
            const double *row = f->cov + ein_triangle(j);
            w[j] = ((j == k) - dot(row + k, w + k, j - k)) / row[j];
        }
        for (int j = k; j < f->d; j++) whitener[ein_triangle(j) + k] = w[j] / f->sd[k];
    }
}

static ein_status solve(double *whitener, double *rho, fit *f, const float *x, int threads) {
    double m;
    centre(f, x, threads);
    EIN_TRY(scale(f));
    covariance(f, threads);
    *rho = shrinkage(f, &m);
    for (int j = 0; j < f->d; j++) {
        for (int k = 0; k < j; k++) f->cov[ein_triangle(j) + k] *= 1 - *rho;
        f->cov[ein_triangle(j) + j] = (1 - *rho) * f->cov[ein_triangle(j) + j] + *rho * m;
    }
    EIN_TRY(factorise(f));
    double *columns;
    EIN_TRY(EIN_NEW(columns, (int64_t)f->d * f->d));
    invert(whitener, f, threads, columns);
    free(columns);
    return EIN_OK;
}

ein_status ein_whitener_fit(double *mean, double *whitener, double *rho, const float *x, int64_t n, int d,
                            int threads) {
    fit f = {.n = n, .d = d, .mean = mean};
    EIN_TRY(check_rows(x, n, d));
    ein_status status = EIN_NEW(f.z, n * d);
    if (status == EIN_OK) status = EIN_NEW(f.sd, d);
    if (status == EIN_OK) status = EIN_NEW(f.cov, ein_triangle(d));
    if (status == EIN_OK) status = solve(whitener, rho, &f, x, threads);
    free(f.z);
    free(f.sd);
    free(f.cov);
    return status;
}

double ein_whitened_distance(const float *mean, const float *whitener, const float *x, int d) {
    enum { PART = 512 }; /* of a row at a time: no memory to ask for */
    double sum = 0, off[PART];
    for (int j = 0; j < d; j++) {
        double length = 0;
        for (int first = 0; first <= j; first += PART) {
            const int n = j + 1 - first < PART ? j + 1 - first : PART;
            for (int k = 0; k < n; k++) off[k] = (double)x[first + k] - (double)mean[first + k];
            length += dot_float(whitener + ein_triangle(j) + first, off, n);
        }
        sum += length * length;
    }
    return isfinite(sum) ? sqrt(sum) : NAN;
}
