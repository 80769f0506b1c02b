/* GE MUSE XML: made-up files, each with one property that must be met, refused or flagged. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "io/base/base64.h"
#include "io/ecg/muse.h"
#include "io/ecg/reader.h"
#include "tests/report.h"

enum { N = 7 };
static char folder[] = "/tmp/einthoven-muse.XXXXXX", path[64];

/* --- files --------------------------------------------------------------------------------------------------- */

static const int16_t one[N] = {0, 1, -1, 100, 32767, -32767, 3}, two[N] = {0, 2, 5, -100, 1, 32767, -32768};
static const char head[] =
    "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<!DOCTYPE RestingECG SYSTEM \"restecg.dtd\">\n"
    "<RestingECG>\n";
static const char usual_units[] = "<LeadAmplitudeUnitsPerBit>4.88</LeadAmplitudeUnitsPerBit>\n"
                                  "<LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits>\n";
static const char usual_rate[] = "<SampleBase>500</SampleBase>\n<SampleExponent>0</SampleExponent>\n";

/* A LeadData; `more` stands before the samples. crc: -1 none, 0 the right one, else that. */
static const char *lead(const char *name, const int16_t *counts, int n, const char *units, const char *more,
                        int64_t crc) {
    static char texts[16][1024];
    static int at;
    uint8_t bytes[2 * N];
    char base64[64], sum[64] = "";
    for (int i = 0; i < n; i++) {
        bytes[2 * i] = (uint8_t)counts[i];
        bytes[2 * i + 1] = (uint8_t)((uint16_t)counts[i] >> 8);
    }
    ein_base64_encode(bytes, (size_t)n * 2, base64);
    if (crc == 0) crc = crc32_z(0, (const uint8_t *)bytes, (size_t)n * 2);
    if (crc >= 0) snprintf(sum, sizeof sum, "<LeadDataCRC32>%lld</LeadDataCRC32>", (long long)crc);
    at = (at + 1) % 16;
    snprintf(texts[at], sizeof texts[at],
             "<LeadData>\n<LeadSampleCountTotal>%d</LeadSampleCountTotal>%s<LeadID>%s</LeadID>%s%s"
             "<WaveFormData>\n%.10s\n%s\n</WaveFormData></LeadData>\n",
             n, units, name, more, sum, base64, base64 + 10);
    return texts[at];
}

static const char *plain(const char *name, const int16_t *counts) {
    return lead(name, counts, N, usual_units, "", 0);
}

static const char *waveform(const char *type, const char *rate, const char *leads) {
    static char texts[4][8192];
    static int at;
    at = (at + 1) % 4;
    snprintf(texts[at], sizeof texts[at], "<Waveform>%s%s%s%s%s</Waveform>\n", type ? "<WaveformType>" : "",
             type ? type : "", type ? "</WaveformType>\n" : "", rate, leads);
    return texts[at];
}

static const char *both(void) {
    static char text[4096];
    snprintf(text, sizeof text, "%s%s", plain("I", one), plain("II", two));
    return text;
}

static void put(const char *before, const char *waveforms) {
    FILE *f = fopen(path, "wb");
    if (!f || fprintf(f, "%s%s%s</RestingECG>\n", head, before, waveforms) < 0 || fclose(f) != 0) abort();
}

static bool open_ecg(ein_ecg *ecg) {
    memset(ecg, 0xff, sizeof *ecg);
    if (ein_reader_read(path, ecg) == EIN_OK) return true;
    printf("# %s\n", ein_error_message());
    return false;
}

static void refused(const char *what, ein_status status, const char *says) {
    ein_ecg ecg;
    memset(&ecg, 0xff, sizeof ecg);
    ein_error_clear();
    ein_status got = ein_reader_read(path, &ecg);
    if (!report(got == status && !ecg.mv && ecg.n_leads == 0 && strstr(ein_error_message(), says),
                "refused: %s", what))
        printf("# %s: %s\n", ein_status_name(got), ein_error_message());
    if (got == EIN_OK) ein_ecg_free(&ecg);
}

/* --- what is read -------------------------------------------------------------------------------------------- */

/* The samples of a lead are counts times unit, NaN where the count is -32768 or NaN. */
static bool holds(const ein_ecg *ecg, const char *name, const double *counts, int n, double mv) {
    int l = ein_ecg_find_lead(ecg, ein_lead_parse(name));
    if (l < 0 || ecg->n_samples != n) return false;
    for (int t = 0; t < n; t++) {
        float got = ecg->mv[l * n + t], want = (float)(counts[t] * mv);
        if (isnan(want) ? !isnan(got) : !(got == want)) {
            printf("# %s, sample %d: %.9g, not %.9g\n", name, t, (double)got, (double)want);
            return false;
        }
    }
    return true;
}

