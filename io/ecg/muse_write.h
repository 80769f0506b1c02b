/* Writing a recording as GE MUSE XML (io/ecg/muse.h), FOLDER/NAME.xml: one waveform, of type Rhythm.
 *
 * The leads III, aVR, aVL and aVF are left out if I and II are there, as MUSE does it; readers compute them, so that
 * they come back as I and II say, to half a count.  The other leads are stored in their order, 8 for a recording of 12.
 * A lead without a single sample is stored as missing samples and marked LeadOff TRUE; if it is I or II, all limb leads
 * come back missing.  The person's last name and the comments, as statements before those of `dx`, are the places where
 * a viewer sees that a recording is synthetic.  What a file is like beyond its samples, and what becomes of missing
 * ones: io/ecg/xml_write.h.
 */
#ifndef EIN_IO_ECG_MUSE_WRITE_H
#define EIN_IO_ECG_MUSE_WRITE_H

#include "io/ecg/xml_write.h"

/* MUSE's own unit. */
#define EIN_MUSE_UV_PER_COUNT 4.88

/* Not collective; any number of threads, each with its own names. EIN_RANGE as ein_xml_write_check, and for a rate that
 * is not a whole number of 1e-6 Hz; EIN_IO, EIN_NOMEM. */
ein_status ein_muse_write(const char *folder, const char *name, const ein_ecg *ecg,
                          const ein_xml_write_options *options);

#endif
