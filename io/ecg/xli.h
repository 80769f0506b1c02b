/* XLI, the packing of samples in Philips Sierra XML: lead after lead,
 *
 *     int32 size | int16 not used | int16 start | `size` bytes of LZW
 *
 * little-endian.  LZW has codes of 10 bits, most significant first; 0 to 255 stand for themselves, 256 to 1022 for
 * strings in the order in which they come up, none after 1022; 1023 and the end of the bytes end it.  Unpacked, the
 * first half are the high bytes and the second half the low bytes of int16 d[0], d[1], ...; the samples are
 *
 *     x[0] = d[0], x[1] = d[1], x[t] = 2 x[t-1] - x[t-2] - e[t], e[2] = start, e[t] = d[t-1] - 64
 *
 * in 32 bits: 16 overflow (a known fault of readers).  Source: the description in sierra-ecg-tools.
 */
#ifndef EIN_IO_ECG_XLI_H
#define EIN_IO_ECG_XLI_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"

/* Unpack the lead that begins at *at, which moves behind it; `*count` (`*n`) is the caller's to free. A lead of more
 * than `most` samples is not believed. EIN_CORRUPT with a message that names the byte, without a file; EIN_NOMEM. */
ein_status ein_xli_lead(const uint8_t *data, size_t bytes, size_t *at, int64_t most, int32_t **count,
                        int64_t *n);

#endif
