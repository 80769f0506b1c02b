#include "io/ecg/muse.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "core/base/elementary.h"
#include "core/signal/gain.h"
#include "io/base/base64.h"
#include "io/ecg/person.h"
#include "io/ecg/xml_person.h"
#include "io/formats/xml_text.h"

enum {
    MISSING = -32768,
    BELIEVED_VALUES = 1 << 20,
    BELIEVED_FACTOR = 16,
    DERIVED = 4,
    N_UNITS = 3,
    TEXT_BYTES = 256
};

/* One LeadData. */
typedef struct {
    const ein_xml_node *node;
    char name[EIN_LEAD_NAME_BYTES];
    uint8_t *bytes; /* decoded, owned */
    int64_t stated, held;
    double mv_per_count;
    uint32_t notes;
} stored_lead;

typedef struct {
    ein_xml *xml;
    const ein_xml_node *root, *waveform;
    double fs_hz;
    stored_lead lead[EIN_MAX_LEADS];
    int n_leads;
    bool leads_missing; /* fewer than NumberofLeads */
    int64_t n_samples;
} reader;

/* --- the waveform ---------------------------------------------------------------------------------------- */

static ein_status no_rhythm(const reader *r) {
    char types[TEXT_BYTES] = "", type[32];
    size_t used = 0;
    const ein_xml_node *w = ein_xml_child(r->root, "Waveform");
    if (!w)
        return ein_xml_error(r->xml, r->root, "MUSE XML without a <Waveform>: exported without the signal");
    for (int i = 0; w && i < 4; w = ein_xml_next(w, "Waveform"), i++) {
        if (!ein_xml_text(ein_xml_child(w, "WaveformType"), type, sizeof type))
            snprintf(type, sizeof type, "none");
        used += (size_t)snprintf(types + used, sizeof types - used, "%s%s", used ? ", " : "", type);
    }
    (void)ein_xml_error(
        r->xml, ein_xml_child(r->root, "Waveform"),
        "MUSE XML without a waveform of type Rhythm (there is: %s); averaged beats are no recording, "
        "export the rhythm",
        types);
    return EIN_OTHER;
}

static ein_status choose_waveform(reader *r) {
    char type[32];
    const ein_xml_node *w = ein_xml_child(r->root, "Waveform");
    for (; w; w = ein_xml_next(w, "Waveform"))
        if (ein_xml_text(ein_xml_child(w, "WaveformType"), type, sizeof type) &&
            strcasecmp(type, "Rhythm") == 0)
            break;
    if (!w) return no_rhythm(r);
    r->waveform = w;
    const ein_xml_node *kind = ein_xml_child(w, "SampleType");
    if (ein_xml_text(kind, type, sizeof type) && strcasecmp(type, "CONTINUOUS_SAMPLES") != 0)
        return ein_xml_error(r->xml, kind, "<SampleType> is %s; CONTINUOUS_SAMPLES are read", type);
    return EIN_OK;
}

static ein_status read_rate(reader *r) {
    double base;
    int64_t exponent = 0;
    EIN_TRY(ein_xml_real(r->xml, r->waveform, "SampleBase", 1e-3, 1e9, &base));
    EIN_TRY(ein_xml_int_if_there(r->xml, r->waveform, "SampleExponent", -9, 9, &exponent));
    r->fs_hz = exponent < 0 ? base / ein_ten_to((int)-exponent) : base * ein_ten_to((int)exponent);
    if (r->fs_hz >= 1 && r->fs_hz <= 1e6) return EIN_OK;
    return ein_xml_error(r->xml, ein_xml_child(r->waveform, "SampleBase"),
                         "<SampleBase> and <SampleExponent> give %g Hz; 1 to 1000000 Hz are read", r->fs_hz);
}

/* --- leads ----------------------------------------------------------------------------------------------- */

