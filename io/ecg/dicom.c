#include "io/ecg/dicom.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "io/ecg/counts.h"
#include "io/ecg/dicom_elements.h"
#include "io/ecg/person.h"
#include "io/ecg/wfdb_header.h"
#include "io/ecg/xml_person.h"

enum {
    START_BYTES = 4096,
    MARK_AT = 128,
    MARK_BYTES = 4,
    TEXT_BYTES = 256,
    MAX_GROUPS = 32,
    INFLATE_BYTES = 1 << 16
};
static const char mark[] = "DICM", storage[] = "1.2.840.10008.5.1.4.1.1.";

/* A group of leads. */
typedef struct {
    ein_dicom_scope scope;
    char label[TEXT_BYTES];
    bool averaged, derived;
    int64_t leads, samples;
    double fs_hz;
} group;

typedef struct {
    const char *path;
    const uint8_t *file;
    size_t bytes;
    uint8_t *inflated; /* owned */
    ein_dicom_scope top;
    group groups[MAX_GROUPS];
    int n_groups;
    ein_counts counts;
    double high_pass, low_pass, notch; /* of the first lead */
} reader;

/* --- what it is ------------------------------------------------------------------------------------------ */

static bool begins(const uint8_t *start, size_t bytes, size_t at, const char *what, size_t n) {
    return bytes >= at + n && memcmp(start + at, what, n) == 0;
}

/* Files without the preamble begin with a data element of group 2 or 8, explicit (two capitals) or implicit. */
bool ein_dicom_sniff(const uint8_t *start, size_t bytes) {
    if (begins(start, bytes, MARK_AT, mark, MARK_BYTES)) return true;
    const bool in_group =
        begins(start, bytes, 0, "\x02\0\0\0", 4) || begins(start, bytes, 0, "\x08\0\0\0", 4) ||
        begins(start, bytes, 0, "\x08\0\x05\0", 4) || begins(start, bytes, 0, "\x08\0\x08\0", 4) ||
        begins(start, bytes, 0, "\x08\0\x16\0", 4);
    return in_group && memmem(start, bytes, "1.2.840.10008.", 14) != NULL;
}

bool ein_dicom_is(const uint8_t *start, size_t bytes) {
    if (!ein_dicom_sniff(start, bytes)) return false;
    const char *class = memmem(start, bytes, storage, strlen(storage));
    const char *end = (const char *)start + bytes, *rest = class ? class + strlen(storage) : NULL;
    if (!rest || rest + 1 >= end) return true;
    return *rest == '9' && !isdigit((unsigned char)rest[1]);
}

/* --- values ---------------------------------------------------------------------------------------------- */

/* The text of an element, "" if it is not there. */
static ein_status text_of(const ein_dicom_scope *s, uint32_t tag, char *out, size_t room) {
    ein_dicom_element e;
    out[0] = '\0';
    EIN_TRY(ein_dicom_find(s, tag, &e));
    if (e.value) ein_person_text(e.value, e.bytes, out, room);
    return EIN_OK;
}

/* The text of an element of the first item of a sequence. */
static ein_status text_inside(const ein_dicom_scope *s, uint32_t sequence, uint32_t tag, char *out,
                              size_t room) {
    ein_dicom_element e;
    ein_dicom_scope item;
    size_t at = 0;
    bool end;
    out[0] = '\0';
    EIN_TRY(ein_dicom_find(s, sequence, &e));
    if (!e.value) return EIN_OK;
    EIN_TRY(ein_dicom_item(s, &e, &at, &item, &end));
    return end ? EIN_OK : text_of(&item, tag, out, room);
}

/* A number in digits; `*out` keeps its value if the element is missing or empty. */
static ein_status number_of(const ein_dicom_scope *s, uint32_t tag, const char *what, double *out,
                            bool *there) {
    char text[TEXT_BYTES], *end;
    EIN_TRY(text_of(s, tag, text, sizeof text));
    if (there) *there = text[0] != '\0';
    if (!text[0]) return EIN_OK;
    const double value = strtod(text, &end);
    if (*end || !isfinite(value) || text[strspn(text, "+-.0123456789eE")])
        return ein_error(EIN_FORMAT, "%s: %s (%04x,%04x) is \"%s\", not a number", s->path, what,
                         (unsigned)(tag >> 16), (unsigned)(tag & 0xffff), text);
    *out = value;
    return EIN_OK;
}

