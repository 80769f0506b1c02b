/* The WFDB reader against an independent decoder, on real recordings, sample by sample (by hash).
 *
 * tests/data/wfdb_expected.csv was made by tests/data/wfdb_expected.py with the wfdb package. Another table can be
 * named in EINTHOVEN_WFDB_EXPECTED (the script's --all gives one of every recording). Skipped without the data. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/signal/quality.h"
#include "io/ecg/reader.h"
#include "tests/report.h"

enum { PATH_BYTES = 1024 };
static char root[PATH_BYTES];

typedef struct {
    char path[256];
    int leads;
    long long samples;
    double fs_hz, sum_mv;
    char hash[33];
} expected;

static bool parse_row(char *line, expected *e) {
    return sscanf(line, "%255[^,],%d,%lld,%lf,%32[0-9a-f],%lf", e->path, &e->leads, &e->samples, &e->fs_hz,
                  e->hash, &e->sum_mv) == 6;
}

/* First 32 hex digits of SHA-256 over the samples' bits, every NaN the same. */
static void hash_samples(const ein_ecg *ecg, char *hex, double *sum_mv) {
    crypto_hash_sha256_state state;
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_init(&state);
    *sum_mv = 0;
    for (int64_t i = 0; i < ecg->n_leads * ecg->n_samples; ++i) {
        uint32_t bits = 0x7fc00000;
        if (!isnan(ecg->mv[i])) {
            memcpy(&bits, &ecg->mv[i], sizeof bits);
            *sum_mv += ecg->mv[i];
        }
        unsigned char b[4] = {(unsigned char)bits, (unsigned char)(bits >> 8), (unsigned char)(bits >> 16),
                              (unsigned char)(bits >> 24)};
        crypto_hash_sha256_update(&state, b, sizeof b);
    }
    crypto_hash_sha256_final(&state, digest);
    for (int i = 0; i < 16; ++i) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

/* "" or what differs. */
static const char *compare(const expected *e, uint32_t *notes) {
    static char text[512];
    char path[2 * PATH_BYTES], hash[33];
    double sum_mv;
    ein_ecg ecg;
    snprintf(path, sizeof path, "%s/%s", root, e->path);
    if (ein_reader_read(path, &ecg) != EIN_OK) {
        snprintf(text, sizeof text, "%.400s", ein_error_message());
        return text;
    }
    hash_samples(&ecg, hash, &sum_mv);
    text[0] = '\0';
    if (ecg.n_leads != e->leads || ecg.n_samples != e->samples || ecg.fs_hz != e->fs_hz)
        snprintf(text, sizeof text, "%d x %lld at %g Hz, expected %d x %lld at %g", ecg.n_leads,
                 (long long)ecg.n_samples, ecg.fs_hz, e->leads, e->samples, e->fs_hz);
    else if (strcmp(hash, e->hash) != 0)
        snprintf(text, sizeof text, "samples differ: sum %.6f mV, expected %.6f", sum_mv, e->sum_mv);
    *notes = ecg.notes;
    ein_ecg_free(&ecg);
    return text;
}

static void check_table(const char *table) {
    FILE *f = fopen(table, "r");
    char line[1024];
    int n = 0, same = 0, checksums = 0, ludb = 0, fixed = 0, stated_4880 = 0;
    if (!report(f && fgets(line, sizeof line, f), "%s can be read", table)) return;
    while (fgets(line, sizeof line, f)) {
        expected e;
        uint32_t notes = 0;
        ++n;
        if (!parse_row(line, &e)) {
            printf("# row %d of the table cannot be read\n", n);
            continue;
        }
        const char *difference = compare(&e, &notes);
        if (difference[0]) printf("# %s: %s\n", e.path, difference);
        same += !difference[0];
        checksums += (notes & EIN_NOTE_CHECKSUM) != 0;
        ludb += strncmp(e.path, "ludb/", 5) == 0;
        fixed += (notes & EIN_NOTE_GAIN_FIXED) != 0;
        stated_4880 += strncmp(e.path, "georgia/", 8) == 0 && (notes & EIN_NOTE_GAIN_SUSPECT);
    }
    fclose(f);
    report(n > 300 && same == n, "%d of %d recordings equal the independent decoder's sample by sample", same,
           n);
    report(checksums == 0, "every checksum is right");
    report(ludb > 100 && fixed == ludb, "all %d LUDB recordings, and no others, are read as microvolts (%d)",
           ludb, fixed);
    report(stated_4880 == 3, "the three Georgia headers of 4880 per mV are flagged (%d)", stated_4880);
}

/* Every recording of labels.csv reads, with the stated length and rate, and the header's sex and age agree. */
static void check_labels(void) {
    char path[2 * PATH_BYTES], line[8192];
    snprintf(path, sizeof path, "%s/labels.csv", root);
    FILE *f = fopen(path, "r");
    int n = 0, good = 0, persons = 0, disagree = 0, flat = 0, ningbo_flat = 0, spikes = 0;
    ein_quality_limits limits;
    ein_quality_defaults(&limits);
    if (!report(f && fgets(line, sizeof line, f), "labels.csv can be read")) return;
    while (fgets(line, sizeof line, f)) {
        char cohort[32], record[64], name[256], age[16] = "", sex[8] = "";
        double fs;
        long long samples;
        ein_ecg ecg;
        ++n;
        if (sscanf(line, "%31[^,],%63[^,],%255[^,],%*[^,],%lf,%lld,%*[^,],%15[^,],%7[^,]", cohort, record,
                   name, &fs, &samples, age, sex) < 5)
            continue;
        snprintf(path, sizeof path, "%s/%s", root, name);
        if (ein_reader_read(path, &ecg) != EIN_OK) {
            printf("# %s\n", ein_error_message());
            continue;
        }
        bool twelve = ecg.n_leads == 12;
        for (int lead = 0; lead < EIN_LEAD_COUNT_12; ++lead)
            twelve &= ein_ecg_find_lead(&ecg, (ein_lead)lead) >= 0;
        good += twelve && ecg.n_samples == samples && ecg.fs_hz == fs;
        if (ecg.person.sex != EIN_SEX_UNKNOWN && sex[0]) {
            persons++;
            disagree += (ecg.person.sex == EIN_SEX_FEMALE) != (sex[0] == 'F');
            disagree +=
                !isnan(ecg.person.age_years) && age[0] && !(fabs(ecg.person.age_years - atof(age)) <= 1);
        }
        uint32_t quality = ein_quality_record(&ecg, &limits, NULL);
        flat += (quality & EIN_QUALITY_FLAT) != 0;
        ningbo_flat += (quality & EIN_QUALITY_FLAT) && strcmp(cohort, "ningbo") == 0;
        spikes += (quality & EIN_QUALITY_SPIKES) && strcmp(cohort, "ptbxl") == 0;
        ein_ecg_free(&ecg);
    }
    fclose(f);
    report(n == 2244 && good == n,
           "%d of %d recordings of labels.csv have 12 leads, length and rate as listed", good, n);
    report(persons > 200 && disagree == 0, "age and sex in %d headers agree with the labels", persons);
    report(ningbo_flat == 3 && flat == 4,
           "flat leads: 3 Ningbo recordings (%d), and 4.9 s of one CPSC lead (%d)", ningbo_flat,
           flat - ningbo_flat);
    report(spikes == 30, "30 PTB-XL recordings go beyond 5 mV (%d)", spikes);
}

static void find_root(void) {
    const char *data = getenv("EINTHOVEN_DATA"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (data && data[0])
        snprintf(root, sizeof root, "%s", data);
    else if (cache && cache[0])
        snprintf(root, sizeof root, "%s/einthoven", cache);
    else
        snprintf(root, sizeof root, "%s/.cache/einthoven", home ? home : "");
}

int main(void) {
    char labels[PATH_BYTES + 16];
    struct stat info;
    find_root();
    snprintf(labels, sizeof labels, "%s/labels.csv", root);
    if (stat(labels, &info) != 0) {
        printf("1..0 # SKIP no real recordings in %s (EINTHOVEN_DATA)\n", root);
        return 0;
    }
    const char *table = getenv("EINTHOVEN_WFDB_EXPECTED");
    check_table(table && table[0] ? table : "tests/data/wfdb_expected.csv");
    check_labels();
    return report_end();
}
