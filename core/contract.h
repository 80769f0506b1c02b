/* The preprocessing contract: everything that turns a recording into model input.
 *
 * A corpus is made under one contract and a model is trained under one; a model refuses a corpus
 * whose contract differs and names the difference.  The canonical text is the identity: two
 * contracts are equal if and only if their texts are equal; the hash is BLAKE2b-256 of the text
 * (io/contract_hash.h, because core has no crypto library).
 */
#ifndef EIN_CORE_CONTRACT_H
#define EIN_CORE_CONTRACT_H

#include <stdint.h>

#include "core/ecg.h"
#include "core/status.h"

typedef struct {
    int n_leads;
    ein_lead lead[EIN_MAX_LEADS]; /* order of the signal's lead axis */
    double fs_hz;
    int64_t n_samples;            /* per lead: longer recordings are cropped, shorter padded */
    double notch_hz;              /* 0: off; else 50 or 60, Q = f/2, zero-phase */
    double band_low_hz, band_high_hz; /* 0, 0: off; else FIR band-pass, zero-phase */
    double mean_mv, sd_mv;        /* one scalar z-score for all leads: x = (mV - mean) / sd */
} ein_contract;

enum { EIN_CONTRACT_TEXT_BYTES = 2048 };

/* Canonical text: one "key = value" per line, fixed order, %.17g. `out` holds EIN_CONTRACT_TEXT_BYTES. */
ein_status ein_contract_text(const ein_contract *contract, char *out);

/* Parse canonical text (untrusted). */
ein_status ein_contract_parse(const char *text, ein_contract *out);

/* "fs_hz: 100 against 500; leads: ..." in `out`, empty when equal. With `ignore_normalisation`,
 * mean and SD are not compared. Returns the number of differences. */
int ein_contract_compare(const ein_contract *a, const ein_contract *b, int ignore_normalisation, char *out,
                         int out_bytes);

#endif