static ein_status whole_of(const ein_dicom_scope *s, uint32_t tag, const char *what, int64_t *out) {
    ein_dicom_element e;
    EIN_TRY(ein_dicom_find(s, tag, &e));
    if (e.value && (e.bytes == 2 || e.bytes == 4)) {
        *out = e.bytes == 2 ? ein_dicom_u16(s, e.value) : (int64_t)ein_dicom_u32(s, e.value);
        return EIN_OK;
    }
    return ein_error(EIN_FORMAT, "%s: %s (%04x,%04x) is %s", s->path, what, (unsigned)(tag >> 16),
                     (unsigned)(tag & 0xffff), e.value ? "no whole number" : "missing");
}

/* --- the file -------------------------------------------------------------------------------------------- */

static ein_status inflate_rest(reader *r, const uint8_t *from, size_t bytes) {
    z_stream z = {.next_in = (uint8_t *)from, .avail_in = (unsigned)bytes};
    size_t n = 0, room = 0;
    ein_status status = EIN_OK;
    int end = Z_OK;
    if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
        return ein_error(EIN_NOMEM, "%s: no memory to inflate it", r->path);
    while (status == EIN_OK && end == Z_OK) {
        if (n == room) {
            room = room ? 2 * room : INFLATE_BYTES;
            uint8_t *grown = (int64_t)room <= EIN_DICOM_MAX_BYTES ? realloc(r->inflated, room) : NULL;
            if (!grown) {
                status = ein_error((int64_t)room > EIN_DICOM_MAX_BYTES ? EIN_FORMAT : EIN_NOMEM,
                                   "%s: inflates to more than %zu bytes", r->path, n);
                break;
            }
            r->inflated = grown;
        }
        z.next_out = r->inflated + n;
        z.avail_out = (unsigned)(room - n);
        end = inflate(&z, Z_NO_FLUSH);
        n = room - z.avail_out;
    }
    inflateEnd(&z);
    if (status == EIN_OK && end != Z_STREAM_END)
        status = ein_error(EIN_CORRUPT, "%s: deflated data are damaged or cut, after %zu bytes", r->path, n);
    if (status == EIN_OK)
        r->top = (ein_dicom_scope){r->path, r->inflated, r->inflated, r->inflated + n, false, false, 0};
    return status;
}

static ein_status use_syntax(reader *r, const char *uid) {
    static const char base[] = "1.2.840.10008.1.2";
    ein_dicom_scope *s = &r->top;
    if (strncmp(uid, base, strlen(base)) == 0) {
        const char *rest = uid + strlen(base);
        if (strcmp(rest, "") == 0) s->implicit = true;
        if (strcmp(rest, ".2") == 0) s->big_endian = true;
        if (strcmp(rest, "") == 0 || strcmp(rest, ".1") == 0 || strcmp(rest, ".2") == 0) return EIN_OK;
        if (strcmp(rest, ".1.99") == 0) return inflate_rest(r, s->at, (size_t)(s->end - s->at));
    }
    return ein_error(
        EIN_OTHER,
        "%s: DICOM in transfer syntax \"%s\"; implicit, explicit and deflated ones without compression of "
        "images are read: convert it, as with dcmconv +te",
        r->path, uid);
}

/* Group 0002 is always explicit and little-endian. */
static ein_status skip_meta(reader *r) {
    char uid[TEXT_BYTES] = "";
    ein_dicom_scope *s = &r->top;
    bool any = false;
    while (s->end - s->at >= 8 && ein_dicom_u16(s, s->at) == 2) {
        ein_dicom_element e;
        bool end;
        EIN_TRY(ein_dicom_next(s, &e, &end));
        if (e.tag == 0x00020010) ein_person_text(e.value, e.bytes, uid, sizeof uid);
        any = true;
    }
    if (uid[0]) return use_syntax(r, uid);
    /* Without a word on it: explicit if there is a type behind the first tag. */
    s->implicit = !any && s->end - s->at >= 8 && !(isupper(s->at[4]) && isupper(s->at[5]));
    return EIN_OK;
}

