#include "core/nn/products.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include "core/base/processor.h"
#include "core/base/status.h"
#include "core/nn/blas.h"
#include "core/nn/tiles.h"

#ifdef EIN_REAL_DOUBLE
static bool use_own; /* tests put noise into the products of a CBLAS */
#else
static bool use_own = true;

const char *ein_products_text(void) {
    return use_own ? "own products, exact on any processor" : ein_blas_start();
}
#endif

void ein_products_use(bool own) {
    use_own = own;
}

bool ein_products_own(void) {
    return use_own;
}

/* In double, where only gradient checks run, nobody asks for equal bits, and a call of fma costs time. */
static real fused(real x, real y, real sum) {
#ifdef EIN_REAL_DOUBLE
    return x * y + sum;
#else
    return fmaf(x, y, sum);
#endif
}

static real start_of(const ein_product *p, int i, int j) {
    if (!p->from) return p->plus ? p->plus[j] : 0;
    const real from = p->from[i * p->from_row + j];
    return p->plus ? from + p->plus[j] : from;
}

void ein_product_plain(const ein_product *p) {
    for (int i = 0; i < p->m; i++)
        for (int j = 0; j < p->n; j++) {
            const real *a = p->a + i * p->a_row, *b = p->b + j * p->b_column;
            real sum = start_of(p, i, j);
            for (int k = 0; k < p->depth; k++) sum = fused(a[k * p->a_column], b[k * p->b_row], sum);
            p->c[i * p->c_row + j] = sum;
        }
}

/* --- cut into tiles --------------------------------------------------------------------------------------- */

#ifdef EIN_REAL_DOUBLE

void ein_product_run(const ein_product *p) {
    ein_product_plain(p);
}

int ein_panel_width(void) {
    return 0;
}

void ein_panels_fill(real *out, const real *b, ptrdiff_t b_row, ptrdiff_t b_column, int depth, int n,
                     int first, int end) {
    EIN_BUG_IF(out || b || b_row || b_column || depth || n || first || end); /* there are none of no width */
}

#else

/* Columns of b that are copied together; values between rows of a that are copied apart. */
enum { WIDTH = 1024, ROW_GAP = 16 };

/* A thread's copies of parts of a and b, in the order in which tiles read them. */
typedef struct {
    float *a, *b;
    size_t a_values, b_values;
} buffers;

static _Thread_local buffers own_buffers;
static tss_t at_exit;
static once_flag at_exit_made = ONCE_FLAG_INIT;
static bool at_exit_lost; /* no key was left in the process: threads that end keep their copies */

static void release(void *room) {
    buffers *of = room;
    free(of->a);
    free(of->b);
    *of = (buffers){0};
}

static void make_at_exit(void) {
    if (tss_create(&at_exit, release) != thrd_success) at_exit_lost = true;
}

/* Room for n values at *buffer, which holds *values; false if there is no memory. */
static bool grow(float **buffer, size_t *values, size_t n) {
    if (*values >= n) return true;
    void *more;
    if (posix_memalign(&more, 64, n * sizeof(float)) != 0) return false;
    call_once(&at_exit_made, make_at_exit);
    if (!at_exit_lost) tss_set(at_exit, &own_buffers); /* what a thread holds goes with it */
    free(*buffer);
    *buffer = more;
    *values = n;
    return true;
}

static const ein_tiles *tiles_in_use(void) {
    switch (ein_set_in_use()) {
    case EIN_SET_AVX512:
        return ein_tiles_avx512;
    case EIN_SET_AVX2:
        return ein_tiles_avx2;
    case EIN_SET_NEON:
        return ein_tiles_neon;
    default:
        return NULL;
    }
}

/* Part p of n things cut into `parts` of nearly equal size. */
static int part_start(int n, int p, int parts) {
    return (int)((int64_t)n * p / parts);
}

/* How many parts of at most `most` there are in n; 1 for nothing. */
static int parts_of(int n, int most) {
    return n > most ? (n + most - 1) / most : 1;
}

/* The part of a product that is computed between two copies: rows, columns and terms from .. to. */
typedef struct {
    int row, rows, column, columns, term, terms;
} block;

/* One panel: n columns of b as (terms, width) without gaps between its rows. */
static void copy_panel(float *out, const float *b, ptrdiff_t b_row, ptrdiff_t b_column, int n, int terms,
                       const ein_tiles *tiles) {
    const int width = tiles->columns;
    if (b_column == 1)
        tiles->copy(out, width, b, b_row, n, terms);
    else
        for (int i = 0; i < n; i += 16)
            tiles->transpose(out + i, width, b + i * b_column, b_column, n - i < 16 ? n - i : 16, terms);
}

