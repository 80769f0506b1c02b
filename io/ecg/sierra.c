#include "io/ecg/sierra.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/base/base64.h"
#include "io/ecg/counts.h"
#include "io/ecg/person.h"
#include "io/ecg/xli.h"
#include "io/ecg/xml_person.h"
#include "io/formats/xml_text.h"

enum {
    TEXT_BYTES = 256,
    NAMES_BYTES = EIN_MAX_LEADS * EIN_LEAD_NAME_BYTES,
    LIMB_LEADS = 6,
    MOST_BEHIND = 1 << 16
};

typedef struct {
    ein_xml *xml;
    const ein_xml_node *root, *acquisition, *signal, *waves;
    ein_counts counts;
    int64_t n_samples;
    bool is_signed;
    uint8_t *bytes; /* decoded, owned */
    size_t n_bytes;
} reader;

/* --- settings -------------------------------------------------------------------------------------------- */

/* An attribute of the waveform, or an element of the signal's characteristics. */
static bool setting(const reader *r, const char *attribute, const char *element, char *out, size_t room) {
    return ein_xml_attribute(r->waves, attribute, out, room) ||
           ein_xml_text(ein_xml_child(r->signal, element), out, room);
}

static bool to_number(const char *text, double *out) {
    char *end;
    if (!text[0] || text[strspn(text, "+-.0123456789eE")]) return false;
    *out = strtod(text, &end);
    return !*end && isfinite(*out);
}

static ein_status number(const reader *r, const char *attribute, const char *element, const char *older,
                         double min, double max, double *out) {
    char text[TEXT_BYTES];
    if (!setting(r, attribute, element, text, sizeof text) &&
        !ein_xml_text(ein_xml_child(r->signal, older), text, sizeof text))
        return ein_xml_error(r->xml, r->waves, "neither %s of <parsedwaveforms> nor <%s> is there", attribute,
                             element);
    if (to_number(text, out) && *out >= min && *out <= max) return EIN_OK;
    return ein_xml_error(r->xml, r->waves, "%s is \"%s\"; %g to %g is possible", element, text, min, max);
}

static ein_status check_version(const reader *r) {
    static const char *const versions[] = {"1.03", "1.04", "1.04.01", "1.04.02"};
    char type[TEXT_BYTES], version[TEXT_BYTES];
    const ein_xml_node *info = ein_xml_child(r->root, "documentinfo");
    ein_xml_text(ein_xml_child(info, "documenttype"), type, sizeof type);
    ein_xml_text(ein_xml_child(info, "documentversion"), version, sizeof version);
    const bool known = strcasecmp(type, "SierraECG") == 0 || strcasecmp(type, "PhilipsECG") == 0;
    for (size_t i = 0; known && i < sizeof versions / sizeof versions[0]; i++)
        if (strcmp(version, versions[i]) == 0) return EIN_OK;
    (void)ein_xml_error(
        r->xml, info ? info : r->root,
        "Philips Sierra XML of document type \"%s\", version \"%s\"; SierraECG and PhilipsECG 1.03 to "
        "1.04.02 are read",
        type, version);
    return EIN_OTHER;
}