static ein_status open_file(reader *r) {
    const size_t bytes = r->bytes;
    char class[TEXT_BYTES];
    if (!ein_dicom_is(r->file, bytes < START_BYTES ? bytes : START_BYTES))
        return ein_error(EIN_FORMAT, "%s: not a DICOM waveform", r->path);
    const size_t from = begins(r->file, bytes, MARK_AT, mark, MARK_BYTES) ? MARK_AT + MARK_BYTES : 0;
    r->top = (ein_dicom_scope){r->path, r->file, r->file + from, r->file + bytes, false, false, 0};
    EIN_TRY(skip_meta(r));
    EIN_TRY(text_of(&r->top, 0x00080016, class, sizeof class));
    const size_t n = strlen(storage);
    if (strncmp(class, storage, n) != 0 || (strncmp(class + n, "9.1.", 4) == 0 && strlen(class + n) == 5))
        return EIN_OK;
    return ein_error(EIN_OTHER, "%s: a DICOM file of class %s, which is no ECG waveform", r->path, class);
}

/* --- groups ---------------------------------------------------------------------------------------------- */

static bool has_word(const char *text, const char *const *words, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (strcasestr(text, words[i])) return true;
    return false;
}

static ein_status look_at_group(group *g) {
    static const char *const averages[] = {"MEDIAN", "BEAT", "TEMPLATE", "AVERAGE"};
    char originality[TEXT_BYTES];
    const ein_dicom_scope *s = &g->scope;
    EIN_TRY(text_of(s, 0x003a0020, g->label, sizeof g->label));
    EIN_TRY(text_of(s, 0x003a0004, originality, sizeof originality));
    EIN_TRY(whole_of(s, 0x003a0005, "number of leads", &g->leads));
    EIN_TRY(whole_of(s, 0x003a0010, "number of samples", &g->samples));
    EIN_TRY(number_of(s, 0x003a001a, "sampling frequency", &g->fs_hz, NULL));
    g->averaged = has_word(g->label, averages, sizeof averages / sizeof averages[0]);
    g->derived = strcasecmp(originality, "DERIVED") == 0;
    return EIN_OK;
}

static ein_status find_groups(reader *r) {
    ein_dicom_element waves;
    size_t at = 0;
    EIN_TRY(ein_dicom_find(&r->top, 0x54000100, &waves));
    if (!waves.value) return ein_error(EIN_OTHER, "%s: a DICOM file without a waveform", r->path);
    for (;;) {
        ein_dicom_scope item;
        bool end;
        EIN_TRY(ein_dicom_item(&r->top, &waves, &at, &item, &end));
        if (end) return EIN_OK;
        if (r->n_groups == MAX_GROUPS)
            return ein_error(EIN_FORMAT, "%s: more than %d groups of leads", r->path, MAX_GROUPS);
        group *g = &r->groups[r->n_groups++];
        g->scope = item;
        EIN_TRY(look_at_group(g));
    }
}

/* Keep the groups that are the recording. */
static ein_status choose_groups(reader *r) {
    int kept = 0;
    bool rhythm = false;
    for (int i = 0; i < r->n_groups; i++) rhythm = rhythm || strcasecmp(r->groups[i].label, "RHYTHM") == 0;
    for (int i = 0; i < r->n_groups; i++) {
        const group *g = &r->groups[i];
        if (rhythm ? strcasecmp(g->label, "RHYTHM") == 0 : !g->averaged && !g->derived)
            r->groups[kept++] = *g;
    }
    if (kept == 0)
        return ein_error(
            EIN_OTHER,
            "%s: DICOM without a rhythm among %d groups of leads (the first is \"%s\"); averaged beats are "
            "no recording",
            r->path, r->n_groups, r->n_groups ? r->groups[0].label : "");
    for (int i = 1; i < kept; i++)
        if (r->groups[i].samples != r->groups[0].samples || r->groups[i].fs_hz != r->groups[0].fs_hz)
            return ein_error(
                EIN_OTHER,
                "%s: %d groups of leads of different length or rate: a recording in pieces is not read",
                r->path, kept);
    r->n_groups = kept;
    r->counts.fs_hz = r->groups[0].fs_hz;
    return EIN_OK;
}

