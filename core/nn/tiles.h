/* The innermost loops of products: a tile of the result held in registers, one file per set of vector instructions
 * (tiles_avx2.c, tiles_avx512.c, tiles_neon.c), compiled for that set and called only where the processor has it.
 * core/nn/products.c cuts products into tiles.
 */
#ifndef EIN_CORE_NN_TILES_H
#define EIN_CORE_NN_TILES_H

#include <stddef.h>

/* c(i,j) = start(i,j) + sum over k of a(i,k) b(k,j), one chain of fused multiply-adds in the order of k. */
typedef struct {
    float *c; /* c(i,j) = c[i * c_row + j] */
    const float
        *from; /* start(i,j) = from[i * from_row + j] + plus[j]; either may be NULL, and counts as 0 then */
    const float *plus;
    const float *a; /* a(i,k) = a[i * a_row + k * a_column] */
    const float *b; /* b(k,j) = b[k * b_row + j] */
    const float
        *next; /* the c of the tile that comes next, to have it in the cache by then; any address will do */
    const float
        *next_from; /* its `from`, likewise, with rows like those of this tile's, or of c if that has none */
    const float *ahead;   /* and of what a and b come next: for every four terms two lines from here, two a */
    ptrdiff_t ahead_step; /* step further, and then two steps on */
    ptrdiff_t c_row, from_row, a_row, a_column, b_row;
    int columns; /* 1 .. ein_tiles.columns */
    int k;       /* terms of each sum */
} ein_tile;

typedef struct {
    int rows, columns; /* of the largest tile */
    int depth, height; /* terms that a pass takes at once, rows that stay in the cache meanwhile */
    void (*tile)(const ein_tile *t, int rows); /* 1 .. rows */
    /* out[k * out_row + i] = in[i * in_row + k] for i < n (at most 16), k < depth */
    void (*transpose)(float *out, ptrdiff_t out_row, const float *in, ptrdiff_t in_row, int n, int depth);
    /* out[k * out_row + i] = in[k * in_row + i] for i < n (at most columns), k < depth */
    void (*copy)(float *out, ptrdiff_t out_row, const float *in, ptrdiff_t in_row, int n, int depth);
} ein_tiles;

/* NULL where the compiler was not told of the set. */
extern const ein_tiles *const ein_tiles_avx2, *const ein_tiles_avx512, *const ein_tiles_neon;

#endif
