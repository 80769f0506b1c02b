/* Own products (core/nn/products.h): with every set of vector instructions that this processor has, the same bits as
 * the plain chain of fused multiply-adds, for every form and for shapes that leave tails in every direction; and a
 * row has the same bits whatever other rows the call has. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"
#include "core/base/processor.h"
#include "core/nn/products.h"
#include "tests/report.h"
#include "tests/seed.h"

enum { EDGE = 5 }; /* values between and around rows, which no product may touch */

static float *draw(size_t n, uint64_t stream) {
    float *x = malloc((n + 1) * sizeof *x);
    if (!x) exit(1);
    for (size_t i = 0; i < n; i += 4) {
        const ein_philox_block block = ein_philox(test_seed(7), EIN_DRAW_TEST, stream, (uint32_t)(i / 4));
        for (size_t k = i; k < n && k < i + 4; k++) x[k] = (float)(ein_uniform(block.v[k - i]) - 0.4);
    }
    return x;
}

/* One product with operands of its own; what it starts from is also what c holds before. */
typedef struct {
    ein_product p;
    float *a, *b, *c, *from, *plus, *panels;
    size_t c_values;
} made;

static made make(int m, int n, int depth, bool a_turned, bool b_turned, bool from, bool plus) {
    made x = {.p = {.m = m, .n = n, .depth = depth}};
    const ptrdiff_t a_row = a_turned ? m + EDGE : depth + EDGE, b_row = b_turned ? depth + EDGE : n + EDGE;
    x.c_values = (size_t)m * (size_t)(n + EDGE) + EDGE;
    x.a = draw((size_t)(a_turned ? depth : m) * (size_t)a_row, 1);
    x.b = draw((size_t)(b_turned ? n : depth) * (size_t)b_row, 2);
    x.c = draw(x.c_values, 3);
    x.from = draw(x.c_values, 3);
    x.plus = draw((size_t)n, 4);
    x.p.a = x.a;
    x.p.a_row = a_turned ? 1 : a_row;
    x.p.a_column = a_turned ? a_row : 1;
    x.p.b = x.b;
    x.p.b_row = b_turned ? 1 : b_row;
    x.p.b_column = b_turned ? b_row : 1;
    x.p.c = x.c;
    x.p.c_row = x.p.from_row = n + EDGE;
    x.p.from = from ? x.from : NULL;
    x.p.plus = plus ? x.plus : NULL;
    x.p.width = ein_panel_width();
    if (x.p.width) {
        const int panels = (n + x.p.width - 1) / x.p.width;
        x.panels = draw((size_t)panels * (size_t)x.p.width * (size_t)depth, 6);
        ein_panels_fill(x.panels, x.b, x.p.b_row, x.p.b_column, depth, n, 0, panels / 2);
        ein_panels_fill(x.panels, x.b, x.p.b_row, x.p.b_column, depth, n, panels / 2, panels);
    }
    return x;
}

static void unmake(made *x) {
    float *all[] = {x->a, x->b, x->c, x->from, x->plus, x->panels};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

/* All forms of one shape with the set in use; what stands around c must stay. */
static int wrong_forms(int m, int n, int depth) {
    int wrong = 0;
    for (int form = 0; form < 16; form++) {
        made x = make(m, n, depth, form & 1, form & 2, form & 4, form & 8);
        float *expected = draw(x.c_values, 3);
        ein_product_run(&x.p);
        x.p.c = expected;
        ein_product_plain(&x.p);
        wrong += memcmp(x.c, expected, x.c_values * sizeof *expected) != 0;
        if (x.p.from) { /* added onto c itself */
            memcpy(x.c, x.from, x.c_values * sizeof *x.c);
            x.p.c = x.c;
            x.p.from = x.c;
            ein_product_run(&x.p);
            wrong += memcmp(x.c, expected, x.c_values * sizeof *expected) != 0;
        }
        if (x.panels) { /* of which b itself is no longer read; from here on it is wrong */
            memset(x.b, 0xff, sizeof *x.b);
            memcpy(x.c, x.from, x.c_values * sizeof *x.c);
            x.p.c = x.c;
            x.p.panels = x.panels;
            ein_product_run(&x.p);
            wrong += memcmp(x.c, expected, x.c_values * sizeof *expected) != 0;
        }
        free(expected);
        unmake(&x);
    }
    return wrong;
}

static void check_shapes(const char *set) {
    static const int shapes[][3] = {
        {1, 1, 1},      {1, 1, 0},
        {3, 2, 7},      {6, 16, 5},
        {7, 17, 33},    {13, 31, 64},
        {14, 32, 100},  {15, 33, 257},
        {29, 65, 12},   {5, 3, 700},
        {41, 96, 128},  {1, 400, 40},
        {20, 40, 513},  {250, 40, 31},
        {40, 1030, 9},  {700, 34, 11},
        {130, 48, 30},  {200, 9, 100},
        {3, 1100, 520}, {30, 260, 1024 - EDGE}}; /* rows of a in the last lie a page apart */
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const int *s = shapes[i], wrong = wrong_forms(s[0], s[1], s[2]);
        report(wrong == 0, "%s: %d x %d x %d: the bits of the plain chain (%d forms differ)", set, s[0], s[1],
               s[2], wrong);
    }
    int wrong = 0;
    for (uint32_t i = 0; i < 60; i++) {
        const ein_philox_block d = ein_philox(test_seed(11), EIN_DRAW_TEST, 9, i);
        wrong += wrong_forms(1 + (int)(d.v[0] % 60), 1 + (int)(d.v[1] % 80), (int)(d.v[2] % 90));
    }
    report(wrong == 0, "%s: 60 shapes by chance (%d forms differ)", set, wrong);
}

/* Row `row` of a product of m rows, alone. */
static void check_rows(const char *set) {
    int wrong = 0;
    made all = make(131, 77, 150, false, true, false, true);
    ein_product_run(&all.p);
    for (int first = 0; first < 131; first += 13)
        for (int rows = 1; rows <= 131 - first; rows += 39) {
            ein_product part = all.p;
            float *c = draw(all.c_values, 5);
            part.m = rows;
            part.a += first * part.a_row;
            part.c = c;
            ein_product_run(&part);
            for (int r = 0; r < rows; r++)
                wrong += memcmp(c + r * part.c_row, all.c + (first + r) * part.c_row, 77 * sizeof *c) != 0;
            free(c);
        }
    report(wrong == 0, "%s: a row has the same bits in any call (%d differ)", set, wrong);
    unmake(&all);
}

/* NaN and infinity come out where they go in and nowhere else: tails are not filled with what multiplies them. */
static void check_special(const char *set) {
    made x = make(15, 33, 20, false, true, false, true);
    x.a[7 * x.p.a_row + 3] = NAN;
    ein_product_run(&x.p);
    int wrong = 0;
    for (int i = 0; i < 15; i++)
        for (int j = 0; j < 33; j++) wrong += (i == 7) != (isnan(x.c[i * x.p.c_row + j]) != 0);
    report(wrong == 0, "%s: a NaN stays in its row", set);
    unmake(&x);
}

int main(void) {
    for (int s = 0; s < EIN_SETS; s++) {
        const char *name = ein_set_name((ein_instruction_set)s);
        if (!ein_set_use((ein_instruction_set)s)) {
            printf("# %s: this processor has it not\n", name);
            continue;
        }
        if (s != EIN_SET_PLAIN) check_shapes(name);
        check_rows(name);
        check_special(name);
    }
    return report_end();
}
