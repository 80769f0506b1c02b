/* SCP-ECG: made-up files, each with one property that must be met, refused or flagged. EIN_TEST_KEEP=FOLDER keeps them,
 * for another decoder to read (ecgdatakit 2.0.3 finds the same samples). */
#include "tests/ecg_file.h"

enum { N = 40, LEADS = 2, BYTES = 1 << 14, BEAT = 10 };

typedef struct {
    int differences, nv, start1, flags, bimodal, beat_nv, protocol;
    bool packed, own_tables, beat;
} scp;
static const scp usual = {.nv = 2500, .start1 = 1, .flags = 4, .beat_nv = 5000, .protocol = 13};

static uint8_t out[BYTES], body[BYTES];
static size_t n_out, n_body;
static int x[LEADS][N];

static void put(int value, int bytes) {
    for (int i = 0; i < bytes; i++) body[n_body++] = (uint8_t)((unsigned)value >> (8 * i));
}

static uint16_t crc(const uint8_t *b, size_t n) {
    unsigned c = 0xffff;
    for (size_t i = 0; i < n; i++)
        for (int k = 7; k >= 0; k--) {
            const unsigned top = (c >> 15) ^ (b[i] >> k & 1u);
            c = (c << 1 & 0xffff) ^ (top ? 0x1021 : 0);
        }
    return (uint16_t)c;
}

static void le(uint8_t *at, uint32_t value, int bytes) {
    for (int i = 0; i < bytes; i++) at[i] = (uint8_t)(value >> (8 * i));
}

/* What stands in `body` becomes a section. */
static void section(int number, int protocol, size_t *pointer) {
    if (n_body % 2) put(0, 1);
    const size_t at = n_out, n = n_body + 16;
    memset(out + at, 0, 16);
    le(out + at + 2, (uint32_t)number, 2);
    le(out + at + 4, (uint32_t)n, 4);
    out[at + 8] = out[at + 9] = (uint8_t)protocol;
    memcpy(out + at + 16, body, n_body);
    le(out + at, crc(out + at + 2, n - 2), 2);
    le(out + *pointer, (uint32_t)number, 2);
    le(out + *pointer + 2, (uint32_t)n, 4);
    le(out + *pointer + 6, (uint32_t)at + 1, 4);
    *pointer += 10;
    n_out += n;
    n_body = 0;
}

static int bit_at;
static void bits(unsigned value, int n) {
    for (int b = n - 1; b >= 0; b--, bit_at++) {
        if (bit_at % 8 == 0) body[n_body++] = 0;
        body[n_body - 1] |= (uint8_t)((value >> b & 1) << (7 - bit_at % 8));
    }
}

static void huffman(int v, bool own) {
    const int size = v < 0 ? -v : v;
    if (own) { /* table 1: 0 is "0", "10" switches to table 2; table 2: "1" and 16 bits, "0" back to table 1 */
        if (v == 0) bits(0, 1);
        if (v != 0) bits(2, 2), bits(1, 1), bits((unsigned)v & 0xffff, 16), bits(0, 1);
    } else if (v == 0) {
        bits(0, 1);
    } else if (size <= 8) {
        bits(((1u << size) - 1) << 2 | (v < 0), size + 2);
    } else if (v >= -128 && v < 128) {
        bits(0x3fe, 10), bits((unsigned)v & 0xff, 8);
    } else {
        bits(0x3ff, 10), bits((unsigned)v & 0xffff, 16);
    }
}

static void values(const int *v, int n, const scp *s) {
    bit_at = 0;
    for (int t = 0; t < n; t++) {
        int d = v[t];
        if (s->differences == 1 && t > 0) d = v[t] - v[t - 1];
        if (s->differences == 2 && t > 1) d = v[t] - 2 * v[t - 1] + v[t - 2];
        if (s->packed)
            huffman((int16_t)d, s->own_tables);
        else
            put(d, 2);
    }
}

static void data(int number, const int *first, const int *second, int n1, int n2, int nv, const scp *s,
                 size_t *pointer) {
    put(nv, 2), put(2000, 2), put(s->differences, 1), put(number == 6 ? s->bimodal : 0, 1);
    const size_t lengths = n_body;
    put(0, 4);
    size_t before = n_body;
    values(first, n1, s);
    le(body + lengths, (uint32_t)(n_body - before), 2);
    before = n_body;
    values(second, n2, s);
    le(body + lengths + 2, (uint32_t)(n_body - before), 2);
    section(number, s->protocol, pointer);
}

static void tag(int number, const void *bytes, int n) {
    put(number, 1), put(n, 2);
    memcpy(body + n_body, bytes, (size_t)n);
    n_body += (size_t)n;
}

