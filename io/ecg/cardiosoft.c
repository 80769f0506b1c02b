#include "io/ecg/cardiosoft.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/signal/gain.h"
#include "io/ecg/person.h"
#include "io/ecg/xml_person.h"
#include "io/formats/xml_text.h"

enum { BELIEVED_VALUES = 1 << 20, BELIEVED_FACTOR = 16, MISSING = -32768, MAX_DIGITS = 9, QUOTED_BYTES = 24 };
static const double smoother_factor = 1.3;

/* The values of one lead; in a disclosure, those of all. */
typedef struct {
    const ein_xml_node *node;
    char name[EIN_LEAD_NAME_BYTES];
    int32_t *count; /* owned */
    int64_t n;
    uint32_t notes;
} lead_values;

typedef struct {
    ein_xml *xml;
    const ein_xml_node *root;
    const ein_xml_node *place; /* encloses the values */
    bool disclosure;
    double fs_hz, mv_per_count;
    int64_t stated; /* samples per lead; 0: not stated */
    lead_values lead[EIN_MAX_LEADS];
    int n_leads;
    int64_t n_samples;
} reader;

/* --- where the recording is ------------------------------------------------------------------------------ */

static bool has_values(const ein_xml_node *parent) {
    const ein_xml_node *w = ein_xml_child(parent, "WaveformData");
    while (w && ein_xml_is_empty(w)) w = ein_xml_next(w, "WaveformData");
    return w != NULL;
}

static const ein_xml_node *find_strip(const ein_xml_node *root) {
    const ein_xml_node *data = ein_xml_child(root, "StripData");
    for (; data; data = ein_xml_next(data, "StripData")) {
        if (has_values(data)) return data;
        for (const ein_xml_node *s = ein_xml_child(data, "Strip"); s; s = ein_xml_next(s, "Strip"))
            if (has_values(s)) return s;
    }
    for (const ein_xml_node *s = ein_xml_child(root, "Strip"); s; s = ein_xml_next(s, "Strip")) {
        if (has_values(ein_xml_child(s, "StripData"))) return ein_xml_child(s, "StripData");
        if (has_values(s)) return s;
    }
    return NULL;
}

static ein_status find_place(reader *r) {
    const ein_xml_node *full = ein_xml_child(r->root, "FullDisclosure");
    r->place = find_strip(r->root);
    if (r->place) return EIN_OK;
    if (!ein_xml_is_empty(ein_xml_child(full, "FullDisclosureData"))) {
        r->place = full;
        r->disclosure = true;
        return EIN_OK;
    }
    const ein_xml_node *median = ein_xml_find(r->root, "RestingECGMeasurements/MedianSamples");
    if (!has_values(median)) median = ein_xml_find(r->root, "MedianData/Median");
    if (has_values(median))
        (void)ein_xml_error(
            r->xml, median,
            "CardioSoft XML with averaged beats (medians) only; they are no recording, export the strip");
    else
        (void)ein_xml_error(r->xml, r->root,
                            "CardioSoft XML without samples: neither StripData nor FullDisclosure holds any");
    return EIN_OTHER;
}

/* The nearest element that encloses the values and has a child of that name. */
static const ein_xml_node *setting(const reader *r, const char *name) {
    const ein_xml_node *at = r->place;
    while (at && !ein_xml_child(at, name)) at = ein_xml_parent(at);
    return at ? at : r->place;
}

static ein_status check_unit(const reader *r, const ein_xml_node *parent, const char *name,
                             const char *unit) {
    char text[24];
    const ein_xml_node *node = ein_xml_child(parent, name);
    bool stated = ein_xml_attribute(node, "units", text, sizeof text);
    if (stated && strcasecmp(text, unit) == 0) return EIN_OK;
    return ein_xml_error(r->xml, node, "<%s> is in \"%s\"; \"%s\" is read", name, stated ? text : "", unit);
}

static ein_status read_settings(reader *r) {
    double uv;
    const ein_xml_node *at = setting(r, "SampleRate");
    EIN_TRY(ein_xml_real(r->xml, at, "SampleRate", 1, 1e6, &r->fs_hz));
    if (ein_xml_attribute(ein_xml_child(at, "SampleRate"), "units", (char[4]){0}, 4))
        EIN_TRY(check_unit(r, at, "SampleRate", "Hz"));
    at = setting(r, "Resolution");
    EIN_TRY(ein_xml_real(r->xml, at, "Resolution", 1e-6, 1e6, &uv));
    EIN_TRY(check_unit(r, at, "Resolution", "uVperLsb"));
    r->mv_per_count = uv / 1000;
    if (r->disclosure) return EIN_OK;
    return ein_xml_int_if_there(r->xml, setting(r, "ChannelSampleCountTotal"), "ChannelSampleCountTotal", 0,
                                EIN_ECG_MAX_SAMPLES, &r->stated);
}

