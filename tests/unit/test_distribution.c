/* Histograms of scores: no joined bin holds fewer people than may be told, and nobody is lost. */
#include "jobs/report/distribution.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/philox.h"
#include "tests/seed.h"
#include "tests/tap.h"

enum { BINS = EIN_CURVE_BINS, TRIES = 300 };

/* Runs of equal shares are at most as fine as the joined bins; each must hold enough. */
static void check(const int64_t *count, int64_t minimum) {
    double share[BINS], sum = 0;
    int64_t all = 0, run = 0;
    ein_distribution_join(count, BINS, minimum, share);
    for (int b = 0; b < BINS; b++) all += count[b];
    for (int b = 0; b < BINS; b++) {
        sum += share[b];
        run += count[b];
        if (b + 1 < BINS && share[b + 1] == share[b]) continue;
        ck_assert_msg(run >= minimum, "a bin of %lld", (long long)run);
        run = 0;
    }
    ck_assert(all < minimum || fabs(sum - 1) < 1e-12);
}

START_TEST(test_join) {
    for (int i = 0; i < TRIES; i++) {
        int64_t count[BINS], all = 0;
        const uint32_t most = 1 + ein_philox(test_seed(1), EIN_DRAW_TEST, (uint64_t)i, 0).v[0] % 40;
        for (int b = 0; b < BINS; b++) {
            const ein_philox_block draw =
                ein_philox(test_seed(1), EIN_DRAW_TEST, (uint64_t)i, (uint32_t)b + 1);
            count[b] = draw.v[0] % 3 ? (int64_t)(draw.v[1] % most) : 0;
            all += count[b];
        }
        if (all >= 10) check(count, 10);
    }
}
END_TEST

START_TEST(test_plain) {
    int64_t count[BINS] = {0};
    double share[BINS];
    for (int b = 0; b < BINS; b++) count[b] = 10 + b;
    ein_distribution_join(count, BINS, 10, share);
    for (int b = 0; b < BINS; b++) ck_assert(fabs(share[b] - (10 + b) / 390.0) < 1e-15);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("distribution");
    ein_tap_add(suite, "joined bins hold enough", test_join);
    ein_tap_add(suite, "bins that hold enough stay", test_plain);
    return ein_tap_main(suite);
}
