#include "jobs/tables.h"

#include <math.h>
#include <string.h>

const ein_option ein_table_contract[] = {
    {"contract.leads", EIN_OPT_LIST, "[I, II, V1, V2, V3, V4, V5, V6]", EIN_UNBOUNDED, NULL, "",
     "leads, in the order of the model's input"},
    {"contract.fs_hz", EIN_OPT_REAL, "100", 1, 100000, NULL, "Hz", "sampling rate after resampling"},
    {"contract.samples", EIN_OPT_INT, "1000", 1, 16777216, NULL, "samples",
     "length per lead: longer recordings are cropped, shorter padded"},
    {"contract.notch_hz", EIN_OPT_REAL, "0", 0, 1000, NULL, "Hz", "mains notch, 50 or 60; 0: off"},
    {"contract.band_low_hz", EIN_OPT_REAL, "0", 0, 10000, NULL, "Hz",
     "lower edge of the band-pass; 0 with the upper 0: off"},
    {"contract.band_high_hz", EIN_OPT_REAL, "0", 0, 50000, NULL, "Hz", "upper edge of the band-pass"},
    {"contract.mean_mv", EIN_OPT_REAL, NULL, EIN_UNBOUNDED, NULL, "mV",
     "subtracted from every sample; unset: the data set's mean"},
    {"contract.sd_mv", EIN_OPT_REAL, NULL, 1e-9, 1e9, NULL, "mV",
     "divides every sample; unset: the data set's SD"},
    {0},
};

static ein_status leads_from_config(const ein_config *config, ein_contract *out) {
    out->n_leads = ein_config_list_count(config, "contract.leads");
    if (out->n_leads < 1 || out->n_leads > EIN_MAX_LEADS)
        return ein_error(EIN_USAGE, "contract.leads: %d leads; from 1 to %d can be", out->n_leads,
                         EIN_MAX_LEADS);
    for (int i = 0; i < out->n_leads; i++) {
        const char *name = ein_config_list_item(config, "contract.leads", i);
        out->lead[i] = ein_lead_parse(name);
        if (out->lead[i] == EIN_LEAD_UNKNOWN)
            return ein_error(EIN_USAGE,
                             "contract.leads: '%s' is no lead that is known (I, II, III, aVR, aVL, aVF, V1 "
                             "to V9, V3R, V4R, X, Y, Z)",
                             name);
        for (int k = 0; k < i; k++)
            if (out->lead[k] == out->lead[i])
                return ein_error(EIN_USAGE, "contract.leads: %s is given twice", ein_lead_name(out->lead[i]));
    }
    return EIN_OK;
}

ein_status ein_contract_from_config(const ein_config *config, ein_contract *out) {
    memset(out, 0, sizeof *out);
    EIN_TRY(leads_from_config(config, out));
    out->fs_hz = ein_config_real(config, "contract.fs_hz");
    out->n_samples = ein_config_int(config, "contract.samples");
    out->notch_hz = ein_config_real(config, "contract.notch_hz");
    out->band_low_hz = ein_config_real(config, "contract.band_low_hz");
    out->band_high_hz = ein_config_real(config, "contract.band_high_hz");
    out->mean_mv =
        ein_config_is_set(config, "contract.mean_mv") ? ein_config_real(config, "contract.mean_mv") : NAN;
    out->sd_mv =
        ein_config_is_set(config, "contract.sd_mv") ? ein_config_real(config, "contract.sd_mv") : NAN;
    const int band = out->band_low_hz > 0 || out->band_high_hz > 0;
    if (band && !(out->band_low_hz > 0 && out->band_low_hz < out->band_high_hz &&
                  out->band_high_hz <= out->fs_hz / 2))
        return ein_error(
            EIN_USAGE, "contract.band_low_hz %g and band_high_hz %g must satisfy 0 < low < high <= fs/2 = %g",
            out->band_low_hz, out->band_high_hz, out->fs_hz / 2);
    return EIN_OK;
}
