/* CardioSoft XML: made-up files of every shape, each with one property that must be met, refused or flagged. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/ecg/cardiosoft.h"
#include "io/ecg/reader.h"
#include "tests/report.h"

enum { FS = 100, SECONDS = 3, TOTAL = FS * SECONDS, CHANNELS = 3 };
static char folder[] = "/tmp/einthoven-cardiosoft.XXXXXX", path[64];

#define HEAD     "<?xml version=\"1.0\" encoding=\"ISO8859-1\" ?>\n<CardiologyXML>\n"
#define SETTINGS "<SampleRate units=\"Hz\">500</SampleRate>\n<Resolution units=\"uVperLsb\">5</Resolution>\n"
#define LEAD_I   "<WaveformData lead=\"I\">\n\t\t0,-1, 2,\n\t\t30000 ,-32768\n\t</WaveformData>\n"
#define LEAD_II  "<WaveformData lead=\"II\">4,5,6,7,8,</WaveformData>\n"
#define STRIP    "<StripData>" SETTINGS LEAD_I LEAD_II "</StripData>"
#define MEDIAN                                                                                         \
    "<RestingECGMeasurements><MedianSamples>" SETTINGS "<WaveformData lead=\"I\">9,9,9</WaveformData>" \
    "</MedianSamples></RestingECGMeasurements>"

static void put(const char *text) {
    FILE *f = fopen(path, "wb");
    if (!f || fprintf(f, HEAD "%s</CardiologyXML>\n", text) < 0 || fclose(f) != 0) abort();
}

static bool open_ecg(ein_ecg *ecg) {
    memset(ecg, 0xff, sizeof *ecg);
    if (ein_reader_read(path, ecg) == EIN_OK) return true;
    printf("# %s\n", ein_error_message());
    return false;
}

static void refused(const char *what, ein_status status, const char *text, const char *says) {
    ein_ecg ecg;
    memset(&ecg, 0xff, sizeof ecg);
    ein_error_clear();
    put(text);
    ein_status got = ein_reader_read(path, &ecg);
    if (!report(got == status && !ecg.mv && ecg.n_leads == 0 && strstr(ein_error_message(), says),
                "refused: %s", what))
        printf("# %s: %s\n", ein_status_name(got), ein_error_message());
    if (got == EIN_OK) ein_ecg_free(&ecg);
}

/* Lead `name` holds the counts, NaN for NaN, at `mv` each. */
static bool holds(const ein_ecg *ecg, const char *name, const double *counts, int n, double mv) {
    int l = 0;
    while (l < ecg->n_leads && strcmp(ecg->lead_name[l], name) != 0) l++;
    if (l == ecg->n_leads || ecg->n_samples < n) return false;
    for (int t = 0; t < n; t++) {
        float got = ecg->mv[l * ecg->n_samples + t], want = (float)(counts[t] * mv);
        if (isnan(want) ? !isnan(got) : !(got == want)) {
            printf("# %s, sample %d: %.9g, not %.9g\n", name, t, (double)got, (double)want);
            return false;
        }
    }
    return true;
}

static const double one[] = {0, -1, 2, 30000, NAN}, two[] = {4, 5, 6, 7, 8};

static void check_rest(void) {
    ein_ecg ecg;
    put(MEDIAN STRIP);
    if (!report(open_ecg(&ecg), "a resting ECG behind its median")) return;
    report(ecg.n_leads == 2 && ecg.n_samples == 5 && ecg.fs_hz == 500, "leads, length, rate");
    report(holds(&ecg, "I", one, 5, 0.005) && holds(&ecg, "II", two, 5, 0.005),
           "values between blanks, tabs, line ends, and a comma at the end; -32768 is missing");
    report(ecg.lead[0] == EIN_LEAD_I && ecg.lead[1] == EIN_LEAD_II && fabs(ecg.gain_per_mv - 200) < 1e-9,
           "names and gain");
    report(ecg.notes == EIN_NOTE_NO_CHECKSUM, "the format has no checksum");
    report(strcmp(ecg.person.record_id, "1000_20205_2_0") == 0, "the record is named after the file");
    ein_ecg_free(&ecg);
}

