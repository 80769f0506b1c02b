/* A tile of products, over a vector type: included by tiles_avx2.c, tiles_avx512.c and tiles_neon.c, which define
 *
 *     vec                  a vector of LANES floats
 *     LANES, ROWS          and how many rows of two vectors fit into the registers, beside an element of a and two of
 * b
 *     vec_zero, vec_load, vec_load_part, vec_store, vec_store_part, vec_spread, vec_add
 *     FUSE(sum, x, y)      sum += x * y, rounded once
 *     part                 what vec_load_part needs to know of a vector's last lanes, by part_of(lanes)
 *
 * FUSE is one line of assembly: with intrinsics gcc 12 moves sums between registers and memory inside the loop.
 */
#define INLINE static inline __attribute__((always_inline))

enum { GROUP = 3, GROUPS = (ROWS + GROUP - 1) / GROUP };

/* The sums before the first term. */
INLINE void start_tile(vec sum[ROWS][2], const ein_tile *t, const int rows, const int vectors,
                       const int whole, const part last) {
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++) {
        const int full = whole || v < vectors - 1;
        vec plus = vec_zero();
        if (t->plus) plus = full ? vec_load(t->plus + v * LANES) : vec_load_part(t->plus + v * LANES, last);
#pragma GCC unroll 16
        for (int r = 0; r < rows; r++) {
            sum[r][v] = plus;
            if (!t->from) continue;
            const float *from = t->from + r * t->from_row + v * LANES;
            sum[r][v] = full ? vec_load(from) : vec_load_part(from, last);
            if (t->plus) sum[r][v] = vec_add(sum[r][v], plus);
        }
    }
}

INLINE void end_tile(const ein_tile *t, vec sum[ROWS][2], const int rows, const int vectors, const int whole,
                     const part last) {
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) {
            float *to = t->c + r * t->c_row + v * LANES;
            if (whole || v < vectors - 1)
                vec_store(to, sum[r][v]);
            else
                vec_store_part(to, last, sum[r][v]);
        }
}

/* One term of every sum. a: the first of every GROUP rows, so that all rows are at hand with few registers. */
INLINE void add_term(vec sum[ROWS][2], const float *const a[GROUPS], const ptrdiff_t a_row, const float *b,
                     const int rows, const int vectors, const int whole, const part last) {
    vec b0, b1;
    if (vectors == 1)
        b0 = whole ? vec_load(b) : vec_load_part(b, last);
    else {
        b0 = vec_load(b);
        b1 = whole ? vec_load(b + LANES) : vec_load_part(b + LANES, last);
    }
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++) {
        const vec x = vec_spread(a[r / GROUP] + r % GROUP * a_row);
        FUSE(sum[r][0], x, b0);
        if (vectors == 2) FUSE(sum[r][1], x, b1);
    }
}

/* rows, vectors and whole are constants in every caller: what depends on them is decided by the compiler. */
INLINE void run_tile(const ein_tile *t, const int rows, const int vectors, const int whole) {
    const part last = part_of(t->columns - (vectors - 1) * LANES);
    const ptrdiff_t a_row = t->a_row, a_column = t->a_column, b_row = t->b_row, next_row = t->c_row;
    const float *a[GROUPS], *b = t->b, *next = t->next, *next_from = t->next_from, *ahead = t->ahead;
    const ptrdiff_t next_from_row = t->from ? t->from_row : next_row, ahead_step = t->ahead_step;
    vec sum[ROWS][2];
    start_tile(sum, t, rows, vectors, whole, last);
#pragma GCC unroll 8
    for (int g = 0; g < GROUPS; g++) a[g] = t->a + g * GROUP * a_row;
#define TERM                                                                       \
    {                                                                              \
        add_term(sum, a, a_row, b, rows, vectors, whole, last);                    \
        _Pragma("GCC unroll 8") for (int g = 0; g < GROUPS; g++) a[g] += a_column; \
        b += b_row;                                                                \
    }
    const int fours = t->k / 4;
    for (int k = 0; k < fours; k++) {
        __builtin_prefetch(next, 1, 3);
        if (vectors == 2) __builtin_prefetch(next + 16, 1, 3);
        __builtin_prefetch(next_from, 0, 3);
        if (vectors == 2) __builtin_prefetch(next_from + 16, 0, 3);
        if (k < rows - 1) next += next_row, next_from += next_from_row;
        __builtin_prefetch(ahead, 0, 3);
        __builtin_prefetch(ahead + 16, 0, 3);
        __builtin_prefetch(ahead + ahead_step, 0, 3);
        __builtin_prefetch(ahead + ahead_step + 16, 0, 3);
        ahead += 2 * ahead_step;
        TERM TERM TERM TERM
    }
    for (int k = 4 * fours; k < t->k; k++)
        TERM
#undef TERM
            end_tile(t, sum, rows, vectors, whole, last);
}

#define TILE(rows, vectors, whole)                                     \
    static void tile_##rows##_##vectors##_##whole(const ein_tile *t) { \
        run_tile(t, rows, vectors, whole);                             \
    }
#define TILES_OF(rows) TILE(rows, 1, 0) TILE(rows, 1, 1) TILE(rows, 2, 0) TILE(rows, 2, 1)
#define NAMES_OF(rows)                            \
    {                                             \
        {tile_##rows##_1_0, tile_##rows##_1_1}, { \
            tile_##rows##_2_0, tile_##rows##_2_1  \
        }                                         \
    }
ALL_ROWS(TILES_OF)
#define COMMA_NAMES(rows) NAMES_OF(rows),
static void (*const tile_table[ROWS][2][2])(const ein_tile *) = {ALL_ROWS(COMMA_NAMES)};

static void tile(const ein_tile *t, int rows) {
    const int two = t->columns > LANES, whole = t->columns % LANES == 0;
    tile_table[rows - 1][two][whole](t);
}

static void transpose(float *out, ptrdiff_t out_row, const float *in, ptrdiff_t in_row, int n, int depth) {
    int k = 0;
    for (; k + LANES <= depth; k += LANES)
        for (int i = 0; i < n; i += LANES)
            transpose_square(out + k * out_row + i, out_row, in + i * in_row + k, in_row,
                             n - i < LANES ? n - i : LANES);
    for (; k < depth; k++)
        for (int i = 0; i < n; i++) out[k * out_row + i] = in[i * in_row + k];
}

static void copy(float *out, ptrdiff_t out_row, const float *in, ptrdiff_t in_row, int n, int depth) {
    if (n == 2 * LANES) {
        for (int k = 0; k < depth; k++, out += out_row, in += in_row) {
            vec_store(out, vec_load(in));
            vec_store(out + LANES, vec_load(in + LANES));
        }
        return;
    }
    for (; n > 0; n -= LANES, out += LANES, in += LANES) {
        const part last = part_of(n < LANES ? n : LANES);
        for (int k = 0; k < depth; k++)
            vec_store_part(out + k * out_row, last, vec_load_part(in + k * in_row, last));
    }
}
