/* Applying a preprocessing contract: one recording in, model input in mV out.
 *
 * Steps, in this order, each lead for itself (leads are never joined, so nothing bleeds from one to the
 * next), all before the crop so that filters never see a cut edge that the recording does not have:
 *   1. leads by name; a wanted limb lead that is absent is derived from two others (core/signal/limb.h), as is one
 *      that is there without any valid sample in the part that the crop keeps
 *   2. quality flags (core/signal/quality.h), on the unfiltered signal at the recording's rate, of the part that the
 *      crop keeps; what beats say (core/signal/beats.h) from all standard leads of the recording's first 20 s, whatever
 *      the contract wants
 *      a fault that the contract has repaired is undone before (core/signal/repair.h), a lead that it has masked
 *      for one is missing; masked is what is flagged, so what others are derived from may be what is masked
 *   3. notch, then band-pass, at the recording's rate, zero phase (core/signal/filter.h), if the contract has them; one
 *      whose (lower) frequency lies at or above the recording's Nyquist frequency has nothing to do and is left out
 *   4. resampling to the contract's rate (core/signal/resample.h)
 *   5. crop to the first n_samples, or pad at the end with NaN
 * The z-score is not applied here: a corpus stores mV.
 *
 * The output depends on the recording and the contract alone, never on what the plan saw before.
 */
#ifndef EIN_CORE_SIGNAL_PREPARE_H
#define EIN_CORE_SIGNAL_PREPARE_H

#include <stdint.h>

#include "core/base/status.h"
#include "core/signal/contract.h"
#include "core/signal/ecg.h"
#include "core/signal/quality.h"

/* A contract with the filters designed for the rates met so far and working memory. One per thread. */
typedef struct ein_prepare_plan ein_prepare_plan;

/* `limits` NULL: ein_quality_defaults. The contract is copied. EIN_USAGE for an impossible contract. */
ein_status ein_prepare_plan_new(const ein_contract *contract, const ein_quality_limits *limits,
                                ein_prepare_plan **out);
void ein_prepare_plan_destroy(ein_prepare_plan *plan); /* NULL is fine */

/* Fill mv (contract.n_leads, contract.n_samples), row-major, NaN where unknown; lead_quality
 * (contract.n_leads) and *record_quality (the union, plus what concerns the recording); both may be NULL.
 * A wanted lead that is absent and cannot be derived is all NaN and flagged MISSING.
 * EIN_MISMATCH if none of the wanted leads has a valid sample (the message names what the recording has),
 * EIN_RANGE for a rate that cannot be brought to the contract's. On error the outputs are undefined. */
ein_status ein_prepare(ein_prepare_plan *plan, const ein_ecg *ecg, float *mv, uint32_t *lead_quality,
                       uint32_t *record_quality);

#endif
