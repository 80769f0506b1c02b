#include "core/stats/overlap.h"

#include <stdlib.h>
#include <string.h>

/* The graph: node 0 is outside, then the cells of the first, then of the second table. */
typedef struct {
    int n;
    double *w;       /* (n, n), symmetric */
    int *component;  /* (n) */
    int *node;       /* scratch: the nodes of one component */
    uint8_t *merged; /* (n, n) which nodes a node of the shrinking graph stands for */
    double *key;     /* (n) */
    uint8_t *gone, *in;
} graph;

static void graph_free(graph *g) {
    free(g->w);
    free(g->component);
    free(g->node);
    free(g->merged);
    free(g->key);
    free(g->gone);
    free(g->in);
}

static ein_status graph_new(graph *g, const double *weight, int n_first, int n_second) {
    const int n = 1 + n_first + n_second;
    *g = (graph){.n = n};
    EIN_TRY(EIN_NEW(g->w, (int64_t)n * n));
    EIN_TRY(EIN_NEW(g->component, n));
    EIN_TRY(EIN_NEW(g->node, n));
    EIN_TRY(EIN_NEW(g->merged, (int64_t)n * n));
    EIN_TRY(EIN_NEW(g->key, n));
    EIN_TRY(EIN_NEW(g->gone, n));
    EIN_TRY(EIN_NEW(g->in, n));
    for (int a = 0; a <= n_first; a++)
        for (int b = 0; b <= n_second; b++) {
            const int from = a, to = b ? n_first + b : 0;
            const double x = weight[(int64_t)a * (n_second + 1) + b];
            if (from == to || !(x > 0)) continue;
            g->w[(int64_t)from * n + to] = g->w[(int64_t)to * n + from] = x;
        }
    return EIN_OK;
}

static void spread(graph *g, int from, int mark) {
    int *stack = g->node, depth = 0;
    g->component[from] = mark;
    stack[depth++] = from;
    while (depth > 0) {
        const int u = stack[--depth];
        for (int v = 0; v < g->n; v++)
            if (!g->component[v] && g->w[(int64_t)u * g->n + v] > 0) {
                g->component[v] = mark;
                stack[depth++] = v;
            }
    }
}

/* One phase: order the nodes by how tightly they hang together; the last one against the rest is a cut. */
static double phase(graph *g, const int *node, int n, int *last, int *before) {
    double cut = 0;
    for (int i = 0; i < n; i++) {
        g->key[node[i]] = 0;
        g->in[node[i]] = 0;
    }
    *before = *last = -1;
    for (;;) {
        int best = -1;
        for (int i = 0; i < n; i++)
            if (!g->gone[node[i]] && !g->in[node[i]] && (best < 0 || g->key[node[i]] > g->key[best]))
                best = node[i];
        if (best < 0) return cut;
        *before = *last;
        *last = best;
        cut = g->key[best];
        g->in[best] = 1;
        for (int i = 0; i < n; i++) g->key[node[i]] += g->w[(int64_t)best * g->n + node[i]];
    }
}

static void contract(graph *g, const int *node, int n, int into, int from) {
    for (int i = 0; i < n; i++) {
        const int v = node[i];
        if (v == into || v == from) continue;
        g->w[(int64_t)into * g->n + v] += g->w[(int64_t)from * g->n + v];
        g->w[(int64_t)v * g->n + into] = g->w[(int64_t)into * g->n + v];
    }
    for (int i = 0; i < g->n; i++) g->merged[(int64_t)into * g->n + i] |= g->merged[(int64_t)from * g->n + i];
    g->gone[from] = 1;
}

static void cut_component(graph *g, const int *node, int n, double *least, uint8_t *side) {
    for (int left = n; left > 1; left--) {
        int last, before;
        const double cut = phase(g, node, n, &last, &before);
        if (cut < *least) {
            *least = cut;
            const bool outside = g->merged[(int64_t)last * g->n] != 0;
            for (int i = 0; side && i < g->n; i++) side[i] = 0;
            for (int i = 0; side && i < n; i++)
                side[node[i]] = (g->merged[(int64_t)last * g->n + node[i]] != 0) != outside;
        }
        contract(g, node, n, before, last);
    }
}

