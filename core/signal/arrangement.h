/* Are the leads what their names say? Exchanged electrodes, single leads upside down or off by a factor of ten, told
 * from the median beats by a small network.
 *
 * The network gives the beats in an arrangement a score: 24 rectified sums of what the leads show in 18 stretches of
 * the beat (four of the P wave, eight of the QRS complex, six of ST and T), added with weights. Besides the
 * recording as it is, every candidate below is scored: what the leads would be if that was the fault. An exchange
 * undone is again an exchange, so the candidate with the best score says what to undo. It counts if it beats 'as
 * named' by a threshold that 0.7 % of unaltered recordings exceed.
 *
 *   limb    right arm, left arm and left leg in all six orders
 *   chest   any two of V1 to V6 exchanged, V6 to V1 in reverse, one upside down, one times 10 or 0.1
 *
 * Not judged are recordings without three beats (core/signal/beats.h), two limb leads and all six chest leads that
 * move; nor those with a chest lead that hardly has beats. The weights were trained on real recordings by
 * tests/data/arrangement_train.py; results/quality.md says how well it tells.
 */
#ifndef EIN_CORE_SIGNAL_ARRANGEMENT_H
#define EIN_CORE_SIGNAL_ARRANGEMENT_H

#include "core/signal/beats.h"

typedef enum {
    EIN_LIMB_AS_NAMED,
    EIN_LIMB_LA_RA,
    EIN_LIMB_RA_LL,
    EIN_LIMB_LA_LL,
    /* All three in another order, and what the leads I and II hold then is what they should be in the other one. */
    EIN_LIMB_ROTATED,
    EIN_LIMB_ROTATED_BACK
} ein_limb_order;

typedef struct {
    ein_limb_order limb;
    /* Chest leads that were exchanged, V1 and V6 with `reversed` if all six run backwards; EIN_LEAD_UNKNOWN: none. */
    ein_lead exchanged[2];
    bool reversed;
    ein_lead inverted; /* EIN_LEAD_UNKNOWN: none */
    ein_lead scaled;   /* EIN_LEAD_UNKNOWN: none */
    double times;      /* what `scaled` is to be multiplied by: 10 or 0.1 */
} ein_arrangement;

void ein_arrangement_judge(const ein_beats *beats, ein_arrangement *out);

#endif