static void check_samples(void) {
    static const double i[N] = {0, 1, -1, 100, 32767, -32767, 3}, ii[N] = {0, 2, 5, -100, 1, 32767, NAN},
                        iii[N] = {0, 1, 6, -200, -32766, 65534, NAN},
                        avr[N] = {0, -1.5, -2, 0, -16384, 0, NAN},
                        avl[N] = {0, 0, -3.5, 150, 32766.5, -49150.5, NAN},
                        avf[N] = {0, 1.5, 5.5, -150, -16382.5, 49150.5, NAN};
    ein_ecg ecg;
    put("", waveform("Rhythm", usual_rate, both()));
    if (!report(open_ecg(&ecg), "a file of two leads")) return;
    report(ecg.n_leads == 6 && ecg.fs_hz == 500 && ecg.n_samples == N, "two stored leads, four computed");
    report(holds(&ecg, "I", i, N, 0.00488) && holds(&ecg, "II", ii, N, 0.00488),
           "stored leads, to the last bit");
    report(holds(&ecg, "III", iii, N, 0.00488), "III = II - I, to the last bit");
    report(holds(&ecg, "aVR", avr, N, 0.00488), "aVR = -(I + II)/2, with halves of a count");
    report(holds(&ecg, "aVL", avl, N, 0.00488), "aVL = I - II/2");
    report(holds(&ecg, "aVF", avf, N, 0.00488), "aVF = II - I/2");
    report(!signbit(ecg.mv[3 * N]), "zero is no negative zero");
    report(ecg.notes == 0, "a right CRC leaves no note");
    report(fabs(ecg.gain_per_mv - 2 / 0.00488) < 1e-9, "the gain counts half counts");
    report(strcmp(ecg.person.record_id, "x") == 0, "the record is named after the file");
    ein_ecg_free(&ecg);
}

static void check_leads(void) {
    static const double i[N] = {0, 1, -1, 100, 32767, -32767, 3};
    char leads[8192];
    ein_ecg ecg;
    snprintf(leads, sizeof leads, "%s%s%s%s%s", plain("V3R", one), plain("I", one), plain("II", two),
             plain("III", one), plain("Z9", one));
    put("", waveform("Rhythm", usual_rate, leads));
    if (report(open_ecg(&ecg), "extra leads")) {
        report(ecg.n_leads == 8 && ecg.lead[0] == EIN_LEAD_V3R && ecg.lead[4] == EIN_LEAD_UNKNOWN &&
                   strcmp(ecg.lead_name[4], "Z9") == 0,
               "are kept by name, known or not");
        report(holds(&ecg, "III", i, N, 0.00488), "a lead that is stored is not computed");
        ein_ecg_free(&ecg);
    }
    put("", waveform("Rhythm", usual_rate, plain("II", one)));
    if (report(open_ecg(&ecg), "one lead")) {
        report(ecg.n_leads == 1 && fabs(ecg.gain_per_mv - 1 / 0.00488) < 1e-9, "nothing is computed from it");
        ein_ecg_free(&ecg);
    }
    snprintf(leads, sizeof leads, "%s%s", plain("I", one),
             lead("II", one, N,
                  "<LeadAmplitudeUnitsPerBit>0.01</LeadAmplitudeUnitsPerBit>"
                  "<LeadAmplitudeUnits>MILLIVOLTS</LeadAmplitudeUnits>",
                  "", 0));
    put("", waveform("Rhythm", usual_rate, leads));
    if (report(open_ecg(&ecg), "leads of different units")) {
        report(ecg.gain_per_mv == 0 && holds(&ecg, "II", i, N, 0.01), "each has its own");
        report(fabs(ecg.mv[2 * N + 3] - 100 * (0.01 - 0.00488)) < 1e-6, "III is computed in mV");
        ein_ecg_free(&ecg);
    }
    put("", waveform("Rhythm", usual_rate,
                     lead("II", one, N,
                          "<LeadAmplitudeUnitsPerBit>1e-5</LeadAmplitudeUnitsPerBit>"
                          "<LeadAmplitudeUnits>volts</LeadAmplitudeUnits>",
                          "", 0)));
    if (report(open_ecg(&ecg), "volts")) {
        report(holds(&ecg, "II", i, N, 1e-5 * 1e3), "are a thousand millivolts");
        ein_ecg_free(&ecg);
    }
}

