/* EDF, EDF+ and BDF: made-up files, each with one property that must be met, refused or flagged. */
#include "tests/ecg_file.h"

enum { PER = 4, RECORDS = 3, BYTES = 1 << 14, NOTES = 16 };

typedef struct {
    const char *kind, *unit, *label,
        *range;            /* EDF+C ...; range: physical minimum and maximum, digital ones */
    int stated, other_per; /* records; samples of the second lead */
    const char *onset[RECORDS];
    bool bdf;
} edf;
static const edf usual = {
    "EDF+C", "uV", "ECG I", "-3276.8 3276.7 -32768 32767", RECORDS, PER, {"+0", "+0.01", "+0.02"}, false};

static uint8_t out[BYTES];
static size_t n_out;

static void text(const char *value, int width) {
    n_out += (size_t)snprintf((char *)out + n_out, BYTES - n_out, "%-*.*s", width, width, value);
}

static void number(int value, int width) {
    char digits[16];
    snprintf(digits, sizeof digits, "%d", value);
    text(digits, width);
}

static void all(const char *a, const char *b, const char *c, int width) {
    text(a, width), text(b, width), text(c, width);
}

static void sample(int value, bool bdf) {
    for (int i = 0; i < (bdf ? 3 : 2); i++) out[n_out++] = (uint8_t)((unsigned)value >> (8 * i));
}

static int value_of(int lead, int record, int t) {
    return lead == 0 ? 1000 * record + 10 * t - 5 : -(100 * record + t);
}

static void put(const edf *e) {
    char range[4][16];
    n_out = 0;
    if (sscanf(e->range, "%15s %15s %15s %15s", range[0], range[1], range[2], range[3]) != 4) abort();
    text(e->bdf ? "\xff"
                  "BIOSEMI"
                : "0",
         8);
    text("p_7 F 04-MAR-1961 Doe", 80);
    text("Startdate 22-NOV-2002 adm tech Cart_9", 80);
    text("22.11.02", 8), text("09.10.05", 8), number(256 * 4, 8), text(e->kind, 44), number(e->stated, 8),
        text("0.01", 8);
    number(3, 4);
    all(e->label, "V1", e->bdf ? "BDF Annotations" : "EDF Annotations", 16);
    all("", "", "", 80);
    all(e->unit, "mV", "", 8);
    all(range[0], "-1", "-1", 8);
    all(range[1], "1", "1", 8);
    all(range[2], "-1000", "-32768", 8);
    all(range[3], "1000", "32767", 8);
    all("HP:0.05Hz LP:150Hz N:50Hz", "", "", 80);
    number(PER, 8), number(e->other_per, 8), number(NOTES, 8);
    all("", "", "", 32);
    for (int r = 0; r < RECORDS; r++) {
        for (int t = 0; t < PER; t++) sample(value_of(0, r, t), e->bdf);
        for (int t = 0; t < e->other_per; t++) sample(value_of(1, r, t), e->bdf);
        char list[64] = "";
        snprintf(list, sizeof list, "%s\x14\x14", e->onset[r]);
        memset(out + n_out, 0, NOTES * 3);
        memcpy(out + n_out, list, strlen(list));
        n_out += (size_t)NOTES * (e->bdf ? 3 : 2);
    }
    put_bytes(out, n_out);
}

/* Samples of both leads, `gap` of them missing before the last record. */
static bool is_good(const ein_ecg *ecg, int gap) {
    double want[2][64];
    const int n = PER * RECORDS + gap;
    for (int lead = 0; lead < 2; lead++) {
        for (int t = 0; t < n; t++) want[lead][t] = NAN;
        for (int r = 0; r < RECORDS; r++)
            for (int t = 0; t < PER; t++) want[lead][PER * r + t + (r == 2 ? gap : 0)] = value_of(lead, r, t);
    }
    return ecg->n_leads == 2 && ecg->fs_hz == 400 && holds(ecg, "I", want[0], n, 1e-4) &&
           holds(ecg, "V1", want[1], n, 1e-3);
}