static void check_exercise(void) {
    ein_ecg ecg;
    put("<StripData>" SETTINGS "<Strip idx=\"0\">" LEAD_I LEAD_II "</Strip><Strip idx=\"1\">"
        "<WaveformData lead=\"I\">9,9</WaveformData></Strip></StripData>");
    if (report(open_ecg(&ecg), "StripData/Strip")) {
        report(ecg.n_leads == 2 && holds(&ecg, "I", one, 5, 0.005) && holds(&ecg, "II", two, 5, 0.005),
               "the first strip, with the settings of the enclosing element");
        ein_ecg_free(&ecg);
    }
    put("<Strip><StripData>" SETTINGS LEAD_II LEAD_I "</StripData></Strip>");
    if (report(open_ecg(&ecg), "Strip/StripData")) {
        report(holds(&ecg, "I", one, 5, 0.005) && ecg.lead[0] == EIN_LEAD_II, "is read, in its order");
        ein_ecg_free(&ecg);
    }
    put("<StripData>" SETTINGS "<WaveformData lead=\"I\"></WaveformData></StripData><Strip>" SETTINGS LEAD_II
        "</Strip>");
    if (report(open_ecg(&ecg), "an empty strip")) {
        report(ecg.n_leads == 1 && holds(&ecg, "II", two, 5, 0.005), "is passed over");
        ein_ecg_free(&ecg);
    }
}

static void check_notes(void) {
    ein_ecg ecg;
    put("<StripData><ChannelSampleCountTotal>6</ChannelSampleCountTotal>" SETTINGS LEAD_II "</StripData>");
    report(open_ecg(&ecg) && ecg.notes == (EIN_NOTE_NO_CHECKSUM | EIN_NOTE_TRUNCATED),
           "fewer values than stated");
    ein_ecg_free(&ecg);
    put("<StripData><ChannelSampleCountTotal>4</ChannelSampleCountTotal>" SETTINGS LEAD_II "</StripData>");
    report(open_ecg(&ecg) && ecg.notes == (EIN_NOTE_NO_CHECKSUM | EIN_NOTE_CHECKSUM) && ecg.n_samples == 5,
           "more values than stated");
    ein_ecg_free(&ecg);
    put("<StripData>" SETTINGS LEAD_II "<WaveformData lead=\"V1\">1,2</WaveformData></StripData>");
    report(open_ecg(&ecg) && ecg.lead_notes[1] & EIN_NOTE_TRUNCATED &&
               !(ecg.lead_notes[0] & EIN_NOTE_TRUNCATED) && ecg.n_samples == 5 && ecg.mv[6] > 0 &&
               isnan(ecg.mv[7]),
           "a lead that is shorter than another");
    ein_ecg_free(&ecg);
}

static void check_refused(void) {
    refused("medians at rest only", EIN_OTHER, MEDIAN, "averaged beats (medians) only");
    refused("medians on exercise only", EIN_OTHER,
            "<MedianData>" SETTINGS
            "<Median><WaveformData lead=\"I\">1,2</WaveformData></Median></MedianData>",
            "averaged beats (medians) only");
    refused("nothing", EIN_OTHER, "", "without samples");
    refused("empty strips", EIN_OTHER,
            "<StripData>" SETTINGS "<WaveformData lead=\"I\"> </WaveformData></StripData>",
            "without samples");
    refused("no resolution", EIN_FORMAT,
            "<StripData><SampleRate units=\"Hz\">500</SampleRate>" LEAD_I "</StripData>",
            "<StripData> has no <Resolution>");
    refused(
        "another resolution", EIN_FORMAT,
        "<StripData><SampleRate units=\"Hz\">500</SampleRate><Resolution units=\"mVperLsb\">5</Resolution>" LEAD_I
        "</StripData>",
        "\"mVperLsb\"; \"uVperLsb\" is read");
    refused("a resolution without unit", EIN_FORMAT,
            "<StripData><SampleRate>500</SampleRate><Resolution>5</Resolution>" LEAD_I "</StripData>",
            "is in \"\"");
    refused(
        "a rate in another unit", EIN_FORMAT,
        "<StripData><SampleRate units=\"kHz\">5</SampleRate><Resolution units=\"uVperLsb\">5</Resolution>" LEAD_I
        "</StripData>",
        "\"kHz\"; \"Hz\" is read");
    refused("no rate", EIN_FORMAT,
            "<StripData><Resolution units=\"uVperLsb\">5</Resolution>" LEAD_I "</StripData>",
            "no <SampleRate>");
    refused("a resolution of zero", EIN_FORMAT,
            "<StripData><SampleRate>500</SampleRate><Resolution units=\"uVperLsb\">0</Resolution>" LEAD_I
            "</StripData>",
            "is 0, outside");
    refused("values without a lead", EIN_FORMAT,
            "<StripData>" SETTINGS "<WaveformData>1,2</WaveformData></StripData>", "without a lead");
    refused("a lead that is there twice", EIN_FORMAT, "<StripData>" SETTINGS LEAD_II LEAD_II "</StripData>",
            "II is there twice");
    static const struct {
        const char *values, *says;
    } bad[] = {{"1,2,x,4", "lead V1: value 3 is \"x\""},
               {"1,,3", "value 2 is \"\""},
               {"1 2,3", "value 1 is \"1 2\""},
               {"1.5", "value 1 is \"1.5\""},
               {"-", "value 1"},
               {"1234567890", "value 1"},
               {"1;2", "value 1"},
               {"0x1", "value 1"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "<StripData>" SETTINGS "<WaveformData lead=\"V1\">%s</WaveformData></StripData>",
                 bad[i].values);
        refused(bad[i].values, EIN_FORMAT, text, bad[i].says);
    }
}

