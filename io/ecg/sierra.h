/* Reading Philips Sierra XML (root restingecgdata), documents SierraECG and PhilipsECG 1.03, 1.04, 1.04.01 and 1.04.02:
 * the export of PageWriter carts, TraceMasterVue, IntelliSpace ECG and HeartStart monitors.
 *
 *     restingecgdata
 *       documentinfo            documenttype, documentversion
 *       dataacquisition         date, time; machine; signalcharacteristics: samplingrate, resolution (1.03:
 *                               signalresolution) in uV per count, signaloffset, acquisitiontype
 *       patient/generalpatientdata   patientid, age (years or dateofbirth), sex
 *       interpretations/interpretation/statement   statementcode, leftstatement
 *       waveforms/parsedwaveforms    the rhythm: dataencoding Base64, compression XLI (1.03: compressmethod, with
 *                               compressflag), durationperchannel in ms, leadlabels
 *       waveforms/repbeats      averaged beats: never taken
 *
 *   XLI           io/ecg/xli.h.  III, aVR, aVL and aVF are stored as what rounding leaves of them:
 *                 III = II - I - r, aVR = -floor((I + II)/2) - r, aVL = floor((I - III)/2) - r,
 *                 aVF = floor((II + III)/2) - r; only where the first six leads are I, II, III, aVR, aVL, aVF.
 *   plain         Without compression: little-endian int16 or uint16 (signalsigned), lead after lead.
 *   calibration   Carts append a pulse of 1 mV to all leads, behind 10.5 s or so; it is cut off (io/ecg/counts.h).
 *   length        durationperchannel x rate; XLI data hold at least that, what is behind is not read.
 *   units         A file without a resolution is refused.
 *   checksum      The format has none: EIN_NOTE_NO_CHECKSUM.
 *   filters       Those of the signal (hipass, lowpass, notch), not those of the report, stand behind the device.
 *
 * Sources: the schema's names in public exports; sierra-ecg-tools' description of XLI.
 */
#ifndef EIN_IO_ECG_SIERRA_H
#define EIN_IO_ECG_SIERRA_H

#include "core/base/status.h"
#include "core/signal/ecg.h"
#include "io/base/input.h"

/* Read a file. The record id is the file's name without folder and ".xml". EIN_FORMAT,
 * EIN_CORRUPT, EIN_OTHER, EIN_NOMEM; on error `ecg` is empty. Not collective; any number of threads. */
ein_status ein_sierra_read(const ein_content *file, ein_ecg *ecg);

#endif
