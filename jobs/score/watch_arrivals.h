/* Files that were seen and are not dealt with yet. */
#ifndef EIN_JOBS_SCORE_WATCH_ARRIVALS_H
#define EIN_JOBS_SCORE_WATCH_ARRIVALS_H

#include <stdint.h>

#include "core/base/status.h"
#include "io/base/map.h"

/* Times are those of ein_clock_s. */
typedef struct {
    char *path;
    int64_t stamp;
    double changed_s, next_s; /* when it was last seen to change; not to be tried before */
    double listed_s;          /* when the last walk began that listed it */
    int tries;                /* in trouble of the machine */
} ein_arrival;

/* Zeroed is empty. */
typedef struct {
    ein_arrival *item; /* (n) in no order */
    int64_t n, room;
    ein_map *where; /* path -> index, or -1 */
} ein_arrivals;
void ein_arrivals_free(ein_arrivals *arrivals);

/* The arrival of that path; NULL: none. Valid until one is added or dropped. */
ein_arrival *ein_arrivals_find(const ein_arrivals *arrivals, const char *path);

ein_status ein_arrivals_add(ein_arrivals *arrivals, const char *path, int64_t stamp);

/* Forget number `at`; the last one takes its place, and no other moves. */
ein_status ein_arrivals_drop(ein_arrivals *arrivals, int64_t at);

#endif
