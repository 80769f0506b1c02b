/* The WFDB reader on files made here: every format, header fields, damage, hostile headers, folders. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/ecg/reader.h"
#include "io/ecg/wfdb.h"
#include "io/ecg/wfdb_format.h"
#include "io/ecg/wfdb_header.h"
#include "tests/report.h"

static char folder[] = "/tmp/einthoven-wfdb.XXXXXX";

static const char *in_folder(const char *name) {
    static char paths[16][512];
    static int at;
    at = (at + 1) % 16;
    snprintf(paths[at], sizeof paths[at], "%s/%s", folder, name);
    return paths[at];
}

static void put(const char *name, const void *data, size_t bytes) {
    FILE *f = fopen(in_folder(name), "wb");
    if (!f || fwrite(data, 1, bytes, f) != bytes || fclose(f) != 0) abort();
}

static void put_text(const char *name, const char *text) {
    put(name, text, strlen(text));
}

/* n int16 samples 0, 1, 2, ... + `first`, little-endian, after `preamble` zero bytes. */
static void put_ramp(const char *name, int n, int first, int preamble) {
    unsigned char *b = calloc((size_t)(preamble + 2 * n + 1), 1);
    if (!b) abort();
    for (int i = 0; i < n; ++i) {
        unsigned v = (unsigned)(first + i);
        b[preamble + 2 * i] = (unsigned char)v;
        b[preamble + 2 * i + 1] = (unsigned char)(v >> 8);
    }
    put(name, b, (size_t)(preamble + 2 * n));
    free(b);
}

static ein_status read_record(const char *name, ein_ecg *ecg) {
    return ein_wfdb_read(in_folder(name), ecg);
}

/* The current message without the name of the folder, which changes from run to run. */
static const char *message(void) {
    const char *text = ein_error_message(), *at = strstr(text, folder);
    return at ? at + strlen(folder) + 1 : text;
}

/* --- formats ------------------------------------------------------------------------------------------- */

/* wfdb-python's binformats: 499 samples of a ramp that wraps within the format's range. An encoder written for
 * this test gives files whose hashes are those of the originals, so the originals are what is read. */
enum { RAMP = 499 };
typedef struct {
    int format, bits, step, checksum;
    long long first;
    const char *hash;
    int bytes;
} binformat;

static const binformat binformats[] = {
    {8, 12, 284, -31143, -2047, "85fd089ac424168a", 499},
    {16, 16, 524, -750, -32766, "3629b2a775eb3c16", 998},
    {61, 16, 524, -251, -32765, "5f0c279ffe7f42e9", 998},
    {80, 8, 14, -517, -124, "59affd1ec533d240", 499},
    {160, 16, 524, 747, -32763, "d62686da54796cdd", 998},
    {212, 12, 284, -6824, -2042, "64f4ea10644e2fef", 749},
    {310, 10, 347, -1621, -505, "6e5975fc17df87ee", 666},
    {311, 10, 347, -2145, -504, "59dbbb76ba820414", 666},
    {24, 24, 65804, 11715, -8388599, "53cb9c2ae7fa3e1f", 1497},
    {32, 32, 16843019, 19035, -2147483638, "9ad6d322db8d17eb", 1996},
};
enum { BINFORMATS = sizeof binformats / sizeof binformats[0] };

static void make_ramp(const binformat *f, long long *v) {
    long long modulus = (1LL << f->bits) - 1, low = -((1LL << (f->bits - 1)) - 1);
    for (int i = 0; i < RAMP; ++i) {
        v[i] = (f->first - low + (long long)f->step * i) % modulus + low;
        if (f->format == 8 && i > 0) { /* differences of 8 bits limit the slope */
            long long d = v[i] - v[i - 1];
            v[i] = v[i - 1] + (d > 127 ? 127 : d < -128 ? -128 : d);
        }
    }
}

static int encode(const binformat *f, const long long *v, unsigned char *b) {
    unsigned char *start = b;
    for (int i = 0; i < RAMP; ++i) {
        unsigned long long u = (unsigned long long)v[i];
        unsigned long long next = i + 1 < RAMP ? (unsigned long long)v[i + 1] : 0;
        unsigned long long third = i + 2 < RAMP ? (unsigned long long)v[i + 2] : 0;
        switch (f->format) {
        case 8:
            *b++ = (unsigned char)(i ? v[i] - v[i - 1] : 0);
            break;
        case 16:
            *b++ = (unsigned char)u, *b++ = (unsigned char)(u >> 8);
            break;
        case 61:
            *b++ = (unsigned char)(u >> 8), *b++ = (unsigned char)u;
            break;
        case 80:
            *b++ = (unsigned char)(u + 128);
            break;
        case 160:
            u += 32768, *b++ = (unsigned char)u, *b++ = (unsigned char)(u >> 8);
            break;
        case 24:
        case 32:
            for (int k = 0; k < f->format; k += 8) *b++ = (unsigned char)(u >> k);
            break;
        case 212:
            if (i % 2) break;
            *b++ = (unsigned char)u, *b++ = (unsigned char)((u >> 8 & 15) | (next >> 8 & 15) << 4);
            if (i + 1 < RAMP) *b++ = (unsigned char)next;
            break;
        case 310:
            if (i % 3) break;
            u = (u & 1023) << 1 | (third & 31) << 11, next = (next & 1023) << 1 | (third >> 5 & 31) << 11;
            *b++ = (unsigned char)u, *b++ = (unsigned char)(u >> 8);
            if (i + 1 < RAMP) *b++ = (unsigned char)next, *b++ = (unsigned char)(next >> 8);
            break;
        default: /* 311 */
            if (i % 3) break;
            u = (u & 1023) | (next & 1023) << 10 | (third & 1023) << 20;
            for (int k = 0; k < (i + 1 < RAMP ? 32 : 16); k += 8) *b++ = (unsigned char)(u >> k);
        }
    }
    return (int)(b - start);
}