static ein_status read_units(const reader *r, stored_lead *l) {
    static const struct {
        const char *name;
        double times, by;
    } units[N_UNITS] = {{"MICROVOLTS", 1, 1000}, {"MILLIVOLTS", 1, 1}, {"VOLTS", 1000, 1}};
    char text[32];
    double per_bit;
    size_t i = 0;
    EIN_TRY(ein_xml_real(r->xml, l->node, "LeadAmplitudeUnitsPerBit", 1e-9, 1e9, &per_bit));
    const ein_xml_node *unit = ein_xml_child(l->node, "LeadAmplitudeUnits");
    if (!ein_xml_text(unit, text, sizeof text))
        return ein_xml_error(r->xml, l->node, "lead %s has no <LeadAmplitudeUnits>: its scale is not known",
                             l->name);
    while (i < N_UNITS && strcasecmp(text, units[i].name) != 0) i++;
    if (i == N_UNITS)
        return ein_xml_error(
            r->xml, unit, "<LeadAmplitudeUnits> is \"%s\"; MICROVOLTS, MILLIVOLTS and VOLTS are read", text);
    l->mv_per_count = per_bit * units[i].times / units[i].by;
    return EIN_OK;
}

/* Values that would move the signal, if programs agreed on how. */
static ein_status check_offsets(const reader *r, const stored_lead *l) {
    static const char *const names[] = {"LeadOffsetFirstSample", "LeadTimeOffset", "FirstSampleBaseline"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        int64_t value = 0;
        EIN_TRY(ein_xml_int_if_there(r->xml, l->node, names[i], INT32_MIN, UINT32_MAX, &value));
        if (value != 0)
            return ein_xml_error(
                r->xml, ein_xml_child(l->node, names[i]),
                "lead %s: <%s> is %lld; what other values than 0 mean is not settled, so the lead "
                "is not read",
                l->name, names[i], (long long)value);
    }
    int64_t size = 2;
    EIN_TRY(ein_xml_int_if_there(r->xml, l->node, "LeadSampleSize", 1, 64, &size));
    if (size == 2) return EIN_OK;
    return ein_xml_error(r->xml, l->node, "lead %s: samples of %lld bytes; 2 bytes are read", l->name,
                         (long long)size);
}

static ein_status decode(const reader *r, stored_lead *l) {
    const ein_xml_node *node = ein_xml_child(l->node, "WaveFormData");
    const char *text;
    char *owned;
    size_t n, at;
    if (!node) return ein_xml_error(r->xml, l->node, "lead %s has no <WaveFormData>", l->name);
    EIN_TRY(ein_xml_content(node, &text, &n, &owned));
    ein_status status = ein_calloc((void **)&l->bytes, (int64_t)(n / 4) * 3 + 3, 1, "samples of a MUSE lead");
    int64_t bytes = status == EIN_OK ? ein_base64_decode(text, n, l->bytes, &at) : 0;
    free(owned);
    EIN_TRY(status);
    if (bytes < 0)
        return ein_xml_error(r->xml, node, "lead %s: base64 is wrong at character %zu of %zu; damaged",
                             l->name, at + 1, n);
    if (bytes == 0 || bytes % 2 != 0)
        return ein_xml_error(r->xml, node, "lead %s: %lld bytes are no whole number of 2-byte samples",
                             l->name, (long long)bytes);
    l->held = bytes / 2;
    return EIN_OK;
}

static ein_status check_counts(const reader *r, stored_lead *l) {
    int64_t crc = 0;
    l->stated = l->held;
    EIN_TRY(
        ein_xml_int_if_there(r->xml, l->node, "LeadSampleCountTotal", 1, EIN_ECG_MAX_SAMPLES, &l->stated));
    EIN_TRY(ein_xml_int_if_there(r->xml, l->node, "LeadDataCRC32", INT32_MIN, UINT32_MAX, &crc));
    if (crc == 0)
        l->notes |= EIN_NOTE_NO_CHECKSUM;
    else if ((uint32_t)crc != crc32_z(0, (const uint8_t *)l->bytes, (size_t)l->held * 2))
        l->notes |= EIN_NOTE_CHECKSUM;
    if (l->held > l->stated) l->notes |= EIN_NOTE_CHECKSUM;
    if (l->held > l->stated) l->held = l->stated;
    return EIN_OK;
}

static int find_stored(const reader *r, ein_lead lead) {
    for (int i = 0; i < r->n_leads; i++)
        if (ein_lead_parse(r->lead[i].name) == lead) return i;
    return -1;
}

