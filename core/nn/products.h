/* Matrix products, row-major: this program's own, or those of a CBLAS (core/nn/blas.h).
 *
 * Every output of an own product is one chain of fused multiply-adds in the order of k, which begins at what the sum
 * is added to. Nothing else enters its bits: not how the product is cut into tiles, nor how many rows the call has,
 * nor where in it a row stands, nor the width of the processor's vectors. So a record has the same score in any
 * batch, and a training the same weights on every processor. ein_product_plain is that definition in C; the tests
 * compare with it.
 *
 * Threads are the caller's: each call runs on the thread that makes it.
 */
#ifndef EIN_CORE_NN_PRODUCTS_H
#define EIN_CORE_NN_PRODUCTS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/real.h"

/* c(i,j) = start(i,j) + sum over k of a(i,k) b(k,j) for i < m, j < n, k < depth */
#define ein_product EIN_REAL_NAME(ein_product)
typedef struct {
    int m, n, depth;
    real *c; /* c(i,j) = c[i * c_row + j] */
    ptrdiff_t c_row;
    const real *from; /* start(i,j) = from[i * from_row + j] + plus[j]; either may be NULL. from may be c. */
    ptrdiff_t from_row;
    const real *plus;
    const real *a; /* a(i,k) = a[i * a_row + k * a_column] */
    ptrdiff_t a_row, a_column;
    const real *b; /* b(k,j) = b[k * b_row + j * b_column]; b_row or b_column is 1 */
    ptrdiff_t b_row, b_column;
    const real *panels; /* NULL, or all of b in panels of `width` columns, as ein_panels_fill makes them */
    int width;
} ein_product;

/* The weight of a linear with N outputs and K inputs. */
#define ein_weight EIN_REAL_NAME(ein_weight)
typedef struct {
    const real *values;  /* (N,K) */
    const real *forward; /* panels of its transpose, in which the forward pass reads it; NULL: none */
    const real *turned;  /* panels of itself, for gradients of inputs; NULL: none */
    int width;           /* of those panels */
} ein_weight;

/* A factor as it lies: x(i,k) = x[i * row + k * column]. */
#define ein_operand EIN_REAL_NAME(ein_operand)
typedef struct {
    const real *x;
    ptrdiff_t row, column;
} ein_operand;

#define ein_products_use  EIN_REAL_NAME(ein_products_use)
#define ein_products_own  EIN_REAL_NAME(ein_products_own)
#define ein_product_run   EIN_REAL_NAME(ein_product_run)
#define ein_product_of    EIN_REAL_NAME(ein_product_of)
#define ein_product_plain EIN_REAL_NAME(ein_product_plain)
#define ein_panel_width   EIN_REAL_NAME(ein_panel_width)
#define ein_panels_fill   EIN_REAL_NAME(ein_panels_fill)
#define product_inputs    EIN_REAL_NAME(product_inputs)
#define product_linear    EIN_REAL_NAME(product_linear)
#define product_nn        EIN_REAL_NAME(product_nn)
#define product_nn_add    EIN_REAL_NAME(product_nn_add)
#define product_nt_add    EIN_REAL_NAME(product_nt_add)
#define product_tn        EIN_REAL_NAME(product_tn)

/* Whether the products below are own ones (so it is in float from the start) or those of a CBLAS. Not while other
 * threads compute. */
void ein_products_use(bool own);
bool ein_products_own(void);

#ifndef EIN_REAL_DOUBLE
/* What the bits of a training depend on: "own products, exact on any processor", or name, version and kernel set of
 * the CBLAS. */
const char *ein_products_text(void);
#endif

/* The own product, with the instruction set in use (core/base/processor.h). In double: the plain one. */
void ein_product_run(const ein_product *product);
/* c (m,n) = from + a (m,depth) b (depth,n), the own product of factors as they lie. from: NULL for 0, else rows like
 * those of c. */
void ein_product_of(real *c, ptrdiff_t c_row, const real *from, ein_operand a, ein_operand b, int m, int n,
                    int depth);
/* The reference. */
void ein_product_plain(const ein_product *product);

/* Columns of a panel of b with the products and the instruction set in use; 0: they read no panels. */
int ein_panel_width(void);
/* Panels first .. end-1 of b (depth, n): panel p, (depth, width) without gaps and 0 where b has no more columns, lies
 * at out + p depth width. Products with panels of another width than that in use read b instead. */
void ein_panels_fill(real *out, const real *b, ptrdiff_t b_row, ptrdiff_t b_column, int depth, int n,
                     int first, int end);

/* out (M,N) = residual (M,N) + bias (N) + in (M,K) w^T; residual NULL: none. residual may be out. */
void product_linear(real *out, const real *residual, const real *in, ein_weight w, const real *bias, int M,
                    int K, int N);
/* din (M,K) = alpha dout (M,N) w */
void product_inputs(real *din, const real *dout, ein_weight w, int M, int K, int N, real alpha);
/* c (m,n) = alpha a (m,k) b (k,n) */
void product_nn(real *c, const real *a, const real *b, int m, int n, int k, real alpha);
/* c (m,n) += alpha a (m,k) b (k,n) */
void product_nn_add(real *c, const real *a, const real *b, int m, int n, int k, real alpha);
/* c (m,n) += a (m,k) b (n,k)^T */
void product_nt_add(real *c, const real *a, const real *b, int m, int n, int k);
/* c (m,n) = alpha a (k,m)^T b (k,n) */
void product_tn(real *c, const real *a, const real *b, int m, int n, int k, real alpha);

#endif
