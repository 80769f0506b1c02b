/* The writers of MUSE and CardioSoft XML: what is written reads back to the count, is the same every time, says what it
 * should, and only whole files count as whole. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/ecg/cardiosoft_write.h"
#include "io/ecg/muse_write.h"
#include "io/ecg/reader.h"
#include "tests/report.h"

typedef ein_status (*writer)(const char *folder, const char *name, const ein_ecg *ecg,
                             const ein_xml_write_options *options);
static const struct {
    const char *name;
    writer write;
    double uv;
} formats[] = {{"MUSE", ein_muse_write, EIN_MUSE_UV_PER_COUNT},
               {"CardioSoft", ein_cardiosoft_write, EIN_CARDIOSOFT_UV_PER_COUNT}};

static char folder[] = "/tmp/einthoven-xml-write.XXXXXX", path[96], partial[96];
static const char *const comments[] = {"SYNTHETIC <for a test> & nothing else"};

static void fill(ein_ecg *ecg, const char *leads, int n_samples, double fs_hz) {
    char list[128], *name[16], *save = NULL;
    int n = 0;
    snprintf(list, sizeof list, "%s", leads);
    for (char *word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save)) name[n++] = word;
    if (ein_ecg_alloc(ecg, n, n_samples) != EIN_OK) abort();
    ecg->fs_hz = fs_hz;
    for (int l = 0; l < n; l++) {
        ecg->lead[l] = ein_lead_parse(name[l]);
        snprintf(ecg->lead_name[l], sizeof ecg->lead_name[l], "%s", name[l]);
        for (int t = 0; t < n_samples; t++)
            ecg->mv[l * n_samples + t] = (float)(3 * sin(0.05 * t * (l + 1)) - l + 0.001 * t);
    }
}

static bool back(int f, const ein_ecg *ecg, double uv, ein_ecg *read) {
    const ein_xml_write_options options = {uv, "SYNTHETIC", comments, 1};
    memset(read, 0, sizeof *read);
    if (formats[f].write(folder, "x", ecg, &options) == EIN_OK && ein_reader_read(path, read) == EIN_OK)
        return true;
    printf("# %s\n", ein_error_message());
    return false;
}

/* Every lead of `ecg` is in `read`, each sample the nearest whole count. */
static bool same(const ein_ecg *ecg, const ein_ecg *read, double uv) {
    for (int l = 0; l < ecg->n_leads; l++) {
        int k = 0;
        while (k < read->n_leads && strcmp(read->lead_name[k], ecg->lead_name[l]) != 0) k++;
        if (k == read->n_leads || read->n_samples != ecg->n_samples) return false;
        for (int64_t t = 0; t < ecg->n_samples; t++) {
            float wanted = ecg->mv[l * ecg->n_samples + t], got = read->mv[k * ecg->n_samples + t];
            double count = rint((double)wanted * 1000 / uv);
            count = fmax(-32767, fmin(32767, count));
            if (isnan(wanted) ? !isnan(got) : !(got == (float)(count * (uv / 1000)))) {
                printf("# %s, sample %lld: %.9g for %.9g\n", ecg->lead_name[l], (long long)t, (double)got,
                       (double)wanted);
                return false;
            }
        }
    }
    return true;
}

static char *read_file(size_t *bytes) {
    struct stat about;
    FILE *f = fopen(path, "rb");
    if (!f || fstat(fileno(f), &about) != 0) abort();
    char *text = calloc(1, (size_t)about.st_size + 1);
    if (!text || fread(text, 1, (size_t)about.st_size, f) != (size_t)about.st_size) abort();
    fclose(f);
    *bytes = (size_t)about.st_size;
    return text;
}

static void put_file(const char *text, size_t bytes) {
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(text, 1, bytes, f) != bytes || fclose(f) != 0) abort();
}

/* --- tests ------------------------------------------------------------------------------------------------------ */

static void check_samples(int f) {
    static const int lengths[] = {1, 2, 3, 26, 5000, 5001};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        int n = lengths[i];
        ein_ecg ecg = {0}, read;
        fill(&ecg, "II,V1,V3R,Q7", n, 500);
        bool good = back(f, &ecg, formats[f].uv, &read);
        report(good && same(&ecg, &read, formats[f].uv) && read.n_leads == 4, "%s: %d samples",
               formats[f].name, n);
        report(good && read.fs_hz == 500 && (read.notes & ~(uint32_t)EIN_NOTE_NO_CHECKSUM) == 0,
               "rate and checksums");
        ein_ecg_free(&ecg);
        if (good) ein_ecg_free(&read);
    }
    ein_ecg ecg = {0}, read;
    fill(&ecg, "V1,V2", 40, 257.5);
    float *mv = ecg.mv;
    mv[0] = NAN, mv[1] = 1e6f, mv[2] = -1e6f, mv[3] = 0, mv[4] = -0.0f, mv[5] = 0.0024f, mv[6] = -0.0026f,
    mv[39] = NAN;
    bool good = back(f, &ecg, formats[f].uv, &read);
    report(good && same(&ecg, &read, formats[f].uv) && read.fs_hz == 257.5,
           "%s: missing samples come back missing, extremes as the largest count", formats[f].name);
    report(good && isnan(read.mv[0]) && fabs(read.mv[1] - 32.767 * formats[f].uv) < 1e-4, "really");
    if (good) ein_ecg_free(&read);
    for (int t = 0; t < 40; t++) mv[t] = NAN;
    good = back(f, &ecg, 1, &read);
    report(good && same(&ecg, &read, 1), "%s: a lead that is missing, and a unit of 1 uV", formats[f].name);
    if (good) ein_ecg_free(&read);
    ein_ecg_free(&ecg);
}