/* --- numbers --------------------------------------------------------------------------------------------- */

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *skip_blanks(const char *p) {
    while (is_blank(*p)) p++;
    return p;
}

static ein_status bad_value(const reader *r, const lead_values *l, const char *p) {
    char quoted[QUOTED_BYTES];
    size_t n = 0;
    for (; p[n] && p[n] != ',' && n + 1 < sizeof quoted; n++)
        quoted[n] = p[n] >= ' ' && p[n] <= '~' ? p[n] : ' ';
    quoted[n] = '\0';
    return ein_xml_error(r->xml, l->node, "lead %s: value %lld is \"%s\", not a whole number; damaged",
                         l->name, (long long)l->n + 1, quoted);
}

/* "12, -3,\n\t4," -> 12 -3 4; a comma may end the list. */
static ein_status parse_list(const reader *r, lead_values *l, const char *text) {
    const char *p = skip_blanks(text);
    while (*p) {
        const char *start = p;
        bool negative = *p == '-';
        int32_t value = 0;
        int digits = 0;
        if (*p == '-' || *p == '+') p++;
        for (; *p >= '0' && *p <= '9' && digits < MAX_DIGITS; p++, digits++) value = value * 10 + (*p - '0');
        p = skip_blanks(p);
        if (digits == 0 || (*p && *p != ',')) return bad_value(r, l, start);
        l->count[l->n++] = negative ? -value : value;
        if (*p == ',') p = skip_blanks(p + 1);
    }
    return EIN_OK;
}

static ein_status parse_node(const reader *r, lead_values *l) {
    const char *text;
    char *owned;
    size_t bytes, values = 1;
    EIN_TRY(ein_xml_content(l->node, &text, &bytes, &owned));
    for (size_t i = 0; i < bytes; i++) values += text[i] == ',';
    ein_status status = ein_calloc((void **)&l->count, (int64_t)values, sizeof *l->count, "values of a lead");
    if (status == EIN_OK) status = parse_list(r, l, text);
    free(owned);
    return status;
}

/* --- leads ----------------------------------------------------------------------------------------------- */

static ein_status new_lead(reader *r, const ein_xml_node *node, const char *name, lead_values **out) {
    if (r->n_leads == EIN_MAX_LEADS) return ein_xml_error(r->xml, node, "more than %d leads", EIN_MAX_LEADS);
    if (!name[0]) return ein_xml_error(r->xml, node, "values without a lead: which it is is not known");
    for (int i = 0; i < r->n_leads; i++)
        if (strcasecmp(r->lead[i].name, name) == 0)
            return ein_xml_error(r->xml, node, "lead %s is there twice", name);
    *out = &r->lead[r->n_leads++];
    (*out)->node = node;
    (*out)->notes = EIN_NOTE_NO_CHECKSUM;
    snprintf((*out)->name, sizeof(*out)->name, "%s", name);
    return EIN_OK;
}

static ein_status read_strip(reader *r) {
    char name[EIN_LEAD_NAME_BYTES];
    int64_t held = 0;
    const ein_xml_node *w = ein_xml_child(r->place, "WaveformData");
    for (; w; w = ein_xml_next(w, "WaveformData")) {
        lead_values *l;
        ein_xml_attribute(w, "lead", name, sizeof name);
        EIN_TRY(new_lead(r, w, name, &l));
        EIN_TRY(parse_node(r, l));
        if (l->n > r->n_samples) r->n_samples = l->n;
    }
    for (int i = 0; i < r->n_leads; i++) {
        lead_values *l = &r->lead[i];
        if (l->n < r->n_samples || l->n < r->stated) l->notes |= EIN_NOTE_TRUNCATED;
        if (r->stated > 0 && l->n > r->stated) l->notes |= EIN_NOTE_CHECKSUM;
        held += l->n;
    }
    int64_t values = r->n_samples * r->n_leads;
    if (values <= BELIEVED_VALUES || held >= values / BELIEVED_FACTOR) return EIN_OK;
    (void)ein_xml_error(r->xml, r->place, "%lld values in %d leads, the longest of %lld; damaged",
                        (long long)held, r->n_leads, (long long)r->n_samples);
    return EIN_CORRUPT;
}

/* Of value i of lead `lead` in a list of `leads`, taken `run` values at a time. */
static int64_t place_in_list(int64_t i, int lead, int leads, int64_t run) {
    return (i / run * leads + lead) * run + i % run;
}