static bool hash_is(const unsigned char *b, int bytes, const char *hex16) {
    unsigned char digest[crypto_hash_sha256_BYTES];
    char hex[17];
    crypto_hash_sha256(digest, b, (unsigned long long)bytes);
    for (int i = 0; i < 8; ++i) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return strcmp(hex, hex16) == 0;
}

static void check_formats(void) {
    char header[2048] = "binformats 10 200 499\n";
    static long long v[BINFORMATS][RAMP];
    for (int k = 0; k < BINFORMATS; ++k) {
        unsigned char b[4 * RAMP + 8];
        char name[32];
        make_ramp(&binformats[k], v[k]);
        int bytes = encode(&binformats[k], v[k], b);
        report(bytes == binformats[k].bytes && hash_is(b, bytes, binformats[k].hash),
               "format %d: the file made here is the original's %d bytes", binformats[k].format, bytes);
        snprintf(name, sizeof name, "binformats.d%d", k);
        put(name, b, (size_t)bytes);
        size_t used = strlen(header);
        snprintf(header + used, sizeof header - used, "%s %d 200/mV 12 0 %lld %d 0 sig %d\n", name,
                 binformats[k].format, binformats[k].first, binformats[k].checksum, k);
    }
    put_text("binformats.hea", header);
    ein_ecg ecg;
    bool read =
        report(read_record("binformats.hea", &ecg) == EIN_OK && ecg.n_leads == 10 && ecg.n_samples == RAMP,
               "ten files of ten formats are one record: %s", ein_error_message());
    if (!read) return;
    for (int k = 0; k < BINFORMATS; ++k) {
        int wrong = 0;
        for (int t = 0; t < RAMP; ++t) wrong += ecg.mv[k * RAMP + t] != (float)((double)v[k][t] / 200);
        report(wrong == 0 && ecg.lead_notes[k] == 0, "format %d: all %d samples and the checksum are right",
               binformats[k].format, RAMP);
    }
    ein_ecg_free(&ecg);
}

static void check_missing_marks(void) {
    for (int k = 0; k < BINFORMATS; ++k) {
        const ein_wfdb_format *f = ein_wfdb_format_find(binformats[k].format);
        if (!report(f != NULL, "format %d is known", binformats[k].format) || !f->has_missing) continue;
        unsigned char b[16];
        binformat one = binformats[k];
        static long long v[RAMP];
        static unsigned char all[4 * RAMP + 8];
        for (int t = 0; t < RAMP; ++t) v[t] = ein_wfdb_format_missing(f);
        encode(&one, v, all);
        memcpy(b, all, sizeof b);
        put("mark.dat", b, 4);
        char header[128];
        snprintf(header, sizeof header, "mark 1 100\nmark.dat %d 200/mV\n", one.format);
        put_text("mark.hea", header);
        ein_ecg ecg;
        bool good = read_record("mark.hea", &ecg) == EIN_OK && ecg.n_samples == ein_wfdb_format_values(f, 4);
        for (int64_t t = 0; good && t < ecg.n_samples; ++t) good = isnan(ecg.mv[t]);
        report(good, "format %d: the mark %d of a missing sample is NaN", one.format,
               ein_wfdb_format_missing(f));
        ein_ecg_free(&ecg);
    }
    report(!ein_wfdb_format_find(0) && !ein_wfdb_format_find(17) && !ein_wfdb_format_find(-16),
           "others are not known");
}

/* Bytes and samples must agree at every cut of the last unit. */
static void check_sizes(void) {
    int bad = 0, n = 0;
    for (int k = 0; k < BINFORMATS; ++k) {
        const ein_wfdb_format *f = ein_wfdb_format_find(binformats[k].format);
        for (int64_t values = 0; f && values < 40; ++values, ++n) {
            /* The second sample of 310 ends with the unit, so a third one always follows it. */
            int64_t bytes = ein_wfdb_format_bytes(f, values), spare = f->format == 310 && values % 3 == 2;
            bad += ein_wfdb_format_values(f, bytes) != values + spare;
            bad += values > 0 && ein_wfdb_format_values(f, bytes - 1) >= values;
        }
    }
    report(bad == 0 && n == 400, "every number of samples needs exactly its bytes (%d cases)", n);
}

/* --- header fields ------------------------------------------------------------------------------------- */

static ein_status parse(const char *text, ein_wfdb_header *h) {
    return ein_wfdb_header_parse("x.hea", text, strlen(text), h);
}

