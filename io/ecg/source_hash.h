/* Identity of a recording: of its files, by their bytes, and of its samples, whatever file they came from. */
#ifndef EIN_IO_ECG_SOURCE_HASH_H
#define EIN_IO_ECG_SOURCE_HASH_H

#include <stdint.h>

#include "core/base/status.h"
#include "core/signal/ecg.h"
#include "io/ecg/file_hash.h"

/* For a WFDB header (.hea): the header's bytes, then those of each signal file that it names, each once, in
 * the order of their first mention, so that `cat HEADER SIGNALS... | sha256sum` gives the same; of a record of
 * several segments, behind its header, the same of each segment. For other files, as XML: their bytes. EIN_NOTFOUND,
 * EIN_IO, EIN_SYSTEM, EIN_FORMAT. Not collective; any number of threads. */
ein_status ein_source_hash(const char *path, char out[EIN_SHA256_TEXT_BYTES]);

/* The same of a file of `place` (io/base/input.h). */
ein_status ein_source_hash_in(const ein_place *place, const char *path, char out[EIN_SHA256_TEXT_BYTES]);

/* A key of the samples as they were decoded: the first 8 bytes, little-endian, of BLAKE2b-256 of rate and length,
 * then of each lead its name and its samples as whole uV (int32; INT32_MIN: missing). Leads stand in the order of
 * ein_lead, each once; III, aVR, aVL and aVF do not count beside I and II, nor leads of unknown names beside known
 * ones. So order and derived leads do not matter, nor do comments, names or the format, if it keeps whole uV. Never
 * 0. What also survives another unit or rate is core/signal/sketch.h. Not collective; any number of threads. */
uint64_t ein_signal_key(const ein_ecg *ecg);

#endif
