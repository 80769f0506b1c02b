#include "io/ecg/dicom_elements.h"

#include <string.h>

enum { MAX_DEPTH = 16, TAG_BYTES = 4, SHORT_HEADER = 8, LONG_HEADER = 12 };
#define UNDEFINED    UINT32_C(0xffffffff)
#define ITEM         UINT32_C(0xfffee000)
#define ITEM_END     UINT32_C(0xfffee00d)
#define SEQUENCE_END UINT32_C(0xfffee0dd)

uint16_t ein_dicom_u16(const ein_dicom_scope *s, const uint8_t *at) {
    return s->big_endian ? (uint16_t)(at[0] << 8 | at[1]) : (uint16_t)(at[1] << 8 | at[0]);
}

uint32_t ein_dicom_u32(const ein_dicom_scope *s, const uint8_t *at) {
    const uint32_t low = ein_dicom_u16(s, s->big_endian ? at + 2 : at),
                   high = ein_dicom_u16(s, s->big_endian ? at : at + 2);
    return high << 16 | low;
}

static uint32_t tag_at(const ein_dicom_scope *s, const uint8_t *at) {
    return (uint32_t)ein_dicom_u16(s, at) << 16 | ein_dicom_u16(s, at + 2);
}

static ein_status cut(const ein_dicom_scope *s, uint32_t tag) {
    return ein_error(EIN_CORRUPT, "%s: byte %zu: element (%04x,%04x) reaches beyond its end; damaged or cut",
                     s->path, (size_t)(s->at - s->start), (unsigned)(tag >> 16), (unsigned)(tag & 0xffff));
}

/* Explicit types with a length of 4 bytes behind 2 that are reserved. */
static bool is_long(const char *vr) {
    static const char types[] = "OB OW OF OD OL OV SQ UC UR UT UN SV UV";
    for (const char *p = types; *p; p += p[2] ? 3 : 2)
        if (memcmp(p, vr, 2) == 0) return true;
    return false;
}

static ein_status skip_items(ein_dicom_scope *s);

/* Tag and length; the scope moves to the value. */
static ein_status take_header(ein_dicom_scope *s, ein_dicom_element *out, uint32_t *length, bool *sequence) {
    const size_t left = (size_t)(s->end - s->at);
    const uint32_t tag = left >= TAG_BYTES ? tag_at(s, s->at) : 0;
    out->tag = tag;
    out->implicit_inside = s->implicit;
    if (left < SHORT_HEADER) return cut(s, tag);
    const char *vr = (const char *)s->at + TAG_BYTES;
    if (s->implicit || tag >> 16 == 0xfffe) {
        *length = ein_dicom_u32(s, s->at + TAG_BYTES);
        *sequence = *length == UNDEFINED;
        s->at += SHORT_HEADER;
    } else if (is_long(vr)) {
        if (left < LONG_HEADER) return cut(s, tag);
        *length = ein_dicom_u32(s, s->at + SHORT_HEADER);
        const bool unknown = memcmp(vr, "UN", 2) == 0;
        *sequence = memcmp(vr, "SQ", 2) == 0 || unknown;
        out->implicit_inside = unknown;
        s->at += LONG_HEADER;
    } else {
        if (vr[0] < 'A' || vr[0] > 'Z' || vr[1] < 'A' || vr[1] > 'Z')
            return ein_error(EIN_CORRUPT, "%s: byte %zu: element (%04x,%04x) has no type; damaged", s->path,
                             (size_t)(s->at - s->start), (unsigned)(tag >> 16), (unsigned)(tag & 0xffff));
        *length = ein_dicom_u16(s, s->at + 6);
        *sequence = false;
        s->at += SHORT_HEADER;
    }
    return EIN_OK;
}

