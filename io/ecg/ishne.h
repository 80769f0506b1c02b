/* Reading ISHNE Holter files (Badilini 1998): "ISHNE1.0", a checksum, a header of 512 bytes, text, then little-endian
 * int16, all leads of one instant together.
 *
 *   leads         By number; X, Y, Z, the standard leads, "ES", "AS", "AI"; others are named channel N.
 *   units         nV per count of each lead; 0 or less is an error.
 *   missing       -32768, the format's mark of a faulty lead.
 *   length        What the file holds. The stated number of samples is a nominal one of some recorders; if it is
 *                 neither that per lead nor that of all leads, and larger, EIN_NOTE_TRUNCATED, as for a last instant
 *                 that is cut.
 *   checksum      CRC-CCITT of header and text, in either order of its two bytes; 0 is none. Samples have none.
 *
 * Names are not kept. Sources: the format's description; ecgdatakit (MIT) on what files in the field are like.
 */
#ifndef EIN_IO_ECG_ISHNE_H
#define EIN_IO_ECG_ISHNE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"
#include "core/signal/ecg.h"
#include "io/base/input.h"

#define EIN_ISHNE_MAX_BYTES (INT64_C(4) << 30)

bool ein_ishne_is(const uint8_t *start, size_t bytes);

/* Read a file. The record id is the file's name without folder and ".ecg" or ".ishne". EIN_FORMAT, EIN_CORRUPT,
 * EIN_NOMEM; on error `ecg` is empty. Not collective; any number of threads. */
ein_status ein_ishne_read(const ein_content *file, ein_ecg *ecg);

#endif
