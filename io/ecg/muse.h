/* Reading GE MUSE XML (root RestingECG): ECGs as the MUSE system exports them.
 *
 *     RestingECG
 *       PatientDemographics   PatientID, PatientAge, AgeUnits, DateofBirth, Gender
 *       TestDemographics      AcquisitionDate (MM-DD-YYYY), AcquisitionTime, AcquisitionDevice
 *       Diagnosis             DiagnosisStatement: StmtText, StmtFlag
 *       Waveform...           WaveformType, SampleBase, SampleExponent, LeadData...
 *         LeadData            LeadID, LeadSampleCountTotal, LeadAmplitudeUnitsPerBit, LeadAmplitudeUnits,
 *                             LeadSampleSize 2, LeadDataCRC32, WaveFormData: base64 of little-endian int16
 *
 * What a reader must decide:
 *
 *   waveform      The first whose WaveformType is Rhythm.  Median, which often comes first, holds averaged beats and is
 *                 never taken; a file without Rhythm is refused by name.
 *   rate          SampleBase x 10^SampleExponent Hz.
 *   units         LeadAmplitudeUnitsPerBit in MICROVOLTS, MILLIVOLTS or VOLTS; one of them missing is an error, not a
 *                 guess.
 *   leads         As stored, with their names (V3R and the like too).  Of III, aVR, aVL, aVF those that are not stored
 *                 are computed from I and II, in double from the counts, and follow the stored ones: III = II - I,
 *                 aVR = -(I + II)/2, aVL = I - II/2, aVF = II - I/2.  Their notes are those of I and II.
 *   missing       -32768, the converter's lower limit (-160 mV at 4.88 uV), is read as no sample.
 *   length        The largest LeadSampleCountTotal.  A lead that holds fewer is NaN behind its end and noted
 *                 EIN_NOTE_TRUNCATED; one that holds more than it states is cut there and noted EIN_NOTE_CHECKSUM.
 *                 Less than 1/16 of a promise of more than 2^20 values in all: EIN_CORRUPT, as for WFDB.
 *   checksum      CRC-32 (zlib's) of a lead's decoded bytes: EIN_NOTE_CHECKSUM, or EIN_NOTE_NO_CHECKSUM if
 *                 there is none or it is 0.
 *   offsets       LeadOffsetFirstSample, LeadTimeOffset and FirstSampleBaseline are 0 in every file we have seen.
 *                 Programs disagree on what else would mean (bytes or samples; added or subtracted), so such a lead is
 *                 an error.
 *   statements    Those of Diagnosis (not OriginalDiagnosis) that are not flagged as deleted; fragments are joined up
 *                 to the one flagged ENDSLINE.
 *
 * Sources: the MUSE XML files of several public projects; the CRC was found by trying, and holds for every lead of
 * them. gain_per_mv is doubled if a lead was computed: aVR, aVL and aVF come in halves of a count.
 */
#ifndef EIN_IO_ECG_MUSE_H
#define EIN_IO_ECG_MUSE_H

#include "core/base/status.h"
#include "core/signal/ecg.h"
#include "io/base/input.h"

/* Read a file. The record id is the file's name without folder and ".xml". EIN_FORMAT,
 * EIN_CORRUPT, EIN_RANGE, EIN_NOMEM; on error `ecg` is empty. Not collective; any number of threads. */
ein_status ein_muse_read(const ein_content *file, ein_ecg *ecg);

#endif
