/* Undoing what core/signal/arrangement.h found: leads get the names and the sign that they should have.
 * Which of two leads is off by ten is told too seldom to be undone. */
#ifndef EIN_CORE_SIGNAL_REPAIR_H
#define EIN_CORE_SIGNAL_REPAIR_H

#include "core/signal/arrangement.h"
#include "core/signal/ecg.h"

/* Change names and samples of a recording as if the faults whose flags (core/signal/quality.h) are in `flags` were not
 * there. Limb leads that the recording lacks stay away; they follow from the others as always. Returns the flags of
 * faults that were undone; lead_flags[name] gets EIN_QUALITY_REPAIRED where a lead is another one now. */
uint32_t ein_repair(ein_ecg *ecg, const ein_arrangement *arrangement, uint32_t flags,
                    uint32_t lead_flags[EIN_LEAD_COUNT_12]);

#endif