static void check_waveforms(void) {
    static const double i[N] = {0, 1, -1, 100, 32767, -32767, 3};
    char waves[16384];
    ein_ecg ecg;
    snprintf(waves, sizeof waves, "%s%s", waveform("Median", usual_rate, plain("I", two)),
             waveform("Rhythm", usual_rate, plain("I", one)));
    put("", waves);
    if (report(open_ecg(&ecg), "the median first")) {
        report(holds(&ecg, "I", i, N, 0.00488), "the rhythm is taken");
        ein_ecg_free(&ecg);
    }
    snprintf(waves, sizeof waves, "%s%s", waveform("Rhythm", usual_rate, plain("I", one)),
             waveform("Median", usual_rate, plain("I", two)));
    put("", waves);
    if (report(open_ecg(&ecg), "the rhythm first")) {
        report(holds(&ecg, "I", i, N, 0.00488), "the rhythm is taken");
        ein_ecg_free(&ecg);
    }
    put("",
        waveform("Rhythm", "<SampleBase>25</SampleBase><SampleExponent>1</SampleExponent>", plain("I", one)));
    if (report(open_ecg(&ecg), "an exponent")) {
        report(ecg.fs_hz == 250, "25 x 10^1 is 250 Hz");
        ein_ecg_free(&ecg);
    }
    put("", waveform("Rhythm", "<SampleBase>2575</SampleBase><SampleExponent>-1</SampleExponent>",
                     plain("I", one)));
    if (report(open_ecg(&ecg), "a negative exponent")) {
        report(ecg.fs_hz == 257.5, "2575 x 10^-1 is 257.5 Hz");
        ein_ecg_free(&ecg);
    }
    put("", waveform("Median", usual_rate, plain("I", one)));
    refused("a median only", EIN_OTHER, "Rhythm (there is: Median)");
    put("", waveform(NULL, usual_rate, plain("I", one)));
    refused("a waveform without type", EIN_OTHER,
            ":4: MUSE XML without a waveform of type Rhythm (there is: none)");
    put("", "");
    refused("no waveform", EIN_FORMAT, ":3: MUSE XML without a <Waveform>");
    put("", waveform("Rhythm", "", plain("I", one)));
    refused("no rate", EIN_FORMAT, "<Waveform> has no <SampleBase>");
    put("", waveform("Rhythm", "<SampleBase>500</SampleBase><SampleExponent>9</SampleExponent>",
                     plain("I", one)));
    refused("a rate of 500 GHz", EIN_FORMAT, "give 5e+11 Hz");
    put("", waveform("Rhythm", "<SampleType>MULTIPLEX_SAMPLES</SampleType><SampleBase>500</SampleBase>",
                     plain("I", one)));
    refused("multiplexed samples", EIN_FORMAT, "MULTIPLEX_SAMPLES");
    put("", waveform("Rhythm", usual_rate, ""));
    refused("no leads", EIN_FORMAT, "no <LeadData>");
}

/* --- what is wrong -------------------------------------------------------------------------------------------- */

static uint32_t notes_of(const char *leads, ein_ecg *ecg) {
    put("", waveform("Rhythm", usual_rate, leads));
    return open_ecg(ecg) ? ecg->notes : UINT32_MAX;
}

