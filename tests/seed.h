/* The seed of what a test draws by chance.
 *
 * Every draw of a test is a function of a number in its source and of EIN_TEST_SEED in the environment, 0 if it is not
 * set, so that a run can be repeated and others can be tried: EIN_TEST_SEED=5 tests/run BUILD WORD. A program that
 * draws prints which it was. A test whose numbers are published values of one seed does not ask here.
 */
#ifndef EIN_TESTS_SEED_H
#define EIN_TESTS_SEED_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The number of the environment; printed once per process as a comment of TAP. */
static inline uint64_t test_seed_asked(void) {
    static int known;
    static uint64_t asked;
    if (!known) {
        const char *text = getenv("EIN_TEST_SEED");
        asked = text ? strtoull(text, NULL, 10) : 0;
        known = 1;
        printf("# EIN_TEST_SEED=%llu\n", (unsigned long long)asked);
        fflush(stdout);
    }
    return asked;
}

/* `own`, the number in the source, for EIN_TEST_SEED=0; others for others. */
static inline uint64_t test_seed(uint64_t own) {
    return own + UINT64_C(0x9e3779b97f4a7c15) * test_seed_asked();
}

#endif