/* --- leads ----------------------------------------------------------------------------------------------- */

static ein_status read_scale(const ein_dicom_scope *s, ein_counts_lead *l) {
    char unit[TEXT_BYTES];
    double per_count = 0, correction = 1, baseline = 0;
    bool stated;
    EIN_TRY(number_of(s, 0x003a0210, "units per count", &per_count, &stated));
    EIN_TRY(number_of(s, 0x003a0212, "correction", &correction, NULL));
    EIN_TRY(number_of(s, 0x003a0213, "baseline", &baseline, NULL));
    EIN_TRY(text_inside(s, 0x003a0211, 0x00080100, unit, sizeof unit));
    if (!stated || !unit[0])
        return ein_error(EIN_FORMAT, "%s: lead %s has no %s: its scale is not known", s->path, l->name,
                         stated ? "unit (003a,0211)" : "units per count (003a,0210)");
    const double mv = ein_wfdb_mv_per_unit(unit);
    if (mv == 0)
        return ein_error(EIN_FORMAT, "%s: lead %s is in \"%s\", no unit of voltage", s->path, l->name, unit);
    l->mv_per_count = per_count * correction * mv;
    l->zero = baseline == 0 ? 0 : -baseline * mv / l->mv_per_count;
    return EIN_OK;
}

static ein_status check_skew(const reader *r, const ein_dicom_scope *s, const char *name) {
    double seconds = 0, samples = 0;
    EIN_TRY(number_of(s, 0x003a0214, "time skew", &seconds, NULL));
    EIN_TRY(number_of(s, 0x003a0215, "sample skew", &samples, NULL));
    if (fabs(seconds * r->counts.fs_hz) < 1 && fabs(samples) < 1) return EIN_OK;
    return ein_error(EIN_FORMAT, "%s: lead %s is shifted by %g s and %g samples; shifted leads are not read",
                     s->path, name, seconds, samples);
}

static ein_status define_lead(reader *r, const ein_dicom_scope *s) {
    char name[TEXT_BYTES];
    if (r->counts.n_leads == EIN_MAX_LEADS)
        return ein_error(EIN_FORMAT, "%s: more than %d leads", r->path, EIN_MAX_LEADS);
    ein_counts_lead *l = &r->counts.lead[r->counts.n_leads];
    EIN_TRY(text_inside(s, 0x003a0208, 0x00080104, name, sizeof name));
    if (!name[0]) EIN_TRY(text_of(s, 0x003a0203, name, sizeof name));
    if (!name[0]) snprintf(name, sizeof name, "channel %d", r->counts.n_leads + 1);
    ein_person_text(name, strlen(name), l->name, sizeof l->name);
    l->notes = EIN_NOTE_NO_CHECKSUM;
    EIN_TRY(read_scale(s, l));
    EIN_TRY(check_skew(r, s, l->name));
    if (r->counts.n_leads == 0) {
        EIN_TRY(number_of(s, 0x003a0220, "high pass", &r->high_pass, NULL));
        EIN_TRY(number_of(s, 0x003a0221, "low pass", &r->low_pass, NULL));
        EIN_TRY(number_of(s, 0x003a0222, "notch", &r->notch, NULL));
    }
    r->counts.n_leads++;
    return EIN_OK;
}

static ein_status define_leads(reader *r, const group *g) {
    ein_dicom_element sequence;
    size_t at = 0;
    const int before = r->counts.n_leads;
    EIN_TRY(ein_dicom_find(&g->scope, 0x003a0200, &sequence));
    for (bool end = sequence.value == NULL; !end;) {
        ein_dicom_scope item;
        EIN_TRY(ein_dicom_item(&g->scope, &sequence, &at, &item, &end));
        if (!end) EIN_TRY(define_lead(r, &item));
    }
    if (r->counts.n_leads - before == g->leads && g->leads > 0) return EIN_OK;
    return ein_error(EIN_FORMAT, "%s: %lld leads are stated, %d are defined", r->path, (long long)g->leads,
                     r->counts.n_leads - before);
}

