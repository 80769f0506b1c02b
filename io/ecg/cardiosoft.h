/* Reading GE CardioSoft XML (root CardiologyXML), the format of UK Biobank's ECGs: field 20205 at rest, 6025 on
 * exercise.
 *
 *     CardiologyXML
 *       ObservationType, ObservationDateTime (Day, Month, Year, Hour, Minute, Second)
 *       ClinicalInfo/DeviceInfo (Desc, SoftwareVer)
 *       PatientInfo                 PID, Age units="years", BirthDateTime, Gender
 *       Interpretation/Diagnosis    DiagnosisText...
 *       StripData                   SampleRate units="Hz", Resolution units="uVperLsb", ChannelSampleCountTotal,
 *                                   WaveformData lead="I"... : whole numbers between commas, with line ends and tabs
 *       FullDisclosure              SampleRate, Resolution, NumberOfChannels, LeadOrder, FullDisclosureData
 *
 * Where the recording is looked for; the first place that has samples counts:
 *
 *   1. StripData/WaveformData             at rest: 12 leads, 10 s
 *   2. StripData/Strip/WaveformData       on exercise: the first strip, of 3 leads; others were taken at other loads
 *                                         and
 *      Strip/StripData/WaveformData       are not joined to it
 *   3. FullDisclosure/FullDisclosureData  the whole test, all leads in one list
 *
 * Averaged beats (MedianSamples, MedianData) are never taken; a file that has nothing else is refused by name.
 *
 *   settings      SampleRate, Resolution and ChannelSampleCountTotal of the nearest enclosing element that has them.  A
 *                 missing rate or resolution, or another unit, is an error.
 *   disclosure    The order within FullDisclosureData is described in two ways: sample by sample over the leads, and,
 *                 in what programs for UK Biobank do, a second of one lead after a second of the next.  The wrong one
 *                 mixes leads, so the signal decides: the right order is the smoother one.  If neither is by a factor
 *                 of 1.3 (mean absolute step), the file is refused.  In 2,037 recordings of PTB-XL (I, II, III and I,
 *                 II, V5, in steps of 5 uV) it is at least 1.56 for a list by second and 2.1 for one by sample.  What
 *                 is left of a last, incomplete second is not read, and noted EIN_NOTE_TRUNCATED.
 *   leads         As stored and named (UK Biobank names those on exercise I, 2, 3: core/signal/lead_names.h).  None of
 *                 III, aVR, aVL, aVF is computed: files hold all twelve, or too few to be sure.
 *   missing       -32768 is read as no sample.  An empty place between two commas is an error.
 *   length        That of the longest lead; a lead with fewer values than that, or than are stated, is noted
 *                 EIN_NOTE_TRUNCATED and NaN behind its end.  More than stated: EIN_NOTE_CHECKSUM, all are read.  One
 *                 long lead among many short ones (less than 1/16 of more than 2^20 values): EIN_CORRUPT.
 *   checksum      The format has none: EIN_NOTE_NO_CHECKSUM.
 *
 * Sources: parsers of CardioSoft files by several public projects (ml4h, BRAVEHEART, UKBiobank_ECG and others), which
 * agree on all but the above.
 */
#ifndef EIN_IO_ECG_CARDIOSOFT_H
#define EIN_IO_ECG_CARDIOSOFT_H

#include "core/base/status.h"
#include "core/signal/ecg.h"
#include "io/base/input.h"

/* Read a file. The record id is the file's name without folder and ".xml". EIN_FORMAT, EIN_RANGE,
 * EIN_NOMEM; on error `ecg` is empty. Not collective; any number of threads. */
ein_status ein_cardiosoft_read(const ein_content *file, ein_ecg *ecg);

#endif
