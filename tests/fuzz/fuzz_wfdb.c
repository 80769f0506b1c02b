/* libFuzzer target: a WFDB header and its signal files, then the way of a recording to model input.
 *
 * The input is the header, up to a byte 0xff, and the bytes of a signal file, which are offered under every name that
 * the header may use (x.dat, x.mat, y.dat cut to half). A header that has segments finds one, y.hea.
 * Files lie in memory (/dev/shm), one folder per process.
 * Checked beyond the sanitizers: an error leaves nothing behind, a success is consistent with itself. */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/signal/prepare.h"
#include "io/ecg/wfdb.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEPARATOR = 0xff, OUT_SAMPLES = 500 };
static const char segment[] = "y 2 100 4\ny.dat 16 200/mV 16 0 0 0 0 I\ny.dat 16 200/mV 16 0 0 0 0 V1\n";
static char folder[64];
static ein_prepare_plan *plan;

static void give_up(const char *what) {
    fprintf(stderr, "fuzz_wfdb: %s: %s\n", what, ein_error_message());
    abort();
}

static void put(const char *name, const uint8_t *data, size_t size) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) give_up(path);
    close(fd);
}

static void clean_up(void) {
    static const char *const names[] = {"x.hea", "x.dat", "x.mat", "y.dat", "y.hea"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    ein_contract contract = {.n_leads = 4,
                             .lead = {EIN_LEAD_I, EIN_LEAD_III, EIN_LEAD_AVR, EIN_LEAD_V1},
                             .fs_hz = 100,
                             .n_samples = OUT_SAMPLES,
                             .notch_hz = 50,
                             .band_low_hz = 0.5,
                             .band_high_hz = 40,
                             .sd_mv = 1};
    snprintf(folder, sizeof folder, "/dev/shm/einthoven-fuzz-%ld", (long)getpid());
    if (mkdir(folder, 0700) != 0 || ein_prepare_plan_new(&contract, NULL, &plan) != EIN_OK) give_up(folder);
    atexit(clean_up);
    return 0;
}

static void check(const ein_ecg *ecg) {
    static float mv[4 * OUT_SAMPLES];
    uint32_t lead_quality[4], quality;
    if (ecg->n_leads < 1 || ecg->n_leads > EIN_MAX_LEADS || ecg->n_samples < 1 || !(ecg->fs_hz > 0))
        give_up("sizes");
    for (int64_t i = 0; i < ecg->n_leads * ecg->n_samples; ++i)
        if (isinf(ecg->mv[i])) give_up("an infinite sample");
    for (int i = 0; i < ecg->n_leads; ++i)
        if ((ecg->lead_notes[i] | ecg->notes) != ecg->notes)
            give_up("notes of a lead that the recording lacks");
    if (ecg->n_samples > 1 << 18) return; /* large and no news: filters are slow under sanitizers */
    if (ecg->fs_hz > 5000) return;
    (void)ein_prepare(plan, ecg, mv, lead_quality, &quality);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *cut = memchr(data, SEPARATOR, size);
    size_t header = cut ? (size_t)(cut - data) : size, rest = cut ? size - header - 1 : 0;
    const uint8_t *signal = cut ? cut + 1 : data;
    char path[128];
    ein_ecg ecg;
    put("x.hea", data, header);
    put("x.dat", signal, rest);
    put("x.mat", signal, rest);
    put("y.dat", signal, rest / 2);
    put("y.hea", (const uint8_t *)segment, sizeof segment - 1);
    snprintf(path, sizeof path, "%s/x.hea", folder);
    memset(&ecg, 0xff, sizeof ecg);
    ein_status status = ein_wfdb_read(path, &ecg);
    if (status == EIN_OK)
        check(&ecg);
    else if (ecg.mv || ecg.n_leads != 0 || !ein_error_message()[0])
        give_up("an error that leaves something behind");
    if (status == EIN_OK) ein_ecg_free(&ecg);
    return 0;
}
