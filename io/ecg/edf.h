/* Reading EDF, EDF+ and BDF: signals side by side in records of equal duration.
 *
 *     256 bytes of text: version ("0", BDF: byte 255 and "BIOSEMI"), patient, recording, start, bytes of the header,
 *     EDF+C or EDF+D, number of records (-1: not known), their duration in s, number of signals; then of each signal
 *     256 bytes: label, transducer, dimension, physical and digital range, filters, samples per record.  Samples are
 *     little-endian int16, in BDF int24.
 *
 *   leads         Signals with a dimension of voltage (mV, uV, V, nV), named by their labels without "ECG" or "EKG" in
 *                 front; of these the ones at the highest rate at which an ECG lead or a label "ECG..." stands.  A
 *                 lead at another rate is an error; other signals are left out, as are annotations.
 *   scale         physical = (digital - digital minimum) x range / range + physical minimum.  A range that is empty is
 *                 an error; without a dimension a signal is no voltage.
 *   gaps          EDF+D: each record begins at the time of its first annotation; what is between is missing.  Records
 *                 that overlap or go back are an error.  EDF+C and EDF are without gaps.
 *   length        Records that are stated and not there: EIN_NOTE_TRUNCATED, missing.  A last one that is cut is not
 *                 read.  More than 16 times what is there: EIN_CORRUPT.
 *   checksum      The formats have none: EIN_NOTE_NO_CHECKSUM.
 *   person        EDF+: "code sex dd-MMM-yyyy name", "Startdate ... equipment"; names are not kept.
 *
 * Sources: edfplus.info (EDF 1992, EDF+ 2003), biosemi.com (BDF).
 */
#ifndef EIN_IO_ECG_EDF_H
#define EIN_IO_ECG_EDF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"
#include "core/signal/ecg.h"
#include "io/base/input.h"

#define EIN_EDF_MAX_BYTES (INT64_C(2) << 30)

bool ein_edf_is(const uint8_t *start, size_t bytes);

/* Read a file. The record id is the file's name without folder and ".edf", ".bdf" or ".rec". EIN_FORMAT, EIN_CORRUPT,
 * EIN_OTHER, EIN_NOMEM; on error `ecg` is empty. Not collective; any number of threads. */
ein_status ein_edf_read(const ein_content *file, ein_ecg *ecg);

#endif
