/* What tests of readers share: one made-up file, what is read of it, and what is refused. */
#ifndef EIN_TESTS_ECG_FILE_H
#define EIN_TESTS_ECG_FILE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/ecg/reader.h"
#include "tests/report.h"

static char ecg_folder[] = "/tmp/einthoven-ecg.XXXXXX", ecg_path[128];

static inline void ecg_file_begin(const char *name) {
    if (!mkdtemp(ecg_folder)) abort();
    snprintf(ecg_path, sizeof ecg_path, "%s/%s", ecg_folder, name);
}

static inline int ecg_file_end(void) {
    unlink(ecg_path);
    rmdir(ecg_folder);
    return report_end();
}

static inline void put_bytes(const void *bytes, size_t n) {
    FILE *f = fopen(ecg_path, "wb");
    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f) != 0) abort();
    /* For other decoders, and to begin fuzzing with: every file that the test makes, numbered. */
    static int kept;
    const char *keep = getenv("EIN_TEST_KEEP");
    char copy[512];
    if (!keep) return;
    snprintf(copy, sizeof copy, "%s/%03d", keep, ++kept);
    f = fopen(copy, "wb");
    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f) != 0) abort();
}

static inline void put_text(const char *text) {
    put_bytes(text, strlen(text));
}

/* Read what was put, through the table of formats. */
static inline bool open_ecg(ein_ecg *ecg) {
    memset(ecg, 0xff, sizeof *ecg);
    if (ein_reader_read(ecg_path, ecg) == EIN_OK) return true;
    printf("# %s\n", ein_error_message());
    return false;
}

/* Refused with this status and a message that holds the file's name and `says`. */
static inline void refused(const char *what, ein_status status, const char *says) {
    ein_ecg ecg;
    memset(&ecg, 0xff, sizeof ecg);
    ein_error_clear();
    const ein_status got = ein_reader_read(ecg_path, &ecg);
    const char *message = ein_error_message();
    if (!report(got == status && !ecg.mv && ecg.n_leads == 0 && strstr(message, says) &&
                    strstr(message, ecg_folder),
                "refused: %s", what))
        printf("# %s: %s\n", ein_status_name(got), message);
    if (got == EIN_OK) ein_ecg_free(&ecg);
}

/* Whether lead `name` holds `n` values of `unit` mV, to the last bit; NaN is a missing one. */
static inline bool holds(const ein_ecg *ecg, const char *name, const double *value, int n, double unit) {
    int l = 0;
    while (l < ecg->n_leads && strcmp(ecg->lead_name[l], name) != 0) l++;
    if (l == ecg->n_leads || ecg->n_samples != n) {
        printf("# %d leads, %lld samples\n", ecg->n_leads, (long long)ecg->n_samples);
        return false;
    }
    for (int t = 0; t < n; t++) {
        const float got = ecg->mv[l * n + t], want = (float)(value[t] * unit);
        if (isnan(want) ? isnan(got) : got == want) continue;
        printf("# %s, sample %d: %.9g, not %.9g\n", name, t, (double)got, (double)want);
        return false;
    }
    return true;
}

#endif