static void person(void) {
    static const uint8_t device[36 + 24] = {[8] = 'M', '1', [36] = 'a', 0,   'b', 0,   'v', '2',
                                            0,         'c', 0,          'A', 'c', 'm', 'e'};
    tag(2, "p1", 3);
    tag(5, "\xa9\x07\x03\x04", 4);
    tag(8, "\2", 1);
    tag(14, device, sizeof device);
    tag(25, "\xd2\x07\x0b\x16", 4);
    tag(26, "\x09\x0a\x05", 3);
    tag(27, "\5\0", 2);
    tag(28, "\x96\0", 2);
    tag(29, "\2", 1);
    put(255, 1), put(0, 2);
}

static void tables(bool own) {
    if (!own) {
        put(19999, 2);
        return;
    }
    static const struct {
        int prefix, total, mode, value;
        unsigned code;
    } codes[] = {{1, 1, 1, 0, 0}, {2, 2, 0, 2, 1}, {1, 17, 1, 0, 1}, {1, 1, 0, 1, 0}};
    put(2, 2);
    for (int i = 0; i < 4; i++) {
        if (i % 2 == 0) put(2, 2);
        put(codes[i].prefix, 1), put(codes[i].total, 1), put(codes[i].mode, 1), put(codes[i].value, 2),
            put((int)codes[i].code, 4);
    }
}

static void make(const scp *s) {
    int beat[2][BEAT], rest[2][N];
    size_t pointer = 6 + 16 + 10;
    memset(out, 0, sizeof out);
    n_out = 6 + 16 + 10 * 9;
    n_body = 0;
    person();
    section(1, s->protocol, &pointer);
    if (s->packed) tables(s->own_tables), section(2, s->protocol, &pointer);
    put(LEADS, 1), put(s->flags | s->beat, 1);
    put(1, 4), put(N, 4), put(1, 1);
    put(s->start1, 4), put(N, 4), put(3, 1);
    section(3, s->protocol, &pointer);
    /* A complex of type 0 at sample 15, whose beat has 10 samples of twice the unit and its fiducial at the fourth; and
       one of another type. */
    for (int l = 0; l < LEADS; l++) {
        for (int t = 0; t < N; t++) rest[l][t] = x[l][t];
        for (int k = 0; k < BEAT; k++) {
            beat[l][k] = 10 * (l + 1) + k * k;
            const int t = 15 - 4 + k + 1; /* from 1 */
            if (s->beat && t >= 13 && t <= 18) rest[l][t - 1] -= 2 * beat[l][k];
        }
    }
    if (s->beat) {
        put(BEAT * 2, 2), put(4, 2), put(2, 2);
        put(0, 2), put(13, 4), put(15, 4), put(18, 4);
        put(1, 2), put(25, 4), put(27, 4), put(30, 4);
        put(1, 4), put(2, 4), put(3, 4), put(4, 4);
        section(4, s->protocol, &pointer);
        data(5, beat[0], beat[1], BEAT, BEAT, s->beat_nv, s, &pointer);
    }
    data(6, rest[0], rest[1] + s->start1 - 1, N, N - s->start1 + 1, s->nv, s, &pointer);
    put(1, 1), put(2002, 2), put(0x050a0916, 4), put(11, 1), put(1, 1);
    put(1, 1), put(13, 2), memcpy(body + n_body, "Sinus, rhythm", 13), n_body += 13;
    section(8, s->protocol, &pointer);
    le(out + 8, 0, 2), le(out + 10, 16 + 10 * 9, 4);
    out[14] = out[15] = (uint8_t)s->protocol;
    memcpy(out + 16, "SCPECG", 6);
    le(out + 22 + 2, 16 + 10 * 9, 4), le(out + 22 + 6, 7, 4);
    le(out + 6, crc(out + 8, 16 + 10 * 9 - 2), 2);
    le(out + 2, (uint32_t)n_out, 4);
    le(out, crc(out + 2, n_out - 2), 2);
    put_bytes(out, n_out);
}

static bool is_good(const ein_ecg *ecg, int start1) {
    double want[LEADS][N];
    for (int l = 0; l < LEADS; l++)
        for (int t = 0; t < N; t++) want[l][t] = l == 1 && t < start1 - 1 ? NAN : x[l][t];
    return ecg->n_leads == 2 && ecg->fs_hz == 500 && holds(ecg, "I", want[0], N, 0.0025) &&
           holds(ecg, "V1", want[1], N, 0.0025);
}

