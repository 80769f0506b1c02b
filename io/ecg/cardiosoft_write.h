/* Writing a recording as CardioSoft XML (io/ecg/cardiosoft.h), FOLDER/NAME.xml, in the shape of a resting ECG:
 * StripData with all leads in their order, as whole numbers between commas.
 *
 * The person's family name, ObservationComment and the first DiagnosisTexts, from the comments, are the places where a
 * viewer sees that a recording is synthetic.  What a file is like beyond its samples, and what becomes of missing ones:
 * io/ecg/xml_write.h.
 */
#ifndef EIN_IO_ECG_CARDIOSOFT_WRITE_H
#define EIN_IO_ECG_CARDIOSOFT_WRITE_H

#include "io/ecg/xml_write.h"

/* The unit of UK Biobank's files. */
#define EIN_CARDIOSOFT_UV_PER_COUNT 5.0

/* Not collective; any number of threads, each with its own names. EIN_RANGE as ein_xml_write_check; EIN_IO,
 * EIN_NOMEM. */
ein_status ein_cardiosoft_write(const char *folder, const char *name, const ein_ecg *ecg,
                                const ein_xml_write_options *options);

#endif
