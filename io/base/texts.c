#include "io/base/texts.h"

#include <stdlib.h>
#include <string.h>

ein_status ein_texts_add(ein_texts *texts, const char *text) {
    int64_t bytes = (int64_t)strlen(text);
    EIN_TRY(EIN_GROW(texts->bytes, texts->room, texts->used + bytes + 1));
    EIN_TRY(EIN_GROW(texts->start, texts->n_room, texts->n + 1));
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
