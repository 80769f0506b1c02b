#include "io/base/texts.h"

#include <stdlib.h>
#include <string.h>

/* `pointer`: the address of a pointer to any type of object. */
static ein_status grow(void *pointer, int64_t *room, int64_t need, int64_t item_bytes) {
    void *old, *fresh;
    if (need <= *room) return EIN_OK;
    int64_t more = *room ? *room : 64;
    while (more < need) {
        if (more > INT64_MAX / 4 / item_bytes) return ein_error(EIN_NOMEM, "texts: too many");
        more *= 2;
    }
    memcpy(&old, pointer, sizeof old);
    fresh = realloc(old, (size_t)(more * item_bytes));
    if (!fresh)
        return ein_error(EIN_NOMEM, "texts: no memory for %lld bytes", (long long)(more * item_bytes));
    memcpy(pointer, &fresh, sizeof fresh);
    *room = more;
    return EIN_OK;
}

ein_status ein_texts_add(ein_texts *texts, const char *text) {
    int64_t bytes = (int64_t)strlen(text);
    EIN_TRY(grow((void **)&texts->bytes, &texts->room, texts->used + bytes + 1, 1));
    EIN_TRY(grow((void **)&texts->start, &texts->n_room, texts->n + 1, (int64_t)sizeof *texts->start));
    memcpy(texts->bytes + texts->used, text, (size_t)bytes + 1);
    texts->start[texts->n++] = texts->used;
    texts->used += bytes + 1;
    if (bytes > texts->longest) texts->longest = bytes;
    return EIN_OK;
}

const char *ein_texts_get(const ein_texts *texts, int64_t index) {
    EIN_BUG_IF(index < 0 || index >= texts->n);
    return texts->bytes + texts->start[index];
}

void ein_texts_free(ein_texts *texts) {
    if (!texts) return;
    free(texts->bytes);
    free(texts->start);
    memset(texts, 0, sizeof *texts);
}
