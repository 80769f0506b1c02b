#include "jobs/options/tables.h"

#include <math.h>
#include <string.h>

#include "core/signal/quality.h"
#include "io/base/nearest.h"
#include "jobs/options/rows.h"
#include "mpi/watchdog.h"

const ein_option ein_table_contract[] = {
    {"contract.leads", EIN_OPT_LIST, "I,II,V1,V2,V3,V4,V5,V6", EIN_UNBOUNDED, NULL, "",
     "leads of the signal, in order; limb leads that a recording lacks are derived"},
    {"contract.fs_hz", EIN_OPT_REAL, "100", 1, 100000, NULL, "Hz",
     "sampling rate; recordings are resampled to it"},
    {"contract.samples", EIN_OPT_INT, "1000", 1, 67108864, NULL, "samples",
     "length per lead; longer recordings are cropped, shorter ones padded as missing"},
    {"contract.notch_hz", EIN_OPT_REAL, "0", 0, 60, NULL, "Hz", "notch filter at 50 or 60; 0: none"},
    {"contract.band_low_hz", EIN_OPT_REAL, "0", 0, 1000, NULL, "Hz",
     "band-pass filter, lower edge; 0 with 0: none"},
    {"contract.band_high_hz", EIN_OPT_REAL, "0", 0, 50000, NULL, "Hz", "band-pass filter, upper edge"},
    {"contract.repair", EIN_OPT_LIST, "", EIN_UNBOUNDED, NULL, "",
     "quality flags whose faults are undone: reversal, reversal RA/LL, reversal LA/LL, limb rotated, chest order, lead "
     "sign"},
    {"contract.mask", EIN_OPT_LIST, "", EIN_UNBOUNDED, NULL, "",
     "quality flags whose leads are taken as missing: those, and lead scale, flat, clipped, spikes, noise, mains, "
     "baseline"},
    {"contract.mean_mv", EIN_OPT_REAL, NULL, -1000, 1000, NULL, "mV",
     "mean taken off every sample before a model; unset: the data set's own"},
    {"contract.sd_mv", EIN_OPT_REAL, NULL, 1e-9, 1000, NULL, "mV",
     "SD that every sample is divided by; unset: the data set's own"},
    {0},
};

static ein_status unknown_lead(const char *name) {
    const char *names[EIN_LEAD_COUNT];
    for (int i = 0; i < EIN_LEAD_COUNT; i++) names[i] = ein_lead_name((ein_lead)i);
    const char *near = ein_nearest(name, names, EIN_LEAD_COUNT);
    return ein_error(EIN_USAGE, "contract.leads: no lead is named '%s'%s%s%s", name,
                     near ? "; the nearest is '" : "", near ? near : "", near ? "'" : "");
}

ein_status ein_flags_from_config(const ein_config *config, const char *key, uint32_t *flags) {
    char all[512];
    *flags = 0;
    for (int i = 0; i < ein_config_list_count(config, key); i++) {
        const char *name = ein_config_list_item(config, key, i);
        const uint32_t flag = ein_quality_flag(name);
        ein_quality_text(UINT32_MAX, all, sizeof all);
        if (!flag) return ein_error(EIN_USAGE, "%s: no flag '%s'; there are: %s", key, name, all);
        *flags |= flag;
    }
    return EIN_OK;
}

ein_status ein_contract_from_config(const ein_config *config, ein_contract *out) {
    memset(out, 0, sizeof *out);
    int n = ein_config_list_count(config, "contract.leads");
    if (n < 1 || n > EIN_MAX_LEADS)
        return ein_error(EIN_USAGE, "contract.leads: %d leads; 1 to %d are possible", n, (int)EIN_LEAD_COUNT);
    out->n_leads = n;
    for (int i = 0; i < n; i++) {
        const char *name = ein_config_list_item(config, "contract.leads", i);
        out->lead[i] = ein_lead_parse(name);
        if (out->lead[i] == EIN_LEAD_UNKNOWN) return unknown_lead(name);
    }
    out->fs_hz = ein_config_real(config, "contract.fs_hz");
    out->n_samples = ein_config_int(config, "contract.samples");
    out->notch_hz = ein_config_real(config, "contract.notch_hz");
    out->band_low_hz = ein_config_real(config, "contract.band_low_hz");
    out->band_high_hz = ein_config_real(config, "contract.band_high_hz");
    EIN_TRY(ein_flags_from_config(config, "contract.repair", &out->repair_flags));
    EIN_TRY(ein_flags_from_config(config, "contract.mask", &out->mask_flags));
    bool mean = ein_config_is_set(config, "contract.mean_mv"),
         sd = ein_config_is_set(config, "contract.sd_mv");
    /* Constants that are not known yet stand as 0 and 1 while the rest is checked. */
    out->mean_mv = mean ? ein_config_real(config, "contract.mean_mv") : 0;
    out->sd_mv = sd ? ein_config_real(config, "contract.sd_mv") : 1;
    EIN_TRY(ein_contract_check(out));
    if (!mean) out->mean_mv = NAN;
    if (!sd) out->sd_mv = NAN;
    return EIN_OK;
}

const ein_option ein_table_peer[] = {
    EIN_ROW_PEER_TIMEOUT("3600"),
    {0},
};

ein_status ein_watch_peers(ein_comm *comm, const ein_config *config) {
    if (ein_comm_size(comm) == 1) return EIN_OK;
    return ein_comm_agree(comm, ein_watchdog_start(comm, ein_config_real(config, "run.peer_timeout_s")));
}
