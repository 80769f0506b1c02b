/* SHA-256 of the files of one recording: what a corpus records of its source. */
#ifndef EIN_IO_SOURCE_HASH_H
#define EIN_IO_SOURCE_HASH_H

#include "core/status.h"

enum { EIN_SHA256_TEXT_BYTES = 65 };

/* For a WFDB header (.hea): the header's bytes, then those of each signal file that it names, each once, in
 * the order of their first mention, so that `cat HEADER SIGNALS... | sha256sum` gives the same. For other
 * files, as XML: their bytes. EIN_IO, EIN_FORMAT. Not collective; any number of threads. */
ein_status ein_source_hash(const char *path, char out[EIN_SHA256_TEXT_BYTES]);

#endif