static void check_notes(void) {
    static const double short_one[N] = {0, 1, -1, 100, 32767, NAN, NAN};
    char leads[4096];
    ein_ecg ecg;
    uint32_t notes = notes_of(lead("I", one, N, usual_units, "", 12345), &ecg);
    report(notes == EIN_NOTE_CHECKSUM && ecg.lead_notes[0] == notes, "a wrong CRC is noted");
    ein_ecg_free(&ecg);
    report(notes_of(lead("I", one, N, usual_units, "", -1), &ecg) == EIN_NOTE_NO_CHECKSUM, "no CRC is noted");
    ein_ecg_free(&ecg);
    char *zero = strdup(lead("I", one, N, usual_units, "<LeadDataCRC32>0</LeadDataCRC32>", -1));
    report(zero && notes_of(zero, &ecg) == EIN_NOTE_NO_CHECKSUM, "a CRC of 0 is none");
    free(zero);
    ein_ecg_free(&ecg);
    snprintf(leads, sizeof leads, "%s%s", lead("I", one, 5, usual_units, "", 0), plain("II", two));
    report(notes_of(leads, &ecg) == EIN_NOTE_TRUNCATED && ecg.lead_notes[0] && !ecg.lead_notes[1],
           "a short lead is noted");
    report(holds(&ecg, "I", short_one, N, 0.00488), "is missing behind its end");
    ein_ecg_free(&ecg);
    char *less = strdup(plain("I", one)), *at = less ? strstr(less, "Total>7<") : NULL;
    if (!at) abort();
    at[6] = '9';
    report(notes_of(less, &ecg) == EIN_NOTE_TRUNCATED && ecg.n_samples == 9 && isnan(ecg.mv[8]) &&
               ecg.mv[6] > 0,
           "fewer samples than stated are noted as truncated");
    ein_ecg_free(&ecg);
    at[6] = '5';
    report(notes_of(less, &ecg) == EIN_NOTE_CHECKSUM && ecg.n_samples == 5,
           "more samples than stated are noted and cut");
    ein_ecg_free(&ecg);
    snprintf(leads, sizeof leads, "%s%s", less, plain("II", two));
    notes_of(leads, &ecg);
    report(ecg.n_samples == 7 && ecg.mv[4] > 0 && isnan(ecg.mv[5]) && isnan(ecg.mv[6]),
           "what a lead holds beyond what it states is cut beside a longer one, too");
    ein_ecg_free(&ecg);
    free(less);
    put("",
        waveform("Rhythm", "<NumberofLeads>8</NumberofLeads><SampleBase>500</SampleBase>", plain("I", one)));
    report(open_ecg(&ecg) && ecg.notes == EIN_NOTE_TRUNCATED, "fewer leads than stated are noted");
    ein_ecg_free(&ecg);
    snprintf(leads, sizeof leads, "%s%s", lead("I", one, N, usual_units, "", 1), plain("II", two));
    notes_of(leads, &ecg);
    report(ecg.lead_notes[0] == EIN_NOTE_CHECKSUM && ecg.lead_notes[1] == 0 &&
               ecg.lead_notes[2] == EIN_NOTE_CHECKSUM,
           "a computed lead carries the notes of what it came from");
    ein_ecg_free(&ecg);
}

static void lead_refused(const char *what, ein_status status, const char *text, const char *says) {
    put("", waveform("Rhythm", usual_rate, text));
    refused(what, status, says);
}

