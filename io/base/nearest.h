/* Words out of lists: the one that is meant, and the nearest, for "did you mean". */
#ifndef EIN_IO_BASE_NEAREST_H
#define EIN_IO_BASE_NEAREST_H

#include <stdbool.h>

/* Optimal string alignment distance (insert, delete, replace, swap neighbours), letters compared without
 * case; words longer than 63 bytes count as infinitely far (INT_MAX). */
int ein_edit_distance(const char *a, const char *b);

/* The candidate nearest to `word` when it is near enough to be a slip (distance at most 1 + length / 4),
 * else NULL. The first of equals wins. */
const char *ein_nearest(const char *word, const char *const *candidates, int n_candidates);

/* Whether `word` is one of `words`, which end in NULL, whatever its case (of ASCII letters). */
bool ein_is_one_of(const char *word, const char *const *words);

#endif
