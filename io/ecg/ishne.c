#include "io/ecg/ishne.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/crc16.h"
#include "io/ecg/counts.h"
#include "io/ecg/person.h"
#include "io/ecg/xml_person.h"

enum { HEADER_BYTES = 522, CRC_FROM = 10, MAX_LEADS = 12, MISSING = -32768 };

typedef struct {
    const char *path;
    const uint8_t *file;
    size_t bytes, data; /* the file's; where samples begin */
    uint32_t notes;
    ein_counts counts;
} reader;

static int i16(const uint8_t *b) {
    return (int16_t)(uint16_t)(b[0] | b[1] << 8);
}

static int32_t i32(const uint8_t *b) {
    return (int32_t)((uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24);
}

bool ein_ishne_is(const uint8_t *start, size_t bytes) {
    return bytes >= 8 && memcmp(start, "ISHNE1.0", 8) == 0;
}

static ein_status read_header(reader *r) {
    if (!ein_ishne_is(r->file, r->bytes)) return ein_error(EIN_FORMAT, "%s: not an ISHNE file", r->path);
    if (r->bytes < HEADER_BYTES)
        return ein_error(EIN_CORRUPT, "%s: ends at byte %zu, within its header", r->path, r->bytes);
    const int32_t text = i32(r->file + 10);
    if (text < 0 || (size_t)text > r->bytes - HEADER_BYTES)
        return ein_error(EIN_CORRUPT, "%s: %ld bytes of text are stated, %zu are left; damaged or cut",
                         r->path, (long)text, r->bytes - HEADER_BYTES);
    r->data = HEADER_BYTES + (size_t)text;
    const uint16_t stated = (uint16_t)i16(r->file + 8),
                   crc = ein_crc_ccitt(r->file + CRC_FROM, r->data - CRC_FROM);
    const bool right = stated == crc || stated == (uint16_t)(crc << 8 | crc >> 8);
    r->notes = stated == 0 ? EIN_NOTE_NO_CHECKSUM : right ? 0u : EIN_NOTE_CHECKSUM;
    return EIN_OK;
}

static void name_lead(int number, char *out, size_t room) {
    static const char *const names[] = {"",    "",   "X",  "Y",  "Z",  "I",  "II", "III", "aVR", "aVL",
                                        "aVF", "V1", "V2", "V3", "V4", "V5", "V6", "ES",  "AS",  "AI"};
    const bool known = number >= 0 && number < (int)(sizeof names / sizeof names[0]);
    snprintf(out, room, "%s", known ? names[number] : "");
}

static ein_status read_leads(reader *r) {
    const int n = i16(r->file + 156);
    if (n < 1 || n > MAX_LEADS)
        return ein_error(EIN_FORMAT, "%s: byte 156: %d leads; 1 to 12 are possible", r->path, n);
    const int64_t held = (int64_t)(r->bytes - r->data) / (2 * n), stated = i32(r->file + 14);
    const bool cut = (r->bytes - r->data) % (2 * (size_t)n) != 0 || (stated > held && stated != held * n);
    r->counts.fs_hz = i16(r->file + 272);
    r->counts.n_leads = n;
    for (int i = 0; i < n; i++) {
        ein_counts_lead *l = &r->counts.lead[i];
        const int nv = i16(r->file + 206 + 2 * i);
        name_lead(i16(r->file + 158 + 2 * i), l->name, sizeof l->name);
        if (nv <= 0)
            return ein_error(EIN_FORMAT,
                             "%s: byte %d: lead %d (%s) has %d nV per count: its scale is not known", r->path,
                             206 + 2 * i, i + 1, l->name, nv);
        l->mv_per_count = nv / 1e6;
        l->notes = r->notes | (cut ? EIN_NOTE_TRUNCATED : 0u);
        EIN_TRY(EIN_NEW(l->count, held + 1));
        for (l->n = 0; l->n < held; l->n++) {
            const int value = i16(r->file + r->data + 2 * (size_t)(l->n * n + i));
            l->count[l->n] = value == MISSING ? EIN_COUNT_MISSING : value;
        }
    }
    return EIN_OK;
}

static ein_xml_date day_at(const uint8_t *b) {
    return (ein_xml_date){i16(b + 4), i16(b + 2), i16(b), -1, -1, -1};
}

static void read_person(const reader *r, ein_ecg_person *person) {
    char text[EIN_ECG_TEXT_BYTES];
    ein_xml_date birth = day_at(r->file + 132), when = day_at(r->file + 138);
    ein_person_record_id(r->path, "ecg ishne", person);
    ein_person_text(r->file + 108, 20, person->patient_id, sizeof person->patient_id);
    if (i16(r->file + 128) == 1) person->sex = EIN_SEX_MALE;
    if (i16(r->file + 128) == 2) person->sex = EIN_SEX_FEMALE;
    when.hour = i16(r->file + 150);
    when.minute = i16(r->file + 152);
    when.second = i16(r->file + 154);
    ein_xml_acquired(&when, person);
    ein_xml_age_from_birth(&birth, &when, person);
    if (ein_person_text(r->file + 232, 40, text, sizeof text)) ein_person_add_device(text, person);
}

static ein_status read_all(reader *r, ein_ecg *ecg) {
    EIN_TRY(read_header(r));
    EIN_TRY(read_leads(r));
    EIN_TRY(ein_counts_to_ecg(r->path, &r->counts, ecg));
    read_person(r, &ecg->person);
    return EIN_OK;
}

ein_status ein_ishne_read(const ein_content *file, ein_ecg *ecg) {
    reader *r = NULL;
    memset(ecg, 0, sizeof *ecg);
    EIN_TRY(EIN_NEW(r, 1));
    r->path = file->path;
    r->file = file->bytes;
    r->bytes = file->n;
    ein_status status = read_all(r, ecg);
    ein_counts_free(&r->counts);
    free(r);
    if (status != EIN_OK) ein_ecg_free(ecg);
    return status;
}
