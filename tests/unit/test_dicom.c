/* DICOM waveforms: made-up files in every transfer syntax, each with one property that must be met or refused. */
#include <zlib.h>

#include "tests/ecg_file.h"

enum { N = 5, BYTES = 1 << 16 };

/* --- writing ------------------------------------------------------------------------------------------------- */

static uint8_t out[BYTES];
static size_t n_out;
static bool implicit, big, undefined;

static void put16(unsigned x) {
    out[n_out++] = (uint8_t)(big ? x >> 8 : x);
    out[n_out++] = (uint8_t)(big ? x : x >> 8);
}

static void put32(uint32_t x) {
    put16(big ? x >> 16 : x & 0xffff);
    put16(big ? x & 0xffff : x >> 16);
}

static void header(uint32_t tag, const char *vr, uint32_t length) {
    put16(tag >> 16);
    put16(tag & 0xffff);
    if (implicit) {
        put32(length);
        return;
    }
    memcpy(out + n_out, vr, 2);
    n_out += 2;
    if (strstr("OB OW SQ UN", vr)) {
        put16(0);
        put32(length);
    } else {
        put16(length);
    }
}

static void text(uint32_t tag, const char *vr, const char *value) {
    const size_t n = strlen(value);
    header(tag, vr, (uint32_t)(n + n % 2));
    memcpy(out + n_out, value, n);
    n_out += n;
    if (n % 2) out[n_out++] = vr[0] == 'U' ? 0 : ' ';
}

static void number16(uint32_t tag, unsigned value) {
    header(tag, "US", 2);
    put16(value);
}

static void number32(uint32_t tag, uint32_t value) {
    header(tag, "UL", 4);
    put32(value);
}

/* Sequences and items end by a delimiter or state their length, which is filled in at the end. */
static size_t open_at[16];
static int n_open;
static void begin(uint32_t tag) {
    if (tag) {
        header(tag, "SQ", 0xffffffff);
    } else {
        put32(big ? 0xfffee000 : 0xe000fffe);
        put32(0xffffffff);
    }
    open_at[n_open++] = n_out;
}

static void finish(bool item) {
    const size_t at = open_at[--n_open], end = n_out;
    if (undefined) {
        const uint32_t tag = item ? 0xfffee00d : 0xfffee0dd;
        put32(big ? tag : tag >> 16 | tag << 16);
        put32(0);
        return;
    }
    n_out = at - 4;
    put32((uint32_t)(end - at));
    n_out = end;
}

