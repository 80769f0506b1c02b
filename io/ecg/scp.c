#include "io/ecg/scp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/crc16.h"
#include "io/ecg/counts.h"
#include "io/ecg/person.h"
#include "io/ecg/scp_huffman.h"
#include "io/ecg/xml_person.h"

enum {
    FILE_HEADER = 6,
    SECTION_HEADER = 16,
    POINTER_BYTES = 10,
    SECTIONS = 13,
    LEAD_BYTES = 9,
    QRS_BYTES = 14,
    DATA_HEADER = 6,
    LEADS_SUBTRACTED = 1,
    TEXT_BYTES = 256
};

/* A section without its header; data NULL: not there. */
typedef struct {
    const uint8_t *data;
    size_t bytes;
} section;

/* What section 5 or 6 says of its data. */
typedef struct {
    unsigned nv, interval_us, differences;
} packing;

typedef struct {
    const char *path;
    const uint8_t *file;
    size_t bytes;
    section sections[SECTIONS];
    int protocol;
    bool crc_wrong, packed;
    ein_scp_huffman *huffman; /* owned */
    unsigned lead_flags;
    uint32_t start[EIN_MAX_LEADS], end[EIN_MAX_LEADS];
    ein_counts counts;
} reader;

static unsigned u16(const uint8_t *b) {
    return b[0] | (unsigned)b[1] << 8;
}

static uint32_t u32(const uint8_t *b) {
    return (uint32_t)u16(b) | (uint32_t)u16(b + 2) << 16;
}

/* --- sections -------------------------------------------------------------------------------------------- */

/* The first pointer of section 0 is to itself, at byte 7 counted from 1. */
bool ein_scp_is(const uint8_t *b, size_t bytes) {
    if (bytes < FILE_HEADER + SECTION_HEADER + POINTER_BYTES) return false;
    const uint32_t n = u32(b + FILE_HEADER + 4);
    return u16(b + FILE_HEADER + 2) == 0 && n >= SECTION_HEADER + POINTER_BYTES &&
           (n - SECTION_HEADER) % POINTER_BYTES == 0 && u32(b + 2) >= n && u16(b + 22) == 0 &&
           u32(b + 28) == 7;
}

static ein_status damaged(const reader *r, int number, const char *what) {
    return ein_error(EIN_CORRUPT, "%s: section %d: %s; damaged", r->path, number, what);
}

static ein_status take_section(reader *r, const uint8_t *pointer) {
    const unsigned id = u16(pointer);
    const uint32_t length = u32(pointer + 2), index = u32(pointer + 6);
    if (id == 0 || id >= SECTIONS || length == 0) return EIN_OK;
    if (index == 0 || length < SECTION_HEADER || index - 1 > r->bytes || length > r->bytes - (index - 1))
        return ein_error(EIN_CORRUPT,
                         "%s: section %u is said to be %lu bytes at byte %lu of %zu; damaged or cut", r->path,
                         id, (unsigned long)length, (unsigned long)index, r->bytes);
    const uint8_t *b = r->file + index - 1;
    if (u16(b + 2) != id)
        return ein_error(EIN_CORRUPT, "%s: byte %lu: section %u is said to be here, section %u is; damaged",
                         r->path, (unsigned long)index, id, u16(b + 2));
    const bool used = id >= 1 && id <= 6;
    if (used && ein_crc_ccitt(b + 2, length - 2) != u16(b)) r->crc_wrong = true;
    r->sections[id] = (section){b + SECTION_HEADER, length - SECTION_HEADER};
    return EIN_OK;
}

static ein_status read_sections(reader *r) {
    if (!ein_scp_is(r->file, r->bytes)) return ein_error(EIN_FORMAT, "%s: not an SCP-ECG file", r->path);
    const uint32_t stated = u32(r->file + 2), pointers = u32(r->file + FILE_HEADER + 4);
    if (stated > r->bytes || FILE_HEADER + (size_t)pointers > stated)
        return ein_error(EIN_CORRUPT, "%s: %lu bytes are stated, %zu are there; cut or damaged", r->path,
                         (unsigned long)stated, r->bytes);
    r->bytes = stated;
    r->protocol = r->file[FILE_HEADER + 9];
    r->crc_wrong = ein_crc_ccitt(r->file + 2, stated - 2) != u16(r->file);
    for (uint32_t at = SECTION_HEADER; at + POINTER_BYTES <= pointers; at += POINTER_BYTES)
        EIN_TRY(take_section(r, r->file + FILE_HEADER + at));
    if (r->sections[6].data && r->sections[3].data) return EIN_OK;
    return ein_error(EIN_OTHER, "%s: SCP-ECG without %s", r->path,
                     r->sections[12].data
                         ? "a short rhythm (section 6); long-term data (section 12) are not read"
                     : r->sections[6].data ? "a definition of its leads (section 3)"
                                           : "a rhythm (section 6)");
}

