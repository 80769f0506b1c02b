/* WFDB records of several segments: fixed and variable layout, gaps, links, and what is refused. */
#include "io/base/hash.h"
#include "io/ecg/source_hash.h"
#include "io/ecg/source_stamp.h"
#include "tests/ecg_file.h"

static char path[256];
static const char *in_folder(const char *name) {
    snprintf(path, sizeof path, "%s/%s", ecg_folder, name);
    return path;
}

static void put(const char *name, const char *text) {
    FILE *f = fopen(in_folder(name), "w");
    if (!f || fputs(text, f) < 0 || fclose(f) != 0) abort();
}

/* NAME.hea of leads `first` and, if it is not NULL, `second`, and NAME.dat: values from `begin` on, and their
 * negatives. */
static void segment(const char *name, const char *first, const char *second, int n, int begin) {
    char header[512], file[64];
    unsigned char bytes[256];
    int at = 0;
    unsigned sum = 0;
    for (int t = 0; t < n; t++) {
        for (int l = 0; l < (second ? 2 : 1); l++) {
            const int value = l == 0 ? begin + t : -begin - t;
            bytes[at++] = (unsigned char)value;
            bytes[at++] = (unsigned char)((unsigned)value >> 8);
        }
        sum += (unsigned)(begin + t);
    }
    at = snprintf(header, sizeof header, "%s %d 100 %d\n%s.dat 16 1000/mV 16 0 0 %u 0 %s\n", name,
                  second ? 2 : 1, n, name, sum & 0xffff, first);
    if (second)
        snprintf(header + at, sizeof header - (size_t)at, "%s.dat 16 1000/mV 16 0 0 %u 0 %s\n", name,
                 -sum & 0xffff, second);
    snprintf(file, sizeof file, "%s.hea", name);
    put(file, header);
    snprintf(file, sizeof file, "%s.dat", name);
    FILE *f = fopen(in_folder(file), "wb");
    if (!f || fwrite(bytes, 2, (size_t)n * (second ? 2 : 1), f) == 0 || fclose(f) != 0) abort();
}

static void check_read(void) {
    static const double one[] = {1, 2, 3, NAN, NAN, 11, 12}, two[] = {-1, -2, -3, NAN, NAN, -11, -12},
                        late[] = {NAN, NAN, NAN, NAN, NAN, -21, -22};
    ein_ecg ecg;
    segment("x1", "I", "II", 3, 1);
    segment("x2", "I", "II", 2, 11);
    put_text("# <age>: 63\nx/3 2 100 7 10:00:00 01/02/2003\nx1 3\n~ 2\nx2 2\n# <sex>: F\n");
    bool good = open_ecg(&ecg);
    report(good && ecg.n_leads == 2 && ecg.fs_hz == 100 && holds(&ecg, "I", one, 7, 1e-3) &&
               holds(&ecg, "II", two, 7, 1e-3),
           "fixed layout, with a gap");
    report(good && ecg.notes == 0 && ecg.person.age_years == 63 && ecg.person.sex == EIN_SEX_FEMALE &&
               strcmp(ecg.person.record_id, "x") == 0,
           "every checksum right; the person of the header's comments");
    ein_ecg_free(&ecg);
    segment("y_layout", "I", "II", 1, 0);
    segment("x3", "II", "V1", 2, 21);
    put_text("x/4 3 100 7\ny_layout 0\n~ 2\nx1 3\nx3 2\n");
    good = open_ecg(&ecg);
    report(good && ecg.n_leads == 3 && strcmp(ecg.lead_name[2], "V1") == 0 &&
               holds(&ecg, "V1", late, 7, 1e-3),
           "variable layout: a lead that comes later");
    double joined[] = {NAN, NAN, -1, -2, -3, 21, 22};
    report(good && holds(&ecg, "II", joined, 7, 1e-3), "a lead that is first here and second there");
    ein_ecg_free(&ecg);
}