static void check_fields(void) {
    static ein_wfdb_header h;
    bool ok = parse("\n# a comment first\r\n\r\nrec 2 360/1000(5) 650 14:50:55 23/07/2180\r\n"
                    "rec.dat 212x2:3+24 100.5(-7)/uV 11 1024 995 49347 0 MLII with words \r\n# Age: 63\n"
                    "rec.dat 212x2+24\n",
                    &h) == EIN_OK;
    const ein_wfdb_signal *s = h.signal;
    report(ok && strcmp(h.record, "rec") == 0 && h.n_signals == 2 && h.fs_hz == 360 && h.n_frames == 650 &&
               strcmp(h.person.acquired, "2180-07-23T14:50:55") == 0 && h.person.age_years == 63,
           "record line after comments, blank lines, with CRLF: %s", ein_error_message());
    report(s[0].format == 212 && s[0].per_frame == 2 && s[0].skew == 3 && s[0].offset == 24 &&
               s[0].gain == 100.5 && s[0].baseline == -7 && strcmp(s[0].units, "uV") == 0 &&
               s[0].mv_per_unit == 1e-3 && s[0].initial == 995 && s[0].has_checksum &&
               s[0].checksum == 49347 && strcmp(s[0].description, "MLII with words") == 0 && s[0].line == 5,
           "all fields of a signal line");
    report(s[1].gain == 200 && !s[1].gain_stated && s[1].baseline == 0 && strcmp(s[1].units, "mV") == 0 &&
               s[1].mv_per_unit == 1 && !s[1].has_checksum && s[1].description[0] == '\0',
           "defaults of a signal line");
    ok = parse("r 1\nr.dat 16 0 12 77\n", &h) == EIN_OK;
    report(ok && h.fs_hz == 250 && h.n_frames == 0 && s[0].gain == 200 && !s[0].gain_stated &&
               s[0].baseline == 77,
           "rate 250 by default, gain 0 is 200, baseline is the ADC's zero");
    ok = parse("r 1 100 5 \nr.dat 16 1000/mV(-3) 16 9 0 -5\n", &h) == EIN_OK;
    report(ok && s[0].gain == 1000 && s[0].baseline == -3 && strcmp(s[0].units, "mV") == 0 &&
               s[0].checksum == 65531,
           "units before the baseline; a signed checksum");
    ok = parse("r 1 100 5\nr.dat 16 (-3)/uV\n", &h) == EIN_OK;
    report(ok && s[0].gain == 200 && s[0].baseline == -3 && strcmp(s[0].units, "uV") == 0,
           "baseline without gain");
    ok = parse("r 1 100 5\nr.dat 16 1000(100000)/mV 16 0\n", &h) == EIN_OK;
    report(ok && s[0].baseline == 100000, "a baseline outside the ADC's range");
    ok = parse("r 1 2.5e2 5 05-May-2020 14:50:55.25\nr.dat 16 1.052e+04/mV\n", &h) == EIN_OK;
    report(ok && h.fs_hz == 250 && s[0].gain == 10520 &&
               strcmp(h.person.acquired, "2020-05-05T14:50:55") == 0,
           "exponents, and the CinC headers' date before the time: %s", h.person.acquired);
    ok = parse("r 1 250 5 09:12:00\nr.dat 16\n", &h) == EIN_OK && h.person.acquired[0] == '\0' &&
         parse("r 1 250 5 99:99 1/1/1 what\nr.dat 16\n", &h) == EIN_OK;
    report(ok && strcmp(h.person.acquired, "0001-01-01") == 0,
           "a time alone is no moment; nonsense is passed over");
    ok = parse("r 1 100 5\nr.dat 16 200/mV 16 0 0 0 0 a\x1b[31mb\xe9\n", &h) == EIN_OK;
    report(ok && strcmp(s[0].description, "a?[31mb\xc3\xa9") == 0, "control bytes do not get into names");
}

static void check_units(void) {
    static const struct {
        const char *units;
        double mv;
    } cases[] = {{"mV", 1},    {"mv", 1},       {"MV", 1},           {"millivolts", 1},   {"uV", 1e-3},
                 {"uv", 1e-3}, {"\xb5V", 1e-3}, {"\xc2\xb5V", 1e-3}, {"\xce\xbcV", 1e-3}, {"microvolt", 1e-3},
                 {"nV", 1e-6}, {"V", 1000},     {"volts", 1000},     {"mmHg", 0},         {"NU", 0},
                 {"mg", 0},    {"", 0},         {"degC", 0}};
    int good = 0, n = sizeof cases / sizeof cases[0];
    for (int i = 0; i < n; ++i) good += ein_wfdb_mv_per_unit(cases[i].units) == cases[i].mv;
    report(good == n, "units in %d of %d spellings", good, n);
}