static ein_status least_cut(graph *g, double *least, uint8_t *side) {
    int *node, marks = 0;
    EIN_TRY(EIN_NEW(node, g->n));
    for (int i = 0; i < g->n; i++) g->merged[(int64_t)i * g->n + i] = 1;
    for (int i = 0; i < g->n; i++)
        if (!g->component[i]) spread(g, i, ++marks);
    for (int c = 1; c <= marks; c++) {
        int n = 0;
        for (int i = 0; i < g->n; i++)
            if (g->component[i] == c) node[n++] = i;
        cut_component(g, node, n, least, side);
    }
    free(node);
    return EIN_OK;
}

ein_status ein_overlap_least_cut(double *least, uint8_t *side, const double *weight, int n_first,
                                 int n_second) {
    graph g;
    uint8_t *all = NULL;
    *least = INFINITY;
    ein_status status = graph_new(&g, weight, n_first, n_second);
    if (status == EIN_OK) status = EIN_NEW(all, g.n);
    if (status == EIN_OK) status = least_cut(&g, least, all);
    if (status == EIN_OK && side) memcpy(side, all + 1, (size_t)(n_first + n_second));
    free(all);
    graph_free(&g);
    return status;
}

/* --- joining ----------------------------------------------------------------------------------------------- */

/* The weights with bins joined as `keep` has it; *n_joined of them. */
static void join_weights(double *out, int *n_joined, const uint8_t *keep, const double *weight, int n_first,
                         int n_classes, int n_bins) {
    int joined = 1;
    for (int e = 0; e + 1 < n_bins; e++) joined += keep[e];
    const int columns = n_classes * joined + 1;
    for (int64_t i = 0; i < (int64_t)(n_first + 1) * columns; i++) out[i] = 0;
    for (int a = 0; a <= n_first; a++) {
        const double *row = weight + (int64_t)a * (n_classes * n_bins + 1);
        out[(int64_t)a * columns] = row[0];
        for (int c = 0; c < n_classes; c++)
            for (int b = 0, j = 0; b < n_bins; b++) {
                out[(int64_t)a * columns + 1 + c * joined + j] += row[1 + c * n_bins + b];
                if (b + 1 < n_bins) j += keep[b];
            }
    }
    *n_joined = joined;
}

/* The joined edge that parts a cell of `side` from a neighbour that is not in it; -1: there is none. */
static int edge_of(const uint8_t *side, int n_classes, int n_joined) {
    for (int j = 0; j + 1 < n_joined; j++)
        for (int c = 0; c < n_classes; c++)
            if (side[c * n_joined + j] != side[c * n_joined + j + 1]) return j;
    return -1;
}

static void drop(uint8_t *keep, int n_bins, int joined_edge) {
    for (int e = 0; e + 1 < n_bins; e++)
        if (keep[e] && joined_edge-- == 0) {
            keep[e] = 0;
            return;
        }
}

ein_status ein_overlap_join(ein_release *verdict, uint8_t *keep, const double *weight, int n_first,
                            int n_classes, int n_bins, ein_release_rules rules) {
    double *joined = NULL, least;
    uint8_t *side = NULL;
    int n_joined;
    ein_status status = EIN_NEW(joined, (int64_t)(n_first + 1) * (n_classes * n_bins + 1));
    if (status == EIN_OK) status = EIN_NEW(side, n_first + n_classes * n_bins + 1);
    *verdict = EIN_RELEASE_DIFFERENCE;
    while (status == EIN_OK) {
        join_weights(joined, &n_joined, keep, weight, n_first, n_classes, n_bins);
        status = ein_overlap_least_cut(&least, side, joined, n_first, n_classes * n_joined);
        if (status != EIN_OK) break;
        if (ein_release_pair(least, 0, rules) == EIN_RELEASE_GRANTED) {
            *verdict = EIN_RELEASE_GRANTED;
            break;
        }
        const int edge = edge_of(side + n_first, n_classes, n_joined);
        if (edge < 0) break;
        drop(keep, n_bins, edge);
    }
    free(joined);
    free(side);
    return status;
}
