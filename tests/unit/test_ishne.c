/* ISHNE Holter files: made-up ones, each with one property that must be met, refused or flagged. */
#include "io/base/crc16.h"
#include "tests/ecg_file.h"

enum { N = 6, TEXT = 4, DATA = 522 + TEXT, BYTES = DATA + 2 * 2 * N };

static uint8_t out[BYTES];
static const double one[N] = {1, -2, NAN, 32767, -32767, 5}, v1[N] = {0, 1, 2, 3, 4, 5};

static void put16(size_t at, int value) {
    out[at] = (uint8_t)value;
    out[at + 1] = (uint8_t)((unsigned)value >> 8);
}

static void seal(void) {
    put16(8, ein_crc_ccitt(out + 10, DATA - 10));
}

static void make(void) {
    static const int day[] = {132, 4, 3, 1961, 138, 22, 11, 2002, 150, 9, 10, 5};
    memset(out, 0, sizeof out);
    memcpy(out, "ISHNE1.0", 8);
    put16(10, TEXT), put16(14, N), put16(18, 522), put16(22, DATA);
    memcpy(out + 28, "Jane", 4), memcpy(out + 108, "p7", 2);
    put16(128, 2);
    for (int i = 0; i < 12; i += 4)
        for (int k = 0; k < 3; k++) put16((size_t)(day[i] + 2 * k), day[i + 1 + k]);
    put16(156, 2), put16(158, 5), put16(160, 11), put16(206, 2500), put16(208, 1000);
    memcpy(out + 232, "H 12", 4);
    put16(272, 200);
    memcpy(out + 522, "note", 4);
    for (int t = 0; t < N; t++)
        put16((size_t)(DATA + 4 * t), isnan(one[t]) ? -32768 : (int)one[t]),
            put16((size_t)(DATA + 4 * t + 2), t);
    seal();
}

static void check_read(void) {
    ein_ecg ecg;
    make();
    put_bytes(out, BYTES);
    if (!report(open_ecg(&ecg), "a file of two leads")) return;
    report(ecg.fs_hz == 200 && holds(&ecg, "I", one, N, 0.0025) && holds(&ecg, "V1", v1, N, 0.001) &&
               ecg.notes == 0,
           "samples, a missing one; the CRC is right");
    report(strcmp(ecg.person.patient_id, "p7") == 0 && ecg.person.sex == EIN_SEX_FEMALE &&
               ecg.person.age_years == 41 && strcmp(ecg.person.acquired, "2002-11-22T09:10:05") == 0 &&
               strcmp(ecg.person.device, "H 12") == 0,
           "%s %g %s %s", ecg.person.patient_id, ecg.person.age_years, ecg.person.acquired,
           ecg.person.device);
    ein_ecg_free(&ecg);
    const uint8_t low = out[8];
    out[8] = out[9], out[9] = low;
    put_bytes(out, BYTES);
    report(open_ecg(&ecg) && ecg.notes == 0, "a CRC of the other order");
    ein_ecg_free(&ecg);
    out[523] ^= 1;
    put_bytes(out, BYTES);
    report(open_ecg(&ecg) && ecg.lead_notes[0] == EIN_NOTE_CHECKSUM, "a wrong CRC is noted");
    ein_ecg_free(&ecg);
    put16(8, 0);
    put_bytes(out, BYTES);
    report(open_ecg(&ecg) && ecg.notes == EIN_NOTE_NO_CHECKSUM, "no CRC");
    ein_ecg_free(&ecg);
    make();
    put_bytes(out, BYTES - 3);
    report(open_ecg(&ecg) && ecg.n_samples == N - 1 && (ecg.notes & EIN_NOTE_TRUNCATED),
           "a file that was cut");
    ein_ecg_free(&ecg);
    put16(14, 2 * N), put16(158, 1);
    seal();
    put_bytes(out, BYTES);
    report(open_ecg(&ecg) && ecg.notes == 0 && strcmp(ecg.lead_name[0], "channel 1") == 0,
           "samples of all leads counted together; a lead without a name");
    ein_ecg_free(&ecg);
}

static void check_refused(void) {
    make();
    put_bytes(out, 300);
    refused("a header that is cut", EIN_CORRUPT, "within its header");
    put16(10, 5000);
    put_bytes(out, BYTES);
    refused("text behind the end", EIN_CORRUPT, "5000 bytes of text");
    make(), put16(156, 13), put_bytes(out, BYTES);
    refused("too many leads", EIN_FORMAT, "13 leads");
    make(), put16(206, 0), put_bytes(out, BYTES);
    refused("no scale", EIN_FORMAT, "lead 1 (I) has 0 nV per count");
    make(), put16(272, 0), put_bytes(out, BYTES);
    refused("no rate", EIN_FORMAT, "a rate of 0 Hz");
    make(), put_bytes(out, DATA);
    refused("no samples", EIN_CORRUPT, "no samples");
}

int main(void) {
    ecg_file_begin("x.ecg");
    check_read();
    check_refused();
    return ecg_file_end();
}
