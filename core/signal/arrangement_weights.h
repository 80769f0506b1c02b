/* The numbers of core/signal/arrangement.c, made by tests/data/arrangement_train.py. */
#ifndef EIN_CORE_SIGNAL_ARRANGEMENT_WEIGHTS_H
#define EIN_CORE_SIGNAL_ARRANGEMENT_WEIGHTS_H

#include <stdint.h>

enum {
    EIN_ARRANGEMENT_BINS = 18, /* stretches of a beat */
    EIN_ARRANGEMENT_HIDDEN = 24,
    EIN_ARRANGEMENT_LIMB_INPUTS = 8 * EIN_ARRANGEMENT_BINS,     /* I, II, V1 to V6 */
    EIN_ARRANGEMENT_CHEST_INPUTS = 8 * EIN_ARRANGEMENT_BINS + 6 /* V1 to V6, their heights, I, II */
};

/* 1 over the usual size of each stretch */
extern const float ein_arrangement_limb_unit[EIN_ARRANGEMENT_BINS],
    ein_arrangement_chest_unit[EIN_ARRANGEMENT_BINS];

/* First layer (inputs, hidden) in whole numbers, its bias, and the last layer, which has each row's unit in it */
extern const int8_t ein_arrangement_limb_first[EIN_ARRANGEMENT_LIMB_INPUTS * EIN_ARRANGEMENT_HIDDEN],
    ein_arrangement_chest_first[EIN_ARRANGEMENT_CHEST_INPUTS * EIN_ARRANGEMENT_HIDDEN];
extern const float ein_arrangement_limb_bias[EIN_ARRANGEMENT_HIDDEN],
    ein_arrangement_limb_last[EIN_ARRANGEMENT_HIDDEN], ein_arrangement_chest_bias[EIN_ARRANGEMENT_HIDDEN],
    ein_arrangement_chest_last[EIN_ARRANGEMENT_HIDDEN];

/* By how much a candidate has to beat 'as named' */
extern const float ein_arrangement_least_la_ra, ein_arrangement_least_ra_ll, ein_arrangement_least_la_ll,
    ein_arrangement_least_rotated, ein_arrangement_least_order, ein_arrangement_least_sign,
    ein_arrangement_least_scale;

#endif