ein_status ein_dicom_next(ein_dicom_scope *s, ein_dicom_element *out, bool *end) {
    uint32_t length = 0;
    bool sequence = false;
    memset(out, 0, sizeof *out);
    *end = s->at == s->end;
    if (*end) return EIN_OK;
    EIN_TRY(take_header(s, out, &length, &sequence));
    out->value = s->at;
    if (length == UNDEFINED) {
        if (!sequence)
            return ein_error(EIN_FORMAT, "%s: element (%04x,%04x) holds compressed data, which are not read",
                             s->path, (unsigned)(out->tag >> 16), (unsigned)(out->tag & 0xffff));
        ein_dicom_scope inside = *s;
        inside.implicit = out->implicit_inside;
        EIN_TRY(skip_items(&inside));
        s->at = inside.at;
        out->bytes = (size_t)(s->at - out->value) - SHORT_HEADER; /* without the delimiter */
        return EIN_OK;
    }
    if (length > (size_t)(s->end - s->at)) return cut(s, out->tag);
    s->at += length;
    out->bytes = length;
    return EIN_OK;
}

/* Move behind the items of a sequence of undefined length, and behind what ends it. */
static ein_status skip_items(ein_dicom_scope *s) {
    if (++s->depth > MAX_DEPTH)
        return ein_error(EIN_FORMAT, "%s: byte %zu: more than %d sequences within each other", s->path,
                         (size_t)(s->at - s->start), MAX_DEPTH);
    for (;;) {
        if (s->end - s->at < SHORT_HEADER) return cut(s, SEQUENCE_END);
        const uint32_t tag = tag_at(s, s->at), length = ein_dicom_u32(s, s->at + TAG_BYTES);
        s->at += SHORT_HEADER;
        if (tag == SEQUENCE_END) break;
        if (tag != ITEM)
            return ein_error(EIN_CORRUPT, "%s: byte %zu: neither an item nor the end of a sequence; damaged",
                             s->path, (size_t)(s->at - s->start) - SHORT_HEADER);
        if (length != UNDEFINED && length > (size_t)(s->end - s->at)) return cut(s, ITEM);
        if (length != UNDEFINED) {
            s->at += length;
            continue;
        }
        for (ein_dicom_element e = {0}; e.tag != ITEM_END;) {
            bool end;
            EIN_TRY(ein_dicom_next(s, &e, &end));
            if (end) return cut(s, ITEM_END);
        }
    }
    s->depth--;
    return EIN_OK;
}

ein_status ein_dicom_item(const ein_dicom_scope *scope, const ein_dicom_element *sequence, size_t *at,
                          ein_dicom_scope *item, bool *end) {
    ein_dicom_scope s = *scope;
    s.at = sequence->value + *at;
    s.end = sequence->value + sequence->bytes;
    s.implicit = sequence->implicit_inside;
    *item = s;
    *end = s.at == s.end;
    if (*end) return EIN_OK;
    if (s.end - s.at < SHORT_HEADER || tag_at(&s, s.at) != ITEM) return cut(&s, ITEM);
    const uint32_t length = ein_dicom_u32(&s, s.at + TAG_BYTES);
    s.at += SHORT_HEADER;
    item->at = s.at;
    if (length == UNDEFINED) {
        for (ein_dicom_element e = {0}; e.tag != ITEM_END;) {
            bool last;
            item->end = s.at;
            EIN_TRY(ein_dicom_next(&s, &e, &last));
            if (last) return cut(&s, ITEM_END);
        }
    } else {
        if (length > (size_t)(s.end - s.at)) return cut(&s, ITEM);
        s.at += length;
        item->end = s.at;
    }
    *at = (size_t)(s.at - sequence->value);
    return EIN_OK;
}

ein_status ein_dicom_find(const ein_dicom_scope *scope, uint32_t tag, ein_dicom_element *out) {
    ein_dicom_scope s = *scope;
    for (;;) {
        bool end;
        EIN_TRY(ein_dicom_next(&s, out, &end));
        if (end) memset(out, 0, sizeof *out);
        if (end || out->tag == tag) return EIN_OK;
    }
}
