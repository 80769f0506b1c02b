/* What L-BFGS remembers of its steps: a pair without curvature must not take anything from those that are kept. The
 * module's own functions, under other names than the program's. */
#define ein_penalised_fit_rows pairs_fit_rows
#define ein_penalised_score    pairs_score
#define ein_standardise        pairs_standardise
#include "core/stats/penalised.c"
#include "tests/report.h"

enum { N = 3 };

static double room[2 * PAIRS * N];

static history empty(void) {
    history h = {.newest = PAIRS - 1};
    for (int k = 0; k < PAIRS; k++) {
        h.s[k] = room + (size_t)2 * (size_t)k * N;
        h.y[k] = h.s[k] + N;
    }
    return h;
}

/* One step of `length` along axis k with the gradient's change `slope` times as large. */
static void take(history *h, int k, double length, double slope) {
    double w[N] = {1, 2, 3}, g[N] = {0.5, -1, 2}, w_new[N], g_new[N];
    memcpy(w_new, w, sizeof w);
    memcpy(g_new, g, sizeof g);
    w_new[k % N] += length;
    g_new[k % N] += length * slope;
    remember(h, w, w_new, g, g_new, N);
}

static bool whole(const history *h) {
    for (int k = 0; k < h->n; k++) {
        const int at = (h->newest - k + PAIRS) % PAIRS;
        if (!(fabs(h->rho[at] * dot(h->s[at], h->y[at], N) - 1) <= 1e-12)) return false;
    }
    return true;
}

int main(void) {
    static const struct {
        const char *what;
        double length, slope;
    } bad[] = {
        {"against the gradient", 0.5, -2}, {"nowhere", 0, 1}, {"on a plain", 0.5, 0}, {"to NaN", NAN, 1}};
    static const int kept[] = {0, 1, PAIRS - 1, PAIRS, PAIRS + 4};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        for (size_t b = 0; b < sizeof bad / sizeof *bad; b++) {
            history h = empty();
            const double g[N] = {1, -2, 0.25};
            double before[N], after[N];
            for (int k = 0; k < kept[i]; k++) take(&h, k, 0.25 * (k + 1), 1 + k);
            direction(before, g, &h, N);
            const int n = h.n, newest = h.newest;
            take(&h, 1, bad[b].length, bad[b].slope);
            direction(after, g, &h, N);
            report(h.n == n && h.newest == newest && whole(&h) && !memcmp(before, after, sizeof before),
                   "%d pairs and a step %s: the pairs are as they were", n, bad[b].what);
        }
    return report_end();
}
