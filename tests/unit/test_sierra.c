/* Philips Sierra XML: made-up files, each with one property that must be met, refused or flagged. */
#include "io/base/base64.h"
#include "tests/ecg_file.h"

enum { N = 12, BYTES = 1 << 18, PULSE = 400 };
static uint8_t packed[BYTES];
static size_t n_packed;
static char text[4 * BYTES];

/* --- packing ------------------------------------------------------------------------------------------------- */

static int bits_left;
static void put_code(int code) {
    for (int b = 9; b >= 0; b--) {
        if (bits_left == 0) packed[n_packed++] = 0, bits_left = 8;
        packed[n_packed - 1] |= (uint8_t)((code >> b & 1) << --bits_left);
    }
}

/* LZW as the format has it; a search by brute force does for tests. */
static void put_lzw(const uint8_t *bytes, int n) {
    static int prefix[1024], last[1024];
    int next = 256, at = -1;
    bits_left = 0;
    for (int i = 0; i < n; i++) {
        int code = at < 0 ? bytes[i] : 256;
        if (at >= 0)
            while (code < next && (prefix[code] != at || last[code] != bytes[i])) code++;
        if (code < next) {
            at = code;
            continue;
        }
        put_code(at);
        if (next < 1023) prefix[next] = at, last[next++] = bytes[i];
        at = bytes[i];
    }
    put_code(at);
}

static void put_lead(const int *x, int n) {
    static uint8_t bytes[BYTES];
    const size_t head = n_packed;
    n_packed += 8;
    memset(packed + head, 0, 8);
    /* x[t] = 2 x[t-1] - x[t-2] - e[t]; d[t] = e[t+1] + 64, e[2] in the header; d[n-1] is not used */
    for (int t = 0; t < n; t++) {
        int d = t < 2 ? x[t] : t + 1 < n ? 2 * x[t] - x[t - 1] - x[t + 1] + 64 : 64;
        bytes[t] = (uint8_t)((unsigned)d >> 8);
        bytes[n + t] = (uint8_t)d;
    }
    put_lzw(bytes, 2 * n);
    const int start = n > 2 ? 2 * x[1] - x[0] - x[2] : 0;
    const size_t size = n_packed - head - 8;
    for (int i = 0; i < 4; i++) packed[head + (size_t)i] = (uint8_t)(size >> (8 * i));
    packed[head + 6] = (uint8_t)start;
    packed[head + 7] = (uint8_t)((unsigned)start >> 8);
}

/* --- files --------------------------------------------------------------------------------------------------- */

static const char usual_wave[] =
    "dataencoding='Base64' compression='XLI' leadlabels='I V1' numberofleads='2'";
static const char usual_signal[] =
    "<samplingrate>500</samplingrate><resolution>5</resolution><hipass>0.05</hipass>"
    "<lowpass>150</lowpass>";

static void put(const char *version, const char *wave, const char *signal, int n) {
    static char base64[2 * BYTES];
    ein_base64_encode(packed, n_packed, base64);
    snprintf(
        text, sizeof text,
        "<?xml version='1.0'?>\n<restingecgdata><documentinfo><documenttype>PhilipsECG</documenttype>"
        "<documentversion>%s</documentversion></documentinfo>\n<dataacquisition date='2020-05-18' time='15:48:11'>"
        "<machine detaildescription='A.07'>PageWriter</machine><signalcharacteristics>%s</signalcharacteristics>"
        "</dataacquisition><patient><generalpatientdata><patientid>p1</patientid><age defaultage='50'>"
        "<dateofbirth>1951-06-01</dateofbirth></age><sex>Female</sex></generalpatientdata></patient>"
        "<interpretations><interpretation><statement><statementcode>SR</statementcode><leftstatement>Sinus, rhythm"
        "</leftstatement></statement></interpretation></interpretations>"
        "<waveforms><parsedwaveforms %s durationperchannel='%d'>%s</parsedwaveforms><repbeats/></waveforms>"
        "</restingecgdata>",
        version, signal, wave, 2 * n, base64);
    put_text(text);
}

static const int one[N] = {5, -3, 3000, -3000, 0, 0, 1, 2, 700, -700, 9, 9},
                 two[N] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

