/* The preprocessing contract: everything that turns a recording into model input.
 *
 * A corpus is made under one contract and a model is trained under one; a model refuses a corpus
 * whose contract differs and names the difference.  The canonical text is the identity: two
 * contracts are equal if and only if their texts are equal; the hash is BLAKE2b-256 of the text
 * (made in io/, because core has no crypto library).
 */
#ifndef EIN_CORE_SIGNAL_CONTRACT_H
#define EIN_CORE_SIGNAL_CONTRACT_H

#include <stdint.h>

#include "core/base/status.h"
#include "core/signal/ecg.h"

typedef struct {
    int n_leads;
    ein_lead lead[EIN_MAX_LEADS]; /* order of the signal's lead axis */
    double fs_hz;
    int64_t n_samples;                /* per lead: longer recordings are cropped, shorter padded */
    double notch_hz;                  /* 0: off; else 50 or 60, Q = f/2, zero-phase */
    double band_low_hz, band_high_hz; /* 0, 0: off; else FIR band-pass, zero-phase */
    uint32_t repair_flags,
        mask_flags;        /* faults to undo, and to take leads as missing for: core/signal/quality.h */
    double mean_mv, sd_mv; /* one scalar z-score for all leads: x = (mV - mean) / sd */
} ein_contract;

enum { EIN_CONTRACT_TEXT_BYTES = 2048 };
#define EIN_CONTRACT_MIN_FS_HZ 1.0
#define EIN_CONTRACT_MAX_FS_HZ 100000.0

/* EIN_USAGE, naming the value, for a contract that cannot be: no, unknown or repeated leads, a rate or a
 * length out of range, another notch than 50 or 60, a band without 0 < low < high, an SD that is not above 0, a flag
 * that cannot be repaired or masked, or is to be both. */
ein_status ein_contract_check(const ein_contract *contract);

/* Canonical text: one "key = value" per line, in this order, each line ended by a newline:
 *     einthoven_contract = 1
 *     leads = I,II,V1                  standard names, order of the lead axis
 *     fs_hz, n_samples, notch_hz, band_low_hz, band_high_hz, mean_mv, sd_mv
 *     units, fit, filters, resampling, missing      what this version does; fixed sentences
 *     repair, mask                     names of flags, each line only if there are any
 * Reals are written with the fewest digits that read back to the same double, plainly where %g can ("500").
 * `out` holds EIN_CONTRACT_TEXT_BYTES. Errors as ein_contract_check. */
ein_status ein_contract_text(const ein_contract *contract, char *out);

/* Parse canonical text (untrusted). EIN_FORMAT with the line for anything that is not canonical;
 * EIN_MISMATCH for another version, or a method that this version does not do. */
ein_status ein_contract_parse(const char *text, ein_contract *out);

/* "fs_hz: 100 against 500; leads: ..." in `out`, empty when equal. With `ignore_normalisation`,
 * mean and SD are not compared. Returns the number of differences. */
int ein_contract_compare(const ein_contract *a, const ein_contract *b, int ignore_normalisation, char *out,
                         int out_bytes);

#endif
