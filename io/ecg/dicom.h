/* Reading DICOM waveforms: 12-lead, general, ambulatory and general 32-bit ECG (SOP classes
 * 1.2.840.10008.5.1.4.1.1.9.1.1 to .4).
 *
 *     [128 bytes, "DICM", group 0002 with the transfer syntax]   files without it begin with group 0008
 *     (0008,....) dates, device   (0010,....) the person
 *     (5400,0100) groups of leads, each
 *       (003A,0005) leads  (003A,0010) samples  (003A,001A) Hz  (003A,0020) label  (003A,0004) originality
 *       (003A,0200) a definition of each lead: (003A,0208) which it is, (003A,0210) units per count, (003A,0211) unit,
 *                   (003A,0212) correction, (003A,0213) baseline, (003A,0214) skew,
 *                   (003A,0220) to (003A,0222) filters
 *       (5400,1004) bits  (5400,1006) interpretation  (5400,100A) padding  (5400,1010) samples, all
 *                   leads of one instant together
 *
 *   syntaxes      Implicit and explicit little-endian, explicit big-endian, deflated. Compressed ones (of images) are
 *                 refused by their identifier.
 *   groups        Those labelled RHYTHM; if none is, those that are neither labelled as averaged beats (MEDIAN, BEAT,
 *                 TEMPLATE) nor said to be DERIVED.  Several are one recording if length and rate agree, else the file
 *                 is refused.
 *   units         mV = (count x (003A,0210) x (003A,0212) + (003A,0213)) in the unit of (003A,0211); without a unit or
 *                 units per count: an error.
 *   leads         The meaning of the lead's code, else its label.
 *   skew          A lead that is shifted by a sample or more is an error.
 *   length        (003A,0010) and the bytes of (5400,1010) must agree, but for a byte of padding; fewer: EIN_CORRUPT.
 *   checksum      The format has none: EIN_NOTE_NO_CHECKSUM.
 *
 * Sources: DICOM PS3.3 C.10.9, PS3.5, PS3.10.
 */
#ifndef EIN_IO_ECG_DICOM_H
#define EIN_IO_ECG_DICOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"
#include "core/signal/ecg.h"
#include "io/base/input.h"

#define EIN_DICOM_MAX_BYTES (INT64_C(1) << 30) /* of a file, and of what it inflates to */

/* Whether a file that begins so is DICOM at all; and whether it is a waveform, or may be one as
 * far as the start tells. */
bool ein_dicom_sniff(const uint8_t *start, size_t bytes);
bool ein_dicom_is(const uint8_t *start, size_t bytes);

/* Read a file. The record id is the file's name without folder and ".dcm" or ".dicom". EIN_FORMAT, EIN_CORRUPT,
 * EIN_OTHER, EIN_NOMEM; on error `ecg` is empty. Not collective; any number of threads. */
ein_status ein_dicom_read(const ein_content *file, ein_ecg *ecg);

#endif