/* Columns of b as panels of one tile's width. */
static void copy_b(float *out, const ein_product *p, const block *o, const ein_tiles *tiles) {
    const int width = tiles->columns;
    for (int j = 0; j < o->columns; j += width, out += (size_t)width * (size_t)o->terms)
        copy_panel(out, p->b + o->term * p->b_row + (o->column + j) * p->b_column, p->b_row, p->b_column,
                   o->columns - j < width ? o->columns - j : width, o->terms, tiles);
}

int ein_panel_width(void) {
    const ein_tiles *tiles = use_own ? tiles_in_use() : NULL;
    return tiles ? tiles->columns : 0;
}

void ein_panels_fill(float *out, const float *b, ptrdiff_t b_row, ptrdiff_t b_column, int depth, int n,
                     int first, int end) {
    const ein_tiles *tiles = tiles_in_use();
    const int width = tiles->columns;
    for (int p = first; p < end; p++) {
        float *panel = out + (size_t)p * (size_t)depth * (size_t)width;
        const int columns = n - p * width < width ? n - p * width : width;
        if (columns < width) memset(panel, 0, (size_t)depth * (size_t)width * sizeof *panel);
        copy_panel(panel, b + (ptrdiff_t)p * width * b_column, b_row, b_column, columns, depth, tiles);
    }
}

/* Rows of a whose terms lie far apart, tile by tile, each (terms, tiles->rows); few terms at a time, so that what is
 * read lies close together. */
static void copy_a(float *out, const ein_product *p, const block *o, const ein_tiles *tiles) {
    enum { STEP = 16 };
    const int n = parts_of(o->rows, tiles->rows);
    for (int k = 0; k < o->terms; k += STEP) {
        const float *a = p->a + o->row + (o->term + k) * p->a_column;
        for (int t = 0; t < n; t++) {
            const int first = part_start(o->rows, t, n), rows = part_start(o->rows, t + 1, n) - first;
            tiles->copy(out + ((ptrdiff_t)t * o->terms + k) * tiles->rows, tiles->rows, a + first,
                        p->a_column, rows, o->terms - k < STEP ? o->terms - k : STEP);
        }
    }
}

/* Rows of a as they lie, a line further apart than they are long. */
static void copy_rows_apart(float *out, const ein_product *p, const block *o) {
    const float *a = p->a + o->row * p->a_row + o->term;
    for (int i = 0; i < o->rows; i++, a += p->a_row, out += o->terms + ROW_GAP)
        memcpy(out, a, (size_t)o->terms * sizeof *out);
}

/* Where tiles find a and b: in the product's own operands or in copies. */
typedef struct {
    const float *a_copy; /* NULL: not copied */
    bool a_apart;        /* those copies are rows as they lie, but at other distances */
    const float *b_copy; /* the first column's panel at the first term; NULL: not copied */
    ptrdiff_t b_panel;   /* from one panel to the next */
} source;

/* What tile i of n among `rows` rows brings into the cache for those behind it. While the first columns are computed
 * that is the next rows of a, where they lie without gaps; then the next columns of b, half by each of two tiles. */
static void fetch_ahead(ein_tile *t, const ein_product *p, const source *s, int rows, int i, int n,
                        bool first, bool last) {
    enum { LINES = 32 }; /* values of two lines */
    t->next_from = t->from ? t->from + (t->next - t->c) : t->next;
    t->ahead = t->a;
    t->ahead_step = 0;
    if (first && i + 1 < n && !s->a_copy && p->a_column == 1 && p->a_row == t->k) {
        t->ahead = t->a + rows * p->a_row;
        t->ahead_step = LINES;
    } else if (!last && i < 2) {
        const ptrdiff_t half = i * (t->k / 2) * t->b_row;
        t->ahead = t->b + half + (s->b_copy ? s->b_panel : t->columns);
        t->ahead_step = s->b_copy ? LINES : t->b_row;
    }
}