static ein_status read_settings(reader *r) {
    char text[TEXT_BYTES];
    double uv, zero = 0, ms;
    EIN_TRY(number(r, "samplespersecond", "samplingrate", "samplingrate", 1, 1e6, &r->counts.fs_hz));
    EIN_TRY(number(r, "resolution", "resolution", "signalresolution", 1e-6, 1e6, &uv));
    EIN_TRY(number(r, "durationperchannel", "durationperchannel", "durationperchannel", 1, 4e9, &ms));
    if (setting(r, "signaloffset", "signaloffset", text, sizeof text) && !to_number(text, &zero))
        return ein_xml_error(r->xml, r->waves, "signaloffset is \"%s\", not a number", text);
    r->is_signed =
        !setting(r, "signalsigned", "signalsigned", text, sizeof text) || strcasecmp(text, "false") != 0;
    if (setting(r, "bitspersample", "bitspersample", text, sizeof text) && strcmp(text, "16") != 0)
        return ein_xml_error(r->xml, r->waves, "%s bits per sample; 16 are read", text);
    const double samples = rint(ms * r->counts.fs_hz / 1000);
    if (!(samples >= 1 && samples <= (double)EIN_ECG_MAX_SAMPLES))
        return ein_xml_error(r->xml, r->waves, "%g ms at %g Hz: no length of a recording", ms,
                             r->counts.fs_hz);
    r->n_samples = (int64_t)samples;
    for (int i = 0; i < r->counts.n_leads; i++) {
        r->counts.lead[i].mv_per_count = uv / 1000;
        r->counts.lead[i].zero = zero;
        r->counts.lead[i].notes = EIN_NOTE_NO_CHECKSUM;
    }
    return EIN_OK;
}

/* --- leads ----------------------------------------------------------------------------------------------- */

static ein_status name_lead(reader *r, const char *name, size_t n) {
    if (r->counts.n_leads == EIN_MAX_LEADS)
        return ein_xml_error(r->xml, r->waves, "more than %d leads", EIN_MAX_LEADS);
    ein_counts_lead *l = &r->counts.lead[r->counts.n_leads];
    snprintf(l->name, sizeof l->name, "%.*s", (int)n, name);
    for (int i = 0; i < r->counts.n_leads; i++)
        if (strcasecmp(r->counts.lead[i].name, l->name) == 0)
            return ein_xml_error(r->xml, r->waves, "lead %s is there twice", l->name);
    r->counts.n_leads++;
    return EIN_OK;
}

/* Documents of 1.03 do not name leads: how they were taken says which they are. */
static ein_status name_by_acquisition(reader *r) {
    char text[TEXT_BYTES];
    int64_t n;
    EIN_TRY(ein_xml_int(r->xml, r->signal, "numberchannelsallocated", 1, EIN_MAX_LEADS, &n));
    const bool is = ein_xml_text(ein_xml_child(r->signal, "acquisitiontype"), text, sizeof text) ||
                    ein_xml_text(ein_xml_child(r->signal, "leadset"), text, sizeof text);
    if (!is || (strcasecmp(text, "STD-12") != 0 && strcasecmp(text, "10-WIRE") != 0) || n > EIN_LEAD_COUNT_12)
        return ein_xml_error(r->xml, r->waves,
                             "%lld leads without names, taken as \"%s\": which they are is not known",
                             (long long)n, is ? text : "");
    for (int i = 0; i < n; i++) EIN_TRY(name_lead(r, ein_lead_name((ein_lead)i), EIN_LEAD_NAME_BYTES));
    return EIN_OK;
}

static ein_status name_leads(reader *r) {
    char names[NAMES_BYTES];
    double n = EIN_MAX_LEADS;
    char text[TEXT_BYTES];
    if (!ein_xml_attribute(r->waves, "leadlabels", names, sizeof names)) return name_by_acquisition(r);
    if (ein_xml_attribute(r->waves, "numberofleads", text, sizeof text) && !to_number(text, &n)) n = 0;
    for (const char *p = names; *p && r->counts.n_leads < n; p += strspn(p, " ")) {
        const size_t bytes = strcspn(p, " ");
        EIN_TRY(name_lead(r, p, bytes));
        p += bytes;
    }
    return r->counts.n_leads > 0 ? EIN_OK : ein_xml_error(r->xml, r->waves, "no leads are named");
}

/* --- samples --------------------------------------------------------------------------------------------- */

