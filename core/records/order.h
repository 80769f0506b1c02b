/* In which order the records of a shard are drawn.
 *
 * Everything is a function of (seed, epoch, shard), so any rank can compute any part of it.
 */
#ifndef EIN_CORE_RECORDS_ORDER_H
#define EIN_CORE_RECORDS_ORDER_H

#include <stdint.h>

#include "core/base/status.h"

/* How a shard is shuffled so that it can be read from disk in runs: the shard is cut into runs of `run` neighbouring
 * records, the runs are permuted, and within every window of `window` records (a multiple of run) the records are
 * permuted. A shard of at most one window is permuted completely. */
typedef struct {
    int run, window;
} ein_shuffle;

/* order (count): the records 0..count-1 of shard `shard` in the order of epoch `epoch`. */
ein_status ein_order_epoch(int64_t *order, int64_t count, const ein_shuffle *shuffle, uint64_t seed,
                           int64_t epoch, int shard);

#endif
