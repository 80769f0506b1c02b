#include "io/ecg/muse_write.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "io/base/base64.h"

enum { LINE_CHARACTERS = 72, LEAST_EXPONENT = -6, DX_BYTES = EIN_ECG_DX_BYTES };

/* Leads that a reader computes from I and II. */
static bool is_computed(const ein_ecg *ecg, int l) {
    ein_lead lead = ecg->lead[l];
    bool limb = lead == EIN_LEAD_III || lead == EIN_LEAD_AVR || lead == EIN_LEAD_AVL || lead == EIN_LEAD_AVF;
    return limb && ein_ecg_find_lead(ecg, EIN_LEAD_I) >= 0 && ein_ecg_find_lead(ecg, EIN_LEAD_II) >= 0;
}

/* fs = base x 10^exponent with a whole base. */
static ein_status split_rate(const char *name, double fs_hz, double *base, int *exponent) {
    double scale = 1;
    for (*exponent = 0; *exponent >= LEAST_EXPONENT; --*exponent, scale *= 10) {
        *base = rint(fs_hz * scale);
        if (*base / scale == fs_hz && *base <= 1e9) return EIN_OK;
    }
    return ein_error(EIN_RANGE, "%s: a rate of %.12g Hz is no whole number of millionths", name, fs_hz);
}

/* --- the person ------------------------------------------------------------------------------------------ */

static void put_person(FILE *out, const ein_ecg *ecg, const ein_xml_write_options *options) {
    const ein_ecg_person *who = &ecg->person;
    fputs("   <PatientDemographics>\n", out);
    if (who->patient_id[0]) ein_xml_put_element(out, "      ", "PatientID", who->patient_id);
    if (!isnan(who->age_years))
        fprintf(out, "      <PatientAge>%d</PatientAge>\n      <AgeUnits>YEARS</AgeUnits>\n",
                (int)floor(who->age_years));
    if (who->sex != EIN_SEX_UNKNOWN)
        ein_xml_put_element(out, "      ", "Gender", who->sex == EIN_SEX_MALE ? "MALE" : "FEMALE");
    if (options->last_name) ein_xml_put_element(out, "      ", "PatientLastName", options->last_name);
    fputs("   </PatientDemographics>\n", out);
}

static void put_test(FILE *out, const ein_ecg *ecg) {
    ein_xml_time t;
    fputs("   <TestDemographics>\n      <DataType>RESTING</DataType>\n", out);
    if (ecg->person.device[0]) ein_xml_put_element(out, "      ", "AcquisitionDevice", ecg->person.device);
    if (ein_xml_take_time(ecg->person.acquired, &t))
        fprintf(out,
                "      <AcquisitionTime>%02u:%02u:%02u</AcquisitionTime>\n"
                "      <AcquisitionDate>%02u-%02u-%04u</AcquisitionDate>\n",
                t.hour, t.minute, t.second, t.month, t.day, t.year);
    fputs("   </TestDemographics>\n", out);
}

static void put_statement(FILE *out, const char *text) {
    fputs("      <DiagnosisStatement>\n         <StmtFlag>ENDSLINE</StmtFlag>\n", out);
    ein_xml_put_element(out, "         ", "StmtText", text);
    fputs("      </DiagnosisStatement>\n", out);
}

static void put_statements(FILE *out, const ein_ecg *ecg, const ein_xml_write_options *options) {
    char text[DX_BYTES];
    const char *at = ecg->person.dx;
    fputs("   <Diagnosis>\n      <Modality>RESTING</Modality>\n", out);
    for (int i = 0; i < options->n_comments; i++) put_statement(out, options->comments[i]);
    while (ein_xml_next_statement(&at, text, sizeof text)) put_statement(out, text);
    fputs("   </Diagnosis>\n", out);
}

/* --- samples --------------------------------------------------------------------------------------------- */

/* Memory of one lead. */
typedef struct {
    uint8_t *bytes;
    char *base64;
} scratch;

static ein_status scratch_new(const ein_ecg *ecg, scratch *s) {
    EIN_TRY(ein_calloc((void **)&s->bytes, ecg->n_samples, 2, "samples of a MUSE lead"));
    return ein_calloc((void **)&s->base64, (ecg->n_samples * 2 + 2) / 3 * 4 + 1, 1, "text of a MUSE lead");
}