/* --- leads ----------------------------------------------------------------------------------------------- */

/* By number; "" is none that is an ECG lead. */
static const char *lead_of(unsigned number, char *room, size_t bytes) {
    static const char *const names[] = {"",    "I",   "II", "V1",  "V2",  "V3",  "V4",
                                        "V5",  "V6",  "V7", "V2R", "V3R", "V4R", "V5R",
                                        "V6R", "V7R", "X",  "Y",   "Z",   "CC5", "CM5"};
    static const char *const more[] = {"III", "aVR", "aVL", "aVF", "-aVR", "V8",
                                       "V9",  "V8R", "V9R", "D",   "A",    "J"};
    const unsigned n_names = sizeof names / sizeof names[0], first = 61,
                   n_more = sizeof more / sizeof more[0];
    if (number < n_names) return names[number];
    if (number >= first && number < first + n_more) return more[number - first];
    const bool calibration = (number >= 31 && number < first) || (number >= 80 && number <= 85);
    if (calibration) return "";
    snprintf(room, bytes, "lead %u", number);
    return room;
}

static ein_status read_leads(reader *r) {
    const section *s = &r->sections[3];
    char room[EIN_LEAD_NAME_BYTES];
    if (s->bytes < 2) return damaged(r, 3, "it is cut");
    const unsigned n = s->data[0];
    r->lead_flags = s->data[1];
    if (n == 0 || n > EIN_MAX_LEADS)
        return ein_error(EIN_FORMAT, "%s: section 3: %u leads; 1 to %d are read", r->path, n, EIN_MAX_LEADS);
    if (s->bytes < 2 + (size_t)n * LEAD_BYTES) return damaged(r, 3, "it is cut");
    for (unsigned i = 0; i < n; i++) {
        const uint8_t *b = s->data + 2 + i * LEAD_BYTES;
        ein_counts_lead *l = &r->counts.lead[i];
        r->start[i] = u32(b);
        r->end[i] = u32(b + 4);
        if (r->start[i] < 1 || r->end[i] < r->start[i] || r->end[i] > EIN_ECG_MAX_SAMPLES)
            return ein_error(EIN_CORRUPT, "%s: section 3: lead %u from sample %lu to %lu; damaged", r->path,
                             i + 1, (unsigned long)r->start[i], (unsigned long)r->end[i]);
        const char *name = lead_of(b[8], room, sizeof room);
        if (!name[0])
            return ein_error(EIN_FORMAT, "%s: section 3: lead %u is number %u, no ECG lead", r->path, i + 1,
                             b[8]);
        snprintf(l->name, sizeof l->name, "%s", name);
        l->notes = r->crc_wrong ? EIN_NOTE_CHECKSUM : 0u;
    }
    r->counts.n_leads = (int)n;
    return EIN_OK;
}

/* --- data ------------------------------------------------------------------------------------------------ */

static ein_status read_tables(reader *r) {
    const section *s = &r->sections[2];
    if (!s->data) return EIN_OK;
    EIN_TRY(EIN_NEW(r->huffman, 1));
    const char *wrong = ein_scp_huffman_parse(s->data, s->bytes, r->huffman);
    r->packed = true;
    return wrong ? damaged(r, 2, wrong) : EIN_OK;
}

/* Samples of differences; sums wrap as those of 16-bit encoders. */
static void integrate(int32_t *x, int64_t n, unsigned order) {
    for (int64_t t = order; order > 0 && t < n; t++) {
        const uint32_t before = (uint32_t)x[t - 1], sum = (uint32_t)x[t] + before;
        x[t] = (int16_t)(uint16_t)(order == 1 ? sum : sum + before - (uint32_t)x[t - 2]);
    }
}

