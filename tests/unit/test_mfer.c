/* MFER: made-up files, each with one property that must be met, refused or flagged. */
#include "tests/ecg_file.h"

enum { N = 6, BYTES = 4096 };

static uint8_t out[BYTES];
static size_t n_out;
static bool little;

static void put(int tag, const void *bytes, int n) {
    out[n_out++] = (uint8_t)tag;
    out[n_out++] = (uint8_t)n;
    memcpy(out + n_out, bytes, (size_t)n);
    n_out += (size_t)n;
}

static void order(uint8_t *at, unsigned value, int bytes) {
    for (int i = 0; i < bytes; i++) at[i] = (uint8_t)(value >> (8 * (little ? i : bytes - 1 - i)));
}

static void number(int tag, unsigned value, int bytes) {
    uint8_t b[4];
    order(b, value, bytes);
    put(tag, b, bytes);
}

static void scaled(int tag, int unit, int exponent, unsigned mantissa) {
    uint8_t b[4] = {(uint8_t)unit, (uint8_t)exponent};
    order(b + 2, mantissa, 2);
    put(tag, b, 4);
}

static void channel(int c, int lead, bool indefinite) {
    uint8_t b[2];
    order(b, (unsigned)lead, 2);
    out[n_out++] = 0x3f, out[n_out++] = (uint8_t)c, out[n_out++] = indefinite ? 0x80 : 4;
    put(0x09, b, 2);
    if (indefinite) out[n_out++] = 0, out[n_out++] = 0;
}

static void frame(int sequences, int from) {
    const int n = 2 * 2 * 2 * sequences;
    out[n_out++] = 0x1e, out[n_out++] = 0x82;
    out[n_out++] = (uint8_t)(n >> 8), out[n_out++] = (uint8_t)n;
    for (int s = 0; s < sequences; s++)
        for (int c = 0; c < 2; c++)
            for (int t = 0; t < 2; t++, n_out += 2) {
                const int at = from + 2 * s + t;
                order(out + n_out, (unsigned)(c == 0 ? 10 * at - 5 : at == 2 ? -32768 : -at), 2);
            }
}

typedef struct {
    int kind, interval, sensitivity, type, lead, stated;
} mfer;
static const mfer usual = {1, 0, 0, 0, 1, 3};

static void start(const mfer *m) {
    n_out = 0;
    put(0x40, "MFR made up                     ", 32);
    number(0x01, little, 1);
    put(0x17, "Acme^M 1^v2^12345", 17);
    put(0x11, "HPF=0.05", 8), put(0x11, "LPF=150", 7), put(0x11, "BEF=50^mains", 12);
    put(0x82, "p1^x", 4), put(0x84, "\2", 1), put(0x81, "Doe^^Jane", 9);
    uint8_t when[7], birth[7] = {0};
    order(when, 2002, 2), memcpy(when + 2, "\x0b\x16\x09\x0a\x05", 5);
    order(birth + 3, 1961, 2), birth[5] = 3, birth[6] = 4;
    put(0x85, when, 7), put(0x83, birth, 7);
    number(0x05, 2, 2), number(0x04, 2, 2), number(0x06, (unsigned)m->stated, 2),
        number(0x08, (unsigned)m->kind, 2);
    number(0x0a, (unsigned)m->type, 1);
    if (m->interval >= 0) scaled(0x0b, m->interval, m->interval ? -3 : 0, m->interval ? 4 : 250);
    if (m->sensitivity >= 0) scaled(0x0c, m->sensitivity, -9, 2500);
    number(0x0d, 1, 2);
    number(0x12, 0x8000, 2);
    channel(0, m->lead, false);
    channel(1, 3, true);
}

static void put_file(const mfer *m) {
    start(m);
    frame(3, 0);
    put(0x80, "", 0);
    n_out--; /* the end has no length */
    put_bytes(out, n_out);
}

static void is_read(const char *what, const mfer *m, int frames) {
    static const double one[] = {-4, 6, 16, 26, 36, 46, 56, 66, 76, 86, 96, 106},
                        v1[] = {1, 0, NAN, -2, -3, -4, -5, -6, -7, -8, -9, -10};
    ein_ecg ecg;
    start(m);
    for (int f = 0; f < frames; f++) frame(3, 6 * f);
    put_bytes(out, n_out);
    if (!report(open_ecg(&ecg), "%s", what)) return;
    report(ecg.n_leads == 2 && ecg.fs_hz == 250 && holds(&ecg, "I", one, N * frames, 0.0025) &&
               holds(&ecg, "V1", v1, N * frames, 0.0025) && ecg.notes == EIN_NOTE_NO_CHECKSUM,
           "samples, with offset, missing ones");
    const ein_ecg_person *p = &ecg.person;
    report(strcmp(p->patient_id, "p1") == 0 && p->sex == EIN_SEX_FEMALE && p->age_years == 41 &&
               strcmp(p->acquired, "2002-11-22T09:10:05") == 0 &&
               strcmp(p->device, "Acme M 1 v2; 0.05-150 Hz, notch 50 Hz") == 0 &&
               strcmp(p->record_id, "x") == 0,
           "%s %g %s %s", p->patient_id, p->age_years, p->acquired, p->device);
    ein_ecg_free(&ecg);
}

static void check_read(void) {
    mfer m = usual;
    ein_ecg ecg;
    for (int i = 0; i < 2; i++) {
        little = i;
        is_read(little ? "little-endian" : "big-endian", &usual, 1);
        m = usual, m.interval = 1, is_read("an interval in seconds", &m, 2);
    }
    m = usual, m.stated = 4, put_file(&m);
    report(open_ecg(&ecg) && ecg.n_samples == N && (ecg.notes & EIN_NOTE_TRUNCATED),
           "fewer samples than stated");
    ein_ecg_free(&ecg);
    m = usual, m.lead = 143, put_file(&m);
    report(open_ecg(&ecg) && ecg.n_leads == 1 && strcmp(ecg.lead_name[0], "V1") == 0,
           "a channel that is no lead is left out");
    ein_ecg_free(&ecg);
}

static void check_refused(void) {
    mfer m = usual;
    m.kind = 9, put_file(&m);
    refused("averaged beats alone", EIN_OTHER, "1 frames of averaged beats");
    m = usual, m.interval = -1, put_file(&m);
    refused("no interval", EIN_FORMAT, "the sampling rate is not known");
    m = usual, m.sensitivity = -1, put_file(&m);
    refused("no sensitivity", EIN_FORMAT, "lead I has no sensitivity");
    m = usual, m.sensitivity = 1, put_file(&m);
    refused("pressures", EIN_OTHER, "none of its 2 channels");
    m = usual, m.type = 7, put_file(&m);
    refused("floating point", EIN_OTHER, "samples of type 7");
    m = usual, m.type = 9, put_file(&m);
    refused("compressed samples", EIN_OTHER, "samples of type 9");
    m = usual, m.stated = 2, put_file(&m);
    refused("more samples than stated", EIN_CORRUPT, "not of the stated length");
    put_file(&usual);
    put_bytes(out, n_out - 9);
    refused("a file that was cut", EIN_CORRUPT, "reaches beyond the end");
    start(&usual);
    put_bytes(out, n_out);
    refused("no frame", EIN_OTHER, "without a rhythm");
    for (int i = 0; i < 40; i++) out[n_out++] = 0x67, out[n_out++] = 0x80;
    put_bytes(out, n_out);
    refused("groups without end", EIN_CORRUPT, "too deep");
}

int main(void) {
    ecg_file_begin("x.mwf");
    check_read();
    check_refused();
    return ecg_file_end();
}
