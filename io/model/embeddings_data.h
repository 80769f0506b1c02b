/* What a file of embeddings holds, in memory (format: io/model/embeddings.h). */
#ifndef EIN_IO_MODEL_EMBEDDINGS_DATA_H
#define EIN_IO_MODEL_EMBEDDINGS_DATA_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/status.h"
#include "core/signal/contract.h"
#include "io/base/hash.h"

enum { EIN_EMBEDDINGS_VERSION = 1, EIN_EMBEDDINGS_NAME_BYTES = 64, EIN_EMBEDDINGS_MOST_WIDTH = 1 << 16 };

typedef struct {
    char embedding[EIN_EMBEDDINGS_NAME_BYTES];
    char model_hash[EIN_HASH_TEXT_BYTES];        /* "" if not known */
    char contract_text[EIN_CONTRACT_TEXT_BYTES]; /* "" if not known */
    char *training_records;                      /* NULL if not known */
    int64_t n;
    int width;
    float *value;    /* (n, width) */
    char *record_id; /* text i begins at i * id_stride */
    int64_t id_stride;
} ein_embeddings;
void ein_embeddings_free(ein_embeddings *embeddings); /* zeroes; NULL is fine */

static inline const char *ein_embeddings_id(const ein_embeddings *e, int64_t i) {
    return e->record_id + i * e->id_stride;
}

/* Whether `path` is NAME.npy; the name of what stands beside it, in fresh memory (free()). */
bool ein_embeddings_is_npy(const char *path);
ein_status ein_embeddings_beside(const char *path, char **out);

#endif
