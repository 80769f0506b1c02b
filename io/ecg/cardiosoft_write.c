#include "io/ecg/cardiosoft_write.h"

#include <math.h>
#include <string.h>

enum { LINE_VALUES = 25 };

/* --- the person ------------------------------------------------------------------------------------------ */

static void put_time(FILE *out, const char *acquired) {
    ein_xml_time t;
    if (!ein_xml_take_time(acquired, &t)) return;
    fprintf(out,
            "\t<ObservationDateTime>\n\t\t<Hour>%u</Hour>\n\t\t<Minute>%u</Minute>\n\t\t<Second>%u</Second>\n"
            "\t\t<Day>%u</Day>\n\t\t<Month>%u</Month>\n\t\t<Year>%u</Year>\n\t</ObservationDateTime>\n",
            t.hour, t.minute, t.second, t.day, t.month, t.year);
}

static void put_clinic(FILE *out, const ein_ecg *ecg, const ein_xml_write_options *options) {
    fputs("\t<ClinicalInfo>\n\t\t<ObservationComment>", out);
    for (int i = 0; i < options->n_comments; i++) {
        if (i) fputc(' ', out);
        ein_xml_put_text(out, options->comments[i]);
    }
    fputs("</ObservationComment>\n\t\t<DeviceInfo>\n", out);
    if (ecg->person.device[0]) ein_xml_put_element(out, "\t\t\t", "Desc", ecg->person.device);
    fputs("\t\t</DeviceInfo>\n\t</ClinicalInfo>\n", out);
}

static void put_person(FILE *out, const ein_ecg *ecg, const ein_xml_write_options *options) {
    const ein_ecg_person *who = &ecg->person;
    fputs("\t<PatientInfo>\n", out);
    if (who->patient_id[0]) ein_xml_put_element(out, "\t\t", "PID", who->patient_id);
    if (options->last_name) {
        fputs("\t\t<Name>\n", out);
        ein_xml_put_element(out, "\t\t\t", "FamilyName", options->last_name);
        fputs("\t\t</Name>\n", out);
    }
    if (!isnan(who->age_years))
        fprintf(out, "\t\t<Age units=\"years\">%d</Age>\n", (int)floor(who->age_years));
    if (who->sex != EIN_SEX_UNKNOWN)
        ein_xml_put_element(out, "\t\t", "Gender", who->sex == EIN_SEX_MALE ? "MALE" : "FEMALE");
    fputs("\t</PatientInfo>\n", out);
}

static void put_statements(FILE *out, const ein_ecg *ecg, const ein_xml_write_options *options) {
    char text[EIN_ECG_DX_BYTES];
    const char *at = ecg->person.dx;
    fputs("\t<Interpretation>\n\t\t<Diagnosis>\n", out);
    for (int i = 0; i < options->n_comments; i++)
        ein_xml_put_element(out, "\t\t\t", "DiagnosisText", options->comments[i]);
    while (ein_xml_next_statement(&at, text, sizeof text))
        ein_xml_put_element(out, "\t\t\t", "DiagnosisText", text);
    fputs("\t\t</Diagnosis>\n\t</Interpretation>\n", out);
}

/* --- samples --------------------------------------------------------------------------------------------- */

/* printf would take longer than everything else together. */
static char *put_count(char *to, int count) {
    unsigned left = (unsigned)(count < 0 ? -count : count), place = 1;
    if (count < 0) *to++ = '-';
    while (left / place >= 10) place *= 10;
    for (; place > 0; place /= 10) *to++ = (char)('0' + left / place % 10);
    return to;
}

static void put_lead(FILE *out, const ein_ecg *ecg, int l, double uv) {
    const float *mv = ecg->mv + l * ecg->n_samples;
    char line[LINE_VALUES * 8 + 8], *to = line;
    fputs("\t\t<WaveformData lead=\"", out);
    ein_xml_put_text(out, ecg->lead_name[l]);
    fputs("\">\n\t\t\t", out);
    for (int64_t t = 0; t < ecg->n_samples; t++) {
        to = put_count(to, ein_xml_count(mv[t], uv));
        const bool last = t + 1 == ecg->n_samples;
        if (!last) *to++ = ',';
        if (!last && (t + 1) % LINE_VALUES != 0) continue;
        fwrite(line, 1, (size_t)(to - line), out);
        fputs(last ? "\n\t\t" : "\n\t\t\t", out);
        to = line;
    }
    fputs("</WaveformData>\n", out);
}

static void put_strip(FILE *out, const ein_ecg *ecg, double uv) {
    fprintf(
        out,
        "\t<StripData>\n\t\t<NumberOfLeads>%d</NumberOfLeads>\n\t\t<SampleRate units=\"Hz\">%.12g</SampleRate>\n"
        "\t\t<ChannelSampleCountTotal>%lld</ChannelSampleCountTotal>\n"
        "\t\t<Resolution units=\"uVperLsb\">%.12g</Resolution>\n",
        ecg->n_leads, ecg->fs_hz, (long long)ecg->n_samples, uv);
    for (int l = 0; l < ecg->n_leads; l++) put_lead(out, ecg, l, uv);
    fputs("\t</StripData>\n", out);
}

/* --- the whole ------------------------------------------------------------------------------------------- */

ein_status ein_cardiosoft_write(const char *folder, const char *name, const ein_ecg *ecg,
                                const ein_xml_write_options *options) {
    char *text = NULL;
    size_t bytes = 0;
    EIN_TRY(ein_xml_write_check(name, ecg, options));
    FILE *out = open_memstream(&text, &bytes);
    if (!out) return ein_error(EIN_NOMEM, "%s: no memory for the text of a file", name);
    ein_xml_put_start(out, "", options);
    fputs("<CardiologyXML>\n\t<ObservationType>RestECG</ObservationType>\n", out);
    put_time(out, ecg->person.acquired);
    put_clinic(out, ecg, options);
    put_person(out, ecg, options);
    put_statements(out, ecg, options);
    put_strip(out, ecg, options->uv_per_count);
    fputs("</CardiologyXML>\n", out);
    return ein_xml_write_file(folder, name, out, &text, &bytes);
}