static void start(const char *syntax) {
    const bool i = implicit, b = big;
    memset(out, 0, 132);
    memcpy(out + 128, "DICM", 4);
    n_out = 132;
    implicit = big = false;
    text(0x00020002, "UI", "1.2.840.10008.5.1.4.1.1.9.1.1");
    text(0x00020010, "UI", syntax);
    implicit = i;
    big = b;
    text(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.9.1.1");
    text(0x0008002a, "DT", "20200518154811.250");
    text(0x00080070, "LO", "Acme");
    text(0x00081090, "LO", "M 1");
    text(0x00100020, "LO", "p1");
    text(0x00100030, "DA", "19510601");
    text(0x00100040, "CS", "F");
    text(0x00101010, "AS", "068Y");
}

typedef struct {
    const char *label, *units, *baseline, *skew, *kind;
    int n, leads, defined;
    const char *originality;
} wave;
static const wave usual = {"RHYTHM", "uV", "0", "0", "SS", N, 2, 2, "ORIGINAL"};

static void lead(const wave *w, const char *name) {
    begin(0);
    begin(0x003a0208);
    begin(0);
    text(0x00080100, "SH", "2:1");
    text(0x00080104, "LO", name);
    finish(true);
    finish(false);
    text(0x003a0210, "DS", "2.5");
    begin(0x003a0211);
    begin(0);
    text(0x00080100, "SH", w->units);
    finish(true);
    finish(false);
    text(0x003a0212, "DS", "2");
    text(0x003a0213, "DS", w->baseline);
    text(0x003a0215, "DS", w->skew);
    text(0x003a0220, "DS", "0.05");
    text(0x003a0221, "DS", "150");
    finish(true);
}

static void group(const wave *w, const char *first) {
    begin(0);
    text(0x003a0004, "CS", w->originality);
    number16(0x003a0005, (unsigned)w->leads);
    number32(0x003a0010, (uint32_t)w->n);
    text(0x003a001a, "DS", "500");
    text(0x003a0020, "SH", w->label);
    begin(0x003a0200);
    for (int i = 0; i < w->defined; i++) lead(w, i == 0 ? first : "Lead V1");
    finish(false);
    number16(0x54001004, 16);
    text(0x54001006, "CS", w->kind);
    header(0x5400100a, "OW", 2);
    put16(0x8000);
    header(0x54001010, "OW", 4 * N);
    for (int t = 0; t < N; t++) {
        put16((unsigned)(t * 100 - 50));
        put16((unsigned)(t == 2 ? -32768 : -t));
    }
    finish(true);
}

static void file(const char *syntax, const wave *w) {
    start(syntax);
    begin(0x54000100);
    const wave median = {"MEDIAN BEAT", "uV", "0", "0", "SS", N, 2, 2, "DERIVED"};
    group(&median, "Lead II");
    group(w, "Lead I");
    finish(false);
    put_bytes(out, n_out);
}

/* --- reading ------------------------------------------------------------------------------------------------- */

static const double one[N] = {-50, 50, 150, 250, 350}, v1[N] = {0, -1, NAN, -3, -4};

static void is_read(const char *what) {
    ein_ecg ecg;
    if (!report(open_ecg(&ecg), "%s", what)) return;
    report(ecg.n_leads == 2 && ecg.fs_hz == 500 && holds(&ecg, "Lead I", one, N, 0.005) &&
               holds(&ecg, "Lead V1", v1, N, 0.005) && ecg.lead[1] == EIN_LEAD_V1,
           "the rhythm, in mV, padding missing");
    ein_ecg_free(&ecg);
}

static void check_syntaxes(void) {
    static const struct {
        const char *uid, *what;
        bool implicit, big;
    } syntaxes[] = {{"1.2.840.10008.1.2", "implicit little-endian", true, false},
                    {"1.2.840.10008.1.2.1", "explicit little-endian", false, false},
                    {"1.2.840.10008.1.2.2", "explicit big-endian", false, true}};
    for (int i = 0; i < 6; i++) {
        implicit = syntaxes[i / 2].implicit;
        big = syntaxes[i / 2].big;
        undefined = i % 2;
        file(syntaxes[i / 2].uid, &usual);
        char what[64];
        snprintf(what, sizeof what, "%s, %s", syntaxes[i / 2].what,
                 undefined ? "with delimiters" : "with lengths");
        is_read(what);
    }
    implicit = big = undefined = false;
    file("1.2.840.10008.1.2.1", &usual);
    const uint8_t *at = memmem(out, n_out, "\x08\0\x16\0", 4); /* what follows preamble and group 2 */
    put_bytes(at, n_out - (size_t)(at - out));
    is_read("without the preamble");
}

static void check_deflated(void) {
    static uint8_t packed[BYTES];
    file("1.2.840.10008.1.2.1.99", &usual);
    size_t from = 132;
    while (memcmp(out + from, "\x08\0\x16\0", 4) != 0) from++;
    z_stream z = {
        .next_in = out + from, .avail_in = (unsigned)(n_out - from), .next_out = packed, .avail_out = BYTES};
    if (deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
        deflate(&z, Z_FINISH) != Z_STREAM_END)
        abort();
    memcpy(out + from, packed, z.total_out);
    put_bytes(out, from + z.total_out);
    is_read("deflated");
    put_bytes(out, from + z.total_out / 2);
    deflateEnd(&z);
    refused("deflated data that are cut", EIN_CORRUPT, "deflated data are damaged or cut");
    file("1.2.840.10008.1.2.4.50", &usual);
    refused("a syntax of compressed images", EIN_OTHER, "\"1.2.840.10008.1.2.4.50\"");
}

static void check_person(void) {
    ein_ecg ecg;
    file("1.2.840.10008.1.2.1", &usual);
    if (!report(open_ecg(&ecg), "the person")) return;
    const ein_ecg_person *p = &ecg.person;
    report(strcmp(p->patient_id, "p1") == 0 && p->age_years == 68 && p->sex == EIN_SEX_FEMALE &&
               strcmp(p->acquired, "2020-05-18T15:48:11") == 0 &&
               strcmp(p->device, "Acme M 1; 0.05-150 Hz") == 0 && strcmp(p->record_id, "x") == 0,
           "%s %g %s %s %s", p->patient_id, p->age_years, p->acquired, p->device, p->record_id);
    ein_ecg_free(&ecg);
}

static void check_refused(void) {
    wave w = usual;
    static const char syntax[] = "1.2.840.10008.1.2.1";
    ein_ecg ecg;
    w.baseline = "10";
    file(syntax, &w);
    double shifted[N];
    for (int t = 0; t < N; t++) shifted[t] = one[t] + 2;
    report(open_ecg(&ecg) && holds(&ecg, "Lead I", shifted, N, 0.005), "a baseline is added, in units");
    ein_ecg_free(&ecg);
    w = usual, w.label = "TEMPLATE", file(syntax, &w);
    refused("averaged beats alone", EIN_OTHER, "without a rhythm among 2 groups");
    w = usual, w.label = "", file(syntax, &w);
    is_read("a group without a label, beside one of averaged beats");
    w = usual, w.units = "mmHg", file(syntax, &w);
    refused("a unit that is no voltage", EIN_FORMAT, "\"mmHg\", no unit of voltage");
    w = usual, w.units = "", file(syntax, &w);
    refused("no unit", EIN_FORMAT, "has no unit (003a,0211)");
    w = usual, w.baseline = "x", file(syntax, &w);
    refused("a baseline that is no number", EIN_FORMAT, "baseline (003a,0213) is \"x\"");
    w = usual, w.skew = "3", file(syntax, &w);
    refused("a shifted lead", EIN_FORMAT, "shifted by 0 s and 3 samples");
    w = usual, w.kind = "MB", file(syntax, &w);
    refused("samples of a logarithmic scale", EIN_OTHER, "kind \"MB\"");
    w = usual, w.n = N + 1, file(syntax, &w);
    refused("fewer samples than stated", EIN_CORRUPT, "2 leads of 6 samples are stated, 10 values are there");
    w = usual, w.defined = 1, file(syntax, &w);
    refused("fewer leads than stated", EIN_FORMAT, "2 leads are stated, 1 are defined");
    file(syntax, &usual);
    put_bytes(out, n_out - 7);
    refused("a file that was cut", EIN_CORRUPT, "reaches beyond its end");
    start(syntax);
    put_bytes(out, n_out);
    refused("no waveform", EIN_OTHER, "without a waveform");
    undefined = true;
    start(syntax);
    for (int i = 0; i < 2000; i++) begin(0x54000100), n_open--, begin(0), n_open--;
    put_bytes(out, n_out);
    refused("sequences without end", EIN_FORMAT, "within each other");
    undefined = false;
    start(syntax);
    begin(0x54000100);
    wave short_one = usual;
    group(&usual, "Lead I");
    short_one.n = N - 1;
    group(&short_one, "Lead II");
    finish(false);
    put_bytes(out, n_out);
    refused("rhythm groups of different lengths", EIN_OTHER, "a recording in pieces");
}

int main(void) {
    ecg_file_begin("x.dcm");
    check_syntaxes();
    check_deflated();
    check_person();
    check_refused();
    return ecg_file_end();
}
