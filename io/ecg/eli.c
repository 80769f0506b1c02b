#include "io/ecg/eli.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/base/base64.h"
#include "io/ecg/counts.h"
#include "io/ecg/person.h"
#include "io/ecg/xml_person.h"
#include "io/formats/xml_text.h"

enum { TEXT_BYTES = 256, DATA_BYTES = EIN_XML_MAX_TAG_BYTES };

typedef struct {
    ein_xml *xml;
    const ein_xml_node *root;
    char data[DATA_BYTES]; /* of an attribute */
    ein_counts counts;
} reader;

static bool number(const ein_xml_node *node, const char *name, double *out) {
    char text[TEXT_BYTES], *end;
    if (!ein_xml_attribute(node, name, text, sizeof text) || text[strspn(text, "+-.0123456789eE")])
        return false;
    *out = strtod(text, &end);
    return end != text && !*end && isfinite(*out);
}

/* --- channels -------------------------------------------------------------------------------------------- */

static ein_status check_packing(const reader *r, const ein_xml_node *node, const char *name) {
    static const struct {
        const char *attribute, *usual;
    } rules[] = {{"BITS", "16"}, {"FORMAT", "SIGNED"}, {"ENCODING", "BASE64"}};
    char text[TEXT_BYTES];
    double offset = 0;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (ein_xml_attribute(node, rules[i].attribute, text, sizeof text) &&
            strcasecmp(text, rules[i].usual) != 0) {
            (void)ein_xml_error(r->xml, node, "lead %s: %s is \"%s\"; %s is read", name, rules[i].attribute,
                                text, rules[i].usual);
            return EIN_OTHER;
        }
    if (!ein_xml_attribute(node, "OFFSET", text, sizeof text) ||
        (number(node, "OFFSET", &offset) && offset == 0))
        return EIN_OK;
    return ein_xml_error(
        r->xml, node, "lead %s: OFFSET is \"%s\"; what other values than 0 mean is not settled", name, text);
}

static ein_status decode(reader *r, const ein_xml_node *node, ein_counts_lead *l) {
    const char *text = r->data;
    char *owned = NULL;
    uint8_t *bytes = NULL;
    size_t n, at;
    if (ein_xml_attribute(node, "DATA", r->data, sizeof r->data))
        n = strlen(r->data);
    else
        EIN_TRY(ein_xml_content(node, &text, &n, &owned));
    ein_status status = ein_calloc((void *)&bytes, (int64_t)(n / 4) * 3 + 3, 1, "samples of a channel");
    const int64_t held = status == EIN_OK ? ein_base64_decode(text, n, bytes, &at) : 0;
    if (status == EIN_OK && held < 0)
        status = ein_xml_error(r->xml, node, "lead %s: base64 is wrong at character %zu of %zu; damaged",
                               l->name, at + 1, n);
    else if (status == EIN_OK && (held == 0 || held % 2 != 0))
        status = ein_xml_error(r->xml, node, "lead %s: %lld bytes are no whole number of 2-byte samples",
                               l->name, (long long)held);
    if (status == EIN_OK) status = EIN_NEW(l->count, held / 2);
    for (int64_t t = 0; status == EIN_OK && t < held / 2; t++, l->n++)
        l->count[t] = (int16_t)(uint16_t)(bytes[2 * t] | bytes[2 * t + 1] << 8);
    free(bytes);
    free(owned);
    return status;
}

static ein_status read_channel(reader *r, const ein_xml_node *node) {
    double fs, per_mv, duration;
    if (r->counts.n_leads == EIN_MAX_LEADS)
        return ein_xml_error(r->xml, node, "more than %d leads", EIN_MAX_LEADS);
    ein_counts_lead *l = &r->counts.lead[r->counts.n_leads];
    if (!ein_xml_attribute(node, "NAME", l->name, sizeof l->name))
        return ein_xml_error(r->xml, node, "<CHANNEL> has no NAME: which lead it is is not known");
    for (int i = 0; i < r->counts.n_leads; i++)
        if (strcasecmp(r->counts.lead[i].name, l->name) == 0)
            return ein_xml_error(r->xml, node, "lead %s is there twice", l->name);
    r->counts.n_leads++;
    EIN_TRY(check_packing(r, node, l->name));
    if (!number(node, "SAMPLE_FREQ", &fs) || !number(node, "UNITS_PER_MV", &per_mv) || !(per_mv > 0))
        return ein_xml_error(r->xml, node,
                             "lead %s has no SAMPLE_FREQ or no UNITS_PER_MV: its rate or scale is not known",
                             l->name);
    if (r->counts.n_leads > 1 && fs != r->counts.fs_hz)
        return ein_xml_error(r->xml, node,
                             "lead %s has %g Hz, others %g Hz; leads of different rates are not read",
                             l->name, fs, r->counts.fs_hz);
    r->counts.fs_hz = fs;
    l->mv_per_count = 1 / per_mv;
    l->notes = EIN_NOTE_NO_CHECKSUM;
    EIN_TRY(decode(r, node, l));
    if (number(node, "DURATION", &duration) && duration > 0 && duration != (double)l->n &&
        duration != rint((double)l->n * 1000 / fs))
        l->notes |= duration > (double)l->n ? EIN_NOTE_TRUNCATED : EIN_NOTE_CHECKSUM;
    return EIN_OK;
}

