#include "core/records/order.h"

#include <stdlib.h>

#include "core/base/philox.h"

/* Names of permutations: the shard in the low bits, then the epoch, then which of its permutations. */
static uint64_t name_of(int64_t epoch, int shard, int64_t which) {
    return (uint64_t)shard | (uint64_t)epoch << 20 | (uint64_t)which << 40;
}

ein_status ein_order_epoch(int64_t *order, int64_t count, const ein_shuffle *shuffle, uint64_t seed,
                           int64_t epoch, int shard) {
    const int64_t run = shuffle->run, window = shuffle->window;
    EIN_BUG_IF(run < 1 || window < run || window % run != 0);
    if (epoch >= INT64_C(1) << 20 || shard >= 1 << 20 || count / window >= INT64_C(1) << 23)
        return ein_error(EIN_RANGE, "epoch %lld of shard %d with %lld records: too many to shuffle",
                         (long long)epoch, shard, (long long)count);
    const int64_t runs = (count + run - 1) / run;
    int64_t *runs_order, *inside = NULL, *drawn = NULL, n = 0;
    ein_status status;
    EIN_TRY(EIN_NEW(runs_order, runs));
    EIN_TRY_GOTO(status, EIN_NEW(inside, window), done);
    EIN_TRY_GOTO(status, EIN_NEW(drawn, window), done);
    ein_permutation(seed, EIN_DRAW_SHUFFLE, name_of(epoch, shard, 0), runs, runs_order);
    for (int64_t r = 0; r < runs; r++)
        for (int64_t i = runs_order[r] * run; i < (runs_order[r] + 1) * run && i < count; i++) order[n++] = i;
    for (int64_t first = 0; first < count; first += window) {
        const int64_t size = count - first < window ? count - first : window;
        ein_permutation(seed, EIN_DRAW_SHUFFLE, name_of(epoch, shard, 1 + first / window), size, inside);
        for (int64_t i = 0; i < size; i++) drawn[i] = order[first + inside[i]];
        for (int64_t i = 0; i < size; i++) order[first + i] = drawn[i];
    }
done:
    free(runs_order);
    free(inside);
    free(drawn);
    return status;
}
