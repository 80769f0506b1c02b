/* inspect: files of embeddings. */
#include <stdlib.h>
#include <string.h>

#include "io/hdf5/h5.h"
#include "io/model/embeddings.h"
#include "jobs/inspect/inspect.h"

bool ein_is_embeddings(const char *path) {
    hid_t file;
    char *format = NULL;
    if (ein_embeddings_is_npy(path)) return true;
    if (ein_h5_open_read(path, &file) != EIN_OK) {
        ein_error_clear();
        return false;
    }
    const bool ours =
        ein_h5_get_text(file, "format", 64, &format) == EIN_OK && strcmp(format, "einthoven embeddings") == 0;
    if (!ours) ein_error_clear();
    free(format);
    H5Fclose(file);
    return ours;
}

/* Reading checks everything that there is to check. */
ein_status ein_inspect_embeddings(ein_inspection *look) {
    ein_embeddings e;
    ein_put_text(look->out, "kind", "embeddings");
    EIN_TRY(ein_embeddings_read(look->path, &e));
    ein_put_text(look->out, "embedding", e.embedding);
    ein_put_int(look->out, "records", e.n);
    ein_put_int(look->out, "width", e.width);
    if (e.model_hash[0]) ein_put_text(look->out, "model_blake2b", e.model_hash);
    if (e.contract_text[0]) ein_put_text(look->out, "contract", e.contract_text);
    ein_embeddings_free(&e);
    return EIN_OK;
}
