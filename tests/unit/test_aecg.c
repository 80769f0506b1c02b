/* HL7 aECG: made-up files, each with one property that must be met, refused or flagged. */
#include "tests/ecg_file.h"

static const char subject[] =
    "<componentOf><timepointEvent><componentOf><subjectAssignment><subject><trialSubject>"
    "<id root='2.16.840' extension='SBJ-7'/><subjectDemographicPerson><administrativeGenderCode code='F'/>"
    "<birthTime value='19610304'/></subjectDemographicPerson></trialSubject></subject></subjectAssignment>"
    "</componentOf></timepointEvent></componentOf>";
static const char about[] =
    "<effectiveTime><low value='20021122091005.000-0500'/></effectiveTime>"
    "<author><seriesAuthor><manufacturedSeriesDevice><manufacturerModelName>M 1</manufacturerModelName>"
    "</manufacturedSeriesDevice><manufacturerOrganization><name>Acme</name></manufacturerOrganization></seriesAuthor>"
    "</author><controlVariable><controlVariable><code code='MDC_ECG_CTL_VBL_ATTR_FILTER_LOW_PASS'/><component>"
    "<controlVariable><value value='150' unit='Hz'/></controlVariable></component></controlVariable></controlVariable>";
static const char usual_time[] =
    "<component><sequence><code code='TIME_ABSOLUTE'/><value><head value='20021122091000'/>"
    "<increment value='0.002' unit='s'/></value></sequence></component>";
static const char usual_scale[] = "<origin value='0' unit='uV'/><scale value='2.5' unit='uV'/>";

static const char *lead(const char *code, const char *scale, const char *digits) {
    static char texts[4][1024];
    static int at;
    at = (at + 1) % 4;
    snprintf(
        texts[at], sizeof texts[at],
        "<component><sequence><code code='%s'/><value>%s<digits>%s</digits></value></sequence></component>",
        code, scale, digits);
    return texts[at];
}

static void put(const char *code, const char *time, const char *leads, const char *more) {
    char text[8192];
    snprintf(
        text, sizeof text,
        "<?xml version='1.0'?>\n<AnnotatedECG xmlns='urn:hl7-org:v3'>%s<component><series><code code='%s'/>%s"
        "<component><sequenceSet>%s%s</sequenceSet></component>%s</series></component></AnnotatedECG>",
        subject, code, about, time, leads, more);
    put_text(text);
}

static void check_samples(void) {
    static const double two[] = {-2, 0, 32767, NAN, -999999999}, v1[] = {1, 2, 3, NAN, NAN};
    char leads[2048];
    ein_ecg ecg;
    snprintf(leads, sizeof leads, "%s%s",
             lead("MDC_ECG_LEAD_II", usual_scale, "-2 0\n +32767\tNaN -999999999 "),
             lead("MDC_ECG_LEAD_V1", "<origin value='0'/><scale value='0.001' unit='mV'/>", "1 2 3"));
    put("RHYTHM", usual_time, leads,
        "<derivation><derivedSeries><code code='REPRESENTATIVE_BEAT'/></derivedSeries></derivation>");
    if (!report(open_ecg(&ecg), "a rhythm of two leads is read")) return;
    report(ecg.n_leads == 2 && ecg.fs_hz == 500 && ecg.lead[0] == EIN_LEAD_II, "leads, rate");
    report(holds(&ecg, "II", two, 5, 0.0025), "scale in uV, a value that is missing");
    report(holds(&ecg, "V1", v1, 5, 0.001),
           "scale in mV, an origin of 0 without a unit, a lead that ends early");
    report((ecg.lead_notes[1] & EIN_NOTE_TRUNCATED) && !(ecg.lead_notes[0] & EIN_NOTE_TRUNCATED),
           "which is noted");
    report(ecg.notes & EIN_NOTE_NO_CHECKSUM, "the format has no checksum");
    report(strcmp(ecg.person.patient_id, "SBJ-7") == 0 && ecg.person.sex == EIN_SEX_FEMALE &&
               ecg.person.age_years == 41 && strcmp(ecg.person.acquired, "2002-11-22T09:10:05") == 0,
           "the person: %s %g %s", ecg.person.patient_id, ecg.person.age_years, ecg.person.acquired);
    report(strcmp(ecg.person.device, "Acme M 1; -150 Hz") == 0, "device and filter: %s", ecg.person.device);
    report(strcmp(ecg.person.record_id, "x") == 0, "the record's id");
    ein_ecg_free(&ecg);
    put("RHYTHM", usual_time,
        lead("MDC_ECG_LEAD_I", "<origin value='-1' unit='mV'/><scale value='5' unit='uV'/>", "0 200"), "");
    static const double one[] = {-1, 0};
    report(open_ecg(&ecg) && holds(&ecg, "I", one, 2, 1), "an origin in another unit than the scale");
    ein_ecg_free(&ecg);
    put("RHYTHM",
        "<component><sequence><code code='TIME_RELATIVE'/><value><increment value='4' unit='ms'/></value></sequence>"
        "</component>",
        lead("MDC_ECG_LEAD_I", usual_scale, "0 200"), "");
    report(open_ecg(&ecg) && ecg.fs_hz == 250, "relative time in ms");
    ein_ecg_free(&ecg);
}