static void put_two(void) {
    n_packed = 0;
    put_lead(one, N);
    put_lead(two, N);
}

static void widen(const int *x, int n, double *out) {
    for (int t = 0; t < n; t++) out[t] = x[t];
}

static void check_samples(void) {
    double want[N];
    ein_ecg ecg;
    put_two();
    put("1.04.01", usual_wave, usual_signal, N);
    if (!report(open_ecg(&ecg), "two leads in XLI")) return;
    widen(one, N, want);
    report(ecg.fs_hz == 500 && ecg.n_leads == 2 && holds(&ecg, "I", want, N, 0.005), "rate, samples");
    widen(two, N, want);
    report(holds(&ecg, "V1", want, N, 0.005), "of both leads");
    report(strcmp(ecg.person.patient_id, "p1") == 0 && ecg.person.age_years == 68 &&
               ecg.person.sex == EIN_SEX_FEMALE && strcmp(ecg.person.acquired, "2020-05-18T15:48:11") == 0 &&
               strcmp(ecg.person.dx, "Sinus; rhythm") == 0,
           "the person: %s %g %s %s", ecg.person.patient_id, ecg.person.age_years, ecg.person.acquired,
           ecg.person.dx);
    report(strcmp(ecg.person.device, "Philips PageWriter A.07; 0.05-150 Hz") == 0, "device and filters: %s",
           ecg.person.device);
    ein_ecg_free(&ecg);
    static int noise[5000];
    static double wide[5000];
    unsigned state = 1;
    for (int t = 0; t < 5000; t++) noise[t] = (int)((state = state * 1103515245u + 12345u) >> 23) % 97 - 48;
    widen(noise, 5000, wide);
    n_packed = 0;
    put_lead(noise, 5000);
    put("1.04", "dataencoding='Base64' compression='XLI' leadlabels='V2'", usual_signal, 5000);
    report(open_ecg(&ecg) && holds(&ecg, "V2", wide, 5000, 0.005), "more strings than the table holds");
    ein_ecg_free(&ecg);
    for (int t = 0; t < 5000; t++) noise[t] = 3;
    widen(noise, 5000, wide);
    n_packed = 0;
    put_lead(noise, 5000);
    put("1.04", "dataencoding='Base64' compression='XLI' leadlabels='V2'", usual_signal, 5000);
    report(open_ecg(&ecg) && holds(&ecg, "V2", wide, 5000, 0.005), "a string that is used as it is made");
    ein_ecg_free(&ecg);
}

static int down(int x) {
    return x < 0 ? -((-x + 1) / 2) : x / 2;
}

static void check_limb_leads(void) {
    static const char wave[] = "dataencoding='Base64' compressflag='True' compressmethod='XLI'";
    static const char signal[] =
        "<samplingrate>500</samplingrate><signalresolution>5</signalresolution>"
        "<acquisitiontype>STD-12</acquisitiontype><numberchannelsallocated>6</numberchannelsallocated>";
    int x[6][N], stored[6][N];
    double want[N];
    ein_ecg ecg;
    for (int t = 0; t < N; t++) {
        const int i = 7 * t - 30, ii = 40 - 9 * t, iii = ii - i + t % 3 - 1;
        const int all[6] = {i, ii, iii, -down(i + ii) + 1, down(i - iii) - 2, down(ii + iii) + t % 2};
        for (int l = 0; l < 6; l++) x[l][t] = all[l];
        const int left[6] = {
            i, ii, ii - i - iii, -all[3] - down(i + ii), down(i - iii) - all[4], down(ii + iii) - all[5]};
        for (int l = 0; l < 6; l++) stored[l][t] = left[l];
    }
    n_packed = 0;
    for (int l = 0; l < 6; l++) put_lead(stored[l], N);
    put("1.03", wave, signal, N);
    if (!report(open_ecg(&ecg), "a document of 1.03, without names of leads")) return;
    for (int l = 0; l < 6; l++) {
        widen(x[l], N, want);
        report(holds(&ecg, ein_lead_name((ein_lead)l), want, N, 0.005), "%s of what rounding left",
               ecg.lead_name[l]);
    }
    ein_ecg_free(&ecg);
}