static void is_read(const char *what, const scp *s) {
    ein_ecg ecg;
    make(s);
    if (!report(open_ecg(&ecg), "%s", what)) return;
    report(is_good(&ecg, s->start1) && !(ecg.notes & EIN_NOTE_CHECKSUM), "its samples, every CRC right");
    ein_ecg_free(&ecg);
}

static void check_packings(void) {
    for (int i = 0; i < 18; i++) {
        scp s = usual;
        char what[80];
        s.packed = i % 3 > 0;
        s.own_tables = i % 3 == 2;
        s.differences = i / 3 % 3;
        s.beat = i >= 9;
        snprintf(what, sizeof what, "differences of order %d, %s%s", s.differences,
                 !s.packed      ? "not packed"
                 : s.own_tables ? "tables of its own"
                                : "the default table",
                 s.beat ? ", a reference beat subtracted" : "");
        is_read(what, &s);
    }
    scp s = usual;
    s.start1 = 6, is_read("a lead that begins later", &s);
    s = usual, s.protocol = 30, s.bimodal = 1, is_read("protocol 3, where a byte means nothing any more", &s);
    /* Sums of 16 bits wrap. */
    s = usual, s.differences = 1, s.packed = true;
    x[0][10] = 32767, x[0][11] = -32768, x[0][12] = 32000;
    is_read("differences that do not fit 16 bits", &s);
}

static void check_person(void) {
    ein_ecg ecg;
    make(&usual);
    if (!report(open_ecg(&ecg), "the person")) return;
    const ein_ecg_person *p = &ecg.person;
    report(strcmp(p->patient_id, "p1") == 0 && p->sex == EIN_SEX_FEMALE && p->age_years == 41 &&
               strcmp(p->acquired, "2002-11-22T09:10:05") == 0 && strcmp(p->dx, "Sinus; rhythm") == 0 &&
               strcmp(p->device, "Acme M1 v2; 0.05-150 Hz, notch 50 Hz") == 0 &&
               strcmp(p->record_id, "x") == 0,
           "%s %g %s %s %s", p->patient_id, p->age_years, p->acquired, p->dx, p->device);
    ein_ecg_free(&ecg);
}

static void check_damage(void) {
    ein_ecg ecg;
    make(&usual);
    out[n_out - 60] ^= 1; /* of the rhythm */
    put_bytes(out, n_out);
    report(open_ecg(&ecg) && (ecg.notes & EIN_NOTE_CHECKSUM) && (ecg.lead_notes[0] & EIN_NOTE_CHECKSUM),
           "a wrong CRC is noted");
    ein_ecg_free(&ecg);
    make(&usual);
    put_bytes(out, n_out - 1);
    refused("a file that was cut", EIN_CORRUPT, "bytes are stated");
    scp s = usual;
    s.nv = 0, make(&s);
    refused("no scale", EIN_FORMAT, "section 6: 0 nV");
    s = usual, s.bimodal = 1, make(&s);
    refused("decimated data", EIN_OTHER, "bimodal");
    s = usual, s.packed = true, s.differences = 3, make(&s);
    refused("another packing", EIN_FORMAT, "difference 3");
    s = usual, s.beat = true, make(&s);
    for (int i = 0; i < 9; i++)
        if (out[32 + 10 * i] == 5) memset(out + 32 + 10 * i, 0, 10);
    put_bytes(out, n_out);
    refused("a beat that is not there", EIN_CORRUPT, "section 4 or 5 is not there");
    make(&usual);
    for (int i = 0; i < 9; i++)
        if (out[32 + 10 * i] == 6) out[32 + 10 * i] = 12;
    put_bytes(out, n_out);
    refused("a pointer to another section", EIN_CORRUPT, "section 12 is said to be here, section 6 is");
    make(&usual);
    for (int i = 0; i < 9; i++)
        if (out[32 + 10 * i] == 6) out[32 + 10 * i + 9] = 1;
    put_bytes(out, n_out);
    refused("a section outside the file", EIN_CORRUPT, "damaged or cut");
    make(&usual);
    for (int i = 0; i < 9; i++)
        if (out[32 + 10 * i] == 6) memset(out + 32 + 10 * i, 0, 10);
    put_bytes(out, n_out);
    refused("no rhythm", EIN_OTHER, "without a rhythm (section 6)");
}

int main(void) {
    ecg_file_begin("x.scp");
    for (int t = 0; t < N; t++) {
        x[0][t] = t * t % 23 - 11 + (t > 20 ? 300 * (t % 2) : 0);
        x[1][t] = 5 * t - 70;
    }
    check_packings();
    check_person();
    check_damage();
    return ecg_file_end();
}