static void check_twelve(int f) {
    ein_ecg ecg = {0}, read;
    fill(&ecg, "I,II,III,aVR,aVL,aVF,V1,V2,V3,V4,V5,V6", 101, 100);
    const int64_t n = 101;
    for (int64_t t = 0; t < n; t++) {
        double one = ecg.mv[t], two = ecg.mv[n + t];
        double limb[4] = {two - one, -(one + two) / 2, one - two / 2, two - one / 2};
        for (int k = 0; k < 4; k++) ecg.mv[(2 + k) * n + t] = (float)limb[k];
    }
    if (!report(back(f, &ecg, formats[f].uv, &read), "%s: twelve leads", formats[f].name)) return;
    double worst = 0;
    for (int l = 0; l < 12; l++)
        for (int64_t t = 0; t < n; t++) {
            int k = ein_ecg_find_lead(&read, (ein_lead)l);
            double off = k < 0 ? NAN : fabs((double)read.mv[k * n + t] - (double)ecg.mv[l * n + t]);
            if (!(off <= worst)) worst = off;
        }
    /* III is off by two roundings, and aVL and aVF by one and a half. */
    report(worst <= 1.001 * formats[f].uv / 1000 && read.n_leads == 12, "within a count (%g mV)", worst);
    size_t bytes;
    char *text = read_file(&bytes);
    report((strstr(text, "III") == NULL) == (f == 0), "MUSE stores eight leads, CardioSoft twelve");
    free(text);
    ein_ecg_free(&ecg);
    ein_ecg_free(&read);
    fill(&ecg, "I,III,aVF", 10, 100);
    bool good = back(f, &ecg, formats[f].uv, &read);
    report(good && same(&ecg, &read, formats[f].uv), "%s: limb leads without II are stored as they are",
           formats[f].name);
    ein_ecg_free(&ecg);
    if (good) ein_ecg_free(&read);
}

static void check_person(int f) {
    ein_ecg ecg = {0}, read;
    fill(&ecg, "I,V1", 10, 500);
    ein_ecg_person *who = &ecg.person;
    snprintf(who->patient_id, sizeof who->patient_id, "<p&\"7'> M\xc3\xbcller \xe2\x82\xac");
    snprintf(who->dx, sizeof who->dx, "426783006,59118001,a < b");
    snprintf(who->device, sizeof who->device, "Cart ]]> 9");
    snprintf(who->acquired, sizeof who->acquired, "2150-05-06T14:50:05");
    who->age_years = 63.9;
    who->sex = EIN_SEX_FEMALE;
    if (!report(back(f, &ecg, 5, &read), "%s: a person", formats[f].name)) return;
    report(strcmp(read.person.patient_id, who->patient_id) == 0 &&
               strcmp(read.person.device, who->device) == 0,
           "texts come back, whatever is in them");
    report(strcmp(read.person.acquired, who->acquired) == 0 && read.person.age_years == 63 &&
               read.person.sex == EIN_SEX_FEMALE,
           "time, whole years, sex");
    report(strcmp(read.person.dx, "SYNTHETIC <for a test> & nothing else,426783006,59118001,a < b") == 0,
           "statements, behind the one that says what it is");
    ein_ecg_free(&read);
    size_t bytes;
    char *text = read_file(&bytes);
    report(strstr(text, "<!-- SYNTHETIC") && strstr(text, "Name>SYNTHETIC</"),
           "a comment and the name say it too");
    bool ascii = true;
    for (size_t i = 0; i < bytes; i++)
        ascii = ascii && (text[i] == '\n' || text[i] == '\t' || (text[i] >= ' ' && text[i] <= '~'));
    report(ascii, "the file is ASCII");
    bool first = back(f, &ecg, 5, &read);
    if (first) ein_ecg_free(&read);
    size_t again;
    char *second = read_file(&again);
    report(first && again == bytes && memcmp(text, second, bytes) == 0, "the same bytes again");
    free(text);
    free(second);
    ein_ecg_free(&ecg);
    fill(&ecg, "I,V1", 10, 500);
    report(back(f, &ecg, 5, &read) && isnan(read.person.age_years) && read.person.sex == EIN_SEX_UNKNOWN &&
               !read.person.patient_id[0] && !read.person.acquired[0],
           "nothing known stays nothing known");
    ein_ecg_free(&read);
    ein_ecg_free(&ecg);
}

