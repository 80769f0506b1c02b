/* The WFDB writer: what is written reads back, and only whole recordings count as whole. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/ecg/reader.h"
#include "io/ecg/wfdb_write.h"
#include "tests/tap.h"

enum { LEADS = 3, SAMPLES = 700 };

static char folder[64];

static void enter(void) {
    strcpy(folder, "/tmp/einthoven-wfdb-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void leave(void) {
    static const char *const names[] = {"a.hea", "a.dat", "a.hea.partial"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

static const char *const comments[] = {"made for a test"};
static const ein_wfdb_write_options usual = {200, comments, 1};

static void fill(ein_ecg *ecg) {
    static const ein_lead lead[LEADS] = {EIN_LEAD_II, EIN_LEAD_V1, EIN_LEAD_AVF};
    ck_assert_int_eq(ein_ecg_alloc(ecg, LEADS, SAMPLES), EIN_OK);
    ecg->fs_hz = 257.5;
    for (int l = 0; l < LEADS; l++) {
        ecg->lead[l] = lead[l];
        snprintf(ecg->lead_name[l], sizeof ecg->lead_name[l], "%s", ein_lead_name(lead[l]));
        for (int t = 0; t < SAMPLES; t++) ecg->mv[l * SAMPLES + t] = (float)(3 * sin(0.05 * t * (l + 1)) - l);
    }
    ecg->mv[5] = NAN;
    ecg->mv[6] = 1000;
    ecg->mv[7] = -1000;
    snprintf(ecg->person.patient_id, sizeof ecg->person.patient_id, "p77");
    snprintf(ecg->person.dx, sizeof ecg->person.dx, "426783006,59118001");
    snprintf(ecg->person.acquired, sizeof ecg->person.acquired, "2150-05-06T14:50:55");
    ecg->person.age_years = 63.9;
    ecg->person.sex = EIN_SEX_FEMALE;
}

static void path_of(const char *name, char *out) {
    snprintf(out, 128, "%s/%s", folder, name);
}

START_TEST(it_reads_back) {
    ein_ecg ecg = {0}, back = {0};
    char path[128];
    fill(&ecg);
    ck_assert_int_eq(ein_wfdb_write(folder, "a", &ecg, &usual), EIN_OK);
    path_of("a.hea", path);
    ck_assert_msg(ein_reader_read(path, &back) == EIN_OK, "%s", ein_error_message());
    ck_assert_int_eq(back.n_leads, LEADS);
    ck_assert_int_eq((int)back.n_samples, SAMPLES);
    ck_assert(back.fs_hz == 257.5);
    ck_assert_uint_eq(back.notes & (EIN_NOTE_CHECKSUM | EIN_NOTE_TRUNCATED | EIN_NOTE_NO_CHECKSUM), 0);
    double worst = 0;
    for (int i = 0; i < LEADS * SAMPLES; i++) {
        if (i >= 5 && i <= 7) continue;
        const double difference = fabs((double)back.mv[i] - (double)ecg.mv[i]);
        if (!(difference <= worst)) worst = difference;
    }
    ck_assert_msg(worst <= 0.5 / 200 + 1e-6, "off by %g mV", worst);
    ck_assert(worst > 0.001); /* it was rounded, and not compared with itself */
    ck_assert(isnan(back.mv[5]));
    ck_assert(back.mv[6] == 32767 / 200.0f && back.mv[7] == -32767 / 200.0f);
    for (int l = 0; l < LEADS; l++) ck_assert_int_eq(back.lead[l], ecg.lead[l]);
    ck_assert(back.person.age_years == 63);
    ck_assert_int_eq(back.person.sex, EIN_SEX_FEMALE);
    ck_assert_str_eq(back.person.dx, "426783006,59118001");
    ck_assert_str_eq(back.person.patient_id, "p77");
    ck_assert_str_eq(back.person.acquired, "2150-05-06T14:50:55");
    ein_ecg_free(&ecg);
    ein_ecg_free(&back);
}
END_TEST

START_TEST(the_header_is_as_specified) {
    ein_ecg ecg = {0};
    char path[128], line[256];
    fill(&ecg);
    ck_assert_int_eq(ein_wfdb_write(folder, "a", &ecg, &usual), EIN_OK);
    path_of("a.hea", path);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    ck_assert_str_eq(line, "a 3 257.5 700 14:50:55 06/05/2150\n");
    /* II starts at 0; the sum of its counts, one of them -32768, was computed apart from the writer. */
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    int sum = -32768 + 32767 - 32767;
    for (int t = 0; t < SAMPLES; t++)
        if (t < 5 || t > 7) sum += (int)rint((double)ecg.mv[t] * 200);
    char expected[256];
    snprintf(expected, sizeof expected, "a.dat 16 200(0)/mV 16 0 0 %d 0 II\n", (int16_t)(uint16_t)sum);
    ck_assert_str_eq(line, expected);
    for (int i = 0; i < 2; i++) ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    static const char *const rest[] = {"# <subject_id>: p77\n", "# Age: 63\n", "# Sex: Female\n",
                                       "# Dx: 426783006,59118001\n", "# made for a test\n"};
    for (int i = 0; i < 5; i++) {
        ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
        ck_assert_str_eq(line, rest[i]);
    }
    ck_assert_ptr_null(fgets(line, sizeof line, file));
    fclose(file);
    ein_ecg_free(&ecg);
}
END_TEST

