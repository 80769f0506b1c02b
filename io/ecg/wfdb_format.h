/* How samples are packed in WFDB signal files: one row per format.
 *
 * A format packs `unit_values` samples into `unit_bytes` bytes; rows differ only in numbers and in the
 * function that unpacks whole units.  Source: signal(5) of the WFDB Applications Guide; the tests hold
 * the values and checksums of the records in ten formats that come with wfdb-python (sample-data/binformats.hea).
 *
 *   8          8-bit differences from the sample before, the first from the header's initial value
 *   16, 61     two's complement int16, little- and big-endian
 *   24, 32     little-endian two's complement int24, int32
 *   80, 160    offset binary uint8 - 128, little-endian uint16 - 32768
 *   212        pairs of 12 bits in 3 bytes
 *   508, 516,  FLAC streams of 8, 16 and 24 bits (io/ecg/wfdb_flac.h); no function unpacks units of them
 *   524
 *   310, 311   triples of 10 bits in 4 bytes, two packings
 */
#ifndef EIN_IO_ECG_WFDB_FORMAT_H
#define EIN_IO_ECG_WFDB_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int format;       /* the number in the header */
    int unit_values;  /* samples in one unit */
    int unit_bytes;   /* bytes of one unit */
    int bits;         /* of one sample */
    bool differences; /* what is unpacked are differences (format 8) */
    bool has_missing; /* the most negative value marks a missing sample */
    /* Unpack `units` whole units: bytes (units * unit_bytes) -> out (units * unit_values). NULL: a FLAC stream. */
    void (*unpack)(const uint8_t *bytes, int64_t units, int32_t *out);
} ein_wfdb_format;

/* The row of a format, NULL if this program does not read it. */
const ein_wfdb_format *ein_wfdb_format_find(int format);

/* "8, 16, 24, ...": the formats there are, for messages. */
const char *ein_wfdb_format_list(void);

/* Samples that `bytes` bytes hold: the last unit may be cut where its first samples are whole. */
int64_t ein_wfdb_format_values(const ein_wfdb_format *format, int64_t bytes);

/* Bytes that `values` samples need, the last unit rounded up to whole bytes. */
int64_t ein_wfdb_format_bytes(const ein_wfdb_format *format, int64_t values);

/* Unpack `values` samples from `bytes` bytes (at least ein_wfdb_format_bytes of them); out (values). */
void ein_wfdb_format_unpack(const ein_wfdb_format *format, const uint8_t *bytes, int64_t values,
                            int32_t *out);

/* The value that marks a missing sample; only where has_missing. */
int32_t ein_wfdb_format_missing(const ein_wfdb_format *format);

#endif
