#include "jobs/data/synth_format.h"

#include <string.h>

#include "io/ecg/cardiosoft_write.h"
#include "io/ecg/muse_write.h"
#include "io/ecg/wfdb_write.h"

static const struct {
    const char *choice, *label, *ending, *text;
    double counts_per_mv;
    int files;
} formats[EIN_SYNTH_FORMAT_COUNT] = {
    [EIN_SYNTH_WFDB] = {"wfdb", "wfdb16", "", "WFDB, format 16", 1000, 2},
    [EIN_SYNTH_MUSE] = {"muse", "muse", ".xml", "GE MUSE XML", 1000 / EIN_MUSE_UV_PER_COUNT, 1},
    [EIN_SYNTH_CARDIOSOFT] = {"cardiosoft", "cardiosoft", ".xml", "CardioSoft XML",
                              1000 / EIN_CARDIOSOFT_UV_PER_COUNT, 1},
};

static const char *const comments[] = {
    "SYNTHETIC ECG made by einthoven synth; this person does not exist",
};
enum { N_COMMENTS = sizeof comments / sizeof *comments };

ein_synth_format ein_synth_format_find(const char *choice) {
    int i = 0;
    while (i < EIN_SYNTH_FORMAT_COUNT && strcmp(formats[i].choice, choice) != 0) i++;
    EIN_BUG_IF(i == EIN_SYNTH_FORMAT_COUNT);
    return (ein_synth_format)i;
}

const char *ein_synth_format_label(ein_synth_format format) {
    return formats[format].label;
}
const char *ein_synth_format_ending(ein_synth_format format) {
    return formats[format].ending;
}
const char *ein_synth_format_text(ein_synth_format format) {
    return formats[format].text;
}
double ein_synth_format_counts_per_mv(ein_synth_format format) {
    return formats[format].counts_per_mv;
}
int ein_synth_format_files(ein_synth_format format) {
    return formats[format].files;
}

/* MUSE: limb leads but I and II are left out; 4 characters and their share of a line end per 3 bytes. CardioSoft: 2 or
 * 3 digits and a comma. */
int64_t ein_synth_format_bytes(ein_synth_format format, int n_leads, int64_t n_samples) {
    if (format == EIN_SYNTH_MUSE) return (n_leads - 4) * (n_samples * 2 * 73 / 54 + 1000) + 2048;
    if (format == EIN_SYNTH_CARDIOSOFT) return n_leads * (n_samples * 7 / 2 + 64) + 2048;
    return 2 * n_leads * n_samples + 1024;
}

ein_status ein_synth_format_write(ein_synth_format format, const char *folder, const char *name,
                                  const ein_ecg *ecg, double counts_per_mv) {
    const ein_wfdb_write_options wfdb = {counts_per_mv, comments, N_COMMENTS};
    /* 1000 / (1000 / 4.88) is not 4.88 in its last bit. */
    const bool usual = counts_per_mv == formats[format].counts_per_mv;
    const double uv = !usual                     ? 1000 / counts_per_mv
                      : format == EIN_SYNTH_MUSE ? EIN_MUSE_UV_PER_COUNT
                                                 : EIN_CARDIOSOFT_UV_PER_COUNT;
    const ein_xml_write_options xml = {uv, "SYNTHETIC", comments, N_COMMENTS};
    if (format == EIN_SYNTH_MUSE) return ein_muse_write(folder, name, ecg, &xml);
    if (format == EIN_SYNTH_CARDIOSOFT) return ein_cardiosoft_write(folder, name, ecg, &xml);
    return ein_wfdb_write(folder, name, ecg, &wfdb);
}

bool ein_synth_format_is_whole(ein_synth_format format, const char *folder, const char *name, int n_leads,
                               int64_t n_samples) {
    if (format == EIN_SYNTH_WFDB) return ein_wfdb_is_whole(folder, name, n_leads, n_samples);
    return ein_xml_is_whole(folder, name);
}
