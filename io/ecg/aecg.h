/* Reading HL7 annotated ECG (root AnnotatedECG, urn:hl7-org:v3): the format of submissions to the FDA.
 *
 *     AnnotatedECG
 *       effectiveTime
 *       componentOf/timepointEvent/componentOf/subjectAssignment/subject/trialSubject
 *         id root extension, subjectDemographicPerson (administrativeGenderCode, birthTime)
 *       component/series
 *         code RHYTHM, effectiveTime, author, controlVariable (filters)
 *         component/sequenceSet
 *           component/sequence   code TIME_ABSOLUTE or TIME_RELATIVE, value: head, increment
 *           component/sequence   code MDC_ECG_LEAD_II, value: origin, scale, digits
 *         derivation/derivedSeries   averaged beats: never taken
 *
 *   series        The first whose code is RHYTHM; a file that has none is refused by name.
 *   rate          1 / increment, in s, ms or us, of the sequence of time; without a unit: an error.
 *   samples       value = origin + scale x digit, whole digits.  Origin and scale have a unit each, and it need not be
 *                 the same; without one: an error.  A digit is no sample if it stands as "NaN" or "-".
 *   pieces        A series of several sequenceSets (parts of a recording, or leads at different times) is refused.
 *   leads         As named, without "MDC_ECG_LEAD_". None is computed.
 *   checksum      The format has none: EIN_NOTE_NO_CHECKSUM.
 *   filters       High pass, low pass and notch of controlVariable stand behind the device.
 *
 * Sources: ANSI/HL7 V3 ECG R1-2004 as its public implementation guide describes it.
 */
#ifndef EIN_IO_ECG_AECG_H
#define EIN_IO_ECG_AECG_H

#include "core/base/status.h"
#include "core/signal/ecg.h"
#include "io/base/input.h"

/* Read a file. The record id is the file's name without folder and ".xml" or ".aecg". EIN_FORMAT,
 * EIN_CORRUPT, EIN_OTHER, EIN_NOMEM; on error `ecg` is empty. Not collective; any number of threads. */
ein_status ein_aecg_read(const ein_content *file, ein_ecg *ecg);

#endif
