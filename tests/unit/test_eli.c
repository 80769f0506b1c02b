/* Mortara ELI XML: made-up files, each with one property that must be met, refused or flagged. */
#include "io/base/base64.h"
#include "tests/ecg_file.h"

enum { N = 4 };
static const int16_t one[N] = {1, -2, 32767, -32768};
static const double want[N] = {1, -2, 32767, -32768};

static const char usual[] =
    "SAMPLE_FREQ='500' UNITS_PER_MV='400' DURATION='4' BITS='16' FORMAT='SIGNED' OFFSET='0'";

static const char *channel(const char *name, const char *attributes, bool inside) {
    static char texts[4][1024];
    static int at;
    uint8_t bytes[2 * N];
    char base64[32];
    for (int i = 0; i < N; i++)
        bytes[2 * i] = (uint8_t)one[i], bytes[2 * i + 1] = (uint8_t)((uint16_t)one[i] >> 8);
    ein_base64_encode(bytes, sizeof bytes, base64);
    at = (at + 1) % 4;
    snprintf(texts[at], sizeof texts[at], "<CHANNEL %s%s%s %s%s%s%s>%s</CHANNEL>", name[0] ? "NAME='" : "",
             name, name[0] ? "'" : "", attributes, inside ? "" : " ENCODING='BASE64' DATA='",
             inside ? "" : base64, inside ? "" : "'", inside ? base64 : "");
    return texts[at];
}

static void put(const char *channels) {
    char text[4096];
    snprintf(
        text, sizeof text,
        "<?xml version='1.0'?><ECG ACQUISITION_TIME='20200518154811' AGE='68' AGE_UNITS='YEARS'>"
        "<SUBJECT ID='p1' GENDER='FEMALE' DOB='19510601' LAST_NAME='Doe'/><SOURCE MANUFACTURER='Mortara' MODEL='ELI'"
        " LOW_PASS_FILTER='150'/><AUTOMATIC_INTERPRETATION><STATEMENT TEXT='Sinus, rhythm'/>"
        "</AUTOMATIC_INTERPRETATION><TYPICAL_CYCLE><TYPICAL_CYCLE_CHANNEL NAME='I' DATA='AAA='/></TYPICAL_CYCLE>%s"
        "</ECG>",
        channels);
    put_text(text);
}

static void check_read(void) {
    ein_ecg ecg;
    char both[2048];
    snprintf(both, sizeof both, "%s%s", channel("I", usual, false), channel("V1", usual, true));
    put(both);
    if (!report(open_ecg(&ecg), "samples in an attribute, and in an element")) return;
    report(ecg.n_leads == 2 && ecg.fs_hz == 500 && holds(&ecg, "I", want, N, 1.0 / 400) &&
               holds(&ecg, "V1", want, N, 1.0 / 400) && ecg.notes == EIN_NOTE_NO_CHECKSUM,
           "their values");
    const ein_ecg_person *p = &ecg.person;
    report(strcmp(p->patient_id, "p1") == 0 && p->sex == EIN_SEX_FEMALE && p->age_years == 68 &&
               strcmp(p->acquired, "2020-05-18T15:48:11") == 0 && strcmp(p->dx, "Sinus; rhythm") == 0 &&
               strcmp(p->device, "Mortara ELI; -150 Hz") == 0,
           "%s %g %s %s %s", p->patient_id, p->age_years, p->acquired, p->dx, p->device);
    ein_ecg_free(&ecg);
    put(channel("I", "SAMPLE_FREQ='500' UNITS_PER_MV='400' DURATION='8'", true));
    report(open_ecg(&ecg) && !(ecg.notes & EIN_NOTE_TRUNCATED), "a duration in ms");
    ein_ecg_free(&ecg);
    put(channel("I", "SAMPLE_FREQ='500' UNITS_PER_MV='400' DURATION='5000'", true));
    report(open_ecg(&ecg) && (ecg.notes & EIN_NOTE_TRUNCATED), "fewer samples than stated");
    ein_ecg_free(&ecg);
    put(channel("I", "SAMPLE_FREQ='500' UNITS_PER_MV='400' DURATION='3'", true));
    report(open_ecg(&ecg) && (ecg.notes & EIN_NOTE_CHECKSUM), "more samples than stated");
    ein_ecg_free(&ecg);
}

static void check_refused(void) {
    put("");
    refused("no channel", EIN_OTHER, "without a <CHANNEL>");
    put(channel("", usual, true));
    refused("no name", EIN_FORMAT, "has no NAME");
    put(channel("I", "SAMPLE_FREQ='500'", true));
    refused("no scale", EIN_FORMAT, "no UNITS_PER_MV");
    put(channel("I", "SAMPLE_FREQ='500' UNITS_PER_MV='400' BITS='8'", true));
    refused("another packing", EIN_OTHER, "BITS is \"8\"");
    put(channel("I", "SAMPLE_FREQ='500' UNITS_PER_MV='400' OFFSET='3'", true));
    refused("an offset", EIN_FORMAT, "OFFSET is \"3\"");
    char both[2048];
    snprintf(both, sizeof both, "%s%s", channel("I", usual, false), channel("I", usual, true));
    put(both);
    refused("a lead that is there twice", EIN_FORMAT, "lead I is there twice");
    snprintf(both, sizeof both, "%s%s", channel("I", usual, false),
             channel("II", "SAMPLE_FREQ='1000' UNITS_PER_MV='400'", true));
    put(both);
    refused("another rate", EIN_FORMAT, "leads of different rates");
    put("<CHANNEL NAME='I' SAMPLE_FREQ='500' UNITS_PER_MV='400' DATA='AAA'/>");
    refused("wrong base64", EIN_FORMAT, "base64 is wrong");
}

int main(void) {
    ecg_file_begin("x.xml");
    check_read();
    check_refused();
    return ecg_file_end();
}