/* Mean absolute step within the leads, if the list is in that order. */
static double roughness(const lead_values *all, int leads, int64_t run, int64_t n) {
    double sum = 0;
    for (int lead = 0; lead < leads; lead++)
        for (int64_t i = 1; i < n; i++)
            sum += fabs((double)all->count[place_in_list(i, lead, leads, run)] -
                        (double)all->count[place_in_list(i - 1, lead, leads, run)]);
    return sum / leads;
}

/* How many values of one lead stand together: 1 or a second's. */
static ein_status choose_run(const reader *r, const lead_values *all, int64_t *run) {
    int64_t second = (int64_t)r->fs_hz, block = second * r->n_leads, n = all->n / block * second;
    *run = 1;
    if (r->n_leads == 1) return EIN_OK;
    if ((double)second != r->fs_hz || n == 0)
        return ein_xml_error(r->xml, all->node,
                             "the order of %d leads in a list of less than a second is not known",
                             r->n_leads);
    double by_sample = roughness(all, r->n_leads, 1, n), by_second = roughness(all, r->n_leads, second, n);
    if (by_second * smoother_factor <= by_sample)
        *run = second;
    else if (!(by_sample * smoother_factor <= by_second))
        return ein_xml_error(
            r->xml, all->node,
            "the order of the %d leads cannot be told: a step is %.3g on average if they alternate "
            "by sample, %.3g if by second",
            r->n_leads, by_sample / (double)n, by_second / (double)n);
    return EIN_OK;
}

static ein_status split_list(reader *r, const lead_values *all) {
    int64_t run = 1;
    EIN_TRY(choose_run(r, all, &run));
    r->n_samples = all->n / (run * r->n_leads) * run;
    if (r->n_samples == 0) return ein_xml_error(r->xml, all->node, "fewer values than leads");
    for (int k = 0; k < r->n_leads; k++) {
        lead_values *l = &r->lead[k];
        EIN_TRY(ein_calloc((void **)&l->count, r->n_samples, sizeof *l->count, "values of a lead"));
        for (l->n = 0; l->n < r->n_samples; l->n++)
            l->count[l->n] = all->count[place_in_list(l->n, k, r->n_leads, run)];
        if (all->n != r->n_samples * r->n_leads) l->notes |= EIN_NOTE_TRUNCATED;
    }
    return EIN_OK;
}

static ein_status read_disclosure(reader *r) {
    char order[512], *save = NULL;
    int64_t channels = 0, stated = 0;
    lead_values all = {.node = ein_xml_child(r->place, "FullDisclosureData"), .name = "list"}, *l;
    const ein_xml_node *leads = ein_xml_child(r->place, "LeadOrder");
    if (!ein_xml_text(leads, order, sizeof order))
        return ein_xml_error(r->xml, r->place,
                             "<FullDisclosure> has no <LeadOrder>: which leads it holds is not known");
    for (char *word = strtok_r(order, ", ", &save); word; word = strtok_r(NULL, ", ", &save))
        EIN_TRY(new_lead(r, leads, word, &l));
    EIN_TRY(ein_xml_int_if_there(r->xml, r->place, "NumberOfChannels", 1, 1000, &channels));
    if (channels != 0 && channels != r->n_leads)
        return ein_xml_error(r->xml, leads, "%d leads are named, but <NumberOfChannels> is %lld", r->n_leads,
                             (long long)channels);
    EIN_TRY(ein_xml_int_if_there(r->xml, all.node, "SampleCountTotal", 0, EIN_ECG_MAX_SAMPLES, &stated));
    ein_status status = parse_node(r, &all);
    if (status == EIN_OK) status = split_list(r, &all);
    for (int k = 0; status == EIN_OK && k < r->n_leads; k++) {
        if (all.n < stated) r->lead[k].notes |= EIN_NOTE_TRUNCATED;
        if (stated > 0 && all.n > stated) r->lead[k].notes |= EIN_NOTE_CHECKSUM;
    }
    free(all.count);
    return status;
}

static void take_samples(const reader *r, ein_ecg *ecg) {
    ein_gain gain = {{0}, {0}};
    for (int i = 0; i < r->n_leads; i++) {
        const lead_values *l = &r->lead[i];
        float *mv = ecg->mv + i * ecg->n_samples;
        ecg->lead[i] = ein_lead_parse(l->name);
        snprintf(ecg->lead_name[i], sizeof ecg->lead_name[i], "%s", l->name);
        ecg->lead_notes[i] = l->notes;
        ecg->notes |= l->notes;
        gain.per_mv[i] = 1 / r->mv_per_count;
        for (int64_t t = 0; t < ecg->n_samples; t++)
            mv[t] = t < l->n && l->count[t] != MISSING ? (float)(l->count[t] * r->mv_per_count) : NAN;
    }
    ein_gain_review(ecg, &gain);
    ecg->gain_per_mv = ecg->notes & EIN_NOTE_GAIN_FIXED ? 1000 : 1 / r->mv_per_count;
}

