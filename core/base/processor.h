/* Sets of vector instructions: which this processor has, and which the hot loops use.
 *
 * A hot loop is compiled once per set and chosen at run time, so that one binary runs on every node of a cluster. All
 * sets give the same bits (core/nn/products.h says why), so the choice shows in nothing but speed; tests force each
 * set to prove it.
 */
#ifndef EIN_CORE_BASE_PROCESSOR_H
#define EIN_CORE_BASE_PROCESSOR_H

#include <stdbool.h>

typedef enum {
    EIN_SET_PLAIN,  /* C alone: whatever the compiler makes of it for the oldest processor */
    EIN_SET_AVX2,   /* x86-64-v3: 8 floats, fused multiply-add */
    EIN_SET_AVX512, /* x86-64-v4: 16 floats */
    EIN_SET_NEON,   /* aarch64, every one: 4 floats, fused multiply-add */
    EIN_SETS
} ein_instruction_set;

/* The set in use: the widest there is, unless the environment variable EINTHOVEN_INSTRUCTIONS names another that is
 * available, or ein_set_use chose one. */
ein_instruction_set ein_set_in_use(void);

/* Use this set from now on; false, and nothing changes, if it is not available. Not while other threads compute. */
bool ein_set_use(ein_instruction_set set);

/* "plain", "avx2", "avx512", "neon" */
const char *ein_set_name(ein_instruction_set set);

#endif