static ein_status decode(reader *r) {
    char encoding[TEXT_BYTES];
    const char *text;
    char *owned;
    size_t n, at;
    ein_xml_attribute(r->waves, "dataencoding", encoding, sizeof encoding);
    if (strcasecmp(encoding, "Base64") != 0)
        return ein_xml_error(r->xml, r->waves, "samples are encoded as \"%s\"; Base64 is read", encoding);
    EIN_TRY(ein_xml_content(r->waves, &text, &n, &owned));
    ein_status status =
        ein_calloc((void *)&r->bytes, (int64_t)(n / 4) * 3 + 3, 1, "samples of a Sierra file");
    const int64_t bytes = status == EIN_OK ? ein_base64_decode(text, n, r->bytes, &at) : 0;
    free(owned);
    EIN_TRY(status);
    if (bytes < 0)
        return ein_xml_error(r->xml, r->waves, "base64 is wrong at character %zu of %zu; damaged", at + 1, n);
    r->n_bytes = (size_t)bytes;
    return EIN_OK;
}

static ein_status too_short(const reader *r, const ein_counts_lead *l) {
    (void)ein_xml_error(r->xml, r->waves, "lead %s holds %lld samples, %lld are stated; damaged or cut",
                        l->name, (long long)l->n, (long long)r->n_samples);
    return EIN_CORRUPT;
}

static ein_status take_plain(reader *r) {
    const uint8_t *p = r->bytes;
    if (r->n_bytes / 2 / (size_t)r->counts.n_leads < (size_t)r->n_samples) {
        (void)ein_xml_error(r->xml, r->waves,
                            "%zu bytes hold fewer than %d leads of %lld samples; damaged or cut", r->n_bytes,
                            r->counts.n_leads, (long long)r->n_samples);
        return EIN_CORRUPT;
    }
    for (int i = 0; i < r->counts.n_leads; i++) {
        ein_counts_lead *l = &r->counts.lead[i];
        EIN_TRY(EIN_NEW(l->count, r->n_samples));
        for (l->n = 0; l->n < r->n_samples; l->n++, p += 2) {
            const uint16_t word = (uint16_t)(p[0] | p[1] << 8);
            l->count[l->n] = r->is_signed ? (int16_t)word : word;
        }
    }
    return EIN_OK;
}

static int32_t half(uint32_t sum) {
    const int32_t value = (int32_t)sum;
    return value < 0 ? (value - 1) / 2 : value / 2; /* downwards */
}

/* III, aVR, aVL, aVF of what rounding leaves; sums wrap in damaged files. */
static void restore_limb_leads(ein_counts *c) {
    for (int i = 0; i < LIMB_LEADS; i++)
        if (c->n_leads < LIMB_LEADS || ein_lead_parse(c->lead[i].name) != (ein_lead)i) return;
    for (int64_t t = 0; t < c->lead[0].n; t++) {
        const uint32_t one = (uint32_t)c->lead[0].count[t], two = (uint32_t)c->lead[1].count[t];
        const uint32_t three = two - one - (uint32_t)c->lead[2].count[t];
        int32_t *avr = &c->lead[3].count[t], *avl = &c->lead[4].count[t], *avf = &c->lead[5].count[t];
        c->lead[2].count[t] = (int32_t)three;
        *avr = (int32_t)(0u - (uint32_t)half(one + two) - (uint32_t)*avr);
        *avl = (int32_t)((uint32_t)half(one - three) - (uint32_t)*avl);
        *avf = (int32_t)((uint32_t)half(two + three) - (uint32_t)*avf);
    }
}

static ein_status take_xli(reader *r) {
    size_t at = 0;
    for (int i = 0; i < r->counts.n_leads; i++) {
        ein_counts_lead *l = &r->counts.lead[i];
        ein_status status =
            ein_xli_lead(r->bytes, r->n_bytes, &at, r->n_samples + MOST_BEHIND, &l->count, &l->n);
        if (status == EIN_CORRUPT) {
            char why[TEXT_BYTES];
            snprintf(why, sizeof why, "%s", ein_error_message());
            (void)ein_xml_error(r->xml, r->waves, "lead %s: %s", l->name, why);
        }
        EIN_TRY(status);
        if (l->n < r->n_samples) return too_short(r, l);
        l->n = r->n_samples;
    }
    restore_limb_leads(&r->counts);
    return EIN_OK;
}

