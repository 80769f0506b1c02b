/* The data elements of a DICOM file: where each begins and ends, whatever the transfer syntax. Nothing is copied. */
#ifndef EIN_IO_ECG_DICOM_ELEMENTS_H
#define EIN_IO_ECG_DICOM_ELEMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"

/* Elements one after the other: a file's, or an item's of a sequence. */
typedef struct {
    const char *path;
    const uint8_t *start; /* of the file, or of what it inflates to: bytes in messages count from there */
    const uint8_t *at, *end;
    bool implicit, big_endian;
    int depth;
} ein_dicom_scope;

typedef struct {
    uint32_t tag; /* group << 16 | element */
    const uint8_t *value;
    size_t bytes;
    bool implicit_inside; /* a sequence of type UN: its items are implicit */
} ein_dicom_element;

/* The next element, `*end` true behind the last. EIN_CORRUPT with the byte for one that does not fit; EIN_FORMAT for
 * more than 16 sequences within each other, and for compressed data. */
ein_status ein_dicom_next(ein_dicom_scope *scope, ein_dicom_element *out, bool *end);

/* The items of a sequence: begin with `*at` = 0. False behind the last. */
ein_status ein_dicom_item(const ein_dicom_scope *scope, const ein_dicom_element *sequence, size_t *at,
                          ein_dicom_scope *item, bool *end);

/* The first element of that tag within the scope, which is not moved; `out->value` NULL if there is none. */
ein_status ein_dicom_find(const ein_dicom_scope *scope, uint32_t tag, ein_dicom_element *out);

uint16_t ein_dicom_u16(const ein_dicom_scope *scope, const uint8_t *at);
uint32_t ein_dicom_u32(const ein_dicom_scope *scope, const uint8_t *at);

#endif