/* --- the person ------------------------------------------------------------------------------------------ */

/* "20200518154811", or the day alone; also "2020-05-18". */
static ein_xml_date moment(const char *text) {
    char digits[15] = "";
    size_t n = 0;
    for (const char *p = text; *p && n < 14; p++)
        if (*p >= '0' && *p <= '9') digits[n++] = *p;
    int v[6] = {-1, -1, -1, -1, -1, -1};
    static const int width[6] = {4, 2, 2, 2, 2, 2};
    for (int i = 0, at = 0; i < 6 && at + width[i] <= (int)n; at += width[i], i++) {
        char part[5] = "";
        memcpy(part, digits + at, (size_t)width[i]);
        v[i] = atoi(part);
    }
    return (ein_xml_date){v[0], v[1], v[2], v[3], v[4], v[5]};
}

static void read_device(const reader *r, ein_ecg_person *person) {
    static const char *const names[] = {"MANUFACTURER", "MODEL", "ACQUIRING_DEVICE_SW_VERSION"};
    const ein_xml_node *source = ein_xml_child(r->root, "SOURCE");
    char text[TEXT_BYTES];
    double low = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (ein_xml_attribute(source, names[i], text, sizeof text)) ein_person_add_device(text, person);
    (void)number(source, "LOW_PASS_FILTER", &low);
    ein_person_add_filters(0, low, 0, person);
}

static ein_status read_person(const reader *r, const char *path, ein_ecg_person *person) {
    const ein_xml_node *subject = ein_xml_child(r->root, "SUBJECT");
    char text[2 * EIN_ECG_TEXT_BYTES] = "", unit[TEXT_BYTES] = "";
    ein_person_record_id(path, "xml", person);
    if (ein_xml_attribute(subject, "ID", text, sizeof text) && strlen(text) >= sizeof person->patient_id)
        return ein_xml_error(r->xml, subject, "a patient id of %zu bytes or more; up to %zu are read",
                             strlen(text), sizeof person->patient_id - 1);
    memcpy(person->patient_id, text, strlen(text) + 1);
    if (ein_xml_attribute(subject, "GENDER", text, sizeof text)) {
        if (*text == 'M' || *text == 'm') person->sex = EIN_SEX_MALE;
        if (*text == 'F' || *text == 'f') person->sex = EIN_SEX_FEMALE;
    }
    ein_xml_attribute(r->root, "ACQUISITION_TIME", text, sizeof text);
    const ein_xml_date when = moment(text);
    ein_xml_acquired(&when, person);
    ein_xml_attribute(r->root, "AGE_UNITS", unit, sizeof unit);
    if (ein_xml_attribute(r->root, "AGE", text, sizeof text)) ein_xml_age(text, unit, person);
    ein_xml_attribute(subject, "DOB", text, sizeof text);
    const ein_xml_date birth = moment(text);
    ein_xml_age_from_birth(&birth, &when, person);
    const ein_xml_node *s = ein_xml_find(r->root, "AUTOMATIC_INTERPRETATION/STATEMENT");
    for (; s; s = ein_xml_next(s, "STATEMENT"))
        if (ein_xml_attribute(s, "TEXT", text, sizeof text) && !ein_xml_add_statement(text, person)) break;
    read_device(r, person);
    return EIN_OK;
}

/* --- the whole ------------------------------------------------------------------------------------------- */

static ein_status read_all(reader *r, const ein_content *file, ein_ecg *ecg) {
    EIN_TRY(ein_xml_parse(file, &r->xml));
    r->root = ein_xml_root(r->xml);
    if (!ein_xml_is(r->root, "ECG"))
        return ein_xml_error(r->xml, r->root, "not Mortara ELI XML: its first element is not <ECG>");
    const ein_xml_node *channel = ein_xml_child(r->root, "CHANNEL");
    if (!channel) {
        (void)ein_xml_error(
            r->xml, r->root,
            "XML of root <ECG> without a <CHANNEL>: no Mortara ELI XML, or without the signal");
        return EIN_OTHER;
    }
    for (; channel; channel = ein_xml_next(channel, "CHANNEL")) EIN_TRY(read_channel(r, channel));
    EIN_TRY(ein_counts_to_ecg(file->path, &r->counts, ecg));
    ecg->text_converted = ein_xml_repair(r->xml).converted;
    ecg->text_replaced = ein_xml_repair(r->xml).replaced;
    return read_person(r, file->path, &ecg->person);
}

ein_status ein_eli_read(const ein_content *file, ein_ecg *ecg) {
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