static ein_status read_samples(reader *r) {
    char method[TEXT_BYTES], flag[TEXT_BYTES];
    if (!ein_xml_attribute(r->waves, "compression", method, sizeof method))
        ein_xml_attribute(r->waves, "compressmethod", method, sizeof method);
    ein_xml_attribute(r->waves, "compressflag", flag, sizeof flag);
    const bool plain = !method[0] || strcasecmp(method, "uncompressed") == 0 ||
                       strcasecmp(method, "none") == 0 || strcasecmp(flag, "false") == 0;
    if (!plain && strcasecmp(method, "XLI") != 0) {
        (void)ein_xml_error(r->xml, r->waves, "samples are compressed by \"%s\"; XLI and none are read",
                            method);
        return EIN_OTHER;
    }
    EIN_TRY(decode(r));
    return plain ? take_plain(r) : take_xli(r);
}

/* --- the person ------------------------------------------------------------------------------------------ */

static void take_day(const char *text, ein_xml_date *d) {
    int used = 0;
    ein_xml_date day = {-1, -1, -1, -1, -1, -1};
    if (sscanf(text, "%4d-%2d-%2d%n", &day.year, &day.month, &day.day, &used) == 3 && !text[used]) {
        d->year = day.year;
        d->month = day.month;
        d->day = day.day;
    }
}

static void take_time(const char *text, ein_xml_date *d) {
    int hour, minute, second, used = 0;
    if (sscanf(text, "%2d:%2d:%2d%n", &hour, &minute, &second, &used) != 3 || text[used]) return;
    d->hour = hour;
    d->minute = minute;
    d->second = second;
}

static void read_times(const reader *r, const ein_xml_node *patient, ein_ecg_person *person) {
    ein_xml_date when = {-1, -1, -1, -1, -1, -1}, birth = when;
    char text[TEXT_BYTES];
    if (ein_xml_attribute(r->acquisition, "date", text, sizeof text)) take_day(text, &when);
    if (ein_xml_attribute(r->acquisition, "time", text, sizeof text)) take_time(text, &when);
    ein_xml_acquired(&when, person);
    /* The attribute defaultage is a setting of the cart. */
    if (ein_xml_text(ein_xml_find(patient, "age/years"), text, sizeof text)) ein_xml_age(text, "", person);
    if (ein_xml_text(ein_xml_find(patient, "age/dateofbirth"), text, sizeof text) ||
        ein_xml_text(ein_xml_child(patient, "dateofbirth"), text, sizeof text))
        take_day(text, &birth);
    ein_xml_age_from_birth(&birth, &when, person);
}

static void read_device(const reader *r, ein_ecg_person *person) {
    char text[TEXT_BYTES], high[TEXT_BYTES] = "", low[TEXT_BYTES] = "", notch[TEXT_BYTES] = "";
    double high_hz = 0, low_hz = 0, notch_hz = 0;
    const ein_xml_node *machine = ein_xml_child(r->acquisition, "machine");
    ein_person_add_device("Philips", person);
    if (ein_xml_text(machine, text, sizeof text)) ein_person_add_device(text, person);
    if (ein_xml_attribute(machine, "detaildescription", text, sizeof text))
        ein_person_add_device(text, person);
    if (ein_xml_text(ein_xml_child(r->signal, "signalbandwidth"), text, sizeof text)) {
        char *dash = strchr(text, '-');
        if (dash) *dash = '\0';
        snprintf(high, sizeof high, "%s", text);
        if (dash) snprintf(low, sizeof low, "%s", dash + 1);
    }
    (void)(high[0] || setting(r, "hipass", "hipass", high, sizeof high));
    (void)(low[0] || setting(r, "lowpass", "lowpass", low, sizeof low));
    const bool notched =
        setting(r, "notchfiltered", "notchfiltered", text, sizeof text) && strcasecmp(text, "true") == 0;
    if (notched) setting(r, "notchfilterfreqs", "notchfilterfreqs", notch, sizeof notch);
    to_number(high, &high_hz);
    to_number(low, &low_hz);
    to_number(notch, &notch_hz);
    ein_person_add_filters(high_hz, low_hz, notch_hz, person);
}