static ein_status read_lead(reader *r, const ein_xml_node *node) {
    if (r->n_leads == EIN_MAX_LEADS) return ein_xml_error(r->xml, node, "more than %d leads", EIN_MAX_LEADS);
    stored_lead *l = &r->lead[r->n_leads];
    l->node = node;
    if (!ein_xml_text(ein_xml_child(node, "LeadID"), l->name, sizeof l->name))
        return ein_xml_error(r->xml, node, "<LeadData> has no <LeadID>: which lead it is is not known");
    for (int i = 0; i < r->n_leads; i++)
        if (strcasecmp(r->lead[i].name, l->name) == 0)
            return ein_xml_error(r->xml, node, "lead %s is there twice", l->name);
    r->n_leads++;
    EIN_TRY(read_units(r, l));
    EIN_TRY(check_offsets(r, l));
    EIN_TRY(decode(r, l));
    EIN_TRY(check_counts(r, l));
    if (l->stated > r->n_samples) r->n_samples = l->stated;
    return EIN_OK;
}

/* A promise of very many samples with few behind it is damage, not a recording to make room for. */
static ein_status believe_length(const reader *r) {
    int64_t values = r->n_samples * r->n_leads, held = 0;
    for (int i = 0; i < r->n_leads; i++) held += r->lead[i].held;
    if (values <= BELIEVED_VALUES || held >= values / BELIEVED_FACTOR) return EIN_OK;
    (void)ein_xml_error(r->xml, r->waveform,
                        "%d leads of %lld samples are stated, %lld samples are there; damaged", r->n_leads,
                        (long long)r->n_samples, (long long)held);
    return EIN_CORRUPT;
}

static ein_status read_leads(reader *r) {
    int64_t stated = 0;
    const ein_xml_node *node = ein_xml_child(r->waveform, "LeadData");
    if (!node) return ein_xml_error(r->xml, r->waveform, "the rhythm waveform has no <LeadData>");
    for (; node; node = ein_xml_next(node, "LeadData")) EIN_TRY(read_lead(r, node));
    EIN_TRY(ein_xml_int_if_there(r->xml, r->waveform, "NumberofLeads", 0, 1000, &stated));
    r->leads_missing = r->n_leads < stated;
    for (int i = 0; i < r->n_leads; i++)
        if (r->lead[i].held < r->n_samples) r->lead[i].notes |= EIN_NOTE_TRUNCATED;
    return believe_length(r);
}

/* --- samples --------------------------------------------------------------------------------------------- */

static double count_at(const stored_lead *l, int64_t t) {
    if (t >= l->held) return NAN;
    int16_t count = (int16_t)(uint16_t)(l->bytes[2 * t] | l->bytes[2 * t + 1] << 8);
    return count == MISSING ? NAN : count;
}

static void name_lead(ein_ecg *ecg, int i, const char *name, uint32_t notes) {
    ecg->lead[i] = ein_lead_parse(name);
    snprintf(ecg->lead_name[i], sizeof ecg->lead_name[i], "%s", name);
    ecg->lead_notes[i] = notes;
    ecg->notes |= notes;
}

static void take_stored(const reader *r, ein_ecg *ecg) {
    for (int i = 0; i < r->n_leads; i++) {
        const stored_lead *l = &r->lead[i];
        float *mv = ecg->mv + i * ecg->n_samples;
        name_lead(ecg, i, l->name, l->notes);
        for (int64_t t = 0; t < ecg->n_samples; t++) mv[t] = (float)(count_at(l, t) * l->mv_per_count);
    }
}

/* target = a I + b II. */
static const struct {
    ein_lead lead;
    double a, b;
} derived[DERIVED] = {
    {EIN_LEAD_III, -1, 1}, {EIN_LEAD_AVR, -0.5, -0.5}, {EIN_LEAD_AVL, 1, -0.5}, {EIN_LEAD_AVF, -0.5, 1}};