static void check_refused(void) {
    const char *good = lead("MDC_ECG_LEAD_I", usual_scale, "1 2");
    put("REPRESENTATIVE_BEAT", usual_time, good, "");
    refused("averaged beats alone", EIN_OTHER, "there is: REPRESENTATIVE_BEAT");
    put_text("<AnnotatedECG xmlns='urn:hl7-org:v3'/>");
    refused("no series", EIN_OTHER, "without a <series>");
    put("RHYTHM", usual_time, good, "<component><sequenceSet/></component>");
    refused("a recording in pieces", EIN_OTHER, "several <sequenceSet>s");
    put("RHYTHM", "", good, "");
    refused("no time", EIN_FORMAT, "the sampling rate is not known");
    put("RHYTHM",
        "<component><sequence><code code='TIME_ABSOLUTE'/><value><increment value='2'/></value></sequence></component>",
        good, "");
    refused("a step without a unit", EIN_FORMAT, "<increment> has no unit");
    put("RHYTHM", usual_time, lead("MDC_ECG_LEAD_I", "<scale value='5'/>", "1"), "");
    refused("a scale without a unit", EIN_FORMAT, "<scale> has no unit");
    put("RHYTHM", usual_time, lead("MDC_ECG_LEAD_I", "<scale value='5' unit='mmHg'/>", "1"), "");
    refused("a scale that is no voltage", EIN_FORMAT, "\"mmHg\", a unit that is not known");
    put("RHYTHM", usual_time, lead("MDC_ECG_LEAD_I", "<origin value='3'/><scale value='5' unit='uV'/>", "1"),
        "");
    refused("an origin without a unit", EIN_FORMAT, "<origin> has no unit");
    put("RHYTHM", usual_time, lead("MDC_ECG_LEAD_I", "<scale value='0' unit='uV'/>", "1"), "");
    refused("a scale of 0", EIN_FORMAT, "no scale of an ECG");
    put("RHYTHM", usual_time, lead("MDC_ECG_LEAD_I", usual_scale, "1 2 x3"), "");
    refused("a value that is none", EIN_FORMAT, "I: value 3 is \"x3\"");
    put("RHYTHM", usual_time, lead("MDC_ECG_LEAD_I", usual_scale, "1 2.5"), "");
    refused("a value that is not whole", EIN_FORMAT, "value 2 is \"2.5\"");
    put("RHYTHM", usual_time, lead("MDC_ECG_LEAD_I", usual_scale, " "), "");
    refused("no values", EIN_CORRUPT, "no samples");
    char twice[2048];
    snprintf(twice, sizeof twice, "%s%s", good, lead("MDC_ECG_LEAD_I", usual_scale, "3 4"));
    put("RHYTHM", usual_time, twice, "");
    refused("a lead that is there twice", EIN_FORMAT, "lead I is there twice");
}

int main(void) {
    ecg_file_begin("x.xml");
    check_samples();
    check_refused();
    return ecg_file_end();
}
