/* The MUSE reader on real files, against a second way to the same samples: the text of the file searched for tags, and
 * libsodium's base64. Skipped without the files. */
#include <glob.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "io/ecg/reader.h"
#include "tests/report.h"

enum { PATH_BYTES = 1024, MAX_BYTES = 1 << 24 };

static char *read_text(const char *path) {
    FILE *f = fopen(path, "rb");
    char *text = calloc(1, MAX_BYTES + 1);
    if (!f || !text || fread(text, 1, MAX_BYTES, f) == 0) abort();
    fclose(f);
    return text;
}

/* What stands behind `tag` at or after `from`. */
static char *behind(char *from, const char *tag) {
    char *at = from ? strstr(from, tag) : NULL;
    return at ? at + strlen(tag) : NULL;
}

/* How many samples of the rhythm equal the reader's, and how many there are. */
static void compare(char *text, const ein_ecg *ecg, long *same, long *all) {
    char *lead = behind(text, "<WaveformType>Rhythm<"), *end = lead ? strstr(lead, "</Waveform>") : NULL;
    while (lead && (lead = behind(lead, "<LeadData>")) != NULL && lead < end) {
        char *name = behind(lead, "<LeadID>"), *data = behind(lead, "<WaveFormData>");
        double unit = strtod(behind(lead, "<LeadAmplitudeUnitsPerBit>"), NULL) / 1000;
        char spelling[8] = "";
        sscanf(name, "%7[^<]", spelling);
        int l = ein_ecg_find_lead(ecg, ein_lead_parse(spelling));
        unsigned char bytes[65536];
        size_t n = 0;
        if (l < 0 || sodium_base642bin(bytes, sizeof bytes, data, strcspn(data, "<"), "\r\n\t ", &n, NULL,
                                       sodium_base64_VARIANT_ORIGINAL) != 0)
            return;
        for (size_t t = 0; t < n / 2 && (int64_t)t < ecg->n_samples; t++) {
            int count = bytes[2 * t] + 256 * bytes[2 * t + 1];
            if (count > 32767) count -= 65536;
            *same += ecg->mv[l * ecg->n_samples + (int64_t)t] == (float)(count * unit);
        }
        *all += (long)n / 2;
    }
}

static void check_law(const ein_ecg *ecg, const char *name) {
    double worst = 0;
    const float *mv[6];
    for (int i = 0; i < 6; i++) mv[i] = ecg->mv + ein_ecg_find_lead(ecg, (ein_lead)i) * ecg->n_samples;
    for (int64_t t = 0; t < ecg->n_samples; t++) {
        double one = mv[0][t], two = mv[1][t];
        worst = fmax(worst, fabs(mv[2][t] - (two - one)));
        worst = fmax(worst, fabs(mv[3][t] + (one + two) / 2));
        worst = fmax(worst, fabs(mv[4][t] - (one - two / 2)));
        worst = fmax(worst, fabs(mv[5][t] - (two - one / 2)));
    }
    report(worst <= 1e-6, "%s: the computed leads obey the laws of Einthoven and Goldberger", name);
}

int main(void) {
    char pattern[PATH_BYTES];
    const char *data = getenv("EINTHOVEN_DATA"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    glob_t files;
    if (data && data[0])
        snprintf(pattern, sizeof pattern, "%s/formats/muse/*.xml", data);
    else if (cache && cache[0])
        snprintf(pattern, sizeof pattern, "%s/einthoven/formats/muse/*.xml", cache);
    else
        snprintf(pattern, sizeof pattern, "%s/.cache/einthoven/formats/muse/*.xml", home ? home : "");
    if (glob(pattern, 0, NULL, &files) != 0) {
        printf("1..0 # SKIP no real MUSE files %s (EINTHOVEN_DATA)\n", pattern);
        return 0;
    }
    for (size_t i = 0; i < files.gl_pathc; i++) {
        const char *name = strrchr(files.gl_pathv[i], '/') + 1;
        ein_ecg ecg;
        if (!report(ein_reader_read(files.gl_pathv[i], &ecg) == EIN_OK, "%s is read", name)) {
            printf("# %s\n", ein_error_message());
            continue;
        }
        long same = 0, all = 0;
        char *text = read_text(files.gl_pathv[i]);
        compare(text, &ecg, &same, &all);
        report(all > 0 && same == all, "%s: %ld of %ld samples equal the other decoder's", name, same, all);
        report(ecg.n_leads == 12 && ecg.fs_hz > 0 && ecg.notes == 0, "%s: 12 leads, every CRC right", name);
        if (ecg.n_leads == 12) check_law(&ecg, name);
        free(text);
        ein_ecg_free(&ecg);
    }
    globfree(&files);
    return report_end();
}