static void check_person(void) {
    static const struct {
        const char *comment;
        double age;
        int sex;
        const char *id, *dx;
    } cases[] = {
        {"Age: 63", 63, -1, "", ""},
        {" Age: NaN", NAN, -1, "", ""},
        {"<age>: 71", 71, -1, "", ""},
        {"<age>: >89", 90, -1, "", ""},
        {" <age>: 28  <sex>: M  <Height>: 170  <Weight>: 64", 28, EIN_SEX_MALE, "", ""},
        {" age: 81", 81, -1, "", ""},
        {" Age: 300", 90, -1, "", ""},
        {" Age: -1", NAN, -1, "", ""},
        {" Age: 6 months", 0.5, -1, "", ""},
        {" Age: 1e999", NAN, -1, "", ""},
        {"Sex: Male", NAN, EIN_SEX_MALE, "", ""},
        {" Sex: Female", NAN, EIN_SEX_FEMALE, "", ""},
        {"<sex>: F", NAN, EIN_SEX_FEMALE, "", ""},
        {" sex: female", NAN, EIN_SEX_FEMALE, "", ""},
        {"Sex: Unknown", NAN, -1, "", ""},
        {"Sex: Mixed", NAN, -1, "", ""},
        {" <subject_id>: 10000032", NAN, -1, "10000032", ""},
        {"Dx: 426177001, 427084000", NAN, -1, "", "426177001,427084000"},
        {" Dx: Unknown", NAN, -1, "", ""},
        {" 69 M 1085 1629 x1", 69, EIN_SEX_MALE, "", ""},
        {" 1020 samples * 4/3 bytes", NAN, -1, "", ""},
        {"Acute infarction (localization): infero-latera", NAN, -1, "", ""},
        {"<age", NAN, -1, "", ""},
        {"<>:<>:<", NAN, -1, "", ""},
        {"::::", NAN, -1, "", ""},
        {"", NAN, -1, "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        ein_ecg_person p;
        memset(&p, 0, sizeof p);
        p.age_years = NAN;
        p.sex = EIN_SEX_UNKNOWN;
        ein_wfdb_comment(cases[i].comment, &p);
        bool age = isnan(cases[i].age) ? isnan(p.age_years) : p.age_years == cases[i].age;
        report(age && (int)p.sex == cases[i].sex && strcmp(p.patient_id, cases[i].id) == 0 &&
                   strcmp(p.dx, cases[i].dx) == 0,
               "comment \"%s\"", cases[i].comment);
    }
    ein_ecg_person p;
    char longer[3000] = "Dx: ";
    memset(&p, 0, sizeof p);
    for (int i = 0; i < 200; ++i) strcat(longer, "426177001,");
    ein_wfdb_comment(longer, &p);
    size_t n = strlen(p.dx);
    report(n > 900 && n < EIN_ECG_DX_BYTES && (n + 1) % 10 == 0,
           "a long list of codes is cut between two codes (%zu)", n);
}

/* --- what is refused ----------------------------------------------------------------------------------- */

/* Every header here must give an error of its kind, with the file in the message, and an empty recording. */
static void check_bad_headers(void) {
    static const struct {
        const char *what, *text;
        ein_status status;
    } cases[] = {
        {"empty file", "", EIN_FORMAT},
        {"only comments", "# hello\n#\n\n", EIN_FORMAT},
        {"record name only", "bad\n", EIN_FORMAT},
        {"signals not a number", "bad two 500 5\nbad.dat 16\n", EIN_FORMAT},
        {"signals with a tail", "bad 1x 500 5\nbad.dat 16\n", EIN_FORMAT},
        {"negative signals", "bad -1 500 5\n", EIN_FORMAT},
        {"no signals", "bad 0 500 5\n", EIN_FORMAT},
        {"65 signals", "bad 65 500 5\n", EIN_FORMAT},
        {"billions of signals", "bad 99999999999999999999 500 5\n", EIN_FORMAT},
        {"2^31 signals", "bad 2147483647 500 5\n", EIN_FORMAT},
        {"multi-segment", "bad/2 12 500 2000\nseg1 1000\nseg2 1000\n", EIN_NOTFOUND},
        {"segments not a number", "bad/x 12 500 2000\n", EIN_FORMAT},
        {"layout", "bad_layout 1 500 0\n~ 0 200/mV 12 0 0 0 0 I\n", EIN_FORMAT},
        {"rate not a number", "bad 1 fast 5\nbad.dat 16\n", EIN_FORMAT},
        {"rate zero", "bad 1 0 5\nbad.dat 16\n", EIN_FORMAT},
        {"rate negative", "bad 1 -500 5\nbad.dat 16\n", EIN_FORMAT},
        {"rate NaN", "bad 1 nan 5\nbad.dat 16\n", EIN_FORMAT},
        {"rate infinite", "bad 1 inf 5\nbad.dat 16\n", EIN_FORMAT},
        {"rate 1e300", "bad 1 1e300 5\nbad.dat 16\n", EIN_FORMAT},
        {"rate hexadecimal", "bad 1 0x100 5\nbad.dat 16\n", EIN_FORMAT},
        {"counter not a number", "bad 1 500/x 5\nbad.dat 16\n", EIN_FORMAT},
        {"counter base not closed", "bad 1 500/5(3 5\nbad.dat 16\n", EIN_FORMAT},
        {"samples negative", "bad 1 500 -5\nbad.dat 16\n", EIN_FORMAT},
        {"samples not a number", "bad 1 500 many\nbad.dat 16\n", EIN_FORMAT},
        {"samples beyond 64 bits", "bad 1 500 99999999999999999999\nbad.dat 16\n", EIN_FORMAT},
        {"samples beyond our bound", "bad 1 500 400000001\nbad.dat 16\n", EIN_FORMAT},
        {"a hundred GB promised", "bad 1 500 400000000\nbad.dat 16 200/mV\n", EIN_CORRUPT},
        {"too few signal lines", "bad 2 500 5\nbad.dat 16\n", EIN_FORMAT},
        {"too many signal lines", "bad 1 500 5\nbad.dat 16\nbad.dat 16\n", EIN_FORMAT},
        {"no format", "bad 1 500 5\nbad.dat\n", EIN_FORMAT},
        {"format not a number", "bad 1 500 5\nbad.dat sixteen\n", EIN_FORMAT},
        {"format unknown", "bad 1 500 5\nbad.dat 17\n", EIN_OTHER},
        {"format 0", "bad 1 500 5\nbad.dat 0\n", EIN_OTHER},
        {"format of no kind", "bad 1 500 5\nbad.dat 517\n", EIN_OTHER},
        {"format negative", "bad 1 500 5\nbad.dat -16\n", EIN_FORMAT},
        {"samples per frame 0", "bad 1 500 5\nbad.dat 16x0\n", EIN_FORMAT},
        {"samples per frame huge", "bad 1 500 5\nbad.dat 16x1000000000\n", EIN_FORMAT},
        {"samples per frame missing", "bad 1 500 5\nbad.dat 16x\n", EIN_FORMAT},
        {"frame too long",
         "bad 8 500 5\nbad.dat 16x10000\nbad.dat 16x10000\nbad.dat 16x10000\nbad.dat 16x10000\n"
         "bad.dat 16x10000\nbad.dat 16x10000\nbad.dat 16x10000\nbad.dat 16x10000\n",
         EIN_FORMAT},
        {"skew negative", "bad 1 500 5\nbad.dat 16:-1\n", EIN_FORMAT},
        {"skew huge", "bad 1 500 5\nbad.dat 16:99999999\n", EIN_FORMAT},
        {"offset negative", "bad 1 500 5\nbad.dat 16+-24\n", EIN_FORMAT},
        {"offset beyond the file", "bad 1 500 5\nbad.dat 16+1000000\n", EIN_CORRUPT},
        {"offset huge", "bad 1 500 5\nbad.dat 16+99999999999999\n", EIN_FORMAT},
        {"format with nonsense", "bad 1 500 5\nbad.dat 16y3\n", EIN_FORMAT},
        {"gain not a number", "bad 1 500 5\nbad.dat 16 big\n", EIN_FORMAT},
        {"gain NaN", "bad 1 500 5\nbad.dat 16 nan/mV\n", EIN_FORMAT},
        {"gain 1e-300", "bad 1 500 5\nbad.dat 16 1e-300/mV\n", EIN_FORMAT},
        {"gain 1e300", "bad 1 500 5\nbad.dat 16 1e300/mV\n", EIN_FORMAT},
        {"baseline not closed", "bad 1 500 5\nbad.dat 16 200(5/mV\n", EIN_FORMAT},
        {"baseline not a number", "bad 1 500 5\nbad.dat 16 200(x)/mV\n", EIN_FORMAT},
        {"baseline 1e300", "bad 1 500 5\nbad.dat 16 200(1e300)/mV\n", EIN_FORMAT},
        {"units empty", "bad 1 500 5\nbad.dat 16 200/\n", EIN_FORMAT},
        {"units endless", "bad 1 500 5\nbad.dat 16 200/mmmmmmmmmmmmmmmmmmmmmmmmmmmmmm\n", EIN_FORMAT},
        {"units twice", "bad 1 500 5\nbad.dat 16 200/mV(3)/mV\n", EIN_FORMAT},
        {"resolution not a number", "bad 1 500 5\nbad.dat 16 200/mV 16bit\n", EIN_FORMAT},
        {"zero not a number", "bad 1 500 5\nbad.dat 16 200/mV 16 zero\n", EIN_FORMAT},
        {"initial value beyond bounds", "bad 1 500 5\nbad.dat 16 200/mV 16 0 9999999999999999\n", EIN_FORMAT},
        {"checksum not a number", "bad 1 500 5\nbad.dat 16 200/mV 16 0 0 0x12\n", EIN_FORMAT},
        {"file above the folder", "bad 1 500 5\n../bad.dat 16\n", EIN_FORMAT},
        {"file with an absolute path", "bad 1 500 5\n/etc/passwd 16\n", EIN_FORMAT},
        {"file in a folder below", "bad 1 500 5\nsub/bad.dat 16\n", EIN_FORMAT},
        {"file is the folder", "bad 1 500 5\n. 16\n", EIN_FORMAT},
        {"file is the folder above", "bad 1 500 5\n.. 16\n", EIN_FORMAT},
        {"file is standard input", "bad 1 500 5\n- 16\n", EIN_FORMAT},
        {"file with a backslash", "bad 1 500 5\n..\\bad.dat 16\n", EIN_FORMAT},
        {"file does not exist", "bad 1 500 5\nnone.dat 16\n", EIN_NOTFOUND},
        {"file is a folder", "bad 1 500 5\nsub 16\n", EIN_FORMAT},
        {"file is a pipe", "bad 1 500 5\npipe.dat 16\n", EIN_FORMAT},
        {"file is empty", "bad 1 500 5\nempty.dat 16\n", EIN_CORRUPT},
        {"link out of the folder", "bad 1 500 5\noutside.dat 16\n", EIN_FORMAT},
        {"link in a circle", "bad 1 500 5\ncircle.dat 16\n", EIN_IO},
        {"link to nowhere", "bad 1 500 5\nbroken.dat 16\n", EIN_NOTFOUND},
        {"one format each in one file", "bad 2 500 5\nbad.dat 16\nbad.dat 212\n", EIN_FORMAT},
        {"one offset each in one file", "bad 2 500 5\nbad.dat 16\nbad.dat 16+2\n", EIN_FORMAT},
        {"one file in two places", "bad 3 500 5\nbad.dat 16\nother.dat 16\nbad.dat 16\n", EIN_FORMAT},
        {"nothing in volts", "bad 1 500 5\nbad.dat 16 200/mmHg\n", EIN_OTHER},
        {"leads of two rates",
         "bad 2 500 2\nbad.dat 16x2 200/mV 16 0 0 0 0 II\nbad.dat 16 200/mV 16 0 0 0 0 V1\n", EIN_FORMAT},
    };
    put_ramp("bad.dat", 10, 0, 0);
    put_ramp("other.dat", 10, 0, 0);
    put("empty.dat", "", 0);
    mkdir(in_folder("sub"), 0777);
    if (mkfifo(in_folder("pipe.dat"), 0600) != 0 || symlink("/etc/passwd", in_folder("outside.dat")) != 0 ||
        symlink("circle.dat", in_folder("circle.dat")) != 0 ||
        symlink("nowhere", in_folder("broken.dat")) != 0)
        abort();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        ein_ecg ecg;
        memset(&ecg, 0xff, sizeof ecg);
        put_text("bad.hea", cases[i].text);
        ein_status status = read_record("bad.hea", &ecg);
        report(status == cases[i].status && strstr(ein_error_message(), folder) && !ecg.mv &&
                   ecg.n_leads == 0,
               "%s: %s", cases[i].what, status == EIN_OK ? "(read)" : message());
        if (status == EIN_OK) ein_ecg_free(&ecg);
    }
    ein_ecg ecg;
    put("bad.hea", "bad 1 500 5\0\nbad.dat 16\n", 24);
    report(read_record("bad.hea", &ecg) == EIN_FORMAT, "a NUL byte: %s", message());
    char *huge = malloc((1 << 20) + 2);
    if (!huge) abort();
    memset(huge, '#', (1 << 20) + 2);
    put("bad.hea", huge, (1 << 20) + 1);
    report(read_record("bad.hea", &ecg) == EIN_FORMAT, "a header of more than 1 MiB: %s", message());
    memset(huge, 'a', 600);
    strcpy(huge + 600, ".dat 16\n");
    char text[1024];
    snprintf(text, sizeof text, "bad 1 500 5\n%s", huge);
    free(huge);
    put_text("bad.hea", text);
    report(read_record("bad.hea", &ecg) == EIN_FORMAT, "a very long file name: %s", message());
    put_text("bad.hea", "bad 1 500 5\nbad.dat \x1b[2J\n");
    report(read_record("bad.hea", &ecg) == EIN_FORMAT && !strchr(ein_error_message(), '\x1b'),
           "a message does not repeat control bytes: %s", message());
    report(read_record("none.hea", &ecg) == EIN_NOTFOUND && read_record("sub", &ecg) == EIN_IO,
           "a header that is not there, or is a folder");
}