static void check_pulse(void) {
    static int a[PULSE + N], b[PULSE + N];
    double want[N];
    ein_ecg ecg;
    memset(a, 0, sizeof a);
    memset(b, 0, sizeof b);
    for (int t = 0; t < N; t++) a[t] = 1 + t, b[t] = 2 * t;
    for (int t = N + 50; t < N + 150; t++) a[t] = b[t] = 200;
    n_packed = 0;
    put_lead(a, N + PULSE);
    put_lead(b, N + PULSE);
    put("1.04", usual_wave, usual_signal, N + PULSE);
    widen(a, N, want);
    report(open_ecg(&ecg) && holds(&ecg, "I", want, N, 0.005), "the calibration pulse is cut off");
    ein_ecg_free(&ecg);
    b[N + PULSE - 1] = 1;
    n_packed = 0;
    put_lead(a, N + PULSE);
    put_lead(b, N + PULSE);
    put("1.04", usual_wave, usual_signal, N + PULSE);
    report(open_ecg(&ecg) && ecg.n_samples == N + PULSE, "what is not the same in all leads is not");
    ein_ecg_free(&ecg);
}

static void check_plain(void) {
    ein_ecg ecg;
    n_packed = 0;
    for (int l = 0; l < 2; l++)
        for (int t = 0; t < N; t++)
            packed[n_packed++] = (uint8_t)(10 * l + t), packed[n_packed++] = (uint8_t)(t == 3 ? 0x80 : 0);
    put("1.04", "dataencoding='Base64' leadlabels='I V1' resolution='2' signaloffset='1'", usual_signal, N);
    double want[N];
    for (int t = 0; t < N; t++) want[t] = 10 + t - (t == 3 ? 32768 : 0) - 1;
    report(open_ecg(&ecg) && holds(&ecg, "V1", want, N, 0.002), "samples that are not compressed; an offset");
    ein_ecg_free(&ecg);
    put("1.04", "dataencoding='Base64' leadlabels='I V1'", usual_signal, N + 1);
    refused("fewer samples than stated", EIN_CORRUPT, "48 bytes hold fewer than 2 leads of 13 samples");
}

static void check_refused(void) {
    put_two();
    put("1.05", usual_wave, usual_signal, N);
    refused("another version", EIN_OTHER, "version \"1.05\"");
    put("1.04", usual_wave, usual_signal, N + 1);
    refused("a duration that is not held", EIN_CORRUPT, "lead I holds 12 samples, 13 are stated");
    put("1.04", usual_wave, "<samplingrate>500</samplingrate>", N);
    refused("no resolution", EIN_FORMAT, "<resolution>");
    put("1.04", "dataencoding='Base64' compression='XLI' leadlabels='I V1 V2'", usual_signal, N);
    refused("a lead too many", EIN_CORRUPT, "lead V2: XLI data end");
    put("1.04", "dataencoding='Base64' compression='XLI' leadlabels='I I'", usual_signal, N);
    refused("a lead that is there twice", EIN_FORMAT, "lead I is there twice");
    put("1.04", "dataencoding='Base64' compression='ZIP' leadlabels='I V1'", usual_signal, N);
    refused("another compression", EIN_OTHER, "compressed by \"ZIP\"");
    put("1.04", "dataencoding='Hex' compression='XLI' leadlabels='I V1'", usual_signal, N);
    refused("another encoding", EIN_FORMAT, "encoded as \"Hex\"");
    packed[8] = 0x80;
    put("1.04", usual_wave, usual_signal, N);
    refused("a code without meaning", EIN_CORRUPT, "a code that has no meaning yet");
    put_two();
    packed[2] = 1;
    put("1.04", usual_wave, usual_signal, N);
    refused("a size beyond the end", EIN_CORRUPT, "bytes are stated");
    put_text(
        "<restingecgdata><documentinfo><documenttype>SierraECG</documenttype><documentversion>1.03</documentversion>"
        "</documentinfo></restingecgdata>");
    refused("no signal", EIN_OTHER, "without <parsedwaveforms>");
}

int main(void) {
    ecg_file_begin("x.xml");
    check_samples();
    check_limb_leads();
    check_pulse();
    check_plain();
    check_refused();
    return ecg_file_end();
}