static void put_lead(FILE *out, const ein_ecg *ecg, int l, double uv, scratch *s) {
    const float *mv = ecg->mv + l * ecg->n_samples;
    const size_t bytes = (size_t)ecg->n_samples * 2;
    bool any = false;
    for (int64_t t = 0; t < ecg->n_samples; t++) {
        const uint16_t count = (uint16_t)ein_xml_count(mv[t], uv);
        any = any || !isnan(mv[t]);
        s->bytes[2 * t] = (uint8_t)count;
        s->bytes[2 * t + 1] = (uint8_t)(count >> 8);
    }
    ein_base64_encode(s->bytes, bytes, s->base64);
    fprintf(out,
            "      <LeadData>\n"
            "         <LeadByteCountTotal>%zu</LeadByteCountTotal>\n"
            "         <LeadTimeOffset>0</LeadTimeOffset>\n"
            "         <LeadSampleCountTotal>%lld</LeadSampleCountTotal>\n"
            "         <LeadAmplitudeUnitsPerBit>%.12g</LeadAmplitudeUnitsPerBit>\n"
            "         <LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits>\n"
            "         <LeadHighLimit>32767</LeadHighLimit>\n"
            "         <LeadLowLimit>-32768</LeadLowLimit>\n",
            bytes, (long long)ecg->n_samples, uv);
    ein_xml_put_element(out, "         ", "LeadID", ecg->lead_name[l]);
    fprintf(out,
            "         <LeadOffsetFirstSample>0</LeadOffsetFirstSample>\n"
            "         <FirstSampleBaseline>0</FirstSampleBaseline>\n"
            "         <LeadSampleSize>2</LeadSampleSize>\n"
            "         <LeadOff>%s</LeadOff>\n"
            "         <BaselineSway>FALSE</BaselineSway>\n"
            "         <LeadDataCRC32>%lu</LeadDataCRC32>\n"
            "         <WaveFormData>\n",
            any ? "FALSE" : "TRUE", crc32_z(0, (const uint8_t *)s->bytes, bytes));
    for (const char *p = s->base64; *p; p += strnlen(p, LINE_CHARACTERS))
        fprintf(out, "%.*s\n", LINE_CHARACTERS, p);
    fputs("         </WaveFormData>\n      </LeadData>\n", out);
}

static void put_waveform(FILE *out, const ein_ecg *ecg, double base, int exponent, double uv, scratch *s) {
    int stored = 0;
    for (int l = 0; l < ecg->n_leads; l++) stored += !is_computed(ecg, l);
    fprintf(out,
            "   <Waveform>\n"
            "      <WaveformType>Rhythm</WaveformType>\n"
            "      <WaveformStartTime>0</WaveformStartTime>\n"
            "      <NumberofLeads>%d</NumberofLeads>\n"
            "      <SampleType>CONTINUOUS_SAMPLES</SampleType>\n"
            "      <SampleBase>%.0f</SampleBase>\n"
            "      <SampleExponent>%d</SampleExponent>\n",
            stored, base, exponent);
    for (int l = 0; l < ecg->n_leads; l++)
        if (!is_computed(ecg, l)) put_lead(out, ecg, l, uv, s);
    fputs("   </Waveform>\n", out);
}

/* --- the whole ------------------------------------------------------------------------------------------- */

ein_status ein_muse_write(const char *folder, const char *name, const ein_ecg *ecg,
                          const ein_xml_write_options *options) {
    double base = 0;
    int exponent = 0;
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = NULL;
    scratch s = {NULL, NULL};
    EIN_TRY(ein_xml_write_check(name, ecg, options));
    EIN_TRY(split_rate(name, ecg->fs_hz, &base, &exponent));
    ein_status status = scratch_new(ecg, &s);
    if (status == EIN_OK && (out = open_memstream(&text, &bytes)) == NULL)
        status = ein_error(EIN_NOMEM, "%s: no memory for the text of a file", name);
    if (status == EIN_OK) {
        ein_xml_put_start(out, "<!DOCTYPE RestingECG SYSTEM \"restecg.dtd\">", options);
        fputs("<RestingECG>\n", out);
        put_person(out, ecg, options);
        put_test(out, ecg);
        put_statements(out, ecg, options);
        put_waveform(out, ecg, base, exponent, options->uv_per_count, &s);
        fputs("</RestingECG>\n", out);
        status = ein_xml_write_file(folder, name, out, &text, &bytes);
    }
    free(s.bytes);
    free(s.base64);
    return status;
}
