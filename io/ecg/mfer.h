/* Reading MFER (ISO 22077-1, parts 3-1 and 3-2): definitions of tag, length and value, read in
 * order; samples in frames.
 *
 *     40 20 "MFR ..."   begins a file
 *     01 byte order  04 block length  05 channels  06 sequences  08 kind of waveform  0A type of samples
 *     0B interval    0C sensitivity   0D offset    12 mark of a missing sample
 *     3F the same of one channel, and 09 its lead
 *     1E a frame: sequences x channels x block length samples
 *     11 filters  17 device  82 to 85 id, age, sex, time
 *
 *   frames        Those of dominant beats (kind 9) are not taken; the others follow each other without a gap, and
 *                 must be of one layout.  A frame with fewer samples than its sequences:
 *                 EIN_NOTE_TRUNCATED, more: EIN_CORRUPT.
 *   leads         By number, else by the text behind it; channels without a voltage or without a lead are left out.
 *                 Leads of different rates or lengths are an error.
 *   samples       Whole numbers of 8, 16 and 32 bits; floating point, status and compressed ones are refused.  mV =
 *                 (sample + offset) x sensitivity.  Without a sensitivity or an interval: an error.
 *   checksum      The format has none: EIN_NOTE_NO_CHECKSUM.
 *
 * Names are not kept. Sources: the public MFER specifications (mfer.org); ecgdatakit (MIT) as a second reading of them.
 */
#ifndef EIN_IO_ECG_MFER_H
#define EIN_IO_ECG_MFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"
#include "core/signal/ecg.h"
#include "io/base/input.h"

#define EIN_MFER_MAX_BYTES (INT64_C(1) << 30)

bool ein_mfer_is(const uint8_t *start, size_t bytes);

/* Read a file. The record id is the file's name without folder and ".mwf", ".mfer" or ".mfr". EIN_FORMAT,
 * EIN_CORRUPT, EIN_OTHER, EIN_NOMEM; on error `ecg` is empty. Not collective; any number of threads. */
ein_status ein_mfer_read(const ein_content *file, ein_ecg *ecg);

#endif