START_TEST(only_the_whole_is_whole) {
    ein_ecg ecg = {0};
    char header[128], data[128];
    fill(&ecg);
    path_of("a.hea", header);
    path_of("a.dat", data);
    ck_assert(!ein_wfdb_is_whole(folder, "a", LEADS, SAMPLES));
    ck_assert_int_eq(ein_wfdb_write(folder, "a", &ecg, &usual), EIN_OK);
    ck_assert(ein_wfdb_is_whole(folder, "a", LEADS, SAMPLES));
    ck_assert(!ein_wfdb_is_whole(folder, "a", LEADS, SAMPLES - 1));
    ck_assert(!ein_wfdb_is_whole(folder, "a", LEADS + 1, SAMPLES));
    ck_assert_str_eq(ein_error_message(), "");

    FILE *file = fopen(data, "r+");
    ck_assert_ptr_nonnull(file);
    fseek(file, 1001, SEEK_SET);
    const int byte = fgetc(file);
    fseek(file, 1001, SEEK_SET);
    fputc(byte ^ 1, file);
    fclose(file);
    ck_assert(!ein_wfdb_is_whole(folder, "a", LEADS, SAMPLES));

    struct stat info;
    ck_assert_int_eq(ein_wfdb_write(folder, "a", &ecg, &usual), EIN_OK);
    ck_assert_int_eq(stat(header, &info), 0);
    for (off_t cut = 0; cut < info.st_size; cut++) {
        ck_assert_int_eq(ein_wfdb_write(folder, "a", &ecg, &usual), EIN_OK);
        ck_assert_int_eq(truncate(header, cut), 0);
        /* Whole lines may miss at the end among the comments; what counts for samples is then all there. */
        if (ein_wfdb_is_whole(folder, "a", LEADS, SAMPLES))
            ck_assert_int_ge((int)cut, (int)info.st_size - 84);
    }
    ck_assert_int_eq(ein_wfdb_write(folder, "a", &ecg, &usual), EIN_OK);
    ck_assert_int_eq(truncate(data, 2 * LEADS * SAMPLES - 2), 0);
    ck_assert(!ein_wfdb_is_whole(folder, "a", LEADS, SAMPLES));
    ck_assert_int_eq(unlink(data), 0);
    ck_assert(!ein_wfdb_is_whole(folder, "a", LEADS, SAMPLES));
    ein_ecg_free(&ecg);
}
END_TEST

START_TEST(what_wfdb_cannot_say_is_refused) {
    static const char *const names[] = {"", "a b", "a/b", "..", "a\n"};
    ein_ecg ecg = {0}, empty = {0};
    fill(&ecg);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ck_assert_int_eq(ein_wfdb_write(folder, names[i], &ecg, &usual), EIN_RANGE);
    ck_assert_int_eq(ein_wfdb_write(folder, "a", &empty, &usual), EIN_RANGE);
    static const char *const lines[] = {"two\nlines"};
    const ein_wfdb_write_options two_lines = {200, lines, 1}, no_gain = {0, comments, 1},
                                 nan_gain = {NAN, comments, 1};
    ck_assert_int_eq(ein_wfdb_write(folder, "a", &ecg, &two_lines), EIN_RANGE);
    ck_assert_int_eq(ein_wfdb_write(folder, "a", &ecg, &no_gain), EIN_RANGE);
    ck_assert_int_eq(ein_wfdb_write(folder, "a", &ecg, &nan_gain), EIN_RANGE);
    snprintf(ecg.person.patient_id, sizeof ecg.person.patient_id, "x\n# Dx: 1");
    ck_assert_int_eq(ein_wfdb_write(folder, "a", &ecg, &usual), EIN_RANGE);
    ck_assert(!ein_wfdb_is_whole(folder, "a", LEADS, SAMPLES));
    ein_ecg_free(&ecg);
}
END_TEST

START_TEST(a_missing_folder_is_named) {
    ein_ecg ecg = {0};
    char path[128];
    fill(&ecg);
    path_of("absent", path);
    ck_assert_int_eq(ein_wfdb_write(path, "a", &ecg, &usual), EIN_IO);
    ck_assert_ptr_nonnull(strstr(ein_error_message(), "absent/a.dat: cannot create: No such file"));
    ck_assert_int_eq(ein_wfdb_sync(path), EIN_IO);
    ck_assert_int_eq(ein_wfdb_sync(folder), EIN_OK);
    ein_ecg_free(&ecg);
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *test) {
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, enter, leave);
    tcase_add_test(tcase, test);
    suite_add_tcase(suite, tcase);
}

int main(void) {
    Suite *suite = suite_create("wfdb_write");
    add(suite, "it_reads_back", it_reads_back);
    add(suite, "the_header_is_as_specified", the_header_is_as_specified);
    add(suite, "only_the_whole_is_whole", only_the_whole_is_whole);
    add(suite, "what_wfdb_cannot_say_is_refused", what_wfdb_cannot_say_is_refused);
    add(suite, "a_missing_folder_is_named", a_missing_folder_is_named);
    return ein_tap_main(suite);
}