/* --- samples ------------------------------------------------------------------------------------------- */

static bool ramp_is(const ein_ecg *ecg, int lead, int64_t from, int64_t to, double first, double step) {
    for (int64_t t = from; t < to; ++t)
        if (ecg->mv[lead * ecg->n_samples + t] != (float)((first + step * (double)t) / 200)) return false;
    return true;
}

static bool nan_is(const ein_ecg *ecg, int lead, int64_t from, int64_t to) {
    for (int64_t t = from; t < to; ++t)
        if (!isnan(ecg->mv[lead * ecg->n_samples + t])) return false;
    return true;
}

static void check_checksum(void) {
    ein_ecg ecg;
    put_ramp("sum.dat", 200, -50, 0); /* two signals: sums of -50, -48, ... and -49, -47, ... */
    put_text("sum.hea",
             "sum 2 100 100\nsum.dat 16 200/mV 16 0 -50 4900 0 I\nsum.dat 16 200/mV 16 0 -49 5000 0 II\n");
    bool ok = read_record("sum.hea", &ecg) == EIN_OK;
    report(ok && ecg.notes == 0 && ramp_is(&ecg, 0, 0, 100, -50, 2) && ramp_is(&ecg, 1, 0, 100, -49, 2),
           "two signals alternate in a file, checksums right");
    ein_ecg_free(&ecg);
    put_text("sum.hea",
             "sum 2 100 100\nsum.dat 16 200/mV 16 0 -50 70436 0 I\nsum.dat 16 200/mV 16 0 -49 -60536 0 II\n");
    report(read_record("sum.hea", &ecg) == EIN_OK && ecg.notes == 0, "checksums count modulo 65536");
    ein_ecg_free(&ecg);
    put_text("sum.hea",
             "sum 2 100 100\nsum.dat 16 200/mV 16 0 -50 4900 0 I\nsum.dat 16 200/mV 16 0 -49 5001 0 II\n");
    report(read_record("sum.hea", &ecg) == EIN_OK && ecg.notes == EIN_NOTE_CHECKSUM &&
               ecg.lead_notes[0] == 0 && ecg.lead_notes[1] == EIN_NOTE_CHECKSUM,
           "a wrong checksum is noted for its lead, the samples are there");
    ein_ecg_free(&ecg);
    put_text("sum.hea", "sum 2 100 100\nsum.dat 16 200/mV\nsum.dat 16 0/mV\n");
    report(read_record("sum.hea", &ecg) == EIN_OK && ecg.lead_notes[0] == EIN_NOTE_NO_CHECKSUM &&
               ecg.lead_notes[1] == (EIN_NOTE_NO_CHECKSUM | EIN_NOTE_GAIN_SUSPECT),
           "a missing checksum and an uncalibrated gain are noted");
    ein_ecg_free(&ecg);
    put_text("sum.hea", "sum 2 100\nsum.dat 16 200/mV 16 0 -50 1 0 I\nsum.dat 16 200/mV 16 0 -49 1 0 II\n");
    report(read_record("sum.hea", &ecg) == EIN_OK && ecg.notes == EIN_NOTE_NO_CHECKSUM &&
               ecg.n_samples == 100,
           "without a stated length the file gives it, and there is no checksum");
    ein_ecg_free(&ecg);
    put_text("sum.hea",
             "sum 2 100 50\nsum.dat 16 200/mV 16 0 -50 -50 0 I\nsum.dat 16 200/mV 16 0 -49 0 0 II\n");
    report(read_record("sum.hea", &ecg) == EIN_OK && ecg.notes == 0 && ecg.n_samples == 50,
           "a file longer than stated is read as far as stated");
    ein_ecg_free(&ecg);
}