static ein_status read_packing(const reader *r, int number, packing *p) {
    const section *s = &r->sections[number];
    if (s->bytes < DATA_HEADER + 2 * (size_t)r->counts.n_leads) return damaged(r, number, "it is cut");
    *p = (packing){u16(s->data), u16(s->data + 2), s->data[4]};
    if (p->nv == 0 || p->interval_us == 0 || p->differences > 2)
        return ein_error(EIN_FORMAT,
                         "%s: section %d: %u nV, %u us, difference %u: no scale, no rate, or no packing",
                         r->path, number, p->nv, p->interval_us, p->differences);
    return EIN_OK;
}

/* Lead `lead` of section 5 or 6, `n` values. */
static ein_status read_values(const reader *r, int number, const packing *p, int lead, int64_t n,
                              int32_t **out) {
    const section *s = &r->sections[number];
    size_t at = DATA_HEADER + 2 * (size_t)r->counts.n_leads;
    for (int i = 0; i < lead; i++) at += u16(s->data + DATA_HEADER + 2 * i);
    const size_t bytes = u16(s->data + DATA_HEADER + 2 * lead);
    if (at > s->bytes || bytes > s->bytes - at) return damaged(r, number, "its leads reach beyond its end");
    /* A value takes a bit at least. */
    if (n > (int64_t)bytes * (r->packed ? 8 : 1) / (r->packed ? 1 : 2))
        return ein_error(EIN_CORRUPT, "%s: section %d: lead %s has %lld samples in %zu bytes; damaged",
                         r->path, number, r->counts.lead[lead].name, (long long)n, bytes);
    EIN_TRY(EIN_NEW(*out, n + 1));
    const char *wrong = r->packed ? ein_scp_huffman_unpack(r->huffman, s->data + at, bytes, *out, n) : NULL;
    if (wrong) return damaged(r, number, wrong);
    for (int64_t t = 0; !r->packed && t < n; t++)
        (*out)[t] = (int16_t)(uint16_t)u16(s->data + at + 2 * (size_t)t);
    integrate(*out, n, p->differences);
    return EIN_OK;
}

static ein_status read_rhythm(reader *r, packing *p) {
    EIN_TRY(read_packing(r, 6, p));
    if (r->sections[6].data[5] != 0 && r->protocol < 30)
        return ein_error(
            EIN_OTHER, "%s: SCP-ECG with decimated data (bimodal compression), which are not read", r->path);
    r->counts.fs_hz = 1e6 / p->interval_us;
    for (int i = 0; i < r->counts.n_leads; i++) {
        ein_counts_lead *l = &r->counts.lead[i];
        l->n = (int64_t)r->end[i] - r->start[i] + 1;
        l->mv_per_count = p->nv / 1e6;
        EIN_TRY(read_values(r, 6, p, i, l->n, &l->count));
    }
    return EIN_OK;
}

/* --- reference beats ------------------------------------------------------------------------------------- */

