/* The WFDB reader against an independent decoder, on real recordings, sample by sample (by hash).
 *
 * tests/data/wfdb_expected.csv was made by tests/data/wfdb_expected.py with the wfdb package. Another table can be
 * named in EINTHOVEN_WFDB_EXPECTED (the script's --all gives one of every recording). Skipped without the data. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/signal/quality.h"
#include "tests/real_data.h"

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
        uint32_t quality = 0;
        for (int lead = 0; lead < ecg.n_leads; ++lead)
            quality |= ein_quality_lead(ecg.mv + lead * ecg.n_samples, ecg.n_samples, ecg.fs_hz, &limits);
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
    report(spikes == 12, "of 30 PTB-XL recordings beyond 5 mV 12 have spikes, the others QRS complexes (%d)",
           spikes);
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
