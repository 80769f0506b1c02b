#include "mpi/slots.h"

int ein_subtrees(int first, int count, ein_subtree out[EIN_MAX_PIECES]) {
    int n = 0;
    while (count > 0) {
        int size = 1;
        while (first % (2 * size) == 0 && 2 * size <= count) size *= 2;
        EIN_BUG_IF(n >= EIN_MAX_PIECES);
        out[n++] = (ein_subtree){first, size};
        first += size;
        count -= size;
    }
    return n;
}

int ein_are_siblings(ein_subtree left, ein_subtree right) {
    return left.count == right.count && left.first % (2 * left.count) == 0 &&
           right.first == left.first + left.count;
}

int ein_merge_plan(const ein_subtree *list, int n, ein_merge *merges, ein_subtree *roots, int *root_buffer,
                   int *n_roots) {
    int n_merges = 0, top = 0;
    for (int i = 0; i < n; i++) {
        roots[top] = list[i];
        root_buffer[top++] = i;
        while (top >= 2 && ein_are_siblings(roots[top - 2], roots[top - 1])) {
            merges[n_merges++] = (ein_merge){root_buffer[top - 2], root_buffer[top - 1]};
            roots[top - 2].count *= 2;
            top--;
        }
    }
    *n_roots = top;
    return n_merges;
}

int ein_slots_default(int64_t batch, int tokens) {
    int slots = 1;
    while (2 * slots <= EIN_MAX_SLOTS && batch % (2 * slots) == 0 &&
           batch / (2 * slots) * tokens >= EIN_SLOT_ROWS)
        slots *= 2;
    return slots;
}

int64_t ein_slots_cut(int64_t records, int slots, int64_t steps, int64_t step, int slot) {
    __extension__ typedef __int128 wide;
    const int64_t before = (int64_t)((wide)records * step / steps);
    return before / slots + (slot < before % slots);
}

ein_status ein_slots_check(int64_t batch, int slots, int ranks) {
    if (slots < 1 || slots > EIN_MAX_SLOTS || (slots & (slots - 1)) != 0)
        return ein_error(EIN_USAGE, "%d slots: must be a power of two from 1 to %d", slots, EIN_MAX_SLOTS);
    if (batch < slots || batch % slots != 0)
        return ein_error(EIN_USAGE,
                         "a batch of %lld records does not divide into %d slots: %lld = %lld x %d + %lld",
                         (long long)batch, slots, (long long)batch, (long long)(batch / slots), slots,
                         (long long)(batch % slots));
    if (ranks > slots)
        return ein_error(EIN_USAGE,
                         "%d ranks for %d slots: at most %d ranks have work; use fewer, or more slots "
                         "(train.slots) with a larger batch",
                         ranks, slots, slots);
    return EIN_OK;
}
