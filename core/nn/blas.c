#include "core/nn/blas.h"

#include <cblas.h>
#include <stdio.h>
#include <string.h>

#ifdef EIN_REAL_DOUBLE
#define GEMM cblas_dgemm
#else
#define GEMM cblas_sgemm

/* Present in OpenBLAS only; another CBLAS leaves them null. */
extern void openblas_set_num_threads(int) __attribute__((weak));
extern char *openblas_get_config(void) __attribute__((weak));
extern char *openblas_get_corename(void) __attribute__((weak));
extern int openblas_get_parallel(void) __attribute__((weak));

int ein_blas_thread_safe(void) {
    if (!openblas_get_parallel || !openblas_get_config) return 1;
    return openblas_get_parallel() != 0 || strstr(openblas_get_config(), "USE_LOCKING") != NULL;
}

const char *ein_blas_start(void) {
    static char text[256];
    if (text[0]) return text;
    if (openblas_set_num_threads) openblas_set_num_threads(1);
    const char *config = openblas_get_config ? openblas_get_config() : "CBLAS of unknown make";
    const char *core = openblas_get_corename ? openblas_get_corename() : "";
    int words = 0;
    /* "OpenBLAS 0.3.21 NO_LAPACKE ... " : the first two words say which it is. */
    const char *end = config;
    while (*end && (*end != ' ' || ++words < 2)) end++;
    snprintf(text, sizeof text, "%.*s %s", (int)(end - config), config, core);
    return text;
}
#endif

void gemm_nn(real *c, const real *a, const real *b, int m, int n, int k, real alpha) {
    GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, alpha, a, k, b, n, 0, c, n);
}

void gemm_nn_add(real *c, const real *a, const real *b, int m, int n, int k, real alpha) {
    GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, alpha, a, k, b, n, 1, c, n);
}

void gemm_nt_add(real *c, const real *a, const real *b, int m, int n, int k) {
    GEMM(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, a, k, b, k, 1, c, n);
}

void gemm_tn(real *c, const real *a, const real *b, int m, int n, int k, real alpha) {
    GEMM(CblasRowMajor, CblasTrans, CblasNoTrans, m, n, k, alpha, a, m, b, n, 0, c, n);
}