static void run_block(const ein_product *p, const block *o, const source *s, const ein_tiles *tiles) {
    const int n = parts_of(o->rows, tiles->rows), width = tiles->columns;
    const bool first_terms = o->term == 0;
    for (int j = 0; j < o->columns; j += width) {
        const int column = o->column + j;
        ein_tile t = {.columns = o->columns - j < width ? o->columns - j : width,
                      .k = o->terms,
                      .c_row = p->c_row,
                      .from_row = first_terms ? p->from_row : p->c_row,
                      .plus = first_terms && p->plus ? p->plus + column : NULL,
                      .a_row = s->a_apart  ? o->terms + ROW_GAP
                               : s->a_copy ? 1
                                           : p->a_row,
                      .a_column = s->a_copy && !s->a_apart ? tiles->rows : p->a_column,
                      .b =
                          s->b_copy ? s->b_copy + j / width * s->b_panel : p->b + o->term * p->b_row + column,
                      .b_row = s->b_copy ? width : p->b_row};
        for (int i = 0; i < n; i++) {
            const int from = part_start(o->rows, i, n), to = part_start(o->rows, i + 1, n);
            const int row = o->row + from;
            t.c = p->c + row * p->c_row + column;
            t.next = i + 1 < n ? t.c + (to - from) * p->c_row : p->c + o->row * p->c_row + column + width;
            t.from = !first_terms ? t.c : p->from ? p->from + row * p->from_row + column : NULL;
            t.a = s->a_apart  ? s->a_copy + from * t.a_row
                  : s->a_copy ? s->a_copy + (size_t)i * (size_t)o->terms * (size_t)tiles->rows
                              : p->a + row * p->a_row + o->term * p->a_column;
            fetch_ahead(&t, p, s, to - from, i, n, j == 0, j + width >= o->columns);
            tiles->tile(&t, to - from);
        }
    }
}

/* A copy of b pays if very many rows use it, and is needed if tiles cannot read it as it lies. */
static bool wants_copy_of_b(const ein_product *p, const ein_tiles *tiles) {
    return p->b_column != 1 || p->m > 100 * tiles->rows;
}

/* A copy of a pays if the terms of a sum lie far apart and several columns of tiles read them. */
static bool wants_copy_of_a(const ein_product *p, const ein_tiles *tiles) {
    return p->a_row == 1 && p->a_column != 1 && p->n > 4 * tiles->columns;
}

/* Rows at a distance that is a multiple of a page meet in one set of the first cache and drive each other out: more
 * than it has ways for. A copy pays if several columns of tiles read it. */
static bool wants_rows_apart(const ein_product *p, const ein_tiles *tiles) {
    enum { PAGE = 4096 / sizeof(float) };
    return p->a_column == 1 && p->a_row % PAGE == 0 && p->n >= 8 * tiles->columns && p->m > tiles->rows;
}

/* One column block of c: copies of b, then rows that stay in the cache. */
static void run_columns(const ein_product *p, int column, int columns, buffers *room,
                        const ein_tiles *tiles) {
    const int passes = parts_of(p->depth, tiles->depth), heights = parts_of(p->m, tiles->height);
    const bool a_apart = wants_rows_apart(p, tiles);
    const bool has_panels = p->panels && p->width == tiles->columns;
    const bool b_copied = !has_panels && wants_copy_of_b(p, tiles), a_copied = wants_copy_of_a(p, tiles);
    for (int pass = 0; pass < passes; pass++) {
        block o = {.column = column, .columns = columns, .term = part_start(p->depth, pass, passes)};
        o.terms = part_start(p->depth, pass + 1, passes) - o.term;
        source s = {a_copied || a_apart ? room->a : NULL, a_apart, b_copied ? room->b : NULL,
                    (ptrdiff_t)o.terms * tiles->columns};
        if (b_copied) copy_b(room->b, p, &o, tiles);
        if (has_panels) {
            s.b_panel = (ptrdiff_t)p->depth * p->width;
            s.b_copy = p->panels + column / p->width * s.b_panel + (ptrdiff_t)o.term * p->width;
        }
        for (int h = 0; h < heights; h++) {
            o.row = part_start(p->m, h, heights);
            o.rows = part_start(p->m, h + 1, heights) - o.row;
            if (a_copied) copy_a(room->a, p, &o, tiles);
            if (a_apart) copy_rows_apart(room->a, p, &o);
            run_block(p, &o, &s, tiles);
        }
    }
}

void ein_product_run(const ein_product *p) {
    const ein_tiles *tiles = tiles_in_use();
    buffers *room = &own_buffers;
    const size_t depth = (size_t)(tiles ? tiles->depth : 0);
    if (p->m < 1 || p->n < 1) return;
    /* The plain product needs no memory, and is as good but for its speed. A block is cut into tiles of fewer rows
     * than the largest, so there may be more of them than its height by one. */
    if (!tiles || !grow(&room->b, &room->b_values, depth * (size_t)(WIDTH + tiles->columns)) ||
        !grow(&room->a, &room->a_values, (depth + ROW_GAP) * (size_t)(tiles->height + 2 * tiles->rows))) {
        ein_product_plain(p);
        return;
    }
    const int parts = parts_of(p->n, WIDTH), width = tiles->columns;
    const int step = ((p->n + parts - 1) / parts + width - 1) / width * width;
    for (int column = 0; column < p->n; column += step)
        run_columns(p, column, p->n - column < step ? p->n - column : step, room, tiles);
}