static void check_truncation(void) {
    ein_ecg ecg;
    put_ramp("short.dat", 61, 0, 0); /* 30 whole frames of 2, and half a frame */
    put_text("short.hea",
             "short 2 100 100\nshort.dat 16 200/mV 16 0 0 0 0 I\nshort.dat 16 200/mV 16 0 0 0 0 II\n");
    bool ok = read_record("short.hea", &ecg) == EIN_OK;
    report(ok && ecg.n_samples == 100 && ecg.notes == EIN_NOTE_TRUNCATED && ramp_is(&ecg, 0, 0, 30, 0, 2) &&
               nan_is(&ecg, 0, 30, 100) && nan_is(&ecg, 1, 30, 100),
           "a file that is cut: what is there is read, the rest is NaN, noted");
    ein_ecg_free(&ecg);
    put_ramp("whole.dat", 100, 0, 0);
    put_text("short.hea",
             "short 2 100 100\nshort.dat 16 200/mV 16 0 0 0 0 I\nwhole.dat 16 200/mV 16 0 0 4950 0 II\n");
    ok = read_record("short.hea", &ecg) == EIN_OK;
    report(ok && ecg.lead_notes[0] == EIN_NOTE_TRUNCATED && ecg.lead_notes[1] == 0 &&
               nan_is(&ecg, 0, 61, 100) && ramp_is(&ecg, 0, 0, 61, 0, 1) && ramp_is(&ecg, 1, 0, 100, 0, 1),
           "of two files one is cut: only its lead is noted");
    ein_ecg_free(&ecg);
    put_text("short.hea",
             "short 2 100 100\nempty.dat 16 200/mV 16 0 0 0 0 I\nwhole.dat 16 200/mV 16 0 0 4950 0 II\n");
    ok = read_record("short.hea", &ecg) == EIN_OK;
    report(ok && ecg.lead_notes[0] == EIN_NOTE_TRUNCATED && nan_is(&ecg, 0, 0, 100) && ecg.lead_notes[1] == 0,
           "of two files one is empty");
    ein_ecg_free(&ecg);
    put_text("short.hea", "short 1 100 1000000\nwhole.dat 16 200/mV 16 0 0 4950 0 II\n");
    report(read_record("short.hea", &ecg) == EIN_OK && ecg.notes == EIN_NOTE_TRUNCATED &&
               nan_is(&ecg, 0, 100, 1000000),
           "a moderate promise is believed");
    ein_ecg_free(&ecg);
    put_text("short.hea", "short 1 100 2000000\nwhole.dat 16 200/mV 16 0 0 4950 0 II\n");
    report(read_record("short.hea", &ecg) == EIN_CORRUPT && strstr(ein_error_message(), "2000000") &&
               strstr(ein_error_message(), "hold 100"),
           "a large one is not: %s", message());
}