static void is_read(const char *what, const edf *e, int gap) {
    ein_ecg ecg;
    put(e);
    if (!report(open_ecg(&ecg), "%s", what)) return;
    report(is_good(&ecg, gap), "its samples");
    ein_ecg_free(&ecg);
}

static void check_read(void) {
    ein_ecg ecg;
    edf e = usual;
    is_read("EDF+C", &e, 0);
    e.kind = "", is_read("EDF", &e, 0);
    e = usual, e.kind = "EDF+D", e.onset[0] = "+5", e.onset[1] = "+5.01", e.onset[2] = "+5.05";
    is_read("EDF+D with a gap of 30 ms", &e, 12);
    e = usual, e.bdf = true, e.kind = "24BIT", is_read("BDF", &e, 0);
    e = usual, e.stated = -1, is_read("a number of records that is not known", &e, 0);
    e = usual, e.range = "3276.8 -3276.7 -32768 32767";
    put(&e);
    report(open_ecg(&ecg) && ecg.mv[2] == (float)-0.0015, "a range upside down");
    ein_ecg_free(&ecg);
    e = usual, e.range = "-5 5 -2048 2047", put(&e);
    report(open_ecg(&ecg) && fabs(ecg.mv[2] - (15 + 0.5) * 10 / 4095 * 1e-3) < 1e-9, "a zero between counts");
    ein_ecg_free(&ecg);
    put(&usual);
    if (!report(open_ecg(&ecg), "the person")) return;
    report(strcmp(ecg.person.patient_id, "p_7") == 0 && ecg.person.sex == EIN_SEX_FEMALE &&
               ecg.person.age_years == 41 && strcmp(ecg.person.acquired, "2002-11-22T09:10:05") == 0 &&
               strcmp(ecg.person.device, "Cart 9; 0.05-150 Hz, notch 50 Hz") == 0,
           "%s %g %s %s", ecg.person.patient_id, ecg.person.age_years, ecg.person.acquired,
           ecg.person.device);
    report(!strstr(ecg.person.dx, "Doe") && (ecg.notes & EIN_NOTE_NO_CHECKSUM), "no name, no checksum");
    ein_ecg_free(&ecg);
    e = usual, e.stated = RECORDS + 2, put(&e);
    report(open_ecg(&ecg) && ecg.n_samples == PER * (RECORDS + 2) && (ecg.notes & EIN_NOTE_TRUNCATED) &&
               isnan(ecg.mv[PER * RECORDS]),
           "records that are stated and not there are missing");
    ein_ecg_free(&ecg);
}

static void check_refused(void) {
    edf e = usual;
    e.unit = "mmHg", e.other_per = 0, put(&e);
    refused("no signal in volts", EIN_OTHER, "none of the 3 signals is an ECG in volts");
    e = usual, e.range = "0 0 -32768 32767", put(&e);
    refused("an empty range", EIN_FORMAT, "no scale");
    e = usual, e.range = "x 1 -32768 32767", put(&e);
    refused("a range that is no number", EIN_FORMAT, "physical minimum is \"x\"");
    e = usual, e.other_per = 2, put(&e);
    refused("leads of different rates", EIN_FORMAT, "different rates");
    e = usual, e.kind = "EDF+D", e.onset[1] = "now", put(&e);
    refused("a record without a time", EIN_FORMAT, "record 2 says no time");
    e = usual, e.kind = "EDF+D", e.onset[2] = "+0.012", put(&e);
    refused("records that overlap", EIN_FORMAT, "record 3 begins at 0.012 s");
    e = usual, e.stated = 1000000, put(&e);
    refused("a promise of many records", EIN_CORRUPT, "damaged");
    put(&usual);
    put_bytes(out, 700);
    refused("a header that is cut", EIN_CORRUPT, "within its header");
    put_bytes(out, 1030);
    refused("no record", EIN_CORRUPT, "no whole record");
    out[252] = '4';
    put_bytes(out, n_out);
    refused("another number of signals", EIN_FORMAT, "a header of 1024 bytes for 4 signals");
}

int main(void) {
    ecg_file_begin("x.edf");
    check_read();
    check_refused();
    return ecg_file_end();
}
