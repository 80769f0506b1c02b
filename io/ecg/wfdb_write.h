/* Writing a recording as WFDB: NAME.dat in format 16, NAME.hea beside it.
 *
 * Sources: header(5) and signal(5) of the WFDB Applications Guide; the layout of PTB-XL (one .dat file of
 * multiplexed little-endian int16, all leads at one gain) with the comments of the PhysioNet/CinC Challenge
 * and of MIMIC-IV-ECG.
 *
 *     NAME signals fs samples [time date]
 *     NAME.dat 16 gain(0)/mV 16 0 initial checksum 0 lead      one line per lead
 *     # <subject_id>: ...      # Age: 63      # Sex: Female      # Dx: 426783006,...      what is known
 *     # further comments as given
 *
 * A sample that is missing (NaN) is -32768.  A value beyond +-32767 counts is written as the nearest.
 *
 * NAME.hea appears, by rename, when NAME.dat is written: a process that is killed leaves no header without
 * its samples.  Nothing is synced here, because a sync per file would cost more than everything else when
 * files come by the hundred thousand: who writes many calls ein_wfdb_sync once and then sets a mark of
 * completeness of its own; after a power failure ein_wfdb_is_whole tells which records survived.
 */
#ifndef EIN_IO_ECG_WFDB_WRITE_H
#define EIN_IO_ECG_WFDB_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/status.h"
#include "core/signal/ecg.h"

typedef struct {
    double counts_per_mv;        /* gain */
    const char *const *comments; /* printable ASCII, one line each, without '#' */
    int n_comments;
} ein_wfdb_write_options;

/* Write FOLDER/NAME.dat and FOLDER/NAME.hea, replacing regular files of these names. `name` is made of letters, digits
 * and '_'. Not collective; any number of threads, each with its own name. EIN_RANGE for what WFDB cannot say (a
 * name, a gain, a comment with a line end, no samples); EIN_IO with the file and the system's reason: then
 * there is no NAME.hea, and what was written of NAME.dat is removed. */
ein_status ein_wfdb_write(const char *folder, const char *name, const ein_ecg *ecg,
                          const ein_wfdb_write_options *options);

/* True if FOLDER/NAME.hea and .dat are a whole recording as ein_wfdb_write makes it, of `n_leads` leads of
 * `n_samples` samples with every checksum right; it must have had a comment, for a header cut short by a power failure
 * is known by its last line. Missing and damaged files are simply not whole. */
bool ein_wfdb_is_whole(const char *folder, const char *name, int n_leads, int64_t n_samples);

/* Force everything written so far to the file system that holds `folder` onto the disk (syncfs). */
ein_status ein_wfdb_sync(const char *folder);

#endif
