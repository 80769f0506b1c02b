/* RUN/probe.sums: what probe.csv was after each probe, so that a later life notices a row that was changed or lost.
 *
 * One line per update with a probe, in order: the update, the length of probe.csv up to its rows and the BLAKE2b-256
 * of these bytes, with blanks between. Not in the checkpoint, whose bytes do not depend on probes. Not collective.
 */
#ifndef EIN_JOBS_TRAIN_PROBE_SUMS_H
#define EIN_JOBS_TRAIN_PROBE_SUMS_H

#include <stdint.h>

#include "core/base/status.h"

/* Write `sums` for the table `csv` as it is on the disk. EIN_IO. */
ein_status ein_probe_sums_write(const char *csv, const char *sums);

/* EIN_CORRUPT if the rows of `csv` up to update `step` are not those of which `sums` tells. Without a file `sums`
 * (of an older version) nothing is checked. EIN_IO where a file cannot be read. */
ein_status ein_probe_sums_check(const char *csv, const char *sums, int64_t step);

#endif
