/* Reading the XML of Mortara ELI electrocardiographs (root ECG; also Welch Allyn, Hillrom, ELI Link).
 *
 *     ECG            ACQUISITION_TIME (yyyymmddhhmmss), AGE, AGE_UNITS
 *       SUBJECT      ID, GENDER, DOB
 *       SOURCE       MANUFACTURER, MODEL, ACQUIRING_DEVICE_SW_VERSION, LOW_PASS_FILTER
 *       AUTOMATIC_INTERPRETATION/STATEMENT   TEXT
 *       TYPICAL_CYCLE                        averaged beats: never taken
 *       CHANNEL      NAME, SAMPLE_FREQ, UNITS_PER_MV, DURATION, OFFSET, BITS, FORMAT, ENCODING, DATA
 *
 *   samples       Base64 of little-endian int16 in DATA or in the element; another packing is refused.
 *   units         counts / UNITS_PER_MV; missing: an error.
 *   length        DURATION is the number of samples, or of ms; if it is neither: EIN_NOTE_CHECKSUM for more samples,
 *                 EIN_NOTE_TRUNCATED for fewer.
 *   offset        Other than 0 is an error: programs disagree on what it means.
 *   checksum      The format has none: EIN_NOTE_NO_CHECKSUM.
 *
 * Sources: there is no public description; what BRAVEHEART, EDFbrowser and ecgdatakit agree on.
 */
#ifndef EIN_IO_ECG_ELI_H
#define EIN_IO_ECG_ELI_H

#include "core/base/status.h"
#include "core/signal/ecg.h"
#include "io/base/input.h"

/* Read a file. The record id is the file's name without folder and ".xml". EIN_FORMAT,
 * EIN_CORRUPT, EIN_OTHER, EIN_NOMEM; on error `ecg` is empty. Not collective; any number of threads. */
ein_status ein_eli_read(const ein_content *file, ein_ecg *ecg);

#endif
