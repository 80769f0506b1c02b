#include "io/ecg/aecg.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/ecg/counts.h"
#include "io/ecg/person.h"
#include "io/ecg/wfdb_header.h"
#include "io/ecg/xml_numbers.h"
#include "io/ecg/xml_person.h"
#include "io/formats/xml_text.h"

enum { CODE_BYTES = 64, VALUE_BYTES = 64 };
static const char lead_prefix[] = "MDC_ECG_LEAD_";

typedef struct {
    ein_xml *xml;
    const ein_xml_node *root, *series;
    ein_counts counts;
} reader;

/* --- small things ---------------------------------------------------------------------------------------- */

static bool code_of(const ein_xml_node *node, char *out, size_t room) {
    return ein_xml_attribute(ein_xml_child(node, "code"), "code", out, room);
}

static bool number_of(const ein_xml_node *node, double *out) {
    char text[VALUE_BYTES], *end;
    if (!ein_xml_attribute(node, "value", text, sizeof text) || text[strspn(text, "+-.0123456789eE")])
        return false;
    *out = strtod(text, &end);
    return end != text && !*end && isfinite(*out);
}

/* A number and its unit; `factor` is what one of the unit is. */
static ein_status quantity(const reader *r, const ein_xml_node *parent, const char *name,
                           double (*factor)(const char *unit), double *out, double *times) {
    char unit[VALUE_BYTES], value[VALUE_BYTES];
    const ein_xml_node *node = ein_xml_child(parent, name);
    if (!node) return ein_xml_error(r->xml, parent, "<%s> is missing", name);
    if (!number_of(node, out)) {
        ein_xml_attribute(node, "value", value, sizeof value);
        return ein_xml_error(r->xml, node, "<%s> is \"%s\", not a number", name, value);
    }
    ein_xml_attribute(node, "unit", unit, sizeof unit);
    *times = factor(unit);
    if (*times > 0) return EIN_OK;
    if (!unit[0]) return ein_xml_error(r->xml, node, "<%s> has no unit: what it measures is not known", name);
    return ein_xml_error(r->xml, node, "<%s> is in \"%s\", a unit that is not known", name, unit);
}

static double seconds_in(const char *unit) {
    static const struct {
        const char *unit;
        double s;
    } units[] = {{"s", 1}, {"ms", 1e-3}, {"us", 1e-6}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(unit, units[i].unit) == 0) return units[i].s;
    return 0;
}

/* --- the series ------------------------------------------------------------------------------------------ */

static ein_status choose_series(reader *r) {
    char code[CODE_BYTES], first[CODE_BYTES] = "";
    const ein_xml_node *c = ein_xml_child(r->root, "component");
    for (; c; c = ein_xml_next(c, "component"))
        for (const ein_xml_node *s = ein_xml_child(c, "series"); s; s = ein_xml_next(s, "series")) {
            if (!code_of(s, code, sizeof code)) continue;
            if (!first[0]) snprintf(first, sizeof first, "%s", code);
            if (strcasecmp(code, "RHYTHM") != 0) continue;
            r->series = s;
            return EIN_OK;
        }
    if (first[0])
        (void)ein_xml_error(r->xml, r->root,
                            "HL7 aECG without a series of code RHYTHM (there is: %s); averaged beats are no "
                            "recording, export the rhythm",
                            first);
    else
        (void)ein_xml_error(r->xml, r->root, "HL7 aECG without a <series>: exported without the signal");
    return EIN_OTHER;
}

/* The one sequenceSet. */
static ein_status find_set(const reader *r, const ein_xml_node **set) {
    *set = NULL;
    const ein_xml_node *c = ein_xml_child(r->series, "component");
    for (; c; c = ein_xml_next(c, "component"))
        for (const ein_xml_node *s = ein_xml_child(c, "sequenceSet"); s; s = ein_xml_next(s, "sequenceSet")) {
            if (*set) {
                (void)ein_xml_error(r->xml, s,
                                    "a series of several <sequenceSet>s: a recording in pieces is not read");
                return EIN_OTHER;
            }
            *set = s;
        }
    return *set ? EIN_OK : ein_xml_error(r->xml, r->series, "the rhythm series has no <sequenceSet>");
}

/* --- sequences ------------------------------------------------------------------------------------------- */

static ein_status read_time(reader *r, const ein_xml_node *sequence) {
    double step, unit;
    EIN_TRY(quantity(r, ein_xml_child(sequence, "value"), "increment", seconds_in, &step, &unit));
    const double fs = 1 / (step * unit);
    /* 0.002 s is 500 Hz and not its neighbour; carts have whole rates. */
    r->counts.fs_hz = fabs(fs - rint(fs)) < 1e-6 * fs ? rint(fs) : fs;
    return EIN_OK;
}