/* That the hash made while reading is that of the files. */
static bool same_hash(void) {
    char whole[EIN_SHA256_TEXT_BYTES];
    ein_reader_source source;
    ein_ecg ecg;
    if (ein_reader_read_source(ecg_path, NULL, &ecg, &source) != EIN_OK) return false;
    ein_ecg_free(&ecg);
    return ein_source_hash(ecg_path, whole) == EIN_OK && strcmp(whole, source.sha256) == 0 &&
           source.stamp == ein_source_stamp(ecg_path);
}

static void check_hash(void) {
    char before[EIN_SHA256_TEXT_BYTES], after[EIN_SHA256_TEXT_BYTES];
    put_text("x/2 2 100 5\nx1 3\nx2 2\n");
    report(ein_source_hash(ecg_path, before) == EIN_OK, "the source has a hash");
    segment("x2", "I", "II", 2, 12);
    report(ein_source_hash(ecg_path, after) == EIN_OK && strcmp(before, after) != 0,
           "that of all its segments");
    report(same_hash(), "made while reading as well");
}

static void check_listed(void) {
    const char *roots[] = {ecg_folder};
    ein_reader_list list;
    put("alone.hea", "alone 1 100 1\nalone.dat 16 1000/mV 16 0 0 0 0 I\n");
    put_text("x/4 3 100 7\ny_layout 0\n~ 2\nx1 3\nx3 2\n");
    if (ein_reader_find(roots, 1, NULL, &list) != EIN_OK) abort();
    bool has_x = false, has_alone = false, has_segment = false;
    for (int64_t i = 0; i < list.count; i++) {
        has_x = has_x || strstr(list.path[i], "/x.hea");
        has_alone = has_alone || strstr(list.path[i], "/alone.hea");
        has_segment = has_segment || strstr(list.path[i], "/x1.hea") || strstr(list.path[i], "/x3.hea") ||
                      strstr(list.path[i], "/y_layout.hea");
    }
    report(has_x && has_alone && !has_segment, "a folder lists the record, and not its segments");
    ein_reader_list_free(&list);
}

static void check_refused(void) {
    static const struct {
        const char *what, *text, *says;
        ein_status status;
    } cases[] = {
        {"a segment of another length", "x/1 2 100 4\nx1 4\n", "segment x1 has 3 samples, 4 are stated",
         EIN_FORMAT},
        {"samples that do not add up", "x/2 2 100 9\nx1 3\nx2 2\n",
         "9 samples are stated, its segments have 5", EIN_FORMAT},
        {"a segment elsewhere", "x/1 2 100 3\n../x1 3\n", "must lie in the header's folder", EIN_FORMAT},
        {"a segment that is not there", "x/1 2 100 3\nx9 3\n", "x9.hea", EIN_NOTFOUND},
        {"a segment of segments", "x/1 2 100 3\nx 3\n", "multi-segment record", EIN_OTHER},
        {"fewer segments", "x/3 2 100 3\nx1 3\n", "fewer segments than are announced", EIN_FORMAT},
        {"more segments", "x/1 2 100 5\nx1 3\nx2 2\n", "after the segments that are announced", EIN_FORMAT},
        {"nothing but gaps", "x/1 2 100 5\n~ 5\n", "nothing but gaps", EIN_OTHER},
        {"no segments", "x/0 2 100 5\n", "segments are read", EIN_FORMAT},
        {"another rate", "x/1 2 75 3\nx1 3\n", "segment x1 has 100 Hz", EIN_FORMAT},
        {"no length of a segment", "x/1 2 100 3\nx1\n", "without a number of samples", EIN_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put_text(cases[i].text);
        refused(cases[i].what, cases[i].status, cases[i].says);
    }
    if (symlink("/etc/hostname", in_folder("link.hea")) != 0) abort();
    put_text("x/1 2 100 3\nlink 3\n");
    refused("a link out of the folder", EIN_FORMAT, "symbolic link out of its folder");
}

int main(void) {
    char command[128];
    ecg_file_begin("x.hea");
    check_read();
    check_hash();
    check_listed();
    check_refused();
    snprintf(command, sizeof command, "rm -r %s", ecg_folder);
    if (system(command) != 0) return 1;
    return report_end();
}
