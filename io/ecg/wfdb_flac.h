/* WFDB signal files that are FLAC streams: formats 508, 516 and 524, samples of 8, 16 and 24 bits, a channel
 * per signal.
 *
 * The samples of a frame whose CRC is wrong are missing, and what follows stays in its place.
 * The MD5 of the stream is compared when all of it was decoded.
 */
#ifndef EIN_IO_ECG_WFDB_FLAC_H
#define EIN_IO_ECG_WFDB_FLAC_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/status.h"
#include "io/base/input.h"

/* Samples of all channels together are at most this many. */
#define EIN_WFDB_FLAC_MAX_VALUES (INT64_C(1) << 28)

typedef struct {
    int32_t *values; /* (frames, signals, per_frame), owned */
    int64_t frames;  /* whole ones */
    bool damaged;    /* a CRC or the MD5 is wrong */
} ein_wfdb_flac;

/* Decode the stream that begins at byte `offset` of a file: `signals` channels of `bits`, `per_frame` samples of
 * one, then of the next. At most `most` frames, 0: all. `missing` stands for samples that could not be decoded.
 * EIN_FORMAT if the stream is of another shape, EIN_CORRUPT if nothing can be decoded, EIN_NOMEM. */
ein_status ein_wfdb_flac_read(ein_input *file, int64_t offset, int signals, int bits, int per_frame,
                              int64_t most, int32_t missing, ein_wfdb_flac *out);

#endif