static ein_status read_scale(const reader *r, const ein_xml_node *value, ein_counts_lead *l) {
    double origin = 0, origin_mv = 1, scale, scale_mv;
    EIN_TRY(quantity(r, value, "scale", ein_wfdb_mv_per_unit, &scale, &scale_mv));
    double zero;
    const ein_xml_node *node = ein_xml_child(value, "origin");
    /* An origin of 0 is 0 in every unit. */
    if (node && !(number_of(node, &zero) && zero == 0))
        EIN_TRY(quantity(r, value, "origin", ein_wfdb_mv_per_unit, &origin, &origin_mv));
    l->mv_per_count = scale * scale_mv;
    l->zero = origin == 0 ? 0 : -origin * origin_mv / l->mv_per_count;
    return EIN_OK;
}

static ein_status read_lead(reader *r, const ein_xml_node *sequence, const char *code) {
    const ein_xml_node *value = ein_xml_child(sequence, "value"), *digits = ein_xml_child(value, "digits");
    if (r->counts.n_leads == EIN_MAX_LEADS)
        return ein_xml_error(r->xml, sequence, "more than %d leads", EIN_MAX_LEADS);
    ein_counts_lead *l = &r->counts.lead[r->counts.n_leads++];
    l->notes = EIN_NOTE_NO_CHECKSUM;
    snprintf(l->name, sizeof l->name, "%.*s", EIN_LEAD_NAME_BYTES - 1, code + strlen(lead_prefix));
    if (!l->name[0]) return ein_xml_error(r->xml, sequence, "a lead without a name");
    for (int i = 0; i + 1 < r->counts.n_leads; i++)
        if (strcasecmp(r->counts.lead[i].name, l->name) == 0)
            return ein_xml_error(r->xml, sequence, "lead %s is there twice", l->name);
    if (!digits)
        return ein_xml_error(r->xml, sequence, "lead %s has no <digits>: exported without the signal",
                             l->name);
    EIN_TRY(read_scale(r, value, l));
    return ein_xml_numbers(r->xml, digits, l->name, &l->count, &l->n);
}

static ein_status read_sequences(reader *r, const ein_xml_node *set) {
    char code[CODE_BYTES];
    const ein_xml_node *c = ein_xml_child(set, "component");
    for (; c; c = ein_xml_next(c, "component"))
        for (const ein_xml_node *s = ein_xml_child(c, "sequence"); s; s = ein_xml_next(s, "sequence")) {
            if (!code_of(s, code, sizeof code)) continue;
            if (strncasecmp(code, "TIME_", 5) == 0) EIN_TRY(read_time(r, s));
            if (strncasecmp(code, lead_prefix, strlen(lead_prefix)) == 0) EIN_TRY(read_lead(r, s, code));
        }
    if (r->counts.n_leads == 0) return ein_xml_error(r->xml, set, "the rhythm series has no lead");
    if (r->counts.fs_hz == 0)
        return ein_xml_error(r->xml, set, "no sequence of time: the sampling rate is not known");
    return EIN_OK;
}

/* --- the person ------------------------------------------------------------------------------------------ */

static bool digits_at(const char *text, int n, int *out) {
    *out = 0;
    for (int i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        *out = *out * 10 + (text[i] - '0');
    }
    return true;
}

/* "20021122091000.000-0500": the local time as it stands. */
static ein_xml_date moment(const char *text) {
    ein_xml_date d = {-1, -1, -1, -1, -1, -1};
    if (digits_at(text, 4, &d.year) && digits_at(text + 4, 2, &d.month) && digits_at(text + 6, 2, &d.day) &&
        digits_at(text + 8, 2, &d.hour) && digits_at(text + 10, 2, &d.minute))
        (void)(digits_at(text + 12, 2, &d.second) || (d.second = 0));
    return d;
}

static ein_xml_date time_of(const ein_xml_node *parent) {
    static const char *const names[] = {"low", "center"};
    const ein_xml_node *time = ein_xml_child(parent, "effectiveTime");
    char text[VALUE_BYTES];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (ein_xml_attribute(ein_xml_child(time, names[i]), "value", text, sizeof text)) return moment(text);
    ein_xml_attribute(time, "value", text, sizeof text);
    return moment(text);
}

static ein_status read_id(const reader *r, const ein_xml_node *subject, ein_ecg_person *person) {
    const ein_xml_node *own = ein_xml_find(subject, "subjectDemographicPerson/PatientID");
    char text[2 * EIN_ECG_TEXT_BYTES];
    if (own) EIN_TRY(ein_xml_patient_id(r->xml, own, person));
    if (person->patient_id[0]) return EIN_OK;
    const ein_xml_node *id = ein_xml_child(subject, "id");
    if (!ein_xml_attribute(id, "extension", text, sizeof text) &&
        !ein_xml_attribute(id, "root", text, sizeof text))
        return EIN_OK;
    if (strlen(text) >= sizeof person->patient_id)
        return ein_xml_error(r->xml, id, "a patient id of %zu bytes or more; up to %zu are read",
                             strlen(text), sizeof person->patient_id - 1);
    strcpy(person->patient_id, text);
    return EIN_OK;
}

