/* Matrix multiplication through CBLAS: the only place that calls it.
 *
 * Threads are ours: each call runs on the calling thread.  The last bits depend on the kernels that the library
 * picks for the processor; ein_blas_start names them, so that checkpoints can record which.
 */
#ifndef EIN_CORE_NN_BLAS_H
#define EIN_CORE_NN_BLAS_H

#include "core/base/real.h"

/* One thread per call from now on, and the library's name, version and kernel set as text,
 * e.g. "OpenBLAS 0.3.21 SkylakeX". Call once before the first product. */
const char *ein_blas_start(void);

/* Whether several threads may call products at once. An OpenBLAS built for one thread and without locks gives wrong
 * products then. 1 for a library that does not say. */
int ein_blas_thread_safe(void);

/* Products of dense row-major matrices: c is overwritten, or added to by names that end in _add. The two letters say
 * whether a and b are taken as they lie in memory (n) or transposed (t). */
#define gemm_nn     EIN_REAL_NAME(gemm_nn)
#define gemm_nn_add EIN_REAL_NAME(gemm_nn_add)
#define gemm_nt_add EIN_REAL_NAME(gemm_nt_add)
#define gemm_tn     EIN_REAL_NAME(gemm_tn)

/* c (m,n) = alpha a (m,k) b (k,n) */
void gemm_nn(real *c, const real *a, const real *b, int m, int n, int k, real alpha);
/* c (m,n) += alpha a (m,k) b (k,n) */
void gemm_nn_add(real *c, const real *a, const real *b, int m, int n, int k, real alpha);
/* c (m,n) += a (m,k) b (n,k)^T */
void gemm_nt_add(real *c, const real *a, const real *b, int m, int n, int k);
/* c (m,n) = alpha a (k,m)^T b (k,n) */
void gemm_tn(real *c, const real *a, const real *b, int m, int n, int k, real alpha);

#endif
