/* What the files of a recording look like, as one number: whether they changed shows without reading them. */
#ifndef EIN_IO_ECG_SOURCE_STAMP_H
#define EIN_IO_ECG_SOURCE_STAMP_H

#include <stdint.h>

#include "io/base/input.h"

/* A hash of size and time of change of the file, and of a WFDB header of one segment also of the signal files that it
 * names, each once, in the order of their first mention; of a member of an archive, of that archive alone. A file that
 * is not there has its part in it too. 0: the machine is in trouble. Any number of threads. */
uint64_t ein_source_stamp(const char *path);

/* The same of files that were looked at when they were read, in that order. Never 0. */
uint64_t ein_source_stamp_of(const ein_file_look *look, int n);

#endif