static void read_statements(const reader *r, ein_ecg_person *person) {
    char text[TEXT_BYTES];
    const ein_xml_node *s = ein_xml_find(r->root, "interpretations/interpretation/statement");
    bool room = true;
    for (; s && room; s = ein_xml_next(s, "statement")) {
        if (ein_xml_text(ein_xml_child(s, "leftstatement"), text, sizeof text) ||
            ein_xml_text(ein_xml_child(s, "statementcode"), text, sizeof text))
            room = ein_xml_add_statement(text, person);
    }
}

static ein_status read_person(const reader *r, const char *path, ein_ecg_person *person) {
    const ein_xml_node *patient = ein_xml_find(r->root, "patient/generalpatientdata");
    ein_person_record_id(path, "xml", person);
    EIN_TRY(ein_xml_patient_id(r->xml, ein_xml_child(patient, "patientid"), person));
    if (!person->patient_id[0]) EIN_TRY(ein_xml_patient_id(r->xml, ein_xml_child(patient, "MRN"), person));
    ein_xml_sex(ein_xml_child(patient, "sex"), person);
    read_times(r, patient, person);
    read_device(r, person);
    read_statements(r, person);
    return EIN_OK;
}

/* --- the whole ------------------------------------------------------------------------------------------- */

static ein_status find_waves(reader *r) {
    r->acquisition = ein_xml_child(r->root, "dataacquisition");
    r->signal = ein_xml_child(r->acquisition, "signalcharacteristics");
    r->waves = ein_xml_find(r->root, "waveforms/parsedwaveforms");
    if (!r->waves) r->waves = ein_xml_child(r->root, "parsedwaveforms");
    if (r->waves) return EIN_OK;
    (void)ein_xml_error(r->xml, r->root,
                        "Philips Sierra XML without <parsedwaveforms>: exported without the signal");
    return EIN_OTHER;
}

static ein_status read_all(reader *r, const ein_content *file, ein_ecg *ecg) {
    EIN_TRY(ein_xml_parse(file, &r->xml));
    r->root = ein_xml_root(r->xml);
    if (!ein_xml_is(r->root, "restingecgdata"))
        return ein_xml_error(r->xml, r->root,
                             "not Philips Sierra XML: its first element is not <restingecgdata>");
    EIN_TRY(check_version(r));
    EIN_TRY(find_waves(r));
    EIN_TRY(name_leads(r));
    EIN_TRY(read_settings(r));
    EIN_TRY(read_samples(r));
    ein_counts_drop_pulse(&r->counts);
    EIN_TRY(ein_counts_to_ecg(file->path, &r->counts, ecg));
    ecg->text_converted = ein_xml_repair(r->xml).converted;
    ecg->text_replaced = ein_xml_repair(r->xml).replaced;
    return read_person(r, file->path, &ecg->person);
}

ein_status ein_sierra_read(const ein_content *file, ein_ecg *ecg) {
    reader *r = NULL;
    memset(ecg, 0, sizeof *ecg);
    EIN_TRY(EIN_NEW(r, 1));
    ein_status status = read_all(r, file, ecg);
    ein_counts_free(&r->counts);
    ein_xml_close(r->xml);
    free(r->bytes);
    free(r);
    if (status != EIN_OK) ein_ecg_free(ecg);
    return status;
}
