/* How the processors of a node are shared among its ranks. */
#include "mpi/threads.h"

#include <string.h>

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

static int made_by[MOST_RANKS];

/* Threads 2 and 5 cannot. */
static ein_status make(void *self, int thread) {
    const bool fail = *(const bool *)self;
    made_by[thread]++;
    return fail && (thread == 2 || thread == 5) ? ein_error(EIN_NOMEM, "no memory for thread %d", thread)
                                                : EIN_OK;
}

static void each_thread_makes_its_own(void) {
    bool fail = false;
    report(ein_threads_each(MOST_RANKS, make, &fail) == EIN_OK, "all threads make theirs");
    for (int turn = 0; turn < 20; turn++) {
        fail = true;
        ein_error_clear();
        const ein_status status = ein_threads_each(MOST_RANKS, make, &fail);
        if (status == EIN_NOMEM && strcmp(ein_error_message(), "no memory for thread 2") == 0) continue;
        report(false, "turn %d: status %d, %s", turn, status, ein_error_message());
    }
    bool all = true;
    for (int t = 0; t < MOST_RANKS; t++) all &= made_by[t] == 21;
    report(all, "each was asked once a turn, and the lowest that failed speaks");
}

int main(void) {
    each_thread_makes_its_own();
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
