#include "core/nn/patch.h"

#include <math.h>
#include <string.h>

#define TARGET_EPS 1e-6

void patch_gather(real *rows, const real *x, const int32_t *index, int count, int leads, int samples,
                  int patch) {
    for (int i = 0; i < count; i++)
        for (int lead = 0; lead < leads; lead++)
            memcpy(rows + ((size_t)i * leads + lead) * patch,
                   x + (size_t)lead * samples + (size_t)index[i] * patch, (size_t)patch * sizeof *rows);
}

void patch_scatter(real *x, const real *rows, int leads, int samples, int patch) {
    for (int i = 0; i < samples / patch; i++)
        for (int lead = 0; lead < leads; lead++)
            memcpy(x + (size_t)lead * samples + (size_t)i * patch, rows + ((size_t)i * leads + lead) * patch,
                   (size_t)patch * sizeof *x);
}

void patch_target(real *rows, const real *x, const int32_t *index, int count, int leads, int samples,
                  int patch) {
    const int V = leads * patch;
    for (int i = 0; i < count; i++) {
        real *row = rows + (size_t)i * V;
        const real *start = x + (size_t)index[i] * patch;
        double sum = 0, square = 0;
        for (int lead = 0; lead < leads; lead++)
            for (int p = 0; p < patch; p++) {
                const real v = start[(size_t)lead * samples + p];
                row[p * leads + lead] = v;
                sum += v;
            }
        const double mean = sum / V;
        for (int v = 0; v < V; v++) square += (row[v] - mean) * (row[v] - mean);
        const double rstd = 1.0 / sqrt(square / (V - 1) + TARGET_EPS);
        for (int v = 0; v < V; v++) row[v] = (real)((row[v] - mean) * rstd);
    }
}