static void read_device(const reader *r, ein_ecg_person *person) {
    static const char *const names[] = {"manufacturerOrganization/name",
                                        "manufacturedSeriesDevice/manufacturerModelName",
                                        "manufacturedSeriesDevice/softwareName"};
    const ein_xml_node *author = ein_xml_find(r->series, "author/seriesAuthor");
    char text[EIN_ECG_TEXT_BYTES];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (ein_xml_text(ein_xml_find(author, names[i]), text, sizeof text))
            ein_person_add_device(text, person);
}

/* The frequency of a filter is a control variable below that of its kind. */
static double frequency(const ein_xml_node *variable) {
    double hz = 0;
    for (const ein_xml_node *c = ein_xml_child(variable, "component"); c; c = ein_xml_next(c, "component"))
        if (number_of(ein_xml_find(c, "controlVariable/value"), &hz)) return hz;
    return 0;
}

static void read_filters(const reader *r, ein_ecg_person *person) {
    double high = 0, low = 0, notch = 0;
    char code[CODE_BYTES];
    const ein_xml_node *v = ein_xml_child(r->series, "controlVariable");
    for (; v; v = ein_xml_next(v, "controlVariable")) {
        const ein_xml_node *inner = ein_xml_child(v, "controlVariable");
        if (!code_of(inner, code, sizeof code)) continue;
        if (strstr(code, "FILTER_HIGH_PASS")) high = frequency(inner);
        if (strstr(code, "FILTER_LOW_PASS")) low = frequency(inner);
        if (strstr(code, "FILTER_NOTCH")) notch = frequency(inner);
    }
    ein_person_add_filters(high, low, notch, person);
}

static ein_status read_person(const reader *r, const char *path, ein_ecg_person *person) {
    const ein_xml_node *subject = ein_xml_find(
        r->root, "componentOf/timepointEvent/componentOf/subjectAssignment/subject/trialSubject");
    const ein_xml_node *who = ein_xml_child(subject, "subjectDemographicPerson");
    if (!who) who = ein_xml_child(subject, "demographicPerson");
    char text[VALUE_BYTES];
    ein_person_record_id(path, "xml aecg", person);
    EIN_TRY(read_id(r, subject, person));
    ein_xml_attribute(ein_xml_child(who, "administrativeGenderCode"), "code", text, sizeof text);
    if (strcasecmp(text, "M") == 0) person->sex = EIN_SEX_MALE;
    if (strcasecmp(text, "F") == 0) person->sex = EIN_SEX_FEMALE;
    ein_xml_date when = time_of(r->series), birth = {-1, -1, -1, -1, -1, -1};
    if (!ein_xml_date_is_day(&when)) when = time_of(r->root);
    ein_xml_acquired(&when, person);
    if (ein_xml_text(ein_xml_child(who, "Age"), text, sizeof text)) ein_xml_age(text, "", person);
    if (ein_xml_attribute(ein_xml_child(who, "birthTime"), "value", text, sizeof text)) birth = moment(text);
    ein_xml_age_from_birth(&birth, &when, person);
    read_device(r, person);
    read_filters(r, person);
    return EIN_OK;
}

/* --- the whole ------------------------------------------------------------------------------------------- */

static ein_status read_all(reader *r, const ein_content *file, ein_ecg *ecg) {
    const ein_xml_node *set;
    EIN_TRY(ein_xml_parse(file, &r->xml));
    r->root = ein_xml_root(r->xml);
    if (!ein_xml_is(r->root, "AnnotatedECG"))
        return ein_xml_error(r->xml, r->root, "not HL7 aECG: its first element is not <AnnotatedECG>");
    EIN_TRY(choose_series(r));
    EIN_TRY(find_set(r, &set));
    EIN_TRY(read_sequences(r, set));
    EIN_TRY(ein_counts_to_ecg(file->path, &r->counts, ecg));
    ecg->text_converted = ein_xml_repair(r->xml).converted;
    ecg->text_replaced = ein_xml_repair(r->xml).replaced;
    return read_person(r, file->path, &ecg->person);
}

ein_status ein_aecg_read(const ein_content *file, ein_ecg *ecg) {
    reader *r = NULL;
    memset(ecg, 0, sizeof *ecg);
    EIN_TRY(EIN_NEW(r, 1));
    ein_status status = read_all(r, file, ecg);
    ein_counts_free(&r->counts);
    ein_xml_close(r->xml);
    free(r);
    if (status != EIN_OK) ein_ecg_free(ecg);
    return status;
}
