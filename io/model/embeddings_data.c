#include "io/model/embeddings_data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void ein_embeddings_free(ein_embeddings *e) {
    if (!e) return;
    free(e->training_records);
    free(e->value);
    free(e->record_id);
    memset(e, 0, sizeof *e);
}

bool ein_embeddings_is_npy(const char *path) {
    const size_t n = strlen(path);
    return n > 4 && strcasecmp(path + n - 4, ".npy") == 0;
}

ein_status ein_embeddings_beside(const char *path, char **out) {
    const int64_t bytes = (int64_t)strlen(path) + 6;
    EIN_TRY(ein_calloc((void **)out, bytes, 1, "name of a file"));
    snprintf(*out, (size_t)bytes, "%s.json", path);
    return EIN_OK;
}