/* --- full disclosure ------------------------------------------------------------------------------------------- */

static int wave(int channel, int t) {
    return (int)lrint(500 * (channel - 1) + 300 * sin(0.07 * t + channel));
}

typedef enum { BY_SAMPLE, BY_SECOND, NOISE } list_order;

/* A disclosure whose list is in that order, with `extra` values behind the last second. */
static const char *disclosure(list_order order, int extra, const char *leads, const char *more) {
    static char text[32768];
    unsigned noise = 7;
    size_t used =
        (size_t)snprintf(text, sizeof text,
                         "<FullDisclosure><NumberOfChannels>3</NumberOfChannels><SampleRate units=\"Hz\">%d"
                         "</SampleRate><Resolution units=\"uVperLsb\">2.5</Resolution>%s"
                         "<FullDisclosureData>%s\n\t",
                         FS, leads, more);
    for (int i = 0; i < CHANNELS * TOTAL + extra; i++) {
        int block = i / (CHANNELS * FS), within = i % (CHANNELS * FS);
        int value = order == BY_SAMPLE ? wave(i % CHANNELS, i / CHANNELS)
                                       : wave(within / FS, block * FS + within % FS);
        if (order == NOISE) value = (int)((noise = noise * 1664525u + 1013904223u) >> 20) - 2048;
        used += (size_t)snprintf(text + used, sizeof text - used, "%d,%s", value, i % 17 == 16 ? "\n\t" : "");
    }
    snprintf(text + used, sizeof text - used, "</FullDisclosureData></FullDisclosure>");
    return text;
}

static bool is_wave(const ein_ecg *ecg, int samples) {
    if (ecg->n_leads != CHANNELS || ecg->n_samples != samples || ecg->fs_hz != FS) return false;
    for (int c = 0; c < CHANNELS; c++)
        for (int t = 0; t < samples; t++)
            if (ecg->mv[c * samples + t] != (float)(wave(c, t) * 0.0025)) return false;
    return true;
}

static void check_disclosure(void) {
#define ORDER "<LeadOrder>I, 2,3</LeadOrder>"
    ein_ecg ecg;
    put(disclosure(BY_SECOND, 0, ORDER, ""));
    if (report(open_ecg(&ecg), "a full disclosure, second by second")) {
        report(is_wave(&ecg, TOTAL), "is recognised by its signal");
        report(ecg.lead[0] == EIN_LEAD_I && ecg.lead[1] == EIN_LEAD_UNKNOWN &&
                   strcmp(ecg.lead_name[2], "3") == 0,
               "leads 2 and 3 are not taken for II and III");
        ein_ecg_free(&ecg);
    }
    put(disclosure(BY_SAMPLE, 0, ORDER, "<SampleCountTotal>900</SampleCountTotal>"));
    if (report(open_ecg(&ecg), "sample by sample")) {
        report(is_wave(&ecg, TOTAL) && ecg.notes == EIN_NOTE_NO_CHECKSUM, "is told as well");
        ein_ecg_free(&ecg);
    }
    put(disclosure(BY_SECOND, 50, ORDER, ""));
    if (report(open_ecg(&ecg), "a second that is cut")) {
        report(is_wave(&ecg, TOTAL) && ecg.notes & EIN_NOTE_TRUNCATED, "is left out and noted");
        ein_ecg_free(&ecg);
    }
    put(disclosure(BY_SAMPLE, 3, ORDER, "<SampleCountTotal>900</SampleCountTotal>"));
    if (report(open_ecg(&ecg), "more values than stated")) {
        report(is_wave(&ecg, TOTAL + 1) && ecg.notes & EIN_NOTE_CHECKSUM, "are read and noted");
        ein_ecg_free(&ecg);
    }
    char both[65536];
    snprintf(both, sizeof both, "%s" STRIP, disclosure(BY_SECOND, 0, ORDER, ""));
    put(both);
    if (report(open_ecg(&ecg), "a disclosure and a strip")) {
        report(ecg.n_leads == 2, "the strip is taken");
        ein_ecg_free(&ecg);
    }
    refused("noise, whose order does not show", EIN_FORMAT, disclosure(NOISE, 0, ORDER, ""),
            "cannot be told");
    refused("a disclosure without leads", EIN_FORMAT, disclosure(BY_SECOND, 0, "", ""), "no <LeadOrder>");
    refused("two leads in three channels", EIN_FORMAT,
            disclosure(BY_SECOND, 0, "<LeadOrder>I,II</LeadOrder>", ""), "<NumberOfChannels> is 3");
    refused("less than a second", EIN_FORMAT,
            "<FullDisclosure><SampleRate>500</SampleRate><Resolution units=\"uVperLsb\">5</Resolution>"
            "<LeadOrder>I,II</LeadOrder><FullDisclosureData>1,2,3,4</FullDisclosureData></FullDisclosure>",
            "less than a second");
}