/* --- samples --------------------------------------------------------------------------------------------- */

typedef struct {
    const uint8_t *at;
    int bytes;
    bool is_signed, has_padding;
    int64_t padding;
} packing;

static int64_t value_at(const ein_dicom_scope *s, const packing *p, int64_t i) {
    const uint8_t *b = p->at + i * p->bytes;
    const uint32_t raw = p->bytes == 1 ? *b : p->bytes == 2 ? ein_dicom_u16(s, b) : ein_dicom_u32(s, b);
    if (!p->is_signed) return raw;
    return p->bytes == 1 ? (int8_t)raw : p->bytes == 2 ? (int16_t)(uint16_t)raw : (int32_t)raw;
}

static ein_status find_packing(const group *g, packing *p) {
    static const struct {
        char name[3];
        int bits;
        bool is_signed;
    } kinds[] = {{"SB", 8, true},   {"UB", 8, false}, {"SS", 16, true},
                 {"US", 16, false}, {"SL", 32, true}, {"UL", 32, false}};
    const ein_dicom_scope *s = &g->scope;
    char kind[TEXT_BYTES];
    int64_t bits;
    size_t i = 0;
    ein_dicom_element e;
    EIN_TRY(whole_of(s, 0x54001004, "bits of a sample", &bits));
    EIN_TRY(text_of(s, 0x54001006, kind, sizeof kind));
    while (i < sizeof kinds / sizeof kinds[0] && strcmp(kind, kinds[i].name) != 0) i++;
    if (i == sizeof kinds / sizeof kinds[0] || bits != kinds[i].bits)
        return ein_error(
            EIN_OTHER, "%s: samples of kind \"%s\" in %lld bits; whole numbers of 8, 16 and 32 bits are read",
            s->path, kind, (long long)bits);
    p->bytes = kinds[i].bits / 8;
    p->is_signed = kinds[i].is_signed;
    EIN_TRY(ein_dicom_find(s, 0x5400100a, &e));
    p->has_padding = e.value && e.bytes >= (size_t)p->bytes;
    p->at = e.value;
    if (p->has_padding) p->padding = value_at(s, p, 0);
    EIN_TRY(ein_dicom_find(s, 0x54001010, &e));
    if (!e.value) return ein_error(EIN_FORMAT, "%s: the waveform holds no samples (5400,1010)", s->path);
    p->at = e.value;
    const uint64_t held = e.bytes / (uint64_t)p->bytes, stated = (uint64_t)g->leads * (uint64_t)g->samples;
    if (held >= stated && held - stated <= 1) return EIN_OK;
    return ein_error(EIN_CORRUPT, "%s: %lld leads of %lld samples are stated, %llu values are there; damaged",
                     s->path, (long long)g->leads, (long long)g->samples, (unsigned long long)held);
}

static ein_status read_group(reader *r, const group *g) {
    packing p = {0};
    const int first = r->counts.n_leads;
    EIN_TRY(define_leads(r, g));
    EIN_TRY(find_packing(g, &p));
    if (g->samples > EIN_ECG_MAX_SAMPLES)
        return ein_error(EIN_FORMAT, "%s: %lld samples; up to %lld are read", r->path, (long long)g->samples,
                         (long long)EIN_ECG_MAX_SAMPLES);
    for (int64_t c = 0; c < g->leads; c++) {
        ein_counts_lead *l = &r->counts.lead[first + c];
        EIN_TRY(EIN_NEW(l->count, g->samples + 1));
        for (l->n = 0; l->n < g->samples; l->n++) {
            const int64_t value = value_at(&g->scope, &p, l->n * g->leads + c);
            const bool missing =
                (p.has_padding && value == p.padding) || value <= INT32_MIN || value > INT32_MAX;
            l->count[l->n] = missing ? EIN_COUNT_MISSING : (int32_t)value;
        }
    }
    return EIN_OK;
}

/* --- the person ------------------------------------------------------------------------------------------ */

static int part(const char *text, size_t at, int digits) {
    int value = 0;
    for (int i = 0; i < digits; i++) {
        if (strlen(text) <= at + (size_t)i || !isdigit((unsigned char)text[at + (size_t)i])) return -1;
        value = value * 10 + (text[at + (size_t)i] - '0');
    }
    return value;
}