static unsigned common_divisor(unsigned a, unsigned b) {
    while (b) {
        const unsigned rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Add the beat to one lead within a QRS complex: its sample `fiducial` belongs at that of the complex, both from 1. */
static void add_beat(const reader *r, int lead, const uint8_t *qrs, const int32_t *beat, int64_t n,
                     int64_t fiducial, int32_t times) {
    const int64_t begin = u32(qrs + 2), at = u32(qrs + 6), end = u32(qrs + 10);
    int32_t *count = r->counts.lead[lead].count;
    for (int64_t t = begin < r->start[lead] ? r->start[lead] : begin; t <= end && t <= r->end[lead]; t++) {
        const int64_t k = t - at + fiducial - 1;
        if (k < 0) continue;
        if (k >= n) break;
        int32_t *x = &count[t - r->start[lead]];
        *x = (int32_t)((uint32_t)*x + (uint32_t)beat[k] * (uint32_t)times);
    }
}

static ein_status restore_lead(reader *r, int lead, const packing *beat_packing, unsigned step,
                               unsigned common, int64_t n) {
    const section *places = &r->sections[4];
    const int64_t complexes = u16(places->data + 4), fiducial = u16(places->data + 2);
    ein_counts_lead *l = &r->counts.lead[lead];
    int32_t *beat = NULL;
    ein_status status = read_values(r, 5, beat_packing, lead, n, &beat);
    for (int64_t t = 0; status == EIN_OK && t < l->n; t++)
        l->count[t] = (int32_t)((uint32_t)l->count[t] * (step / common));
    for (int64_t q = 0; status == EIN_OK && q < complexes; q++) {
        const uint8_t *b = places->data + 6 + q * QRS_BYTES;
        if (u16(b) == 0) add_beat(r, lead, b, beat, n, fiducial, (int32_t)(beat_packing->nv / common));
    }
    l->mv_per_count = common / 1e6;
    free(beat);
    return status;
}

static ein_status restore_beats(reader *r, const packing *rhythm) {
    const section *places = &r->sections[4];
    packing beat;
    if (!(r->lead_flags & LEADS_SUBTRACTED)) return EIN_OK;
    if (!places->data || !r->sections[5].data)
        return ein_error(EIN_CORRUPT, "%s: a reference beat was subtracted, but section 4 or 5 is not there",
                         r->path);
    if (places->bytes < 6 || places->bytes - 6 < (size_t)u16(places->data + 4) * QRS_BYTES)
        return damaged(r, 4, "it is cut");
    EIN_TRY(read_packing(r, 5, &beat));
    if (beat.interval_us != rhythm->interval_us)
        return ein_error(
            EIN_OTHER, "%s: SCP-ECG with a reference beat of another rate than its rhythm, which is not read",
            r->path);
    const int64_t n = ((int64_t)u16(places->data) * 1000 + beat.interval_us / 2) / beat.interval_us;
    const unsigned common = common_divisor(rhythm->nv, beat.nv);
    for (int i = 0; i < r->counts.n_leads; i++) EIN_TRY(restore_lead(r, i, &beat, rhythm->nv, common, n));
    return EIN_OK;
}

/* Leads begin together: one that begins later is missing before. */
static ein_status align(reader *r) {
    uint32_t first = r->start[0];
    for (int i = 1; i < r->counts.n_leads; i++)
        if (r->start[i] < first) first = r->start[i];
    for (int i = 0; i < r->counts.n_leads; i++) {
        ein_counts_lead *l = &r->counts.lead[i];
        const int64_t before = r->start[i] - first;
        if (before == 0) continue;
        if (before > 16 * l->n + (1 << 20)) return damaged(r, 3, "a lead begins long after the others end");
        int32_t *moved;
        EIN_TRY(ein_calloc((void *)&moved, before + l->n, sizeof *moved, "samples of a lead"));
        for (int64_t t = 0; t < before; t++) moved[t] = EIN_COUNT_MISSING;
        memcpy(moved + before, l->count, (size_t)l->n * sizeof *moved);
        free(l->count);
        l->count = moved;
        l->n += before;
        l->notes |= EIN_NOTE_TRUNCATED;
    }
    return EIN_OK;
}

/* --- the person ------------------------------------------------------------------------------------------ */

typedef struct {
    ein_xml_date when, birth;
    double high_pass, low_pass, notch;
    bool id_too_long;
} told;

static void take_day(const uint8_t *b, ein_xml_date *d) {
    d->year = (int)u16(b);
    d->month = b[2];
    d->day = b[3];
}

static void take_device(const uint8_t *b, size_t n, ein_ecg_person *person) {
    char text[TEXT_BYTES];
    const uint8_t *p = b + 36, *end = b + n;
    const uint8_t *part[5] = {NULL};
    for (int i = 0; i < 5 && p < end; i++) {
        part[i] = p;
        p += strnlen((const char *)p, (size_t)(end - p)) + 1;
    }
    /* analysing program, serial number, software, SCP implementation, manufacturer */
    if (part[4] && ein_person_text(part[4], (size_t)(end - part[4]), text, sizeof text))
        ein_person_add_device(text, person);
    if (ein_person_text(b + 8, 6, text, sizeof text)) ein_person_add_device(text, person);
    if (part[2] && ein_person_text(part[2], (size_t)(end - part[2]), text, sizeof text))
        ein_person_add_device(text, person);
}

static void take_age(unsigned number, unsigned unit, ein_ecg_person *person) {
    static const char *const units[] = {"", "years", "months", "weeks", "days", "hours"};
    char text[16];
    if (unit < 1 || unit > 5 || number == 0) return;
    snprintf(text, sizeof text, "%u", number);
    ein_xml_age(text, units[unit], person);
}

static void take_tag(unsigned tag, const uint8_t *b, size_t n, told *t, ein_ecg_person *person) {
    char text[2 * EIN_ECG_TEXT_BYTES];
    if (tag == 2 && ein_person_text(b, n, text, sizeof text)) {
        t->id_too_long = strlen(text) >= sizeof person->patient_id;
        if (!t->id_too_long) memcpy(person->patient_id, text, strlen(text) + 1);
    }
    if (tag == 4 && n >= 3) take_age(u16(b), b[2], person);
    if (tag == 5 && n >= 4) take_day(b, &t->birth);
    if (tag == 8 && n >= 1 && b[0] == 1) person->sex = EIN_SEX_MALE;
    if (tag == 8 && n >= 1 && b[0] == 2) person->sex = EIN_SEX_FEMALE;
    if (tag == 14 && n >= 36) take_device(b, n, person);
    if (tag == 25 && n >= 4) take_day(b, &t->when);
    if (tag == 26 && n >= 3) {
        t->when.hour = b[0];
        t->when.minute = b[1];
        t->when.second = b[2];
    }
    if (tag == 27 && n >= 2) t->high_pass = u16(b) / 100.0;
    if (tag == 28 && n >= 2) t->low_pass = u16(b);
    if (tag == 29 && n >= 1) t->notch = b[0] & 1 ? 60 : b[0] & 2 ? 50 : 0;
}

static ein_status read_person(const reader *r, ein_ecg_person *person) {
    const section *s = &r->sections[1];
    told t = {{-1, -1, -1, -1, -1, -1}, {-1, -1, -1, -1, -1, -1}, 0, 0, 0, false};
    ein_person_record_id(r->path, "scp ecg", person);
    for (size_t at = 0; s->data && at + 3 <= s->bytes && s->data[at] != 255;) {
        const size_t n = u16(s->data + at + 1);
        if (n > s->bytes - at - 3) return damaged(r, 1, "a field reaches beyond its end");
        take_tag(s->data[at], s->data + at + 3, n, &t, person);
        at += 3 + n;
    }
    if (t.id_too_long)
        return ein_error(EIN_FORMAT, "%s: a patient id of %zu bytes or more; up to %zu are read", r->path,
                         sizeof person->patient_id, sizeof person->patient_id - 1);
    ein_xml_acquired(&t.when, person);
    ein_xml_age_from_birth(&t.birth, &t.when, person);
    ein_person_add_filters(t.high_pass, t.low_pass, t.notch, person);
    return EIN_OK;
}

/* Section 8: state, date, time, number of statements; each a number, a length, a text. */
static void read_statements(const reader *r, ein_ecg_person *person) {
    const section *s = &r->sections[8];
    char text[TEXT_BYTES];
    if (!s->data || s->bytes < 9) return;
    size_t at = 9;
    for (int i = 0; i < s->data[8] && s->bytes - at >= 3; i++) {
        const size_t n = u16(s->data + at + 1);
        at += 3;
        if (n > s->bytes - at) return;
        if (ein_person_text(s->data + at, n, text, sizeof text) && !ein_xml_add_statement(text, person))
            return;
        at += n;
    }
}

/* --- the whole ------------------------------------------------------------------------------------------- */

static ein_status read_all(reader *r, ein_ecg *ecg) {
    packing rhythm;
    EIN_TRY(read_sections(r));
    EIN_TRY(read_leads(r));
    EIN_TRY(read_tables(r));
    EIN_TRY(read_rhythm(r, &rhythm));
    EIN_TRY(restore_beats(r, &rhythm));
    EIN_TRY(align(r));
    EIN_TRY(ein_counts_to_ecg(r->path, &r->counts, ecg));
    EIN_TRY(read_person(r, &ecg->person));
    read_statements(r, &ecg->person);
    return EIN_OK;
}

ein_status ein_scp_read(const ein_content *file, ein_ecg *ecg) {
    reader *r = NULL;
    memset(ecg, 0, sizeof *ecg);
    EIN_TRY(EIN_NEW(r, 1));
    r->path = file->path;
    r->file = file->bytes;
    r->bytes = file->n;
    ein_status status = read_all(r, ecg);
    ein_counts_free(&r->counts);
    free(r->huffman);
    free(r);
    if (status != EIN_OK) ein_ecg_free(ecg);
    return status;
}
