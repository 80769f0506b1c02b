/* How the processors of a node are shared among its ranks. */
#include "mpi/threads.h"
#include "tests/report.h"

enum { MOST_RANKS = 8 };

/* Processors first .. first + count - 1 for each rank. */
typedef struct {
    const char *what;
    int ranks, first[MOST_RANKS], count[MOST_RANKS], expected[MOST_RANKS];
} node;

static const node nodes[] = {
    {"one rank has all", 1, {0}, {16}, {16}},
    {"bound to processors of their own", 4, {0, 4, 8, 12}, {4, 4, 4, 4}, {4, 4, 4, 4}},
    {"bound to nothing", 4, {0}, {16, 16, 16, 16}, {4, 4, 4, 4}},
    {"in one cpuset, bound to nothing", 4, {8, 8, 8, 8}, {8, 8, 8, 8}, {2, 2, 2, 2}},
    {"in one cpuset of a number that does not divide", 3, {1, 1, 1}, {8, 8, 8}, {2, 2, 2}},
    {"in thirds that add up", 3, {0, 0, 0}, {6, 6, 6}, {2, 2, 2}},
    {"two in one half, one in the other", 3, {0, 0, 8}, {8, 8, 8}, {4, 4, 8}},
    {"one bound, one not", 2, {0, 0}, {4, 16}, {2, 14}},
    {"more ranks than processors", 8, {0}, {2, 2, 2, 2, 2, 2, 2, 2}, {1, 1, 1, 1, 1, 1, 1, 1}},
    {"nothing known", 2, {0}, {0, 0}, {1, 1}},
};

int main(void) {
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
        const node *n = &nodes[i];
        cpu_set_t sets[MOST_RANKS];
        bool good = true;
        for (int r = 0; r < n->ranks; r++) {
            CPU_ZERO(&sets[r]);
            for (int c = 0; c < n->count[r]; c++) CPU_SET((size_t)(n->first[r] + c), &sets[r]);
        }
        for (int r = 0; r < n->ranks; r++) good &= ein_threads_share(sets, n->ranks, r) == n->expected[r];
        report(good, "%s: rank 0 has %d, expected %d", n->what, ein_threads_share(sets, n->ranks, 0),
               n->expected[0]);
    }
    return report_end();
}