#endif

/* --- the forms that layers use ------------------------------------------------------------------------------ */

void product_linear(real *out, const real *residual, const real *in, ein_weight w, const real *bias, int M,
                    int K, int N) {
    if (use_own) {
        ein_product_run(&(ein_product){.m = M,
                                       .n = N,
                                       .depth = K,
                                       .c = out,
                                       .c_row = N,
                                       .from = residual,
                                       .from_row = N,
                                       .plus = bias,
                                       .a = in,
                                       .a_row = K,
                                       .a_column = 1,
                                       .b = w.values,
                                       .b_row = 1,
                                       .b_column = K,
                                       .panels = w.forward,
                                       .width = w.width});
        return;
    }
    /* Adding onto a matrix of biases costs no more than overwriting: the product needs no clearing pass. */
    for (int m = 0; m < M; m++) {
        real *o = out + (size_t)m * (size_t)N;
        const real *r = residual ? residual + (size_t)m * (size_t)N : NULL;
        for (int n = 0; n < N; n++) o[n] = r ? r[n] + bias[n] : bias[n];
    }
    gemm_nt_add(out, in, w.values, M, N, K);
}

static void scale(real *c, size_t n, real alpha) {
    if (alpha == 1) return;
    for (size_t i = 0; i < n; i++) c[i] *= alpha;
}

void product_inputs(real *din, const real *dout, ein_weight w, int M, int K, int N, real alpha) {
    if (!use_own) {
        gemm_nn(din, dout, w.values, M, K, N, alpha);
        return;
    }
    ein_product_run(&(ein_product){.m = M,
                                   .n = K,
                                   .depth = N,
                                   .c = din,
                                   .c_row = K,
                                   .a = dout,
                                   .a_row = N,
                                   .a_column = 1,
                                   .b = w.values,
                                   .b_row = K,
                                   .b_column = 1,
                                   .panels = w.turned,
                                   .width = w.width});
    scale(din, (size_t)M * (size_t)K, alpha);
}

void ein_product_of(real *c, ptrdiff_t c_row, const real *from, ein_operand a, ein_operand b, int m, int n,
                    int depth) {
    ein_product_run(&(ein_product){.m = m,
                                   .n = n,
                                   .depth = depth,
                                   .c = c,
                                   .c_row = c_row,
                                   .from = from,
                                   .from_row = c_row,
                                   .a = a.x,
                                   .a_row = a.row,
                                   .a_column = a.column,
                                   .b = b.x,
                                   .b_row = b.row,
                                   .b_column = b.column});
}

void product_nn(real *c, const real *a, const real *b, int m, int n, int k, real alpha) {
    if (!use_own) {
        gemm_nn(c, a, b, m, n, k, alpha);
        return;
    }
    ein_product_of(c, n, NULL, (ein_operand){a, k, 1}, (ein_operand){b, n, 1}, m, n, k);
    scale(c, (size_t)m * (size_t)n, alpha);
}

void product_nn_add(real *c, const real *a, const real *b, int m, int n, int k, real alpha) {
    if (!use_own) {
        gemm_nn_add(c, a, b, m, n, k, alpha);
        return;
    }
    /* c / alpha + a b, times alpha, is not c + alpha a b in its last bits; no layer asks for another factor than 1
     * but in the checks of gradients. */
    if (alpha != 1) scale(c, (size_t)m * (size_t)n, 1 / alpha);
    ein_product_of(c, n, c, (ein_operand){a, k, 1}, (ein_operand){b, n, 1}, m, n, k);
    scale(c, (size_t)m * (size_t)n, alpha);
}

void product_nt_add(real *c, const real *a, const real *b, int m, int n, int k) {
    if (use_own)
        ein_product_of(c, n, c, (ein_operand){a, k, 1}, (ein_operand){b, 1, k}, m, n, k);
    else
        gemm_nt_add(c, a, b, m, n, k);
}

void product_tn(real *c, const real *a, const real *b, int m, int n, int k, real alpha) {
    if (!use_own) {
        gemm_tn(c, a, b, m, n, k, alpha);
        return;
    }
    ein_product_of(c, n, NULL, (ein_operand){a, 1, m}, (ein_operand){b, n, 1}, m, n, k);
    scale(c, (size_t)m * (size_t)n, alpha);
}
