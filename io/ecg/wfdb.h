/* Reading WFDB records: a text header (.hea) and one or more signal files.
 *
 * Sources: header(5), signal(5) of the WFDB Applications Guide; io/ecg/wfdb_header.h says what headers may
 * contain, io/ecg/wfdb_format.h which sample formats are read.  What a reader must decide:
 *
 *   leads         Signals in volts are read, named by their descriptions.  Signals in other units (pressure, PLETH in
 *                 NU, degrees) are no ECG and are left out; a record without any voltage is an error.
 *   rates         With several samples per frame the rate is fs x SPF of the fastest voltage signal.  A slower voltage
 *                 signal is left out if it is no ECG lead, and an error if it is one: it is neither averaged (that
 *                 would alias) nor repeated (that would make steps).
 *   missing       The format's mark for a missing sample becomes NaN.
 *   skew          A signal that lags by k frames starts with frame k; its last k frames come from beyond the stated
 *                 length if the file has them, else they are NaN.
 *   truncation    A file shorter than the header promises is read as far as it goes, the rest is NaN and the lead is
 *                 noted EIN_NOTE_TRUNCATED.  If it holds less than 1/16 of a promise of more than 2^20 values the
 *                 promise is not believed: EIN_CORRUPT, before any memory is taken.
 *   length        If the header does not state it, it follows from the size of the longest file; there is then no
 *                 checksum.
 *   checksum      16-bit sum of a signal's samples, compared modulo 65536, samples hidden by skew included:
 *                 EIN_NOTE_CHECKSUM, or EIN_NOTE_NO_CHECKSUM if the header has none.
 *   gain          A missing or zero gain is 200 and noted EIN_NOTE_GAIN_SUSPECT.  Contradictory gains:
 *                 core/signal/gain.h.
 *   folder        Signal files are plain names in the header's own folder.  A symbolic link is followed only if it
 *                 ends inside that folder.
 *   .mat          MATLAB level 4 files as the CinC challenges write them, by the header's "16+24"; the 24 bytes are
 *                 checked against the header.
 *
 * Records of several segments: io/ecg/wfdb_segments.h; signals in FLAC: io/ecg/wfdb_flac.h.
 *
 * Memory: the samples in float, one block of 256 KiB to read and one to unpack.
 */
#ifndef EIN_IO_ECG_WFDB_H
#define EIN_IO_ECG_WFDB_H

#include <stdbool.h>

#include "core/base/status.h"
#include "core/signal/ecg.h"
#include "io/base/input.h"
#include "io/ecg/file_hash.h"

/* Read the record whose header is `path` (with the extension). The record id is the file's name without
 * folder and extension. EIN_NOTFOUND, EIN_IO, EIN_FORMAT, EIN_CORRUPT, EIN_NOMEM; on error `ecg` is empty. */
ein_status ein_wfdb_read(const char *path, ein_ecg *ecg);

/* The same of a header that was read already; other files of the record are found in `place` (io/base/input.h), NULL:
 * in folders, links followed inside their folder only. What is read of the record goes into `hash` (NULL: none), which
 * was begun: header and signal files as ein_source_hash takes them (io/ecg/source_hash.h). */
ein_status ein_wfdb_read_text(const ein_content *header, const ein_place *place, ein_file_hash *hash,
                              ein_ecg *ecg);

#endif