static void check_whole(int f) {
    ein_ecg ecg = {0}, read;
    fill(&ecg, "I,V1", 400, 500);
    if (!report(back(f, &ecg, 5, &read), "%s: a file", formats[f].name)) return;
    ein_ecg_free(&read);
    size_t bytes;
    char *text = read_file(&bytes);
    report(ein_xml_is_whole(folder, "x"), "is whole");
    report(access(partial, F_OK) != 0, "and leaves nothing else");
    int taken = 0;
    for (size_t i = 0; i < bytes; i += 7) {
        text[i] ^= 1;
        put_file(text, bytes);
        taken += ein_xml_is_whole(folder, "x");
        text[i] ^= 1;
    }
    report(taken == 0, "a changed bit shows, wherever it is");
    for (size_t n = 0; n < bytes; n += 11) {
        put_file(text, n);
        taken += ein_xml_is_whole(folder, "x");
    }
    report(taken == 0, "so does a file that was cut");
    memset(text + bytes / 2, 0, 200);
    put_file(text, bytes);
    report(!ein_xml_is_whole(folder, "x"), "and a hole");
    unlink(path);
    report(!ein_xml_is_whole(folder, "x"), "a file that is not there is not whole");
    free(text);
    const ein_xml_write_options options = {5, NULL, NULL, 0};
    report(formats[f].write("/nonexistent", "x", &ecg, &options) == EIN_IO &&
               strstr(ein_error_message(), "/nonexistent/x.xml"),
           "%s: a folder that is not there", formats[f].name);
    mkdir(path, 0777);
    report(formats[f].write(folder, "x", &ecg, &options) == EIN_IO && access(partial, F_OK) != 0,
           "a folder in the file's place: an error, and nothing is left");
    rmdir(path);
    report(formats[f].write(folder, "x", &ecg, &options) == EIN_OK,
           "without a name or a comment it is written too");
    ein_ecg_free(&ecg);
}

static void refused(int f, const char *what, const char *name, const ein_ecg *ecg,
                    const ein_xml_write_options *options) {
    unlink(path);
    report(formats[f].write(folder, name, ecg, options) == EIN_RANGE && access(path, F_OK) != 0,
           "%s refuses %s", formats[f].name, what);
}

static void check_refused(int f) {
    static const char *const dashes[] = {"a -- b"}, *const line[] = {"a\nb"}, *const end[] = {"a-"};
    const ein_xml_write_options good = {5, "X", comments, 1}, tiny = {0, "X", comments, 1},
                                nan = {NAN, "X", comments, 1}, dash = {5, "X", dashes, 1},
                                lines = {5, "X", line, 1}, ends = {5, "X", end, 1},
                                name = {5, "X\xff", comments, 1};
    ein_ecg ecg = {0};
    fill(&ecg, "I,V1", 10, 500);
    refused(f, "a name with a slash", "../x", &ecg, &good);
    refused(f, "no name", "", &ecg, &good);
    refused(f, "a unit of 0", "x", &ecg, &tiny);
    refused(f, "a unit that is none", "x", &ecg, &nan);
    refused(f, "a comment that ends the comment", "x", &ecg, &dash);
    refused(f, "a comment of two lines", "x", &ecg, &lines);
    refused(f, "a comment that ends in a dash", "x", &ecg, &ends);
    refused(f, "a name that is no UTF-8", "x", &ecg, &name);
    static const char *const bad[] = {"\xc3",  "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                      "a\x01", "a\x7f",    "\xc2\x85",     "\xef\xbf\xbf"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(ecg.person.patient_id, sizeof ecg.person.patient_id, "%s", bad[i]);
        refused(f, "text that XML cannot hold", "x", &ecg, &good);
    }
    ecg.person.patient_id[0] = '\0';
    ecg.lead_name[1][0] = '\0';
    refused(f, "a lead without name", "x", &ecg, &good);
    ecg.lead_name[1][0] = 'V';
    ecg.fs_hz = NAN;
    refused(f, "a rate that is none", "x", &ecg, &good);
    ecg.fs_hz = 1000.0 / 3;
    if (f == 0) refused(f, "a rate that no power of ten makes whole", "x", &ecg, &good);
    ein_ecg_free(&ecg);
}

int main(void) {
    if (!mkdtemp(folder)) abort();
    snprintf(path, sizeof path, "%s/x.xml", folder);
    snprintf(partial, sizeof partial, "%s/x.xml.partial", folder);
    for (int f = 0; f < 2; f++) {
        check_samples(f);
        check_twelve(f);
        check_person(f);
        check_whole(f);
        check_refused(f);
    }
    unlink(path);
    rmdir(folder);
    return report_end();
}