static void check_leads_refused(void) {
    char text[4096];
    lead_refused("no unit", EIN_FORMAT,
                 lead("I", one, N, "<LeadAmplitudeUnitsPerBit>4.88</LeadAmplitudeUnitsPerBit>", "", 0),
                 "lead I has no <LeadAmplitudeUnits>");
    lead_refused("no amplitude", EIN_FORMAT,
                 lead("I", one, N, "<LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits>", "", 0),
                 "<LeadData> has no <LeadAmplitudeUnitsPerBit>");
    lead_refused("a unit that is none", EIN_FORMAT,
                 lead("I", one, N,
                      "<LeadAmplitudeUnitsPerBit>4.88</LeadAmplitudeUnitsPerBit>"
                      "<LeadAmplitudeUnits>MMHG</LeadAmplitudeUnits>",
                      "", 0),
                 "\"MMHG\"");
    lead_refused("a negative scale", EIN_FORMAT,
                 lead("I", one, N,
                      "<LeadAmplitudeUnitsPerBit>-4.88</LeadAmplitudeUnitsPerBit>"
                      "<LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits>",
                      "", 0),
                 "-4.88, outside");
    lead_refused("a decimal comma", EIN_FORMAT,
                 lead("I", one, N,
                      "<LeadAmplitudeUnitsPerBit>4,88</LeadAmplitudeUnitsPerBit>"
                      "<LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits>",
                      "", 0),
                 "\"4,88\", not a number");
    lead_refused("4-byte samples", EIN_FORMAT,
                 lead("I", one, N, usual_units, "<LeadSampleSize>4</LeadSampleSize>", 0),
                 "samples of 4 bytes");
    lead_refused("an offset of the first sample", EIN_FORMAT,
                 lead("V1", one, N, usual_units, "<LeadOffsetFirstSample>2</LeadOffsetFirstSample>", 0),
                 "lead V1: <LeadOffsetFirstSample> is 2");
    lead_refused("a baseline", EIN_FORMAT,
                 lead("V1", one, N, usual_units, "<FirstSampleBaseline>100</FirstSampleBaseline>", 0),
                 "<FirstSampleBaseline> is 100");
    lead_refused("a lead without name", EIN_FORMAT, lead("", one, N, usual_units, "", 0), "no <LeadID>");
    snprintf(text, sizeof text, "%s%s", plain("V1", one), plain("v1", two));
    lead_refused("a lead that is there twice", EIN_FORMAT, text, "lead v1 is there twice");
    char *bad = strdup(plain("I", one)), *at = bad ? strstr(bad, "AAAB") : NULL;
    if (!at) abort();
    at[2] = '!';
    lead_refused("damaged base64", EIN_FORMAT, bad, "base64 is wrong at character 4");
    free(bad);
    snprintf(text, sizeof text, "<LeadData>%s<LeadID>I</LeadID><WaveFormData>TWFu</WaveFormData></LeadData>",
             usual_units);
    lead_refused("an odd number of bytes", EIN_FORMAT, text, "3 bytes are no whole number");
    snprintf(text, sizeof text, "<LeadData>%s<LeadID>I</LeadID><WaveFormData> </WaveFormData></LeadData>",
             usual_units);
    lead_refused("no bytes", EIN_FORMAT, text, "0 bytes");
    snprintf(text, sizeof text, "<LeadData>%s<LeadID>I</LeadID></LeadData>", usual_units);
    lead_refused("no data", EIN_FORMAT, text, "lead I has no <WaveFormData>");
    snprintf(text, sizeof text,
             "<LeadData>%s<LeadSampleCountTotal>400000000</LeadSampleCountTotal><LeadID>I</LeadID>"
             "<WaveFormData>AAAA</WaveFormData></LeadData>",
             usual_units);
    lead_refused("400 million samples in two bytes", EIN_FORMAT, text, "3 bytes are no whole");
    memcpy(strstr(text, "AAAA"), "AAA=", 4);
    lead_refused("400 million samples in one", EIN_CORRUPT, text,
                 "400000000 samples are stated, 1 samples are there");
    char *many = calloc(1, 65 * 512), *end = many;
    for (int i = 0; many && i < 65; i++)
        end += sprintf(end, "<LeadData>%s<LeadID>X%d</LeadID><WaveFormData>AAA=</WaveFormData></LeadData>",
                       usual_units, i);
    FILE *f = fopen(path, "wb");
    if (!many || !f ||
        fprintf(f, "%s<Waveform><WaveformType>Rhythm</WaveformType>%s%s</Waveform></RestingECG>", head,
                usual_rate, many) < 0 ||
        fclose(f) != 0)
        abort();
    free(many);
    refused("65 leads", EIN_FORMAT, "more than 64 leads");
}

/* --- the person ---------------------------------------------------------------------------------------------- */

typedef struct {
    const char *what, *text;
    const char *patient, *acquired, *dx;
    double age;
    ein_sex sex;
} person_case;