static void take_day(const char *text, ein_xml_date *d) {
    d->year = part(text, 0, 4);
    d->month = part(text, 4, 2);
    d->day = part(text, 6, 2);
}

static void take_time(const char *text, ein_xml_date *d) {
    d->hour = part(text, 0, 2);
    d->minute = part(text, 2, 2);
    d->second = part(text, 4, 2) < 0 ? 0 : part(text, 4, 2);
}

static ein_status read_times(const ein_dicom_scope *s, ein_ecg_person *person) {
    static const uint32_t days[] = {0x00080022, 0x00080023, 0x00080020},
                          times[] = {0x00080032, 0x00080033, 0x00080030};
    ein_xml_date when = {-1, -1, -1, -1, -1, -1}, birth = when;
    char text[TEXT_BYTES];
    EIN_TRY(text_of(s, 0x0008002a, text, sizeof text));
    take_day(text, &when);
    if (strlen(text) > 8) take_time(text + 8, &when);
    for (int i = 0; i < 3 && when.year < 0; i++) {
        EIN_TRY(text_of(s, days[i], text, sizeof text));
        take_day(text, &when);
        EIN_TRY(text_of(s, times[i], text, sizeof text));
        take_time(text, &when);
    }
    ein_xml_acquired(&when, person);
    EIN_TRY(text_of(s, 0x00101010, text, sizeof text));
    if (text[0]) ein_xml_age(text, "", person);
    EIN_TRY(text_of(s, 0x00100030, text, sizeof text));
    take_day(text, &birth);
    ein_xml_age_from_birth(&birth, &when, person);
    return EIN_OK;
}

static ein_status read_person(const reader *r, ein_ecg_person *person) {
    static const uint32_t device[] = {0x00080070, 0x00081090, 0x00181020};
    const ein_dicom_scope *s = &r->top;
    char text[2 * EIN_ECG_TEXT_BYTES];
    ein_person_record_id(r->path, "dcm dicom", person);
    EIN_TRY(text_of(s, 0x00100020, text, sizeof text));
    if (strlen(text) >= sizeof person->patient_id)
        return ein_error(EIN_FORMAT, "%s: a patient id of %zu bytes or more; up to %zu are read", r->path,
                         strlen(text), sizeof person->patient_id - 1);
    if (strcasecmp(text, "unknown") != 0) memcpy(person->patient_id, text, strlen(text) + 1);
    EIN_TRY(text_of(s, 0x00100040, text, sizeof text));
    if (strcasecmp(text, "M") == 0) person->sex = EIN_SEX_MALE;
    if (strcasecmp(text, "F") == 0) person->sex = EIN_SEX_FEMALE;
    for (size_t i = 0; i < sizeof device / sizeof device[0]; i++) {
        EIN_TRY(text_of(s, device[i], text, sizeof text));
        ein_person_add_device(text, person);
    }
    ein_person_add_filters(r->high_pass, r->low_pass, r->notch, person);
    return read_times(s, person);
}

/* --- the whole ------------------------------------------------------------------------------------------- */

static ein_status read_all(reader *r, ein_ecg *ecg) {
    EIN_TRY(open_file(r));
    EIN_TRY(find_groups(r));
    EIN_TRY(choose_groups(r));
    for (int i = 0; i < r->n_groups; i++) EIN_TRY(read_group(r, &r->groups[i]));
    EIN_TRY(ein_counts_to_ecg(r->path, &r->counts, ecg));
    return read_person(r, &ecg->person);
}

ein_status ein_dicom_read(const ein_content *file, ein_ecg *ecg) {
    reader *r = NULL;
    memset(ecg, 0, sizeof *ecg);
    EIN_TRY(EIN_NEW(r, 1));
    r->path = file->path;
    r->file = file->bytes;
    r->bytes = file->n;
    ein_status status = read_all(r, ecg);
    ein_counts_free(&r->counts);
    free(r->inflated);
    free(r);
    if (status != EIN_OK) ein_ecg_free(ecg);
    return status;
}
