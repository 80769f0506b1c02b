/* A growing list of short texts, kept one after the other in memory. */
#ifndef EIN_IO_BASE_TEXTS_H
#define EIN_IO_BASE_TEXTS_H

#include <stdint.h>

#include "core/base/status.h"

/* Each text with its NUL. Zeroed is empty. */
typedef struct {
    char *bytes;
    int64_t used, room;
    int64_t *start; /* (n) */
    int64_t n, n_room;
    int64_t longest; /* bytes without NUL */
} ein_texts;
ein_status ein_texts_add(ein_texts *texts, const char *text);
const char *ein_texts_get(const ein_texts *texts, int64_t index);
void ein_texts_free(ein_texts *texts);

#endif
