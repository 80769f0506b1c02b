/* Slots: how the global batch is cut, who computes which part, and in which order gradients are added.
 *
 * The batch is cut into `slots` (a power of two) equal parts, the leaves of one fixed binary tree.  Every
 * inner node is left + right in float.  Ranks own contiguous runs of leaves, threads contiguous runs
 * of a rank's, and each adds up the complete subtrees inside its run; what is left to add is added one level
 * up by the same rule.  So the sum has the same bits for any number of ranks and threads.
 */
#ifndef EIN_MPI_SLOTS_H
#define EIN_MPI_SLOTS_H

#include <stdint.h>

#include "core/base/status.h"

enum { EIN_MAX_SLOTS = 1 << 16, EIN_MAX_PIECES = 34 /* 2 log2(EIN_MAX_SLOTS) + 2: subtrees of one run */ };

/* A complete subtree: `count` leaves (a power of two) from `first`, a multiple of count. */
typedef struct {
    int first, count;
} ein_subtree;

/* One addition: buffer `into` += buffer `from`; `from` is free afterwards. */
typedef struct {
    int into, from;
} ein_merge;

/* The complete subtrees that tile the leaves [first, first + count), in order; returns how many. */
int ein_subtrees(int first, int count, ein_subtree out[EIN_MAX_PIECES]);

/* Whether `right` is the sibling to the right of `left`. */
int ein_are_siblings(ein_subtree left, ein_subtree right);

/* Add up neighbouring subtrees as far as the tree allows. list: `n` subtrees in order, in buffers 0..n-1.
 * merges (n): the additions in order; roots (n): what remains; root_buffer (n): where. Returns the number of
 * additions; *n_roots is n minus that. */
int ein_merge_plan(const ein_subtree *list, int n, ein_merge *merges, ein_subtree *roots, int *root_buffer,
                   int *n_roots);

/* Number of slots for a batch when none is asked for: the largest power of two that divides the batch and
 * leaves at least EIN_SLOT_ROWS rows of `tokens` per slot; at least 1. */
enum { EIN_SLOT_ROWS = 240 };
int ein_slots_default(int64_t batch, int tokens);

/* Where update `step` of an epoch of `steps` begins in the shard of `slot`, when `records` are spread over shards as
 * by ein_share; `step` = steps is the end. Updates differ by one record at most, and so do the slots of one: no update
 * is a remnant that weighs as much as a whole one. If records = steps * slots * n, every part has n. */
int64_t ein_slots_cut(int64_t records, int slots, int64_t steps, int64_t step, int slot);

/* EIN_USAGE with the arithmetic unless slots is a power of two that divides the batch and ranks <= slots. */
ein_status ein_slots_check(int64_t batch, int slots, int ranks);

#endif