/* The leads to compute, as indices into `derived`. */
static int choose_derived(const reader *r, int wanted[DERIVED]) {
    int n = 0;
    if (find_stored(r, EIN_LEAD_I) < 0 || find_stored(r, EIN_LEAD_II) < 0) return 0;
    for (int k = 0; k < DERIVED; k++)
        if (find_stored(r, derived[k].lead) < 0 && r->n_leads + n < EIN_MAX_LEADS) wanted[n++] = k;
    return n;
}

/* With one unit for both leads the sum is one of whole and half counts, and so exact; + 0.0 makes -0 to 0. */
static void derive_lead(const stored_lead *one, const stored_lead *two, double a, double b, int64_t n,
                        float *mv) {
    double u = one->mv_per_count, v = two->mv_per_count;
    bool same = u == v;
    for (int64_t t = 0; t < n; t++) {
        double x = a * count_at(one, t), y = b * count_at(two, t);
        mv[t] = (float)((same ? (x + y) * u : x * u + y * v) + 0.0);
    }
}

static void derive(const reader *r, const int *wanted, int n, ein_ecg *ecg) {
    for (int j = 0; j < n; j++) {
        const stored_lead *one = &r->lead[find_stored(r, EIN_LEAD_I)],
                          *two = &r->lead[find_stored(r, EIN_LEAD_II)];
        int i = r->n_leads + j, k = wanted[j];
        name_lead(ecg, i, ein_lead_name(derived[k].lead), one->notes | two->notes);
        derive_lead(one, two, derived[k].a, derived[k].b, ecg->n_samples, ecg->mv + i * ecg->n_samples);
    }
}

static void review_gain(const reader *r, int n_derived, ein_ecg *ecg) {
    ein_gain gain = {{0}, {0}};
    bool same = true;
    for (int i = 0; i < ecg->n_leads; i++) {
        gain.per_mv[i] = 1 / r->lead[i < r->n_leads ? i : find_stored(r, EIN_LEAD_I)].mv_per_count;
        same = same && gain.per_mv[i] == gain.per_mv[0];
    }
    ein_gain_review(ecg, &gain);
    if (same) ecg->gain_per_mv = gain.per_mv[0] * (n_derived > 0 ? 2 : 1);
    if (ecg->notes & EIN_NOTE_GAIN_FIXED) ecg->gain_per_mv = 1000;
}

/* --- the person ------------------------------------------------------------------------------------------ */

static bool take_number(const char **p, int digits, int *out) {
    int n = 0, value = 0;
    for (; n < digits && **p >= '0' && **p <= '9'; ++*p, n++) value = value * 10 + (**p - '0');
    *out = value;
    return n > 0;
}

/* MM-DD-YYYY or MM/DD/YYYY, as MUSE writes it whatever the country, or YYYY-MM-DD. */
static void take_day(const char *text, ein_xml_date *date) {
    const char *p = text;
    int part[3];
    for (int i = 0; i < 3; i++) {
        if (!take_number(&p, 4, &part[i])) return;
        if (i < 2 && *p != '-' && *p != '/') return;
        if (i < 2) p++;
    }
    if (*p) return;
    bool year_first = part[0] > 31;
    date->year = year_first ? part[0] : part[2];
    date->month = year_first ? part[1] : part[0];
    date->day = year_first ? part[2] : part[1];
}

static void take_time(const char *text, ein_xml_date *date) {
    const char *p = text;
    int hour, minute, second = 0;
    if (!take_number(&p, 2, &hour) || *p++ != ':' || !take_number(&p, 2, &minute)) return;
    if (*p == ':' && (p++, !take_number(&p, 2, &second))) return;
    if (*p) return;
    date->hour = hour;
    date->minute = minute;
    date->second = second;
}