/* --- the person ------------------------------------------------------------------------------------------ */

static int part_of(const ein_xml_node *parent, const char *name) {
    char text[16], *end;
    if (!ein_xml_text(ein_xml_child(parent, name), text, sizeof text)) return -1;
    long value = strtol(text, &end, 10);
    return *end || value < 0 || value > 9999 ? -1 : (int)value;
}

static ein_xml_date date_of(const ein_xml_node *node) {
    return (ein_xml_date){part_of(node, "Year"), part_of(node, "Month"),  part_of(node, "Day"),
                          part_of(node, "Hour"), part_of(node, "Minute"), part_of(node, "Second")};
}

static void read_statements(const reader *r, ein_ecg_person *person) {
    char text[EIN_ECG_DX_BYTES];
    const char *inner = "DiagnosisText";
    const ein_xml_node *s = ein_xml_find(r->root, "Interpretation/Diagnosis/DiagnosisText");
    if (!s) {
        inner = "ConclusionText";
        s = ein_xml_find(r->root, "Interpretation/Conclusion/ConclusionText");
    }
    for (; s; s = ein_xml_next(s, inner)) {
        ein_xml_text(s, text, sizeof text);
        if (!ein_xml_add_statement(text, person)) return;
    }
}

static ein_status read_person(const reader *r, const char *path, ein_ecg_person *person) {
    char text[16], unit[16], device[64], version[32];
    const ein_xml_node *patient = ein_xml_child(r->root, "PatientInfo"), *age = ein_xml_child(patient, "Age");
    const ein_xml_node *made = ein_xml_find(r->root, "ClinicalInfo/DeviceInfo");
    ein_xml_date when = date_of(ein_xml_child(r->root, "ObservationDateTime"));
    ein_xml_date birth = date_of(ein_xml_child(patient, "BirthDateTime"));
    ein_xml_full_year(&when, 0);
    ein_xml_full_year(&birth, when.year);
    ein_person_record_id(path, "xml", person);
    EIN_TRY(ein_xml_patient_id(r->xml, ein_xml_child(patient, "PID"), person));
    ein_xml_sex(ein_xml_child(patient, "Gender"), person);
    ein_xml_acquired(&when, person);
    ein_xml_text(age, text, sizeof text);
    ein_xml_attribute(age, "units", unit, sizeof unit);
    ein_xml_age(text, unit, person);
    ein_xml_age_from_birth(&birth, &when, person);
    bool named = ein_xml_text(ein_xml_child(made, "Desc"), device, sizeof device);
    ein_xml_text(ein_xml_child(made, "SoftwareVer"), version, sizeof version);
    snprintf(person->device, sizeof person->device, "%s%s%s", device, named && version[0] ? " " : "",
             version);
    read_statements(r, person);
    return EIN_OK;
}

/* --- the whole ------------------------------------------------------------------------------------------- */

static ein_status read_all(reader *r, const ein_content *file, ein_ecg *ecg) {
    EIN_TRY(ein_xml_parse(file, &r->xml));
    r->root = ein_xml_root(r->xml);
    if (!ein_xml_is(r->root, "CardiologyXML"))
        return ein_xml_error(r->xml, r->root, "not CardioSoft XML: its first element is not <CardiologyXML>");
    EIN_TRY(find_place(r));
    EIN_TRY(read_settings(r));
    EIN_TRY(r->disclosure ? read_disclosure(r) : read_strip(r));
    EIN_TRY(ein_ecg_alloc(ecg, r->n_leads, r->n_samples));
    ecg->fs_hz = r->fs_hz;
    take_samples(r, ecg);
    ecg->text_converted = ein_xml_repair(r->xml).converted;
    ecg->text_replaced = ein_xml_repair(r->xml).replaced;
    return read_person(r, file->path, &ecg->person);
}

ein_status ein_cardiosoft_read(const ein_content *file, ein_ecg *ecg) {
    reader *r = NULL;
    memset(ecg, 0, sizeof *ecg);
    EIN_TRY(EIN_NEW(r, 1));
    ein_status status = read_all(r, file, ecg);
    for (int i = 0; i < r->n_leads; i++) free(r->lead[i].count);
    ein_xml_close(r->xml);
    free(r);
    if (status != EIN_OK) ein_ecg_free(ecg);
    return status;
}
