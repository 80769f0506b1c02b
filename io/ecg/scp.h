/* Reading SCP-ECG (EN 1064, ISO 11073-91064), protocols 1.0 to 3.0.
 *
 *     uint16 CRC, uint32 length of the file; then sections, each
 *         uint16 CRC, uint16 number, uint32 length, version, protocol, 6 bytes
 *     0 where the others are   1 the person, device, filters   2 Huffman tables   3 leads   4 places of QRS complexes
 *     5 reference beat   6 rhythm   8 statements; all numbers little-endian
 *
 *   rhythm        Section 6, never the reference beat of section 5.  Section 12 of protocol 3 (long-term) alone:
 *                 refused.
 *   packing       None, the default Huffman table (19999) or tables of the file; amplitudes, first or second
 *                 differences, in 16 bits, which wrap.
 *   subtraction   A reference beat that was subtracted is added again within the QRS complexes of type 0, where both
 *                 have one rate.  Decimated data (bimodal compression): refused.
 *   units         The multiplier of section 6, in nV; 0 is an error.
 *   leads         By number (section 3); one of the calibration signals is an error.  A lead that begins later than the
 *                 first is missing before.
 *   checksum      CRC-CCITT of the file and of each section that is used: EIN_NOTE_CHECKSUM.
 *   length        A file shorter than it states, a section outside it: EIN_CORRUPT.
 *
 * Sources: the public description of SCP-ECG by OpenECG; ecgdatakit (MIT) as a second reading of the same.
 */
#ifndef EIN_IO_ECG_SCP_H
#define EIN_IO_ECG_SCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"
#include "core/signal/ecg.h"
#include "io/base/input.h"

#define EIN_SCP_MAX_BYTES (INT64_C(64) << 20)

bool ein_scp_is(const uint8_t *start, size_t bytes);

/* Read a file. The record id is the file's name without folder and ".scp" or ".ecg". EIN_FORMAT,
 * EIN_CORRUPT, EIN_OTHER, EIN_NOMEM; on error `ecg` is empty. Not collective; any number of threads. */
ein_status ein_scp_read(const ein_content *file, ein_ecg *ecg);

#endif
