#include "jobs/score/watch_arrivals.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"

enum { LEAST_FORGOTTEN = 1000 };

void ein_arrivals_free(ein_arrivals *a) {
    for (int64_t i = 0; i < a->n; i++) free(a->item[i].path);
    free(a->item);
    ein_map_destroy(a->where);
    *a = (ein_arrivals){0};
}

ein_arrival *ein_arrivals_find(const ein_arrivals *a, const char *path) {
    const int64_t at = a->where ? ein_map_get(a->where, path, -1) : -1;
    return at >= 0 ? &a->item[at] : NULL;
}

ein_status ein_arrivals_add(ein_arrivals *a, const char *path, int64_t stamp) {
    if (!a->where) EIN_TRY(ein_map_new(&a->where));
    EIN_TRY(ein_error_context(EIN_GROW(a->item, a->room, a->n + 1), "the list of arrivals"));
    ein_arrival new = {.path = strdup(path), .stamp = stamp, .changed_s = ein_clock_s()};
    if (!new.path) return ein_error(EIN_NOMEM, "no memory for the list of arrivals");
    a->item[a->n] = new;
    return ein_map_put(a->where, path, a->n++);
}

ein_status ein_arrivals_drop(ein_arrivals *a, int64_t at) {
    EIN_TRY(ein_map_put(a->where, a->item[at].path, -1));
    free(a->item[at].path);
    a->item[at] = a->item[--a->n];
    if (at < a->n) EIN_TRY(ein_map_put(a->where, a->item[at].path, at));
    /* Names that are gone stay in a map; a new one forgets them. */
    if (ein_map_count(a->where) < 4 * a->n + LEAST_FORGOTTEN) return EIN_OK;
    ein_map_destroy(a->where);
    a->where = NULL;
    EIN_TRY(ein_map_new(&a->where));
    for (int64_t i = 0; i < a->n; i++) EIN_TRY(ein_map_put(a->where, a->item[i].path, i));
    return EIN_OK;
}