static void check_person(void) {
    ein_ecg ecg;
    put("<ObservationDateTime><Hour>12</Hour><Minute>39</Minute><Second>1</Second><Day>9</Day><Month>10</Month>"
        "<Year>2019</Year></ObservationDateTime><ClinicalInfo><DeviceInfo><Desc>CardioSoft</Desc>"
        "<SoftwareVer>V6.73</SoftwareVer></DeviceInfo></ClinicalInfo>"
        "<PatientInfo><PID>M\xfcller-7</PID><Age units=\"years\">53</Age><Gender>FEMALE</Gender></PatientInfo>"
        "<Interpretation><Diagnosis><DiagnosisText>Normal sinus rhythm</DiagnosisText><DiagnosisText></DiagnosisText>"
        "<DiagnosisText>Normal ECG, borderline</DiagnosisText></Diagnosis></Interpretation>" STRIP);
    if (report(open_ecg(&ecg), "a person")) {
        const ein_ecg_person *p = &ecg.person;
        report(strcmp(p->patient_id, "M\xc3\xbcller-7") == 0 && p->age_years == 53 &&
                   p->sex == EIN_SEX_FEMALE,
               "id (in UTF-8), age, sex");
        report(strcmp(p->acquired, "2019-10-09T12:39:01") == 0 && strcmp(p->device, "CardioSoft V6.73") == 0,
               "time and device");
        report(strcmp(p->dx, "Normal sinus rhythm,Normal ECG; borderline") == 0, "statements");
        ein_ecg_free(&ecg);
    }
    put("<ObservationDateTime><Day>1</Day><Month>3</Month><Year>2020</Year></ObservationDateTime>"
        "<PatientInfo><BirthDateTime>"
        "<Day>29</Day><Month>2</Month><Year>1960</Year></BirthDateTime></PatientInfo>" STRIP);
    if (report(open_ecg(&ecg), "a birthday")) {
        report(ecg.person.age_years == 60 && !ecg.person.acquired[0],
               "gives the age; a day without time is no time");
        ein_ecg_free(&ecg);
    }
}

static void check_amplification(void) {
    char *text = malloc(1 << 20), *end = text;
    if (!text) abort();
    end += sprintf(end, "<StripData>" SETTINGS "<WaveformData lead=\"L\">");
    for (int i = 0; i < 50000; i++) end += sprintf(end, "1,");
    end += sprintf(end, "</WaveformData>");
    for (int i = 0; i < 63; i++) end += sprintf(end, "<WaveformData lead=\"X%d\">1</WaveformData>", i);
    sprintf(end, "</StripData>");
    refused("one long lead and 63 of one value", EIN_CORRUPT, text, "50063 values in 64 leads");
    free(text);
}

int main(void) {
    if (!mkdtemp(folder)) abort();
    snprintf(path, sizeof path, "%s/1000_20205_2_0.xml", folder);
    check_rest();
    check_exercise();
    check_notes();
    check_refused();
    check_disclosure();
    check_person();
    check_amplification();
    unlink(path);
    rmdir(folder);
    return report_end();
}
