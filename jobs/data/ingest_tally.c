#include "jobs/data/ingest_tally.h"

#include <stdbool.h>
#include <stdlib.h>

#include "io/base/map.h"
#include "io/base/texts.h"

enum { MAX_NAMES = 1000 };

struct ein_tally {
    ein_map *index;
    ein_texts names, places;
    int64_t count[MAX_NAMES + 1]; /* the last: of all other names */
};

ein_status ein_tally_new(ein_tally **out) {
    ein_tally *t = NULL;
    *out = NULL;
    EIN_TRY(EIN_NEW(t, 1));
    ein_status status = ein_map_new(&t->index);
    if (status != EIN_OK) {
        free(t);
        return status;
    }
    *out = t;
    return EIN_OK;
}

void ein_tally_destroy(ein_tally *t) {
    if (!t) return;
    ein_map_destroy(t->index);
    ein_texts_free(&t->names);
    ein_texts_free(&t->places);
    free(t);
}

ein_status ein_tally_add(ein_tally *t, const char *name, const char *where) {
    int64_t i = ein_map_get(t->index, name, -1);
    if (i < 0 && t->names.n == MAX_NAMES) i = MAX_NAMES;
    if (i < 0) {
        i = t->names.n;
        EIN_TRY(ein_texts_add(&t->names, name));
        EIN_TRY(ein_texts_add(&t->places, where));
        EIN_TRY(ein_map_put(t->index, name, i));
    }
    t->count[i]++;
    return EIN_OK;
}

int64_t ein_tally_names(const ein_tally *t) {
    return t->names.n;
}

/* Whether name i is printed behind name j. */
static bool is_behind(const ein_tally *t, int64_t i, int64_t j) {
    int64_t one = t->count[i], other = t->count[j];
    return one == other ? i > j : one < other;
}

/* The most frequent name behind `last`, or of all for -1; -1 after all. */
static int64_t next(const ein_tally *t, int64_t last) {
    int64_t best = -1;
    for (int64_t i = 0; i < t->names.n; i++) {
        if (last >= 0 && !is_behind(t, i, last)) continue;
        if (best < 0 || t->count[i] > t->count[best]) best = i;
    }
    return best;
}

void ein_tally_print(const ein_tally *t, int shown, FILE *stream) {
    int64_t at = -1, rest = t->count[MAX_NAMES];
    for (int i = 0; i < shown && (at = next(t, at)) >= 0; i++)
        fprintf(stream, "  %lld %s (first: %s)\n", (long long)t->count[at], ein_texts_get(&t->names, at),
                ein_texts_get(&t->places, at));
    if (at < 0 && rest == 0) return;
    while (at >= 0 && (at = next(t, at)) >= 0) rest += t->count[at];
    if (rest > 0) fprintf(stream, "  %lld of other names\n", (long long)rest);
}