static void check_skew(void) {
    ein_ecg ecg;
    put_ramp("skew.dat", 200, 0, 0);
    put_text("skew.hea",
             "skew 2 100 100\nskew.dat 16 200/mV 16 0 0 9900 0 I\nskew.dat 16:3 200/mV 16 0 1 10000 0 II\n");
    bool ok = read_record("skew.hea", &ecg) == EIN_OK;
    report(ok && ecg.notes == 0 && ramp_is(&ecg, 0, 0, 100, 0, 2) && ramp_is(&ecg, 1, 0, 97, 7, 2) &&
               nan_is(&ecg, 1, 97, 100),
           "a signal that lags starts later in the file; hidden samples count in the checksum");
    ein_ecg_free(&ecg);
    put_text("skew.hea",
             "skew 2 100 90\nskew.dat 16 200/mV 16 0 0 8010 0 I\nskew.dat 16:3 200/mV 16 0 1 8100 0 II\n");
    ok = read_record("skew.hea", &ecg) == EIN_OK;
    report(ok && ecg.notes == 0 && ramp_is(&ecg, 1, 0, 90, 7, 2),
           "frames beyond the stated length complete it");
    ein_ecg_free(&ecg);
    put_text(
        "skew.hea",
        "skew 2 100 100\nskew.dat 16 200/mV 16 0 0 9900 0 I\nskew.dat 16:500 200/mV 16 0 1 10000 0 II\n");
    report(read_record("skew.hea", &ecg) == EIN_OK && nan_is(&ecg, 1, 0, 100),
           "a skew beyond the file leaves nothing");
    ein_ecg_free(&ecg);
}

static void check_rates(void) {
    ein_ecg ecg;
    put_ramp("rate.dat", 300, 0, 0); /* frames of 4 + 1 + 1 samples: 50 */
    put_text("rate.hea",
             "rate 3 125 50\nrate.dat 16x4 200/mV 16 0 0 0 0 II\nrate.dat 16 200/mmHg 16 0 0 0 0 ABP\n"
             "rate.dat 16 200/mV 16 0 0 0 0 RESP\n");
    bool ok = read_record("rate.hea", &ecg) == EIN_OK && ecg.n_leads == 1 && ecg.n_samples == 200 &&
              ecg.fs_hz == 500;
    for (int t = 0; ok && t < 200; ++t) ok = ecg.mv[t] == (float)((6 * (t / 4) + t % 4) / 200.0);
    report(ok, "four samples a frame: the lead has its own rate, slower and other signals are left out");
    ein_ecg_free(&ecg);
}

static void check_units_and_gain(void) {
    ein_ecg ecg;
    put_ramp("unit.dat", 8, 100, 0);
    put_text("unit.hea", "unit 4 100 2\nunit.dat 16 2(10)/uV 16 0 0 0 0 a\nunit.dat 16 1e6/V 16 0 0 0 0 b\n"
                         "unit.dat 16 -200/mV 16 50 0 0 0 c\nunit.dat 16 5/mV 16 0 0 0 0 d\n");
    bool ok = read_record("unit.hea", &ecg) == EIN_OK;
    report(ok && ecg.mv[0] == (float)(45 * 1e-3) && ecg.mv[2] == (float)(101 / 1e6 * 1000) &&
               ecg.mv[4] == (float)(52 / -200.0) && ecg.mv[7] == (float)(107 / 5.0),
           "uV, V, an inverting gain, a baseline from the ADC's zero: mV");
    ein_ecg_free(&ecg);
}

static void check_mat(void) {
    ein_ecg ecg;
    unsigned char b[24 + 24] = {30, 0, 0, 0, 2, 0, 0, 0, 6,   0,   0,   0,
                                0,  0, 0, 0, 4, 0, 0, 0, 'v', 'a', 'l', 0};
    for (int i = 0; i < 12; ++i) b[24 + 2 * i] = (unsigned char)i;
    put("m.mat", b, sizeof b);
    put_text("m.hea", "m.mat 2 500 6 05-May-2020 14:50:55\nm.mat 16x1+24 200/mV 16 0 0 30 0 I\n"
                      "m.mat 16x1+24 200/mV 16 0 1 36 0 II\n#Age: 63\n#Sex: Male\n#Dx: 426783006\n");
    bool ok = read_record("m.hea", &ecg) == EIN_OK;
    report(ok && ecg.notes == 0 && ramp_is(&ecg, 0, 0, 6, 0, 2) && ramp_is(&ecg, 1, 0, 6, 1, 2) &&
               strcmp(ecg.person.record_id, "m") == 0 && ecg.person.age_years == 63 &&
               ecg.person.sex == EIN_SEX_MALE && strcmp(ecg.person.dx, "426783006") == 0,
           "a CinC .mat file");
    ein_ecg_free(&ecg);
    b[4] = 3;
    put("m.mat", b, sizeof b);
    report(read_record("m.hea", &ecg) == EIN_FORMAT, "with another number of rows: %s", message());
    b[4] = 2, b[0] = 50;
    put("m.mat", b, sizeof b);
    report(read_record("m.hea", &ecg) == EIN_FORMAT, "with another type: %s", message());
    memcpy(b, "MATLAB 5.0 MAT-file", 19);
    put("m.mat", b, sizeof b);
    report(read_record("m.hea", &ecg) == EIN_FORMAT, "of level 5: %s", message());
}