static void check_person(void) {
#define STATEMENT(text, flag) "<DiagnosisStatement>" flag "<StmtText>" text "</StmtText></DiagnosisStatement>"
#define ENDS                  "<StmtFlag>ENDSLINE</StmtFlag>"
    static const person_case cases[] = {
        {"nothing known", "", "", "", "", NAN, EIN_SEX_UNKNOWN},
        {"everything",
         "<PatientDemographics><PatientID> 0012 34 </PatientID><PatientAge>63</PatientAge><AgeUnits>YEARS</AgeUnits>"
         "<Gender>FEMALE</Gender></PatientDemographics><TestDemographics><AcquisitionTime>14:30:05</AcquisitionTime>"
         "<AcquisitionDate>12-31-2023</AcquisitionDate></TestDemographics><Diagnosis>" STATEMENT(
             "Sinus rhythm", ENDS) STATEMENT("Prolonged QT, abnormal ECG", ENDS) "</Diagnosis>",
         "0012 34", "2023-12-31T14:30:05", "Sinus rhythm,Prolonged QT; abnormal ECG", 63, EIN_SEX_FEMALE},
        {"months, M",
         "<PatientDemographics><PatientAge>18</PatientAge><AgeUnits>MONTHS</AgeUnits>"
         "<Gender>m</Gender></PatientDemographics>",
         "", "", "", 1.5, EIN_SEX_MALE},
        {"an impossible age and sex",
         "<PatientDemographics><PatientAge>300</PatientAge><Gender>UNKNOWN</Gender><PatientID>unknown</PatientID>"
         "</PatientDemographics>",
         "", "", "", NAN, EIN_SEX_UNKNOWN},
        {"an age in a unit that is none",
         "<PatientDemographics><PatientAge>3</PatientAge><AgeUnits>MOONS</AgeUnits></PatientDemographics>",
         "", "", "", NAN, EIN_SEX_UNKNOWN},
        {"age from the birthday, the day before it",
         "<PatientDemographics><DateofBirth>06-15-1950</DateofBirth></PatientDemographics><TestDemographics>"
         "<AcquisitionDate>06-14-2020</AcquisitionDate><AcquisitionTime>00:00</AcquisitionTime></TestDemographics>",
         "", "2020-06-14T00:00:00", "", 69, EIN_SEX_UNKNOWN},
        {"age on the birthday",
         "<PatientDemographics><DateofBirth>06-15-1950</DateofBirth></PatientDemographics><TestDemographics>"
         "<AcquisitionDate>06/15/2020</AcquisitionDate></TestDemographics>",
         "", "", "", 70, EIN_SEX_UNKNOWN},
        {"a date that is none",
         "<TestDemographics><AcquisitionDate>31-12-2020</AcquisitionDate><AcquisitionTime>10:00:00</AcquisitionTime>"
         "</TestDemographics>",
         "", "", "", NAN, EIN_SEX_UNKNOWN},
        {"a date without a time",
         "<TestDemographics><AcquisitionDate>12-30-2020</AcquisitionDate></TestDemographics>", "", "", "",
         NAN, EIN_SEX_UNKNOWN},
        {"statements in fragments, deleted ones, the original ones",
         "<OriginalDiagnosis>" STATEMENT("Original",
                                         ENDS) "</OriginalDiagnosis><Diagnosis>" STATEMENT("Sinus rhythm", "")
             STATEMENT("with PVCs", ENDS) STATEMENT("Old infarct", "<StmtFlag>USERDELETED</StmtFlag>" ENDS)
                 STATEMENT("Abnormal", "") "</Diagnosis>",
         "", "", "Sinus rhythm with PVCs,Abnormal", NAN, EIN_SEX_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const person_case *c = &cases[i];
        ein_ecg ecg;
        put(c->text, waveform("Rhythm", usual_rate, both()));
        if (!report(open_ecg(&ecg), "person: %s", c->what)) continue;
        const ein_ecg_person *p = &ecg.person;
        bool same = strcmp(p->patient_id, c->patient) == 0 && strcmp(p->acquired, c->acquired) == 0 &&
                    strcmp(p->dx, c->dx) == 0 && p->sex == c->sex &&
                    (isnan(c->age) ? isnan(p->age_years) : p->age_years == c->age);
        if (!report(same, "as it should be"))
            printf("# \"%s\" \"%s\" \"%s\" %g %d\n", p->patient_id, p->acquired, p->dx, p->age_years, p->sex);
        ein_ecg_free(&ecg);
    }
    char text[2048];
    snprintf(text, sizeof text, "<PatientDemographics><PatientID>%0*d</PatientID></PatientDemographics>", 128,
             7);
    put(text, waveform("Rhythm", usual_rate, both()));
    refused("a patient id that does not fit", EIN_FORMAT, "a patient id of 128 bytes");
}

static void check_others(void) {
    FILE *f = fopen(path, "wb");
    if (!f || fputs("<restingecgdata xmlns='http://www3.medical.philips.com'/>", f) < 0 || fclose(f) != 0)
        abort();
    refused("Philips", EIN_OTHER, "Philips Sierra XML of document type");
    f = fopen(path, "wb");
    if (!f || fputs("<AnnotatedECG xmlns='urn:hl7-org:v3'/>", f) < 0 || fclose(f) != 0) abort();
    refused("HL7", EIN_OTHER, "HL7 aECG without a <series>");
    f = fopen(path, "wb");
    if (!f || fputs("<?xml version='1.0'?><library/>", f) < 0 || fclose(f) != 0) abort();
    refused("other XML", EIN_OTHER, "first element is <library>");
    ein_ecg ecg;
    const char other[] = "<?xml version='1.0'?><library/>";
    const ein_content file = {path, (const uint8_t *)other, sizeof other - 1};
    report(ein_muse_read(&file, &ecg) == EIN_FORMAT && strstr(ein_error_message(), "not GE MUSE XML") &&
               !ecg.mv,
           "the MUSE reader does not take it either");
}

int main(void) {
    if (!mkdtemp(folder)) abort();
    snprintf(path, sizeof path, "%s/x.XML", folder);
    check_samples();
    check_leads();
    check_waveforms();
    check_notes();
    check_leads_refused();
    check_person();
    check_others();
    unlink(path);
    rmdir(folder);
    return report_end();
}