static void read_times(const reader *r, const ein_xml_node *patient, ein_ecg_person *person) {
    const ein_xml_node *test = ein_xml_child(r->root, "TestDemographics");
    ein_xml_date when = {-1, -1, -1, -1, -1, -1}, birth = when;
    char text[32], unit[16];
    if (ein_xml_text(ein_xml_child(test, "AcquisitionDate"), text, sizeof text)) take_day(text, &when);
    if (ein_xml_text(ein_xml_child(test, "AcquisitionTime"), text, sizeof text)) take_time(text, &when);
    if (ein_xml_text(ein_xml_child(patient, "DateofBirth"), text, sizeof text)) take_day(text, &birth);
    ein_xml_full_year(&when, 0);
    ein_xml_full_year(&birth, when.year);
    ein_xml_acquired(&when, person);
    ein_xml_text(ein_xml_child(patient, "PatientAge"), text, sizeof text);
    ein_xml_text(ein_xml_child(patient, "AgeUnits"), unit, sizeof unit);
    ein_xml_age(text, unit, person);
    ein_xml_age_from_birth(&birth, &when, person);
    ein_xml_text(ein_xml_child(test, "AcquisitionDevice"), person->device, sizeof person->device);
}

static void read_statements(const reader *r, ein_ecg_person *person) {
    char text[EIN_ECG_DX_BYTES] = "", part[TEXT_BYTES], flag[32];
    const ein_xml_node *s = ein_xml_find(r->root, "Diagnosis/DiagnosisStatement");
    bool room = true;
    for (; s && room; s = ein_xml_next(s, "DiagnosisStatement")) {
        bool ends = false, deleted = false;
        const ein_xml_node *f = ein_xml_child(s, "StmtFlag");
        for (; f; f = ein_xml_next(f, "StmtFlag")) {
            ein_xml_text(f, flag, sizeof flag);
            ends = ends || strcasecmp(flag, "ENDSLINE") == 0;
            deleted = deleted || strcasestr(flag, "DELETE") != NULL;
        }
        size_t used = strlen(text);
        if (!deleted && ein_xml_text(ein_xml_child(s, "StmtText"), part, sizeof part))
            snprintf(text + used, sizeof text - used, "%s%s", used ? " " : "", part);
        if (!ends && ein_xml_next(s, "DiagnosisStatement")) continue;
        room = ein_xml_add_statement(text, person);
        text[0] = '\0';
    }
}

static ein_status read_person(const reader *r, const char *path, ein_ecg_person *person) {
    const ein_xml_node *patient = ein_xml_child(r->root, "PatientDemographics");
    ein_person_record_id(path, "xml", person);
    EIN_TRY(ein_xml_patient_id(r->xml, ein_xml_child(patient, "PatientID"), person));
    ein_xml_sex(ein_xml_child(patient, "Gender"), person);
    read_times(r, patient, person);
    read_statements(r, person);
    return EIN_OK;
}

/* --- the whole ------------------------------------------------------------------------------------------- */

static ein_status read_all(reader *r, const ein_content *file, ein_ecg *ecg) {
    int wanted[DERIVED];
    EIN_TRY(ein_xml_parse(file, &r->xml));
    r->root = ein_xml_root(r->xml);
    if (!ein_xml_is(r->root, "RestingECG"))
        return ein_xml_error(r->xml, r->root, "not GE MUSE XML: its first element is not <RestingECG>");
    EIN_TRY(choose_waveform(r));
    EIN_TRY(read_rate(r));
    EIN_TRY(read_leads(r));
    int n_derived = choose_derived(r, wanted);
    EIN_TRY(ein_ecg_alloc(ecg, r->n_leads + n_derived, r->n_samples));
    ecg->fs_hz = r->fs_hz;
    if (r->leads_missing) ecg->notes |= EIN_NOTE_TRUNCATED;
    take_stored(r, ecg);
    derive(r, wanted, n_derived, ecg);
    review_gain(r, n_derived, ecg);
    ecg->text_converted = ein_xml_repair(r->xml).converted;
    ecg->text_replaced = ein_xml_repair(r->xml).replaced;
    return read_person(r, file->path, &ecg->person);
}

ein_status ein_muse_read(const ein_content *file, ein_ecg *ecg) {
    reader *r = NULL;
    memset(ecg, 0, sizeof *ecg);
    EIN_TRY(EIN_NEW(r, 1));
    ein_status status = read_all(r, file, ecg);
    for (int i = 0; i < r->n_leads; i++) free(r->lead[i].bytes);
    ein_xml_close(r->xml);
    free(r);
    if (status != EIN_OK) ein_ecg_free(ecg);
    return status;
}