/* Blocks must join without a seam: a record of many blocks against the same values computed. */
static void check_long(void) {
    enum { SIGNALS = 3, FRAMES = 100001 };
    unsigned char *b = malloc(3 * SIGNALS * FRAMES / 2 + 8);
    ein_ecg ecg;
    if (!b) abort();
    int n = SIGNALS * FRAMES;
    for (int i = 0; i < n; i += 2) {
        unsigned v = (unsigned)(i * 7 % 4000 - 2000), w = (unsigned)((i + 1) * 7 % 4000 - 2000);
        b[3 * i / 2] = (unsigned char)v;
        b[3 * i / 2 + 1] = (unsigned char)((v >> 8 & 15) | (w >> 8 & 15) << 4);
        b[3 * i / 2 + 2] = (unsigned char)w;
    }
    put("long.dat", b, (size_t)(3 * n / 2 + 1));
    free(b);
    put_text("long.hea",
             "long 3 250 100001\nlong.dat 212 200/mV\nlong.dat 212 200/mV\nlong.dat 212 200/mV\n");
    bool ok = read_record("long.hea", &ecg) == EIN_OK && !(ecg.notes & EIN_NOTE_TRUNCATED);
    for (int lead = 0; ok && lead < SIGNALS; ++lead)
        for (int t = 0; ok && t < FRAMES; ++t)
            ok = ecg.mv[lead * FRAMES + t] == (float)(((t * SIGNALS + lead) * 7 % 4000 - 2000) / 200.0);
    report(ok, "a long record in format 212, an odd number of samples, has no seams");
    ein_ecg_free(&ecg);
}

static void check_links(void) {
    ein_ecg ecg;
    put_ramp("real.dat", 10, 0, 0);
    if (symlink("real.dat", in_folder("link.dat")) != 0) abort();
    put_text("link.hea", "link 1 100 10\nlink.dat 16 200/mV 16 0 0 45 0 I\n");
    report(read_record("link.hea", &ecg) == EIN_OK && ecg.notes == 0, "a link within the folder is followed");
    ein_ecg_free(&ecg);
    put_text("twice.hea",
             "twice 2 100 5\nreal.dat 16 200/mV 16 0 0 20 0 II\nreal.dat 16 200/mV 16 0 1 25 0 II\n");
    report(read_record("twice.hea", &ecg) == EIN_OK && ecg.n_leads == 2 &&
               ein_ecg_find_lead(&ecg, EIN_LEAD_II) == 0,
           "of two signals of one name the first is found");
    ein_ecg_free(&ecg);
}

static int folders_listed;

/* In place of the C library's. */
DIR *opendir(const char *path) {
    (void)path;
    folders_listed++;
    errno = EMFILE;
    return NULL;
}

/* Signal files in other capitals than the header has. */
static void check_capitals(void) {
    static const struct {
        const char *header, *named, *there, *second; /* second: another file that is there, or NULL */
        bool found;
    } cases[] = {{"ca.hea", "ca.dat", "CA.DAT", NULL, true}, {"cb.hea", "cb.dat", "cb.DAT", NULL, true},
                 {"cc.hea", "CC.DAT", "cc.dat", NULL, true}, {"cd.hea", "CD.dat", "cd.dat", NULL, true},
                 {"Ce.hea", "CE.DAT", "Ce.dat", NULL, true}, {"cf.hea", "cf.dat", "CF.DAT", "cf.DAT", false},
                 {"1.hea", "1.dat", "1.DAT", NULL, true},    {"cg.hea", "cg.dat", "ch.dat", NULL, false},
                 {"ci.hea", "ci", "CI", NULL, true},         {"cj.hea", "cj.d.x", "CJ.D.x", NULL, true},
                 {"ck.hea", "long_name", "ck", NULL, false}, {"cl.hea", "cl.dat", "cl.dat", "CL.DAT", true}};
    folders_listed = 0; /* those of libraries do not count */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        char text[128];
        ein_ecg ecg;
        snprintf(text, sizeof text, "c 1 100 10\n%s 16 200/mV 16 0 0 45 0 I\n", cases[i].named);
        put_text(cases[i].header, text);
        put_ramp(cases[i].there, 10, 0, 0);
        if (cases[i].second) put_ramp(cases[i].second, 10, 0, 0);
        const ein_status status = read_record(cases[i].header, &ecg);
        report(status == (cases[i].found ? EIN_OK : EIN_NOTFOUND), "%s names %s, and %s is there: %s",
               cases[i].header, cases[i].named, cases[i].there, ein_status_name(status));
        if (status != EIN_OK) /* in the words of the header */
            report(strstr(message(), cases[i].named) != NULL, "%s", message());
        ein_ecg_free(&ecg);
    }
    report(folders_listed == 0, "no folder is listed for a file that is missing: %d were", folders_listed);
}

int main(void) {
    if (!mkdtemp(folder) || sodium_init() < 0) abort();
    check_formats();
    check_missing_marks();
    check_sizes();
    check_fields();
    check_units();
    check_person();
    check_bad_headers();
    check_checksum();
    check_truncation();
    check_skew();
    check_rates();
    check_units_and_gain();
    check_mat();
    check_long();
    check_links();
    check_capitals();
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0) printf("# %s was left behind\n", folder);
    return report_end();
}
